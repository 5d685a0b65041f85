/*
 * core.h - the headers of the core, unmodified, over words that are terms.
 *
 * The names that C gives its words stand for terms from here on, in the core and in the theorems after it.
 * What the core does to the machine goes to a memory that is a term too. All slots are any slot.
 */
#ifndef PROOF_CORE_H
#define PROOF_CORE_H

#include "word.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define uint64_t  ::proof::word64
#define int64_t   ::proof::signed64
#define uintptr_t ::proof::word64
#define unsigned ::proof::word32

/* The slots are checked by the preprocessor, which knows numbers only. The theorems are about any slots. */
#include <selfmap/config.h>
#ifndef PROOF_SLOTS_AS_BUILT
#    undef PAGING_RECURSIVE_SLOT
#    undef PAGING_ALTERNATE_SLOT
#    undef PAGING_SCRATCH_SLOT
#    define PAGING_RECURSIVE_SLOT ::proof::anything32("recursive slot")
#    define PAGING_ALTERNATE_SLOT ::proof::anything32("alternate slot")
#    define PAGING_SCRATCH_SLOT   ::proof::anything32("scratch slot")
#endif
#define PAGING_ACCESS_HEADER "access_proof.h"

#include "table_entry.h"
#include <selfmap/address.h>
#include <selfmap/entry.h>
#include <selfmap/window.h>

using proof::anything;
using proof::anything32;
using proof::assume;
using proof::one_of;

/* The bits first to last of a word, counted from zero: how the manual speaks of them. */
static inline uint64_t bits_from_to(uint64_t word, int first, int last)
{
    return (word >> first) & (~uint64_t(0) >> (63 - (last - first)));
}

/* The slots the core keeps are slots, and differ. */
static inline void assume_slots()
{
    const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    for (unsigned slot : slots)
        assume(slot < PAGING_TABLE_ENTRIES);
    assume(slots[0] != slots[1]);
    assume(slots[0] != slots[2]);
    assume(slots[1] != slots[2]);
}

#endif
