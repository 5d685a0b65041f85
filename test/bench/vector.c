/* SPDX-License-Identifier: MIT */
/*
 * vector.c - the limits of ranges with ordinary stores, which the compiler may join to vectors.
 *
 * No kernel may do so to live entries. It is printed to show how far the rule "one store per entry" is from
 * what the memory can take; nothing is held against it.
 */
#include "bench.h"

static uint64_t *plain(volatile paging_entry_t *slot)
{
    return (uint64_t *)bench_fold((uintptr_t)slot);
}

void vector_map(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct survey *survey = &bench->survey;
    for (uint64_t i = 0; i < survey->table_count; i++)
        if (survey->tables[i].level < bench->world->levels)
            paging_table_zero((volatile paging_entry_t *)(bench->space.offset +
                                                          (survey->tables[i].frame << PAGING_FRAME_SHIFT)));
    for (uint64_t i = 0; i < survey->run_count; i++) {
        const struct leaf_run *run = &survey->runs[i];
        uint64_t *slot = plain(run->by_offset), leaf = run->first.bits, step = leaf_step(run->level);
        unsigned count = run->count;
        for (unsigned at = 0; at < count; at++, leaf += step)
            slot[at] = leaf;
    }
}

void vector_clear(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    for (uint64_t i = 0; i < bench->survey.run_count; i++) {
        uint64_t *slot = plain(bench->survey.runs[i].by_mode);
        unsigned count = bench->survey.runs[i].count;
        for (unsigned at = 0; at < count; at++)
            slot[at] = 0;
    }
}

void vector_protect(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    for (uint64_t i = 0; i < bench->survey.run_count; i++) {
        uint64_t *slot = plain(bench->survey.runs[i].by_mode);
        unsigned count = bench->survey.runs[i].count;
        for (unsigned at = 0; at < count; at++)
            slot[at] = (slot[at] & ~PROTECT_CLEAR) | PROTECT_SET;
    }
}
