/*
 * loader.h - what the steps of the loader share, and the steps themselves.
 *
 * Each step does one thing and answers with a status; on an error it has said on the console what is wrong,
 * and nothing of the firmware's has changed but the memory listed in `taken`, which loader_give_back returns.
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include "kernel/boot/handoff.h"
#include <efi.h>

enum { TAKEN_LIMIT = 8 };

struct loader {
    EFI_HANDLE image;
    EFI_LOADED_IMAGE *loaded;
    struct handoff *handoff;

    /* Memory from AllocatePages, to give back if a step fails. */
    struct {
        EFI_PHYSICAL_ADDRESS start;
        UINTN pages;
    } taken[TAKEN_LIMIT];
    unsigned taken_count;

    /* The firmware's memory map: the buffer is taken once, before the tables are built. */
    UINT8 *map;
    UINTN map_capacity, map_bytes, map_key, map_stride;
    size_t memory_count; /* regions in handoff->memory */
};

/* The firmware's tables: set by efi_main. */
extern EFI_SYSTEM_TABLE *system_table;
#define BS (system_table->BootServices)

/* console.c: print on the UEFI console, formatted as kernel/console/format.h says. Not after ExitBootServices. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* How long that has taken so far: ticks of the time stamp counter. */
extern uint64_t console_time;

/* A status in words, or "error" for one without a name of its own. */
const char *status_name(EFI_STATUS status);

/* platform.c: the table of this kind that the firmware publishes (UEFI 2.10, 4.6), or NULL. */
const void *configuration_table(EFI_GUID kind);

/* platform.c, screen.c, options.c */
EFI_STATUS switch_watchdog_off(struct loader *loader);
EFI_STATUS describe_platform(struct loader *loader);
EFI_STATUS find_framebuffer(struct loader *loader);
EFI_STATUS read_options(struct loader *loader);

/* image.c, memory.c, runtime.c */
EFI_STATUS find_image_sections(struct loader *loader);
EFI_STATUS take_memory(struct loader *loader);
EFI_STATUS find_runtime_regions(struct loader *loader);

/* tables.c, preflight.c */
EFI_STATUS build_fresh_tables(struct loader *loader);
EFI_STATUS check_fresh_tables(struct loader *loader);

/* exit.c: the last step. Once ExitBootServices was called it comes back only with success. */
EFI_STATUS exit_boot_services(struct loader *loader);

/* Remember a region that the fresh tables shall map. EFI_OUT_OF_RESOURCES if there are too many. */
EFI_STATUS add_region(struct loader *loader, const char *name, UINT64 start, UINT64 end, UINT64 flags,
                      bool exact);

/* AllocatePages for memory that stays ours, aligned (bytes, a power of two, at least a page). */
EFI_STATUS take_pages(struct loader *loader, UINTN pages, UINT64 alignment, UINT64 *start);
void loader_give_back(struct loader *loader);

/* memory.c: read the map into loader->map; turn what stands there into handoff->descriptors. */
EFI_STATUS read_memory_map(struct loader *loader);
void convert_memory_map(struct loader *loader);

/* Say what is wrong and answer with the status. */
#define FAIL(status, ...) (say(__VA_ARGS__), say("\n"), (EFI_STATUS)(status))

#endif
