/* SPDX-License-Identifier: MIT */
/*
 * ask what to run: the menu and the question in one line, on a made-up console with a keyboard and a timer.
 * test/host/kernel/test_menu.c has what each key means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "efi/menu.h"
#include "efi/menu_state.h"

const struct selftest_group selftest_groups[SELFTEST_GROUPS] = {{"start", "", NULL, false}};

EFI_SYSTEM_TABLE *system_table;
static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_RUNTIME_SERVICES runtime;
static SIMPLE_INPUT_INTERFACE input;
static SIMPLE_TEXT_OUTPUT_INTERFACE output;
static SIMPLE_TEXT_OUTPUT_MODE mode;
static struct handoff handoff;
static struct loader loader;

/* ---- the firmware, and who sits before it ---- */

enum happening {
    SECOND,
    KEY,
    NOT_READY,
    NO_KEY,
    NO_EVENT
}; /* the last two: ReadKeyStroke, WaitForEvent fail */

static struct {
    struct {
        enum happening what;
        EFI_INPUT_KEY key;
    } script[300]; /* after it seconds pass */
    unsigned planned, waits;
    char screen[12000]; /* what was said since it was cleared */
    char all[40000];
    unsigned clears, draws_of_report, resets, shutdowns, timers; /* timers: that are there now */
    EFI_STATUS clear, create, set_timer;
    bool has_note, five; /* the variable; a processor with five levels */
    UINTN mode_number;
} machine;

static void append(char *to, size_t capacity, const char *text, va_list arguments)
{
    size_t length = strlen(to);
    struct text_sink sink = text_sink(to + length, capacity - length);
    format_list(&sink.sink, text, arguments);
}

void say(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    append(machine.screen, sizeof machine.screen, text, arguments);
    va_end(arguments);
    va_start(arguments, text);
    append(machine.all, sizeof machine.all, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

bool cpu_has_five_levels(void)
{
    return machine.five;
}

/* show_report.c, which has a test of its own. */
void show_last_report(const struct loader *of, struct keys *keys)
{
    assert_ptr_equal(of, &loader);
    assert_ptr_equal(keys->timer, &machine);
    machine.draws_of_report++;
    say("the report");
}

static EFI_STATUS EFIAPI wait_for_event(UINTN count, EFI_EVENT *events, UINTN *index)
{
    assert_int_equal(count, 2);
    assert_ptr_equal(events[0], &machine);
    assert_ptr_equal(events[1], &input);
    assert_int_equal(machine.timers, 1);
    if (machine.waits++ >= 2000)
        fail_msg("it waits for ever");
    enum happening what = machine.waits <= machine.planned ? machine.script[machine.waits - 1].what : SECOND;
    if (what == NO_EVENT)
        return EFI_DEVICE_ERROR;
    *index = what != SECOND;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_key(SIMPLE_INPUT_INTERFACE *this, EFI_INPUT_KEY *key)
{
    assert_ptr_equal(this, &input);
    assert_in_range(machine.waits, 1, machine.planned);
    *key = machine.script[machine.waits - 1].key;
    enum happening what = machine.script[machine.waits - 1].what;
    return what == KEY ? EFI_SUCCESS : what == NOT_READY ? EFI_NOT_READY : EFI_DEVICE_ERROR;
}

static EFI_STATUS EFIAPI reset_keyboard(SIMPLE_INPUT_INTERFACE *this, BOOLEAN thoroughly)
{
    assert_ptr_equal(this, &input);
    assert_false(thoroughly);
    machine.resets++;
    return EFI_DEVICE_ERROR; /* nobody cares */
}

static EFI_STATUS EFIAPI create_event(UINT32 type, EFI_TPL level, EFI_EVENT_NOTIFY notify, VOID *context,
                                      EFI_EVENT *event)
{
    assert_int_equal(type, EVT_TIMER);
    assert_int_equal(level, TPL_APPLICATION);
    assert_true(!notify && !context);
    if (EFI_ERROR(machine.create))
        return machine.create;
    machine.timers++;
    *event = &machine;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_timer(EFI_EVENT event, EFI_TIMER_DELAY kind, UINT64 period)
{
    assert_ptr_equal(event, &machine);
    assert_int_equal(kind, TimerPeriodic);
    assert_int_equal(period, 10000000); /* of 100 ns: a second */
    return machine.set_timer;
}

static EFI_STATUS EFIAPI close_event(EFI_EVENT event)
{
    assert_ptr_equal(event, &machine);
    machine.timers--;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI clear_screen(SIMPLE_TEXT_OUTPUT_INTERFACE *this)
{
    assert_ptr_equal(this, &output);
    machine.clears++;
    if (!EFI_ERROR(machine.clear))
        machine.screen[0] = '\0';
    return machine.clear;
}

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *this, CHAR16 *text)
{
    (void)this, (void)text;
    fail();
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE *this, UINTN number, UINTN *columns,
                                    UINTN *rows)
{
    assert_ptr_equal(this, &output);
    if (number != machine.mode_number)
        return EFI_UNSUPPORTED;
    *columns = 40;
    *rows = 30;
    return EFI_SUCCESS;
}

static const CHAR16 note_name[] = L"SelfmapWentBack";
static const EFI_GUID note_owner = {
    0x0c7e55a1, 0x2b1d, 0x4f63, {0x8e, 0x11, 0x53, 0x45, 0x4c, 0x46, 0x4d, 0x50}};

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *owner, UINT32 *attributes, UINTN *bytes,
                                      VOID *data)
{
    assert_memory_equal(name, note_name, sizeof note_name);
    assert_memory_equal(owner, &note_owner, sizeof note_owner);
    assert_int_equal(*bytes, 1);
    if (!machine.has_note)
        return EFI_NOT_FOUND;
    *attributes = EFI_VARIABLE_BOOTSERVICE_ACCESS;
    *(UINT8 *)data = 1;
    return EFI_SUCCESS;
}

/* It is volatile: gone at the next reset. */
static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *owner, UINT32 attributes, UINTN bytes,
                                      VOID *data)
{
    assert_memory_equal(name, note_name, sizeof note_name);
    assert_memory_equal(owner, &note_owner, sizeof note_owner);
    assert_int_equal(attributes, EFI_VARIABLE_BOOTSERVICE_ACCESS);
    assert_int_equal(bytes, 1);
    assert_int_equal(*(UINT8 *)data, 1);
    machine.has_note = true;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI reset_system(EFI_RESET_TYPE type, EFI_STATUS status, UINTN bytes, CHAR16 *data)
{
    assert_int_equal(type, EfiResetShutdown);
    assert_int_equal(status, EFI_SUCCESS);
    assert_true(bytes == 0 && !data);
    machine.shutdowns++;
    return EFI_UNSUPPORTED; /* it does not come back if it can do it */
}

static int begin(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof machine);
    memset(&handoff, 0, sizeof handoff);
    machine.mode_number = 2;
    mode = (SIMPLE_TEXT_OUTPUT_MODE){.MaxMode = 3, .Mode = 2};
    input = (SIMPLE_INPUT_INTERFACE){reset_keyboard, read_key, &input};
    output = (SIMPLE_TEXT_OUTPUT_INTERFACE){
        .OutputString = output_string, .ClearScreen = clear_screen, .QueryMode = query_mode, .Mode = &mode};
    services = (EFI_BOOT_SERVICES){.WaitForEvent = wait_for_event,
                                   .CreateEvent = create_event,
                                   .SetTimer = set_timer,
                                   .CloseEvent = close_event};
    runtime = (EFI_RUNTIME_SERVICES){
        .GetVariable = get_variable, .SetVariable = set_variable, .ResetSystem = reset_system};
    table = (EFI_SYSTEM_TABLE){
        .ConIn = &input, .ConOut = &output, .BootServices = &services, .RuntimeServices = &runtime};
    system_table = &table;
    handoff.space.cpu.levels = 4;
    loader = (struct loader){.handoff = &handoff};
    return 0;
}

/* The timer was given back. */
static int end(void **state)
{
    (void)state;
    return machine.timers == 0 ? 0 : -1;
}

/* Plans what happens: a second (.), ReadKeyStroke has nothing (_), it fails (#), WaitForEvent fails (!). */
static void plan(const char *text)
{
    for (; *text; text++) {
        enum happening what = *text == '.'   ? SECOND
                              : *text == '_' ? NOT_READY
                              : *text == '#' ? NO_KEY
                              : *text == '!' ? NO_EVENT
                                             : KEY;
        machine.script[machine.planned].what = what;
        machine.script[machine.planned++].key = (EFI_INPUT_KEY){.UnicodeChar = (CHAR16)*text};
    }
}

static void plan_key(UINT16 scan, CHAR16 character)
{
    machine.script[machine.planned].what = KEY;
    machine.script[machine.planned++].key = (EFI_INPUT_KEY){scan, character};
}

static void expect(EFI_STATUS status, unsigned waits)
{
    assert_int_equal(ask_what_to_run(&loader), status);
    assert_int_equal(machine.waits, waits);
}

static void expect_said(const char *text)
{
    if (!strstr(machine.all, text))
        fail_msg("not said: %s\nbut: %s", text, machine.all);
}

/* ---- the menu ---- */

static void it_starts_by_itself(void **state)
{
    (void)state;
    expect(EFI_SUCCESS, MENU_SECONDS);
    assert_int_equal(machine.resets, 1); /* keys that were meant for the firmware are dropped */
    assert_int_equal(machine.clears, 0); /* what the steps before it have said stays */
    assert_null(strstr(machine.all, "as the menu says"));
    assert_false(machine.has_note);
    expect_said("Starts in 1 s");
    assert_int_equal(machine.all[strlen(machine.all) - 1], '\n');
    assert_null(loader.why_back);
}

static void who_is_asked(void **state)
{
    (void)state;
    static const struct {
        bool no_menu, has_fw_cfg;
        unsigned menu_seconds, waits;
    } kinds[] = {{true, false, 0, 0},
                 {false, true, 0, 0},
                 {false, true, 2, 2},
                 {true, false, 2, 0},
                 {false, false, 7, 7}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        begin(NULL);
        handoff.options.no_menu = kinds[i].no_menu;
        handoff.options.menu_seconds = kinds[i].menu_seconds;
        loader.has_fw_cfg = kinds[i].has_fw_cfg;
        expect(EFI_SUCCESS, kinds[i].waits);
        assert_int_equal(strstr(machine.all, "Run the tests") != NULL, kinds[i].waits > 0);
    }
}

static void what_was_chosen_becomes_options(void **state)
{
    (void)state;
    plan("4\r1");
    expect(EFI_SUCCESS, 3);
    expect_said("  as the menu says: bench=no tests=all soak=3600s\n"); /* Enter turns it once more */
    assert_int_equal(handoff.options.soak_seconds, 3600);
    assert_int_equal(machine.clears, 2); /* before each new picture */
    assert_non_null(strstr(machine.screen, "Soak (repeat): 1 h"));
    assert_non_null(strstr(machine.screen, "The clock is stopped."));
}

/* All keys of a terminal and of a keyboard, each with what it does to the cursor. */
static void keys_of_the_firmware(void **state)
{
    (void)state;
    static const struct {
        UINT16 scan;
        CHAR16 character;
        int key;
    } kinds[] = {{SCAN_UP, 0, MENU_KEY_UP},
                 {SCAN_DOWN, 0, MENU_KEY_DOWN},
                 {SCAN_LEFT, 0, MENU_KEY_LEFT},
                 {SCAN_RIGHT, 0, MENU_KEY_RIGHT},
                 {SCAN_PAGE_UP, 0, MENU_KEY_LEFT},
                 {SCAN_PAGE_DOWN, 0, MENU_KEY_RIGHT},
                 {SCAN_ESC, 0, MENU_KEY_ESCAPE},
                 {0, 'q', 'q'},
                 {0, 0x7f, 0x7f},
                 {0, 0x80, '?'},
                 {0, 0x141, '?'},
                 {SCAN_F10, 0, 0}};
    struct keys keys = {.timer = &machine};
    machine.timers = 1;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int key = -1;
        plan_key(kinds[i].scan, kinds[i].character);
        assert_int_equal(wait_for_key(&keys, &key), KEY_PRESSED);
        assert_int_equal(key, kinds[i].key);
    }
    machine.timers = 0;
}

static void the_report_is_shown(void **state)
{
    (void)state;
    plan("5..x51");
    expect(EFI_SUCCESS, 6);
    assert_int_equal(machine.draws_of_report, 2);
    assert_int_equal(machine.clears, 5); /* before and after each, and for x */
    assert_non_null(strstr(machine.screen, "> 5 Show the last report"));
    assert_null(strstr(machine.screen, "the report"));
}

static void it_boots_on(void **state)
{
    (void)state;
    plan("6");
    expect(EFI_ABORTED, 1);
    assert_string_equal(loader.why_back, "it boots on, as the menu says");
    assert_true(machine.has_note);
    begin(NULL);
    loader.last_run = (struct last_run){.is_known = true, .found_report = true};
    strcpy(handoff.last_run, "ended");
    strcpy(handoff.last_report, "\\SELFMAP\\REPORT-1.TXT");
    expect(EFI_ABORTED, MENU_REPORT_SECONDS);
    assert_string_equal(loader.why_back, "nobody wants another run");
    expect_said("Its report: \\SELFMAP\\REPORT-1");
    expect_said("The last run ended");
}

/* A firmware that starts it again at once would have it run the tests for ever. */
static void started_again_after_that(void **state)
{
    (void)state;
    machine.has_note = true;
    expect(EFI_ABORTED, MENU_REPORT_SECONDS);
    assert_null(strstr(machine.all, "The last run"));
    begin(NULL);
    strcpy(handoff.last_run, "unknown"); /* and so not told */
    strcpy(handoff.last_report, "none");
    expect(EFI_SUCCESS, MENU_SECONDS);
    assert_null(strstr(machine.all, "The last run"));
}

static void firmware_without_variables(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        begin(NULL);
        if (kind == 0)
            table.RuntimeServices = NULL;
        if (kind == 1)
            runtime.GetVariable = NULL;
        if (kind == 2)
            runtime.SetVariable = NULL;
        plan("7.6"); /* the machine cannot be switched off, and the menu goes on */
        expect(EFI_ABORTED, 3);
        assert_int_equal(machine.shutdowns, kind > 0);
    }
}

static void the_machine_stays_on(void **state)
{
    (void)state;
    plan("7");
    expect(EFI_SUCCESS, 1 + MENU_IDLE_SECONDS + MENU_SECONDS);
    assert_int_equal(machine.shutdowns, 1);
    expect_said("\n  switching off; if the machine stays on, switch it off yourself\n"
                "  the firmware does not switch the machine off\n");
    begin(NULL);
    runtime.ResetSystem = NULL;
    plan("71");
    expect(EFI_SUCCESS, 2);
}

/* ---- keyboards and consoles that do not work ---- */

static void a_keyboard_that_breaks(void **state)
{
    (void)state;
    static const char *const broken[] = {"########", "!!!!!!!!", "#!_#_!####", "#######x########",
                                         "!!!.!!!!!"};
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        begin(NULL);
        plan(broken[i]);
        expect(EFI_SUCCESS, (unsigned)strlen(broken[i]));
        expect_said("\n  the keyboard does not work: device error\n");
    }
    begin(NULL);
    plan("____________#######.");
    expect(EFI_SUCCESS, 20 + MENU_SECONDS - 1); /* nothing that is wrong for long */
    assert_null(strstr(machine.all, "does not work"));
    begin(NULL);
    machine.has_note = true;
    plan("########");
    expect(EFI_ABORTED, 8);
}

static void without_keyboard_or_console(void **state)
{
    (void)state;
    static const char *const words[] = {
        "  nobody is asked: the firmware has no keyboard\n",
        "  nobody is asked: the firmware has no keyboard\n",
        "  nobody is asked: the firmware has no keyboard\n",
        "  nobody is asked: the firmware has no keyboard\n",
        "  nobody is asked: the firmware has no console\n",
        "  nobody is asked: the firmware has no console\n",
        "  nobody is asked: the firmware has no console\n",
        "  nobody is asked: the firmware has no timer: device error\n",
        "  nobody is asked: the firmware's timer does not start: device error\n"};
    for (unsigned kind = 0; kind < 9; kind++)
        for (unsigned note = 0; note < 2; note++) {
            begin(NULL);
            if (kind == 0)
                table.ConIn = NULL;
            input.Reset = kind == 1 ? NULL : input.Reset;
            input.ReadKeyStroke = kind == 2 ? NULL : input.ReadKeyStroke;
            input.WaitForKey = kind == 3 ? NULL : input.WaitForKey;
            if (kind == 4)
                table.ConOut = NULL;
            output.OutputString = kind == 5 ? NULL : output.OutputString;
            output.ClearScreen = kind == 6 ? NULL : output.ClearScreen;
            machine.create = kind == 7 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
            machine.set_timer = kind == 8 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
            machine.has_note = note;
            expect(note ? EFI_ABORTED : EFI_SUCCESS, 0);
            assert_string_equal(machine.all, words[kind]);
            assert_int_equal(machine.timers, 0);
        }
}

static void size_of_the_console(void **state)
{
    (void)state;
    unsigned columns, rows;
    console_size(&columns, &rows);
    assert_true(columns == 40 && rows == 30);
    mode.Mode = machine.mode_number = 0;
    console_size(&columns, &rows);
    assert_true(columns == 40 && rows == 30);
    mode.Mode = -1;
    console_size(&columns, &rows);
    assert_true(columns == 0 && rows == 0);
    mode.Mode = 1;
    console_size(&columns, &rows);
    assert_true(columns == 0 && rows == 0);
    mode.Mode = 0;
    output.QueryMode = NULL;
    console_size(&columns, &rows);
    assert_true(columns == 0 && rows == 0);
    output.QueryMode = query_mode;
    output.Mode = NULL;
    console_size(&columns, &rows);
    assert_true(columns == 0 && rows == 0);
    begin(NULL);
    expect(EFI_SUCCESS, MENU_SECONDS);
    assert_memory_equal(machine.all, "+-------------------------------------+\n", 40);
}

static void a_console_that_cannot_be_cleared(void **state)
{
    (void)state;
    machine.clear = EFI_DEVICE_ERROR;
    plan("x1");
    expect(EFI_SUCCESS, 2);
    expect_said("key stops it.    \n\n+");
}

/* ---- in one line ---- */

static void a_question_in_one_line(void **state)
{
    (void)state;
    loader.has_fw_cfg = true;
    loader.last_run.found_report = true;
    expect(EFI_ABORTED, MENU_REPORT_SECONDS);
    assert_string_equal(machine.all,
                        "  Press a key within 20 seconds to run the tests again. Without a key the "
                        "firmware goes on.\n");
    assert_string_equal(loader.why_back, "nobody wants another run");
    assert_true(machine.has_note);
    static const struct {
        const char *plan;
        EFI_STATUS status;
    } plans[] = {{"x", EFI_SUCCESS}, {"...................x", EFI_SUCCESS}, {"########", EFI_ABORTED}};
    for (unsigned i = 0; i < sizeof plans / sizeof *plans; i++) {
        begin(NULL);
        loader.has_fw_cfg = loader.last_run.found_report = true;
        plan(plans[i].plan);
        expect(plans[i].status, (unsigned)strlen(plans[i].plan));
        assert_int_equal(machine.has_note, plans[i].status != EFI_SUCCESS);
    }
    begin(NULL);
    loader.has_fw_cfg = loader.last_run.found_report = true;
    table.ConIn = NULL;
    expect(EFI_ABORTED, 0);
}

/* ---- levels ---- */

static void five_levels(void **state)
{
    (void)state;
    handoff.options.no_menu = handoff.options.five_levels = true;
    expect(EFI_UNSUPPORTED, 0);
    assert_string_equal(machine.all, "  levels=5: this processor has four\n");
    assert_int_equal(handoff.space.cpu.levels, 4);
    machine.five = true;
    expect(EFI_SUCCESS, 0);
    assert_int_equal(handoff.space.cpu.levels, 5);
    begin(NULL);
    machine.five = true;
    plan("31");
    expect(EFI_SUCCESS, 2);
    assert_int_equal(handoff.space.cpu.levels, 5);
    begin(NULL);
    machine.five = handoff.options.five_levels = true;
    plan("6");
    expect(EFI_ABORTED, 1);
    assert_int_equal(handoff.space.cpu.levels, 4);
}

#define TEST(name, function)             \
    {                                    \
        name, function, begin, end, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("ask: without a key the tests start", it_starts_by_itself),
        TEST("ask: a menu only where somebody may read it", who_is_asked),
        TEST("ask: what was chosen becomes options", what_was_chosen_becomes_options),
        TEST("ask: keys of the firmware, and keys that mean nothing here", keys_of_the_firmware),
        TEST("ask: the report is shown, and the menu goes on", the_report_is_shown),
        TEST("ask: it boots on when chosen, and by itself after a report", it_boots_on),
        TEST("ask: started again after that, it boots on by itself", started_again_after_that),
        TEST("ask: firmware without variables is asked all the same", firmware_without_variables),
        TEST("ask: a machine that stays on gets its menu back", the_machine_stays_on),
        TEST("ask: a keyboard that fails eight times in a row is given up", a_keyboard_that_breaks),
        TEST("ask: without keyboard, console or timer nobody is asked", without_keyboard_or_console),
        TEST("ask: the size of the console, or none", size_of_the_console),
        TEST("ask: a console that cannot be cleared goes on below", a_console_that_cannot_be_cleared),
        TEST("ask: after a report a program is asked in one line", a_question_in_one_line),
        TEST("ask: five levels where the processor has them", five_levels),
    };
    return cmocka_run_group_tests_name("ask_what_to_run", tests, NULL, NULL);
}
