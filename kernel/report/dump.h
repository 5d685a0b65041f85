/* SPDX-License-Identifier: MIT */
/*
 * dump.h - prints what address spaces map, in lines that a program can compare with the tables (option
 * dump=).
 *
 *   # dump active root=1f801000 tables=57
 *   # maps 1000 a0000 4K 1000 8000000000000003
 *   # marker ffff800000004000 1 ee
 *   # dump second root=1f7c3000 tables=12
 *   ...
 *   # dump end lines=231
 *
 * All numbers except the counts are hexadecimal. A line "maps" is a run of neighbouring pages of one size
 * with the same flags, whose frames follow each other: start, end (not included), page size, physical
 * start, and the flags that paging_translate reports, except accessed and dirty, which the processor sets
 * at any time. "marker" is a non-present entry with a software value: the first address below it, its
 * level, its bits. Addresses are canonical; only the end of a run at the end of a half is not. Pages below
 * reserved root slots are left out. "lines" counts the lines that begin with maps or marker.
 * tools/pagetables makes a list of it.
 */
#ifndef KERNEL_REPORT_DUMP_H
#define KERNEL_REPORT_DUMP_H

#include <selfmap/space.h>

/*
 * Prints what the active space maps. With `mixed` it first maps a mixture (mixed_mappings.h), which must not
 * be done on a real processor, and also prints a second space, through the alternate slot. Ends the run if an
 * operation refuses what it must do.
 */
void dump_tables(struct paging_space *active, bool mixed, struct paging_frame_source *frames);

#endif
