/* SPDX-License-Identifier: MIT */
/*
 * main.c - the firmware's half, step by step. It ends in kernel_enter; kernel/boot/main.c goes on from there.
 */
#include "kernel/console/log.h"
#include "kernel/cpu/instructions.h"
#include "loader.h"

EFI_SYSTEM_TABLE *system_table;
static struct handoff handoff;
static char early_log[LOG_TAIL_BYTES + 2048]; /* until there is memory that outlives the run */

static const struct {
    const char *what; /* printed before the step */
    EFI_STATUS (*run)(struct loader *loader);
} steps[] = {
    /* So that the firmware does not reset the machine after five minutes. */
    {"switch the watchdog off", switch_watchdog_off},
    /* Notes vendor, control registers, RSDP and what the processor can do. Refuses encrypted guests. */
    {"look at firmware and processor", describe_platform},
    /* Reads selfmap.cfg, LoadOptions, and fw_cfg under QEMU. */
    {"read options", read_options},
    /* Takes memory that outlives a warm reset, and writes the report that the last run left there. */
    {"look for the report of the last run", look_for_report},
    /*
     * Shows the menu, or asks in one line if a program started the machine. A machine that was reset to have
     * its report written returns to the firmware unless somebody wants another run.
     */
    {"ask what to run", ask_what_to_run},
    /* From now on a reset leaves a report, which says how far this run came. */
    {"keep the report of this run in memory", keep_report},
    /* Chooses a screen whose pixels can be written without the firmware. */
    {"look for a framebuffer", find_framebuffer},
    /* Notes each section of the PE image, with its rights. */
    {"find the sections of our image", find_image_sections},
    /* Reads the first memory map, which says how much the allocator's bookkeeping takes. */
    {"take memory for stack, hand-over, frames and tables", take_memory},
    /* Asks ACPI which serial port the firmware's console uses. Needs the memory map. */
    {"look for a serial port", find_serial_port},
    /* Notes what must stay mapped after the exit, with the rights it needs. */
    {"find what runtime services need", find_runtime_regions},
    /* Maps all that was noted to its own address. */
    {"build fresh page tables", build_fresh_tables},
    /* Looks up everything that is touched around the load of CR3. */
    {"check them before they are used", check_fresh_tables},
    /* Reads the last memory map, and ends boot services. After that the firmware is gone. */
    {LAST_STEP, exit_boot_services},
};

/*
 * Tells the steps before which \SELFMAP\LASTRUN.TXT is written: the first one of a run that shall happen, the
 * longest one, and the last one. These are all, because some drivers are slow.
 */
static bool leaves_breadcrumb(EFI_STATUS (*step)(struct loader *loader))
{
    return step == find_framebuffer || step == build_fresh_tables || step == exit_boot_services;
}

/* Marks the time at which something begins, for those who measure the way to our own tables. */
static void begin(const char *what)
{
    kept_step(what);
    handoff.console = console_time;
    handoff_mark(&handoff, what);
}

/* With steps=slow: gives a camera the time to see the line. */
static void wait_if_asked(void)
{
    enum { SECOND = 1000000 }; /* of Stall's microseconds */
    if (handoff.options.slow_steps)
        (void)BS->Stall(SECOND);
}

/* For a test (crash=loader): stops as firmware does that does not return from a call. */
_Noreturn static void hang(void)
{
    say("  fault injection: as the option crash= asks\n");
    for (;;)
        __builtin_ia32_pause();
}

_Noreturn void stop_for_good(void)
{
    cpu_halt();
}

/* Called by gnu-efi's start-up code, which has applied our relocations. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    begin("find our image"); /* before anything else: the measured way begins here */
    handoff.loader_frame = (UINTN)__builtin_frame_address(0);
    log_start(early_log, sizeof early_log);
    struct loader loader = {.image = image, .handoff = &handoff};
    EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    system_table = system;
    if (system->ConOut && system->ConOut->ClearScreen)
        (void)system->ConOut->ClearScreen(system->ConOut); /* firmware leaves its logo there */
    say("\nSelfmap " SELFMAP_VERSION "\n");
    EFI_STATUS status = check_firmware_tables();
    if (EFI_ERROR(status))
        return status;
    status = BS->HandleProtocol(image, &loaded_image, (VOID **)&loader.loaded);
    if (EFI_ERROR(status) || !loader.loaded)
        return FAIL(EFI_UNSUPPORTED, "  the firmware does not say where our image is: %s",
                    status_name(status));
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0] && !EFI_ERROR(status); i++) {
        begin(steps[i].what);
        say("Selfmap: %s\n", steps[i].what);
        wait_if_asked();
        if (leaves_breadcrumb(steps[i].run))
            leave_breadcrumb(&loader, steps[i].what);
        if (handoff.options.crash == CRASH_LOADER && steps[i].run == check_fresh_tables)
            hang();
        status = steps[i].run(&loader);
    }
    if (!EFI_ERROR(status)) {
        begin("own descriptor tables and console");
        kernel_enter(&handoff);
    }
    const char *why = loader.why_back ? loader.why_back : status_name(status);
    if (!loader.why_back || !loader.last_run.found_report) /* else the file tells of that run */
        leave_last_breadcrumb(&loader, "It went back to the firmware: ", why);
    say("Selfmap: %s the firmware: %s\n", loader.why_back ? "back to" : "stopped before leaving", why);
    forget_this_run();
    loader_give_back(&loader);
    return status;
}
