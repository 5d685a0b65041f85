/* SPDX-License-Identifier: MIT */
/*
 * limits.c - the least that ranges take: nothing is looked up, nothing is checked, entries are stored.
 *
 * The loops are unrolled, so that the limit is the stores and not the counting.
 */
#include "bench.h"

static void zero_table(const struct bench *bench, const struct found_table *table)
{
    if (table->level < bench->world->levels) /* the root was there before */
        paging_table_zero(
            (volatile paging_entry_t *)(bench->space.offset + (table->frame << PAGING_FRAME_SHIFT)));
}

/* New tables are filled where the core fills them: by direct map. */
static void store_leaves(const struct leaf_run *run)
{
    paging_entry_t leaf = run->first;
    uint64_t step = leaf_step(run->level);
    volatile paging_entry_t *slot = run->by_offset;
#pragma GCC unroll 8
    for (unsigned left = run->count; left > 0; left--, slot++) {
        paging_entry_store(slot, leaf);
        leaf.bits += step;
    }
}

void limit_fill(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct leaf_run *end = bench->survey.runs + bench->survey.run_count;
    for (const struct leaf_run *run = bench->survey.runs; run < end; run++)
        store_leaves(run);
}

void limit_map(struct bench *bench, const struct operations *operations)
{
    const struct survey *survey = &bench->survey;
    for (uint64_t i = 0; i < survey->table_count; i++)
        zero_table(bench, &survey->tables[i]);
    limit_fill(bench, operations);
}

void limit_allocate(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct survey *survey = &bench->survey;
    struct paging_frame_source *frames = &bench->frames.source;
    const struct leaf_run *end = survey->runs + survey->run_count;
    paging_frame_t frame = {0};
    for (uint64_t i = 0; i < survey->table_count; i++) {
        bench->failures +=
            !frames->allocate(frames, &bench->space, PAGING_FRAME_FOR_TABLE, PAGING_4K, &frame);
        zero_table(bench, &survey->tables[i]);
    }
    for (const struct leaf_run *run = survey->runs; run < end; run++) {
        volatile paging_entry_t *slot = run->by_offset;
        const uint64_t flags = paging_entry_flags(run->first);
        for (unsigned left = run->count; left > 0; left--, slot++) {
            bench->failures +=
                !frames->allocate(frames, &bench->space, PAGING_FRAME_FOR_PAGE, PAGING_4K, &frame);
            paging_entry_store(slot, paging_entry_make(frame, flags));
        }
    }
}

/* Here runs and tables are both in the order of their frames, and each run is in a table of its own. */
void limit_map_each(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct survey *survey = &bench->survey;
    const struct leaf_run *run = survey->runs, *end = run + survey->run_count;
    for (uint64_t i = 0; i < survey->table_count; i++) {
        zero_table(bench, &survey->tables[i]);
        for (; run < end && run->table == survey->tables[i].frame; run++)
            store_leaves(run);
    }
}

void limit_clear(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct leaf_run *end = bench->survey.runs + bench->survey.run_count;
    for (const struct leaf_run *run = bench->survey.runs; run < end; run++) {
        volatile paging_entry_t *slot = run->by_mode;
#pragma GCC unroll 8
        for (unsigned left = run->count; left > 0; left--, slot++)
            paging_entry_store(slot, (paging_entry_t){0});
    }
}

void limit_give_back(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    struct paging_frame_source *frames = &bench->frames.source;
    const struct leaf_run *end = bench->survey.runs + bench->survey.run_count;
    for (const struct leaf_run *run = bench->survey.runs; run < end; run++) {
        volatile paging_entry_t *slot = run->by_mode;
        paging_frame_t frame = paging_entry_frame(run->first);
        for (unsigned left = run->count; left > 0; left--, slot++, frame.number++) {
            paging_entry_store(slot, (paging_entry_t){0});
            frames->release(frames, &bench->space, PAGING_FRAME_FOR_PAGE, PAGING_4K, frame);
        }
    }
}

void limit_protect(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct leaf_run *end = bench->survey.runs + bench->survey.run_count;
    for (const struct leaf_run *run = bench->survey.runs; run < end; run++) {
        volatile paging_entry_t *slot = run->by_mode;
#pragma GCC unroll 8
        for (unsigned left = run->count; left > 0; left--, slot++)
            paging_entry_store(
                slot, (paging_entry_t){(paging_entry_load(slot).bits & ~PROTECT_CLEAR) | PROTECT_SET});
    }
}

/* Each run of leaves is in a table of its own. */
void limit_clone(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    const struct survey *survey = &bench->survey;
    struct paging_frame_source *frames = &bench_sharing.source;
    const struct leaf_run *end = survey->runs + survey->run_count;
    paging_frame_t table = {0};
    for (const struct leaf_run *run = survey->runs; run < end; run++) {
        bench->failures +=
            !frames->allocate(frames, &bench->space, PAGING_FRAME_FOR_TABLE, PAGING_4K, &table);
        volatile paging_entry_t *slot = run->by_mode;
        volatile paging_entry_t *to =
            (volatile paging_entry_t *)(bench->space.offset + (table.number << PAGING_FRAME_SHIFT));
        paging_table_zero(to);
        for (unsigned left = run->count; left > 0; left--, slot++, to++) {
            paging_entry_t leaf = paging_entry_load(slot);
            bench->failures += !frames->share(frames, &bench->space, PAGING_4K, paging_entry_frame(leaf));
            leaf.bits = (leaf.bits & ~PROTECT_CLEAR) | PAGING_SHARED_FRAME | PAGING_COPY_ON_WRITE;
            paging_entry_store(slot, leaf);
            paging_entry_store(to, leaf);
        }
    }
}
