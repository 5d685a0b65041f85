/* SPDX-License-Identifier: MIT */
/*
 * core.h - the core's headers, unmodified, compiled over symbolic words.
 *
 * From here on, the names of C's words stand for terms, in the core as well as in the theorems. The reserved
 * root slots are symbolic too: a theorem holds for all slots that config.h accepts.
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

/* config.h checks the slots in the preprocessor, which knows only numbers. So they are redefined after it. */
#define PAGING_HEADERS_ONLY
#include <selfmap/config.h>
#undef PAGING_RECURSIVE_SLOT
#undef PAGING_ALTERNATE_SLOT
#undef PAGING_SCRATCH_SLOT
#define PAGING_RECURSIVE_SLOT ::proof::anything32("recursive slot")
#define PAGING_ALTERNATE_SLOT ::proof::anything32("alternate slot")
#define PAGING_SCRATCH_SLOT   ::proof::anything32("scratch slot")
#define PAGING_ACCESS_HEADER  "access_proof.h"

#include "table_entry.h"
#include <selfmap/address.h>
#include <selfmap/entry.h>
#include <selfmap/window.h>

using proof::anything;
using proof::anything32;
using proof::assume;
using proof::one_of;

/* Returns the bits `first` to `last` of a word, counted from zero, as the manual writes them. */
static inline uint64_t bits_from_to(uint64_t word, int first, int last)
{
    return (word >> first) & (~uint64_t(0) >> (63 - (last - first)));
}

/* Assumes of the slots what config.h checks. The alternate and the scratch slot may be 512: there is none. */
static inline void assume_slots()
{
    assume(PAGING_RECURSIVE_SLOT < 512);
    assume(PAGING_ALTERNATE_SLOT <= 512 && PAGING_ALTERNATE_SLOT != PAGING_RECURSIVE_SLOT);
    assume(PAGING_SCRATCH_SLOT <= 512 && PAGING_SCRATCH_SLOT != PAGING_RECURSIVE_SLOT);
    assume(PAGING_ALTERNATE_SLOT != PAGING_SCRATCH_SLOT || !PAGING_HAS_SCRATCH_SLOT);
}

#endif
