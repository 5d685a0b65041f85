/* SPDX-License-Identifier: MIT */
/*
 * What an operation on a range must flush in a space that lives through a direct map: exactly these pages.
 *
 * There are no windows, so the list follows from the leaves that go or change, and from tables that go and
 * held none. The core flushes in batches: once for each split, once for up to 32 merged tables next to each
 * other, and once for the rest. A batch of many pages is one full flush instead.
 */
#include "rig/rig_internal.h"
#include <stdlib.h>

/* flush.h: of more pages than this a full flush takes the place. merge_range.c: tables in a batch. */
#define MOST_PAGES  32u
#define MOST_TABLES 32u

#define PLACES (2 * MACHINE_FLUSH_LOG)

static struct {
    bool any;                    /* nothing is judged */
    unsigned full, count, batch; /* batch: where in `pages` the last one begins */
    unsigned tables, size;       /* merged ones of this batch, the size of the leaves in them, */
    uint64_t parent;             /* and the table that these are in */
    uint64_t pages[PLACES];
} expected;

void rig_expect_no_range_flush(void)
{
    expected.full = expected.count = expected.batch = 0;
    expected.any = false;
    expected.tables = expected.size = 0;
}

static void expect_page(uint64_t page)
{
    if (expected.count - expected.batch > MOST_PAGES)
        return; /* one more makes no difference */
    if (expected.count == PLACES)
        fail_msg("more flushes are expected than there is room for");
    expected.pages[expected.count++] = page;
}

static void end_batch(void)
{
    if (expected.count - expected.batch > MOST_PAGES) {
        expected.full++;
        expected.count = expected.batch;
    }
    expected.batch = expected.count;
}

/* As model_split_boundary, on a copy of the map: each page that is split is a batch. */
static void expect_splits_at(struct model *map, uint64_t page, uint64_t set, uint64_t clear)
{
    for (;;) {
        const struct model_leaf *leaf = model_overlap(map, page, 1);
        if (!leaf || leaf->page == page || leaf->marker ||
            (!(clear & PAGING_PRESENT) && model_changed_flags(leaf, set, clear) == leaf->flags))
            return;
        expect_page(leaf->page);
        end_batch();
        model_split(map, page);
    }
}

static struct model map;

static void expect_splits(uint64_t page, uint64_t pages, uint64_t set, uint64_t clear)
{
    rig_expect_no_range_flush();
    model_copy(&map, rig.at->model);
    expect_splits_at(&map, page, set, clear);
    expect_splits_at(&map, page + pages, set, clear);
}

void rig_expect_split(uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    rig_expect_no_range_flush();
    if (leaf)
        expect_page(leaf->page);
    end_batch();
}

/* Tables that `after` does not have any more, and that held markers only, in no lower table. */
static void expect_leafless_tables(const struct model *before, const struct model *after)
{
    for (unsigned level = 1; level < before->levels; level++) {
        uint64_t span = paging_level_pages(level + 1), last = ~(uint64_t)0;
        for (unsigned i = 0; i < before->count; i++) {
            uint64_t start = before->leaves[i].page & ~(span - 1);
            bool holds_more = false;
            if (start == last || before->leaves[i].size > level)
                continue;
            last = start;
            for (unsigned j = i; j < before->count && before->leaves[j].page < start + span; j++)
                holds_more |= before->leaves[j].size < level || !before->leaves[j].marker;
            if (!holds_more && !model_has_table(after, level, start))
                expect_page(start);
        }
    }
}

void rig_expect_unmapped(uint64_t page, uint64_t pages)
{
    expect_splits(page, pages, 0, PAGING_PRESENT);
    for (unsigned i = model_first(&map, page); i < map.count && map.leaves[i].page < page + pages; i++)
        if (!map.leaves[i].marker)
            expect_page(map.leaves[i].page);
    expect_leafless_tables(&map, &rig_after);
    end_batch();
}

void rig_expect_protected(uint64_t page, uint64_t pages, uint64_t set, uint64_t clear)
{
    expect_splits(page, pages, set, clear);
    for (unsigned i = model_first(&map, page); i < map.count && map.leaves[i].page < page + pages; i++)
        if (map.leaves[i].page >= page &&
            model_changed_flags(&map.leaves[i], set, clear) != map.leaves[i].flags)
            expect_page(map.leaves[i].page);
    end_batch();
}

/*
 * Tables that go while a range moves are flushed 32 at a time, and how many pages each time is not
 * predicted.
 */
static bool empties_many_tables(void)
{
    unsigned tables = 0;
    for (unsigned level = 1; level < rig_after.levels; level++) {
        uint64_t span = paging_level_pages(level + 1), last = ~(uint64_t)0;
        for (unsigned i = 0; i < rig.at->model->count; i++) {
            uint64_t start = rig.at->model->leaves[i].page & ~(span - 1);
            if (start != last && rig.at->model->leaves[i].size <= level)
                tables += !model_has_table(&rig_after, level, start);
            last = start;
        }
    }
    return tables > MOST_TABLES;
}

void rig_expect_moved(uint64_t page, uint64_t pages)
{
    const struct model *before = rig.at->model;
    rig_expect_no_range_flush();
    for (unsigned i = model_first(before, page); i < before->count; i++)
        if (before->leaves[i].page >= page && before->leaves[i].page < page + pages &&
            !before->leaves[i].marker)
            expect_page(before->leaves[i].page);
    expect_leafless_tables(before, &rig_after);
    end_batch();
    expected.any = empties_many_tables();
}

void rig_expect_cleared(uint64_t page, uint64_t pages, uint64_t which)
{
    const struct model *before = rig.at->model;
    rig_expect_no_range_flush();
    for (unsigned i = model_first(before, page); i < before->count; i++) {
        const struct model_leaf *leaf = &before->leaves[i];
        if (leaf->page >= page && leaf->page + paging_level_pages(leaf->size) <= page + pages &&
            !leaf->marker && (leaf->flags & which) != 0)
            expect_page(leaf->page);
    }
    end_batch();
}

void rig_expect_merged(uint64_t page, unsigned size)
{
    uint64_t span = paging_level_pages(size), parent = page / paging_level_pages(size + 2);
    bool is_alone = size > PAGING_4K || expected.size != size || expected.parent != parent;
    if (is_alone || expected.tables == MOST_TABLES) {
        end_batch();
        expected.tables = 0;
    }
    expected.tables++;
    expected.size = size;
    expected.parent = parent;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        expect_page(page + i * span);
}

static int by_number(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

void rig_judge_exact_flushes(void)
{
    static uint64_t flushed[MACHINE_FLUSH_LOG];
    end_batch();
    if (rig.at->space->mode == PAGING_MODE_DIRECT) /* a test may have marked it inactive by itself */
        rig_expect_no_range_flush();
    if (expected.any)
        return;
    assert_int_equal(machine_full_flushes(), expected.full);
    assert_int_equal(machine_flushes(), expected.count);
    for (unsigned i = 0; i < expected.count; i++)
        flushed[i] = rig_page(machine_flushed(i)).number;
    qsort(flushed, expected.count, sizeof(*flushed), by_number);
    qsort(expected.pages, expected.count, sizeof(*expected.pages), by_number);
    for (unsigned i = 0; i < expected.count; i++)
        if (flushed[i] != expected.pages[i])
            fail_msg("%#lx was flushed, expected %#lx", (unsigned long)rig_address(flushed[i]),
                     (unsigned long)rig_address(expected.pages[i]));
}
