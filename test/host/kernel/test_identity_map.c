/* SPDX-License-Identifier: MIT */
/*
 * test_identity_map.c - a region is mapped in one piece, or around what is mapped already.
 *
 * The core is replaced by a table of 700 pages that knows what each leads to, and by an address space of
 * which all else is empty, from the first page of each table on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kernel/boot/identity_map.h"
#include <selfmap/range.h>
#include <selfmap/translate.h>

enum { PAGES = 700, NOTHING = -1, BY_2M_LEAF = 0x1000, LEVELS = 4 };

static int frames_of[PAGES]; /* the frame that a page leads to, or NOTHING */
static unsigned calls, walks;
static uint64_t mapped_beyond; /* pages behind the table that were mapped */
static uint64_t room;          /* pages that can still be mapped */

/* Returns whether one of `pages` pages from here on is mapped. */
static bool has_any(uint64_t page, uint64_t pages)
{
    for (uint64_t i = page; i < page + pages && i < PAGES; i++)
        if (frames_of[i] != NOTHING)
            return true;
    return false;
}

/* As the core does: the walk stops at the highest entry below which nothing is mapped. */
enum paging_status paging_walk_address(const struct paging_space *space, paging_virt_t virt,
                                       struct paging_walk_result *walk)
{
    (void)space;
    uint64_t page = virt.value / PAGING_PAGE_BYTES;
    *walk = (struct paging_walk_result){.top = LEVELS, .level = PAGING_4K};
    walks++;
    if (page < PAGES && frames_of[page] != NOTHING) {
        uint64_t frame = (uint64_t)(frames_of[page] % BY_2M_LEAF);
        walk->level = frames_of[page] & BY_2M_LEAF ? PAGING_2M : PAGING_4K;
        frame -= walk->level == PAGING_2M ? frame % 512 : 0;
        walk->entries[walk->level].bits = frame << PAGING_FRAME_SHIFT | PAGING_PRESENT;
        return PAGING_OK;
    }
    for (walk->level = LEVELS; walk->level > PAGING_4K; walk->level--) {
        uint64_t span = paging_level_pages(walk->level);
        if (!has_any(page - page % span, span))
            break;
    }
    return PAGING_NOT_MAPPED;
}

enum paging_status paging_identity_map_range(struct paging_space *space, paging_phys_t start, uint64_t bytes,
                                             uint64_t flags, struct paging_frame_source *frames)
{
    (void)space, (void)flags, (void)frames;
    uint64_t first = start.value / PAGING_PAGE_BYTES, count = bytes / PAGING_PAGE_BYTES;
    assert_true(count > 0);
    calls++;
    if (has_any(first, count))
        return PAGING_ALREADY_MAPPED;
    if (count > room)
        return PAGING_NO_FRAMES;
    room -= count;
    mapped_beyond += first + count - (first > PAGES ? first : first + count < PAGES ? first + count : PAGES);
    for (uint64_t i = first; i < first + count && i < PAGES; i++)
        frames_of[i] = (int)i;
    return PAGING_OK;
}

static int begin(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PAGES; i++)
        frames_of[i] = NOTHING;
    calls = walks = 0;
    mapped_beyond = 0;
    room = UINT64_MAX;
    return 0;
}

static enum paging_status map(uint64_t start, uint64_t end)
{
    struct paging_space space = {0};
    return identity_map_region(&space, (paging_frame_t){start}, (paging_frame_t){end}, PAGING_WRITABLE, NULL);
}

static void expect_mapped(uint64_t start, uint64_t end)
{
    for (uint64_t i = 0; i < PAGES; i++)
        assert_int_equal(frames_of[i] % BY_2M_LEAF, i >= start && i < end ? (int)i : NOTHING);
}

static void nothing_is_there_yet(void **state)
{
    (void)state;
    assert_int_equal(map(3, 40), PAGING_OK);
    expect_mapped(3, 40);
    assert_int_equal(calls, 1);
    assert_int_equal(walks, 0);
}

static void pages_that_lead_to_themselves_stay(void **state)
{
    (void)state;
    static const unsigned there[] = {3, 4, 10, 20, 21, 22, 39};
    for (unsigned i = 0; i < sizeof there / sizeof there[0]; i++)
        frames_of[there[i]] = (int)there[i];
    assert_int_equal(map(3, 40), PAGING_OK);
    expect_mapped(3, 40);
    assert_int_equal(calls, 1 + 3 + 0);
}

/* The leaf maps pages before the region, too, and ends inside it. */
static void a_large_leaf_is_passed_in_one_step(void **state)
{
    (void)state;
    for (int i = 0; i < 512; i++)
        frames_of[i] = i | BY_2M_LEAF;
    assert_int_equal(map(5, 520), PAGING_OK);
    expect_mapped(0, 520);
    assert_int_equal(calls, 2);
    assert_int_equal(walks, 1 + 2); /* the leaf, then twice what is behind it: one entry */
}

/* A TiB with one page in it that is mapped: what is empty is passed entry by entry, not page by page. */
static void a_tebibyte_that_is_mapped_in_part_takes_few_steps(void **state)
{
    (void)state;
    const uint64_t tebibyte = (uint64_t)1 << 28;
    static const unsigned there[] = {0, 1, 511, 512, 698};
    for (unsigned i = 0; i < sizeof there / sizeof there[0]; i++) {
        (void)begin(NULL);
        frames_of[there[i]] = (int)there[i];
        assert_int_equal(map(there[i] / 2, tebibyte + 3), PAGING_OK);
        expect_mapped(there[i] / 2, PAGES);
        assert_int_equal(mapped_beyond, tebibyte + 3 - PAGES);
        assert_true(walks < 4 * LEVELS * 512);
        assert_in_range(calls, 2, 3);
    }
}

static void a_page_that_leads_elsewhere_is_an_error(void **state)
{
    (void)state;
    frames_of[10] = 10;
    frames_of[20] = 9;
    assert_int_equal(map(3, 40), PAGING_ALREADY_MAPPED);
    assert_int_equal(frames_of[9], 9);
    assert_int_equal(frames_of[11], NOTHING);
    assert_int_equal(frames_of[20], 9);
}

static void the_runs_before_one_that_fails_stay(void **state)
{
    (void)state;
    frames_of[10] = 10;
    room = 5;
    assert_int_equal(map(5, 40), PAGING_NO_FRAMES);
    expect_mapped(5, 11);
}

static void any_other_status_is_passed_on(void **state)
{
    (void)state;
    room = 0;
    assert_int_equal(map(5, 6), PAGING_NO_FRAMES);
    assert_int_equal(calls, 1);
    assert_int_equal(walks, 0);
}

int main(void)
{
#define TEST(name, function)                                      \
    {                                                             \
        "identity_map_region: " name, function, begin, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("where nothing is mapped, the region is mapped in one call", nothing_is_there_yet),
        TEST("pages that lead to themselves stay, and the rest is mapped run by run",
             pages_that_lead_to_themselves_stay),
        TEST("a large leaf is passed in one step", a_large_leaf_is_passed_in_one_step),
        TEST("a tebibyte that is mapped in part takes few steps",
             a_tebibyte_that_is_mapped_in_part_takes_few_steps),
        TEST("a page that leads elsewhere is an error", a_page_that_leads_elsewhere_is_an_error),
        TEST("the runs before one that fails stay", the_runs_before_one_that_fails_stay),
        TEST("any other status is passed on", any_other_status_is_passed_on),
    };
    return cmocka_run_group_tests_name("identity map", tests, NULL, NULL);
}
