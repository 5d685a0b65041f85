/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - a translation look-aside buffer that never evicts.
 *
 * The worst legal processor: a translation once loaded stays until it is flushed. One record per leaf, as
 * the manual speaks of it: flushing any address of a large page forgets the whole of it (SDM 3A, 4.10.4.1).
 */
#ifndef HOST_MACHINES_TLB_H
#define HOST_MACHINES_TLB_H

#include "machines/walker.h"

struct translation {
    uint64_t address; /* where the leaf's range begins */
    uint64_t frame;   /* its first frame */
    unsigned level;   /* of the leaf */
    bool writable, user, executable, global, dirty;
    bool hosted; /* the host process has pages mapped for it */
    bool live;
    unsigned next; /* in its bucket, or in the list of free records */
};

#define TLB_RECORDS 65536u
#define TLB_BUCKETS 16384u

struct tlb {
    unsigned used;         /* records ever used; those below it are live or free */
    unsigned free, larger; /* larger: live records of level 2 and 3 */
    unsigned buckets[TLB_BUCKETS];
    struct translation records[TLB_RECORDS + 1];                              /* [0] ends every list */
    void (*forgotten)(const struct translation *translation, uint64_t bytes); /* or NULL */
};

struct translation *tlb_find(struct tlb *tlb, const struct walker *walker, uint64_t address);

/* Load the outcome of a walk to the address. An older record of the same range gives way. */
struct translation *tlb_load(struct tlb *tlb, const struct walker *walker, uint64_t address,
                             const struct walk *walk);

void tlb_flush(struct tlb *tlb, const struct walker *walker, uint64_t address);
void tlb_forget_all(struct tlb *tlb, const struct walker *walker);
void tlb_forget_local(struct tlb *tlb, const struct walker *walker); /* all but global ones */

/* The first record that leads to one of these frames, or that a fresh walk contradicts; or NULL. */
const struct translation *tlb_leading_to(const struct tlb *tlb, const struct walker *walker, uint64_t frame,
                                         uint64_t count);
const struct translation *tlb_stale(const struct tlb *tlb, const struct walker *walker);

#endif
