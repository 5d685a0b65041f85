/*
 * mixed_mappings.h - map a bit of everything, for somebody else to read (option dump=varied).
 *
 * What a fresh run maps is dull: identity mapping, few flags. Here is each combination of flags in each page
 * size, in full tables; single pages at the edges; ranges that were cut, merged and pierced; entries of the
 * owner's; owned pages; and a second space that shares the upper half. Frames are named that do not exist,
 * and nothing is ever accessed through these pages: this is for machines without speculation, emulated ones.
 */
#ifndef KERNEL_REPORT_MIXED_MAPPINGS_H
#define KERNEL_REPORT_MIXED_MAPPINGS_H

#include <selfmap/share.h>
#include <selfmap/switch.h>

/*
 * Do all that in the live space, and make and open another one. It stays so: the run is at its end. False if
 * an operation refused what it must not refuse.
 */
bool mixed_mappings_make(struct paging_space *live, struct paging_space **other,
                         struct paging_frame_source *frames);

/* Close the other one, so that nothing is left in the alternate slot. */
bool mixed_mappings_close(struct paging_space *live, struct paging_space *other);

#endif
