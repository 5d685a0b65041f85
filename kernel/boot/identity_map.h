/*
 * identity_map.h - map a run of frames to the addresses they have.
 */
#ifndef KERNEL_BOOT_IDENTITY_MAP_H
#define KERNEL_BOOT_IDENTITY_MAP_H

#include <selfmap/frame_source.h>
#include <selfmap/space.h>

/*
 * Map [start, end), which is not empty, one to one with the largest pages possible. Pages that already lead
 * to their own address are left as they are: firmware regions may overlap. Then what lies between them is
 * mapped run by run, and if one cannot be, the answer says why, and those before it stay.
 */
PAGING_MUST_CHECK enum paging_status identity_map_region(struct paging_space *space, paging_frame_t start,
                                                         paging_frame_t end, uint64_t flags,
                                                         struct paging_frame_source *frames);

#endif
