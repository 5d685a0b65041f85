/* SPDX-License-Identifier: MIT */
/*
 * find_hole.h - find addresses that are not used.
 */
#ifndef SELFMAP_FIND_HOLE_H
#define SELFMAP_FIND_HOLE_H

#include <selfmap/space.h>

PAGING_BEGIN_C

/*
 * Stores the lowest address from `from` on at which `bytes` bytes are unused, as a multiple of `alignment`,
 * and end at or before `until`. Unused means that every entry is: a marker is used, and so is whatever lies
 * below a reserved root slot. What is found lies in one half; the search goes over both if `from` and `until`
 * are in different ones. An `until` of 0 is the end of the address space.
 *
 * `from`, `until` and `bytes` are multiples of PAGING_PAGE_BYTES, and `alignment` is a power of two that is
 * one, too. Costs one read of each entry in the tables from `from` up to what is found; P1s that are full are
 * passed over. Nothing is taken, written or flushed: the addresses are unused until somebody maps them.
 *
 *   PAGING_EMPTY_RANGE    `bytes` is zero, or `until` is not above `from`
 *   PAGING_MISALIGNED
 *   PAGING_NOT_CANONICAL  `from`, or the last byte before `until`, lies in the gap between the halves
 *   PAGING_UNREACHABLE
 *   PAGING_NO_HOLE        nothing is large enough
 * On each of them *start is untouched.
 */
PAGING_MUST_CHECK enum paging_status paging_find_hole(const struct paging_space *space, paging_virt_t from,
                                                      paging_virt_t until, uint64_t bytes, uint64_t alignment,
                                                      paging_virt_t *start);

PAGING_END_C

#endif
