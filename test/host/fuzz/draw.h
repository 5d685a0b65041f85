/* SPDX-License-Identifier: MIT */
/*
 * draw.h - pages, sizes, flags and frames for random tests, near the boundaries of things.
 *
 * All draws are made of bytes: those of a string, or an endless sequence made from a seed. The same bytes
 * with the same maps make the same draws.
 */
#ifndef HOST_FUZZ_DRAW_H
#define HOST_FUZZ_DRAW_H

#include "rig/rig.h"

struct draw_source {
    const uint8_t *bytes; /* NULL: made from the seed */
    size_t left;
    uint64_t random;
};

struct draw_source draw_source_of_seed(uint64_t seed);
struct draw_source draw_source_of_bytes(const uint8_t *bytes, size_t count);
/* Draws from this source from here on. Returns the one before. */
struct draw_source draw_from(struct draw_source source);
bool draw_is_over(void); /* the string is used up, and all draws are 0 */

uint64_t draw(uint64_t below);

/* Returns a page aligned to the size. Half of them are near a page that is mapped. */
uint64_t draw_page(unsigned size);
unsigned draw_size(void);

/* Returns flags for a leaf at the page; for an operation that maps, perhaps with PAGING_REPLACE_MARKER. */
uint64_t draw_flags(uint64_t page);
uint64_t draw_map_flags(uint64_t page);

/*
 * Returns frames that are not the source's, these or others: a page that leads to a frame of the source would
 * give access to the core's tables, or to its pages.
 */
uint64_t not_the_sources(uint64_t frame, uint64_t frames);
uint64_t draw_frame(unsigned size);

/* Returns an address that a processor might load on its own: a page in use, or any table's window. */
uint64_t draw_speculation(void);

struct drawn_range {
    uint64_t page, pages, frame;
};

/*
 * Returns a range, now and then a large one, that starts near what is mapped and half the time with ragged
 * ends. To map, it may begin near a marker. Otherwise it mostly begins or ends inside of a leaf.
 */
struct drawn_range draw_range_to_map(void);
struct drawn_range draw_used_range(void);

/* Returns a leaf, half the time a huge one if there is one. The map must not be empty. */
const struct model_leaf *draw_leaf(void);
/* Returns a marker, or NULL. */
const struct model_leaf *draw_marker(void);

#endif
