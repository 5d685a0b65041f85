/* SPDX-License-Identifier: MIT */
/*
 * test_exit_boot_services.c - the exit is tried until it works, or ends with a sentence; tables may be
 * missing.
 */
#include "efi/firmware.h"
#include "kernel/console/log.h"

static void a_first_call_that_works_is_the_only_one(void **state)
{
    (void)state;
    assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
    assert_int_equal(firmware.exit_calls, 1);
    assert_int_equal(loader.handoff->exit_tries, 1);
    assert_false(loader.handoff->exit_denied);
    assert_int_equal(loader.handoff->reset_system.value, (UINTN)firmware.runtime.ResetSystem);
}

static void it_is_tried_with_a_new_key_each_time(void **state)
{
    for (unsigned failing = 1; failing < 8; failing++) {
        (void)begin(state);
        firmware.failing_exits = failing;
        assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
        assert_int_equal(loader.handoff->exit_tries, failing + 1);
        assert_int_equal(firmware.exit_calls, failing + 1);
    }
}

static void after_eight_failures_the_processor_stops_with_a_sentence(void **state)
{
    (void)state;
    EFI_STATUS status;
    firmware.failing_exits = 100;
    assert_true(exit_stops_processor(&status));
    assert_int_equal(firmware.exit_calls, 8);
    expect_console("Selfmap: stopped before leaving the firmware: invalid parameter after 8 calls of "
                   "ExitBootServices\n");
}

/* Its boot services are no longer in the system table, so it is gone, and must not be called again. */
static void firmware_that_exits_and_says_that_it_failed_is_gone(void **state)
{
    for (unsigned failing = 1; failing <= 9; failing += 4) {
        (void)begin(state);
        firmware.failing_exits = failing;
        firmware.exits_though_failing = true;
        assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
        assert_int_equal(firmware.exit_calls, 1);
        assert_true(loader.handoff->exit_denied);
    }
}

/* The map grows with each call beyond what there is room for. */
static void grow(unsigned call, UINTN *bytes, UINTN *stride, UINT8 *buffer, EFI_STATUS *status)
{
    (void)bytes, (void)stride, (void)buffer, (void)status;
    if (call == 3)
        for (unsigned i = 0; i < 200; i++)
            add_descriptor(EfiReservedMemoryType, 0x100000000 + i * 0x2000ull, 1, 0);
}

static void a_map_that_grows_too_large_meanwhile_is_a_sentence(void **state)
{
    (void)state;
    EFI_STATUS status;
    loader.handoff->options.store = STORE_NO;
    loader.handoff->options.stale_map_key = true;
    firmware.lie = grow;
    assert_true(exit_stops_processor(&status));
    assert_int_equal(firmware.exit_calls, 1);
    expect_console("Selfmap: stopped before leaving the firmware: the memory map cannot be used: buffer too "
                   "small after 1 calls of ExitBootServices\n");
}

static void without_runtime_services_there_is_no_reset(void **state)
{
    static const enum store_kind stores[] = {STORE_AUTO, STORE_HINT, STORE_NO};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        (void)begin(state);
        firmware.table.RuntimeServices = NULL;
        loader.handoff->options.store = stores[i];
        assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
        assert_int_equal(keep_report(&loader), EFI_SUCCESS);
        assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
        assert_int_equal(loader.handoff->reset_system.value, 0);
    }
}

static void without_variables_no_hint_is_left(void **state)
{
    for (unsigned missing = 0; missing < 3; missing++) {
        (void)begin(state);
        firmware.runtime.Hdr.Revision = 0x20000;
        if (missing == 0)
            firmware.runtime.GetVariable = NULL;
        if (missing == 1)
            firmware.runtime.SetVariable = NULL;
        if (missing == 2)
            firmware.runtime.QueryVariableInfo = NULL;
        loader.handoff->options.store = STORE_HINT;
        assert_int_equal(run_up_to(take_memory), EFI_SUCCESS);
        assert_int_equal(keep_report(&loader), EFI_SUCCESS);
        expect_console("no variable can say where it is: unsupported\n");
        forget_this_run();
    }
}

static void without_a_console_nothing_is_printed(void **state)
{
    (void)begin(state);
    firmware.table.ConOut = NULL;
    assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
    (void)begin(state);
    firmware.table.ConOut->OutputString = NULL;
    assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
}

/* Each of those that the loader calls, one after the other. */
static void a_boot_service_that_is_missing_is_named(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
    } services[] = {
#define SERVICE(name) {#name, offsetof(EFI_BOOT_SERVICES, name)}
        SERVICE(AllocatePages),    SERVICE(FreePages),         SERVICE(GetMemoryMap),
        SERVICE(AllocatePool),     SERVICE(FreePool),          SERVICE(CreateEvent),
        SERVICE(SetTimer),         SERVICE(WaitForEvent),      SERVICE(CloseEvent),
        SERVICE(HandleProtocol),   SERVICE(ExitBootServices),  SERVICE(Stall),
        SERVICE(SetWatchdogTimer), SERVICE(LocateHandleBuffer)};
    assert_int_equal(check_firmware_tables(), EFI_SUCCESS);
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        char sentence[64];
        (void)begin(state);
        memset((char *)&firmware.boot + services[i].offset, 0, sizeof(void *));
        assert_int_equal(check_firmware_tables(), EFI_UNSUPPORTED);
        snprintf(sentence, sizeof sentence, "  the firmware has no %s\n", services[i].name);
        expect_console(sentence);
    }
    (void)begin(state);
    firmware.table.BootServices = NULL;
    assert_int_equal(check_firmware_tables(), EFI_UNSUPPORTED);
    expect_console("  the firmware has no boot services\n");
}

static void configuration_tables_are_found_by_their_kind(void **state)
{
    (void)state;
    static const EFI_GUID first = {1, 2, 3, {4}}, second = {1, 2, 3, {5}}, third = {1, 2, 4, {4}};
    int tables[2];
    firmware.configuration[0] = (EFI_CONFIGURATION_TABLE){first, &tables[0]};
    firmware.configuration[1] = (EFI_CONFIGURATION_TABLE){second, &tables[1]};
    firmware.table.NumberOfTableEntries = 2;
    assert_ptr_equal(configuration_table(first), &tables[0]);
    assert_ptr_equal(configuration_table(second), &tables[1]);
    assert_null(configuration_table(third));
    firmware.table.ConfigurationTable = NULL;
    assert_null(configuration_table(first));
}

static void fail_to_read(unsigned call, UINTN *bytes, UINTN *stride, UINT8 *buffer, EFI_STATUS *status)
{
    (void)call, (void)bytes, (void)stride, (void)buffer;
    *status = EFI_DEVICE_ERROR;
}

/* Nothing has been given up by then, so the loader can return. */
static void a_last_map_that_cannot_be_read_is_no_reason_to_stop(void **state)
{
    (void)state;
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    firmware.lie = fail_to_read;
    assert_int_equal(exit_boot_services(&loader), EFI_DEVICE_ERROR);
    assert_int_equal(firmware.exit_calls, 0);
    expect_console("\n  the memory map cannot be used: device error\n");
}

/* ---- what is left afterwards ---- */

/* A screen that may go dark stays for five seconds, and nobody waits for one that was not wanted. */
static void it_is_told_where_the_report_goes(void **state)
{
    static const struct {
        bool serial, screen, off;
        const char *refusal, *place;
        UINTN stalled;
    } kinds[] = {
        {true, true, false, "", "to the serial port and the screen", 0},
        {false, true, false, "", "to the screen", 0},
        {true, false, false, "it has no lines", "to the serial port", 5000000},
        {false, false, false, "x", "nowhere: neither a serial port nor a screen can be used", 5000000},
        {false, false, false, "", "nowhere: neither a serial port nor a screen can be used", 0},
        {false, true, true, "", "nowhere: neither a serial port nor a screen can be used", 0},
        {true, false, true, "it has no lines", "to the serial port", 0}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char line[128];
        (void)begin(state);
        assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
        loader.serial_answers = kinds[i].serial;
        loader.handoff->framebuffer.width = kinds[i].screen;
        loader.handoff->options.screen = kinds[i].off ? SCREEN_OFF : SCREEN_AUTO;
        strcpy(loader.screen_refusal, kinds[i].refusal);
        assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
        snprintf(line, sizeof line, "  the report goes %s\n", kinds[i].place);
        expect_console(line);
        assert_int_equal(firmware.stalled, kinds[i].stalled);
        snprintf(line, sizeof line, "  the screen cannot be used and may go dark: %s\n", kinds[i].refusal);
        assert_int_equal(console_shows(line), kinds[i].stalled != 0);
    }
}

/* EFI_RT_PROPERTIES_TABLE (UEFI 2.10, 4.6.2) has a version, its length, and a bit for each service. */
static void services_that_will_not_be_there_are_not_noted(void **state)
{
    static const struct {
        UINT16 length;
        UINT32 supported;
        bool time, variable;
    } tables[] = {{8, 0x1, true, false}, {8, 0x10, false, true}, {8, ~(UINT32)0x11, false, false},
                  {8, 0, false, false},  {7, 0, true, true},     {9, 0x11, true, true},
                  {0, 0, true, true}};
    struct {
        UINT16 version, length;
        UINT32 supported;
    } table = {.version = 1};
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++) {
        (void)begin(state);
        table.length = tables[i].length;
        table.supported = tables[i].supported;
        firmware.configuration[0] = (EFI_CONFIGURATION_TABLE){
            {0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}}, &table};
        firmware.table.NumberOfTableEntries = 1;
        firmware.runtime.GetTime = (void *)begin;
        assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
        assert_int_equal(loader.handoff->get_time.value, tables[i].time ? (UINTN)begin : 0);
        assert_int_equal(loader.handoff->get_variable.value,
                         tables[i].variable ? (UINTN)firmware.runtime.GetVariable : 0);
        assert_int_equal(loader.handoff->reset_system.value, (UINTN)firmware.runtime.ResetSystem);
    }
}

/* For tests: the first call fails with a key that is one more. */
static void a_stale_key_is_made_on_purpose(void **state)
{
    (void)state;
    loader.handoff->options.stale_map_key = true;
    assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
    assert_int_equal(firmware.exit_calls, 2);
    assert_int_equal(loader.handoff->exit_tries, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("exit: a first call that works is the only one", a_first_call_that_works_is_the_only_one),
        EFI_TEST("exit: it is tried with a new key each time", it_is_tried_with_a_new_key_each_time),
        EFI_TEST("exit: after eight failures the processor stops with a sentence",
                 after_eight_failures_the_processor_stops_with_a_sentence),
        EFI_TEST("exit: firmware that exits and says that it failed is gone",
                 firmware_that_exits_and_says_that_it_failed_is_gone),
        EFI_TEST("exit: a map that grows too large meanwhile is a sentence",
                 a_map_that_grows_too_large_meanwhile_is_a_sentence),
        EFI_TEST("exit: a last map that cannot be read is no reason to stop",
                 a_last_map_that_cannot_be_read_is_no_reason_to_stop),
        EFI_TEST("exit: it is told where the report goes", it_is_told_where_the_report_goes),
        EFI_TEST("exit: services that will not be there are not noted",
                 services_that_will_not_be_there_are_not_noted),
        EFI_TEST("exit: a stale key is made on purpose", a_stale_key_is_made_on_purpose),
        EFI_TEST("missing: without runtime services there is no reset",
                 without_runtime_services_there_is_no_reset),
        EFI_TEST("missing: without variables no hint is left", without_variables_no_hint_is_left),
        EFI_TEST("missing: without a console nothing is printed", without_a_console_nothing_is_printed),
        EFI_TEST("missing: a boot service that is not there is named",
                 a_boot_service_that_is_missing_is_named),
        EFI_TEST("configuration tables are found by their kind",
                 configuration_tables_are_found_by_their_kind),
    };
    return cmocka_run_group_tests_name("exit boot services", tests, NULL, NULL);
}
