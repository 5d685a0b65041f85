/* SPDX-License-Identifier: MIT */
/*
 * machine_internal.h - what the back-ends of machine.h share. For machine*.c only.
 */
#ifndef HOST_MACHINES_MACHINE_INTERNAL_H
#define HOST_MACHINES_MACHINE_INTERNAL_H

#include "machines/machine.h"
#include "machines/tlb.h"

/* Frames below FIRST_FRAME exist but are never handed out, so that frame 0 is a mistake. */
#define FIRST_FRAME (PAGING_INDEX_BITS == 9 ? 256u : 32u)
/*
 * In the processor's geometry there is memory for 2 MiB and 1 GiB pages; what is untouched is free. The frame
 * source has the part from SOURCE_FRAMES on, and one near the bottom.
 */
#define SOURCE_FRAMES \
    (PAGING_INDEX_BITS == 9 ? (uint64_t)0x80000 : (uint64_t)(PAGING_INDEX_BITS == 1 ? 352 : 512))
#define MEMORY_FRAMES (PAGING_INDEX_BITS == 9 ? (uint64_t)0x1c0000 : (uint64_t)1024)

struct machine {
    struct walker walker;
    struct walk_cache cache;
    uint8_t *memory;
    struct machine_setup setup;
    unsigned flushes, full_flushes, flushes_by_invpcid, root_loads, stores, steps;
    unsigned processor; /* that the core runs on */
    bool stays;         /* on it */
    bool by_offset;     /* the core may reach memory by offset */
    bool stores_trap;   /* the observer is called by the trap, not by machine_stored */
    uint64_t flush_log[MACHINE_FLUSH_LOG];
    void (*observer)(void);
    void (*load_observer)(void);
    struct tlb tlb; /* the last: emptied, not cleared */
};

extern struct machine machine;

/*
 * The processor's way from an address to a translation: the TLB first, then a walk that loads it. A refused
 * access forgets the translation, as a page fault does (SDM 3A, 4.10.4.1). NULL with *error set if refused.
 */
struct translation *machine_translate(uint64_t address, unsigned access, unsigned *error);

/* The frame of the page that contains the address. */
uint64_t machine_frame_of(const struct translation *translation, uint64_t address);

/* The access as software would emulate it. */
struct machine_access machine_access_emulated(uint64_t address, unsigned access);

/* A back-end's own: memory of that many bytes, and what else it needs. */
uint8_t *backend_open(uint64_t bytes);
void backend_close(uint8_t *memory, uint64_t bytes);
uintptr_t backend_offset(void); /* where the core reaches it */

/* frames.c: the frame source. */
void frames_open(const struct machine_setup *setup);
void frames_close(void);

#endif
