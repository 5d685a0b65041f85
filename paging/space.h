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
 *   PAGING_BY_FOREIGN_WINDOW  Another space is live. Its foreign slot leads to these tables (spaces.h).
 *   PAGING_BY_NOTHING         Another space is live, and nothing leads to these tables. All that can be done
 *                             with them is to open, activate or destroy the space.
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
    bool has_invpcid;       /* CPUID 7.0 EBX[10]: one instruction flushes all, global pages included */
};

enum paging_reach { PAGING_BY_OFFSET, PAGING_BY_WINDOW, PAGING_BY_FOREIGN_WINDOW, PAGING_BY_NOTHING };

/*
 * Where the verbs for single pages have an express way, compiled with the number of levels and the way to
 * reach a table as constants (express.h). It knows no exceptions: everywhere else they take the long way.
 */
enum paging_express {
    EXPRESS_NOWHERE,
    EXPRESS_WINDOW_4,
    EXPRESS_WINDOW_5,
    EXPRESS_OFFSET_4,
    EXPRESS_OFFSET_5
};

/* All of it is the core's to write. */
struct address_space {
    struct paging_cpu cpu;
    frame_t root;
    enum paging_reach reach;
    enum paging_express express;
    uint64_t frame_limit;   /* frames the processor can address */
    uint64_t reserved_bits; /* of any present entry, on this processor: beyond MAXPHYADDR, missing features */
    uint64_t huge_reserved[MAX_LEVELS + 1]; /* the same of a huge leaf, by level; what has none at all: PS */
    uint64_t leaf_check;       /* bits in which the entry of a 4 KiB page must be ENTRY_PRESENT */
    uint64_t table_check;      /* bits in which an entry that points to a table must be ENTRY_TABLE_FLAGS */
    uint64_t refused_flags[2]; /* that no leaf of the lower, and of the upper half may have */
    uint64_t windows[MAX_LEVELS + 1]; /* by level: where the window of all tables of that level begins */
    uintptr_t offset;                 /* what to add to a table's physical address to reach it */
    volatile entry_t *scratch_entry; /* while this or another space is live: the entry of the scratch page, */
    volatile entry_t *scratch;       /* and the page */
    struct address_space *lender;    /* whose upper half this space borrows; NULL for none (spaces.h) */
    uint64_t borrowers;              /* spaces that borrow this one's */
    bool lends;                      /* the root's entries of the upper half are pinned */
    bool slot_taken;                 /* live, and its foreign slot leads to another space, */
    bool slot_shows_half;            /* which shares the upper half */
    uint64_t full_flushes;           /* of the whole TLB, global pages included, so far */
    uint64_t flushes;                /* pages flushed from the TLB so far, the scratch page's included */
    uint64_t tables; /* in use, the root and those of the scratch page included, what is borrowed not */
};

/*
 * Make an empty space with its recursive slot and scratch page, reached by offset. Takes one frame for the
 * root and one per level below it for the scratch page's tables (four in all with four levels).
 *
 *   PAGING_NOT_SUPPORTED   levels is not 4 or 5 (host geometries: 3 to 5), or physical_bits is out of range
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
 * and moved, unless it lends its upper half (spaces.h), but only one copy may be used.
 */
void paging_went_live(struct address_space *space);

/*
 * Give back every table of a space that is not live, and every owned frame it maps; what it borrows stays the
 * lender's. Afterwards the struct is all zeroes. To destroy a space that was live, activate another one first
 * (spaces.h), or load another root and say with paging_went_dormant how the tables can be reached from there.
 *
 *   PAGING_ACTIVE      the space is live
 *   PAGING_OPEN        it is open through the foreign slot of the live one
 *   PAGING_SLOT_TAKEN  another one was left open through its own
 *   PAGING_SHARED      others borrow its upper half
 * On each of them nothing has changed.
 */
MUST_CHECK enum paging_status paging_destroy(struct address_space *space, struct frame_source *frames);

/*
 * Tell the core that CR3 holds this root no more, and how its tables are reached from now on. Also for a
 * space that is out of reach, but not for one that is open, or has one open. Loading CR3 has spared global
 * pages: those of this space must be flushed by now.
 */
void paging_went_dormant(struct address_space *space, uintptr_t offset);

/* What to load into CR3. */
static inline phys_addr_t paging_root_address(const struct address_space *space)
{
    return frame_start(space->root);
}

#endif
