/* SPDX-License-Identifier: MIT */
/* mixed_mappings.c - chooses what is mapped: by rule, and at random from a fixed seed. */
#include "report/mixed_mappings.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>

/* Slots of the root that nothing else uses. EDGE_SLOT is the last one of the lower half. */
enum { RANDOM_SLOT = 100, EDGE_SLOT = PAGING_TABLE_ENTRIES / 2 - 1, FLAGS_SLOT = 400 };
enum { RANDOM_STEPS = 600, RANDOM_GIB = 4 };

struct mixed_mappings {
    struct paging_space *space;
    struct paging_frame_source *frames;
    uint64_t random;
};

static paging_page_t slot_page(const struct mixed_mappings *m, unsigned slot, uint64_t n)
{
    return (paging_page_t){slot * paging_level_pages(m->space->cpu.levels) + n};
}

/* Returns combination n of the flags that a leaf of the upper half may have, accessed and dirty included. */
static uint64_t combination(const struct mixed_mappings *m, unsigned n)
{
    static const uint64_t flags[] = {PAGING_WRITABLE,
                                     PAGING_USER,
                                     PAGING_WRITE_THROUGH,
                                     PAGING_NO_CACHE,
                                     PAGING_GLOBAL,
                                     PAGING_NO_EXECUTE,
                                     PAGING_SYSTEM_9 | PAGING_PAT,
                                     PAGING_ACCESSED | PAGING_KEY(9),
                                     PAGING_SYSTEM_11 | PAGING_DIRTY};
    uint64_t chosen = 0;
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        chosen |= n >> i & 1 ? flags[i] : 0;
    return chosen & (m->space->cpu.has_no_execute ? ~0ull : ~PAGING_NO_EXECUTE);
}

/* Fills a table with leaves of this size, one per combination of flags. They end with the last frame. */
static bool every_combination(struct mixed_mappings *m, enum paging_size size)
{
    uint64_t span = paging_level_pages(size);
    paging_page_t first = slot_page(m, FLAGS_SLOT + size, 0);
    for (unsigned n = 0; n < PAGING_TABLE_ENTRIES; n++) {
        paging_page_t page = {first.number + n * span};
        paging_frame_t frame = {m->space->frame_limit - (PAGING_TABLE_ENTRIES - n) * span};
        if (paging_map_sized(m->space, page, frame, size, combination(m, n), m->frames) != PAGING_OK)
            return false;
    }
    return true;
}

/* Maps the last page of the lower half, the first of the upper half, the last below the reserved slots. */
static bool edges(struct mixed_mappings *m)
{
    uint64_t span = paging_level_pages(m->space->cpu.levels);
    const paging_page_t pages[] = {slot_page(m, EDGE_SLOT, span - 1), slot_page(m, EDGE_SLOT + 1, 0),
                                   slot_page(m, PAGING_SCRATCH_SLOT - 1, span - 1)};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (paging_map_to(m->space, pages[i], (paging_frame_t){i}, PAGING_WRITABLE, m->frames) != PAGING_OK)
            return false;
    return true;
}

static uint64_t random_below(struct mixed_mappings *m, uint64_t limit)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % limit;
}

/* Returns a number of pages that is a multiple of 1, of 2 MiB or of 1 GiB, with the same probability. */
static uint64_t random_pages(struct mixed_mappings *m)
{
    uint64_t unit = paging_level_pages(1 + (unsigned)random_below(m, 3));
    return random_below(m, RANDOM_GIB * paging_level_pages(PAGING_1G) / unit) * unit;
}

/* Does one operation at random. Many are refused: the page is already mapped, or the range is too long. */
static enum paging_status random_step(struct mixed_mappings *m)
{
    struct paging_unmapped gone;
    paging_page_t page = slot_page(m, RANDOM_SLOT, random_pages(m));
    paging_virt_t start = paging_page_start(m->space->cpu.levels, page);
    uint64_t bytes = (1 + random_below(m, 2) * random_pages(m) / 4) * PAGING_PAGE_BYTES;
    uint64_t flags = combination(m, (unsigned)random_below(m, PAGING_TABLE_ENTRIES)) & ~PAGING_GLOBAL;
    switch (random_below(m, 10)) {
    case 0:
        return paging_map(m->space, page, flags, m->frames);
    case 1:
        return paging_map_range_alloc(
            m->space, start, (1 + bytes / PAGING_PAGE_BYTES % 1024) * PAGING_PAGE_BYTES, flags, m->frames);
    case 2:
        return paging_set_marker(m->space, page, (flags & PAGING_MARKER_LIMIT) | PAGING_SYSTEM_10, m->frames);
    case 3:
        return paging_unmap(m->space, page, m->frames, &gone);
    case 4:
        return paging_unmap_range(m->space, start, bytes, m->frames);
    case 5:
        return paging_merge_range(m->space, start, bytes, m->frames);
    case 6:
        return paging_split(m->space, page, m->frames);
    case 7:
        return paging_protect_range(m->space, start, bytes, flags,
                                    PAGING_LEAF_FLAGS & ~PAGING_PRESENT & ~flags, m->frames);
    default: /* page and frame differ by a multiple of 1 GiB, so that pages can be huge */
        return paging_map_range(
            m->space, start,
            (paging_phys_t){page.number % paging_level_pages(PAGING_1G) << PAGING_PAGE_SHIFT}, bytes, flags,
            m->frames);
    }
}

/* Returns whether enough steps succeeded for a mixture. A refusal alone is not a failure. */
static bool many_steps(struct mixed_mappings *m)
{
    unsigned done = 0;
    for (unsigned i = 0; i < RANDOM_STEPS; i++)
        done += random_step(m) == PAGING_OK;
    return done > RANDOM_STEPS / 4;
}

bool mixed_mappings_make(struct paging_space *active, struct paging_space **second,
                         struct paging_frame_source *frames)
{
    static struct paging_space sibling; /* static, because both spaces map the image */
    struct mixed_mappings first = {active, frames, 0x5e1f}, other = {&sibling, frames, 0x0ddba11};
    if (paging_share_upper_half(active, frames) != PAGING_OK || !edges(&first))
        return false;
    for (enum paging_size size = PAGING_4K; size <= (active->cpu.has_1g_pages ? PAGING_1G : PAGING_2M);
         size++)
        if (!every_combination(&first, size))
            return false;
    *second = &sibling;
    return many_steps(&first) && paging_create_sibling(&sibling, active, frames) == PAGING_OK &&
           paging_attach(active, &sibling) == PAGING_OK && many_steps(&other);
}

bool mixed_mappings_close(struct paging_space *active, struct paging_space *second)
{
    return paging_detach(active, second) == PAGING_OK;
}
