/* Draws. They are far from uniform, because what is uniform rarely meets anything. */
#include "draw.h"

static uint64_t place(void)
{
    uint64_t all = level_pages(rig.model.levels) * ENTRY_COUNT;
    if (ENTRY_COUNT < 512)
        return rig_random(all);
    switch (rig_random(8)) {
    case 0:
        return rig_random(2) ? all - 1 - rig_random(1 << 20) : rig_random(1 << 20);
    case 1:
        return all / 2 - rig_random(4) * level_pages(1 + (unsigned)rig_random(3));
    case 2:
        return rig_random(all);
    default:
        return PLACE / PAGE_BYTES + rig_random(1 << 20);
    }
}

uint64_t draw_page(unsigned size)
{
    uint64_t page = place(), all = level_pages(rig.model.levels) * ENTRY_COUNT;
    if (rig.model.count > 0 && rig_random(2)) {
        const struct model_leaf *near = &rig.model.leaves[rig_random(rig.model.count)];
        page = near->page + (rig_random(3) - 1) * level_pages(1 + (unsigned)rig_random(3));
    }
    return page % all & ~(level_pages(size) - 1);
}

unsigned draw_size(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    return rig_random(2) ? 1 : 1 + (unsigned)rig_random(most);
}

uint64_t draw_flags(void)
{
    uint64_t flags = 0;
    static const uint64_t any[] = {ENTRY_WRITABLE, ENTRY_USER,     ENTRY_NO_EXECUTE, ENTRY_WRITE_THROUGH,
                                   ENTRY_NO_CACHE, ENTRY_SYSTEM_9, ENTRY_SYSTEM_11,  ENTRY_ACCESSED};
    for (unsigned i = 0; i < sizeof(any) / sizeof(*any); i++)
        flags |= rig_random(2) ? any[i] : 0;
    if (rig_random(40) == 0)
        flags |= 1ull << rig_random(64);
    return flags;
}

uint64_t draw_map_flags(void)
{
    return draw_flags() | (rig_random(2) ? MAP_OVER_RESERVED : 0);
}

uint64_t not_the_sources(uint64_t frame, uint64_t frames)
{
    uint64_t lowest = frames >= level_pages(PAGE_1G) ? FRAME_1G : DEVICE_FRAME;
    if (ENTRY_COUNT < 512)
        lowest = 512;
    if (frame < lowest)
        frame += lowest;
    return machine_is_the_sources(frame, frames) ? frame + machine_end() : frame;
}

uint64_t draw_frame(unsigned size)
{
    uint64_t frame = rig_random(ENTRY_COUNT < 512 ? 64 : 0x70000);
    if (rig_random(40) == 0)
        frame = 1ull << rig_random(48);
    if (rig_random(20))
        frame &= ~(level_pages(size) - 1);
    return not_the_sources(frame, level_pages(size));
}

uint64_t draw_speculation(void)
{
    uint64_t address = rig_address(draw_page(draw_size()));
    return rig_random(3) ? rig_window(1 + (unsigned)rig_random(rig.model.levels), address) : address;
}

/* A few pages; or about as many as an entry of some level maps, exactly so or with ragged edges. */
static uint64_t length(unsigned size)
{
    uint64_t pages = level_pages(size) * (1 + rig_random(3));
    if (size == 1)
        return 1 + rig_random(8);
    if (size == 3 && rig_random(2))
        pages += level_pages(2) * (rig_random(5) - 2);
    if (rig_random(2))
        pages += rig_random(7) - 3;
    return pages;
}

static struct drawn_range draw_range(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    unsigned size = rig_random(4) ? 1 : 1 + (unsigned)rig_random(rig_random(4) ? 2 : most);
    struct drawn_range range = {draw_page(size), length(size), 0};
    uint64_t all = level_pages(rig.model.levels) * ENTRY_COUNT;
    if (rig_random(2))
        range.page += rig_random(9) - 4;
    range.page %= all;
    if (ENTRY_COUNT < 512 && rig_random(8)) { /* there, most ranges would leave the half that is free */
        range.page %= all / 2;
        range.pages = 1 + (range.pages - 1) % (all / 2 - range.page);
    }
    return range;
}

/* As far from a boundary as the page is; of a long range always, or it would be a million pages. */
static uint64_t frame_for(struct drawn_range range)
{
    unsigned alike = range.pages > 2 * level_pages(2) || rig_random(2) ? 2 + (unsigned)rig_random(2) : 1;
    uint64_t frame = draw_frame(3);
    if (alike > 1)
        frame = (frame & ~(level_pages(3) - 1)) + range.page % level_pages(alike);
    return not_the_sources(frame, range.pages);
}

struct drawn_range draw_range_to_map(void)
{
    struct drawn_range range = draw_range();
    const struct model_leaf *reserved = rig_random(3) ? NULL : draw_reserved();
    if (reserved) {
        range.page = reserved->page - (reserved->page > 0 ? rig_random(2) : 0);
        range.pages += rig_random(2) ? level_pages(reserved->size) : 0;
    }
    range.frame = frame_for(range);
    return range;
}

const struct model_leaf *draw_reserved(void)
{
    for (unsigned i = 0, first = (unsigned)rig_random(rig.model.count + 1); i < rig.model.count; i++) {
        const struct model_leaf *leaf = &rig.model.leaves[(first + i) % rig.model.count];
        if (leaf->reserved)
            return leaf;
    }
    return NULL;
}

const struct model_leaf *draw_leaf(void)
{
    unsigned first = (unsigned)rig_random(rig.model.count);
    const struct model_leaf *leaf = &rig.model.leaves[first];
    bool wants_huge = rig_random(2);
    for (unsigned i = 1; wants_huge && leaf->size == 1 && i < rig.model.count; i++)
        leaf = &rig.model.leaves[(first + i) % rig.model.count];
    return leaf;
}

struct drawn_range draw_used_range(void)
{
    struct drawn_range range = draw_range();
    if (rig.model.count == 0 || rig_random(4) == 0)
        return range;
    const struct model_leaf *leaf = draw_leaf();
    uint64_t page = leaf->page + rig_random(2) * rig_random(level_pages(leaf->size));
    range.page = page >= range.pages && rig_random(2) ? page + 1 - range.pages : page;
    return range;
}
