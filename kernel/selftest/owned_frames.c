/* SPDX-License-Identifier: MIT */
/* owned_frames.c - pages with frames of the frame source: huge ones, parts of them, pages on demand. */
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>

enum { PAGES_AROUND = 3, BLOCKS = 2, DEMAND_PAGES = 6 };

static unsigned size_at(struct selftest_run *t, paging_page_t page)
{
    struct paging_translation found = {0};
    bool mapped = paging_translate(t->space, test_address(t, page), &found) == PAGING_OK;
    return mapped && found.owned ? found.size : 0;
}

/* Returns how many runs of this size the allocator has, at most `most`. */
static unsigned runs_free(struct selftest_run *t, enum paging_size size, unsigned most)
{
    paging_frame_t taken[BLOCKS];
    unsigned count = 0;
    while (count < most && frames_allocate(t->frames, size, &taken[count]) == FRAMES_OK)
        count++;
    for (unsigned i = 0; i < count; i++)
        CHECK(frames_free(t->frames, size, taken[i]) == FRAMES_OK);
    return count;
}

static void unmap(struct selftest_run *t, paging_page_t first, uint64_t pages)
{
    paging_virt_t start = test_address(t, first);
    CHECK_OK(paging_unmap_range(t->space, start, pages * PAGING_PAGE_BYTES, t->source));
    CHECK(safe_read(start).faulted);
}

/* Writes another word to each page, which shows that no frame was taken twice. */
static void range_takes_huge_frames(struct selftest_run *t)
{
    uint64_t span = paging_level_pages(PAGING_2M), pages = BLOCKS * span + 2 * (uint64_t)PAGES_AROUND;
    uint64_t free = frames_free_count(t->frames), wrong = 0;
    paging_page_t first = test_page(t, span - PAGES_AROUND);
    unsigned runs = runs_free(t, PAGING_2M, BLOCKS);
    if (!CHECK_OK(paging_map_range_alloc(t->space, test_address(t, first), pages * PAGING_PAGE_BYTES,
                                         PAGING_WRITABLE, t->source)))
        return;
    for (unsigned i = 0; i < BLOCKS; i++)
        CHECK(size_at(t, test_page(t, (i + 1) * span)) == (i < runs ? PAGING_2M : PAGING_4K));
    CHECK(size_at(t, first) == PAGING_4K && size_at(t, test_page(t, (BLOCKS + 1) * span)) == PAGING_4K);
    for (uint64_t n = 0; n < pages; n++)
        test_words(t, (paging_page_t){first.number + n})[1] = n;
    for (uint64_t n = 0; n < pages; n++)
        wrong += test_words(t, (paging_page_t){first.number + n})[1] != n;
    CHECK(wrong == 0);
    unmap(t, first, pages);
    CHECK(frames_free_count(t->frames) == free);
    CHECK(runs_free(t, PAGING_2M, BLOCKS) == runs);
}

/* The frame is filled through another page, and then given to its own. */
static void filled_frame_is_owned(struct selftest_run *t)
{
    uint64_t free = frames_free_count(t->frames), wrong = 0;
    paging_page_t other = test_page(t, 0), page = test_page(t, PAGING_TABLE_ENTRIES);
    struct paging_unmapped gone;
    paging_frame_t frame;
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &frame) == FRAMES_OK))
        return;
    CHECK_OK(paging_map_to(t->space, other, frame, PAGING_WRITABLE, t->source));
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        test_words(t, other)[i] = ~(uint64_t)i;
    CHECK_OK(paging_unmap(t->space, other, t->source, &gone));
    CHECK(gone.frame.number == frame.number && !gone.released);
    CHECK_STATUS(paging_map_owned(t->space, page, frame, PAGING_4K, PAGING_OWNED, t->source),
                 PAGING_BAD_FLAGS);
    CHECK_OK(paging_map_owned(t->space, page, frame, PAGING_4K, 0, t->source));
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        wrong += test_words(t, page)[i] != ~(uint64_t)i;
    CHECK(wrong == 0 && size_at(t, page) == PAGING_4K);
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
    CHECK(gone.frame.number == frame.number && gone.released);
    CHECK(frames_free_count(t->frames) == free);
}

/* The first pages go entry by entry, the next 512 with their table. */
static void moved_pages_keep_their_bytes(struct selftest_run *t)
{
    uint64_t span = paging_level_pages(PAGING_2M), pages = span + PAGES_AROUND, wrong = 0;
    uint64_t free = frames_free_count(t->frames), bytes = pages * PAGING_PAGE_BYTES;
    paging_page_t first = test_page(t, span - PAGES_AROUND), there = test_page(t, 5 * span - PAGES_AROUND);
    if (!CHECK_OK(paging_map_range_alloc(t->space, test_address(t, first), bytes,
                                         PAGING_WRITABLE | PAGING_LARGEST_4K, t->source)))
        return;
    for (uint64_t n = 0; n < pages; n++)
        test_words(t, (paging_page_t){first.number + n})[1] = n;
    CHECK_OK(paging_move_range(t->space, test_address(t, first), test_address(t, there), bytes, t->source));
    CHECK(safe_read(test_address(t, first)).faulted &&
          safe_read(test_address(t, test_page(t, span))).faulted);
    for (uint64_t n = 0; n < pages; n++)
        wrong += test_words(t, (paging_page_t){there.number + n})[1] != n;
    CHECK(wrong == 0);
    CHECK_STATUS(paging_move_range(t->space, test_address(t, there), test_address(t, test_page(t, 5 * span)),
                                   bytes, t->source),
                 PAGING_RANGE_TOO_LONG);
    unmap(t, there, pages);
    CHECK(frames_free_count(t->frames) == free);
}

static void range_takes_a_gigabyte(struct selftest_run *t)
{
    paging_page_t first = test_page(t, 0), last = test_page(t, paging_level_pages(PAGING_1G) - 1);
    if (!t->space->cpu.has_1g_pages || runs_free(t, PAGING_1G, 1) == 0 ||
        frames_free_count(t->frames) < paging_level_pages(PAGING_1G) + paging_level_pages(PAGING_2M) + 8) {
        t->skip = "no 1 GiB pages, or no memory for one and its tables";
        return;
    }
    if (!CHECK_OK(paging_map_range_alloc(t->space, test_address(t, first), paging_level_bytes(PAGING_1G),
                                         PAGING_WRITABLE, t->source)))
        return;
    CHECK(size_at(t, first) == PAGING_1G && size_at(t, last) == PAGING_1G);
    test_words(t, first)[0] = 1;
    test_words(t, last)[0] = 2;
    CHECK(test_words(t, first)[0] == 1 && test_words(t, last)[0] == 2);
    unmap(t, first, paging_level_pages(PAGING_1G));
    CHECK(runs_free(t, PAGING_1G, 1) == 1);
}

/* Unmaps four pages in the middle of a 2 MiB page, one at a time. */
static void frames_come_back_one_by_one(struct selftest_run *t)
{
    uint64_t span = paging_level_pages(PAGING_2M);
    paging_page_t first = test_page(t, 0), last = test_page(t, span - 1), hole = test_page(t, 100);
    if (runs_free(t, PAGING_2M, 1) == 0) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    if (!CHECK_OK(paging_map_range_alloc(t->space, test_address(t, first), paging_level_bytes(PAGING_2M),
                                         PAGING_WRITABLE, t->source)))
        return;
    CHECK(size_at(t, first) == PAGING_2M);
    test_words(t, first)[3] = 0x1111;
    test_words(t, last)[3] = 0x2222;
    uint64_t free = frames_free_count(t->frames) - 1; /* of the table */
    for (unsigned i = 0; i < 4; i++, hole.number++) {
        unmap(t, hole, 1);
        CHECK(frames_free_count(t->frames) == ++free);
    }
    CHECK(size_at(t, first) == PAGING_4K && size_at(t, hole) == PAGING_4K);
    CHECK(test_words(t, first)[3] == 0x1111 && test_words(t, last)[3] == 0x2222);
    unmap(t, first, span);
}

/* Does what a page fault handler does for a page on demand: reads the marker, maps a frame, tries again. */
static void map_on_demand(struct selftest_run *t, paging_page_t page, uint64_t value)
{
    struct paging_walk_result walk;
    paging_virt_t address = test_address(t, page);
    uint64_t flushes = paging_counted(t->space).flushes;
    struct safe_access access = safe_write(address, value);
    CHECK(access.faulted && access.error_code == 2 && access.address == address.value);
    CHECK_STATUS(paging_walk_address(t->space, address, &walk), PAGING_MARKED);
    CHECK(walk.level == PAGING_4K && paging_marker_value(walk.entries[PAGING_4K]) == value);
    CHECK_STATUS(paging_map(t->space, page, PAGING_WRITABLE, t->source), PAGING_MARKED);
    CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE | PAGING_REPLACE_MARKER, t->source));
    CHECK(paging_counted(t->space).flushes == flushes && !safe_write(address, value).faulted);
}

static void markers_become_pages(struct selftest_run *t)
{
    for (unsigned i = 0; i < DEMAND_PAGES; i++)
        CHECK_OK(paging_set_marker(t->space, test_page(t, i), 0x700 + i, t->source));
    uint64_t free = frames_free_count(t->frames);
    for (unsigned i = 1; i < DEMAND_PAGES; i += 2)
        map_on_demand(t, test_page(t, i), 0x700 + i);
    CHECK(frames_free_count(t->frames) == free - DEMAND_PAGES / 2);
    for (unsigned i = 0; i < DEMAND_PAGES; i++) {
        struct safe_access access = safe_read(test_address(t, test_page(t, i)));
        CHECK(i % 2 == 0 ? access.faulted : access.value == 0x700 + i);
    }
    unmap(t, test_page(t, 0), DEMAND_PAGES);
}

/* 64 MiB and a page that are filled on demand take a handful of tables. One page of them is. */
static void ranges_become_pages(struct selftest_run *t)
{
    const uint64_t bytes = 32 * paging_level_bytes(PAGING_2M) + PAGING_PAGE_BYTES;
    paging_page_t inside = test_page(t, 5 * paging_level_pages(PAGING_2M) + 3), next = {inside.number + 1};
    paging_virt_t start = test_address(t, test_page(t, 0));
    uint64_t tables = paging_counted(t->space).tables, value = 0;
    CHECK_OK(paging_set_marker_range(t->space, start, bytes, 0x41, 0, t->source));
    CHECK(paging_counted(t->space).tables <= tables + t->space->cpu.levels - 1);
    CHECK(safe_write(test_address(t, inside), 1).faulted);
    CHECK_STATUS(paging_map(t->space, inside, PAGING_WRITABLE, t->source), PAGING_MARKED);
    CHECK_OK(paging_map(t->space, inside, PAGING_WRITABLE | PAGING_REPLACE_MARKER, t->source));
    CHECK(!safe_write(test_address(t, inside), 1).faulted);
    CHECK(safe_write(test_address(t, next), 1).faulted);
    CHECK(paging_clear_marker(t->space, next, t->source, &value) == PAGING_OK && value == 0x41);
    CHECK_STATUS(paging_clear_marker(t->space, next, t->source, &value), PAGING_NOT_MAPPED);
    CHECK_OK(paging_unmap_range(t->space, start, bytes, t->source));
    CHECK(paging_counted(t->space).tables == tables);
}

const struct selftest owned_frame_tests[] = {
    {"owned: a range gets huge frames while there are any, and gives all back", range_takes_huge_frames},
    {"owned: a GiB is one page of one frame, and comes back whole", range_takes_a_gigabyte},
    {"owned: a 2 MiB page is split by a hole, its frames come back one by one", frames_come_back_one_by_one},
    {"owned: a marker gives way to a page when it is accessed", markers_become_pages},
    {"move_range: pages and whole tables arrive with their bytes", moved_pages_keep_their_bytes},
    {"owned: a frame that was filled before keeps its bytes, and goes back", filled_frame_is_owned},
    {"marker: a range takes few tables, and each page is filled by itself", ranges_become_pages},
    {0},
};
