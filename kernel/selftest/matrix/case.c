/* SPDX-License-Identifier: MIT */
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
 * An access that is allowed sets the accessed bit in every entry of the walk (SDM 3A, 4.8). One that is
 * refused does not change the entry at which the walk ended; the entries above were used, and a processor may
 * set their accessed bits at any time. QEMU sets them at once.
 */
void matrix_predict_end(const struct matrix *m, const struct matrix_query *query, unsigned level,
                        uint64_t code, struct matrix_prediction *predicted)
{
    bool is_allowed = code == MATRIX_NO_FAULT;
    unsigned first = is_allowed ? level : level + 1;
    predicted->code = code;
    predicted->end = level;
    predicted->lenient_from = is_allowed || m->marks_at_once ? PAGING_MAX_LEVELS + 1 : first;
    for (unsigned i = first; i <= m->t->space->cpu.levels; i++)
        predicted->entries[i].bits |= PAGING_ACCESSED;
    if (is_allowed && query->is.kind == PAGING_WRITE)
        predicted->entries[level].bits |= PAGING_DIRTY;
}

void matrix_predict(const struct matrix *m, const struct matrix_query *query, struct paging_access is,
                    struct matrix_prediction *predicted)
{
    const struct paging_space *space = &m->spaces[m->controls.no_execute];
    paging_virt_t address = query->place->address;
    struct paging_walk_result path = {.level = query->place->size};
    uint64_t code = MATRIX_NO_FAULT;
    if (paging_check_access(space, address, is, &code) != PAGING_OK)
        (void)!paging_walk_address(space, address, &path);
    matrix_predict_end(m, query, path.level, code, predicted);
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

bool matrix_is_as(const struct matrix *m, const struct matrix_query *query,
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
    matrix_predict(m, query, query->is, &predicted);
    uint64_t word = *m->word;
    const char *code = query->is.user ? (const char *)m->user_code.value : matrix_code;
    struct matrix_outcome outcome =
        matrix_access(query->place->address, query->kind == MATRIX_WRITE ? next_word(word) : ~word,
                      code + (size_t)MATRIX_CODE_BYTES * query->kind,
                      RFLAGS_ALWAYS | (query->is.ac ? RFLAGS_AC : 0), query->is.user);
    m->cases++;
    m->faults += outcome.code != MATRIX_NO_FAULT;
    if (matrix_is_as(m, query, &predicted, outcome, word))
        return;
    struct matrix_difference found = {.query = *query,
                                      .controls = m->controls,
                                      .before = before,
                                      .predicted = predicted,
                                      .outcome = outcome,
                                      .memory = word,
                                      .memory_after = *m->word};
    for (unsigned level = query->place->size; level <= m->t->space->cpu.levels; level++)
        found.after[level] = paging_entry_load(query->place->slots[level]);
    if (matrix_deviates(m, &found))
        return;
    if (m->differences++ < PRINTED)
        matrix_print(m, &found);
    matrix_count(m, &found);
}
