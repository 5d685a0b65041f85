/*
 * handoff.h - the one struct that passes from the firmware's half to ours.
 *
 * efi/ fills it while boot services live; kernel/ gets nothing else. Everything it points to lies in memory
 * that the loader owns and that the fresh tables map one to one, so each pointer holds on both sides of the
 * CR3 switch.
 */
#ifndef KERNEL_BOOT_HANDOFF_H
#define KERNEL_BOOT_HANDOFF_H

#include "boot/options.h"
#include "console/framebuffer.h"
#include "cpu/cpuid.h"
#include "cpu/instructions.h"
#include "frames/arena.h"
#include "frames/memory_map.h"
#include <selfmap/space.h>

/* A run of frames that the fresh tables map one to one, with the rights its leaves get (ENTRY_* flags). */
struct handoff_region {
    const char *name;
    paging_frame_t start, end; /* half-open */
    uint64_t flags;
    bool exact; /* exactly these rights: memory of our own, which no firmware region overlaps */
};

/* A moment on the way from the entry to our own tables. */
struct handoff_mark {
    const char *what; /* what begins here */
    uint64_t tsc;
    uint64_t console; /* ticks until here that went to the firmware's console */
};

enum { HANDOFF_REGION_LIMIT = 2048, HANDOFF_TEXT_LIMIT = 64, HANDOFF_MARK_LIMIT = 16 };

struct handoff {
    char firmware[HANDOFF_TEXT_LIMIT]; /* vendor, printable ASCII */
    uint32_t firmware_revision;
    uint64_t firmware_cr0, firmware_cr3, firmware_cr4, firmware_efer; /* as they were at the entry */

    unsigned exit_tries;        /* calls of ExitBootServices */
    uint64_t image_base;        /* where the PE image was loaded: for a debugger */
    paging_phys_t rsdp;         /* ACPI; 0 if the firmware names none */
    char rsdp_oem[8];           /* its OEM id, printable ASCII */
    paging_phys_t reset_system; /* RuntimeServices->ResetSystem; 0 if there is none */
    struct framebuffer framebuffer;
    struct options options;
    struct handoff_mark marks[HANDOFF_MARK_LIMIT];
    unsigned mark_count;
    uint64_t console; /* ticks so far that went to the firmware's console */

    struct paging_space space; /* the fresh tables, reached by offset until CR3 holds them */
    struct arena arena;        /* where their frames came from */
    struct handoff_region regions[HANDOFF_REGION_LIMIT];
    unsigned region_count;

    uint64_t stack_guard; /* the page below the stack, not mapped */
    uint64_t stack_top;

    /* The last memory map, as the firmware gave it, and room to sort it in. */
    struct memory_descriptor *descriptors;
    uint64_t descriptor_count;
    struct memory_edge *edges;
    struct memory_region *memory;
    uint64_t memory_capacity;
    void *bookkeeping; /* for the frame allocator; junk */
    uint64_t bookkeeping_bytes;
};

/* Remember that something begins now. Beyond the limit nothing is remembered. */
static inline void handoff_mark(struct handoff *handoff, const char *what)
{
    if (handoff->mark_count < HANDOFF_MARK_LIMIT)
        handoff->marks[handoff->mark_count++] = (struct handoff_mark){what, read_tsc(), handoff->console};
}

/*
 * Leave the firmware behind: own descriptor tables, own stack, own page tables. To be called once, with
 * interrupts off, after ExitBootServices.
 */
_Noreturn void kernel_enter(struct handoff *handoff);

#endif
