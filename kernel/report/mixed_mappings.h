/* SPDX-License-Identifier: MIT */
/*
 * mixed_mappings.h - maps a mixture of everything that the core can map, for other programs to read (option
 * dump=varied).
 *
 * A fresh run maps little more than one to one, with few combinations of flags. The mixture has each
 * combination of flags in each page size, in full tables; single pages at the edges of both halves; ranges
 * that were split, merged and unmapped in parts; markers; owned pages; and a second space that shares the
 * upper half. Some frames do not exist. Nothing is ever accessed through these pages, so the machine must not
 * access memory speculatively: an emulator.
 */
#ifndef KERNEL_REPORT_MIXED_MAPPINGS_H
#define KERNEL_REPORT_MIXED_MAPPINGS_H

#include <selfmap/space.h>

/*
 * Maps the mixture in the active space, and creates, attaches and fills *second. It stays mapped, because the
 * run ends soon. Returns false if an operation refused what it must not refuse.
 */
bool mixed_mappings_make(struct paging_space *active, struct paging_space **second,
                         struct paging_frame_source *frames);

/* Detaches the second space, so that the alternate slot is empty again. */
bool mixed_mappings_close(struct paging_space *active, struct paging_space *second);

#endif
