/* SPDX-License-Identifier: MIT */
/*
 * loader.h - the steps of the loader, and what they share.
 *
 * Each step does one job and returns a status. On an error it has said on the console what is wrong, and has
 * changed nothing of the firmware's except the memory that handoff->own lists as taken, which
 * loader_give_back returns.
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include "kernel/boot/handoff.h"
#include "kernel/console/kept.h"
#include <efi.h>

/* What is known of the last run, beside the sentences in the hand-over. */
struct last_run {
    bool is_known;             /* handoff->last_run says more than "unknown" */
    bool found_report;         /* its report was kept over the reset */
    bool is_written;           /* to the file that handoff->last_report names; else that says why not */
    struct kept_record record; /* the report; its text stays where it is until the exit */
};

/* A memory map as GetMemoryMap returns it. */
struct firmware_map {
    UINT8 *buffer;                        /* NULL: only the size is asked for */
    UINTN capacity;                       /* of the buffer, in bytes */
    UINTN room;                           /* descriptors that the caller has room for */
    UINTN bytes, key, stride;             /* the answer */
    UINTN first_stride;                   /* of the first answer */
    char refusal[HANDOFF_SENTENCE_LIMIT]; /* why the last answer is not believed */
};

struct loader {
    EFI_HANDLE image;
    EFI_LOADED_IMAGE *loaded;
    struct handoff *handoff;

    struct firmware_map map; /* the buffer is taken once, before the tables are built */
    size_t memory_count;     /* regions in handoff->memory */

    bool serial_answers;                         /* one of the serial ports that are tried after the exit */
    char screen_refusal[HANDOFF_SENTENCE_LIMIT]; /* why the screen that there is cannot be used; else "" */

    struct last_run last_run;
    bool breadcrumb_failed;
    bool needs_hint;      /* the block of this run is at none of the fixed addresses */
    bool has_fw_cfg;      /* it had options: a program started the machine, and nobody waits for a menu */
    const char *why_back; /* a sentence, if the loader returns to the firmware though nothing failed */
};

/* The step after which nothing of the firmware's is left, as the breadcrumb file names it. */
#define LAST_STEP "exit boot services"

/* The firmware's tables: set by efi_main. */
extern EFI_SYSTEM_TABLE *system_table;
#define BS (system_table->BootServices)

/* ---- the steps, in order; main.c has the table ---- */

EFI_STATUS switch_watchdog_off(struct loader *loader);  /* platform.c */
EFI_STATUS describe_platform(struct loader *loader);    /* platform.c */
EFI_STATUS read_options(struct loader *loader);         /* option_sources.c */
EFI_STATUS look_for_report(struct loader *loader);      /* last_run.c */
EFI_STATUS ask_what_to_run(struct loader *loader);      /* menu.c */
EFI_STATUS keep_report(struct loader *loader);          /* kept_blocks.c */
EFI_STATUS find_framebuffer(struct loader *loader);     /* find_framebuffer.c */
EFI_STATUS find_image_sections(struct loader *loader);  /* image_sections.c */
EFI_STATUS take_memory(struct loader *loader);          /* own_memory.c */
EFI_STATUS find_serial_port(struct loader *loader);     /* find_serial_port.c */
EFI_STATUS find_runtime_regions(struct loader *loader); /* runtime_regions.c */
EFI_STATUS build_fresh_tables(struct loader *loader);   /* fresh_tables.c */
EFI_STATUS check_fresh_tables(struct loader *loader);   /* preflight.c */
EFI_STATUS exit_boot_services(struct loader *loader);   /* exit_boot_services.c */

/* ---- what the steps share: firmware_console.c, platform.c, fresh_tables.c, own_memory.c ---- */

/* Prints on the UEFI console, in the formats of kernel/console/format.h. Not after ExitBootServices. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* The time that `say` has taken so far, in ticks of the time stamp counter. */
extern uint64_t console_time;

/* Returns a status in words, or "error" for one without a name of its own. */
const char *status_name(EFI_STATUS status);

/* Says what is wrong, and evaluates to the status. */
#define FAIL(status, ...) (say(__VA_ARGS__), say("\n"), (EFI_STATUS)(status))

/* Returns the end of what can be mapped to its own address. fresh_tables.c */
UINT64 address_limit(const struct paging_cpu *cpu);

/*
 * Checks that the firmware's tables are there, and what boot services are called. Else it has said what is
 * missing, if there is a console. Called before anything else. platform.c
 */
EFI_STATUS check_firmware_tables(void);

/* Returns the firmware's table of this kind (UEFI 2.10, 4.6), or NULL. */
const void *configuration_table(EFI_GUID kind);

/* Returns the firmware's runtime services, or NULL if they have no variables. variables.c */
EFI_RUNTIME_SERVICES *variable_services(void);

/* Stops the processor for good: the firmware is half gone, and nothing can go on. main.c */
_Noreturn void stop_for_good(void);

/* Notes the name of the machine: smbios.c. */
void describe_machine(struct loader *loader);

/*
 * Notes a region that the fresh tables shall map; `exact` as in struct handoff_region. EFI_OUT_OF_RESOURCES
 * if there are too many.
 */
EFI_STATUS add_region(struct loader *loader, const char *name, UINT64 start, UINT64 end, UINT64 flags,
                      bool exact);

/*
 * Does the same with an exact region that nobody needs once boot services have ended and the map is sorted.
 */
EFI_STATUS add_region_until_exit(struct loader *loader, const char *name, UINT64 start, UINT64 end,
                                 UINT64 flags);

/* Takes all regions of this name out again. */
void drop_region(struct handoff *handoff, const char *name);

/*
 * Gives the framebuffer up if it lies over memory of ours: drawing would destroy that. Called when all memory
 * is taken. find_framebuffer.c
 */
void check_framebuffer_is_apart(struct loader *loader);

/* Does the same with serial ports whose registers are in memory. find_serial_port.c */
void check_serial_ports_are_apart(struct loader *loader);

/*
 * Cuts memory of ours out of the regions that runtime services are said to need. Called when all memory is
 * taken. EFI_OUT_OF_RESOURCES if that makes too many regions. runtime_regions.c
 */
EFI_STATUS keep_own_memory_apart(struct loader *loader);

/*
 * Calls AllocatePages for memory that stays ours. alignment is in bytes: a power of two, at least a page. On
 * an error it has said what the pages are for, and how many are free if a memory map was read.
 */
EFI_STATUS take_pages(struct loader *loader, const char *name, UINTN pages, UINT64 alignment, UINT64 *start);

/* Notes pages that were taken otherwise, so that loader_give_back frees them. */
EFI_STATUS note_taken(struct loader *loader, const char *name, UINT64 start, UINTN pages);

/* Frees all that was taken. */
void loader_give_back(struct loader *loader);

/* ---- what outlives a run: breadcrumb.c, kept_blocks.c ---- */

/*
 * Writes the step that begins to \SELFMAP\LASTRUN.TXT, so that the next start can name it. Says why if it
 * cannot, once, and then does not try again. Does nothing with store=no.
 */
void leave_breadcrumb(struct loader *loader, const char *step);

/* Notes there how a run ended that left no step behind: a sentence, and what it is about. */
void leave_last_breadcrumb(struct loader *loader, const char *sentence, const char *what);

/* Reads from there the step that the last run reached. Returns false if that is not known, or if it ended. */
bool read_breadcrumb(struct loader *loader, char *step, size_t capacity);

/* A block that kept a report over the reset. */
struct kept_block {
    void *start;
    struct kept_record record;
};
enum { KEPT_BLOCK_LIMIT = 9 };

/*
 * Takes the memory for this run's log, and the blocks that hold reports of earlier runs, at most
 * KEPT_BLOCK_LIMIT. With store=no it takes the former only. The record of this run begins in keep_report.
 */
EFI_STATUS take_kept_blocks(struct loader *loader, struct kept_block *found, unsigned *count);

/* Forgets the record of this run, which returns to the firmware: nothing was cut off. */
void forget_this_run(void);

/* ---- the firmware's memory map: firmware_map.c ---- */

/*
 * Reads the memory map into the buffer, or only its size if there is no buffer. Nobody else calls
 * GetMemoryMap. Returns an error, with the reason in map->refusal, if the answer contradicts itself, the
 * buffer or the first answer. Prints nothing, because printing may change the map.
 */
EFI_STATUS get_memory_map(struct firmware_map *map);

/* Returns the descriptors in a map that was read. */
UINTN map_count(const struct firmware_map *map);

/* Returns one of them. */
EFI_MEMORY_DESCRIPTOR map_descriptor(const struct firmware_map *map, UINTN index);

/*
 * Turns what is in loader->map into handoff->descriptors, and adds what we know better: devices that we use,
 * and memory of ours.
 */
void convert_memory_map(struct loader *loader);

/* The descriptors that convert_memory_map may add. */
enum { ADDED_DESCRIPTORS = 1 + SERIAL_CANDIDATES + OWN_BLOCK_LIMIT };

/* Reads the map, and makes regions of its descriptors, in handoff->memory. */
EFI_STATUS find_memory_regions(struct loader *loader);

#endif
