/*
 * zone_table.h - the zones of a frame allocator, and the bookkeeping memory they lie in.
 *
 * Private to this room. The functions that add zones are in frames.h: frames_add_free, frames_add_taken,
 * frames_add_usable, frames_bookkeeping_bytes.
 */
#ifndef KERNEL_FRAMES_ZONE_TABLE_H
#define KERNEL_FRAMES_ZONE_TABLE_H

#include "frames/zone.h"

/* Begins without a zone. The bookkeeping memory may be unaligned and may hold anything. */
void zone_table_init(struct frames *frames, void *bookkeeping, uint64_t bytes);

/* Returns the zone that the frame is in, or NULL. A pointer holds until the next zone is added. */
struct frame_zone *zone_table_find(const struct frames *frames, uint64_t frame);

#endif
