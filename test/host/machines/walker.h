/* SPDX-License-Identifier: MIT */
/*
 * walker.h - the processor's page walk, emulated over made-up physical memory.
 *
 * Written from the manual (SDM 3A, chapter 4) and sharing nothing with the paging core, not even the names
 * of bits, so that the two can disagree. It knows present, PS, reserved bits, the AND of W and U, the OR of
 * XD, accessed and dirty, four and five levels, and the same toy geometries as the core. CR0.WP is on;
 * SMEP, SMAP and protection keys are off.
 *
 * With a walk_cache the walk behaves like a processor that forgets nothing it may remember: an entry
 * that points to a table is remembered, and used for every other address it covers, until the next flush
 * (4.10.3; any INVLPG empties these caches, 4.10.4.1).
 */
#ifndef HOST_MACHINES_WALKER_H
#define HOST_MACHINES_WALKER_H

#include <stdbool.h>
#include <stdint.h>

/* How memory is accessed, and why a fault came: the bits of the error code (SDM 3A, 4.7). */
#define WALK_PRESENT       0x01u /* fault only: the page was there, its rights or reserved bits were not */
#define WALK_WRITE         0x02u
#define WALK_USER          0x04u
#define WALK_RESERVED      0x08u /* fault only */
#define WALK_FETCH         0x10u
#define WALK_READ          0x00u
/* No page fault at all but a general protection fault: the address is not canonical. */
#define WALK_NOT_CANONICAL 0x100u

struct walker {
    unsigned levels, index_bits, physical_bits;
    bool no_execute; /* EFER.NXE: else bit 63 is reserved */
    bool pages_1g;   /* else PS in a P3 is reserved */
    uint64_t root;   /* frame number from CR3 */
    /* Where an entry is, those of a table in a row; NULL where there is no memory: it reads as all ones. */
    volatile uint64_t *(*entry)(uint64_t frame, unsigned index);
};

struct walk {
    bool faulted;
    unsigned error;             /* when faulted */
    unsigned level;             /* where the walk ended: the leaf's level, or that of the offending entry */
    uint64_t entry;             /* the last entry met */
    uint64_t paging_leaf_frame; /* first frame of the leaf */
    uint64_t frame;             /* frame of the page that contains the address */
    bool writable, user, executable, global, dirty;
};

/* Few, so that a search is short, or many, so that two rarely want the same place. */
#ifndef WALK_CACHE_BITS
#    define WALK_CACHE_BITS 10u
#endif
#define WALK_CACHE_ENTRIES (1u << WALK_CACHE_BITS)

struct walk_cache {
    uint64_t epoch; /* an entry of an older epoch is forgotten */
    unsigned count; /* of this epoch, and where they are */
    uint16_t places[WALK_CACHE_ENTRIES];
    struct walk_cached {
        uint64_t epoch, prefix, entry;
        unsigned level;
    } entries[WALK_CACHE_ENTRIES];
};

/*
 * Walk to the address for an access (WALK_WRITE, WALK_USER, WALK_FETCH or'ed). cache may be NULL: then only
 * memory counts. mark: set accessed and dirty bits as the processor would; without it nothing is written.
 */
struct walk walker_walk(const struct walker *walker, struct walk_cache *cache, uint64_t address,
                        unsigned access, bool mark);

void walk_cache_forget(struct walk_cache *cache);
/* Forgets only the entries on the way to the address, as INVLPG does with EFER.TCE (AMD APM 2, 5.5.3). */
void walk_cache_forget_way(struct walk_cache *cache, const struct walker *walker, uint64_t address);

/* Is there a remembered entry that points to this frame, or that is no longer what memory holds? */
bool walk_cache_leads_to(const struct walk_cache *cache, const struct walker *walker, uint64_t frame);
bool walk_cache_is_stale(const struct walk_cache *cache, const struct walker *walker);

/*
 * Visit every non-zero entry below a table of this level, parents first. address is where the entry's
 * translations begin. Tables are entered if the visitor answers true. Depth is bounded by the level, so the
 * recursive slot is visited like any other.
 */
typedef bool walk_visitor(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                          uint64_t entry);
void walker_visit(const struct walker *walker, walk_visitor *visitor, void *context);

/* Address facts, computed here a second time on purpose. */
uint64_t walker_canonical(const struct walker *walker, uint64_t address);
uint64_t walker_span(const struct walker *walker, unsigned level); /* bytes one entry of a level covers */

/* Would the processor raise a reserved-bit fault on this present entry? */
bool walker_is_reserved(const struct walker *walker, unsigned level, uint64_t entry);
bool walker_is_leaf(unsigned level, uint64_t entry);
uint64_t walker_entry_frame(const struct walker *walker, unsigned level, uint64_t entry);

#endif
