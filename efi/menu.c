/* SPDX-License-Identifier: MIT */
/*
 * menu.c - asks on the firmware's console what to run, by the menu or in one line, and does what was chosen.
 * menu_state.c decides what a key means, menu_picture.c what the menu looks like.
 */
#include "menu.h"
#include "menu_state.h"

enum { SECOND = 10000000 /* of UEFI's timers: 100 ns */, ERRORS_IN_A_ROW = 8, PICTURE_BYTES = 4096 };

static char picture[PICTURE_BYTES];

/* ---- keys and console ---- */

static int meaning(EFI_INPUT_KEY key)
{
    switch (key.ScanCode) {
    case SCAN_UP:
        return MENU_KEY_UP;
    case SCAN_DOWN:
        return MENU_KEY_DOWN;
    case SCAN_LEFT:
    case SCAN_PAGE_UP:
        return MENU_KEY_LEFT;
    case SCAN_RIGHT:
    case SCAN_PAGE_DOWN:
        return MENU_KEY_RIGHT;
    case SCAN_ESC:
        return MENU_KEY_ESCAPE;
    default:
        return key.UnicodeChar < 0x80 ? key.UnicodeChar : '?';
    }
}

enum key_event wait_for_key(struct keys *keys, int *key)
{
    SIMPLE_INPUT_INTERFACE *input = system_table->ConIn;
    /* The timer first: a key whose event stays signalled must not hold up the clock. */
    EFI_EVENT events[] = {keys->timer, input->WaitForKey};
    EFI_INPUT_KEY pressed;
    for (;;) {
        UINTN index = 0;
        EFI_STATUS status = BS->WaitForEvent(2, events, &index);
        if (!EFI_ERROR(status) && index == 0)
            return KEY_SECOND_PASSED;
        if (!EFI_ERROR(status))
            status = input->ReadKeyStroke(input, &pressed);
        if (!EFI_ERROR(status)) {
            keys->errors = 0;
            *key = meaning(pressed);
            return KEY_PRESSED;
        }
        if (status != EFI_NOT_READY && ++keys->errors >= ERRORS_IN_A_ROW) {
            say("\n  the keyboard does not work: %s\n", status_name(status));
            return KEYS_BROKEN;
        }
    }
}

void console_size(unsigned *columns, unsigned *rows)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *output = system_table->ConOut;
    UINTN width = 0, height = 0;
    bool told = output->Mode && output->Mode->Mode >= 0 && output->QueryMode &&
                !EFI_ERROR(output->QueryMode(output, (UINTN)output->Mode->Mode, &width, &height));
    *columns = told ? (unsigned)width : 0;
    *rows = told ? (unsigned)height : 0;
}

void console_clear(void)
{
    if (EFI_ERROR(system_table->ConOut->ClearScreen(system_table->ConOut)))
        say("\n\n");
}

/* ---- the menu ---- */

static void draw_clock(const struct menu *menu)
{
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_draw_clock(menu, &sink.sink);
    say("%s", picture);
}

static void draw(const struct menu *menu)
{
    unsigned columns, rows;
    console_size(&columns, &rows);
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_draw(menu, columns, &sink.sink);
    say("%s", picture);
    draw_clock(menu);
}

static void switch_off(struct menu *menu)
{
    /* Some firmware has no way to do it and stands still in this call (U-Boot for QEMU). */
    say("\n  switching off; if the machine stays on, switch it off yourself\n");
    if (system_table->RuntimeServices && system_table->RuntimeServices->ResetSystem)
        system_table->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    say("  the firmware does not switch the machine off\n");
    menu->choice = MENU_OPEN;
}

/* Does what does not end the menu. */
static void do_choice(const struct loader *loader, struct menu *menu, struct keys *keys)
{
    if (menu->choice == MENU_SWITCH_OFF)
        switch_off(menu);
    if (menu->choice != MENU_SHOW_REPORT)
        return;
    console_clear();
    show_last_report(loader, keys);
    menu->choice = MENU_OPEN;
    console_clear();
    draw(menu);
}

static void follow(const struct loader *loader, struct menu *menu, struct keys *keys)
{
    draw(menu); /* below what the steps before it have said */
    while (menu->choice == MENU_OPEN || menu->choice == MENU_SHOW_REPORT || menu->choice == MENU_SWITCH_OFF) {
        int key = 0;
        switch (wait_for_key(keys, &key)) {
        case KEY_SECOND_PASSED:
            if (menu_take_second(menu))
                draw_clock(menu);
            break;
        case KEY_PRESSED:
            if (menu_take_key(menu, key) && menu->choice == MENU_OPEN) {
                console_clear();
                draw(menu);
            }
            break;
        case KEYS_BROKEN:
            menu_give_up(menu);
        }
        do_choice(loader, menu, keys);
    }
    say("\n");
}

static bool start_keys(struct keys *keys)
{
    SIMPLE_INPUT_INTERFACE *input = system_table->ConIn;
    if (!input || !input->Reset || !input->ReadKeyStroke || !input->WaitForKey) {
        say("  nobody is asked: the firmware has no keyboard\n");
        return false;
    }
    if (!system_table->ConOut || !system_table->ConOut->OutputString || !system_table->ConOut->ClearScreen) {
        say("  nobody is asked: the firmware has no console\n");
        return false;
    }
    (void)input->Reset(input, FALSE); /* drops keys that were meant for the firmware */
    EFI_STATUS status = BS->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &keys->timer);
    if (EFI_ERROR(status)) {
        say("  nobody is asked: the firmware has no timer: %s\n", status_name(status));
        return false;
    }
    status = BS->SetTimer(keys->timer, TimerPeriodic, SECOND);
    if (!EFI_ERROR(status))
        return true;
    say("  nobody is asked: the firmware's timer does not start: %s\n", status_name(status));
    BS->CloseEvent(keys->timer);
    return false;
}

/*
 * A firmware that finds nothing else to boot may start us again. So that it does not run the tests again, a
 * volatile variable says that we went back to it: it is gone at the next reset.
 */
static CHAR16 went_back_name[] = L"SelfmapWentBack";
static EFI_GUID went_back_owner = {
    0x0c7e55a1, 0x2b1d, 0x4f63, {0x8e, 0x11, 0x53, 0x45, 0x4c, 0x46, 0x4d, 0x50}};

static bool went_back(void)
{
    UINT8 value = 0;
    UINTN bytes = sizeof value;
    UINT32 attributes;
    EFI_RUNTIME_SERVICES *runtime = variable_services();
    return runtime &&
           !EFI_ERROR(runtime->GetVariable(went_back_name, &went_back_owner, &attributes, &bytes, &value));
}

/* Without the variable the tests run once more, so a failure is not worth a sentence. */
static void note_going_back(void)
{
    UINT8 value = 1;
    EFI_RUNTIME_SERVICES *runtime = variable_services();
    if (runtime)
        (void)runtime->SetVariable(went_back_name, &went_back_owner, EFI_VARIABLE_BOOTSERVICE_ACCESS,
                                   sizeof value, &value);
}

static struct menu begin_menu(const struct loader *loader)
{
    const struct handoff *handoff = loader->handoff;
    struct menu menu = menu_begin(&handoff->options, handoff->space.cpu.levels, cpu_has_five_levels());
    if (loader->last_run.is_known)
        menu_tell_run(&menu, handoff->last_run);
    if (loader->last_run.found_report)
        menu_tell_report(&menu, &handoff->options, handoff->last_report);
    if (went_back())
        menu_prefer_boot_on(&menu, &handoff->options);
    return menu;
}

static void use_choice(const struct menu *menu, struct options *options)
{
    if (menu->last_key == 0)
        return; /* nobody has touched it: the options hold as they are */
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_print_options(menu, &sink.sink);
    say("  as the menu says: %s\n", picture);
    (void)options_apply(options, "menu", picture, sink.length);
}

/* Not success: with that the firmware shows its own menu instead of the next boot option (3.1.1). */
static EFI_STATUS boot_on(struct loader *loader, const char *why)
{
    note_going_back();
    loader->why_back = why;
    return EFI_ABORTED;
}

static const char nobody_asks[] = "nobody wants another run";

static EFI_STATUS show_menu(struct loader *loader)
{
    struct menu menu = begin_menu(loader);
    struct keys keys = {0};
    if (start_keys(&keys)) {
        follow(loader, &menu, &keys);
        BS->CloseEvent(keys.timer);
    } else {
        menu_give_up(&menu);
    }
    if (menu.choice == MENU_BOOT_ON)
        return boot_on(loader, menu.last_key == 0 ? nobody_asks : "it boots on, as the menu says");
    use_choice(&menu, &loader->handoff->options);
    return EFI_SUCCESS;
}

/* Asks in one line, where a program has started the machine: it may want its report, and no other run. */
static EFI_STATUS ask_for_another_run(struct loader *loader)
{
    struct keys keys = {0};
    enum key_event event = KEY_SECOND_PASSED;
    int key;
    if (start_keys(&keys)) {
        say("  Press a key within %u seconds to run the tests again. Without a key the firmware goes on.\n",
            MENU_REPORT_SECONDS);
        for (unsigned left = MENU_REPORT_SECONDS; left > 0 && event == KEY_SECOND_PASSED; left--)
            event = wait_for_key(&keys, &key);
        BS->CloseEvent(keys.timer);
    }
    return event == KEY_PRESSED ? EFI_SUCCESS : boot_on(loader, nobody_asks);
}

/* Returns whether somebody may be there to read a menu. */
static bool is_menu_wanted(const struct loader *loader)
{
    const struct options *options = &loader->handoff->options;
    return !options->no_menu && (options->menu_seconds != 0 || !loader->has_fw_cfg);
}

EFI_STATUS ask_what_to_run(struct loader *loader)
{
    EFI_STATUS status = EFI_SUCCESS;
    if (is_menu_wanted(loader))
        status = show_menu(loader);
    else if (loader->last_run.found_report)
        status = ask_for_another_run(loader);
    if (EFI_ERROR(status) || !loader->handoff->options.five_levels)
        return status;
    if (!cpu_has_five_levels())
        return FAIL(EFI_UNSUPPORTED, "  levels=5: this processor has four");
    loader->handoff->space.cpu.levels = 5;
    return EFI_SUCCESS;
}
