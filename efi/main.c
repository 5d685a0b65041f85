/*
 * main.c - the firmware's half, step by step. It ends in kernel_enter; kernel/boot/main.c goes on from there.
 */
#include "loader.h"

EFI_SYSTEM_TABLE *system_table;
static struct handoff handoff;

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
    /* Shows the menu, unless a program started the machine. Refuses five levels if it has four. */
    {"ask what to run", ask_what_to_run},
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
    {"exit boot services", exit_boot_services},
};

/* Marks the time at which something begins, for those who measure the way to our own tables. */
static void begin(const char *what)
{
    handoff.console = console_time;
    handoff_mark(&handoff, what);
}

/* Called by gnu-efi's start-up code, which has applied our relocations. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    begin("find our image"); /* before anything else: the measured way begins here */
    handoff.loader_frame = (UINTN)__builtin_frame_address(0);
    struct loader loader = {.image = image, .handoff = &handoff};
    EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    system_table = system;
    say("\nSelfmap " SELFMAP_VERSION "\n");
    EFI_STATUS status = BS->HandleProtocol(image, &loaded_image, (VOID **)&loader.loaded);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0] && !EFI_ERROR(status); i++) {
        begin(steps[i].what);
        say("Selfmap: %s\n", steps[i].what);
        status = steps[i].run(&loader);
    }
    if (!EFI_ERROR(status)) {
        begin("own descriptor tables and console");
        kernel_enter(&handoff);
    }
    if (loader.why_back)
        say("Selfmap: back to the firmware: %s\n", loader.why_back);
    else
        say("Selfmap: stopped before leaving the firmware: %s\n", status_name(status));
    loader_give_back(&loader);
    return status;
}
