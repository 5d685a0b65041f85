/* SPDX-License-Identifier: MIT */
/*
 * access_mmap.h - the core's accesses as real ones, to pages that mmap_machine.c maps when they fault.
 */
#ifndef HOST_MACHINES_ACCESS_MMAP_H
#define HOST_MACHINES_ACCESS_MMAP_H

void machine_stored(void);
void machine_judge_entry(uint64_t value);
void machine_flush_page(uint64_t address);
void machine_flush_full(bool invpcid);
void machine_load_cr3(uint64_t root);

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    return (paging_entry_t){entry->bits};
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    machine_judge_entry(value.bits);
    entry->bits = value.bits;
    machine_stored();
}

static inline paging_entry_t paging_entry_exchange(volatile paging_entry_t *entry, paging_entry_t value)
{
    machine_judge_entry(value.bits);
    __asm__ volatile("xchgq %0, %1" : "+r"(value.bits), "+m"(entry->bits));
    machine_stored();
    return value;
}

static inline void paging_entry_xor(volatile paging_entry_t *entry, uint64_t bits)
{
    __asm__ volatile(PAGING_LOCK "xorq %1, %0" : "+m"(entry->bits) : "er"(bits) : "cc");
    machine_stored();
}

static inline bool paging_entry_replace(volatile paging_entry_t *entry, paging_entry_t before,
                                        paging_entry_t after)
{
    bool was_there;
    machine_judge_entry(after.bits);
    __asm__ volatile(PAGING_LOCK "cmpxchgq %3, %1"
                     : "=@ccz"(was_there), "+m"(entry->bits), "+a"(before.bits)
                     : "r"(after.bits));
    machine_stored();
    return was_there;
}

static inline void paging_table_zero(volatile paging_entry_t *table)
{
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        table[i].bits = 0;
    machine_stored();
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
