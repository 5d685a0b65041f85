/* variety.c - a bit of everything. */
#include "variety.h"
#include "paging/mapper.h"
#include "paging/range.h"

/* Slots of the root that nothing else uses. */
enum { RANDOM_SLOT = 100, EDGE_SLOT = ENTRY_COUNT / 2 - 1, FLAGS_SLOT = 400 };
enum { RANDOM_STEPS = 600, RANDOM_GIB = 4 };

struct variety {
    struct address_space *space;
    struct frame_source *frames;
    uint64_t random;
};

static page_t slot_page(const struct variety *v, unsigned slot, uint64_t n)
{
    return (page_t){slot * level_pages(v->space->cpu.levels) + n};
}

/* Combination number n of the flags a leaf of the upper half may have, accessed and dirty among them. */
static uint64_t combination(const struct variety *v, unsigned n)
{
    static const uint64_t flags[] = {ENTRY_WRITABLE, ENTRY_USER,     ENTRY_WRITE_THROUGH,
                                     ENTRY_NO_CACHE, ENTRY_GLOBAL,   ENTRY_NO_EXECUTE,
                                     ENTRY_SYSTEM_9, ENTRY_ACCESSED, ENTRY_SYSTEM_11 | ENTRY_DIRTY};
    uint64_t chosen = 0;
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        chosen |= n >> i & 1 ? flags[i] : 0;
    return chosen & (v->space->cpu.has_no_execute ? ~0ull : ~ENTRY_NO_EXECUTE);
}

/* A full table of leaves of this size, each with another combination, up to the processor's last frame. */
static bool every_combination(struct variety *v, enum page_size size)
{
    uint64_t span = level_pages(size);
    page_t first = slot_page(v, FLAGS_SLOT + size, 0);
    for (unsigned n = 0; n < ENTRY_COUNT; n++) {
        page_t page = {first.number + n * span};
        frame_t frame = {v->space->frame_limit - (ENTRY_COUNT - n) * span};
        if (paging_map_sized(v->space, page, frame, size, combination(v, n), v->frames) != PAGING_OK)
            return false;
    }
    return true;
}

/* The last page of the lower half, the first of the upper one, the last before the slots the core keeps. */
static bool edges(struct variety *v)
{
    uint64_t span = level_pages(v->space->cpu.levels);
    const page_t pages[] = {slot_page(v, EDGE_SLOT, span - 1), slot_page(v, EDGE_SLOT + 1, 0),
                            slot_page(v, PAGING_SCRATCH_SLOT - 1, span - 1)};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (paging_map_to(v->space, pages[i], (frame_t){i}, ENTRY_WRITABLE, v->frames) != PAGING_OK)
            return false;
    return true;
}

static uint64_t random_below(struct variety *v, uint64_t limit)
{
    v->random ^= v->random << 13;
    v->random ^= v->random >> 7;
    v->random ^= v->random << 17;
    return v->random % limit;
}

/* A place and a length that are as often aligned to 2 MiB or 1 GiB as not; at random none ever were. */
static uint64_t random_pages(struct variety *v)
{
    uint64_t unit = level_pages(1 + (unsigned)random_below(v, 3));
    return random_below(v, RANDOM_GIB * level_pages(PAGE_1G) / unit) * unit;
}

/* One verb at random. Refused are many of them: a page that is mapped already, a range that is too long. */
static enum paging_status random_step(struct variety *v)
{
    struct paging_unmapped gone;
    page_t page = slot_page(v, RANDOM_SLOT, random_pages(v));
    virt_addr_t start = page_start(v->space->cpu.levels, page);
    uint64_t bytes = (1 + random_below(v, 2) * random_pages(v) / 4) * PAGE_BYTES;
    uint64_t flags = combination(v, (unsigned)random_below(v, ENTRY_COUNT)) & ~ENTRY_GLOBAL;
    switch (random_below(v, 10)) {
    case 0:
        return paging_map(v->space, page, flags, v->frames);
    case 1:
        return paging_map_range_alloc(v->space, start, (1 + bytes / PAGE_BYTES % 1024) * PAGE_BYTES, flags,
                                      v->frames);
    case 2:
        return paging_reserve(v->space, page, flags | ENTRY_SYSTEM_10, v->frames);
    case 3:
        return paging_unmap(v->space, page, v->frames, &gone);
    case 4:
        return paging_unmap_range(v->space, start, bytes, v->frames);
    case 5:
        return paging_merge_range(v->space, start, bytes, v->frames);
    case 6:
        return paging_split(v->space, page, v->frames);
    case 7:
        return paging_protect_range(v->space, start, bytes, flags, LEAF_FLAGS & ~ENTRY_PRESENT & ~flags,
                                    v->frames);
    default: /* page and frame as far apart as a multiple of 1 GiB, so that pages can be huge */
        return paging_map_range(v->space, start,
                                (phys_addr_t){page.number % level_pages(PAGE_1G) << PAGE_SHIFT}, bytes, flags,
                                v->frames);
    }
}

/* Refusals are no failure, but if most are, the mixture is none. */
static bool many_steps(struct variety *v)
{
    unsigned done = 0;
    for (unsigned i = 0; i < RANDOM_STEPS; i++)
        done += random_step(v) == PAGING_OK;
    return done > RANDOM_STEPS / 4;
}

bool variety_make(struct address_space *live, struct address_space **other, struct frame_source *frames)
{
    static struct address_space beside; /* in the image, which both map */
    struct variety v = {live, frames, 0x5e1f}, w = {&beside, frames, 0x0ddba11};
    if (paging_lend_upper_half(live, frames) != PAGING_OK || !edges(&v))
        return false;
    for (enum page_size size = PAGE_4K; size <= (live->cpu.has_1g_pages ? PAGE_1G : PAGE_2M); size++)
        if (!every_combination(&v, size))
            return false;
    *other = &beside;
    return many_steps(&v) && paging_create_beside(&beside, live, frames) == PAGING_OK &&
           paging_open(live, &beside) == PAGING_OK && many_steps(&w);
}

bool variety_close(struct address_space *live, struct address_space *other)
{
    return paging_close(live, other) == PAGING_OK;
}
