/* SPDX-License-Identifier: MIT */
/*
 * space.h - an address space: a root table, and the way in which its tables are reached.
 *
 * The root owns all tables below it. A space lives in one of two ways, from its creation on:
 *
 *   through the recursive slot (paging_create). While it is active its tables appear as pages (window.h), so
 *     physical memory need not be mapped. Three slots of the root are reserved (config.h). Another space is
 *     edited while it is attached to the active one (switch.h).
 *   through a direct map (paging_create_direct). Its tables are reached at their physical addresses plus an
 *     offset, active or not, so the active space maps all frames of tables there, writable. No slot of the
 *     root is reserved, and other spaces are edited without attaching them, and without a flush.
 *
 * How the core reaches a table is the only thing that differs between the access modes:
 *
 *   PAGING_MODE_DIRECT         The space is not active. A table is reached at its physical address plus the
 *                              offset: 0 where memory is mapped one to one, as by firmware; the start of a
 *                              direct map; in a process, the address of the memory that stands for physical
 *                              memory. Nothing is flushed.
 *   PAGING_MODE_DIRECT_ACTIVE  The space is active: CR3 holds its root. Its tables are reached in the same
 *                              way, and what changes is flushed.
 *   PAGING_MODE_RECURSIVE      The space is active, and its tables are reached through the recursive slot.
 *                              New tables are filled through the scratch page.
 *   PAGING_MODE_ALTERNATE      Another space is active, and this one is attached to it.
 *   PAGING_MODE_UNREACHABLE    Another space is active, and nothing leads to these tables. The space can be
 *                              attached, switched to, or destroyed.
 *
 *     paging_create            paging_mark_active              paging_switch_to
 *    ---------------> DIRECT ---------------------> RECURSIVE <-----------------> UNREACHABLE
 *                       ^     paging_mark_inactive      |                           ^    |
 *                       +-------------------------------+             paging_detach |    | paging_attach
 *                                                                                   |    v
 *                                                                                  ALTERNATE
 *
 *     paging_create_direct     paging_mark_active, paging_switch_to
 *    ---------------> DIRECT <--------------------------------------> DIRECT_ACTIVE
 *                              paging_mark_inactive, paging_switch_to
 */
#ifndef SELFMAP_SPACE_H
#define SELFMAP_SPACE_H

#include <selfmap/access.h>
#include <selfmap/frame_source.h>

PAGING_BEGIN_C

/* What the processor offers. The caller asks CPUID; the core believes what it is told here. */
struct paging_cpu {
    unsigned levels;        /* 4, or 5 with CR4.LA57 */
    unsigned physical_bits; /* MAXPHYADDR, CPUID 80000008h EAX[7:0]; at most 52 */
    bool has_no_execute;    /* CPUID 80000001h EDX[20]; EFER.NXE is set when the tables are loaded */
    bool has_1g_pages;      /* CPUID 80000001h EDX[26] */
    bool has_invpcid;       /* CPUID 7.0 EBX[10]: one instruction flushes all, global pages included */
};

enum paging_mode {
    PAGING_MODE_DIRECT,
    PAGING_MODE_DIRECT_ACTIVE,
    PAGING_MODE_RECURSIVE,
    PAGING_MODE_ALTERNATE,
    PAGING_MODE_UNREACHABLE
};

/*
 * The combinations of access mode and levels for which the operations on single pages have a fast path,
 * compiled with both as constants.
 */
enum paging_fast_path {
    PAGING_FAST_RECURSIVE_4,
    PAGING_FAST_RECURSIVE_5,
    PAGING_FAST_DIRECT_4,
    PAGING_FAST_DIRECT_5,
    PAGING_FAST_PATHS
};

struct paging_gather;

/*
 * What an operation counts in a space. Each processor counts for itself, in a cache line of its own if there
 * are several (PAGING_PROCESSORS, config.h), so that none waits for another. Only the sums mean something:
 * the processor that gives a table back need not be the one that took it.
 */
struct paging_counters {
    uint64_t tables;  /* in use, with the root and the scratch page's, without those another space owns */
    uint64_t flushes; /* of single pages so far, the scratch page's included */
    uint64_t full_flushes; /* of the whole TLB, global pages included, so far */
} PAGING_COUNTERS_ALIGNED;

/* All of it is the core's to write. */
struct paging_space {
    struct paging_cpu cpu;
    paging_frame_t root;
    enum paging_mode mode;
    uint64_t fast_pages[PAGING_FAST_PATHS]; /* pages below this number may take that fast path; 0 for none */
    uint64_t frame_limit;                   /* frames the processor can address */
    uint64_t reserved_bits; /* of any present entry, on this processor: beyond MAXPHYADDR, missing features */
    uint64_t huge_reserved[PAGING_MAX_LEVELS + 1]; /* the same for a huge leaf, by level */
    uint64_t leaf_check;  /* bits in which the entry of a 4 KiB page must equal PAGING_PRESENT */
    uint64_t table_check; /* bits in which an entry that points to a table must equal what the core makes */
    uint64_t refused_flags[2]; /* that no leaf of the lower, and of the upper half may have */
    uint64_t
        windows[PAGING_MAX_LEVELS + 1]; /* by level: where the window of all tables of that level begins */
    uintptr_t offset;                   /* from a table's physical address to where it is reached */
    volatile paging_entry_t *scratch_entry; /* the P1 entry of the scratch page of the active space */
    volatile paging_entry_t *scratch;       /* and the page itself */
    struct paging_space *shared_owner;      /* whose upper half this space shares; NULL for none (share.h) */
    uint64_t sharers;                       /* how many other spaces share this one's upper half */
    bool by_direct_map;                     /* it lives so for ever: no root slot is reserved */
    bool owns_shared_half;                  /* it is the owner: its root's upper entries never change */
    struct paging_gather *gather;           /* that has not ended; NULL for none (gather.h) */
    bool slot_busy;                         /* active, and another space is attached to it, */
    bool alternate_shares_half;             /* which shares the upper half */
    struct paging_counters counters[PAGING_PROCESSORS];
};

/*
 * Returns what all processors have counted in the space. While one of them changes it, the numbers may be of
 * a moment before, each by itself.
 */
static inline struct paging_counters paging_counted(const struct paging_space *space)
{
    struct paging_counters sum = space->counters[0];
    for (unsigned i = 1; i < PAGING_PROCESSORS; i++) {
        sum.tables += space->counters[i].tables;
        sum.flushes += space->counters[i].flushes;
        sum.full_flushes += space->counters[i].full_flushes;
    }
    return sum;
}

/*
 * Makes an empty space with its recursive slot and scratch page, in direct-map mode. Takes one frame for the
 * root and one per level below it for the scratch page's tables: four in all with four levels.
 *
 *   PAGING_NOT_SUPPORTED   cpu.levels is not 4 or 5 (3 to 5 in other geometries; PAGING_ONLY_LEVELS, if that
 *                          is set), or physical_bits is not above 12 and at most 52
 *   PAGING_NO_FRAMES, PAGING_BROKEN_SOURCE
 */
PAGING_MUST_CHECK enum paging_status paging_create(struct paging_space *space, struct paging_cpu cpu,
                                                   uintptr_t offset, struct paging_frame_source *frames);

/*
 * Makes an empty space that lives through a direct map, in direct-map mode. Takes one frame, for the root.
 * The statuses are those of paging_create; PAGING_NOT_SUPPORTED also in a core built with
 * PAGING_ONLY_RECURSIVE (config.h).
 */
PAGING_MUST_CHECK enum paging_status paging_create_direct(struct paging_space *space, struct paging_cpu cpu,
                                                          uintptr_t offset,
                                                          struct paging_frame_source *frames);

/*
 * Tells the core that CR3 now holds this root. From now on it flushes what it changes, and unless the space
 * lives through a direct map, it reaches the tables recursively.
 *
 * Before CR3 is loaded: EFER.NXE is set (if has_no_execute), CR4.PCIDE is off, EFER.TCE of AMD's is off (if
 * the space lives recursively), no global translation of the old tables is cached (CR4.PGE was switched off),
 * and the space maps the code that runs, its stack, this struct, the frame source, and the GDT, IDT and TSS
 * in use. One that lives through a direct map also maps, writable, every frame that is or becomes a table, of
 * its own or of another space that is edited, at its address plus the offset. Nothing is flushed here:
 * loading CR3 has done that (SDM 3A, 4.10.4.1). The struct may be moved, unless it owns a shared upper half
 * (share.h), but only one copy may be used.
 */
void paging_mark_active(struct paging_space *space);

/*
 * Tells the core that CR3 does not hold this root any more, and at which offset its tables are reached from
 * now on. Also for an unreachable space, but not for one that is attached or has another one attached.
 * It may also be called before the space has ever been active, to give it another offset: one that is built
 * where memory is mapped one to one, and will live through a direct map elsewhere, needs the new one right
 * before CR3 is loaded. Loading CR3 has spared global pages: those of this space must have been flushed by
 * now.
 */
void paging_mark_inactive(struct paging_space *space, uintptr_t offset);

/*
 * Gives back every table of a space that is not active, and every owned frame that it maps; what it shares
 * stays with the owner. Afterwards the struct is all zeroes. To destroy the active space, switch to another
 * one first, or load another root and call paging_mark_inactive. An unreachable space is taken apart through
 * the active one's scratch page; if that one lives through a direct map it has none, and paging_mark_inactive
 * must be called for the unreachable space before.
 *
 *   PAGING_ACTIVE      the space is active
 *   PAGING_ATTACHED    it is attached to the active space
 *   PAGING_SLOT_BUSY   another space is still attached to it
 *   PAGING_SHARED      others share its upper half
 *   PAGING_BUSY        it has a gather that has not ended (gather.h)
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum paging_status paging_destroy(struct paging_space *space,
                                                    struct paging_frame_source *frames);

/* Returns what to load into CR3. */
static inline paging_phys_t paging_root_address(const struct paging_space *space)
{
    return paging_frame_start(space->root);
}

PAGING_END_C

#endif
