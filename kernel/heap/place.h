/* SPDX-License-Identifier: MIT */
/*
 * place.h - what there is at an address. For this room only.
 */
#ifndef KERNEL_HEAP_PLACE_H
#define KERNEL_HEAP_PLACE_H

#include "heap/finding.h"

enum heap_where {
    WHERE_NOWHERE, /* not in the pages for blocks, or in one that no block has used */
    WHERE_BLOCK,   /* the first byte of a live block */
    WHERE_INSIDE,  /* in the chunk or the pages of a live block, somewhere else */
    WHERE_BROKEN,  /* the same, and its header is broken: `bytes` and `allocated_by` are not known */
    WHERE_FREE,    /* in free memory */
    WHERE_BEHIND,  /* debug mode: in the unmapped page behind a live block */
};

struct heap_place {
    enum heap_where where;
    uintptr_t block; /* its first byte. Of free memory, the address itself, as far as nothing is known */
    uint64_t bytes;  /* as were asked for */
    uintptr_t allocated_by, freed_by;
    uintptr_t red_start, red_end; /* the bytes behind a live block that nobody may write to */
    uintptr_t gap_start;          /* debug mode: from here to the block nobody may write either */
};

/* Returns the finding about this place, except its address, which is what the call was about. */
static inline struct heap_finding finding_about(const struct heap_place *place, enum heap_status kind,
                                                uintptr_t address, uintptr_t caller)
{
    return (struct heap_finding){.kind = kind,
                                 .address = address,
                                 .block = place->block,
                                 .bytes = place->bytes,
                                 .allocated_by = place->allocated_by,
                                 .freed_by = place->freed_by,
                                 .caller = caller};
}

/*
 * Tells what is wrong with what surrounds a live block: HEAP_UNDERRUN, HEAP_OVERRUN. Returns HEAP_OK if
 * nothing is.
 */
enum heap_status heap_check_around(struct heap *heap, const struct heap_place *place, uintptr_t caller);

#endif
