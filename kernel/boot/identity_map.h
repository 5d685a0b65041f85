/* SPDX-License-Identifier: MIT */
/*
 * identity_map.h - maps a run of frames to their own addresses.
 */
#ifndef KERNEL_BOOT_IDENTITY_MAP_H
#define KERNEL_BOOT_IDENTITY_MAP_H

#include <selfmap/frame_source.h>
#include <selfmap/space.h>

/*
 * Maps the frames start to end, end not included, to their own addresses, with the largest pages possible.
 * The run is not empty. Pages that lead to their own address already stay as they are, because firmware
 * regions may overlap; then what lies between them is mapped run by run. If one of these runs cannot be
 * mapped, its status is returned, and the runs before it stay.
 */
PAGING_MUST_CHECK enum paging_status identity_map_region(struct paging_space *space, paging_frame_t start,
                                                         paging_frame_t end, uint64_t flags,
                                                         struct paging_frame_source *frames);

#endif
