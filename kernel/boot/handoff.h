/* SPDX-License-Identifier: MIT */
/*
 * handoff.h - the hand-over: the one struct that passes from the loader to the kernel.
 *
 * efi/ fills it in while boot services exist. In the kernel only boot/ knows it and hands each room what that
 * room needs. Everything that it points to lies in memory of the loader's that both the firmware's tables and
 * the fresh ones map one to one, so its pointers are valid before and after CR3 is loaded.
 */
#ifndef KERNEL_BOOT_HANDOFF_H
#define KERNEL_BOOT_HANDOFF_H

#include "boot/options.h"
#include "console/framebuffer.h"
#include "cpu/cpuid.h"
#include "cpu/instructions.h"
#include "cpu/tsc.h"
#include "frames/arena.h"
#include "frames/memory_map.h"
#include <selfmap/space.h>

/* A run of frames that the fresh tables map one to one. */
struct handoff_region {
    const char *name;
    paging_frame_t start, end; /* half-open */
    uint64_t flags;            /* of the leaves: PAGING_WRITABLE and others */
    bool exact;       /* no other region overlaps this one, so the leaves have exactly these rights */
    bool for_runtime; /* runtime services need it */
    bool until_exit;  /* nobody needs it once boot services have ended, and the map is sorted */
};

/* A block of memory that is ours whatever the firmware's map says (boot/own_blocks.h). */
struct own_block {
    const char *name;
    paging_frame_t start, end; /* half-open */
    bool is_taken;             /* with AllocatePages */
};

enum {
    OWN_BLOCK_LIMIT = 32,
    HANDOFF_REGION_LIMIT = 2048,
    HANDOFF_TEXT_LIMIT = 64,
    HANDOFF_MARK_LIMIT = 32,
    HANDOFF_SENTENCE_LIMIT = 112
};

struct handoff {
    char firmware[HANDOFF_TEXT_LIMIT]; /* its vendor, printable ASCII */
    char machine[HANDOFF_TEXT_LIMIT];  /* maker and product, printable ASCII */
    uint32_t firmware_revision;
    uint64_t firmware_cr0, firmware_cr3, firmware_cr4, firmware_efer; /* as they were at the entry point */
    uint64_t firmware_rflags, firmware_dr7;                           /* likewise; flags as of read_flags */

    unsigned exit_tries;        /* calls of ExitBootServices */
    bool exit_denied;           /* the last one said that it failed, though boot services were gone */
    uint64_t image_base;        /* where the firmware loaded the PE image */
    paging_phys_t rsdp;         /* the ACPI root pointer; 0 if there is none */
    char rsdp_oem[8];           /* its OEM id, printable ASCII */
    paging_phys_t reset_system; /* RuntimeServices->ResetSystem; 0 if there is none */
    paging_phys_t get_time, get_variable; /* the same; 0 if they cannot be called after the exit */
    struct framebuffer framebuffer;
    char screen[HANDOFF_SENTENCE_LIMIT];   /* the same in words, or why there is none */
    struct uart serial[SERIAL_CANDIDATES]; /* ports to try, in this order */
    unsigned serial_count;
    char spcr[HANDOFF_SENTENCE_LIMIT]; /* the port that the ACPI table SPCR names, or why none */
    struct options options;
    const char *config_file;  /* where selfmap.cfg was, or why it was not read; a fact */
    const char *load_options; /* whether LoadOptions were used, or why not; a fact */
    struct time_mark marks[HANDOFF_MARK_LIMIT];
    unsigned mark_count;
    uint64_t console; /* ticks that printing on the firmware's console has taken so far */

    struct paging_space space; /* the fresh tables; in direct mode until CR3 holds them */
    struct arena arena;        /* the frames that its tables were taken from */
    struct handoff_region regions[HANDOFF_REGION_LIMIT + 1]; /* the kernel adds the local APIC's registers */
    unsigned region_count;

    struct own_block own[OWN_BLOCK_LIMIT];
    unsigned own_count;

    uint64_t stack_guard; /* the page below the stack; not mapped */
    uint64_t stack_top;
    uint64_t loader_frame; /* the frame pointer of efi_main, on the firmware's stack */

    /* What outlives a run (efi/last_run.c), in words; facts of the report. */
    char last_run[HANDOFF_SENTENCE_LIMIT];    /* how far the last run came */
    char last_report[HANDOFF_SENTENCE_LIMIT]; /* where its report is now */
    char store[HANDOFF_SENTENCE_LIMIT];       /* where the report of this run can be written */
    bool can_store; /* it is kept over a warm reset, and the loader of the next start can write it */

    /* The last memory map as the firmware returned it, what we know better, and buffers to sort both in. */
    struct memory_descriptor *descriptors;
    uint64_t descriptor_count;
    struct memory_edge *edges;
    struct memory_region *memory;
    uint64_t memory_capacity;
    void *bookkeeping; /* for the frame allocator; not initialised */
    uint64_t bookkeeping_bytes;
};

/* Records that a step begins now. The marks beyond HANDOFF_MARK_LIMIT are dropped. */
static inline void handoff_mark(struct handoff *handoff, const char *what)
{
    if (handoff->mark_count < HANDOFF_MARK_LIMIT)
        handoff->marks[handoff->mark_count++] = (struct time_mark){what, read_tsc(), handoff->console};
}

/*
 * Switches to the kernel's descriptor tables, page tables and stack, and continues in kernel_main. Called
 * once, after ExitBootServices. Interrupts may still be on: the first thing it does is to switch them off.
 */
_Noreturn void kernel_enter(struct handoff *handoff);

#endif
