/* SPDX-License-Identifier: MIT */
/*
 * survey.h - which tables and leaves a space has, read from its memory by a walk of the benchmark's own.
 *
 * A survey is taken before and after a piece of work, outside of what is measured. It tells the limit what to
 * write and where, the window which pages to show, and the report how many tables there are.
 */
#ifndef BENCH_SURVEY_H
#define BENCH_SURVEY_H

#include <selfmap/space.h>

struct found_table {
    uint64_t frame;
    uint64_t page; /* the first one below the table */
    unsigned level;
};

/* Leaves side by side in one table, each with the frame that follows on the one before it. */
struct leaf_run {
    uint64_t table; /* its frame */
    uint64_t page;  /* of the first leaf */
    unsigned level, index, count;
    paging_entry_t first;
    volatile paging_entry_t *by_offset; /* where the first one is */
    volatile paging_entry_t
        *by_mode; /* the same in the world that is measured: in the window, if it has one */
};

struct survey {
    struct found_table *tables; /* the root first */
    struct leaf_run *runs;      /* in the order of the addresses */
    uint64_t table_count, run_count, leaves;
    uint64_t minimum; /* tables that pages of these addresses and sizes need, without the root */
};

/* What a leaf's frame grows by from one to the next. */
static inline uint64_t leaf_step(unsigned level)
{
    return paging_level_pages(level) << PAGING_FRAME_SHIFT;
}

/* Tables in use, without the root. */
static inline uint64_t survey_used(const struct survey *survey)
{
    return survey->table_count - 1;
}

/* The space must have been made with this offset; windows says whether by_mode shows the window. */
void survey_take(struct survey *survey, const struct paging_space *space, bool windows);
void survey_free(struct survey *survey);

/* Put tables, and runs with them, in the order of the frames, which is that in which they were taken. */
void survey_sort_by_frame(struct survey *survey);

/* A number that two surveys share if they show the same pages and as many tables. */
uint64_t survey_signature(const struct survey *survey);

#endif
