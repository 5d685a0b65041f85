/*
 * space.h - an address space: a root table, and how its tables are reached.
 *
 * The root owns all tables below it. How the core reaches them is the only thing that differs between the
 * worlds it works in:
 *
 *   PAGING_BY_OFFSET  The tables are not live. A table is reached at its physical address plus an offset: 0
 *                     while the firmware's identity mapping is active; in a host, the address of an aligned
 *                     arena minus the physical address that its first page stands for.
 *   PAGING_BY_WINDOW  The tables are live on this processor, and are reached through the recursive slot.
 *                     A new table, which nothing links to yet, is filled through the scratch page.
 */
#ifndef PAGING_SPACE_H
#define PAGING_SPACE_H

#include "access.h"
#include "frame_source.h"

/* What the processor offers. The caller asks CPUID; the core only believes what stands here. */
struct paging_cpu {
    unsigned levels;        /* 4, or 5 with CR4.LA57 */
    unsigned physical_bits; /* MAXPHYADDR, CPUID 80000008h EAX[7:0]; at most 52 */
    bool has_no_execute;    /* CPUID 80000001h EDX[20], and EFER.NXE is set */
    bool has_1g_pages;      /* CPUID 80000001h EDX[26] */
};

enum paging_reach { PAGING_BY_OFFSET, PAGING_BY_WINDOW };

struct address_space {
    struct paging_cpu cpu;
    frame_t root;
    enum paging_reach reach;
    bool has_scratch; /* the geometry has a scratch slot; without one, new tables are filled by offset */
    uint64_t reserved_bits; /* of any present entry, on this processor: beyond MAXPHYADDR, missing features */
    uint64_t windows[MAX_LEVELS + 1]; /* by level: where the window of all tables of that level begins */
    uintptr_t offset;                 /* what to add to a table's physical address to reach it */
    uint64_t full_flushes;            /* of the whole TLB, global pages included, so far */
    uint64_t flushes;                 /* pages flushed from the TLB so far, the scratch page's included */
    uint64_t tables;                  /* tables in use, the root and those of the scratch page included */
};

/*
 * Make an empty space with its recursive slot and scratch page, reached by offset. Takes one frame for the
 * root and one per level below it for the scratch page's tables (four in all with four levels).
 *
 *   PAGING_NOT_SUPPORTED   levels is not 4 or 5 (host geometries: 2 to 5), or physical_bits is out of range
 *   PAGING_FRAME_TOO_HIGH  the source handed out a frame beyond MAXPHYADDR
 *   PAGING_NO_FRAMES
 */
MUST_CHECK enum paging_status paging_create(struct address_space *space, struct paging_cpu cpu,
                                            uintptr_t offset, struct frame_source *frames);

/*
 * Tell the core that CR3 now holds this root: from here on it uses the window and flushes what it changes.
 *
 * Before CR3 is loaded: EFER.NXE is set (if has_no_execute), CR4.PCIDE is off, no global translation of the
 * old tables is cached (CR4.PGE was switched off), and the space maps the code that runs, its stack, this
 * struct and the frame source. Nothing is flushed here: loading CR3 has done that. The struct may be copied
 * and moved at any time, but only one copy may be used.
 */
void paging_went_live(struct address_space *space);

/*
 * Give back every table of a space that is not live, and every owned frame it maps. Afterwards the struct
 * means nothing. To destroy a space that was live, load another root first, and say with paging_went_dormant
 * how its tables can be reached from there.
 *
 *   PAGING_ACTIVE  the space is live; nothing has changed
 */
MUST_CHECK enum paging_status paging_destroy(struct address_space *space, struct frame_source *frames);

/* Tell the core that CR3 holds this root no more, and how its tables are reached from now on. */
void paging_went_dormant(struct address_space *space, uintptr_t offset);

/* What to load into CR3. */
static inline phys_addr_t paging_root_address(const struct address_space *space)
{
    return frame_start(space->root);
}

#endif
