/* SPDX-License-Identifier: MIT */
/*
 * test_preflight.c - the fresh tables are accepted as they are built, and refused with any mistake in them.
 * The tables are real ones, built by the core in the made-up firmware's memory.
 */
#include "efi/firmware.h"
#include <selfmap/range.h>
#include <selfmap/window.h>

/* Builds the tables. */
static struct handoff *build(void **state)
{
    (void)begin(state);
    assert_int_equal(run_up_to(build_fresh_tables), EFI_SUCCESS);
    return loader.handoff;
}

static void expect_refused(const char *sentence)
{
    assert_int_equal(check_fresh_tables(&loader), EFI_LOAD_ERROR);
    expect_console(sentence);
}

static void unmap(UINT64 address)
{
    struct handoff *handoff = loader.handoff;
    assert_int_equal(paging_unmap_range(&handoff->space, (paging_virt_t){address & ~0xfffull}, EFI_PAGE_SIZE,
                                        &handoff->arena.source),
                     PAGING_OK);
}

static void map(UINT64 address, UINT64 to)
{
    struct handoff *handoff = loader.handoff;
    assert_int_equal(paging_map_range(&handoff->space, (paging_virt_t){address & ~0xfffull},
                                      (paging_phys_t){to & ~0xfffull}, EFI_PAGE_SIZE,
                                      PAGING_WRITABLE | PAGING_NO_EXECUTE, &handoff->arena.source),
                     PAGING_OK);
}

static void tables_without_a_mistake_are_accepted(void **state)
{
    static const struct paging_cpu cpus[] = {
        {.levels = 4, .physical_bits = 47, .has_no_execute = true, .has_1g_pages = true},
        {.levels = 4, .physical_bits = 47, .has_no_execute = true},
        {.levels = 4, .physical_bits = 47}};
    for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
        (void)begin(state);
        loader.handoff->space.cpu = cpus[i];
        assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
        expect_console("rw-  stack\n");
        expect_console("r-x  image: code\n");
        expect_console("r--  image: read only\n");
        expect_console("rw-  image: data\n");
    }
}

/* What the processor and the kernel touch first. The names are those of the sentences. */
static unsigned places(struct handoff *handoff, UINT64 *addresses, const char **names)
{
    const struct {
        const char *name;
        UINT64 address;
    } all[] = {{"the code that switches", (UINTN)kernel_enter},
               {"the hand-over", (UINTN)handoff},
               {"the end of the hand-over", (UINTN)(handoff + 1) - 1},
               {"the top of the stack", handoff->stack_top - 8},
               {"the memory map", (UINTN)handoff->descriptors},
               {"the frame bookkeeping", (UINTN)handoff->bookkeeping}};
    for (unsigned i = 0; i < 6; i++) {
        names[i] = all[i].name;
        addresses[i] = all[i].address;
    }
    return 6;
}

static void what_is_touched_first_must_be_mapped(void **state)
{
    UINT64 addresses[6];
    const char *names[6];
    for (unsigned i = 0; i < 6; i++) {
        char sentence[128];
        assert_int_equal(places(build(state), addresses, names), 6);
        unmap(addresses[i]);
        snprintf(sentence, sizeof sentence, "  %s: %lx is not mapped\n", names[i], addresses[i]);
        expect_refused(sentence);
    }
}

static void what_is_touched_first_must_lead_to_itself(void **state)
{
    UINT64 addresses[6];
    const char *names[6];
    for (unsigned i = 0; i < 6; i++) {
        char sentence[128];
        assert_int_equal(places(build(state), addresses, names), 6);
        unmap(addresses[i]);
        map(addresses[i], MEMORY);
        snprintf(sentence, sizeof sentence, "  %s: %lx leads to %lx instead of %lx\n", names[i], addresses[i],
                 MEMORY + addresses[i] % EFI_PAGE_SIZE, addresses[i]);
        expect_refused(sentence);
    }
}

/* First and last page of each region, and one that leads elsewhere. */
static void every_page_of_every_region_must_lead_to_itself(void **state)
{
    unsigned count = build(state)->region_count;
    for (unsigned i = 0; i < count; i++)
        for (unsigned way = 0; way < 3; way++) {
            struct handoff_region region = build(state)->regions[i];
            UINT64 first = paging_frame_start(region.start).value,
                   last = paging_frame_start(region.end).value;
            UINT64 page = way == 0 ? first : last - EFI_PAGE_SIZE;
            unmap(page);
            if (way == 2)
                map(page, MEMORY + 0x3000);
            assert_int_equal(check_fresh_tables(&loader), EFI_LOAD_ERROR);
            expect_console(way == 2 ? " leads to 4000" : " is not mapped\n");
        }
}

static void an_exact_region_must_have_its_rights(void **state)
{
    static const UINT64 bits[] = {PAGING_WRITABLE, PAGING_NO_EXECUTE};
    unsigned count = build(state)->region_count, exact = 0;
    for (unsigned i = 0; i < count; i++)
        for (unsigned bit = 0; bit < 2; bit++) {
            struct handoff_region *region = &build(state)->regions[i];
            region->flags ^= bits[bit];
            exact += region->exact;
            assert_int_equal(check_fresh_tables(&loader), region->exact ? EFI_LOAD_ERROR : EFI_SUCCESS);
            assert_int_equal(console_shows(" has the rights "), region->exact);
            if (!region->exact)
                continue;
            char sentence[160];
            UINT64 asked = region->flags & (PAGING_WRITABLE | PAGING_NO_EXECUTE);
            snprintf(sentence, sizeof sentence, "  %s: %lx has the rights %lx instead of %lx\n", region->name,
                     paging_frame_start(region->start).value, asked ^ bits[bit], asked);
            expect_console(sentence);
        }
    assert_true(exact > 10);
}

static void the_root_must_be_in_its_window(void **state)
{
    struct handoff *handoff = build(state);
    UINT64 *root = (UINT64 *)(UINTN)paging_root_address(&handoff->space).value;
    root[PAGING_RECURSIVE_SLOT] += EFI_PAGE_SIZE;
    expect_refused("  the window of the root: ");
    handoff = build(state);
    root = (UINT64 *)(UINTN)paging_root_address(&handoff->space).value;
    root[PAGING_RECURSIVE_SLOT] = 0;
    expect_refused("  the window of the root: fffffffffffff000 is not mapped\n");
}

static void the_page_below_the_stack_must_not_be_mapped(void **state)
{
    struct handoff *handoff = build(state);
    map(handoff->stack_guard, handoff->stack_guard);
    expect_refused("  the page below the stack is mapped: an overflow would not be noticed\n");
}

/* The code of this process lies above. */
static void five_levels_must_be_switched_on_below_4_gib(void **state)
{
    (void)begin(state);
    loader.handoff->space.cpu.levels = 5;
    assert_int_equal(run_up_to(build_fresh_tables), EFI_SUCCESS);
    assert_int_equal(check_fresh_tables(&loader), EFI_UNSUPPORTED);
    expect_console("  levels=5: the P5 at ");
}

static void a_region_that_cannot_be_mapped_is_named(void **state)
{
    (void)begin(state);
    assert_int_equal(add_region(&loader, "a region", 1ull << 47, (1ull << 47) + 1, 0, false), EFI_SUCCESS);
    assert_int_equal(run_up_to(build_fresh_tables), EFI_LOAD_ERROR);
    expect_console("  a region at 800000000000..800000001000 cannot be mapped: ");
}

static void what_is_not_a_range_is_no_region(void **state)
{
    (void)state;
    assert_int_equal(add_region(&loader, "a", 0x5000, 0x5000, 0, false), EFI_SUCCESS);
    assert_int_equal(loader.handoff->region_count, 0);
    assert_int_equal(add_region(&loader, "a", 0x5000, 0x4fff, 0, false), EFI_INVALID_PARAMETER);
    expect_console("  a: 5000..4fff is not a range\n");
    assert_int_equal(add_region(&loader, "a", 0x5000, UINT64_MAX, 0, false), EFI_INVALID_PARAMETER);
    for (unsigned i = 0; i < HANDOFF_REGION_LIMIT; i++)
        assert_int_equal(add_region(&loader, "a", 0x5000, 0x5001, 0, false), EFI_SUCCESS);
    assert_int_equal(add_region(&loader, "a", 0x5000, 0x5001, 0, false), EFI_OUT_OF_RESOURCES);
    expect_console("  more than 2048 regions to map\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("preflight: tables without a mistake are accepted", tables_without_a_mistake_are_accepted),
        EFI_TEST("preflight: what is touched first must be mapped", what_is_touched_first_must_be_mapped),
        EFI_TEST("preflight: what is touched first must lead to itself",
                 what_is_touched_first_must_lead_to_itself),
        EFI_TEST("preflight: every page of every region must lead to itself",
                 every_page_of_every_region_must_lead_to_itself),
        EFI_TEST("preflight: an exact region must have its rights", an_exact_region_must_have_its_rights),
        EFI_TEST("preflight: the root must be in its window", the_root_must_be_in_its_window),
        EFI_TEST("preflight: the page below the stack must not be mapped",
                 the_page_below_the_stack_must_not_be_mapped),
        EFI_TEST("preflight: five levels must be switched on below 4 GiB",
                 five_levels_must_be_switched_on_below_4_gib),
        EFI_TEST("tables: a region that cannot be mapped is named", a_region_that_cannot_be_mapped_is_named),
        EFI_TEST("regions: what is not a range is refused, and an empty one left out",
                 what_is_not_a_range_is_no_region),
    };
    return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
