/* SPDX-License-Identifier: MIT */
/*
 * bad_mappings.h - mappings that break the rules, for the audit to find (option crash=bad-mappings).
 */
#ifndef KERNEL_BOOT_BAD_MAPPINGS_H
#define KERNEL_BOOT_BAD_MAPPINGS_H

#include "frames/frames.h"
#include <selfmap/space.h>

/*
 * Maps, in the active space, a page or two for each kind of finding (audit/audit.h), and leaves them there:
 * page 0 of root slot 400 can be written and executed, 1 is a user page, 2 and 3 differ in their memory type,
 * 5 can be written and 4 not, 6 leads to the root, 7 to a free frame. Prints what it could not map.
 */
void bad_mappings_make(struct paging_space *active, struct frames *from);

#endif
