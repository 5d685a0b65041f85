/* SPDX-License-Identifier: MIT */
/*
 * own_blocks.h - the list of memory that is ours whatever the firmware's map says.
 *
 * The image, and every block that the loader takes with AllocatePages, are on it from the moment on in which
 * they are ours. What the map calls them is not believed: an image that was loaded as boot services code
 * would be handed out, and overwritten.
 */
#ifndef KERNEL_BOOT_OWN_BLOCKS_H
#define KERNEL_BOOT_OWN_BLOCKS_H

#include "boot/handoff.h"

/*
 * Adds the pages that `bytes` bytes from `start` on touch. The name is kept, not copied. is_taken: they go
 * back to the firmware if the loader does. Returns false if the list is full or the bytes run past 2^64.
 */
PAGING_MUST_CHECK bool own_blocks_add(struct handoff *handoff, const char *name, uint64_t start,
                                      uint64_t bytes, bool is_taken);

/* Returns the first block that shares a page with `bytes` bytes from `start` on, or NULL. */
const struct own_block *own_blocks_find(const struct handoff *handoff, uint64_t start, uint64_t bytes);

/*
 * Appends a descriptor MEMORY_OWN for each block to handoff->descriptors, which has room for OWN_BLOCK_LIMIT
 * more.
 */
void own_blocks_describe(struct handoff *handoff);

#endif
