/* SPDX-License-Identifier: MIT */
/*
 * memory_map.h - makes sorted, disjoint regions of whole frames from the firmware's memory map.
 *
 * Firmware gives its map unsorted, with overlaps, with empty and unaligned descriptors, and with ends beyond
 * what the processor can address (UEFI 2.10, 7.2, promises little, and firmware does not always keep it).
 * Everything else believes the map, so it is put in order once, in a sweep over the edges of all descriptors:
 *
 *   descriptors       conventional  |-----------------------|
 *                     runtime data           |------|
 *                     reserved                   |-----------------|
 *                     conventional                                     |----|
 *   edges, sorted                   ^        ^   ^  ^       ^      ^   ^    ^
 *   regions                         |--------|---|-----------------|   |----|
 *                                     conv.   rt       reserved         conv.
 *
 * Between two edges the most restrictive kind holds of the descriptors there (usable_memory.h has the order).
 * Neighbours that are alike are one region. Where descriptors of the same kind overlap, their attributes are
 * joined; and what runtime services need is joined over all descriptors, because frames that a more
 * restrictive kind takes away must stay mapped all the same:
 *
 *   descriptors       runtime code      |-----------------|
 *                     reserved, WB            |-----------------|
 *                     reserved, WC                  |-----------------|
 *   regions                             |-----|-----|-----|-----|-----|
 *   kind                                code   reserved ...
 *   attributes                                 WB    both  both  WC
 *   needs                               mapping, execution  none
 */
#ifndef KERNEL_FRAMES_MEMORY_MAP_H
#define KERNEL_FRAMES_MEMORY_MAP_H

#include "frames/usable_memory.h"

/* One descriptor as the firmware gave it, with our kind instead of its type. */
struct memory_descriptor {
    uint64_t start; /* in bytes */
    uint64_t page_count;
    uint64_t attributes;
    enum memory_kind kind;
};

/* Where a descriptor begins or ends: scratch memory of memory_map_normalise. */
struct memory_edge {
    uint64_t frame;
    uint32_t descriptor;
    uint32_t is_start;
};

#define MEMORY_EDGES(descriptors)   (2 * (size_t)(descriptors))
#define MEMORY_REGIONS(descriptors) (2 * (size_t)(descriptors)) /* always enough */

enum memory_map_status {
    MEMORY_MAP_OK,
    MEMORY_MAP_NO_SPACE,  /* the regions do not fit */
    MEMORY_MAP_BAD_WIDTH, /* physical_bits is not in 12..52 */
    MEMORY_MAP_TOO_MANY,  /* more descriptors than 2^31 */
    MEMORY_MAP_STATUS_COUNT
};

/* Returns the name as it stands above, without the prefix: "no space". Never NULL. */
const char *memory_map_status_name(enum memory_map_status status);

/*
 * Turns count descriptors into sorted, disjoint regions, as drawn above.
 *
 *   ends      Usable memory shrinks to the frames it covers completely; all other kinds grow to the frames
 *             they touch.
 *   beyond    Everything is clipped at 2^physical_bits bytes (MAXPHYADDR). A descriptor that runs past 2^64
 *             is clipped like the others if it restricts, and dropped if it is usable: its length is a lie.
 *   unknown   A kind that does not exist counts as MEMORY_RESERVED.
 *
 * edges is scratch memory for MEMORY_EDGES(count) elements; MEMORY_REGIONS(count) regions are always enough.
 * Takes O(count log count) steps, and 4 KiB of stack. With any status except MEMORY_MAP_OK *region_count is
 * untouched, and the regions hold nothing of use.
 */
PAGING_MUST_CHECK enum memory_map_status memory_map_normalise(const struct memory_descriptor *descriptors,
                                                              size_t count, unsigned physical_bits,
                                                              struct memory_edge *edges,
                                                              struct memory_region *regions, size_t capacity,
                                                              size_t *region_count);

#endif
