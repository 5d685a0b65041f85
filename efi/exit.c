/* exit.c - the end of boot services (UEFI 2.10, 7.4.6). */
#include "kernel/cpu/instructions.h"
#include "loader.h"

EFI_STATUS exit_boot_services(struct loader *loader)
{
    /*
     * The key is stale if an event handler of the firmware allocated between the two calls: then the map is
     * read again. Nothing else may be called in between, printing included.
     */
    enum { TRIES = 8 };
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = EFI_NOT_READY;
    while (handoff->exit_tries < TRIES && EFI_ERROR(status)) {
        status = read_memory_map(loader);
        if (EFI_ERROR(status))
            break; /* the buffer is as large as it will ever be */
        if (handoff->exit_tries++ == 0 && handoff->options.stale_map_key)
            loader->map_key++;
        status = BS->ExitBootServices(loader->image, loader->map_key);
    }
    if (EFI_ERROR(status) && handoff->exit_tries == 0)
        return FAIL(status, "  no memory map: %s", status_name(status));
    if (EFI_ERROR(status)) {
        /* There is no way back: EDK II, for one, has stopped its timer. Try to say so, and stay. */
        say("Selfmap: stopped before leaving the firmware: %s after %u calls of ExitBootServices\n",
            status_name(status), handoff->exit_tries);
        cpu_halt();
    }
    convert_memory_map(loader);
    /* Only now: U-Boot replaces its runtime services with other functions when boot services end. */
    handoff->reset_system.value = (UINTN)system_table->RuntimeServices->ResetSystem;
    return EFI_SUCCESS;
}
