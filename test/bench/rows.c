/*
 * rows.c - the rows of the report, with their targets.
 *
 * A new row is an entry in this table, and a side_function in works.c or limits.c if none of those fits.
 */
#include "bench.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

/*
 * Reached by window, only the plain build has four levels, and only the folded one five: there the slots of
 * the root are so large that the plain window would need more address space than a process has.
 */
const struct world worlds[] = {
#ifndef BENCH_FOLD_BITS
    {"offset4", PAGING_BY_OFFSET, 4},
    {"window4", PAGING_BY_WINDOW, 4},
    {"offset5", PAGING_BY_OFFSET, 5},
#else
    {"window5", PAGING_BY_WINDOW, 5},
#endif
};
const unsigned world_count = sizeof(worlds) / sizeof(worlds[0]);

#define AT               (32 * TIB)
#define HIGHEST_64T      (4096 * TIB - 64 * TIB) /* up to 2^52 */
#define NO_2M            (4 * GIB + 4 * KIB) /* physical; no larger page fits if the virtual start is AT */
#define NO_1G            (4 * GIB + 2 * MIB)
#define ONE(big, little) .full = {big, 1}, .small = {little, 1}
#define SMALL_PAGES      .unit = "page", .leaf = PAGE_4K, .start = AT, .to = NO_2M
#define LARGE_PAGES      .unit = "page", .leaf = PAGE_1G
#define MAPS             .leaves_after = 1, .sides = {map_ranges, limit_map, NULL, vector_map}
#define UNMAPS           .setup = set_up_ranges, .sides = {unmap_ranges, limit_clear, NULL, vector_clear}
#define SPARSE           .full = {4 * KIB, 4096}, .small = {4 * KIB, 512}, .stride = 256 * MIB
#define FRAMES \
    .unit = "frame", .leaf = PAGE_4K, .once = true, .full = {4 * KIB, 100000}, .small = {4 * KIB, 10000}

const struct work works[] = {
    /* Targets. */
    {.name = "map-1g",
     .title = "map_range 1 GiB in 4K, fresh tables",
     SMALL_PAGES,
     ONE(GIB, 64 * MIB),
     MAPS,
     .most_percent = 85},
    {.name = "unmap-1g",
     .title = "unmap_range of it, frames not ours",
     SMALL_PAGES,
     ONE(GIB, 64 * MIB),
     UNMAPS,
     .most_percent = 10},
    {.name = "unmap-1g-owned",
     .title = "unmap_range of it, frames given back",
     SMALL_PAGES,
     ONE(GIB, 64 * MIB),
     .setup = set_up_owned,
     .sides = {unmap_ranges, limit_give_back},
     .most_percent = 130},
    {.name = "protect-1g",
     .title = "protect_range of it",
     SMALL_PAGES,
     ONE(GIB, 64 * MIB),
     .leaves_after = 1,
     .setup = set_up_ranges,
     .sides = {protect_ranges, limit_protect, NULL, vector_protect},
     .most_percent = 140},
    {.name = "identity-2m",
     .title = "identity_map_range 64 GiB in 2M",
     .unit = "page",
     .leaf = PAGE_2M,
     .identity = true,
     .without_1g = true,
     .start = 64 * GIB,
     ONE(64 * GIB, 64 * GIB),
     MAPS,
     .most_percent = 120},
    {.name = "identity-1g",
     .title = "identity_map_range 1 TiB in 1G, 32 of them",
     LARGE_PAGES,
     .identity = true,
     .start = AT,
     .full = {TIB, 32},
     .small = {TIB, 32},
     MAPS,
     .most_percent = 140},
    {.name = "map-to",
     .title = "map_to, page after page",
     SMALL_PAGES,
     ONE(GIB, 32 * MIB),
     .leaves_after = 1,
     .sides = {map_pages, map_pages, map_pages},
     .most_percent = 120,
     .most_instructions = 44},
    {.name = "map-to-random",
     .title = "map_to, random addresses",
     SMALL_PAGES,
     .random = true,
     .full = {4 * KIB, 100000},
     .small = {4 * KIB, 4000},
     .most_in_window = 20000,
     .leaves_after = 1,
     .setup = set_up_scattered,
     .sides = {map_scattered, limit_map_each, map_scattered},
     .most_percent = 115},
    {.name = "translate",
     .title = "translate, random in 1 GiB",
     SMALL_PAGES,
     ONE(GIB, 32 * MIB),
     .leaves_after = 1,
     .setup = set_up_translate,
     .sides = {translate_pages, translate_pages, translate_pages},
     .most_percent = 110,
     .most_instructions = 46},
    {.name = "unmap",
     .title = "unmap, page after page, tables given back",
     SMALL_PAGES,
     ONE(GIB, 32 * MIB),
     .setup = set_up_ranges,
     .sides = {unmap_pages, unmap_pages, unmap_pages},
     .most_percent = 125,
     .most_instructions = 46},
    {.name = "split-2m",
     .title = "split 2M, 512 of them",
     .unit = "split",
     .leaf = PAGE_2M,
     .start = AT,
     .to = NO_1G,
     ONE(GIB, 64 * MIB),
     .leaves_after = ENTRY_COUNT,
     .setup = set_up_ranges,
     .sides = {split_leaves, limit_fill},
     .most_percent = 135},
    {.name = "split-1g",
     .title = "split 1G, 512 of them",
     .unit = "split",
     .leaf = PAGE_1G,
     .start = AT,
     .to = 4 * GIB,
     ONE(512 * GIB, 32 * GIB),
     .leaves_after = ENTRY_COUNT,
     .setup = set_up_ranges,
     .sides = {split_leaves, limit_fill},
     .most_percent = 135},
    {.name = "frame-allocate",
     .title = "frames_allocate",
     FRAMES,
     .sides = {allocate_frames, NULL, touch_numbers},
     .most_instructions = 20},
    {.name = "frame-free",
     .title = "frames_free, with its double-free check",
     FRAMES,
     .setup = set_up_free,
     .sides = {free_frames, NULL, touch_numbers},
     .most_instructions = 20},

    /* Cost follows the pages, not the addresses: no targets, but the minimum of tables holds. */
    {.name = "map-1m",
     .title = "map_range 1 MiB, 64 of them",
     SMALL_PAGES,
     .stride = 2 * MIB,
     .full = {MIB, 64},
     .small = {MIB, 64},
     MAPS},
    {.name = "unmap-1m",
     .title = "unmap_range of them",
     SMALL_PAGES,
     .stride = 2 * MIB,
     .full = {MIB, 64},
     .small = {MIB, 64},
     UNMAPS},
    {.name = "map-1t-sparse", .title = "map_range 4 KiB each 256 MiB, over 1 TiB", SMALL_PAGES, SPARSE, MAPS},
    {.name = "unmap-1t-sparse",
     .title = "unmap_range of that 1 TiB, one call",
     SMALL_PAGES,
     SPARSE,
     .whole = true,
     UNMAPS},
    {.name = "map-64t",
     .title = "map_range 64 TiB in 1G",
     LARGE_PAGES,
     .start = AT,
     .to = 64 * TIB,
     ONE(64 * TIB, 64 * TIB),
     MAPS},
    {.name = "unmap-64t",
     .title = "unmap_range of it",
     LARGE_PAGES,
     .start = AT,
     .to = 64 * TIB,
     ONE(64 * TIB, 64 * TIB),
     UNMAPS},
    {.name = "map-52-bit",
     .title = "map_range to the last 64 TiB of 2^52",
     LARGE_PAGES,
     .start = AT,
     .to = HIGHEST_64T,
     ONE(64 * TIB, 64 * TIB),
     MAPS},
    {.name = "identity-52-bit",
     .title = "identity_map_range of the last 64 TiB of 2^52",
     LARGE_PAGES,
     .identity = true,
     .least_levels = 5,
     .start = HIGHEST_64T,
     ONE(64 * TIB, 64 * TIB),
     MAPS},
};
const unsigned work_count = sizeof(works) / sizeof(works[0]);
