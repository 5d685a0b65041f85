/*
 * identity.h - map a run of frames to the addresses they have.
 */
#ifndef KERNEL_IDENTITY_H
#define KERNEL_IDENTITY_H

#include "paging/frame_source.h"
#include "paging/space.h"

/*
 * Map [start, end) one to one, with the largest pages that alignment, length and the processor allow. A page
 * that already leads to its own address is left as it is: firmware regions may overlap. Stops at the first
 * page that cannot be mapped and answers why; what was mapped until then stays.
 */
MUST_CHECK enum paging_status identity_map_region(struct address_space *space, frame_t start, frame_t end,
                                                  uint64_t flags, struct frame_source *frames);

#endif
