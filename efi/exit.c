/* exit.c - the end of boot services (UEFI 2.10, 7.4.6). */
#include "loader.h"

EFI_STATUS exit_boot_services(struct loader *loader)
{
    /*
     * The key is stale if an event handler of the firmware allocated between the two calls: then the map is
     * read again. Nothing else may be called in between, printing included.
     */
    enum { TRIES = 8 };
    EFI_STATUS status = EFI_NOT_READY;
    for (unsigned i = 0; i < TRIES && EFI_ERROR(status); i++) {
        status = read_memory_map(loader);
        if (!EFI_ERROR(status))
            status = BS->ExitBootServices(loader->image, loader->map_key);
    }
    if (!EFI_ERROR(status))
        convert_memory_map(loader);
    return status;
}
