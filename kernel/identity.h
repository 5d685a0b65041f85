/*
 * identity.h - map a run of frames to the addresses they have.
 */
#ifndef KERNEL_IDENTITY_H
#define KERNEL_IDENTITY_H

#include "paging/frame_source.h"
#include "paging/space.h"

/*
 * Map [start, end), which is not empty, one to one with the largest pages possible. Pages that already lead
 * to their own address are left as they are: firmware regions may overlap. Then what lies between them is
 * mapped run by run, and if one cannot be, the answer says why, and those before it stay.
 */
MUST_CHECK enum paging_status identity_map_region(struct address_space *space, frame_t start, frame_t end,
                                                  uint64_t flags, struct frame_source *frames);

#endif
