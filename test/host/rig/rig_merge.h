/* SPDX-License-Identifier: MIT */
/*
 * rig_merge.h - merging with accessed and dirty bits judged exactly, and pages to merge.
 */
#ifndef HOST_RIG_RIG_MERGE_H
#define HOST_RIG_RIG_MERGE_H

#include "rig/entries.h"
#include "rig/rig_internal.h"
#include "rig/runs.h"

#define DEVICE_2M (FRAME_2M * PAGING_PAGE_BYTES)

/* Accessed and dirty bits are exactly those of the map. */
static inline void rig_check_touched(void)
{
    for (unsigned i = 0; i < rig.model.count; i++) {
        const struct model_leaf *leaf = &rig.model.leaves[i];
        if (!leaf->marker)
            assert_int_equal(*entry_at(rig_address(leaf->page), leaf->size) & TOUCHED, leaf->flags & TOUCHED);
    }
}

static inline enum paging_status rig_merge(uint64_t start, uint64_t bytes)
{
    rig_note_touched(0, UINT64_MAX);
    enum paging_status status = rig_merge_range(start, bytes);
    rig_check_touched();
    return status;
}

/* Maps 2 MiB in two halves, so that all pages are small. */
static inline void map_small(uint64_t start, uint64_t to, uint64_t flags)
{
    assert_status(rig_map_range(start, to, MIB, flags), PAGING_OK);
    assert_status(rig_map_range(start + MIB, to + MIB, MIB, flags), PAGING_OK);
}

static inline void map_2m_pages(uint64_t start, uint64_t to)
{
    assert_status(rig_map_range(start, to, GIB / 2, PAGING_WRITABLE), PAGING_OK);
    assert_status(rig_map_range(start + GIB / 2, to + GIB / 2, GIB / 2, PAGING_WRITABLE), PAGING_OK);
}

/* With everything in the TLB that can be cached. */
static inline void merge(uint64_t start, uint64_t bytes)
{
    machine_fill_tlb();
    assert_status(rig_merge(start, bytes), PAGING_OK);
}

#endif
