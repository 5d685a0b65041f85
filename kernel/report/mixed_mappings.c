/* mixed_mappings.c - a bit of everything. */
#include "report/mixed_mappings.h"
#include <selfmap/map.h>
#include <selfmap/range.h>

/* Slots of the root that nothing else uses. */
enum { RANDOM_SLOT = 100, EDGE_SLOT = PAGING_TABLE_ENTRIES / 2 - 1, FLAGS_SLOT = 400 };
enum { RANDOM_STEPS = 600, RANDOM_GIB = 4 };

struct mixed_mappings {
    struct paging_space *space;
    struct paging_frame_source *frames;
    uint64_t random;
};

static paging_page_t slot_page(const struct mixed_mappings *v, unsigned slot, uint64_t n)
{
    return (paging_page_t){slot * paging_level_pages(v->space->cpu.levels) + n};
}

/* Combination number n of the flags a leaf of the upper half may have, accessed and dirty among them. */
static uint64_t combination(const struct mixed_mappings *v, unsigned n)
{
    static const uint64_t flags[] = {PAGING_WRITABLE, PAGING_USER,     PAGING_WRITE_THROUGH,
                                     PAGING_NO_CACHE, PAGING_GLOBAL,   PAGING_NO_EXECUTE,
                                     PAGING_SYSTEM_9, PAGING_ACCESSED, PAGING_SYSTEM_11 | PAGING_DIRTY};
    uint64_t chosen = 0;
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        chosen |= n >> i & 1 ? flags[i] : 0;
    return chosen & (v->space->cpu.has_no_execute ? ~0ull : ~PAGING_NO_EXECUTE);
}

/* A full table of leaves of this size, each with another combination, up to the processor's last frame. */
static bool every_combination(struct mixed_mappings *v, enum paging_size size)
{
    uint64_t span = paging_level_pages(size);
    paging_page_t first = slot_page(v, FLAGS_SLOT + size, 0);
    for (unsigned n = 0; n < PAGING_TABLE_ENTRIES; n++) {
        paging_page_t page = {first.number + n * span};
        paging_frame_t frame = {v->space->frame_limit - (PAGING_TABLE_ENTRIES - n) * span};
        if (paging_map_sized(v->space, page, frame, size, combination(v, n), v->frames) != PAGING_OK)
            return false;
    }
    return true;
}

/* The last page of the lower half, the first of the upper one, the last before the slots the core keeps. */
static bool edges(struct mixed_mappings *v)
{
    uint64_t span = paging_level_pages(v->space->cpu.levels);
    const paging_page_t pages[] = {slot_page(v, EDGE_SLOT, span - 1), slot_page(v, EDGE_SLOT + 1, 0),
                                   slot_page(v, PAGING_SCRATCH_SLOT - 1, span - 1)};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (paging_map_to(v->space, pages[i], (paging_frame_t){i}, PAGING_WRITABLE, v->frames) != PAGING_OK)
            return false;
    return true;
}

static uint64_t random_below(struct mixed_mappings *v, uint64_t limit)
{
    v->random ^= v->random << 13;
    v->random ^= v->random >> 7;
    v->random ^= v->random << 17;
    return v->random % limit;
}

/* A place and a length that are as often aligned to 2 MiB or 1 GiB as not; at random none ever were. */
static uint64_t random_pages(struct mixed_mappings *v)
{
    uint64_t unit = paging_level_pages(1 + (unsigned)random_below(v, 3));
    return random_below(v, RANDOM_GIB * paging_level_pages(PAGING_1G) / unit) * unit;
}

/* One operation at random. Refused are many of them: a page that is mapped already, a range that is too long. */
static enum paging_status random_step(struct mixed_mappings *v)
{
    struct paging_unmapped gone;
    paging_page_t page = slot_page(v, RANDOM_SLOT, random_pages(v));
    paging_virt_t start = paging_page_start(v->space->cpu.levels, page);
    uint64_t bytes = (1 + random_below(v, 2) * random_pages(v) / 4) * PAGING_PAGE_BYTES;
    uint64_t flags = combination(v, (unsigned)random_below(v, PAGING_TABLE_ENTRIES)) & ~PAGING_GLOBAL;
    switch (random_below(v, 10)) {
    case 0:
        return paging_map(v->space, page, flags, v->frames);
    case 1:
        return paging_map_range_alloc(
            v->space, start, (1 + bytes / PAGING_PAGE_BYTES % 1024) * PAGING_PAGE_BYTES, flags, v->frames);
    case 2:
        return paging_set_marker(v->space, page, flags | PAGING_SYSTEM_10, v->frames);
    case 3:
        return paging_unmap(v->space, page, v->frames, &gone);
    case 4:
        return paging_unmap_range(v->space, start, bytes, v->frames);
    case 5:
        return paging_merge_range(v->space, start, bytes, v->frames);
    case 6:
        return paging_split(v->space, page, v->frames);
    case 7:
        return paging_protect_range(v->space, start, bytes, flags,
                                    PAGING_LEAF_FLAGS & ~PAGING_PRESENT & ~flags, v->frames);
    default: /* page and frame as far apart as a multiple of 1 GiB, so that pages can be huge */
        return paging_map_range(
            v->space, start,
            (paging_phys_t){page.number % paging_level_pages(PAGING_1G) << PAGING_PAGE_SHIFT}, bytes, flags,
            v->frames);
    }
}

/* Refusals are no failure, but if most are, the mixture is none. */
static bool many_steps(struct mixed_mappings *v)
{
    unsigned done = 0;
    for (unsigned i = 0; i < RANDOM_STEPS; i++)
        done += random_step(v) == PAGING_OK;
    return done > RANDOM_STEPS / 4;
}

bool mixed_mappings_make(struct paging_space *live, struct paging_space **other,
                         struct paging_frame_source *frames)
{
    static struct paging_space beside; /* in the image, which both map */
    struct mixed_mappings v = {live, frames, 0x5e1f}, w = {&beside, frames, 0x0ddba11};
    if (paging_share_upper_half(live, frames) != PAGING_OK || !edges(&v))
        return false;
    for (enum paging_size size = PAGING_4K; size <= (live->cpu.has_1g_pages ? PAGING_1G : PAGING_2M); size++)
        if (!every_combination(&v, size))
            return false;
    *other = &beside;
    return many_steps(&v) && paging_create_sibling(&beside, live, frames) == PAGING_OK &&
           paging_attach(live, &beside) == PAGING_OK && many_steps(&w);
}

bool mixed_mappings_close(struct paging_space *live, struct paging_space *other)
{
    return paging_detach(live, other) == PAGING_OK;
}
