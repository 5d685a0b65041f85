/* SPDX-License-Identifier: MIT */
/* survey.c - reading the tables as the manual describes them, without the core's walker. */
#include "survey.h"
#include <selfmap/window.h>
#include <stdlib.h>

/* The next element of an array that doubles whenever its length is a power of two. */
static void *grow(void **array, uint64_t *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) {
        *array = realloc(*array, (*count ? 2 * *count : 1) * size);
        if (!*array)
            abort();
    }
    return (char *)*array + (*count)++ * size;
}

static volatile paging_entry_t *table_memory(const struct paging_space *space, uint64_t frame)
{
    return (volatile paging_entry_t *)(space->offset + (frame << PAGING_FRAME_SHIFT));
}

static bool follows(const struct leaf_run *run, uint64_t table, unsigned index, paging_entry_t leaf)
{
    return run->table == table && run->index + run->count == index &&
           run->first.bits + run->count * leaf_step(run->level) == leaf.bits;
}

static void add_leaf(struct survey *survey, const struct found_table *table, unsigned index,
                     paging_entry_t leaf)
{
    survey->leaves++;
    if (survey->run_count > 0 && follows(&survey->runs[survey->run_count - 1], table->frame, index, leaf)) {
        survey->runs[survey->run_count - 1].count++;
        return;
    }
    struct leaf_run *run = grow((void **)&survey->runs, &survey->run_count, sizeof(*run));
    *run = (struct leaf_run){
        .table = table->frame,
        .page = table->page + index * paging_level_pages(table->level),
        .level = table->level,
        .index = index,
        .count = 1,
        .first = leaf,
    };
}

static void look_into(struct survey *survey, const struct paging_space *space, struct found_table table)
{
    volatile paging_entry_t *entries = table_memory(space, table.frame);
    *(struct found_table *)grow((void **)&survey->tables, &survey->table_count, sizeof(table)) = table;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        uint64_t bits = entries[i].bits;
        if (!(bits & PAGING_PRESENT) ||
            (table.level == space->cpu.levels && i == PAGING_RECURSIVE_SLOT && !space->by_direct_map))
            continue;
        if (table.level == PAGING_4K || (bits & PAGING_HUGE) != 0)
            add_leaf(survey, &table, i, (paging_entry_t){bits});
        else
            look_into(survey, space,
                      (struct found_table){
                          .frame = (bits & PAGING_FRAME_MASK) >> PAGING_FRAME_SHIFT,
                          .page = table.page + i * paging_level_pages(table.level),
                          .level = table.level - 1,
                      });
    }
}

/* Each distinct stretch that one table covers and that has a leaf in that table or below it. */
static uint64_t fewest_tables(const struct survey *survey, unsigned levels)
{
    uint64_t count = 0, last[PAGING_MAX_LEVELS + 1];
    for (unsigned level = 1; level < levels; level++)
        last[level] = UINT64_MAX;
    for (uint64_t i = 0; i < survey->run_count; i++) {
        const struct leaf_run *run = &survey->runs[i];
        for (unsigned level = run->level; level < levels; level++) {
            uint64_t stretch = run->page / paging_level_pages(level + 1);
            count += stretch != last[level];
            last[level] = stretch;
        }
    }
    return count;
}

void survey_take(struct survey *survey, const struct paging_space *space, bool windows)
{
    unsigned levels = space->cpu.levels;
    *survey = (struct survey){0};
    look_into(survey, space, (struct found_table){space->root.number, 0, levels});
    for (uint64_t i = 0; i < survey->run_count; i++) {
        struct leaf_run *run = &survey->runs[i];
        run->by_offset = run->by_mode = table_memory(space, run->table) + run->index;
        if (windows)
            run->by_mode = (volatile paging_entry_t *)(uintptr_t)paging_window_entry(
                               levels, PAGING_RECURSIVE_SLOT, run->level, (paging_page_t){run->page})
                               .value;
    }
    survey->minimum = fewest_tables(survey, levels);
}

void survey_free(struct survey *survey)
{
    free(survey->tables);
    free(survey->runs);
    *survey = (struct survey){0};
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_frame(const void *left, const void *right)
{
    const struct found_table *a = left, *b = right;
    return order(a->frame, b->frame);
}

static int by_place(const void *left, const void *right)
{
    const struct leaf_run *a = left, *b = right;
    return a->table == b->table ? order(a->index, b->index) : order(a->table, b->table);
}

void survey_sort_by_frame(struct survey *survey)
{
    qsort(survey->tables, survey->table_count, sizeof(survey->tables[0]), by_frame);
    if (survey->run_count > 0)
        qsort(survey->runs, survey->run_count, sizeof(survey->runs[0]), by_place);
}

uint64_t survey_signature(const struct survey *survey)
{
    uint64_t hash = survey->table_count;
    for (uint64_t i = 0; i < survey->run_count; i++) {
        const struct leaf_run *run = &survey->runs[i];
        const uint64_t words[] = {run->page, run->level, run->count, run->first.bits};
        for (unsigned word = 0; word < sizeof(words) / sizeof(words[0]); word++)
            hash = (hash ^ words[word]) * 0x100000001b3;
    }
    return hash;
}
