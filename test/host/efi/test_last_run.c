/* SPDX-License-Identifier: MIT */
/* last run: what is known of it at the next start, its report as a file, and the file that names the step. */
#include "efi/disk.h"
#include "efi/volume.h"
#include "kernel/console/format.h"

#define CRUMB "\\SELFMAP\\LASTRUN.TXT"
enum { CRUMB_BYTES = 256 };

EFI_SYSTEM_TABLE *system_table;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_LOADED_IMAGE loaded;
static struct handoff handoff;
static struct loader loader;
static char said[2048];

/* What is found in memory. */
static struct kept_block blocks[KEPT_BLOCK_LIMIT];
static unsigned block_count, forgotten;
static bool is_kept;
static EFI_STATUS taking;

void say(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

EFI_STATUS take_kept_blocks(struct loader *of, struct kept_block *found, unsigned *count)
{
    assert_ptr_equal(of, &loader);
    memcpy(found, blocks, sizeof blocks);
    *count = block_count;
    return taking;
}

bool kept_is_on(void)
{
    return is_kept;
}

void kept_forget(void *block)
{
    assert_int_equal((UINTN)block, 0x1000 + forgotten);
    forgotten++;
}

/* A machine that starts again, with the volume as it is. */
static void start_again(void)
{
    memset(&handoff, 0, sizeof handoff);
    memset(said, 0, sizeof said);
    loader = (struct loader){.loaded = &loaded, .handoff = &handoff};
    block_count = forgotten = 0;
}

static int begin(void **state)
{
    (void)state;
    disk_begin();
    services = (EFI_BOOT_SERVICES){.HandleProtocol = disk_handle_protocol};
    table.BootServices = &services;
    system_table = &table;
    loaded = (EFI_LOADED_IMAGE){.DeviceHandle = DISK_DEVICE};
    is_kept = true;
    taking = EFI_SUCCESS;
    start_again();
    return 0;
}

static int end(void **state)
{
    (void)state;
    return disk.handles == 0 ? 0 : -1;
}

static void keep(const char *text, enum kept_state state, const char *step)
{
    struct kept_block *block = &blocks[block_count];
    block->start = (void *)(UINTN)(0x1000 + block_count);
    block->record = (struct kept_record){.state = state, .text = text, .length = strlen(text)};
    strcpy(block->record.step, step);
    block_count++;
}

static void expect_file(const char *path, const char *content)
{
    const struct disk_file *file = disk_find(path);
    assert_non_null(file);
    assert_int_equal(file->bytes, strlen(content));
    assert_memory_equal(file->content, content, file->bytes);
}

static void expect_facts(const char *last_run, const char *last_report, bool is_known, bool found,
                         bool written)
{
    assert_string_equal(handoff.last_run, last_run);
    assert_string_equal(handoff.last_report, last_report);
    assert_int_equal(loader.last_run.is_known, is_known);
    assert_int_equal(loader.last_run.found_report, found);
    assert_int_equal(loader.last_run.is_written, written);
}

/* ---- the breadcrumb ---- */

static void expect_crumb(const char *text)
{
    const struct disk_file *file = disk_find(CRUMB);
    assert_non_null(file);
    assert_int_equal(file->bytes, CRUMB_BYTES);
    assert_memory_equal(file->content, text, strlen(text));
    for (size_t i = strlen(text); i < CRUMB_BYTES - 2; i++)
        assert_int_equal(file->content[i], ' ');
    assert_memory_equal(file->content + CRUMB_BYTES - 2, "\r\n", 2);
}

/* It always has the same length: another one would change more of the volume than the file. */
static void crumb_has_one_length(void **state)
{
    (void)state;
    leave_breadcrumb(&loader, "a step with a long name");
    expect_crumb("The last run of Selfmap " SELFMAP_VERSION
                 "\r\nIt got as far as: a step with a long name\r\n");
    leave_breadcrumb(&loader, "b");
    expect_crumb("The last run of Selfmap " SELFMAP_VERSION "\r\nIt got as far as: b\r\n");
    assert_string_equal(handoff.store, "\\SELFMAP on the volume that Selfmap was started from");
    assert_true(handoff.can_store);
    leave_last_breadcrumb(&loader, "It is over, ", "and well");
    expect_crumb("The last run of Selfmap " SELFMAP_VERSION "\r\nIt is over, and well\r\n");
    char longest[CRUMB_BYTES + 9] = {0};
    memset(longest, 'x', sizeof longest - 1);
    leave_breadcrumb(&loader, longest);
    const struct disk_file *file = disk_find(CRUMB);
    assert_int_equal(file->bytes, CRUMB_BYTES);
    assert_memory_equal(file->content + CRUMB_BYTES - 5, "xxx\r\n", 5);
    is_kept = false;
    leave_breadcrumb(&loader, "c");
    assert_false(handoff.can_store);
    assert_string_equal(said, "");
}

static void crumb_that_cannot_be_left(void **state)
{
    (void)state;
    disk_fail(CALL_OPEN, "", EFI_WRITE_PROTECTED);
    leave_breadcrumb(&loader, "a");
    assert_string_equal(said, "  nothing can be written to " CRUMB ": the volume is write protected\n");
    assert_string_equal(handoff.store, "no: the volume is write protected");
    assert_false(handoff.can_store);
    disk_fail(CALL_NONE, "", 0);
    leave_breadcrumb(&loader, "b"); /* no second try, and nothing is said twice */
    leave_last_breadcrumb(&loader, "c", "d");
    assert_int_equal(disk.made, 0);
    assert_string_equal(said, "  nothing can be written to " CRUMB ": the volume is write protected\n");
}

static void store_no_writes_nothing(void **state)
{
    (void)state;
    handoff.options.store = STORE_NO;
    keep("a report\n", KEPT_ENDED, "");
    leave_breadcrumb(&loader, "a");
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("unknown", "none", false, false, false);
    assert_string_equal(handoff.store, "no: store=no");
    assert_int_equal(disk.made + forgotten, 0);
    assert_string_equal(said, "");
    assert_false(handoff.can_store);
}

/* ---- what is known of the last run ---- */

static void the_first_run_on_a_volume(void **state)
{
    (void)state;
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("unknown", "none", false, false, false);
    assert_int_equal(disk.made, 0);
    disk.has_volume = false;
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("unknown", "none", false, false, false);
    assert_string_equal(said, "");
    taking = EFI_OUT_OF_RESOURCES;
    assert_int_equal(look_for_report(&loader), EFI_OUT_OF_RESOURCES);
}

static void a_run_that_left_only_its_step(void **state)
{
    (void)state;
    static const struct {
        const char *step, *fact;
    } steps[] = {
        {"build fresh page tables", "did not end, it got as far as: build fresh page tables"},
        {LAST_STEP, "came to the exit from the firmware, its report was not kept"},
        {LAST_STEP "!", "did not end, it got as far as: " LAST_STEP "!"},
    };
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        char line[160] = "  the last run ";
        begin(NULL);
        leave_breadcrumb(&loader, steps[i].step);
        start_again();
        assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
        expect_facts(steps[i].fact, "none", true, false, false);
        assert_string_equal(said, strcat(strcat(line, steps[i].fact), "\n"));
    }
}

static void a_run_whose_end_was_noted(void **state)
{
    (void)state;
    leave_last_breadcrumb(&loader, "Its report is in ", "a file");
    start_again();
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("unknown", "none", false, false, false);
}

/* Whoever edits the file, or a broken volume, can put anything there. */
static void step_files_with_other_content(void **state)
{
    (void)state;
    static const struct {
        const char *content, *step;
    } files[] = {
        {"It got as far as: x", "x"},
        {"It got as far as: ", ""},
        {"It It got as far as: It got as far as: y\r", "It got as far as: y"},
        {"It got as far as: a\x7f", "a"},
        {"It got as far as: ~ !\nz", "~ !"},
        {"It got as far as", NULL},
        {"", NULL},
    };
    char step[32];
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        disk_put(CRUMB, files[i].content);
        assert_int_equal(read_breadcrumb(&loader, step, sizeof step), files[i].step != NULL);
        if (files[i].step)
            assert_string_equal(step, files[i].step);
    }
    char longest[400];
    memset(longest, ' ', sizeof longest);
    strcpy(longest + CRUMB_BYTES - 19, "It got as far as: abc"); /* only one letter lies in the record */
    disk_put(CRUMB, longest);
    assert_true(read_breadcrumb(&loader, step, sizeof step));
    assert_string_equal(step, "a");
    assert_true(read_breadcrumb(&loader, step, 1));
    assert_string_equal(step, "");
    disk_fail(CALL_READ, "", EFI_DEVICE_ERROR);
    assert_false(read_breadcrumb(&loader, step, sizeof step));
}

/* ---- reports ---- */

static void a_report_becomes_a_file(void **state)
{
    (void)state;
    disk_put("\\SELFMAP", NULL);
    disk_put("\\SELFMAP\\REPORT-4.TXT", "older");
    leave_breadcrumb(&loader, "not this");
    start_again();
    keep("ok 1\nPASS\n", KEPT_ENDED, "the end");
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("ended", "\\SELFMAP\\REPORT-5.TXT", true, true, true);
    expect_file("\\SELFMAP\\REPORT-5.TXT", "ok 1\nPASS\n");
    expect_file("\\SELFMAP\\REPORT-4.TXT", "older");
    assert_int_equal(forgotten, 1);
    assert_string_equal(said, "  the last run ended\n"
                              "  its report is now in \\SELFMAP\\REPORT-5.TXT, 10 bytes\n");
    expect_crumb("The last run of Selfmap " SELFMAP_VERSION
                 "\r\nIts report is in \\SELFMAP\\REPORT-5.TXT\r\n");
    assert_string_equal(loader.last_run.record.text, "ok 1\nPASS\n");
}

static void a_report_that_was_cut_off(void **state)
{
    (void)state;
    static const enum kept_state states[] = {KEPT_IN_LOADER, KEPT_IN_KERNEL};
    for (unsigned i = 0; i < 2; i++) {
        begin(NULL);
        keep("ok 1\n", states[i], "unmap: the next access faults");
        assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
        expect_facts("did not end, it was at: unmap: the next access faults", "\\SELFMAP\\REPORT-1.TXT", true,
                     true, true);
        expect_file("\\SELFMAP\\REPORT-1.TXT",
                    "ok 1\n# cut off: the run did not end, it was at: unmap: the next access faults\n");
    }
    char step[KEPT_STEP_LIMIT];
    memset(step, 's', sizeof step - 1);
    step[sizeof step - 1] = '\0';
    begin(NULL);
    keep("", KEPT_IN_KERNEL, step);
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    const struct disk_file *file = disk_find("\\SELFMAP\\REPORT-1.TXT");
    assert_memory_equal(file->content + file->bytes - 3, "ss\n", 3);
}

static void several_reports(void **state)
{
    (void)state;
    keep("first\n", KEPT_ENDED, "");
    keep("second\n", KEPT_IN_KERNEL, "x");
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_file("\\SELFMAP\\REPORT-1.TXT", "first\n");
    assert_int_equal(disk_find("\\SELFMAP\\REPORT-2.TXT")->content[0], 's');
    assert_string_equal(handoff.last_report, "\\SELFMAP\\REPORT-2.TXT");
    assert_int_equal(forgotten, 2);
}

/* It stays in memory, so that the next start can try again. */
static void a_report_that_cannot_be_written(void **state)
{
    (void)state;
    static const struct {
        const char *path, *why;
        enum disk_call call;
        EFI_STATUS status;
    } kinds[] = {{"\\SELFMAP", "device error", CALL_OPEN, EFI_DEVICE_ERROR},
                 {"\\SELFMAP\\REPORT-1.TXT", "the volume is full", CALL_WRITE, EFI_VOLUME_FULL}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char fact[100] = "not written: ",
             line[300] = "  the last run ended\n  its report could not be written: ";
        begin(NULL);
        keep("ok 1\n", KEPT_ENDED, "");
        disk_fail(kinds[i].call, kinds[i].path, kinds[i].status);
        assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
        expect_facts("ended", strcat(fact, kinds[i].why), true, true, false);
        assert_int_equal(forgotten, 0);
        strcat(strcat(line, kinds[i].why),
               "\n  it stays in memory until the machine is switched off; a warm reset tries again\n");
        assert_string_equal(said, line);
        assert_null(disk_find("\\SELFMAP\\REPORT-1.TXT"));
    }
}

static void all_numbers_are_taken(void **state)
{
    (void)state;
    disk_put("\\SELFMAP", NULL);
    disk_put("\\SELFMAP\\REPORT-98.TXT", "");
    keep("ok 1\n", KEPT_ENDED, "");
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_file("\\SELFMAP\\REPORT-99.TXT", "ok 1\n");
    start_again();
    keep("ok 2\n", KEPT_ENDED, "");
    assert_int_equal(look_for_report(&loader), EFI_SUCCESS);
    expect_facts("ended", "not written: REPORT-99.TXT has the last number, delete the reports", true, true,
                 false);
    expect_file("\\SELFMAP\\REPORT-99.TXT", "ok 1\n");
    assert_int_equal(forgotten, 0);
}

#define TEST(name, function)             \
    {                                    \
        name, function, begin, end, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("breadcrumb: the file has one length, and names the step", crumb_has_one_length),
        TEST("breadcrumb: one that cannot be left is told once, and not tried again",
             crumb_that_cannot_be_left),
        TEST("breadcrumb: whatever the file holds, a step is read or none", step_files_with_other_content),
        TEST("last run: with store=no nothing is written or said", store_no_writes_nothing),
        TEST("last run: nothing is known before the first one", the_first_run_on_a_volume),
        TEST("last run: without a report the step is told", a_run_that_left_only_its_step),
        TEST("last run: one whose end was noted is not told as cut off", a_run_whose_end_was_noted),
        TEST("last run: its report becomes a file with the next number", a_report_becomes_a_file),
        TEST("last run: a report that was cut off says where", a_report_that_was_cut_off),
        TEST("last run: each of several reports becomes a file", several_reports),
        TEST("last run: a report that cannot be written stays in memory", a_report_that_cannot_be_written),
        TEST("last run: without a free number no report is written over", all_numbers_are_taken),
    };
    return cmocka_run_group_tests_name("last_run", tests, NULL, NULL);
}
