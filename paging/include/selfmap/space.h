/*
 * space.h - an address space: a root table, and how its tables are reached.
 *
 * The root owns all tables below it. How the core reaches them is the only thing that differs between the
 * worlds it works in:
 *
 *   PAGING_MODE_DIRECT  The tables are not live. A table is reached at its physical address plus an offset: 0
 *                     while the firmware's identity mapping is active; in a host, the address of an aligned
 *                     arena minus the physical address that its first page stands for.
 *   PAGING_MODE_RECURSIVE  The tables are live on this processor, and are reached through the recursive slot.
 *                     A new table, which nothing links to yet, is filled through the scratch page.
 *   PAGING_MODE_ALTERNATE  Another space is live. Its alternate slot leads to these tables (share.h).
 *   PAGING_MODE_UNREACHABLE         Another space is live, and nothing leads to these tables. All that can be done
 *                             with them is to open, activate or destroy the space.
 */
#ifndef SELFMAP_SPACE_H
#define SELFMAP_SPACE_H

#include <selfmap/access.h>
#include <selfmap/frame_source.h>

/* What the processor offers. The caller asks CPUID; the core only believes what stands here. */
struct paging_cpu {
    unsigned levels;        /* 4, or 5 with CR4.LA57 */
    unsigned physical_bits; /* MAXPHYADDR, CPUID 80000008h EAX[7:0]; at most 52 */
    bool has_no_execute;    /* CPUID 80000001h EDX[20], and EFER.NXE is set */
    bool has_1g_pages;      /* CPUID 80000001h EDX[26] */
    bool has_invpcid;       /* CPUID 7.0 EBX[10]: one instruction flushes all, global pages included */
};

enum paging_mode {
    PAGING_MODE_DIRECT,
    PAGING_MODE_RECURSIVE,
    PAGING_MODE_ALTERNATE,
    PAGING_MODE_UNREACHABLE
};

/*
 * Where the operations for single pages have an fast path, compiled with the number of levels and the way to
 * reach a table as constants (fast_path.h). It knows no exceptions: everywhere else they take the slow path.
 */
enum paging_fast_path {
    PAGING_FAST_NONE,
    PAGING_FAST_RECURSIVE_4,
    PAGING_FAST_RECURSIVE_5,
    PAGING_FAST_DIRECT_4,
    PAGING_FAST_DIRECT_5
};

/* All of it is the core's to write. */
struct paging_space {
    struct paging_cpu cpu;
    paging_frame_t root;
    enum paging_mode mode;
    enum paging_fast_path fast_path;
    uint64_t frame_limit;   /* frames the processor can address */
    uint64_t reserved_bits; /* of any present entry, on this processor: beyond MAXPHYADDR, missing features */
    uint64_t huge_reserved[PAGING_MAX_LEVELS +
                           1]; /* the same of a huge leaf, by level; what has none at all: PS */
    uint64_t leaf_check;       /* bits in which the entry of a 4 KiB page must be PAGING_PRESENT */
    uint64_t table_check;      /* bits in which an entry that points to a table must be PAGING_TABLE_FLAGS */
    uint64_t refused_flags[2]; /* that no leaf of the lower, and of the upper half may have */
    uint64_t
        windows[PAGING_MAX_LEVELS + 1]; /* by level: where the window of all tables of that level begins */
    uintptr_t offset;                   /* what to add to a table's physical address to reach it */
    volatile paging_entry_t
        *scratch_entry; /* while this or another space is live: the entry of the scratch page, */
    volatile paging_entry_t *scratch;  /* and the page */
    struct paging_space *shared_owner; /* whose upper half this space borrows; NULL for none (share.h) */
    uint64_t sharers;                  /* spaces that borrow this one's */
    bool shares_upper_half;            /* the root's entries of the upper half are pinned */
    bool slot_busy;                    /* live, and its alternate slot leads to another space, */
    bool alternate_shares_half;        /* which shares the upper half */
    uint64_t full_flushes;             /* of the whole TLB, global pages included, so far */
    uint64_t flushes;                  /* pages flushed from the TLB so far, the scratch page's included */
    uint64_t tables; /* in use, the root and those of the scratch page included, what is borrowed not */
};

/*
 * Make an empty space with its recursive slot and scratch page, reached by offset. Takes one frame for the
 * root and one per level below it for the scratch page's tables (four in all with four levels).
 *
 *   PAGING_NOT_SUPPORTED   levels is not 4 or 5 (host geometries: 3 to 5), or physical_bits is out of range
 *   PAGING_NO_FRAMES
 */
PAGING_MUST_CHECK enum paging_status paging_create(struct paging_space *space, struct paging_cpu cpu,
                                                   uintptr_t offset, struct paging_frame_source *frames);

/*
 * Tell the core that CR3 now holds this root: from here on it uses the window and flushes what it changes.
 *
 * Before CR3 is loaded: EFER.NXE is set (if has_no_execute), CR4.PCIDE is off, no global translation of the
 * old tables is cached (CR4.PGE was switched off), and the space maps the code that runs, its stack, this
 * struct and the frame source. Nothing is flushed here: loading CR3 has done that. The struct may be copied
 * and moved, unless it lends its upper half (share.h), but only one copy may be used.
 */
void paging_mark_active(struct paging_space *space);

/*
 * Give back every table of a space that is not live, and every owned frame it maps; what it borrows stays the
 * lender's. Afterwards the struct is all zeroes. To destroy a space that was live, activate another one first
 * (share.h), or load another root and say with paging_mark_inactive how the tables can be reached from there.
 *
 *   PAGING_ACTIVE      the space is live
 *   PAGING_ATTACHED        it is open through the alternate slot of the live one
 *   PAGING_SLOT_BUSY  another one was left open through its own
 *   PAGING_SHARED      others borrow its upper half
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_destroy(struct paging_space *space,
                                                    struct paging_frame_source *frames);

/*
 * Tell the core that CR3 holds this root no more, and how its tables are reached from now on. Also for a
 * space that is out of reach, but not for one that is open, or has one open. Loading CR3 has spared global
 * pages: those of this space must be flushed by now.
 */
void paging_mark_inactive(struct paging_space *space, uintptr_t offset);

/* What to load into CR3. */
static inline paging_phys_t paging_root_address(const struct paging_space *space)
{
    return paging_frame_start(space->root);
}

#endif
