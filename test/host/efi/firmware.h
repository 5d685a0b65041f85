/* SPDX-License-Identifier: MIT */
/*
 * firmware.h - a made-up firmware for the loader's steps: pages, a memory map, a console, and lies.
 *
 * Its memory is a part of this process at the address MEMORY, so that what the loader writes to physical
 * addresses is written. Every page has an owner; what it does can be changed by the hooks below.
 */
#ifndef TEST_HOST_EFI_FIRMWARE_H
#define TEST_HOST_EFI_FIRMWARE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "efi/loader.h"

#define MEMORY    UINT64_C(0x40000000)
#define IMAGE     (MEMORY + 0x100000)
#define BSS_START (IMAGE + 0x9000)
#define IMAGE_END (IMAGE + 0x3c000) /* of .bss */

enum {
    PAGES = 32768, /* of 4 KiB */
    TABLES_PAGE =
        600, /* of the firmware's memory: where tests put configuration tables; boot services data */
    FREE = EfiConventionalMemory,
    EXTRA_LIMIT = 2000,
    LIE_NEVER = 0,
};

struct made_up_firmware {
    EFI_SYSTEM_TABLE table;
    EFI_BOOT_SERVICES boot;
    EFI_RUNTIME_SERVICES runtime;
    EFI_CONFIGURATION_TABLE configuration[2];

    UINT32 owner[PAGES];         /* EFI_MEMORY_TYPE of each page */
    unsigned allocations;        /* calls of AllocatePages */
    unsigned failing_allocation; /* which of them fails, from 1; 0: none */
    UINT64 given;                /* where AllocatePages says it is, whatever is free; 0: where it is */

    EFI_MEMORY_DESCRIPTOR extra[EXTRA_LIMIT]; /* that the map has beside MEMORY */
    unsigned extra_count;
    bool extra_only; /* MEMORY itself is not in the map */
    UINTN stride;
    unsigned map_calls; /* of GetMemoryMap */
    void (*lie)(unsigned call, UINTN *bytes, UINTN *stride, UINT8 *buffer, EFI_STATUS *status);

    unsigned exit_calls, failing_exits; /* calls of ExitBootServices; so many fail */
    UINTN key;                          /* what ExitBootServices wants */
    bool exits_though_failing;
    UINTN stalled; /* microseconds, so far */

    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE screen; /* of the one graphics device; without bytes there is none */
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION screen_info;

    char console[16384]; /* what was printed */
    size_t printed;
};

extern struct made_up_firmware firmware;
extern struct loader loader;

/*
 * Makes everything new, as a setup function of cmocka: firmware without lies, a loader that has done nothing.
 */
int begin(void **state);

/*
 * Runs the loader's steps up to this one, in the order of efi/main.c; those that need memory, from the log
 * on.
 */
EFI_STATUS run_up_to(EFI_STATUS (*step)(struct loader *loader));

/*
 * Does the same up to the exit. Returns whether that has stopped the processor; if not, *status is the
 * result.
 */
bool exit_stops_processor(EFI_STATUS *status);

/* Returns how many pages are of a type. */
unsigned pages_of_type(UINT32 type);

/* Adds a descriptor to the firmware's map. */
void add_descriptor(UINT32 type, UINT64 start, UINT64 pages, UINT64 attributes);

/* Returns the region of handoff->memory that holds the address, or NULL. */
const struct memory_region *region_at(UINT64 address);

/* Returns whether the console shows the text. */
bool console_shows(const char *text);

/* Fails the test, and shows the console, unless it shows the text. */
void expect_console(const char *text);

#define EFI_TEST(name, function)          \
    {                                     \
        name, function, begin, NULL, NULL \
    }

#endif
