/* SPDX-License-Identifier: MIT */
/* measure_pages.c - operations on single pages, and those that change nothing. */
#include "selftest/bench/bench_run.h"
#include <selfmap/check_access.h>
#include <selfmap/for_each.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>

enum { SPARSE_PAGES = 128 };

static paging_page_t page(const struct bench_run *b, uint64_t n)
{
    return (paging_page_t){b->first.number + n};
}

static paging_virt_t address(const struct bench_run *b, uint64_t n)
{
    return (paging_virt_t){b->start.value + n * PAGING_PAGE_BYTES};
}

static paging_frame_t frame(const struct bench_run *b, uint64_t n)
{
    return (paging_frame_t){b->to.number + n};
}

static enum paging_status map_to(const struct bench_run *b, uint64_t n)
{
    return paging_map_to(b->space, page(b, n), frame(b, n), b->flags, b->source);
}

static enum paging_status unmap(const struct bench_run *b, uint64_t n)
{
    struct paging_unmapped gone;
    return paging_unmap(b->space, page(b, n), b->source, &gone);
}

static enum paging_status translate(const struct bench_run *b, uint64_t n)
{
    struct paging_translation found;
    return paging_translate(b->space, address(b, n), &found);
}

static enum paging_status walk_address(const struct bench_run *b, uint64_t n)
{
    struct paging_walk_result walk;
    return paging_walk_address(b->space, address(b, n), &walk);
}

static enum paging_status check_access(const struct bench_run *b, uint64_t n)
{
    const struct paging_access read = {
        .kind = PAGING_READ, .write_protect = true, .smep = true, .smap = true};
    uint64_t error_code;
    return paging_check_access(b->space, address(b, n), read, &error_code);
}

static enum paging_visit count_entry(void *context, const struct paging_entry_info *info)
{
    (void)info;
    ++*(uint64_t *)context;
    return PAGING_VISIT_NEXT;
}

/* Returns the pages of the whole space, the loader's regions included. */
static uint64_t leaves(const struct bench_run *b)
{
    struct paging_stats stats;
    if (paging_count(b->space, &stats) != PAGING_OK)
        return 0;
    return stats.leaves[PAGING_4K] + stats.leaves[PAGING_2M] + stats.leaves[PAGING_1G];
}

static enum paging_status for_each(const struct bench_run *b, uint64_t n)
{
    uint64_t entries = 0;
    (void)n;
    enum paging_status status = paging_for_each(b->space, count_entry, &entries);
    if (status != PAGING_OK)
        return status;
    return entries > BENCH_PAGES ? PAGING_OK : PAGING_NOT_MAPPED;
}

static enum paging_status count(const struct bench_run *b, uint64_t n)
{
    (void)n;
    return leaves(b) > BENCH_PAGES ? PAGING_OK : PAGING_NOT_MAPPED;
}

static void page_after_page(struct bench_run *b)
{
    bench_measure(b, "map_to", map_to, BENCH_PAGES, 1);
    bench_measure(b, "translate", translate, BENCH_PAGES, 1);
    bench_measure(b, "walk_address", walk_address, BENCH_PAGES, 1);
    bench_measure(b, "check_access", check_access, BENCH_PAGES, 1);
    bench_measure(b, "for_each", for_each, 1, leaves(b));
    bench_measure(b, "count", count, 1, leaves(b));
    bench_measure(b, "unmap", unmap, BENCH_PAGES, 1);
}

static enum paging_status map(const struct bench_run *b, uint64_t n)
{
    return paging_map(b->space, page(b, n), b->flags, b->source);
}

/* The frame of each page comes from the allocator and goes back to it, as those of the tables do. */
static void owned(struct bench_run *b)
{
    bench_measure(b, "map", map, BENCH_PAGES, 1);
    bench_measure(b, "unmap_owned", unmap, BENCH_PAGES, 1);
    bench_do(b, map, BENCH_PAGES);
    bench_measure(b, "unmap_range_owned", bench_unmap_area, 1, BENCH_PAGES);
}

static enum paging_status map_to_sparse(const struct bench_run *b, uint64_t n)
{
    return map_to(b, n * paging_level_pages(PAGING_1G));
}

static enum paging_status unmap_sparse(const struct bench_run *b, uint64_t n)
{
    return unmap(b, n * paging_level_pages(PAGING_1G));
}

/* One page in each GiB: every call needs a P2 and a P1, or gives them back. */
static void sparse(struct bench_run *b)
{
    bench_measure(b, "map_to_sparse", map_to_sparse, SPARSE_PAGES, 1);
    bench_measure(b, "unmap_sparse", unmap_sparse, SPARSE_PAGES, 1);
}

static enum paging_status identity_map(const struct bench_run *b, uint64_t n)
{
    return paging_identity_map(b->space, frame(b, n), b->flags, b->source);
}

static enum paging_status identity_unmap(const struct bench_run *b, uint64_t n)
{
    struct paging_unmapped gone;
    return paging_unmap(b->space, (paging_page_t){frame(b, n).number}, b->source, &gone);
}

static void identity(struct bench_run *b)
{
    bench_measure(b, "identity_map", identity_map, BENCH_PAGES, 1);
    bench_do(b, identity_unmap, BENCH_PAGES);
}

static enum paging_status set_marker(const struct bench_run *b, uint64_t n)
{
    return paging_set_marker(b->space, page(b, n), n + 1, b->source);
}

static enum paging_status clear_marker(const struct bench_run *b, uint64_t n)
{
    uint64_t value;
    enum paging_status status = paging_clear_marker(b->space, page(b, n), b->source, &value);
    return status == PAGING_OK && value != n + 1 ? PAGING_MALFORMED : status;
}

static void markers(struct bench_run *b)
{
    bench_measure(b, "set_marker", set_marker, BENCH_PAGES, 1);
    bench_measure(b, "clear_marker", clear_marker, BENCH_PAGES, 1);
}

const bench_group bench_page_groups[] = {page_after_page, owned, sparse, identity, markers, NULL};
