/* SPDX-License-Identifier: MIT */
#include "machines/tlb.h"
#include <stddef.h>

static unsigned *bucket_of(struct tlb *tlb, unsigned level, uint64_t start)
{
    return &tlb->buckets[((start + level) * 0x9e3779b97f4a7c15ull) >> 50];
}

static uint64_t range_start(const struct walker *walker, unsigned level, uint64_t address)
{
    return address & ~(walker_span(walker, level) - 1);
}

/* The link that holds the record's number, so that the record can be taken out. */
static unsigned *find_link(struct tlb *tlb, const struct walker *walker, unsigned level, uint64_t address)
{
    uint64_t start = range_start(walker, level, address);
    unsigned *link = bucket_of(tlb, level, start);
    while (*link != 0) {
        struct translation *record = &tlb->records[*link];
        if (record->level == level && record->address == start)
            return link;
        link = &record->next;
    }
    return NULL;
}

static unsigned highest_level(const struct tlb *tlb)
{
    return tlb->larger > 0 ? 3 : 1;
}

struct translation *tlb_find(struct tlb *tlb, const struct walker *walker, uint64_t address)
{
    for (unsigned level = 1; level <= highest_level(tlb); level++) {
        unsigned *link = find_link(tlb, walker, level, address);
        if (link)
            return &tlb->records[*link];
    }
    return NULL;
}

static void forget(struct tlb *tlb, const struct walker *walker, unsigned *link)
{
    unsigned number = *link;
    struct translation *record = &tlb->records[number];
    if (tlb->forgotten && record->hosted)
        tlb->forgotten(record, walker_span(walker, record->level));
    *link = record->next;
    tlb->larger -= record->level > 1;
    record->live = false;
    record->next = tlb->free;
    tlb->free = number;
}

void tlb_flush(struct tlb *tlb, const struct walker *walker, uint64_t address)
{
    for (unsigned level = highest_level(tlb); level >= 1; level--) {
        unsigned *link = find_link(tlb, walker, level, address);
        if (link)
            forget(tlb, walker, link);
    }
}

void tlb_forget_all(struct tlb *tlb, const struct walker *walker)
{
    for (unsigned i = 1; i <= tlb->used; i++) {
        const struct translation *record = &tlb->records[i];
        if (!record->live)
            continue;
        *bucket_of(tlb, record->level, record->address) = 0;
        if (tlb->forgotten && record->hosted)
            tlb->forgotten(record, walker_span(walker, record->level));
    }
    tlb->used = tlb->free = tlb->larger = 0;
}

void tlb_forget_local(struct tlb *tlb, const struct walker *walker)
{
    for (unsigned i = 1; i <= tlb->used; i++) {
        const struct translation *record = &tlb->records[i];
        if (record->live && !record->global)
            forget(tlb, walker, find_link(tlb, walker, record->level, record->address));
    }
}

static unsigned take_record(struct tlb *tlb)
{
    if (tlb->free == 0) {
        if (tlb->used == TLB_RECORDS)
            __builtin_trap(); /* a test filled more than any test should */
        return ++tlb->used;
    }
    unsigned number = tlb->free;
    tlb->free = tlb->records[number].next;
    return number;
}

struct translation *tlb_load(struct tlb *tlb, const struct walker *walker, uint64_t address,
                             const struct walk *walk)
{
    unsigned *old = find_link(tlb, walker, walk->level, address);
    if (old)
        forget(tlb, walker, old);
    unsigned number = take_record(tlb);
    uint64_t start = range_start(walker, walk->level, address);
    unsigned *bucket = bucket_of(tlb, walk->level, start);
    struct translation *record = &tlb->records[number];
    *record = (struct translation){.address = start,
                                   .frame = walk->paging_leaf_frame,
                                   .level = walk->level,
                                   .writable = walk->writable,
                                   .user = walk->user,
                                   .executable = walk->executable,
                                   .global = walk->global,
                                   .dirty = walk->dirty,
                                   .live = true,
                                   .next = *bucket};
    *bucket = number;
    tlb->larger += walk->level > 1;
    return record;
}

const struct translation *tlb_leading_to(const struct tlb *tlb, const struct walker *walker, uint64_t frame,
                                         uint64_t count)
{
    for (unsigned i = 1; i <= tlb->used; i++) {
        const struct translation *record = &tlb->records[i];
        uint64_t frames = walker_span(walker, record->live ? record->level : 1) / walker_span(walker, 1);
        if (record->live && record->frame < frame + count && frame < record->frame + frames)
            return record;
    }
    return NULL;
}

static bool is_stale(const struct translation *record, const struct walker *walker)
{
    struct walk walk = walker_walk(walker, NULL, record->address, WALK_READ, false);
    return walk.faulted || walk.level != record->level || walk.paging_leaf_frame != record->frame ||
           walk.writable != record->writable || walk.user != record->user ||
           walk.executable != record->executable || walk.global != record->global ||
           (record->dirty && !walk.dirty);
}

const struct translation *tlb_stale(const struct tlb *tlb, const struct walker *walker)
{
    for (unsigned i = 1; i <= tlb->used; i++)
        if (tlb->records[i].live && is_stale(&tlb->records[i], walker))
            return &tlb->records[i];
    return NULL;
}
