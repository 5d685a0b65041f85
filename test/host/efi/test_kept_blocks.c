/* SPDX-License-Identifier: MIT */
/*
 * kept blocks: which memory a run gets for its log, which blocks of earlier runs are found, and when a
 * variable says where a block is. The blocks lie at their fixed addresses in this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "efi/loader.h"
#include "kernel/console/log.h"

#define MIB UINT64_C(0x100000)
enum { PLACES = 8, PAGES = 64, BYTES = PAGES * 4096, ROOM = PLACES + 3 };

/* In the order in which they are tried; and three that are none of them. */
static const UINT64 places[ROOM] = {256 * MIB, 128 * MIB, 512 * MIB, 384 * MIB, 768 * MIB, 1024 * MIB,
                                    64 * MIB,  40 * MIB,  320 * MIB, 640 * MIB, 896 * MIB};
#define HINTED (places[PLACES])
#define MIDDLE (places[PLACES + 1])
#define ANY    (places[PLACES + 2])

static struct made_up {
    bool taken[ROOM];       /* by the loader */
    bool refused[ROOM];     /* AllocatePages gives them to nobody */
    unsigned refused_notes; /* note_taken refuses so many more blocks */

    bool has_hint;
    UINT64 hint, hint_bytes;
    unsigned sets, deletes;
    UINT64 store_left;
    EFI_STATUS query, set;

    EFI_STATUS map_size, map_read; /* of get_memory_map */
    unsigned pools;
    char said[1024];
    unsigned regions;
} made;

EFI_SYSTEM_TABLE *system_table;
static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_RUNTIME_SERVICES runtime;
static struct handoff handoff;
static struct loader loader;
static struct kept_block found[KEPT_BLOCK_LIMIT];
static unsigned count;
static EFI_MEMORY_DESCRIPTOR map[16];
static unsigned map_length;

/* ---- the firmware ---- */

static unsigned place_number(UINT64 address)
{
    for (unsigned i = 0; i < ROOM; i++)
        if (places[i] == address)
            return i;
    fail_msg("nobody should ask for a block at %lx", address);
    return 0;
}

static void *block_at(UINT64 address)
{
    return (void *)(UINTN)address;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *at)
{
    assert_int_equal(how, AllocateAddress);
    assert_int_equal(type, EfiLoaderData);
    assert_int_equal(pages, PAGES);
    unsigned number = place_number(*at);
    if (made.taken[number] || made.refused[number])
        return EFI_NOT_FOUND;
    made.taken[number] = true;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS start, UINTN pages)
{
    assert_int_equal(pages, PAGES);
    assert_true(made.taken[place_number(start)]);
    made.taken[place_number(start)] = false;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN bytes, VOID **pool)
{
    assert_int_equal(type, EfiLoaderData);
    if (bytes > 4096)
        return EFI_OUT_OF_RESOURCES;
    *pool = test_malloc(bytes);
    made.pools++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pool(VOID *pool)
{
    test_free(pool);
    made.pools--;
    return EFI_SUCCESS;
}

/* The name and the owner are known to the variables of machines that have one: neither may change. */
static void expect_hint(const CHAR16 *name, const EFI_GUID *owner)
{
    static const CHAR16 its_name[] = L"SelfmapReport";
    static const EFI_GUID its_owner = {
        0x5e1f3a9d, 0x7c24, 0x4b1e, {0x9a, 0x6d, 0x53, 0x45, 0x4c, 0x46, 0x4d, 0x50}};
    assert_memory_equal(name, its_name, sizeof its_name);
    assert_memory_equal(owner, &its_owner, sizeof its_owner);
}

static const UINT32 attributes_of_hint = EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS;

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *owner, UINT32 *attributes, UINTN *bytes,
                                      VOID *data)
{
    expect_hint(name, owner);
    if (!made.has_hint)
        return EFI_NOT_FOUND;
    assert_int_equal(*bytes, 8);
    *attributes = attributes_of_hint;
    *bytes = made.hint_bytes;
    memcpy(data, &made.hint, made.hint_bytes < 8 ? made.hint_bytes : 8);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *owner, UINT32 attributes, UINTN bytes,
                                      VOID *data)
{
    expect_hint(name, owner);
    assert_int_equal(attributes, attributes_of_hint);
    if (bytes == 0) {
        made.has_hint = false;
        made.deletes++;
        return EFI_SUCCESS;
    }
    assert_int_equal(bytes, 8);
    made.sets++;
    if (EFI_ERROR(made.set))
        return made.set;
    memcpy(&made.hint, data, 8);
    made.has_hint = true;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI query_variable_info(UINT32 attributes, UINT64 *size, UINT64 *left, UINT64 *largest)
{
    assert_int_equal(attributes, attributes_of_hint);
    *size = 65536;
    *largest = 1024;
    *left = made.store_left;
    return made.query;
}

/* ---- what the loader offers its steps ---- */

void say(const char *text, ...)
{
    size_t length = strlen(made.said);
    struct text_sink sink = text_sink(made.said + length, sizeof made.said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_OUT_OF_RESOURCES ? "out of resources"
           : status == EFI_UNSUPPORTED    ? "unsupported"
                                          : "another error";
}

EFI_STATUS note_taken(struct loader *to, const char *name, UINT64 start, UINTN pages)
{
    assert_ptr_equal(to, &loader);
    assert_int_equal(pages, PAGES);
    if (strcmp(name, "report of an earlier run") == 0 && made.refused_notes > 0) {
        made.refused_notes--;
        return EFI_OUT_OF_RESOURCES;
    }
    handoff.own[handoff.own_count++] = (struct own_block){.name = name, .start = {start / 4096}};
    return EFI_SUCCESS;
}

EFI_STATUS take_pages(struct loader *to, const char *name, UINTN pages, UINT64 alignment, UINT64 *start)
{
    assert_int_equal(alignment, 4096);
    assert_int_equal(pages, PAGES);
    if (made.refused[place_number(ANY)])
        return EFI_OUT_OF_RESOURCES;
    made.taken[place_number(ANY)] = true;
    *start = ANY;
    return note_taken(to, name, ANY, pages);
}

EFI_STATUS add_region(struct loader *to, const char *name, UINT64 start, UINT64 end, UINT64 flags, bool exact)
{
    assert_ptr_equal(to, &loader);
    assert_string_equal(name, "log");
    assert_int_equal(end - start, BYTES);
    assert_int_equal(flags, PAGING_WRITABLE | PAGING_NO_EXECUTE);
    assert_true(exact);
    made.regions++;
    return EFI_SUCCESS;
}

EFI_STATUS get_memory_map(struct firmware_map *of)
{
    EFI_STATUS status = of->buffer ? made.map_read : made.map_size;
    of->stride = sizeof *map;
    of->bytes = map_length * sizeof *map;
    if (of->buffer) {
        assert_true(of->room >= map_length + 1 && of->capacity == of->room * of->stride);
        memcpy(of->buffer, map, of->bytes);
    }
    return status;
}

UINTN map_count(const struct firmware_map *of)
{
    return of->bytes / of->stride;
}

EFI_MEMORY_DESCRIPTOR map_descriptor(const struct firmware_map *of, UINTN index)
{
    assert_true(index < map_count(of));
    return ((const EFI_MEMORY_DESCRIPTOR *)(const void *)of->buffer)[index];
}

/* ---- setting up and looking ---- */

static int start(void **state)
{
    (void)state;
    static bool is_mapped;
    for (unsigned i = 0; i < ROOM && !is_mapped; i++)
        assert_ptr_equal(mmap(block_at(places[i]), BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
                         block_at(places[i]));
    is_mapped = true;
    forget_this_run();
    for (unsigned i = 0; i < ROOM; i++)
        memset(block_at(places[i]), 0xa5, 4096);
    memset(&made, 0, sizeof made);
    memset(&handoff, 0, sizeof handoff);
    memset(found, 0, sizeof found);
    made.store_left = 65536;
    map_length = 0;
    services = (EFI_BOOT_SERVICES){.AllocatePages = allocate_pages,
                                   .FreePages = free_pages,
                                   .AllocatePool = allocate_pool,
                                   .FreePool = free_pool};
    runtime = (EFI_RUNTIME_SERVICES){
        .GetVariable = get_variable, .SetVariable = set_variable, .QueryVariableInfo = query_variable_info};
    runtime.Hdr.Revision = 2 << 16;
    table = (EFI_SYSTEM_TABLE){.BootServices = &services, .RuntimeServices = &runtime};
    system_table = &table;
    loader = (struct loader){.handoff = &handoff};
    return 0;
}

/* Puts a report there, as a run leaves it. */
static void leave_report(UINT64 address, const char *text)
{
    char *block = block_at(address);
    kept_start(block);
    strcpy(block + KEPT_HEAD_BYTES, text);
    kept_grow(block + KEPT_HEAD_BYTES, strlen(text));
    char slots[KEPT_HEAD_BYTES];
    memcpy(slots, block, sizeof slots);
    kept_stop();
    memcpy(block, slots, sizeof slots);
}

static void refuse_fixed_places(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        made.refused[i] = true;
}

static void add_range(UINT32 type, UINT64 at, UINT64 pages)
{
    map[map_length++] = (EFI_MEMORY_DESCRIPTOR){.Type = type, .PhysicalStart = at, .NumberOfPages = pages};
}

static unsigned taken(void)
{
    unsigned number = 0;
    for (unsigned i = 0; i < ROOM; i++)
        number += made.taken[i];
    return number;
}

/* Takes the blocks, and expects that the log goes on at this address, and that nothing else stays taken. */
static void expect_log_at(UINT64 address)
{
    assert_int_equal(take_kept_blocks(&loader, found, &count), EFI_SUCCESS);
    assert_ptr_equal(log_text(), (char *)block_at(address) + KEPT_HEAD_BYTES);
    assert_true(made.taken[place_number(address)]);
    assert_int_equal(taken(), count + 1);
    assert_int_equal(handoff.own_count, count + 1);
    assert_string_equal(handoff.own[count].name, "log");
    assert_int_equal(handoff.own[count].start.number, address / 4096);
    assert_int_equal(made.regions, 1);
    assert_int_equal(made.pools, 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(handoff.own[i].start.number, (UINTN)found[i].start / 4096);
}

static void expect_report(unsigned number, UINT64 address, const char *text)
{
    assert_true(number < count);
    assert_ptr_equal(found[number].start, block_at(address));
    assert_int_equal(found[number].record.length, strlen(text));
    assert_memory_equal(found[number].record.text, text, strlen(text));
}

/* ---- the tests ---- */

static void the_first_place_that_can_be_had(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        start(NULL);
        for (unsigned before = 0; before < i; before++)
            made.refused[before] = true;
        expect_log_at(places[i]);
        assert_int_equal(count, 0);
        assert_false(loader.needs_hint);
    }
}

/* Wherever it is: the same program left it at one of the same places. */
static void finds_a_report_at_each_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        start(NULL);
        leave_report(places[i], "a report\n");
        expect_log_at(places[i == 0]);
        assert_int_equal(count, 1);
        expect_report(0, places[i], "a report\n");
    }
}

static void reports_everywhere(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++)
        leave_report(places[i], "one of many\n");
    leave_report(HINTED, "the ninth\n");
    made.has_hint = true;
    made.hint = HINTED;
    made.hint_bytes = 8;
    add_range(EfiConventionalMemory, MIDDLE, PAGES);
    expect_log_at(MIDDLE);
    assert_int_equal(count, KEPT_BLOCK_LIMIT);
    expect_report(8, HINTED, "the ninth\n");
    assert_true(loader.needs_hint);
}

/* What cannot be noted cannot be given back: it is used for the log, or freed at once. */
static void a_report_that_cannot_be_noted(void **state)
{
    (void)state;
    leave_report(places[0], "lost\n");
    leave_report(places[1], "lost\n");
    leave_report(places[2], "kept\n");
    made.refused_notes = 2;
    expect_log_at(places[0]);
    assert_int_equal(count, 1);
    expect_report(0, places[2], "kept\n");
    assert_false(kept_read(block_at(places[0]), BYTES, &found[0].record)); /* the next start finds this log */
}

static void excluded_memory_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        UINT64 start, end; /* frames */
        bool touches;
    } ranges[] = {{0x10000, 0x10001, true}, {0x1003f, 0x10040, true}, {0x10040, 0x10041, false},
                  {0xffff, 0x10000, false}, {0xffff, 0x10001, true},  {0, UINT64_MAX, true},
                  {0x10020, 0x10021, true}};
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        start(NULL);
        leave_report(places[0], "in there\n");
        handoff.options.exclude_count = 2;
        handoff.options.exclude[1] = (struct frame_run){ranges[i].start, ranges[i].end};
        if (ranges[i].end == UINT64_MAX)
            expect_log_at(ANY);
        else
            expect_log_at(places[1]);
        assert_int_equal(count, ranges[i].touches ? 0 : 1);
    }
}

static void store_no_touches_nothing(void **state)
{
    (void)state;
    leave_report(places[0], "a report\n");
    made.has_hint = true;
    handoff.options.store = STORE_NO;
    expect_log_at(ANY);
    assert_int_equal(count, 0);
    assert_int_equal(keep_report(&loader), EFI_SUCCESS);
    assert_false(kept_is_on());
    assert_true(made.has_hint);
    assert_int_equal(made.sets + made.deletes, 0);
    assert_true(kept_read(block_at(places[0]), BYTES, &found[0].record));
}

/* ---- the variable ---- */

static void follows_the_hint(void **state)
{
    (void)state;
    leave_report(HINTED, "a report\n");
    made.has_hint = true;
    made.hint = HINTED;
    made.hint_bytes = 8;
    expect_log_at(places[0]);
    assert_int_equal(count, 1);
    expect_report(0, HINTED, "a report\n");
    assert_false(made.has_hint);
    assert_false(loader.needs_hint);
}

static void hints_that_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        UINT64 hint, bytes;
    } wrong[] = {{0, 8}, {0x14000008, 8}, {0x14000800, 8}, {320 * MIB, 4}, {320 * MIB, 0}, {320 * MIB, 9}};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        start(NULL);
        leave_report(HINTED, "a report\n");
        made.has_hint = true;
        made.hint = wrong[i].hint;
        made.hint_bytes = wrong[i].bytes;
        expect_log_at(places[0]);
        assert_int_equal(count, 0);
        assert_false(made.has_hint);
    }
    for (unsigned kind = 0; kind < 3; kind++) { /* nothing there, not to be had, not to be noted */
        start(NULL);
        if (kind > 0)
            leave_report(HINTED, "a report\n");
        made.refused[place_number(HINTED)] = kind == 1;
        made.refused_notes = kind == 2;
        made.has_hint = true;
        made.hint = HINTED;
        made.hint_bytes = 8;
        expect_log_at(places[0]);
        assert_int_equal(count, 0);
        assert_false(made.taken[place_number(HINTED)]);
    }
}

static void firmware_without_variables(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        start(NULL);
        refuse_fixed_places();
        if (kind == 0)
            table.RuntimeServices = NULL;
        if (kind == 1)
            runtime.GetVariable = NULL;
        if (kind == 2)
            runtime.SetVariable = NULL;
        expect_log_at(ANY);
        assert_int_equal(keep_report(&loader), EFI_SUCCESS);
        assert_string_equal(made.said,
                            "  the report will not be found after a reset: no variable can say where "
                            "it is: unsupported\n");
        forget_this_run();
    }
}

/* Takes a block in the middle of this range, alone among ranges that are no choice. */
static void middle_of(UINT64 pages, UINT64 before)
{
    start(NULL);
    refuse_fixed_places();
    add_range(EfiConventionalMemory, 0x1000, PAGES - 1);
    add_range(EfiBootServicesData, 0x2000000, 100000);
    if (pages > PAGES)
        add_range(EfiConventionalMemory, 0x3000000, PAGES);
    add_range(EfiConventionalMemory, MIDDLE - before * 4096, pages);
    add_range(EfiConventionalMemory, 0x3100000, pages); /* as large, and later */
    expect_log_at(MIDDLE);
    assert_true(loader.needs_hint);
}

static void far_from_the_firmware(void **state)
{
    (void)state;
    middle_of(PAGES, 0);
    middle_of(PAGES + 1, 0);
    middle_of(PAGES + 2, 1);
    middle_of(PAGES + 100, 50);
    start(NULL);
    handoff.options.store = STORE_HINT;
    add_range(EfiConventionalMemory, MIDDLE, PAGES);
    expect_log_at(MIDDLE);
    assert_true(loader.needs_hint);
}

static void anywhere_without_a_map(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 5; kind++) {
        start(NULL);
        refuse_fixed_places();
        add_range(kind == 0 ? EfiBootServicesData : EfiConventionalMemory, MIDDLE, PAGES - (kind == 4));
        made.map_size = kind == 1 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
        made.map_read = kind == 2 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
        made.refused[place_number(MIDDLE)] = kind == 3;
        expect_log_at(ANY);
        assert_true(loader.needs_hint);
    }
    start(NULL);
    refuse_fixed_places();
    made.refused[place_number(ANY)] = true;
    assert_int_equal(take_kept_blocks(&loader, found, &count), EFI_OUT_OF_RESOURCES);
    assert_int_equal(taken(), 0);
    assert_int_equal(made.regions, 0);
}

/* A variable is left only where more than 5 KiB stay free for the firmware's own. */
static void leaves_a_hint_where_there_is_room(void **state)
{
    (void)state;
    static const struct {
        UINT64 left;
        EFI_STATUS query, set;
        UINT32 revision;
        bool left_behind, asked;
    } kinds[] = {{5 * 1024 + 128, 0, 0, 2 << 16, true, true},
                 {5 * 1024 + 127, 0, 0, 2 << 16, false, false},
                 {0, 0, 0, 2 << 16, false, false},
                 {65536, 0, EFI_OUT_OF_RESOURCES, 2 << 16, false, true},
                 {65536, EFI_OUT_OF_RESOURCES, 0, 2 << 16, false, false},
                 {65536, 0, 0, (2 << 16) - 1, false, false},
                 {65536, 0, 0, 2 << 16 | 100, true, true}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        start(NULL);
        refuse_fixed_places();
        expect_log_at(ANY);
        made.store_left = kinds[i].left;
        made.query = kinds[i].query;
        made.set = kinds[i].set;
        runtime.Hdr.Revision = kinds[i].revision;
        made.said[0] = '\0';
        assert_int_equal(keep_report(&loader), EFI_SUCCESS);
        assert_int_equal(made.sets, kinds[i].asked);
        assert_int_equal(made.has_hint, kinds[i].left_behind);
        if (kinds[i].left_behind) {
            assert_true(made.hint == ANY);
            assert_string_equal(
                made.said,
                "  none of the fixed places in memory could be had: a variable says where the report is\n");
        } else {
            assert_non_null(strstr(made.said, "no variable can say where it is: "));
            assert_int_equal(kinds[i].revision < 2 << 16, strstr(made.said, "unsupported") != NULL);
        }
        forget_this_run();
        assert_false(made.has_hint);
        assert_int_equal(made.deletes, kinds[i].left_behind);
    }
    start(NULL);
    refuse_fixed_places();
    runtime.QueryVariableInfo = NULL;
    expect_log_at(ANY);
    assert_int_equal(keep_report(&loader), EFI_SUCCESS);
    assert_false(made.has_hint);
}

/* ---- from the log to a report ---- */

static void what_was_said_is_kept(void **state)
{
    (void)state;
    leave_report(places[0], "an earlier one\n");
    kept_forget(block_at(places[0]));
    expect_log_at(places[0]);
    size_t before = log_length(); /* of the log before there was a block */
    const char text[] = "before the report is kept\n";
    for (const char *c = text; *c; c++)
        log_put(*c);
    assert_false(kept_read(block_at(places[0]), BYTES, &found[0].record));
    assert_int_equal(keep_report(&loader), EFI_SUCCESS);
    assert_true(kept_read(block_at(places[0]), BYTES, &found[0].record));
    assert_int_equal(found[0].record.length, before + sizeof text - 1);
    assert_memory_equal(found[0].record.text + before, text, sizeof text - 1);
    assert_int_equal(made.sets, 0);
    forget_this_run();
    assert_false(kept_read(block_at(places[0]), BYTES, &found[0].record));
    assert_int_equal(made.deletes, 0);
}

/* A log that is full keeps all that fits into the block, and nothing behind it is written. */
static void the_block_is_filled_to_its_end(void **state)
{
    (void)state;
    expect_log_at(places[0]);
    for (unsigned i = 0; i < 2 * BYTES; i++)
        log_put('x');
    log_begin_tail();
    for (unsigned i = 0; i < 2 * BYTES; i++)
        log_put('y');
    assert_int_equal(log_length(), BYTES - KEPT_HEAD_BYTES);
    assert_int_equal(((char *)block_at(places[0]))[BYTES - 1], 'y');
    keep_report(&loader);
    assert_true(kept_read(block_at(places[0]), BYTES, &found[0].record));
    assert_int_equal(found[0].record.length, BYTES - KEPT_HEAD_BYTES);
}

#define TEST(name, function)              \
    {                                     \
        name, function, start, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("kept blocks: the first place that can be had is the log's", the_first_place_that_can_be_had),
        TEST("kept blocks: a report is found at each place", finds_a_report_at_each_place),
        TEST("kept blocks: reports at all places are found, and the log gets another one",
             reports_everywhere),
        TEST("kept blocks: a report that cannot be noted is not taken", a_report_that_cannot_be_noted),
        TEST("kept blocks: excluded memory is left alone, to the frame", excluded_memory_is_left_alone),
        TEST("kept blocks: with store=no nothing is looked for, kept or deleted", store_no_touches_nothing),
        TEST("kept blocks: a variable leads to a report, and is deleted", follows_the_hint),
        TEST("kept blocks: variables that lead nowhere are deleted, and no memory is lost",
             hints_that_lead_nowhere),
        TEST("kept blocks: firmware without variables", firmware_without_variables),
        TEST("kept blocks: without a fixed place it is the middle of the largest free range",
             far_from_the_firmware),
        TEST("kept blocks: without a map, or a range, it is anywhere", anywhere_without_a_map),
        TEST("kept blocks: a variable is left where there is room, and goes with the run",
             leaves_a_hint_where_there_is_room),
        TEST("kept blocks: what was said before is part of the report", what_was_said_is_kept),
        TEST("kept blocks: the log fills the block to its end", the_block_is_filled_to_its_end),
    };
    return cmocka_run_group_tests_name("kept_blocks", tests, NULL, NULL);
}
