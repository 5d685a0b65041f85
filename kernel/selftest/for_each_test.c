/* SPDX-License-Identifier: MIT */
/* for_each.c - paging_for_each and paging_count, over pages and markers that the tests have mapped. */
#include "selftest/selftest.h"
#include <selfmap/find_hole.h>
#include <selfmap/for_each.h>
#include <selfmap/map.h>
#include <selfmap/range.h>

/* How many entries of the test pages' P1 were met, and how many were not as expected. */
struct comparison {
    const struct selftest_run *t;
    unsigned met, wrong;
};

static enum paging_visit compare_entry(void *context, const struct paging_entry_info *info)
{
    static const struct {
        enum paging_entry_kind kind;
        unsigned first, pages;
    } expected[] = {{PAGING_KIND_LEAF, 0, 1},       {PAGING_KIND_HOLE, 1, 1},  {PAGING_KIND_MARKER, 2, 1},
                    {PAGING_KIND_HOLE, 3, 2},       {PAGING_KIND_LEAF, 5, 1},  {PAGING_KIND_LEAF, 6, 1},
                    {PAGING_KIND_HOLE, 7, 511 - 7}, {PAGING_KIND_LEAF, 511, 1}};
    struct comparison *c = context;
    paging_page_t start = test_page(c->t, 0);
    if (info->level != PAGING_4K || info->first.number - start.number >= PAGING_TABLE_ENTRIES)
        return PAGING_VISIT_NEXT;
    unsigned n = c->met++;
    c->wrong += n >= sizeof expected / sizeof expected[0] || info->kind != expected[n].kind ||
                info->first.number - start.number != expected[n].first || info->pages != expected[n].pages;
    return PAGING_VISIT_NEXT;
}

static void shows_what_is_mapped(struct selftest_run *t)
{
    static const unsigned pages[] = {0, 5, 6, 511};
    struct comparison c = {.t = t};
    struct paging_unmapped gone;
    uint64_t value;
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(paging_map(t->space, test_page(t, pages[i]), 0, t->source));
    CHECK_OK(paging_set_marker(t->space, test_page(t, 2), 0x77, t->source));
    CHECK_OK(paging_for_each(t->space, compare_entry, &c));
    CHECK(c.met == 8 && c.wrong == 0);
    CHECK(paging_clear_marker(t->space, test_page(t, 2), t->source, &value) == PAGING_OK && value == 0x77);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(paging_unmap(t->space, test_page(t, pages[i]), t->source, &gone));
}

static void writable_and_executable(struct selftest_run *t)
{
    const uint64_t flags[] = {0, PAGING_WRITABLE, no_execute(t), PAGING_WRITABLE | no_execute(t)};
    struct paging_stats before, after;
    struct paging_unmapped gone;
    CHECK_OK(paging_count(t->space, &before));
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(paging_map(t->space, test_page(t, i), flags[i], t->source));
    CHECK_OK(paging_count(t->space, &after));
    /* Without no-execute, every writable page is executable. */
    CHECK(after.writable_executable - before.writable_executable == (no_execute(t) ? 1 : 2));
    CHECK(after.leaves[PAGING_4K] - before.leaves[PAGING_4K] == 4);
    CHECK(after.owned_pages - before.owned_pages == 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(paging_unmap(t->space, test_page(t, i), t->source, &gone));
    CHECK_OK(paging_count(t->space, &after));
    CHECK(after.writable_executable == before.writable_executable);
}

/* The page before the hole and the one after it are in use, and what is between them is mapped. */
static void hole_can_be_mapped(struct selftest_run *t)
{
    enum { HOLE = 3 };
    paging_virt_t from = test_address(t, test_page(t, 0)), found = {0};
    paging_virt_t until = {from.value + PAGING_TABLE_ENTRIES * PAGING_PAGE_BYTES};
    CHECK_OK(paging_map(t->space, test_page(t, 0), 0, t->source));
    CHECK_OK(paging_map(t->space, test_page(t, 2), 0, t->source));
    CHECK_OK(paging_set_marker(t->space, test_page(t, 3 + HOLE), 5, t->source));
    CHECK_OK(paging_find_hole(t->space, from, until, HOLE * PAGING_PAGE_BYTES, PAGING_PAGE_BYTES, &found));
    if (CHECK(found.value == test_address(t, test_page(t, 3)).value)) {
        CHECK_OK(
            paging_map_range_alloc(t->space, found, HOLE * PAGING_PAGE_BYTES, PAGING_WRITABLE, t->source));
        CHECK(!safe_write(found, 1).faulted);
        CHECK_STATUS(paging_find_hole(t->space, from, test_address(t, test_page(t, 4 + HOLE)),
                                      2 * PAGING_PAGE_BYTES, PAGING_PAGE_BYTES, &found),
                     PAGING_NO_HOLE);
    }
    CHECK_OK(paging_unmap_range(t->space, from, until.value - from.value, t->source));
}

const struct selftest for_each_tests[] = {
    {"for_each: pages, holes and markers come in the order of their addresses", shows_what_is_mapped},
    {"find_hole: the first addresses that nobody uses can be mapped", hole_can_be_mapped},
    {"count: a page that can be written and executed is found", writable_and_executable},
    {0},
};
