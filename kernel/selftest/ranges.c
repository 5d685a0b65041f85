/* SPDX-License-Identifier: MIT */
/* ranges.c - operations on many pages at a time. */
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/test_and_clear.h>
#include <selfmap/translate.h>

enum { PAGES_AROUND = 3 };

static unsigned size_at(struct selftest_run *t, paging_page_t page)
{
    struct paging_translation found = {0};
    return paging_translate(t->space, test_address(t, page), &found) == PAGING_OK ? found.size : 0;
}

enum { RUN_BLOCKS = 4, DRAWN = 32 };

static bool is_among(const paging_frame_t *taken, unsigned count, uint64_t number)
{
    for (unsigned i = 0; i < count; i++)
        if (taken[i].number == number)
            return true;
    return false;
}

static bool begins_run(const paging_frame_t *taken, unsigned count, paging_frame_t first)
{
    unsigned blocks = 1;
    while (blocks < RUN_BLOCKS &&
           is_among(taken, count, first.number + blocks * paging_level_pages(PAGING_2M)))
        blocks++;
    return blocks == RUN_BLOCKS;
}

/*
 * Takes four blocks of 2 MiB that lie side by side; free_run gives them back. Takes many blocks first and
 * gives the others back, because the allocator promises no order. Skips the test and returns false if there
 * are no such four.
 */
static bool take_run(struct selftest_run *t, paging_frame_t *run)
{
    paging_frame_t taken[DRAWN];
    unsigned count = 0, first = 0;
    while (count < DRAWN && frames_allocate(t->frames, PAGING_2M, &taken[count]) == FRAMES_OK)
        count++;
    while (first < count && !begins_run(taken, count, taken[first]))
        first++;
    bool found = first < count;
    *run = found ? taken[first] : (paging_frame_t){0};
    while (count > 0) {
        paging_frame_t block = taken[--count];
        if (!found || block.number - run->number >= RUN_BLOCKS * paging_level_pages(PAGING_2M))
            CHECK(frames_free(t->frames, PAGING_2M, block) == FRAMES_OK);
    }
    if (!found)
        t->skip = "no 8 MiB of memory in one piece";
    return found;
}

static void free_run(struct selftest_run *t, paging_frame_t run)
{
    for (unsigned i = 0; i < RUN_BLOCKS; i++)
        CHECK(frames_free(t->frames, PAGING_2M,
                          (paging_frame_t){run.number + i * paging_level_pages(PAGING_2M)}) == FRAMES_OK);
}

/* Three 4 KiB pages, two 2 MiB pages and three 4 KiB pages, one after the other. */
struct mixed_range {
    paging_frame_t run;
    paging_page_t first;
    paging_virt_t start;
    uint64_t pages;
};

static bool map_mixed(struct selftest_run *t, struct mixed_range *r)
{
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!take_run(t, &r->run))
        return false;
    r->first = test_page(t, span - PAGES_AROUND);
    r->start = test_address(t, r->first);
    r->pages = 2 * (span + PAGES_AROUND);
    paging_phys_t to = paging_frame_start((paging_frame_t){r->run.number + span - PAGES_AROUND});
    CHECK_OK(
        paging_map_range(t->space, r->start, to, r->pages * PAGING_PAGE_BYTES, PAGING_WRITABLE, t->source));
    return true;
}

static void unmap_mixed(struct selftest_run *t, const struct mixed_range *r)
{
    CHECK_OK(paging_unmap_range(t->space, r->start, r->pages * PAGING_PAGE_BYTES, t->source));
    CHECK(safe_read(r->start).faulted);
    free_run(t, r->run);
}

static void largest_pages(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M), tables = paging_counted(t->space).tables;
    if (!map_mixed(t, &r))
        return;
    CHECK(size_at(t, r.first) == PAGING_4K);
    CHECK(size_at(t, test_page(t, span)) == PAGING_2M && size_at(t, test_page(t, 3 * span - 1)) == PAGING_2M);
    CHECK(size_at(t, test_page(t, 3 * span)) == PAGING_4K);
    CHECK(paging_counted(t->space).tables ==
          tables + (t->space->cpu.levels - 2) + 2); /* down to the P2, and two P1s */
    for (uint64_t n = 0; n < r.pages; n++)
        test_words(t, (paging_page_t){r.first.number + n})[1] = n;
    uint64_t wrong = 0;
    for (uint64_t n = 0; n < r.pages; n++)
        wrong += test_words(t, (paging_page_t){r.first.number + n})[1] != n;
    CHECK(wrong == 0);
    unmap_mixed(t, &r);
}

static void protect_is_enforced(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!map_mixed(t, &r))
        return;
    paging_page_t inside = test_page(t, span + 7);
    paging_virt_t address = test_address(t, inside), next = {address.value + PAGING_PAGE_BYTES};
    CHECK(!safe_write(address, 1).faulted && !safe_write(next, 2).faulted);
    CHECK_OK(paging_protect_range(t->space, address, PAGING_PAGE_BYTES, 0, PAGING_WRITABLE, t->source));
    CHECK(size_at(t, inside) == PAGING_4K);
    struct safe_access access = safe_write(address, 3);
    CHECK(access.faulted && access.error_code == 3);
    CHECK(!safe_write(next, 4).faulted);
    CHECK(safe_read(address).value == 1 && safe_read(next).value == 4);
    uint64_t flushes = paging_counted(t->space).flushes, full = paging_counted(t->space).full_flushes;
    CHECK_OK(paging_protect_range(t->space, address, PAGING_PAGE_BYTES, 0, PAGING_WRITABLE, t->source));
    CHECK(paging_counted(t->space).flushes == flushes && paging_counted(t->space).full_flushes == full);
    unmap_mixed(t, &r);
}

/* The pages stay whole, and what lies beside them may still be written. */
static void protect_one_page(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!map_mixed(t, &r))
        return;
    const paging_page_t pages[] = {r.first, test_page(t, span)};
    for (unsigned i = 0; i < 2; i++) {
        paging_virt_t address = test_address(t, pages[i]);
        unsigned size = size_at(t, pages[i]);
        CHECK(!safe_write(address, 1).faulted);
        CHECK_OK(paging_protect(t->space, pages[i], 0, PAGING_WRITABLE));
        struct safe_access access = safe_write(address, 3);
        CHECK(access.faulted && access.error_code == 3 && size_at(t, pages[i]) == size);
        uint64_t flushes = paging_counted(t->space).flushes;
        CHECK_OK(paging_protect(t->space, pages[i], 0, PAGING_WRITABLE));
        CHECK(paging_counted(t->space).flushes == flushes);
        CHECK_OK(paging_protect(t->space, pages[i], PAGING_WRITABLE, 0));
        CHECK(!safe_write(address, 4).faulted && safe_read(address).value == 4);
    }
    CHECK_STATUS(paging_protect(t->space, test_page(t, span + 1), 0, PAGING_WRITABLE), PAGING_INSIDE_HUGE);
    unmap_mixed(t, &r);
}

struct written {
    const struct selftest_run *t;
    paging_page_t first;
    uint64_t pages; /* a bit for each of the first pages that was shown */
};

static enum paging_visit note_written(void *context, const struct paging_entry_info *info)
{
    struct written *written = context;
    uint64_t n = info->first.number - written->first.number;
    written->pages |= n < 64 && (info->flags & PAGING_DIRTY) != 0 ? (uint64_t)1 << n : UINT64_C(1) << 63;
    return PAGING_VISIT_NEXT;
}

/* Writes to one page after the other, each of which the TLB knows as dirty. */
static void each_round_finds_what_was_written(struct selftest_run *t)
{
    enum { COUNT = 8 };
    struct written written = {.t = t, .first = test_page(t, 0)};
    paging_virt_t start = test_address(t, written.first);
    CHECK_OK(paging_map_range_alloc(t->space, start, COUNT * PAGING_PAGE_BYTES, PAGING_WRITABLE, t->source));
    for (unsigned i = 0; i < COUNT; i++)
        test_words(t, test_page(t, i))[0] = i;
    for (unsigned round = 0; round <= COUNT; round++) {
        written.pages = 0;
        CHECK_OK(paging_test_and_clear(t->space, start, COUNT * PAGING_PAGE_BYTES, PAGING_DIRTY, note_written,
                                       &written));
        CHECK(written.pages == (round == 0 ? (1u << COUNT) - 1 : 1u << (round - 1)));
        if (round < COUNT)
            test_words(t, test_page(t, round))[1] = round;
    }
    CHECK_OK(paging_unmap_range(t->space, start, COUNT * PAGING_PAGE_BYTES, t->source));
}

static void split_keeps_bytes(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!map_mixed(t, &r))
        return;
    paging_page_t page = test_page(t, span + 100);
    test_words(t, page)[2] = 0x1234;
    CHECK_OK(paging_split(t->space, page, t->source));
    CHECK(size_at(t, page) == PAGING_4K && test_words(t, page)[2] == 0x1234);
    test_words(t, page)[2] = 0x4321;
    CHECK(test_words(t, page)[2] == 0x4321);
    CHECK_STATUS(paging_split(t->space, page, t->source), PAGING_NOT_HUGE);
    unmap_mixed(t, &r);
}

/* Unmaps the last 4 KiB of one huge page and the first of the next. */
static void unmap_splits(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!map_mixed(t, &r))
        return;
    paging_page_t first = test_page(t, 2 * span - 1);
    paging_virt_t start = test_address(t, first);
    (void)safe_read(start);
    CHECK_OK(paging_unmap_range(t->space, start, 2 * PAGING_PAGE_BYTES, t->source));
    CHECK(safe_read(start).faulted && safe_read((paging_virt_t){start.value + PAGING_PAGE_BYTES}).faulted);
    CHECK(size_at(t, (paging_page_t){first.number - 1}) == PAGING_4K &&
          size_at(t, (paging_page_t){first.number + 2}) == PAGING_4K);
    unmap_mixed(t, &r);
}

static void merge_undoes_split(struct selftest_run *t)
{
    struct mixed_range r;
    uint64_t span = paging_level_pages(PAGING_2M);
    if (!map_mixed(t, &r))
        return;
    paging_page_t page = test_page(t, span + 9);
    uint64_t tables = paging_counted(t->space).tables;
    test_words(t, page)[3] = 0x77;
    CHECK(paging_split(t->space, page, t->source) == PAGING_OK &&
          paging_counted(t->space).tables == tables + 1);
    test_words(t, page)[4] = 0x88;
    CHECK_OK(paging_merge_range(t->space, r.start, r.pages * PAGING_PAGE_BYTES, t->source));
    CHECK(paging_counted(t->space).tables == tables && size_at(t, page) == PAGING_2M);
    CHECK(test_words(t, page)[3] == 0x77 && test_words(t, page)[4] == 0x88);
    test_words(t, page)[3] = 0x99;
    CHECK(test_words(t, page)[3] == 0x99);
    unmap_mixed(t, &r);
}

static void owned_pages_come_back(struct selftest_run *t)
{
    enum { COUNT = 700 }; /* more than one P1 has entries */
    uint64_t free = frames_free_count(t->frames), full = paging_counted(t->space).full_flushes;
    paging_virt_t start = test_address(t, test_page(t, 0));
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_OK(paging_map(t->space, test_page(t, i), PAGING_WRITABLE, t->source));
    for (unsigned i = 0; i < COUNT; i++)
        test_words(t, test_page(t, i))[0] = i;
    CHECK_OK(paging_unmap_range(t->space, start, paging_level_bytes(PAGING_1G), t->source));
    CHECK(frames_free_count(t->frames) == free);
    CHECK(paging_counted(t->space).full_flushes == full + 1);
    CHECK(safe_read(start).faulted);
}

static void range_refusals(struct selftest_run *t)
{
    unsigned levels = t->space->cpu.levels;
    paging_virt_t start = test_address(t, test_page(t, 0)), odd = {start.value + 8};
    paging_virt_t top = paging_page_start(
        levels, (paging_page_t){paging_level_pages(levels) * (PAGING_TABLE_ENTRIES / 2) - 1});
    paging_virt_t gap = {top.value + PAGING_PAGE_BYTES};
    paging_virt_t window =
        paging_page_start(levels, (paging_page_t){PAGING_RECURSIVE_SLOT * paging_level_pages(levels) - 1});
    CHECK_STATUS(paging_unmap_range(t->space, start, 0, t->source), PAGING_EMPTY_RANGE);
    CHECK_STATUS(paging_unmap_range(t->space, odd, PAGING_PAGE_BYTES, t->source), PAGING_MISALIGNED);
    CHECK_STATUS(paging_unmap_range(t->space, gap, PAGING_PAGE_BYTES, t->source), PAGING_NOT_CANONICAL);
    CHECK_STATUS(paging_unmap_range(t->space, top, 2 * PAGING_PAGE_BYTES, t->source), PAGING_RANGE_TOO_LONG);
    CHECK_STATUS(paging_unmap_range(t->space, window, 2 * PAGING_PAGE_BYTES, t->source),
                 PAGING_RESERVED_SLOT);
    CHECK_STATUS(paging_map_range(t->space, start, (paging_phys_t){8}, PAGING_PAGE_BYTES, 0, t->source),
                 PAGING_MISALIGNED);
    CHECK_STATUS(
        paging_protect_range(t->space, start, PAGING_PAGE_BYTES, PAGING_USER, PAGING_USER, t->source),
        PAGING_BAD_FLAGS);
}

const struct selftest range_tests[] = {
    {"range: 4K|2M|4K, the largest pages that fit", largest_pages},
    {"range: protect is enforced, and a second time changes nothing", protect_is_enforced},
    {"protect: a page of each size, and the next access faults", protect_one_page},
    {"test_and_clear: each round finds the pages that were written", each_round_finds_what_was_written},
    {"range: split keeps every byte", split_keeps_bytes},
    {"range: merge makes 512 pages one again, and keeps every byte", merge_undoes_split},
    {"range: unmap splits huge pages at its ends", unmap_splits},
    {"range: owned pages and all their tables come back, after one flush", owned_pages_come_back},
    {"range: arguments that are not a range are refused", range_refusals},
    {0},
};
