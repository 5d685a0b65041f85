/* SPDX-License-Identifier: MIT */
/* works.c - what is measured: the setups, the core's part of each work, and the loops over single pages. */
#include "bench.h"
#include <selfmap/clone.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/test_and_clear.h>

#define FLAGS (PAGING_WRITABLE | PAGING_USER)

/* ---- ranges -------------------------------------------------------------------------------------------- */

static uint64_t stride(const struct bench *bench)
{
    return bench->work->stride ? bench->work->stride : bench->size.bytes;
}

static void expect(struct bench *bench, enum paging_status status)
{
    bench->failures += status != PAGING_OK;
}

void map_ranges(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    struct paging_frame_source *frames = &bench->frames.source;
    uint64_t bytes = bench->size.bytes, to = bench->work->to;
    paging_virt_t start = {bench->start};
    for (unsigned i = 0; i < bench->size.count; i++, start.value += stride(bench), to += bytes)
        if (bench->work->identity)
            expect(bench, paging_identity_map_range(&bench->space, (paging_phys_t){start.value}, bytes, FLAGS,
                                                    frames));
        else
            expect(bench, paging_map_range(&bench->space, start, (paging_phys_t){to}, bytes, FLAGS, frames));
}

void map_ranges_alloc(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_virt_t start = {bench->start};
    for (unsigned i = 0; i < bench->size.count; i++, start.value += stride(bench))
        expect(bench,
               paging_map_range_alloc(&bench->space, start, bench->size.bytes, FLAGS, &bench->frames.source));
}

void unmap_ranges(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_virt_t start = {bench->start};
    bool whole = bench->work->whole;
    uint64_t bytes = whole ? bench->size.count * stride(bench) : bench->size.bytes;
    for (unsigned i = 0; i < (whole ? 1 : bench->size.count); i++, start.value += stride(bench))
        expect(bench, paging_unmap_range(&bench->space, start, bytes, &bench->frames.source));
}

void protect_ranges(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_virt_t start = {bench->start};
    for (unsigned i = 0; i < bench->size.count; i++, start.value += stride(bench))
        expect(bench, paging_protect_range(&bench->space, start, bench->size.bytes, PROTECT_SET,
                                           PROTECT_CLEAR, &bench->frames.source));
}

void set_up_dirty(struct bench *bench)
{
    map_ranges(bench, NULL);
    paging_virt_t start = {bench->start};
    for (unsigned i = 0; i < bench->size.count; i++, start.value += stride(bench))
        expect(bench, paging_protect_range(&bench->space, start, bench->size.bytes, PAGING_DIRTY, 0,
                                           &bench->frames.source));
}

/* Without a callback. */
void clear_dirty(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_virt_t start = {bench->start};
    for (unsigned i = 0; i < bench->size.count; i++, start.value += stride(bench))
        expect(bench,
               paging_test_and_clear(&bench->space, start, bench->size.bytes, PAGING_DIRTY, NULL, NULL));
}

void split_leaves(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    for (uint64_t i = 0; i < bench->units; i++, page.number += paging_level_pages(bench->work->leaf))
        expect(bench, paging_split(&bench->space, page, &bench->frames.source));
}

void set_up_ranges(struct bench *bench)
{
    map_ranges(bench, NULL);
}

static bool allocate_small(struct paging_frame_source *source, const struct paging_space *space,
                           enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    (void)space, (void)use;
    return size == PAGING_4K && frames_allocate((struct frames *)source, PAGING_4K, frame) == FRAMES_OK;
}

/* Until the memory is started again. */
void set_up_small_frames(struct bench *bench)
{
    bench->frames.source.allocate = allocate_small;
}

void set_up_allocated(struct bench *bench)
{
    set_up_small_frames(bench);
    map_ranges_alloc(bench, NULL);
}

void set_up_owned(struct bench *bench)
{
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    for (uint64_t i = 0; i < bench->units; i++, page.number++)
        expect(bench, paging_map(&bench->space, page, FLAGS, &bench->frames.source));
}

/* ---- a second space ------------------------------------------------------------------------------------ */

struct frames_sharing bench_sharing;

void set_up_shareable(struct bench *bench)
{
    static uint16_t owners[MEMORY_FRAMES];
    set_up_owned(bench);
    frames_sharing_init(&bench_sharing, &bench->frames.source, owners, (paging_frame_t){0},
                        (paging_frame_t){MEMORY_FRAMES});
}

/* With the new space's root, which is one table of many. */
void clone_space(struct bench *bench, const struct operations *operations)
{
    struct paging_space clone;
    (void)operations;
    expect(bench, paging_create_sibling(&clone, &bench->space, &bench_sharing.source));
    expect(bench, paging_clone_lower_half(&bench->space, &clone, &bench_sharing.source));
}

/*
 * ---- page after page: the same loops for the core, for the bare walk and for nothing ----------------------
 *
 * Failures are counted in a register: a counter in memory would be what the loop waits for.
 */

void map_pages(struct bench *bench, const struct operations *operations)
{
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    paging_frame_t frame = {bench->work->to / PAGING_PAGE_BYTES};
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, page.number++, frame.number++)
        failures += operations->map_to(&bench->space, page, frame, FLAGS, &bench->frames.source) != PAGING_OK;
    bench->failures += failures;
}

void map_scattered(struct bench *bench, const struct operations *operations)
{
    paging_frame_t frame = {bench->work->to / PAGING_PAGE_BYTES};
    unsigned failures = 0;
    for (uint64_t i = 0; i < bench->units; i++, frame.number++)
        failures += operations->map_to(&bench->space, (paging_page_t){bench->numbers[i]}, frame, FLAGS,
                                       &bench->frames.source) != PAGING_OK;
    bench->failures += failures;
}

void unmap_pages(struct bench *bench, const struct operations *operations)
{
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    struct paging_unmapped unmapped;
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, page.number++)
        failures += operations->unmap(&bench->space, page, &bench->frames.source, &unmapped) != PAGING_OK;
    bench->failures += failures;
}

/* Frames of the caller's, that each page owns from then on. */
void map_owned_pages(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    paging_frame_t frame = {bench->work->to / PAGING_PAGE_BYTES};
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, page.number++, frame.number++)
        failures += paging_map_owned(&bench->space, page, frame, PAGING_4K, FLAGS, &bench->frames.source) !=
                    PAGING_OK;
    bench->failures += failures;
}

/* One at a time, what protect_ranges changes at once. */
void protect_pages(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, page.number++)
        failures += paging_protect(&bench->space, page, PROTECT_SET, PROTECT_CLEAR) != PAGING_OK;
    bench->failures += failures;
}

/* Each page gets the frame that it has, with the flags of protect_ranges. */
void remap_pages(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_page_t page = {bench->start / PAGING_PAGE_BYTES};
    paging_frame_t frame = {bench->work->to / PAGING_PAGE_BYTES};
    struct paging_unmapped replaced;
    const uint64_t flags = (FLAGS | PROTECT_SET) & ~PROTECT_CLEAR;
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, page.number++, frame.number++)
        failures += paging_remap(&bench->space, page, frame, flags, false, &bench->frames.source,
                                 &replaced) != PAGING_OK;
    bench->failures += failures;
}

void translate_pages(struct bench *bench, const struct operations *operations)
{
    struct paging_translation translation;
    unsigned failures = 0;
    for (uint64_t i = 0; i < bench->units; i++)
        failures += operations->translate(&bench->space, (paging_virt_t){bench->numbers[i]}, &translation) !=
                    PAGING_OK;
    bench->failures += failures;
}

/* ---- list after list ---- */

#define MOST_PAGES 64u /* in a list */

static const paging_page_t *list_at(const struct bench *bench, uint64_t i)
{
    return (const paging_page_t *)bench->numbers + i;
}

void map_lists(struct bench *bench, const struct operations *operations)
{
    const unsigned count = bench->work->list;
    unsigned failures = 0;
    for (uint64_t i = 0; i < bench->units; i += count)
        failures +=
            operations->map_list(&bench->space, list_at(bench, i), (const paging_frame_t *)bench->to + i,
                                 count, FLAGS, &bench->frames.source) != PAGING_OK;
    bench->failures += failures;
}

void unmap_lists(struct bench *bench, const struct operations *operations)
{
    const unsigned count = bench->work->list;
    struct paging_unmapped unmapped[MOST_PAGES];
    unsigned failures = 0;
    for (uint64_t i = 0; i < bench->units; i += count)
        failures += operations->unmap_list(&bench->space, list_at(bench, i), count, &bench->frames.source,
                                           unmapped) != PAGING_OK;
    bench->failures += failures;
}

void translate_lists(struct bench *bench, const struct operations *operations)
{
    const unsigned count = bench->work->list;
    struct paging_page_translation translations[MOST_PAGES];
    unsigned failures = 0;
    for (uint64_t i = 0; i < bench->units; i += count)
        failures +=
            operations->translate_list(&bench->space, list_at(bench, i), count, translations) != PAGING_OK;
    bench->failures += failures;
}

/* All pages of the work's range, and the frames they go to. */
void set_up_map_list(struct bench *bench)
{
    for (uint64_t i = 0; i < bench->units; i++) {
        bench->numbers[i] = bench->start / PAGING_PAGE_BYTES + i;
        bench->to[i] = bench->work->to / PAGING_PAGE_BYTES + i;
    }
}

void set_up_mapped_list(struct bench *bench)
{
    set_up_map_list(bench);
    map_ranges(bench, NULL);
}

/* Another number below 2^bits for each number below: odd factors and shifts lose nothing. */
static uint64_t scatter(uint64_t number, unsigned bits)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (unsigned round = 0; round < 3; round++) {
        number = number * 0x9e3779b97f4a7c15 & mask;
        number ^= number >> (bits / 2);
    }
    return number;
}

/* Addresses in the work's range, which is mapped. */
void set_up_translate(struct bench *bench)
{
    unsigned bits = (unsigned)__builtin_ctzll(bench->units);
    map_ranges(bench, NULL);
    for (uint64_t i = 0; i < bench->units; i++)
        bench->numbers[i] = bench->start + scatter(i, bits) * PAGING_PAGE_BYTES + i % PAGING_PAGE_BYTES;
}

/* Pages anywhere in 128 TiB, but not below a slot that the core keeps. */
void set_up_scattered(struct bench *bench)
{
    const unsigned bits = 47 - PAGING_PAGE_SHIFT;
    uint64_t drawn = 0, first = bench->start / PAGING_PAGE_BYTES;
    for (uint64_t i = 0; i < bench->units; drawn++) {
        paging_page_t page = {first + scatter(drawn, bits)};
        unsigned slot = paging_page_index(page, bench->world->levels);
        if (slot != PAGING_RECURSIVE_SLOT && slot != PAGING_ALTERNATE_SLOT)
            bench->numbers[i++] = page.number;
    }
}

/* ---- the frame allocator ------------------------------------------------------------------------------- */

void allocate_frames(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    paging_frame_t frame = {0};
    uint64_t *number = bench->numbers;
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, number++) {
        failures += frames_allocate(&bench->frames, PAGING_4K, &frame) != FRAMES_OK;
        *number = frame.number;
    }
    bench->failures += failures;
}

/* The harness's loop by itself. */
void touch_numbers(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    uint64_t *number = bench->numbers;
    for (uint64_t left = bench->units; left > 0; left--, number++)
        __asm__ volatile("" : "+m"(*number));
}

void free_frames(struct bench *bench, const struct operations *operations)
{
    (void)operations;
    uint64_t *number = bench->numbers;
    unsigned failures = 0;
    for (uint64_t left = bench->units; left > 0; left--, number++)
        failures += frames_free(&bench->frames, PAGING_4K, (paging_frame_t){*number}) != FRAMES_OK;
    bench->failures += failures;
}

void set_up_free(struct bench *bench)
{
    allocate_frames(bench, NULL);
}
