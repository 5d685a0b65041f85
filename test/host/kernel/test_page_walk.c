/* SPDX-License-Identifier: MIT */
/* page_walk: the lines of a report about the way to an address, and about what is mapped around it. */
#include "kernel/console/format.h"
#include "kernel/cpu/page_walk.h"
#include "rig/rig.h"
#include <selfmap/share.h>
#include <stdio.h>
#include <string.h>

#define PAGE PAGING_PAGE_BYTES

static char expected[2048], text[2048];

__attribute__((format(printf, 1, 2))) static void expect(const char *what, ...)
{
    size_t length = strlen(expected);
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(expected + length, sizeof expected - length, what, arguments);
    va_end(arguments);
}

static void assert_text(void)
{
    assert_string_equal(text, expected);
    expected[0] = '\0';
}

static void open_rig(void)
{
    expected[0] = '\0';
    rig_open();
}

/* ---- the walk ---- */

static void walk_to(uint64_t address)
{
    struct text_sink sink = text_sink(text, sizeof text);
    write_page_walk(&sink.sink, &rig.space, (paging_virt_t){address});
}

/* Expects a line for each table on the way, down to `level`, without what stands behind its last entry. */
static void expect_tables(uint64_t address, unsigned level)
{
    struct paging_walk_result walk;
    (void)!paging_walk_address(&rig.space, (paging_virt_t){address}, &walk);
    for (unsigned above = rig_levels; above >= level; above--)
        expect("walk: P%u[%3u] = %016lx  %s", above, (unsigned)(address >> (12 + 9 * (above - 1)) & 511),
               walk.entries[above].bits, above > level ? "table, user, writable, executable\n" : "");
}

/* Returns the entry of this level on the way to the address, in physical memory. */
static uint64_t *entry_on_way(uint64_t address, unsigned level)
{
    uint64_t table = rig.space.root.number;
    for (unsigned above = rig_levels; above > level; above--)
        table = machine_frame(table)[address >> (12 + 9 * (above - 1)) & 511] >> 12 & 0xffffffffff;
    return &machine_frame(table)[address >> (12 + 9 * (level - 1)) & 511];
}

static void pages_of_each_size(void **state)
{
    (void)state;
    open_rig();
    assert_status(rig_map_to(PLACE + 5 * PAGE, DEVICE_FRAME, NX), PAGING_OK);
    walk_to(PLACE + 5 * PAGE + 0x123);
    expect_tables(PLACE + 5 * PAGE, 1);
    expect("4 KiB, supervisor, read-only, no-execute\n"
           "effective: supervisor, read-only, no-execute, write-back\n");
    assert_text();
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | US), PAGING_OK);
    walk_to(PLACE + 2 * MIB + 0x123456);
    expect_tables(PLACE + 2 * MIB, 2);
    expect("2 MiB, user, writable, executable\neffective: user, writable, executable, write-back\n");
    assert_text();
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, 0), PAGING_OK);
    walk_to(PLACE + GIB);
    expect_tables(PLACE + GIB, 3);
    expect("1 GiB, supervisor, read-only, executable\neffective: supervisor, read-only, executable, "
           "write-back\n");
    assert_text();
}

static void entries_that_end_a_walk(void **state)
{
    (void)state;
    open_rig();
    walk_to(PLACE);
    expect_tables(PLACE, rig_levels);
    expect("not mapped\n");
    assert_text();
    assert_status(rig_set_marker(PLACE, 0x5e1f), PAGING_OK);
    walk_to(PLACE + 8);
    expect_tables(PLACE, 1);
    expect("a marker, value 5e1f\n");
    assert_text();
    assert_status(rig_map_to(PLACE + PAGE, DEVICE_FRAME, 0), PAGING_OK);
    uint64_t *leaf = entry_on_way(PLACE + PAGE, 1);
    uint64_t good = *leaf;
    *leaf |= (uint64_t)1 << 51;
    walk_to(PLACE + PAGE);
    expect_tables(PLACE + PAGE, 1);
    expect("%s\n", paging_status_name(PAGING_MALFORMED));
    *leaf = good;
    assert_text();
}

/* A right that a table refuses shows in its line, and in what takes effect. */
static void rights_of_all_levels(void **state)
{
    (void)state;
    open_rig();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | US), PAGING_OK);
    for (unsigned level = 2; level <= rig_levels; level++) {
        uint64_t *entry = entry_on_way(PLACE, level);
        uint64_t good = *entry;
        *entry = (good & ~(RW | US)) | NX;
        walk_to(PLACE);
        char line[100];
        snprintf(line, sizeof line, "= %016lx  table, supervisor, read-only, no-execute\n", *entry);
        *entry = good;
        assert_non_null(strstr(text, line));
        assert_non_null(strstr(text, "4 KiB, user, writable, executable\neffective: supervisor, read-only, "
                                     "no-execute, write-back\n"));
    }
}

static void caching_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"write-back", "write-through", "uncached-minus", "write-combining",
                                        "write-back", "write-through", "uncached-minus", "uncached"};
    open_rig();
    for (unsigned i = 0; i < 8; i++) {
        char line[100];
        snprintf(line, sizeof line, ", executable, %s\n", names[i]);
        assert_status(rig_map_to(PLACE + i * PAGE, DEVICE_FRAME, PAGING_CACHE_ENTRY(i)), PAGING_OK);
        walk_to(PLACE + i * PAGE);
        assert_non_null(strstr(text, line));
        assert_status(rig_map_sized(PLACE + (i + 1) * 2 * MIB, FRAME_2M, PAGING_2M, PAGING_CACHE_ENTRY(i)),
                      PAGING_OK);
        walk_to(PLACE + (i + 1) * 2 * MIB);
        assert_non_null(strstr(text, line));
    }
}

static void nothing_to_walk(void **state)
{
    (void)state;
    open_rig();
    walk_to((uint64_t)1 << (paging_address_bits(rig_levels) - 1));
    assert_text();
    struct paging_space other;
    assert_status(paging_create_sibling(&other, &rig.space, machine_frames()), PAGING_OK);
    struct text_sink sink = text_sink(text, sizeof text);
    write_page_walk(&sink.sink, &other, (paging_virt_t){PLACE});
    write_neighbours(&sink.sink, &other, (paging_virt_t){PLACE}, NULL);
    assert_text();
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
}

/* ---- neighbours ---- */

/* From PLACE on: 4 pages of the one, then 4 of the other. */
static const char *name_at(paging_virt_t address)
{
    uint64_t page = (address.value - PLACE) / PAGE;
    return page < 4 ? "cellar" : page < 8 ? "attic" : NULL;
}

static void look_around(uint64_t address)
{
    struct text_sink sink = text_sink(text, sizeof text);
    write_neighbours(&sink.sink, &rig.space, (paging_virt_t){address}, name_at);
}

static void map_pages(uint64_t start, unsigned pages, uint64_t flags)
{
    for (unsigned i = 0; i < pages; i++)
        assert_status(rig_map_to(start + i * PAGE, DEVICE_FRAME, flags), PAGING_OK);
}

static void between_two_runs(void **state)
{
    (void)state;
    open_rig();
    map_pages(PLACE + PAGE, 2, RW | NX);
    map_pages(PLACE + 5 * PAGE, 3, 0);
    look_around(PLACE + 4 * PAGE + 77);
    expect("below: cellar, %lx..%lx, supervisor, writable, no-execute\n", PLACE + PAGE, PLACE + 3 * PAGE);
    expect("above: attic, %lx..%lx, supervisor, read-only, executable\n", PLACE + 5 * PAGE, PLACE + 8 * PAGE);
    assert_text();
    look_around(PLACE);
    expect("above: cellar, %lx..%lx, supervisor, writable, no-execute\n", PLACE + PAGE, PLACE + 3 * PAGE);
    assert_text();
    look_around(PLACE + 8 * PAGE);
    expect("below: attic, %lx..%lx, supervisor, read-only, executable\n", PLACE + 5 * PAGE, PLACE + 8 * PAGE);
    assert_text();
}

/* Other rights or another name end a run; another size of pages does not. */
static void in_the_middle(void **state)
{
    (void)state;
    open_rig();
    map_pages(PLACE + PAGE, 5, RW);
    map_pages(PLACE + 6 * PAGE, 1, RW | US);
    look_around(PLACE + 2 * PAGE);
    expect("here: cellar, %lx..%lx, supervisor, writable, executable\n", PLACE + PAGE, PLACE + 4 * PAGE);
    expect("above: attic, %lx..%lx, supervisor, writable, executable\n", PLACE + 4 * PAGE, PLACE + 6 * PAGE);
    assert_text();
    look_around(PLACE + 6 * PAGE);
    expect("below: attic, %lx..%lx, supervisor, writable, executable\n", PLACE + 4 * PAGE, PLACE + 6 * PAGE);
    expect("here: attic, %lx..%lx, user, writable, executable\n", PLACE + 6 * PAGE, PLACE + 7 * PAGE);
    assert_text();
    uint64_t large = PLACE + 4 * MIB;
    map_pages(large - 3 * PAGE, 3, 0);
    assert_status(rig_map_sized(large, FRAME_2M, PAGING_2M, 0), PAGING_OK);
    map_pages(large + 2 * MIB, 2, 0);
    look_around(PLACE + 7 * PAGE);
    assert_non_null(strstr(text, "above: "));
    char line[100];
    snprintf(line, sizeof line, "above: %lx..%lx, supervisor, read-only, executable\n", large - 3 * PAGE,
             large + 2 * MIB + 2 * PAGE);
    assert_non_null(strstr(text, line));
}

/* Tables between that are not there are passed over, whatever their level; the half ends the search. */
static void far_away(void **state)
{
    (void)state;
    open_rig();
    map_pages(PLACE, 1, 0);
    look_around(PLACE + SLOT_BYTES + 3 * GIB + 5 * MIB);
    expect("below: cellar, %lx..%lx, supervisor, read-only, executable\n", PLACE, PLACE + PAGE);
    assert_text();
    look_around(PAGE);
    expect("above: cellar, %lx..%lx, supervisor, read-only, executable\n", PLACE, PLACE + PAGE);
    assert_text();
    uint64_t upper = ~(uint64_t)0 << (paging_address_bits(rig_levels) - 1);
    look_around(upper + PAGE); /* what follows is the recursive slot, and it is no neighbour */
    assert_text();
    map_pages(upper, 1, RW);
    look_around(upper + PAGE);
    expect("below: %lx..%lx, supervisor, writable, executable\n", upper, upper + PAGE);
    assert_text();
    look_around(PLACE + PAGE);
    expect("below: cellar, %lx..%lx, supervisor, read-only, executable\n", PLACE, PLACE + PAGE);
    assert_text();
    if (!rig_by_direct_map) {
        look_around(rig_window(1, PLACE));
        expect("below: %lx..%lx, supervisor, writable, executable\n", upper, upper + PAGE);
        assert_text();
    }
}

/* A range of markers costs steps and ends the search; a run that is too long for them is told as such. */
static void too_far_to_look(void **state)
{
    (void)state;
    rig_open_large();
    expected[0] = '\0';
    uint64_t pages = NEIGHBOUR_STEPS + 40, middle = PLACE + GIB + pages / 2 * PAGE;
    assert_status(rig_map_range(PLACE + GIB, DEVICE, pages * PAGE, PAGING_LARGEST_4K), PAGING_OK);
    look_around(PLACE + GIB + pages * PAGE);
    expect("below: %lx..%lx or more, supervisor, read-only, executable\n",
           PLACE + GIB + (pages - NEIGHBOUR_STEPS - 1) * PAGE, PLACE + GIB + pages * PAGE);
    assert_text();
    look_around(middle);
    expect("here: %lx..%lx, supervisor, read-only, executable\n", PLACE + GIB, PLACE + GIB + pages * PAGE);
    assert_text();
    uint64_t markers = PLACE + 2 * GIB, end = markers + 9 * 2 * MIB;
    map_pages(end, 1, 0);
    for (uint64_t at = markers; at < end; at += 2 * MIB) /* too many for the model */
        assert_status(
            paging_set_marker_range(&rig.space, (paging_virt_t){at}, 2 * MIB - PAGE, 1, 0, machine_frames()),
            PAGING_OK);
    look_around(end - PAGE * (NEIGHBOUR_STEPS - 10));
    expect("below: %lx..%lx or more, supervisor, read-only, executable\n",
           PLACE + GIB + (pages - NEIGHBOUR_STEPS - 1) * PAGE, PLACE + GIB + pages * PAGE);
    expect("above: %lx..%lx, supervisor, read-only, executable\n", end, end + PAGE);
    assert_text();
    look_around(markers);
    expect("below: %lx..%lx or more, supervisor, read-only, executable\n",
           PLACE + GIB + (pages - NEIGHBOUR_STEPS - 1) * PAGE, PLACE + GIB + pages * PAGE);
    assert_text();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("page walk: a line for each level, for pages of each size", pages_of_each_size),
    RIG_TEST("page walk: an entry that is unused, a marker or malformed is named", entries_that_end_a_walk),
    RIG_TEST("page walk: the rights of all levels count", rights_of_all_levels),
    RIG_TEST("page walk: the caching is named, for pages and huge pages", caching_is_named),
    RIG_RECURSIVE_TEST("page walk: nothing is said where there is no walk", nothing_to_walk),
    RIG_TEST("neighbours: between two runs, before the first and after the last", between_two_runs),
    RIG_TEST("neighbours: within a run, which other rights or another name end", in_the_middle),
    RIG_TEST("neighbours: over tables that are not there, and not beyond the half", far_away),
    RIG_TEST("neighbours: a search ends after so many entries", too_far_to_look),
};

RIG_MAIN("page_walk", tests)
