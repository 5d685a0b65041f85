/*
 * access_soft.h - the core's accesses as calls into an emulated processor (machine_soft.c).
 *
 * An address inside the machine's memory is an access by offset; every other one is translated.
 */
#ifndef HOST_ACCESS_SOFT_H
#define HOST_ACCESS_SOFT_H

uint64_t machine_load(uintptr_t address);
void machine_store(uintptr_t address, uint64_t value);
void machine_flush_page(uint64_t address);
void machine_flush_full(bool invpcid);
void machine_load_cr3(uint64_t root);

static inline entry_t entry_load(const volatile entry_t *entry)
{
    return (entry_t){machine_load((uintptr_t)entry)};
}

static inline void entry_store(volatile entry_t *entry, entry_t value)
{
    machine_store((uintptr_t)entry, value.bits);
}

/* Word by word, so that a test can look at memory after each. */
static inline void table_zero(volatile entry_t *table)
{
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        machine_store((uintptr_t)table + i * sizeof(entry_t), 0);
}

static inline void tlb_flush_page(virt_addr_t address)
{
    machine_flush_page(address.value);
}

static inline void tlb_flush_all(bool has_invpcid)
{
    machine_flush_full(has_invpcid);
}

static inline void root_load(phys_addr_t root)
{
    machine_load_cr3(root.value >> PAGE_SHIFT);
}

#endif
