/* SPDX-License-Identifier: MIT */
/*
 * work_pages.h - pages through which frames are filled before anybody sees them.
 *
 *     work             + 2 MiB          + 4 MiB
 *     | to | from | marker ...  | to, 2 MiB      | from, 2 MiB    |
 *
 * Nothing is mapped there except while a frame is filled. The marker keeps the P1, and with it all tables
 * above, so that mapping a work page takes no frame.
 */
#ifndef KERNEL_FAULTS_WORK_PAGES_H
#define KERNEL_FAULTS_WORK_PAGES_H

#include "faults/areas.h"

/* Take and give back the tables of the work pages. Statuses as for areas_init and areas_end. */
PAGING_MUST_CHECK enum paging_status work_pages_open(struct areas *areas);
PAGING_MUST_CHECK enum paging_status work_pages_close(struct areas *areas);

/* Fills a frame of 4 KiB with zeroes. Statuses as for paging_map_to; then it may hold anything. */
PAGING_MUST_CHECK enum paging_status work_pages_clear(struct areas *areas, paging_frame_t frame);

/* Copies a run of this size, PAGING_4K or PAGING_2M. Statuses as above. */
PAGING_MUST_CHECK enum paging_status work_pages_copy(struct areas *areas, enum paging_size size,
                                                     paging_frame_t to, paging_frame_t from);

#endif
