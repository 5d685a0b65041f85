/* SPDX-License-Identifier: MIT */
/*
 * access_proof.h - the core's access to the machine (access.h) in a proof.
 *
 * An entry in a variable of a theorem is read and written like any variable. An entry at a symbolic address
 * is read from a memory that may hold anything. No theorem is about stores to that memory, flushes, or CR3.
 */
#ifndef PROOF_ACCESS_H
#define PROOF_ACCESS_H

/* Returns the address of a symbolic entry. */
static inline uint64_t address_of(const volatile paging_entry_t *entry)
{
    return uint64_t::of(::proof::of_pointer(entry));
}

/*
 * A loop that runs until it meets something in symbolic memory has a path for every number of rounds. While a
 * load_limit exists, paths with more loads than that from symbolic memory are assumed not to be taken.
 */
struct load_limit {
    static inline int loads_left = -1;

    explicit load_limit(int loads)
    {
        loads_left = loads;
    }
    ~load_limit()
    {
        loads_left = -1;
    }
};

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    if (!::proof::is_symbolic(entry))
        return *const_cast<const paging_entry_t *>(entry);
    ::proof::assume(load_limit::loads_left != 0);
    load_limit::loads_left--;
    ::proof::term memory = ::proof::variable(::proof::MEMORY, "memory");
    return {uint64_t::of(::proof::read_at(memory, address_of(entry).get()))};
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    claim(!::proof::is_symbolic(entry));
    *const_cast<paging_entry_t *>(entry) = value;
}

static inline paging_entry_t paging_entry_exchange(volatile paging_entry_t *entry, paging_entry_t value)
{
    paging_entry_t before = paging_entry_load(entry);
    paging_entry_store(entry, value);
    return before;
}

static inline void paging_entry_xor(volatile paging_entry_t *entry, uint64_t bits)
{
    paging_entry_store(entry, {paging_entry_load(entry).bits ^ bits});
}

static inline bool paging_entry_replace(volatile paging_entry_t *entry, paging_entry_t before,
                                        paging_entry_t after)
{
    if (paging_entry_load(entry).bits != before.bits)
        return false;
    paging_entry_store(entry, after);
    return true;
}

/* Declared only: a theorem that reaches one of these cannot be linked. */
void paging_tlb_flush_page(paging_virt_t address);
void paging_table_zero(volatile paging_entry_t *table);
void paging_tlb_flush_all(bool has_invpcid);
void paging_root_load(paging_phys_t root);

#endif
