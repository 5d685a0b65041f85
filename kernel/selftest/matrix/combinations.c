/* SPDX-License-Identifier: MIT */
/* combinations.c - every combination of bits, or a sample with a fixed stride. */
#include "cpu/descriptors.h"
#include "selftest/matrix/matrix.h"

static unsigned count_axes(const uint64_t axes[8])
{
    unsigned count = 0;
    while (count < 8 && axes[count] != 0)
        count++;
    return count;
}

/* Sets bit axes[i] if bit i of n is set, and clears it if not; then sets the bits in `always`. */
static paging_entry_t vary(paging_entry_t plain, const uint64_t axes[8], unsigned count, uint64_t n,
                           uint64_t always)
{
    uint64_t bits = plain.bits;
    for (unsigned i = 0; i < count; i++)
        bits = n >> i & 1 ? bits | axes[i] : bits & ~axes[i];
    return (paging_entry_t){bits | always};
}

static void restore(const struct matrix_query *query)
{
    const struct matrix_place *place = query->place;
    paging_entry_store(place->slots[place->size], place->plain[place->size]);
    paging_entry_store(place->slots[query->above], place->plain[query->above]);
    paging_tlb_flush_page(place->address);
}

void matrix_try(struct matrix *m, const struct matrix_query *query, const struct matrix_axes *axes,
                unsigned stride)
{
    const struct matrix_place *place = query->place;
    unsigned leaf_axes = count_axes(axes->leaf), above_axes = count_axes(axes->above);
    uint64_t cases = UINT64_C(1) << (leaf_axes + above_axes), n;
    descriptors_set_ldt(place->address.value); /* for MATRIX_IMPLICIT */
    for (n = m->next; n < cases; n += stride)
        matrix_case(
            m, query, vary(place->plain[place->size], axes->leaf, leaf_axes, n, axes->leaf_always),
            vary(place->plain[query->above], axes->above, above_axes, n >> leaf_axes, axes->above_always));
    /* The next sample continues where this one ended, so that all of them together are spread evenly. */
    m->next = stride > 1 ? n - cases : 0;
    restore(query);
}
