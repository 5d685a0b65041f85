/*
 * dump.h - what address spaces map, in lines that a program can compare with the tables (option dump=).
 *
 *   # dump live root=1f801000 tables=57
 *   # maps 1000 a0000 4K 1000 8000000000000003
 *   # kept ffff800000004000 1 ee
 *   # dump other root=1f7c3000 tables=12
 *   ...
 *   # dump end lines=231
 *
 * All numbers are hexadecimal but for the counts. A line "maps" is a run of neighbouring pages of one size
 * with the same flags whose frames follow each other: start, end (not included), size, physical start, and
 * flags as paging_translate reports them, but for accessed and dirty, which the processor sets at any time.
 * "kept" is an entry of the owner's: the first address below it, level, bits. Addresses are canonical, but
 * for the end of a run that ends where a half does. What lies below the slots that the core keeps is left
 * out. "lines" counts those that begin with maps or kept. tools/pagetables shows this to people.
 */
#ifndef KERNEL_REPORT_DUMP_H
#define KERNEL_REPORT_DUMP_H

#include "boot/handoff.h"
#include "frames/frames.h"

/*
 * If the options ask for it, print what the live space maps. With dump=varied, under QEMU, first map a bit of
 * everything (mixed_mappings.h), and print a second space too, as its foreign window shows it. If an operation refuses
 * what it must do, the run fails.
 */
void dump_tables(struct handoff *handoff, struct frames *frames);

#endif
