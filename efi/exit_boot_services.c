/* SPDX-License-Identifier: MIT */
/* exit_boot_services.c - reads the last memory map and ends boot services. */
#include "loader.h"

/*
 * Says where the report will appear. Before a screen that cannot be used goes dark (firmware may switch it
 * off), what it shows stays long enough to be read.
 */
static void tell_where_report_goes(struct loader *loader)
{
    enum { SECOND = 1000000, TIME_TO_READ = 5 * SECOND };
    struct handoff *handoff = loader->handoff;
    bool screen = handoff->framebuffer.width != 0 && handoff->options.screen != SCREEN_OFF;
    static const char *const places[] = {"nowhere: neither a serial port nor a screen can be used",
                                         "to the serial port", "to the screen",
                                         "to the serial port and the screen"};
    say("  the report goes %s\n", places[loader->serial_answers + 2 * screen]);
    if (loader->screen_refusal[0] == '\0' || handoff->options.screen == SCREEN_OFF)
        return;
    say("  the screen cannot be used and may go dark: %s\n", loader->screen_refusal);
    BS->Stall(TIME_TO_READ);
}

/* UEFI 2.10, 4.6.2: which runtime services there are after the exit. Without the table, all. */
enum { RT_SUPPORTED_GET_TIME = 0x1, RT_SUPPORTED_GET_VARIABLE = 0x10 };
static UINT32 services_after_exit(void)
{
    EFI_GUID guid = {0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}};
    const struct {
        UINT16 version, length;
        UINT32 supported;
    } *table = configuration_table(guid);
    return table && table->length >= sizeof *table ? table->supported : ~(UINT32)0;
}

/*
 * Calls ExitBootServices. Firmware that says that it failed, but has taken its boot services out of the
 * system table, as EDK II does when they end, is gone all the same: another call would be one into free
 * memory.
 */
static EFI_STATUS call_exit(struct loader *loader)
{
    EFI_STATUS status = BS->ExitBootServices(loader->image, loader->map.key);
    loader->handoff->exit_denied = EFI_ERROR(status) && !BS;
    return loader->handoff->exit_denied ? EFI_SUCCESS : status;
}

EFI_STATUS exit_boot_services(struct loader *loader)
{
    /*
     * UEFI 2.10, 7.4.6: "If MapKey value is incorrect, ExitBootServices() returns EFI_INVALID_PARAMETER and
     * GetMemoryMap() with ExitBootServices() must be called again. Firmware implementation may choose to do a
     * partial shutdown of the boot services during the first call to ExitBootServices(). A UEFI OS loader
     * should not make calls to any boot service function other than Memory Allocation Services after the
     * first call".
     *
     * The key is stale if an event handler of the firmware allocated memory after GetMemoryMap. Nothing else
     * is called in between: printing may allocate, too.
     */
    enum { TRIES = 8 };
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = EFI_NOT_READY;
    UINT32 supported = services_after_exit();
    tell_where_report_goes(loader);
    while (handoff->exit_tries < TRIES && EFI_ERROR(status)) {
        status = get_memory_map(&loader->map);
        if (EFI_ERROR(status))
            break; /* the buffer cannot grow any more */
        if (handoff->exit_tries++ == 0 && handoff->options.stale_map_key)
            loader->map.key++;
        loader->map.refusal[0] = '\0';
        status = call_exit(loader);
    }
    if (EFI_ERROR(status) && handoff->exit_tries == 0)
        return FAIL(status, "  the memory map cannot be used: %s", loader->map.refusal);
    if (EFI_ERROR(status)) {
        /* The application cannot return now: EDK II, for one, has stopped its timer. Report it, and halt. */
        bool map_failed = loader->map.refusal[0] != '\0';
        say("Selfmap: stopped before leaving the firmware: %s%s after %u calls of ExitBootServices\n",
            map_failed ? "the memory map cannot be used: " : "",
            map_failed ? loader->map.refusal : status_name(status), handoff->exit_tries);
        stop_for_good();
    }
    convert_memory_map(loader);
    /* Not read earlier: U-Boot replaces its runtime services by other functions when boot services end. */
    const EFI_RUNTIME_SERVICES *runtime = system_table->RuntimeServices;
    if (!runtime)
        return EFI_SUCCESS;
    handoff->reset_system.value = (UINTN)runtime->ResetSystem;
    if (supported & RT_SUPPORTED_GET_TIME)
        handoff->get_time.value = (UINTN)runtime->GetTime;
    if (supported & RT_SUPPORTED_GET_VARIABLE)
        handoff->get_variable.value = (UINTN)runtime->GetVariable;
    return EFI_SUCCESS;
}
