/* SPDX-License-Identifier: MIT */
/*
 * access_soft.h - the core's accesses as calls into an emulated processor (soft_machine.c).
 *
 * An address inside the machine's memory is an access by offset; every other one is translated.
 */
#ifndef HOST_MACHINES_ACCESS_SOFT_H
#define HOST_MACHINES_ACCESS_SOFT_H

uint64_t machine_load(uintptr_t address);
bool machine_load_guarded(uintptr_t address, uint64_t *value);
void machine_store(uintptr_t address, uint64_t value);
uint64_t machine_exchange(uintptr_t address, uint64_t value);
void machine_xor(uintptr_t address, uint64_t bits);
bool machine_replace(uintptr_t address, uint64_t before, uint64_t after);
void machine_flush_page(uint64_t address);
void machine_flush_full(bool invpcid);
void machine_load_cr3(uint64_t root);

/* Which processor an operation runs on: machine.h. */
unsigned machine_processor(void);
#define PAGING_PROCESSOR_INDEX() machine_processor()

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    return (paging_entry_t){machine_load((uintptr_t)entry)};
}

#define PAGING_EMULATES_GUARDED_LOAD

static inline bool paging_entry_load_guarded(const volatile paging_entry_t *entry, paging_entry_t *value)
{
    return machine_load_guarded((uintptr_t)entry, &value->bits);
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    machine_store((uintptr_t)entry, value.bits);
}

static inline paging_entry_t paging_entry_exchange(volatile paging_entry_t *entry, paging_entry_t value)
{
    return (paging_entry_t){machine_exchange((uintptr_t)entry, value.bits)};
}

static inline void paging_entry_xor(volatile paging_entry_t *entry, uint64_t bits)
{
    machine_xor((uintptr_t)entry, bits);
}

static inline bool paging_entry_replace(volatile paging_entry_t *entry, paging_entry_t before,
                                        paging_entry_t after)
{
    return machine_replace((uintptr_t)entry, before.bits, after.bits);
}

/* Word by word, so that a test can look at memory after each. */
static inline void paging_table_zero(volatile paging_entry_t *table)
{
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        machine_store((uintptr_t)table + i * sizeof(paging_entry_t), 0);
}

static inline void paging_tlb_flush_page(paging_virt_t address)
{
    machine_flush_page(address.value);
}

static inline void paging_tlb_flush_all(bool has_invpcid)
{
    machine_flush_full(has_invpcid);
}

static inline void paging_root_load(paging_phys_t root)
{
    machine_load_cr3(root.value >> PAGING_PAGE_SHIFT);
}

#endif
