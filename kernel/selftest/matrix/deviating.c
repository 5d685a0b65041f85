/* SPDX-License-Identifier: MIT */
/* deviating.c - a case as an emulator does it that is known to differ from the manual. */
#include "selftest/deviations.h"
#include "selftest/matrix/matrix.h"

#define ALL_ACCESS_DISABLE UINT32_C(0x55555555) /* of PKRU: the bit AD of each key */

/* A prediction while it is changed. `is` is what the emulator takes the access for. */
struct deviating {
    const struct matrix *m;
    const struct matrix_query *query;
    const struct matrix_prediction *before; /* the entries before the access */
    struct paging_access is;
    struct matrix_prediction *predicted;
};

/* Returns whether the walk ends at a 1 GiB page without a bit that is reserved in every kind of entry. */
static bool ends_at_gib(const struct matrix *m, const struct matrix_prediction *predicted)
{
    const struct paging_space *space = &m->spaces[m->controls.no_execute];
    uint64_t entry = predicted->entries[predicted->end].bits, wanted = PAGING_PRESENT | PAGING_HUGE;
    return predicted->end == PAGING_1G && (entry & (wanted | space->reserved_bits)) == wanted;
}

/* The manual (4.6.1): only an explicit access is let through SMAP by RFLAGS.AC. */
static bool through_smap(struct deviating *d, bool user)
{
    bool applies = d->is.implicit && d->is.user == user && d->is.ac && d->is.smap;
    d->is.smap = d->is.smap && !applies;
    return applies;
}

static bool implicit_in_ring_0(struct deviating *d)
{
    return through_smap(d, false);
}

static bool implicit_in_ring_3(struct deviating *d)
{
    return through_smap(d, true);
}

/* The manual (4.6.2): the bit AD of a key refuses every access to data in a user page. */
static bool no_ad_for_supervisor(struct deviating *d)
{
    bool is_supervisor = !d->is.user || d->is.implicit;
    bool applies = d->is.protection_keys && is_supervisor && (d->is.pkru & ALL_ACCESS_DISABLE);
    d->is.pkru &= applies ? ~ALL_ACCESS_DISABLE : ~UINT32_C(0);
    return applies;
}

/* The manual (4.7): the bit PRESENT is set, because every entry is present. */
static bool reserved_not_present(struct deviating *d)
{
    if (d->predicted->code == MATRIX_NO_FAULT || !(d->predicted->code & PAGING_FAULT_RESERVED))
        return false;
    d->predicted->code &= ~PAGING_FAULT_PRESENT;
    return true;
}

/* The manual (4.8): what ends a walk is not used, and not marked. Here it is, why ever it is refused. */
static bool refused_gib_accessed(struct deviating *d)
{
    if (d->predicted->code == MATRIX_NO_FAULT || !ends_at_gib(d->m, d->predicted))
        return false;
    d->predicted->entries[d->predicted->end].bits |= PAGING_ACCESSED;
    return true;
}

static bool is_user_page(const struct deviating *d)
{
    uint64_t all = PAGING_USER;
    for (unsigned level = d->query->place->size; level <= d->m->t->space->cpu.levels; level++)
        all &= d->before->entries[level].bits;
    return all != 0;
}

/* The manual (4.6.2): keys are for user pages only. */
static bool keys_for_supervisor_pages(struct deviating *d)
{
    enum { ACCESS_DISABLE = 1, WRITE_DISABLE = 2 };
    const unsigned size = d->query->place->size;
    uint64_t code = d->predicted->code, key = d->before->entries[size].bits >> PAGING_KEY_SHIFT & 15;
    bool ends_at_leaf = code == MATRIX_NO_FAULT ||
                        (code & (PAGING_FAULT_PRESENT | PAGING_FAULT_RESERVED)) == PAGING_FAULT_PRESENT;
    bool is_user = d->is.user && !d->is.implicit, is_write = d->is.kind == PAGING_WRITE;
    uint64_t refused =
        (is_user ? ACCESS_DISABLE : 0) | (is_write && (is_user || d->is.write_protect) ? WRITE_DISABLE : 0);
    if (!d->is.protection_keys || d->is.kind == PAGING_FETCH || is_user_page(d) || !ends_at_leaf ||
        !(d->is.pkru >> (2 * key) & refused))
        return false;
    *d->predicted = *d->before;
    matrix_predict_end(d->m, d->query, size,
                       PAGING_FAULT_PRESENT | PAGING_FAULT_KEY | (is_write ? PAGING_FAULT_WRITE : 0) |
                           (is_user ? PAGING_FAULT_USER : 0),
                       d->predicted);
    return true;
}

/* First what changes the access that is predicted, then what changes the prediction. */
enum { FIRST_OF_PREDICTION = 3 };
static const struct {
    enum deviation deviation;
    bool (*applies)(struct deviating *d); /* changes it; returns whether that matters for the case */
} ways[] = {
    {DEVIATION_IMPLICIT, implicit_in_ring_0},     {DEVIATION_IMPLICIT_USER, implicit_in_ring_3},
    {DEVIATION_KEY_ACCESS, no_ad_for_supervisor}, {DEVIATION_RESERVED, reserved_not_present},
    {DEVIATION_ACCESSED, refused_gib_accessed},   {DEVIATION_KEY_SUPERVISOR, keys_for_supervisor_pages},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* Returns a set of deviations as bits of `ways`: those that are known here. */
static unsigned known_ways(void)
{
    unsigned known = 0;
    for (unsigned i = 0; i < WAYS; i++)
        known |= deviation_is_known(ways[i].deviation) ? 1u << i : 0;
    return known;
}

/* Predicts the case with this set of deviations. Returns false if one of them makes no difference for it. */
static bool predict_with(unsigned set, const struct matrix *m, const struct matrix_query *query,
                         const struct matrix_prediction *before, struct matrix_prediction *predicted)
{
    struct deviating d = {.m = m, .query = query, .before = before, .is = query->is, .predicted = predicted};
    *predicted = *before;
    for (unsigned i = 0; i < WAYS; i++) {
        if (i == FIRST_OF_PREDICTION)
            matrix_predict(m, query, d.is, predicted);
        if ((set >> i & 1) && !ways[i].applies(&d))
            return false;
    }
    return true;
}

bool matrix_deviates(struct matrix *m, const struct matrix_difference *found)
{
    const unsigned known = known_ways();
    struct matrix_prediction predicted;
    for (unsigned set = 1; set < 1u << WAYS; set++) {
        if ((set & ~known) != 0 || !predict_with(set, m, &found->query, &found->before, &predicted) ||
            !matrix_is_as(m, &found->query, &predicted, found->outcome, found->memory))
            continue;
        for (unsigned i = 0; i < WAYS; i++) {
            if (set >> i & 1)
                (void)deviation_count(ways[i].deviation);
            if (set == 1u << i)
                matrix_example_add(&m->deviations[ways[i].deviation], found);
        }
        m->accepted++;
        return true;
    }
    return false;
}
