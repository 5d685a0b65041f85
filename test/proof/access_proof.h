/*
 * access_proof.h - the core's six ways to the machine, where memory is a term.
 *
 * An entry that a theorem holds itself is read and written as ever. What a load and a store do at an address
 * that is a term, the theme says before it includes the core's files (processor.h).
 */
#ifndef PROOF_ACCESS_H
#define PROOF_ACCESS_H

static inline entry_t machine_load(uint64_t address);
static inline void machine_store(uint64_t address, uint64_t value);
static inline void machine_flush(uint64_t address);

static inline entry_t entry_load(const volatile entry_t *entry)
{
    if (!::proof::is_under_proof(entry))
        return *const_cast<const entry_t *>(entry);
    return machine_load(uint64_t::of(::proof::of_pointer(entry)));
}

static inline void entry_store(volatile entry_t *entry, entry_t value)
{
    if (!::proof::is_under_proof(entry))
        *const_cast<entry_t *>(entry) = value;
    else
        machine_store(uint64_t::of(::proof::of_pointer(entry)), value.bits);
}

static inline void tlb_flush_page(virt_addr_t address)
{
    machine_flush(address.value);
}

/* No theorem makes a table, flushes everything or changes the root. */
void table_zero(volatile entry_t *table);
void tlb_flush_all(bool has_invpcid);
void root_load(phys_addr_t root);

#endif
