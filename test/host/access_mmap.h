/*
 * access_mmap.h - the core's accesses as real ones, to pages that machine_mmap.c maps when they fault.
 */
#ifndef HOST_ACCESS_MMAP_H
#define HOST_ACCESS_MMAP_H

void machine_stored(void);
void machine_flush_page(uint64_t address);
void machine_flush_full(bool invpcid);
void machine_load_cr3(uint64_t root);

static inline entry_t entry_load(const volatile entry_t *entry)
{
    return (entry_t){entry->bits};
}

static inline void entry_store(volatile entry_t *entry, entry_t value)
{
    entry->bits = value.bits;
    machine_stored();
}

static inline void table_zero(volatile entry_t *table)
{
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        table[i].bits = 0;
    machine_stored();
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
