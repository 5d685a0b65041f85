/*
 * access.h - the only six ways in which the core touches the machine.
 *
 * Every access to an entry is one volatile 64-bit load or store: a live entry must never be seen half
 * written, and the processor may set accessed and dirty bits at any time. A host test compiles the same
 * core with PAGING_ACCESS_HEADER naming a header that defines these six functions for an emulated machine.
 */
#ifndef SELFMAP_ACCESS_H
#define SELFMAP_ACCESS_H

#include <selfmap/entry.h>

#ifdef PAGING_ACCESS_HEADER
#    include PAGING_ACCESS_HEADER
#else

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    /* The analyzer takes the address of a window for a possible NULL. */
    return (paging_entry_t){entry->bits}; /* NOLINT(clang-analyzer-core.NullDereference) */
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    entry->bits = value.bits;
}

/* Zero a whole table that nothing points to yet. */
static inline void paging_table_zero(volatile paging_entry_t *table)
{
    uint64_t count = PAGING_TABLE_ENTRIES;
    __asm__ volatile("rep stosq" : "+D"(table), "+c"(count) : "a"(0ull) : "memory");
}

/*
 * Forget the translation of the page that contains the address, and every cached path through upper tables
 * (SDM 3A, 4.10.4.1). If a larger page maps it, all of that page is forgotten.
 */
static inline void paging_tlb_flush_page(paging_virt_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address.value) : "memory");
}

/*
 * Forget everything, global pages included (SDM 3A, 4.10.4.1): INVPCID of type 2 does that, where CPUID has
 * it, and so does a change of CR4.PGE. Loading CR3 does not.
 */
static inline void paging_tlb_flush_all(bool has_invpcid)
{
    if (has_invpcid) {
        const uint64_t descriptor[2] = {0}, all_and_global = 2;
        __asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"(all_and_global) : "memory");
        return;
    }
    const uint64_t page_global = 1 << 7;
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 ^ page_global) : "memory");
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/* Make another root the active one. Everything is forgotten but global pages (SDM 3A, 4.10.4.1). */
static inline void paging_root_load(paging_phys_t root)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(root.value) : "memory");
}

#endif
#endif
