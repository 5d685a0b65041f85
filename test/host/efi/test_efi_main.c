/* SPDX-License-Identifier: MIT */
/* efi main: the steps in their order, what is said and noted before each, and how the loader goes back. */
#include "devices/processor/processor.h"
#include "efi/loader.h"
#include "kernel/console/log.h"
#include <string.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

enum { STEPS = 14 };

/* In the order in which they run. A breadcrumb is left before some. */
static const struct {
    const char *what;
    bool leaves_breadcrumb;
} expected[STEPS] = {{"switch the watchdog off", false},
                     {"look at firmware and processor", false},
                     {"read options", false},
                     {"look for the report of the last run", false},
                     {"ask what to run", false},
                     {"keep the report of this run in memory", false},
                     {"look for a framebuffer", true},
                     {"find the sections of our image", false},
                     {"take memory for stack, hand-over, frames and tables", false},
                     {"look for a serial port", false},
                     {"find what runtime services need", false},
                     {"build fresh page tables", true},
                     {"check them before they are used", false},
                     {"exit boot services", true}};

static struct {
    unsigned steps, failing; /* how many have run; the number of the one that fails */
    EFI_STATUS tables, protocol;
    bool is_not_loaded, finds_report, is_slow;
    const char *why_back;
    const char *crumbs[8]; /* steps that were left behind, and */
    unsigned crumb_count;
    const char *last_sentence, *last_what;
    unsigned clears, forgotten, given_back, seconds;
    char said[2048];
    char said_before[STEPS][80]; /* the line before each step */
    struct handoff *handoff;     /* also from the runs before this one */
} run;
static jmp_buf entered;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static SIMPLE_TEXT_OUTPUT_INTERFACE console;
static EFI_LOADED_IMAGE loaded;
static int image;

/* ---- the steps ---- */

static EFI_STATUS step(struct loader *loader, unsigned number)
{
    run.handoff = loader->handoff;
    assert_int_equal(run.steps, number);
    assert_ptr_equal(loader->image, &image);
    assert_ptr_equal(loader->loaded, &loaded);
    assert_ptr_equal(system_table, &table);
    const char *line = strrchr(run.said, 'S');
    assert_non_null(line);
    strncpy(run.said_before[number], line, sizeof run.said_before[0] - 1);
    loader->why_back = run.why_back;
    loader->last_run.found_report = run.finds_report;
    loader->handoff->options.slow_steps = run.is_slow;
    return ++run.steps == run.failing ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

#define STEP(name, number)                 \
    EFI_STATUS name(struct loader *loader) \
    {                                      \
        return step(loader, number);       \
    }
STEP(switch_watchdog_off, 0)
STEP(describe_platform, 1)
STEP(read_options, 2)
STEP(look_for_report, 3)
STEP(ask_what_to_run, 4)
STEP(keep_report, 5)
STEP(find_framebuffer, 6)
STEP(find_image_sections, 7)
STEP(take_memory, 8)
STEP(find_serial_port, 9)
STEP(find_runtime_regions, 10)
STEP(build_fresh_tables, 11)
STEP(check_fresh_tables, 12)
STEP(exit_boot_services, 13)

/* ---- the rest of loader and kernel ---- */

uint64_t console_time;

void say(const char *text, ...)
{
    size_t length = strlen(run.said);
    struct text_sink sink = text_sink(run.said + length, sizeof run.said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
    console_time += 10;
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

EFI_STATUS check_firmware_tables(void)
{
    assert_ptr_equal(system_table, &table);
    return run.tables;
}

void leave_breadcrumb(struct loader *loader, const char *what)
{
    assert_ptr_equal(loader->loaded, &loaded);
    run.crumbs[run.crumb_count++] = what;
    assert_string_equal(what, expected[run.steps].what); /* before the step */
}

void leave_last_breadcrumb(struct loader *loader, const char *sentence, const char *what)
{
    (void)loader;
    assert_int_equal(run.given_back + run.forgotten, 0);
    run.last_sentence = sentence;
    run.last_what = what;
}

void forget_this_run(void)
{
    run.forgotten++;
}

void loader_give_back(struct loader *loader)
{
    assert_ptr_equal(loader->loaded, &loaded);
    run.given_back++;
}

_Noreturn void kernel_enter(struct handoff *handoff)
{
    assert_ptr_equal(handoff, run.handoff);
    longjmp(entered, 1);
}

/* ---- the firmware ---- */

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **found)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    assert_ptr_equal(handle, &image);
    assert_memory_equal(protocol, &loaded_image, sizeof loaded_image);
    *found = run.is_not_loaded ? NULL : &loaded;
    return run.protocol;
}

static EFI_STATUS EFIAPI clear_screen(SIMPLE_TEXT_OUTPUT_INTERFACE *this)
{
    assert_ptr_equal(this, &console);
    assert_string_equal(run.said, "");
    run.clears++;
    return EFI_DEVICE_ERROR; /* nobody cares */
}

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    assert_int_equal(microseconds, 1000000);
    run.seconds++;
    return EFI_SUCCESS;
}

static int begin(void **state)
{
    (void)state;
    if (run.handoff)
        memset(run.handoff, 0, sizeof *run.handoff);
    struct handoff *handoff = run.handoff;
    memset(&run, 0, sizeof run);
    run.handoff = handoff;
    processor_begin();
    processor.tsc_step = 1;
    console_time = 0;
    services = (EFI_BOOT_SERVICES){.HandleProtocol = handle_protocol, .Stall = stall};
    console = (SIMPLE_TEXT_OUTPUT_INTERFACE){.ClearScreen = clear_screen};
    table = (EFI_SYSTEM_TABLE){.BootServices = &services, .ConOut = &console};
    system_table = NULL;
    return 0;
}

/* Returns whether the kernel was entered; if not, *status is what went back to the firmware. */
static bool enters_kernel(EFI_STATUS *status)
{
    if (setjmp(entered))
        return true;
    *status = efi_main(&image, &table);
    return false;
}

static void expect_back(EFI_STATUS expected_status)
{
    EFI_STATUS status;
    assert_false(enters_kernel(&status));
    assert_int_equal(status, expected_status);
}

/* ---- the tests ---- */

static void each_step_is_said_before_it_runs(void **state)
{
    (void)state;
    EFI_STATUS status;
    assert_true(enters_kernel(&status));
    assert_int_equal(run.steps, STEPS);
    assert_int_equal(run.clears, 1);
    assert_int_equal(strncmp(run.said, "\nSelfmap " SELFMAP_VERSION "\nSelfmap: switch", 24), 0);
    unsigned crumbs = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        char line[80];
        struct text_sink sink = text_sink(line, sizeof line);
        format(&sink.sink, "Selfmap: %s\n", expected[i].what);
        assert_string_equal(run.said_before[i], line);
        if (expected[i].leaves_breadcrumb)
            assert_string_equal(run.crumbs[crumbs++], expected[i].what);
    }
    assert_int_equal(run.crumb_count, crumbs);
    assert_null(run.last_sentence);
    assert_int_equal(run.given_back + run.forgotten + run.seconds, 0);
}

/* The marks tell those who measure when each step began, and how long the console had taken by then. */
static void the_beginning_of_each_step_is_marked(void **state)
{
    (void)state;
    EFI_STATUS status;
    if (!run.handoff) { /* so that it is clean */
        assert_true(enters_kernel(&status));
        begin(NULL);
    }
    assert_true(enters_kernel(&status));
    const struct time_mark *marks = run.handoff->marks;
    assert_int_equal(run.handoff->mark_count, STEPS + 2);
    assert_string_equal(marks[0].what, "find our image");
    assert_int_equal(marks[0].console, 0);
    assert_string_equal(marks[STEPS + 1].what, "own descriptor tables and console");
    for (unsigned i = 0; i <= STEPS; i++) {
        if (i < STEPS)
            assert_string_equal(marks[i + 1].what, expected[i].what);
        assert_true(marks[i + 1].tsc > marks[i].tsc);
        assert_int_equal(marks[i + 1].console, 10 + 10 * i);
    }
    assert_true(run.handoff->loader_frame != 0);
}

static void a_step_that_fails_is_the_last_one(void **state)
{
    for (unsigned failing = 1; failing <= STEPS; failing++) {
        (void)begin(state);
        run.failing = failing;
        expect_back(EFI_DEVICE_ERROR);
        assert_int_equal(run.steps, failing);
        assert_non_null(strstr(run.said, "\nSelfmap: stopped before leaving the firmware: device error\n"));
        assert_string_equal(run.last_sentence, "It went back to the firmware: ");
        assert_string_equal(run.last_what, "device error");
        assert_int_equal(run.forgotten, 1);
        assert_int_equal(run.given_back, 1);
    }
}

/* Nothing failed: somebody wants to boot on. The file then tells of the last run, if that left a report. */
static void going_back_is_no_failure(void **state)
{
    for (unsigned finds = 0; finds < 2; finds++) {
        (void)begin(state);
        run.why_back = "nobody wants another run";
        run.failing = 5;
        run.finds_report = finds;
        expect_back(EFI_DEVICE_ERROR);
        assert_non_null(strstr(run.said, "\nSelfmap: back to the firmware: nobody wants another run\n"));
        assert_int_equal(run.last_sentence == NULL, finds);
        if (!finds)
            assert_string_equal(run.last_what, "nobody wants another run");
        assert_int_equal(run.given_back, 1);
    }
    (void)begin(state);
    run.finds_report = true;
    run.failing = 7;
    expect_back(EFI_DEVICE_ERROR);
    assert_string_equal(run.last_what, "device error"); /* a failure is told all the same */
}

static void firmware_that_is_not_whole(void **state)
{
    run.tables = EFI_UNSUPPORTED;
    expect_back(EFI_UNSUPPORTED);
    assert_int_equal(run.steps, 0);
    for (unsigned kind = 0; kind < 2; kind++) {
        (void)begin(state);
        run.protocol = kind == 0 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
        run.is_not_loaded = kind == 1;
        expect_back(EFI_UNSUPPORTED);
        assert_int_equal(run.steps, 0);
        assert_non_null(strstr(run.said, "\n  the firmware does not say where our image is: "));
    }
    (void)begin(state);
    EFI_STATUS status;
    console.ClearScreen = NULL;
    assert_true(enters_kernel(&status));
    (void)begin(state);
    table.ConOut = NULL;
    assert_true(enters_kernel(&status));
    assert_int_equal(run.clears, 0);
}

static void slow_steps_wait_a_second_each(void **state)
{
    (void)state;
    EFI_STATUS status;
    run.is_slow = true;
    assert_true(enters_kernel(&status));
    assert_int_equal(run.seconds, STEPS - 1); /* the first one has set the option */
}

static void what_was_said_early_is_in_the_log(void **state)
{
    (void)state;
    EFI_STATUS status;
    assert_true(enters_kernel(&status));
    for (unsigned i = 0; i < 10000; i++)
        log_put('x');
    assert_int_equal(log_length(), 2048); /* beside the room for the end of a run */
}

static void stopping_halts_the_processor(void **state)
{
    (void)state;
    jmp_buf halted;
    processor.halt = &halted;
    if (setjmp(halted) == 0)
        stop_for_good();
}

#define TEST(name, function)              \
    {                                     \
        name, function, begin, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("efi main: each step is said before it runs, and some are left behind",
             each_step_is_said_before_it_runs),
        TEST("efi main: the beginning of each step is marked", the_beginning_of_each_step_is_marked),
        TEST("efi main: a step that fails is the last one, and all goes back",
             a_step_that_fails_is_the_last_one),
        TEST("efi main: going back to the firmware is no failure", going_back_is_no_failure),
        TEST("efi main: firmware that is not whole is left at once", firmware_that_is_not_whole),
        TEST("efi main: slow steps wait a second each", slow_steps_wait_a_second_each),
        TEST("efi main: what was said early is in the log", what_was_said_early_is_in_the_log),
        TEST("efi main: stopping halts the processor", stopping_halts_the_processor),
    };
    return cmocka_run_group_tests_name("efi_main", tests, NULL, NULL);
}
