/* SPDX-License-Identifier: MIT */
/* measure_ranges.c - operations on many pages at a time, and on huge pages. */
#include "selftest/bench/bench_run.h"
#include <selfmap/map.h>
#include <selfmap/range.h>

#define RANGE_BYTES (BENCH_RANGE_PAGES * PAGING_PAGE_BYTES)

static paging_page_t huge_page(const struct bench_run *b, uint64_t n)
{
    return (paging_page_t){b->first.number + n * paging_level_pages(PAGING_2M)};
}

static paging_virt_t huge_start(const struct bench_run *b, uint64_t n)
{
    return (paging_virt_t){b->start.value + n * paging_level_bytes(PAGING_2M)};
}

/* Maps to an address that is one page off, so that no huge page fits. */
static enum paging_status map_4k(const struct bench_run *b, uint64_t n)
{
    paging_phys_t to = {paging_frame_start(b->to).value + PAGING_PAGE_BYTES};
    (void)n;
    return paging_map_range(b->space, b->start, to, RANGE_BYTES, b->flags, b->source);
}

static enum paging_status map_2m(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return paging_map_range(b->space, b->start, paging_frame_start(b->to), RANGE_BYTES, b->flags, b->source);
}

static enum paging_status make_writable(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return paging_protect_range(b->space, b->start, RANGE_BYTES, PAGING_WRITABLE, 0, b->source);
}

enum paging_status bench_unmap_area(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return paging_unmap_range(b->space, b->start, RANGE_BYTES, b->source);
}

/* Unmaps all pages of a P1 except the last: each leaf has to be cleared. */
static enum paging_status unmap_part(const struct bench_run *b, uint64_t n)
{
    return paging_unmap_range(b->space, huge_start(b, n), paging_level_bytes(PAGING_2M) - PAGING_PAGE_BYTES,
                              b->source);
}

static void small_leaves(struct bench_run *b)
{
    bench_measure(b, "map_range_4k", map_4k, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "protect_range_4k", make_writable, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "protect_range_4k_again", make_writable, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "unmap_range_4k", bench_unmap_area, 1, BENCH_RANGE_PAGES);
    bench_do(b, map_4k, 1);
    bench_measure(b, "unmap_range_4k_parts", unmap_part, BENCH_HUGE_PAGES, paging_level_pages(PAGING_2M) - 1);
    bench_do(b, bench_unmap_area, 1);
}

static void huge_leaves(struct bench_run *b)
{
    bench_measure(b, "map_range_2m", map_2m, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "protect_range_2m", make_writable, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "unmap_range_2m", bench_unmap_area, 1, BENCH_RANGE_PAGES);
}

static enum paging_status map_huge(const struct bench_run *b, uint64_t n)
{
    paging_frame_t to = {b->to.number + n * paging_level_pages(PAGING_2M)};
    return paging_map_sized(b->space, huge_page(b, n), to, PAGING_2M, b->flags, b->source);
}

static enum paging_status unmap_huge(const struct bench_run *b, uint64_t n)
{
    struct paging_unmapped gone;
    return paging_unmap(b->space, huge_page(b, n), b->source, &gone);
}

static void one_by_one(struct bench_run *b)
{
    bench_measure(b, "map_sized_2m", map_huge, BENCH_HUGE_PAGES, paging_level_pages(PAGING_2M));
    bench_measure(b, "unmap_2m", unmap_huge, BENCH_HUGE_PAGES, paging_level_pages(PAGING_2M));
}

static enum paging_status split(const struct bench_run *b, uint64_t n)
{
    return paging_split(b->space, huge_page(b, n), b->source);
}

static enum paging_status merge(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return paging_merge_range(b->space, b->start, RANGE_BYTES, b->source);
}

/* Changes the rights of the first 4 KiB of a huge page, so that it is split. */
static enum paging_status protect_first_page(const struct bench_run *b, uint64_t n)
{
    return paging_protect_range(b->space, huge_start(b, n), PAGING_PAGE_BYTES, PAGING_WRITABLE, 0, b->source);
}

static void splits(struct bench_run *b)
{
    bench_do(b, map_2m, 1);
    bench_measure(b, "split_2m", split, BENCH_HUGE_PAGES, paging_level_pages(PAGING_2M));
    bench_measure(b, "merge_range", merge, 1, BENCH_RANGE_PAGES);
    bench_measure(b, "protect_range_split", protect_first_page, BENCH_HUGE_PAGES, 1);
    bench_do(b, bench_unmap_area, 1);
}

static enum paging_status identity_map(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return paging_identity_map_range(b->space, paging_frame_start(b->to), RANGE_BYTES, b->flags, b->source);
}

static enum paging_status identity_unmap(const struct bench_run *b, uint64_t n)
{
    (void)n;
    paging_virt_t start = {paging_frame_start(b->to).value};
    return paging_unmap_range(b->space, start, RANGE_BYTES, b->source);
}

static void identity(struct bench_run *b)
{
    bench_measure(b, "identity_map_range", identity_map, 1, BENCH_RANGE_PAGES);
    bench_do(b, identity_unmap, 1);
}

const bench_group bench_range_groups[] = {small_leaves, huge_leaves, one_by_one, splits, identity, NULL};
