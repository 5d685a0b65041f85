/* SPDX-License-Identifier: MIT */
/*
 * frame_sharing.h - a frame source that counts the owners of frames, in front of one that does not.
 *
 * Put it between the paging core and the source of an allocator, as &frames.source (frames.h), and spaces can
 * be cloned (clone.h). What the core takes and releases is passed on, except that a frame which several pages
 * own goes back when the last of them has released it.
 *
 *     core ---> struct frames_sharing ---> struct frames
 *                 owners of each frame       free memory
 *
 * It has a number of 16 bits for each frame of a run of memory: 2 bytes, the 2048th part of that memory.
 * Frames outside the run are passed on, and cannot be shared.
 *
 *   0        the frame was never shared: it is a part of whatever run was handed out
 *   1 to n   it is counted by itself, and has that many owners: the source behind has it as a single frame
 *
 * When a run of 2 MiB or 1 GiB is shared first, it is split in the source behind, and comes back frame by
 * frame. Sharing and releasing it takes time in proportion to its frames. Everything else takes constant
 * time, and for frames that were never shared costs an indirect call and a look at the number.
 */
#ifndef SELFMAP_FRAME_SHARING_H
#define SELFMAP_FRAME_SHARING_H

#include <selfmap/frame_source.h>

PAGING_BEGIN_C

#define FRAMES_MOST_OWNERS UINT16_MAX /* of one frame: further ones are refused */

/* Must not be moved once initialised. Everything except the first two is private. */
struct frames_sharing {
    struct paging_frame_source source; /* hand &sharing->source to the paging core */
    bool is_reserved; /* an operation holds a reservation: a fault handler begins none. When it is false, an
                         operation may be in progress that reserves nothing, or has ended its reservation */
    struct paging_frame_source *behind;
    uint16_t *owners; /* the first one is that of the frame `start` */
    paging_frame_t start, end;
};

/* Returns the memory, in bytes, that the numbers for the frames from start to end, end not included, take. */
static inline uint64_t frames_sharing_bytes(paging_frame_t start, paging_frame_t end)
{
    return (end.number - start.number) * sizeof(uint16_t);
}

/*
 * Begins without any shared frame, in front of the source `behind`. Of the frames from start to end, end not
 * included, the numbers are kept in `owners`, which has room for frames_sharing_bytes, may hold anything at
 * first, and must stay; it takes time in proportion to it. From now on whoever takes frames from the source
 * behind, for pages that the core is to own, may still do so, but what the core has must be released here.
 */
void frames_sharing_init(struct frames_sharing *sharing, struct paging_frame_source *behind, uint16_t *owners,
                         paging_frame_t start, paging_frame_t end);

PAGING_END_C

#endif
