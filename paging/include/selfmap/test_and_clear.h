/* SPDX-License-Identifier: MIT */
/*
 * test_and_clear.h - which pages were accessed or written since the last time.
 */
#ifndef SELFMAP_TEST_AND_CLEAR_H
#define SELFMAP_TEST_AND_CLEAR_H

#include <selfmap/for_each.h>

PAGING_BEGIN_C

/*
 * Clears the bits in `which`, PAGING_ACCESSED or PAGING_DIRTY or both, in every leaf of a range (range.h),
 * and calls back for each leaf that had any of them, in the order of the addresses: kind PAGING_KIND_LEAF,
 * `first` and `pages` as for paging_for_each_in, `entry` as it was before, `flags` those of `which` that it
 * had. Passes over holes and markers. `callback` may be NULL. If it returns PAGING_VISIT_STOP nothing more is
 * cleared; otherwise what it returns means nothing. It must not change the space.
 *
 * A huge page that lies in the range in part is shown, but not cleared: its bits are those of all its bytes.
 *
 * Flushes once, at the end: each page by itself if they are few, everything if they are many. Until this has
 * returned the processor may write to a page without marking it as dirty again (SDM 3A, 4.8): copy a page
 * that was dirty afterwards, not in the callback. If no leaf has any of the bits, nothing is written or
 * flushed. Takes no frames.
 *
 *   PAGING_EMPTY_RANGE, PAGING_MISALIGNED, PAGING_NOT_CANONICAL, PAGING_RANGE_TOO_LONG, PAGING_UNREACHABLE,
 *   PAGING_SHARED, PAGING_RESERVED_SLOT   as in range.h
 *   PAGING_BAD_FLAGS   `which` is 0, or has other bits
 *   PAGING_MALFORMED   an entry above the P1s has a reserved bit set
 * On each of them nothing has changed, and nothing was shown.
 */
PAGING_MUST_CHECK enum paging_status paging_test_and_clear(struct paging_space *space, paging_virt_t start,
                                                           uint64_t bytes, uint64_t which,
                                                           paging_entry_callback callback, void *context);

PAGING_END_C

#endif
