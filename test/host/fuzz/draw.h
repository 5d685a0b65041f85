/*
 * draw.h - what random tests do next: pages, sizes, flags and frames, near the edges of things.
 *
 * All draws are made of bytes: those of a string, or without end those that a seed makes. The same bytes
 * with the same maps make the same draws.
 */
#ifndef HOST_FUZZ_DRAW_H
#define HOST_FUZZ_DRAW_H

#include "rig/rig.h"

struct draw_source {
    const uint8_t *bytes; /* NULL: of the seed */
    size_t left;
    uint64_t random;
};

struct draw_source draw_source_of_seed(uint64_t seed);
struct draw_source draw_source_of_bytes(const uint8_t *bytes, size_t count);
/* From now on draw from this one; answers the one before. */
struct draw_source draw_from(struct draw_source source);
bool draw_is_over(void); /* the string is used up: all draws are 0 */

uint64_t draw(uint64_t below);

/* Aligned to some size, because uniform draws never are; half of them where something is already. */
uint64_t draw_page(unsigned size);
unsigned draw_size(void);

/* For a leaf at the page; and for an operation that maps, which may be told to take what is the owner's. */
uint64_t draw_flags(uint64_t page);
uint64_t draw_map_flags(uint64_t page);

/* Frames that are not the source's: else a page of ours would lead to the core's tables, or to its pages. */
uint64_t not_the_sources(uint64_t frame, uint64_t frames);
uint64_t draw_frame(unsigned size);

/* An address a processor might load on its own: a page in use, or any table's window. */
uint64_t draw_speculation(void);

struct drawn_range {
    uint64_t page, pages, frame;
};

/*
 * Now and then a large one, and a start that is near what is there and half the time ragged. To map, it may
 * begin near an entry of the owner's; else mostly it begins or ends inside of something.
 */
struct drawn_range draw_range_to_map(void);
struct drawn_range draw_used_range(void);

/* Half the time a huge one, if there is one. There must be any. */
const struct model_leaf *draw_leaf(void);
/* A marker, or NULL. */
const struct model_leaf *draw_marker(void);

#endif
