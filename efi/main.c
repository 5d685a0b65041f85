/*
 * main.c - the firmware's half, step by step. Ends in kernel_enter, and what follows is kernel/boot/main.c.
 */
#include "loader.h"

EFI_SYSTEM_TABLE *system_table;
static struct handoff handoff;

static const struct {
    const char *what;
    EFI_STATUS (*run)(struct loader *loader);
} steps[] = {
    {"switch the watchdog off", switch_watchdog_off},
    {"look at firmware and processor", describe_platform},
    {"read options", read_options},
    {"look for a framebuffer", find_framebuffer},
    {"find the sections of our image", find_image_sections},
    {"take memory for stack, hand-over, frames and tables", take_memory},
    {"find what runtime services need", find_runtime_regions},
    {"build fresh page tables", build_fresh_tables},
    {"check them before they are used", check_fresh_tables},
    {"exit boot services", exit_boot_services},
};

/* For those who measure the way to our own tables. */
static void begin(const char *what)
{
    handoff.console = console_time;
    handoff_mark(&handoff, what);
}

/* Called by gnu-efi's start-up code, which has applied our relocations. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    begin("find our image"); /* before anything else: here the way begins */
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
    say("Selfmap: stopped before leaving the firmware: %s\n", status_name(status));
    loader_give_back(&loader);
    return status;
}
