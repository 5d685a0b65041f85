/* SPDX-License-Identifier: MIT */
/*
 * test_runtime_regions.c - what runtime services need mapped, and what is believed of the attributes table.
 */
#include "efi/firmware.h"
#include "kernel/boot/own_blocks.h"

#define RUNTIME    (1ull << 63)
#define READ_ONLY  0x20000ull
#define NO_EXECUTE 0x4000ull
#define SERVICES   0x7000000ull
#define TABLE      (MEMORY + TABLES_PAGE * EFI_PAGE_SIZE)

struct attributes_table {
    UINT32 version, count, stride, flags;
    EFI_MEMORY_DESCRIPTOR entries[];
};

/* Makes an attributes table of the firmware's at TABLE. */
static struct attributes_table *make_table(UINT32 count)
{
    static const EFI_GUID guid = {
        0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    struct attributes_table *table = (void *)TABLE;
    memset(table, 0, 400 * EFI_PAGE_SIZE);
    *table = (struct attributes_table){.version = 1, .count = count, .stride = sizeof table->entries[0]};
    firmware.configuration[0] = (EFI_CONFIGURATION_TABLE){guid, table};
    firmware.table.NumberOfTableEntries = 1;
    return table;
}

static void put_entry(struct attributes_table *table, unsigned index, UINT64 start, UINT64 pages,
                      UINT64 attributes)
{
    table->entries[index] = (EFI_MEMORY_DESCRIPTOR){.Type = EfiRuntimeServicesCode,
                                                    .PhysicalStart = start,
                                                    .NumberOfPages = pages,
                                                    .Attribute = attributes | RUNTIME};
}

/* Returns the flags that the page is mapped with: those of the first region that covers it, or UINT64_MAX. */
static UINT64 mapped(UINT64 address)
{
    const struct handoff *handoff = loader.handoff;
    for (unsigned i = 0; i < handoff->region_count; i++)
        if (address / EFI_PAGE_SIZE >= handoff->regions[i].start.number &&
            address / EFI_PAGE_SIZE < handoff->regions[i].end.number)
            return handoff->regions[i].flags;
    return UINT64_MAX;
}

#define DATA_FLAGS (PAGING_WRITABLE | PAGING_NO_EXECUTE)

static void runtime_memory_is_mapped_with_its_rights(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 2, RUNTIME);
    add_descriptor(EfiRuntimeServicesData, SERVICES + 0x2000, 2, RUNTIME);
    add_descriptor(EfiMemoryMappedIO, 0xfee00000, 1, RUNTIME);
    add_descriptor(EfiMemoryMappedIO, 0xfec00000, 1, 0);
    add_descriptor(EfiReservedMemoryType, SERVICES + 0x5000, 1, 0);
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES + 0x1fff), PAGING_WRITABLE);
    assert_int_equal(mapped(SERVICES + 0x2000), DATA_FLAGS);
    assert_int_equal(mapped(0xfee00000), DATA_FLAGS | PAGING_CACHE_UNCACHED_MINUS);
    assert_true(mapped(0xfec00000) == UINT64_MAX);
    assert_true(mapped(SERVICES + 0x4000) == UINT64_MAX);
    assert_true(mapped(SERVICES + 0x5000) == UINT64_MAX);
}

/* Whatever else the map calls it: one page in the middle, and all of it. */
static void runtime_memory_under_another_descriptor_is_mapped(void **state)
{
    for (UINT32 type = 0; type <= 16; type++)
        for (unsigned all = 0; all < 2; all++) {
            (void)begin(state);
            add_descriptor(EfiRuntimeServicesCode, SERVICES, 3, RUNTIME);
            add_descriptor(EfiRuntimeServicesData, SERVICES + 0x3000, 3, 0);
            add_descriptor(type, SERVICES + (all ? 0 : 0x1000), all ? 6 : 1, 0xf);
            assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
            for (UINT64 page = 0; page < 6; page++) {
                UINT64 flags = mapped(SERVICES + page * 0x1000);
                assert_true(flags != UINT64_MAX);
                if (page < 3)
                    assert_int_equal(flags & PAGING_NO_EXECUTE, 0);
            }
            assert_true(mapped(SERVICES + 0x6000) == UINT64_MAX);
        }
}

static void unaligned_runtime_memory_is_mapped_to_its_last_byte(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES + 0x800, 2, RUNTIME);
    add_descriptor(EfiReservedMemoryType, SERVICES + 0x2000, 4, 0);
    assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES), PAGING_WRITABLE);
    assert_int_equal(mapped(SERVICES + 0x27ff), PAGING_WRITABLE);
    assert_true(mapped(SERVICES + 0x3000) == UINT64_MAX);
}

static void the_attributes_table_makes_rights_finer(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
    struct attributes_table *table = make_table(3);
    put_entry(table, 0, SERVICES, 1, NO_EXECUTE);
    put_entry(table, 1, SERVICES + 0x1000, 1, READ_ONLY);
    put_entry(table, 2, SERVICES + 0x2000, 1, READ_ONLY | NO_EXECUTE);
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES), DATA_FLAGS);
    assert_int_equal(mapped(SERVICES + 0x1000), 0);
    assert_int_equal(mapped(SERVICES + 0x2000), PAGING_NO_EXECUTE);
    assert_int_equal(mapped(SERVICES + 0x3000), PAGING_WRITABLE);
    assert_false(console_shows("memory attributes table"));
}

/* Two descriptors and one that calls a page reserved: an entry over all of them is one of runtime memory. */
static void an_entry_may_span_descriptors(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 3, RUNTIME);
    add_descriptor(EfiReservedMemoryType, SERVICES + 0x1000, 1, 0);
    put_entry(make_table(1), 0, SERVICES, 3, READ_ONLY);
    assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
    for (UINT64 page = 0; page < 3; page++)
        assert_int_equal(mapped(SERVICES + page * 0x1000), 0);
}

static void entries_that_are_not_of_runtime_memory_are_ignored(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
    static const struct {
        UINT64 start, pages;
    } entries[] = {{SERVICES, 0},
                   {SERVICES, 5},
                   {SERVICES + 0x800, 1},
                   {SERVICES - 0x1000, 2},
                   {SERVICES + 0x4000, 1},
                   {SERVICES, UINT64_MAX},
                   {SERVICES + 0x1000, (1ull << 52) - 1},
                   {SERVICES, 1ull << 52},
                   {UINT64_MAX - 0xfff, 1},
                   {UINT64_MAX - 0xfff, 2},
                   {MEMORY, 1}};
    enum { COUNT = sizeof entries / sizeof entries[0] };
    struct attributes_table *table = make_table(COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        put_entry(table, i, entries[i].start, entries[i].pages, READ_ONLY);
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    for (UINT64 page = 0; page < 4; page++)
        assert_int_equal(mapped(SERVICES + page * 0x1000), PAGING_WRITABLE);
    expect_console("  11 entries of the memory attributes table are outside of runtime regions: ignored\n");
}

/* Runs with such a table, which must be left alone with a sentence: its one entry does not count. */
static void expect_not_used(UINT32 version, UINT32 count, UINT32 stride, const char *sentence)
{
    (void)begin(NULL);
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
    struct attributes_table *table = make_table(count);
    table->version = version;
    table->stride = stride;
    put_entry(table, 0, SERVICES, 1, READ_ONLY);
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES), PAGING_WRITABLE);
    expect_console("  the memory attributes table is not used: ");
    expect_console(sentence);
}

static void a_table_that_cannot_be_right_is_not_used(void **state)
{
    (void)state;
    expect_not_used(1, UINT32_MAX, 40, "it has 4294967295 entries of 40 bytes\n");
    expect_not_used(1, UINT32_MAX, UINT32_MAX, "it has 4294967295 entries of 4294967295 bytes\n");
    expect_not_used(1, 26215, 40, "it has 26215 entries of 40 bytes\n");
    expect_not_used(1, 1, 1 << 20, "it has 1 entries of 1048576 bytes\n");
    expect_not_used(1, 1, 39, "it has 1 entries of 39 bytes\n");
    expect_not_used(1, 1, 0, "it has 1 entries of 0 bytes\n");
    expect_not_used(0, 1, 40, "its version is 0\n");
    expect_not_used(3, 1, 40, "its version is 3\n");
}

static void a_table_at_the_limit_is_used(void **state)
{
    for (UINT32 version = 1; version <= 2; version++) {
        (void)begin(state);
        add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
        struct attributes_table *table = make_table(((1 << 20) - 16) / 40);
        table->version = version;
        put_entry(table, 0, SERVICES, 1, READ_ONLY);
        assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
        assert_int_equal(mapped(SERVICES), 0);
    }
}

static void a_table_that_leaves_memory_is_not_used(void **state)
{
    (void)begin(state);
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
    static const EFI_GUID guid = {
        0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    static const UINT64 places[] = {0x123456780000, UINT64_MAX - 7, 3, MEMORY - 8};
    firmware.table.NumberOfTableEntries = 1;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        firmware.configuration[0] = (EFI_CONFIGURATION_TABLE){guid, (void *)places[i]};
        assert_int_equal(i == 0 ? run_up_to(find_runtime_regions) : find_runtime_regions(&loader),
                         EFI_SUCCESS);
        expect_console(", which is not memory\n");
        firmware.printed = 0;
        memset(firmware.console, 0, sizeof firmware.console);
    }
    struct attributes_table *table = (void *)(MEMORY + (UINT64)PAGES * EFI_PAGE_SIZE - 64);
    *table = (struct attributes_table){.version = 1, .count = 100, .stride = 48};
    firmware.configuration[0].VendorTable = table;
    assert_int_equal(find_runtime_regions(&loader), EFI_SUCCESS);
    expect_console("100 entries of 48 bytes at 47ffffc0 are more than there is memory\n");
}

/* Whatever the map calls the memory that it lies in, except what is broken or not accepted yet. */
static void a_table_may_lie_in_any_memory_that_works(void **state)
{
    for (UINT32 type = 0; type <= 15; type++) {
        bool works = type != EfiUnusableMemory && type != 15;
        (void)begin(state);
        add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
        put_entry(make_table(1), 0, SERVICES, 1, READ_ONLY);
        for (unsigned page = 0; page < 400; page++)
            firmware.owner[TABLES_PAGE + page] = type;
        assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
        assert_int_equal(mapped(SERVICES), works ? 0 : PAGING_WRITABLE);
        assert_int_equal(console_shows(", which is not memory\n"), !works);
    }
}

static void some_entries_are_outside(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 4, RUNTIME);
    struct attributes_table *table = make_table(5);
    for (unsigned i = 0; i < 5; i++)
        put_entry(table, i, SERVICES + (i + 2) * EFI_PAGE_SIZE, 1, READ_ONLY);
    put_entry(table, 5, SERVICES, 1, READ_ONLY); /* behind the last one */
    assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES + 2 * EFI_PAGE_SIZE), 0);
    assert_int_equal(mapped(SERVICES), PAGING_WRITABLE);
    expect_console("  3 entries of the memory attributes table are outside of runtime regions: ignored\n");
}

static void more_entries_than_there_is_room_for_are_not_used(void **state)
{
    (void)state;
    add_descriptor(EfiRuntimeServicesCode, SERVICES, 2000, RUNTIME);
    struct attributes_table *table = make_table(1025);
    for (unsigned i = 0; i < 1025; i++)
        put_entry(table, i, SERVICES + i * EFI_PAGE_SIZE, 1, READ_ONLY);
    assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
    assert_int_equal(mapped(SERVICES), PAGING_WRITABLE);
    expect_console("  the memory attributes table is not used: it has 1025 entries for runtime regions\n");
}

static void tables_that_are_not_there_are_not_read(void **state)
{
    (void)state;
    firmware.table.NumberOfTableEntries = 5;
    firmware.table.ConfigurationTable = NULL;
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
}

static bool is_ours(UINT64 page)
{
    return own_blocks_find(loader.handoff, page, EFI_PAGE_SIZE) != NULL;
}

/*
 * Once ours is taken, calls all memory runtime code: in the map and in an entry of the attributes table,
 * which makes it read-only.
 */
static void call_all_memory_runtime(void)
{
    put_entry(make_table(1), 0, MEMORY, PAGES, READ_ONLY);
    assert_int_equal(run_up_to(take_memory), EFI_SUCCESS);
    for (size_t i = 0; i < loader.memory_count; i++)
        loader.handoff->memory[i].needs = MEMORY_NEEDS_CODE;
    assert_int_equal(find_runtime_regions(&loader), EFI_SUCCESS);
    assert_int_equal(
        add_region(&loader, "the code that switches", (UINTN)kernel_enter, (UINTN)kernel_enter + 1, 0, false),
        EFI_SUCCESS);
}

/* What is ours has the rights that we want, and the page below the stack is not mapped. */
static void memory_of_ours_is_not_for_runtime_services(void **state)
{
    (void)state;
    call_all_memory_runtime();
    assert_int_equal(build_fresh_tables(&loader), EFI_SUCCESS);
    assert_int_equal(check_fresh_tables(&loader), EFI_SUCCESS);
    struct handoff *handoff = loader.handoff;
    unsigned regions = handoff->region_count, rest = 0;
    assert_true(is_ours(handoff->stack_guard) && mapped(handoff->stack_guard) == UINT64_MAX);
    assert_int_equal(mapped(handoff->stack_top - 8), DATA_FLAGS);
    for (UINT64 page = MEMORY; page < MEMORY + (UINT64)PAGES * EFI_PAGE_SIZE; page += EFI_PAGE_SIZE) {
        if (is_ours(page))
            continue;
        assert_int_equal(mapped(page), 0);
        rest++;
    }
    assert_in_range(rest, 1, PAGES - 1);
    for (unsigned i = 0; i < handoff->region_count; i++)
        assert_true(handoff->regions[i].start.number < handoff->regions[i].end.number);
    expect_console("  the map says that runtime services need memory of ours, which is not true: image");
    expect_console("which is not true: page tables\n");
    assert_int_equal(keep_own_memory_apart(&loader), EFI_SUCCESS); /* nothing is left to be cut */
    assert_int_equal(handoff->region_count, regions);
}

/* The entry would become two regions, and there is room for one. */
/* What ends where ours begins, and begins where ours ends, is not over it. */
static void memory_beside_ours_is_left_as_it_is(void **state)
{
    static const UINT64 places[] = {IMAGE - EFI_PAGE_SIZE, IMAGE_END};
    for (unsigned i = 0; i < 2; i++) {
        (void)begin(state);
        assert_int_equal(run_up_to(find_image_sections), EFI_SUCCESS);
        struct handoff_region *region = &loader.handoff->regions[loader.handoff->region_count];
        assert_int_equal(add_region(&loader, "beside", places[i], places[i] + EFI_PAGE_SIZE, 0, false),
                         EFI_SUCCESS);
        region->for_runtime = true;
        const struct handoff_region before = *region;
        assert_int_equal(keep_own_memory_apart(&loader), EFI_SUCCESS);
        assert_memory_equal(region, &before, sizeof before);
        assert_false(console_shows("which is not true"));
    }
}

static void too_many_cuts_are_refused(void **state)
{
    (void)state;
    call_all_memory_runtime();
    struct handoff *handoff = loader.handoff;
    for (unsigned i = 0; i < handoff->region_count; i++)
        handoff->regions[i].for_runtime &= strcmp(handoff->regions[i].name, "runtime services") == 0;
    while (handoff->region_count < HANDOFF_REGION_LIMIT)
        assert_int_equal(add_region(&loader, "another", 0, EFI_PAGE_SIZE, 0, false), EFI_SUCCESS);
    assert_int_equal(build_fresh_tables(&loader), EFI_OUT_OF_RESOURCES);
    expect_console("  more than 2048 regions to map\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("runtime: memory is mapped with its rights", runtime_memory_is_mapped_with_its_rights),
        EFI_TEST("runtime: memory under another descriptor is mapped",
                 runtime_memory_under_another_descriptor_is_mapped),
        EFI_TEST("runtime: unaligned memory is mapped to its last byte",
                 unaligned_runtime_memory_is_mapped_to_its_last_byte),
        EFI_TEST("runtime: memory of ours is not for runtime services",
                 memory_of_ours_is_not_for_runtime_services),
        EFI_TEST("runtime: memory beside ours is left as it is", memory_beside_ours_is_left_as_it_is),
        EFI_TEST("runtime: too many cuts are refused", too_many_cuts_are_refused),
        EFI_TEST("attributes: the table makes rights finer", the_attributes_table_makes_rights_finer),
        EFI_TEST("attributes: an entry may span descriptors", an_entry_may_span_descriptors),
        EFI_TEST("attributes: entries that are not of runtime memory are ignored",
                 entries_that_are_not_of_runtime_memory_are_ignored),
        EFI_TEST("attributes: a table that cannot be right is not used",
                 a_table_that_cannot_be_right_is_not_used),
        EFI_TEST("attributes: a table at the limit is used", a_table_at_the_limit_is_used),
        EFI_TEST("attributes: a table may lie in any memory that works",
                 a_table_may_lie_in_any_memory_that_works),
        EFI_TEST("attributes: entries that are outside are counted", some_entries_are_outside),
        EFI_TEST("attributes: a table that leaves memory is not used",
                 a_table_that_leaves_memory_is_not_used),
        EFI_TEST("attributes: more entries than there is room for are not used",
                 more_entries_than_there_is_room_for_are_not_used),
        EFI_TEST("attributes: configuration tables that are not there are not read",
                 tables_that_are_not_there_are_not_read),
    };
    return cmocka_run_group_tests_name("runtime regions", tests, NULL, NULL);
}
