/* SPDX-License-Identifier: MIT */
/* Draws. They are far from uniform, because uniform draws rarely meet anything. */
#include "fuzz/draw.h"

static struct draw_source source;

struct draw_source draw_source_of_seed(uint64_t seed)
{
    /* Neighbouring seeds must not begin with the same draws. */
    uint64_t mixed = (seed + 1) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 31) * 0xbf58476d1ce4e5b9ull;
    return (struct draw_source){.random = mixed | 1};
}

struct draw_source draw_source_of_bytes(const uint8_t *bytes, size_t count)
{
    return (struct draw_source){.bytes = bytes, .left = count};
}

struct draw_source draw_from(struct draw_source next)
{
    struct draw_source before = source;
    source = next;
    return before;
}

bool draw_is_over(void)
{
    return source.bytes && source.left == 0;
}

static uint64_t next_bytes(unsigned count)
{
    uint64_t value = 0;
    if (!source.bytes) {
        source.random ^= source.random << 13;
        source.random ^= source.random >> 7;
        source.random ^= source.random << 17;
        return source.random * 0x2545f4914f6cdd1dull >> (64 - 8 * count);
    }
    for (; count > 0 && source.left > 0; count--, source.left--)
        value = value << 8 | *source.bytes++;
    return value;
}

/* Takes no more bytes than the draw needs, so that each byte of a string means something. */
uint64_t draw(uint64_t below)
{
    unsigned bytes = below <= 1 ? 0 : below <= 0x100 ? 1 : below <= 0x10000 ? 2 : below <= 1ull << 32 ? 4 : 7;
    return bytes == 0 ? 0 : next_bytes(bytes) % below;
}

/*
 * Returns one of few pages: a few entries of each table in both halves, so that tables come and go, and now
 * and then a reserved slot. At the start of memory all indices are alike.
 */
static uint64_t few_entries(void)
{
    uint64_t page = rig_page(rig_upper_place()).number;
    if (draw(2) == 0)
        page = PAGING_TABLE_ENTRIES < 512 || draw(4) == 0 ? 0 : PLACE / PAGING_PAGE_BYTES;
    for (unsigned level = 1; level < rig.model.levels; level++)
        page += paging_level_pages(level) * draw(level < 4 ? 3 : 2);
    if (draw(16) == 0)
        page += paging_level_pages(rig.model.levels) * draw(4);
    return page;
}

static uint64_t place(void)
{
    uint64_t all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    bool several = rig_is_several();
    if (PAGING_TABLE_ENTRIES > 2 && draw(several ? 8 : 4) < (several ? 7 : 1))
        return few_entries();
    if (PAGING_TABLE_ENTRIES < 512)
        return draw(all);
    switch (draw(8)) {
    case 0:
        return draw(2) ? all - 1 - draw(1 << 20) : draw(1 << 20);
    case 1:
        return all / 2 - draw(4) * paging_level_pages(1 + (unsigned)draw(3));
    case 2:
        return draw(all);
    default:
        return PLACE / PAGING_PAGE_BYTES + draw(1 << 20);
    }
}

uint64_t draw_page(unsigned size)
{
    uint64_t page = place(), all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    const struct model *model = rig.at->model;
    if (model->count > 0 && draw(2)) {
        const struct model_leaf *near = &model->leaves[draw(model->count)];
        page = near->page + (draw(3) - 1) * paging_level_pages(1 + (unsigned)draw(3));
    }
    return page % all & ~(paging_level_pages(size) - 1);
}

unsigned draw_size(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    return draw(2) ? 1 : 1 + (unsigned)draw(most);
}

uint64_t draw_flags(uint64_t page)
{
    uint64_t flags = draw(2) && (model_is_upper(&rig.model, page) || draw(40) == 0) ? PAGING_GLOBAL : 0;
    static const uint64_t any[] = {PAGING_WRITABLE, PAGING_USER,     PAGING_NO_EXECUTE, PAGING_WRITE_THROUGH,
                                   PAGING_NO_CACHE, PAGING_SYSTEM_9, PAGING_SYSTEM_11,  PAGING_ACCESSED,
                                   PAGING_DIRTY,    PAGING_PAT};
    for (unsigned i = 0; i < sizeof(any) / sizeof(*any); i++)
        flags |= draw(2) ? any[i] : 0;
    flags |= draw(4) ? 0 : PAGING_KEY(draw(16));
    if (draw(40) == 0)
        flags |= 1ull << draw(64);
    return flags;
}

uint64_t draw_map_flags(uint64_t page)
{
    return draw_flags(page) | (draw(2) ? PAGING_REPLACE_MARKER : 0);
}

uint64_t not_the_sources(uint64_t frame, uint64_t frames)
{
    uint64_t lowest = frames >= paging_level_pages(PAGING_1G) ? FRAME_1G : DEVICE_FRAME;
    if (PAGING_TABLE_ENTRIES < 512)
        lowest = 512;
    if (frame < lowest)
        frame += lowest;
    return machine_is_the_sources(frame, frames) ? frame + machine_end() : frame;
}

uint64_t draw_frame(unsigned size)
{
    uint64_t frame = draw(PAGING_TABLE_ENTRIES < 512 ? 64 : 0x70000);
    if (draw(40) == 0)
        frame = 1ull << draw(48);
    if (draw(20))
        frame &= ~(paging_level_pages(size) - 1);
    return not_the_sources(frame, paging_level_pages(size));
}

uint64_t draw_speculation(void)
{
    uint64_t address = rig_address(draw_page(draw_size()));
    unsigned level = 1 + (unsigned)draw(rig.model.levels), what = (unsigned)draw(rig.attached ? 4 : 3);
    if (what == 0 || !rig_has_windows())
        return address;
    return what == 3 ? rig_alternate_window(level, address) : rig_window(level, address);
}

/* Returns a few pages, or about as many as an entry of some level maps, exactly or with ragged ends. */
static uint64_t length(unsigned size)
{
    uint64_t pages = paging_level_pages(size) * (1 + draw(3));
    if (size == 1)
        return 1 + draw(8);
    if (size == 3 && draw(2))
        pages += paging_level_pages(2) * (draw(5) - 2);
    if (draw(2))
        pages += draw(7) - 3;
    return pages;
}

static struct drawn_range draw_range(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    unsigned size = draw(4) ? 1 : 1 + (unsigned)draw(draw(4) ? 2 : most);
    struct drawn_range range = {draw_page(size), length(size), 0};
    uint64_t all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    if (draw(2))
        range.page += draw(9) - 4;
    range.page %= all;
    if (PAGING_TABLE_ENTRIES < 512 && draw(8)) { /* most ranges of a toy would leave the lower half */
        range.page %= all / 2;
        range.pages = 1 + (range.pages - 1) % (all / 2 - range.page);
    }
    return range;
}

/*
 * Often as far from a boundary as the page is, so that huge pages fit. For a long range always: it would be a
 * million small pages.
 */
static uint64_t frame_for(struct drawn_range range)
{
    unsigned alike = range.pages > 2 * paging_level_pages(2) || draw(2) ? 2 + (unsigned)draw(2) : 1;
    uint64_t frame = draw_frame(3);
    if (alike > 1)
        frame = (frame & ~(paging_level_pages(3) - 1)) + range.page % paging_level_pages(alike);
    return not_the_sources(frame, range.pages);
}

struct drawn_range draw_range_to_map(void)
{
    struct drawn_range range = draw_range();
    const struct model_leaf *marker = draw(3) ? NULL : draw_marker();
    if (marker) {
        range.page = marker->page - (marker->page > 0 ? draw(2) : 0);
        range.pages += draw(2) ? paging_level_pages(marker->size) : 0;
    }
    range.frame = frame_for(range);
    return range;
}

const struct model_leaf *draw_marker(void)
{
    for (unsigned i = 0, first = (unsigned)draw(rig.at->model->count + 1); i < rig.at->model->count; i++) {
        const struct model_leaf *leaf = &rig.at->model->leaves[(first + i) % rig.at->model->count];
        if (leaf->marker)
            return leaf;
    }
    return NULL;
}

const struct model_leaf *draw_leaf(void)
{
    unsigned first = (unsigned)draw(rig.at->model->count);
    const struct model_leaf *leaf = &rig.at->model->leaves[first];
    bool wants_huge = draw(2);
    for (unsigned i = 1; wants_huge && leaf->size == 1 && i < rig.at->model->count; i++)
        leaf = &rig.at->model->leaves[(first + i) % rig.at->model->count];
    return leaf;
}

struct drawn_range draw_used_range(void)
{
    struct drawn_range range = draw_range();
    if (rig.at->model->count == 0 || draw(4) == 0)
        return range;
    const struct model_leaf *leaf = draw_leaf();
    uint64_t page = leaf->page + draw(2) * draw(paging_level_pages(leaf->size));
    range.page = page >= range.pages && draw(2) ? page + 1 - range.pages : page;
    return range;
}
