/* case.c - one case: predict, access, compare. */
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "selftest/matrix/matrix.h"
#include <selfmap/translate.h>

struct matrix_outcome matrix_access(paging_virt_t address, uint64_t word, const void *code, uint64_t rflags,
                                    bool user) __attribute__((visibility("hidden")));
extern const char matrix_code[] __attribute__((visibility("hidden")));

enum { PRINTED = 8 }; /* differences */

/*
 * Predicts the error code, and accessed and dirty bits (SDM 3A, 4.8). An access that is allowed sets the
 * accessed bit in every entry of the walk. One that is refused does not change the entry at which the walk
 * ended; the entries above were used, and a processor may set their accessed bits at any time. The emulator
 * sets them at once.
 */
static void predict(const struct matrix *m, const struct matrix_query *query, struct paging_access is,
                    struct matrix_prediction *predicted)
{
    const struct paging_space *space = &m->spaces[m->controls.no_execute];
    paging_virt_t address = query->place->address;
    unsigned first = query->place->size;
    predicted->end = first;
    predicted->code = MATRIX_NO_FAULT;
    predicted->lenient_from = PAGING_MAX_LEVELS + 1;
    if (paging_check_access(space, address, is, &predicted->code) != PAGING_OK) {
        struct paging_walk_result path = {.level = space->cpu.levels};
        (void)!paging_walk_address(space, address, &path);
        predicted->end = path.level;
        first = path.level + 1;
        predicted->lenient_from = m->emulated ? predicted->lenient_from : first;
    }
    for (unsigned level = first; level <= space->cpu.levels; level++)
        predicted->entries[level].bits |= PAGING_ACCESSED;
    if (predicted->code == MATRIX_NO_FAULT && is.kind == PAGING_WRITE)
        predicted->entries[first].bits |= PAGING_DIRTY;
}

static bool entries_are(const struct matrix *m, const struct matrix_place *place,
                        const struct matrix_prediction *predicted)
{
    for (unsigned level = place->size; level <= m->t->space->cpu.levels; level++) {
        uint64_t apart = paging_entry_load(place->slots[level]).bits ^ predicted->entries[level].bits;
        if ((apart & ~(level >= predicted->lenient_from ? PAGING_ACCESSED : 0)) != 0)
            return false;
    }
    return true;
}

/* Returns the word that a write stores when memory holds `word`. The code in the low half stays. */
static uint64_t next_word(uint64_t word)
{
    return word + (UINT64_C(1) << 32);
}

static bool is_as(const struct matrix *m, const struct matrix_query *query,
                  const struct matrix_prediction *predicted, struct matrix_outcome outcome, uint64_t word)
{
    if (outcome.code != predicted->code || !entries_are(m, query->place, predicted))
        return false;
    if (outcome.code != MATRIX_NO_FAULT)
        return outcome.word == query->place->address.value && *m->word == word;
    if (query->kind == MATRIX_READ && outcome.word != word)
        return false;
    return *m->word == (query->kind == MATRIX_WRITE ? next_word(word) : word);
}

/* Returns whether the walk ends at a 1 GiB page without a bit that is reserved in every kind of entry. */
static bool ends_at_gib(const struct matrix *m, const struct matrix_prediction *predicted)
{
    const struct paging_space *space = &m->spaces[m->controls.no_execute];
    uint64_t entry = predicted->entries[predicted->end].bits, wanted = PAGING_PRESENT | PAGING_HUGE;
    return predicted->end == PAGING_1G && (entry & (wanted | space->reserved_bits)) == wanted;
}

/*
 * Changes a prediction to what QEMU 7.2 does instead. Returns which of its deviations matter for the case:
 *
 *   a reserved bit        the error code lacks PRESENT (SDM 3A, 4.7 has it)
 *   a refused 1 GiB page  gets its accessed bit set, whatever the reason for the refusal
 *   an implicit access    in ring 0 may read user pages if RFLAGS.AC is set (4.6.1: only explicit ones may)
 */
static unsigned emulate(const struct matrix *m, const struct matrix_query *query,
                        const struct matrix_prediction *before, struct matrix_prediction *predicted)
{
    unsigned deviations = 0;
    if (query->is.implicit && !query->is.user && query->is.ac && query->is.smap) {
        struct paging_access is = query->is;
        is.implicit = false;
        *predicted = *before;
        predict(m, query, is, predicted);
        deviations |= 1 << DEVIATION_IMPLICIT;
    }
    if (predicted->code != MATRIX_NO_FAULT && ends_at_gib(m, predicted)) {
        predicted->entries[predicted->end].bits |= PAGING_ACCESSED;
        deviations |= 1 << DEVIATION_ACCESSED;
    }
    if (predicted->code != MATRIX_NO_FAULT && (predicted->code & PAGING_FAULT_RESERVED)) {
        predicted->code &= ~PAGING_FAULT_PRESENT;
        deviations |= 1 << DEVIATION_RESERVED;
    }
    return deviations;
}

static bool is_as_emulated(struct matrix *m, const struct matrix_query *query,
                           const struct matrix_prediction *before, struct matrix_prediction predicted,
                           struct matrix_outcome outcome, uint64_t word)
{
    unsigned deviations = m->emulated ? emulate(m, query, before, &predicted) : 0;
    if (deviations == 0 || !is_as(m, query, &predicted, outcome, word))
        return false;
    for (unsigned i = 0; i < DEVIATIONS; i++)
        m->accepted[i] += deviations >> i & 1;
    return true;
}

/* Writes both entries and flushes, and sets *before to the entries of all levels. */
static void write_entries(const struct matrix *m, const struct matrix_query *query,
                          struct matrix_prediction *before, paging_entry_t leaf, paging_entry_t above)
{
    const struct matrix_place *place = query->place;
    for (unsigned level = place->size; level <= m->t->space->cpu.levels; level++)
        before->entries[level] = place->plain[level];
    before->entries[place->size] = leaf;
    before->entries[query->above] = above;
    paging_entry_store(place->slots[place->size], leaf);
    paging_entry_store(place->slots[query->above], above);
    paging_tlb_flush_page(place->address);
}

void matrix_case(struct matrix *m, const struct matrix_query *query, paging_entry_t leaf,
                 paging_entry_t above)
{
    struct matrix_prediction before = {0};
    write_entries(m, query, &before, leaf, above);
    struct matrix_prediction predicted = before;
    predict(m, query, query->is, &predicted);
    uint64_t word = *m->word;
    const char *code = query->is.user ? (const char *)m->user_code.value : matrix_code;
    struct matrix_outcome outcome =
        matrix_access(query->place->address, query->kind == MATRIX_WRITE ? next_word(word) : ~word,
                      code + (size_t)MATRIX_CODE_BYTES * query->kind,
                      RFLAGS_ALWAYS | (query->is.ac ? RFLAGS_AC : 0), query->is.user);
    m->cases++;
    m->faults += outcome.code != MATRIX_NO_FAULT;
    if (is_as(m, query, &predicted, outcome, word) ||
        is_as_emulated(m, query, &before, predicted, outcome, word))
        return;
    if (m->differences++ < PRINTED)
        matrix_print(m, query, &before, &predicted, outcome);
}
