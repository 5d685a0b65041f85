/* SPDX-License-Identifier: MIT */
/* fresh tables: regions that are noted, and the tables in which all of them lead to themselves. */
#include "efi/firmware.h"

#define RW (PAGING_WRITABLE | PAGING_NO_EXECUTE)

static const struct {
    unsigned levels, physical_bits, limit_bits;
} processors[] = {{4, 36, 36}, {4, 46, 46}, {4, 47, 47}, {4, 52, 47}, {5, 52, 52}, {5, 46, 46}, {5, 57, 56}};

static void where_addresses_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof processors / sizeof *processors; i++) {
        const struct paging_cpu cpu = {.levels = processors[i].levels,
                                       .physical_bits = processors[i].physical_bits};
        assert_true(address_limit(&cpu) == UINT64_C(1) << processors[i].limit_bits);
    }
}

/* ---- noting regions ---- */

static void expect_region(unsigned number, UINT64 first, UINT64 end)
{
    assert_true(loader.handoff->regions[number].start.number == first);
    assert_true(loader.handoff->regions[number].end.number == end);
}

static void regions_are_whole_pages(void **state)
{
    (void)state;
    const struct handoff *handoff = loader.handoff;
    assert_int_equal(add_region(&loader, "a", 0x5000, 0x7000, RW, true), EFI_SUCCESS);
    assert_int_equal(add_region(&loader, "b", 0x5fff, 0x7001, PAGING_WRITABLE, false), EFI_SUCCESS);
    assert_int_equal(add_region(&loader, "c", UINT64_MAX - 0x2000, UINT64_MAX - 0x1000, 0, false),
                     EFI_SUCCESS);
    assert_int_equal(add_region(&loader, "nothing", 0x5001, 0x5001, RW, true), EFI_SUCCESS);
    assert_int_equal(handoff->region_count, 3);
    expect_region(0, 5, 7);
    expect_region(1, 5, 8);
    expect_region(2, UINT64_MAX / 0x1000 - 2, UINT64_MAX / 0x1000);
    assert_string_equal(handoff->regions[0].name, "a");
    assert_true(handoff->regions[0].exact && !handoff->regions[1].exact);
    assert_true(handoff->regions[0].flags == RW && handoff->regions[1].flags == PAGING_WRITABLE);
}

static void all_regions_of_a_name_are_dropped(void **state)
{
    static const char this[] = "this";
    const char *const names[] = {this, "before", this, this, "behind", this};
    struct handoff *handoff = loader.handoff;
    (void)state;
    for (UINT64 i = 0; i < 6; i++)
        assert_int_equal(add_region(&loader, names[i], i << 12, (i + 1) << 12, RW, true), EFI_SUCCESS);
    drop_region(handoff, this);
    assert_int_equal(handoff->region_count, 2);
    assert_string_equal(handoff->regions[0].name, "before");
    assert_int_equal(handoff->regions[0].start.number, 1);
    assert_string_equal(handoff->regions[1].name, "behind");
    assert_int_equal(handoff->regions[1].start.number, 4);
    drop_region(handoff, "another");
    assert_int_equal(handoff->region_count, 2);
}

static void what_is_not_a_range(void **state)
{
    (void)state;
    assert_int_equal(add_region(&loader, "the device", 0x7000, 0x6fff, RW, true), EFI_INVALID_PARAMETER);
    expect_console("  the device: 7000..6fff is not a range\n");
    assert_int_equal(add_region(&loader, "x", 0, UINT64_MAX - 0xfff, RW, true), EFI_INVALID_PARAMETER);
    assert_int_equal(add_region(&loader, "y", UINT64_MAX, UINT64_MAX, RW, true), EFI_SUCCESS);
    assert_int_equal(loader.handoff->region_count, 0);
}

static void more_regions_than_there_is_room_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HANDOFF_REGION_LIMIT; i++)
        assert_int_equal(add_region(&loader, "one", 0x1000 * i, 0x1000 * i + 1, RW, true), EFI_SUCCESS);
    assert_int_equal(add_region(&loader, "one too many", 0, 1, RW, true), EFI_OUT_OF_RESOURCES);
    expect_console("  more than 2048 regions to map\n");
    assert_int_equal(loader.handoff->region_count, HANDOFF_REGION_LIMIT);
}

/* ---- building ---- */

/* Returns the leaf for an address, by the firmware's own map of memory; zero if there is none. */
static uint64_t leaf(UINT64 address, unsigned *level)
{
    UINT64 table = paging_root_address(&loader.handoff->space).value & ~UINT64_C(0xfff);
    for (*level = loader.handoff->space.cpu.levels;; --*level) {
        uint64_t entry = ((const uint64_t *)(UINTN)table)[address >> (12 + 9 * (*level - 1)) & 511];
        if (!(entry & 1) || *level == 1 || (entry & 1 << 7))
            return entry & 1 ? entry : 0;
        table = entry & UINT64_C(0xffffffffff000);
    }
}

static void each_region_leads_to_itself(void **state)
{
    (void)state;
    unsigned level;
    add_region(&loader, "data", MEMORY + 0x5000, MEMORY + 0x7000, RW, true);
    add_region(&loader, "code", MEMORY + 0x7000, MEMORY + 0x8000, 0, true);
    add_region(&loader, "huge", 0x80000000, 0xc0000000, RW, true);
    assert_int_equal(build_fresh_tables(&loader), EFI_SUCCESS);
    assert_true((leaf(MEMORY + 0x6000, &level) & ~UINT64_C(0x60)) ==
                (PAGING_NO_EXECUTE | 3 | (MEMORY + 0x6000)));
    assert_int_equal(level, 1);
    assert_true((leaf(MEMORY + 0x7000, &level) & ~UINT64_C(0x60)) == (1 | (MEMORY + 0x7000)));
    assert_true(leaf(MEMORY + 0x4000, &level) == 0 && leaf(MEMORY + 0x8000, &level) == 0);
    assert_true((leaf(0x80000000, &level) & ~UINT64_C(0xfff)) == (PAGING_NO_EXECUTE | 0x80000000));
    assert_int_equal(level, 3);
    char line[128];
    snprintf(line, sizeof line, "  3 regions in %lu tables, 4 levels, root at %lx\n",
             (unsigned long)paging_counted(&loader.handoff->space).tables,
             paging_root_address(&loader.handoff->space).value);
    expect_console(line);
}

static void a_processor_without_no_execute(void **state)
{
    (void)state;
    unsigned level;
    loader.handoff->space.cpu.has_no_execute = false;
    add_region(&loader, "data", MEMORY, MEMORY + 0x1000, RW | PAGING_CACHE_WRITE_COMBINING, true);
    assert_int_equal(build_fresh_tables(&loader), EFI_SUCCESS);
    uint64_t entry = leaf(MEMORY, &level);
    assert_true((entry & PAGING_NO_EXECUTE) == 0);
    assert_true((entry & PAGING_CACHE_WRITE_COMBINING) == PAGING_CACHE_WRITE_COMBINING);
}

/* The frames that are left join the allocator later, so the arena must be what was taken, to the frame. */
static void tables_come_from_what_was_taken(void **state)
{
    (void)state;
    const UINT64 gib = UINT64_C(1) << 30;
    const struct {
        UINT64 start, bytes, pages;
    } regions[] = {{MEMORY, 0x1000, 6}, {4 * gib, gib, 7}, {8 * gib, 5 * gib / 2, 8}, {32 * gib, 3 * gib, 9}};
    UINT64 pages = 16 + 8; /* 8 for what may be cut out of regions for runtime services */
    for (unsigned i = 0; i < 4; i++) {
        add_region(&loader, "one", regions[i].start, regions[i].start + regions[i].bytes, RW, true);
        pages += regions[i].pages;
    }
    assert_int_equal(build_fresh_tables(&loader), EFI_SUCCESS);
    const struct own_block *block = &loader.handoff->own[loader.handoff->own_count - 1];
    assert_string_equal(block->name, "page tables");
    assert_int_equal(block->end.number - block->start.number, pages);
    assert_int_equal(pages_of_type(EfiLoaderData), pages);
    const struct arena *arena = &loader.handoff->arena;
    assert_int_equal(arena->start.number, block->start.number);
    assert_int_equal(arena->end.number, block->end.number);
    assert_int_equal(arena->next.number - arena->start.number, paging_counted(&loader.handoff->space).tables);
}

/* At its ends a region needs two tables of each level at most: that is enough for the worst one. */
static void enough_tables_for_the_worst_regions(void **state)
{
    (void)state;
    loader.handoff->space.cpu.has_1g_pages = false;
    for (unsigned i = 0; i < 1000; i++) {
        UINT64 start =
            ((UINT64)(i + 1) << 36) - 0x1000; /* the last page below one border, the first behind it */
        if (start + 0x2000 <= address_limit(&loader.handoff->space.cpu))
            assert_int_equal(add_region(&loader, "one", start, start + 0x2000, RW, true), EFI_SUCCESS);
    }
    add_region(&loader, "large", UINT64_C(0x100000), UINT64_C(0x4000100000), RW, false);
    assert_int_equal(build_fresh_tables(&loader), EFI_SUCCESS);
}

static void what_cannot_be_built(void **state)
{
    (void)state;
    firmware.failing_allocation = 1;
    assert_int_equal(build_fresh_tables(&loader), EFI_OUT_OF_RESOURCES);
    expect_console("  no 24 pages to be had for page tables: out of resources\n");
    begin(NULL);
    add_region(&loader, "this", MEMORY, MEMORY + 0x2000, RW, true);
    add_region(&loader, "that", UINT64_C(1) << 47, (UINT64_C(1) << 47) + 1, RW, true); /* no such address */
    assert_int_equal(build_fresh_tables(&loader), EFI_LOAD_ERROR);
    expect_console("  that at 800000000000..800000001000 cannot be mapped: ");
    begin(NULL);
    loader.handoff->space.cpu.levels = 3;
    assert_int_equal(build_fresh_tables(&loader), EFI_OUT_OF_RESOURCES);
    expect_console("  no address space: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("fresh tables: addresses end where processor and lower half do", where_addresses_end),
        EFI_TEST("fresh tables: a region is whole pages, and an empty one is left out",
                 regions_are_whole_pages),
        EFI_TEST("fresh tables: what is not a range is refused", what_is_not_a_range),
        EFI_TEST("fresh tables: all regions of a name are dropped, and no others",
                 all_regions_of_a_name_are_dropped),
        EFI_TEST("fresh tables: too many regions are refused", more_regions_than_there_is_room_for),
        EFI_TEST("fresh tables: each region leads to itself, with its rights", each_region_leads_to_itself),
        EFI_TEST("fresh tables: without no-execute the bit is left out", a_processor_without_no_execute),
        EFI_TEST("fresh tables: the arena is what was taken", tables_come_from_what_was_taken),
        EFI_TEST("fresh tables: there are enough for the worst regions", enough_tables_for_the_worst_regions),
        EFI_TEST("fresh tables: what cannot be built is told", what_cannot_be_built),
    };
    return cmocka_run_group_tests_name("fresh_tables", tests, NULL, NULL);
}
