/*
 * access_proof.h - the core's six ways to the machine, where memory is a term.
 *
 * An entry that a theorem holds itself is read and written as ever. What a load and a store do at an address
 * that is a term, the theme says before it includes the core's files (cpuid.h).
 */
#ifndef PROOF_ACCESS_H
#define PROOF_ACCESS_H

static inline paging_entry_t machine_load(uint64_t address);
static inline void machine_store(uint64_t address, uint64_t value);
static inline void machine_flush(uint64_t address);

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    if (!::proof::is_under_proof(entry))
        return *const_cast<const paging_entry_t *>(entry);
    return machine_load(uint64_t::of(::proof::of_pointer(entry)));
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    if (!::proof::is_under_proof(entry))
        *const_cast<paging_entry_t *>(entry) = value;
    else
        machine_store(uint64_t::of(::proof::of_pointer(entry)), value.bits);
}

static inline void paging_tlb_flush_page(paging_virt_t address)
{
    machine_flush(address.value);
}

/* No theorem makes a table, flushes everything or changes the root. */
void paging_table_zero(volatile paging_entry_t *table);
void paging_tlb_flush_all(bool has_invpcid);
void paging_root_load(paging_phys_t root);

#endif
