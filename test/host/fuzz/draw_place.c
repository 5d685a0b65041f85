/* SPDX-License-Identifier: MIT */
/* Where the next operation is: its address and length, or its spaces, by its arguments. */
#include "fuzz/draw_place.h"
#include "fuzz/draw.h"

#define REAL (PAGING_TABLE_ENTRIES == 512)

static uint64_t split_last; /* the page of the last split */

void draw_begin(void)
{
    split_last = 0;
}

/* ---- pages: each function sets where the operation is, and returns the page ---- */

static uint64_t draw_any_page(struct operation *operation)
{
    uint64_t page = draw_page(draw_size());
    operation->address = rig_address(page);
    return page;
}

static uint64_t draw_used_page(struct operation *operation)
{
    const struct model *model = rig.at->model;
    uint64_t page = draw_any_page(operation);
    if (model->count > 0 && draw(4))
        page = model->leaves[draw(model->count)].page;
    operation->address = rig_address(page);
    return page;
}

static uint64_t draw_page_to_map(struct operation *operation)
{
    unsigned size = draw_size();
    uint64_t page = draw_page(draw(20) ? size : 1);
    const struct model_leaf *marker = draw(4) ? NULL : draw_marker();
    if (marker && marker->size <= PAGING_1G) {
        size = marker->size;
        page = marker->page;
    }
    operation->address = rig_address(page);
    if (operation_takes(operation, ARG_SIZE))
        operation->size = size;
    if (operation_takes(operation, ARG_FRAME))
        operation->to = draw_frame(operation->size ? size : 1) * PAGING_PAGE_BYTES;
    return page;
}

/* Mostly a frame that is aligned to the page that is there. */
static uint64_t draw_page_to_remap(struct operation *operation)
{
    uint64_t page = draw_used_page(operation);
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    operation->to = draw_frame(leaf && !leaf->marker ? leaf->size : 1) * PAGING_PAGE_BYTES;
    return page;
}

static uint64_t draw_address_to_load(struct operation *operation)
{
    operation->address = draw_speculation();
    return 0;
}

static uint64_t draw_table(struct operation *operation)
{
    operation->size = draw_size();
    uint64_t page = draw_page((unsigned)operation->size);
    operation->address = rig_address(page);
    return page;
}

static uint64_t draw_identity_page(struct operation *operation)
{
    uint64_t page = not_the_sources(draw_page(1), 1);
    operation->to = page * PAGING_PAGE_BYTES;
    return page;
}

static uint64_t draw_page_to_split(struct operation *operation)
{
    uint64_t page = draw_page(1);
    if (rig.at->model->count > 0 && draw(8)) {
        const struct model_leaf *leaf = draw_leaf();
        page = leaf->page + draw(paging_level_pages(leaf->size));
    }
    split_last = page;
    operation->address = rig_address(page);
    return page;
}

/* ---- ranges ---- */

/* Now and then the result is not a range of pages. */
static uint64_t set_range(struct operation *operation, struct drawn_range range)
{
    operation->address = rig_address(range.page);
    operation->bytes = range.pages * PAGING_PAGE_BYTES;
    switch (draw(256)) {
    case 1:
        operation->address += draw(PAGING_PAGE_BYTES);
        break;
    case 2:
        operation->bytes += draw(PAGING_PAGE_BYTES);
        break;
    case 3:
        operation->address ^= 1ull << draw(64);
        break;
    case 4:
        operation->bytes = draw(2) ? 0 : ~0ull << draw(64);
        break;
    default:
        break;
    }
    return range.page;
}

static uint64_t draw_range_of_pages(struct operation *operation)
{
    if (!operation_is(operation, MAPS))
        return set_range(operation, draw_used_range());
    struct drawn_range range = draw_range_to_map();
    operation->to = range.frame * PAGING_PAGE_BYTES + (draw(256) == 1 ? draw(PAGING_PAGE_BYTES) : 0);
    return set_range(operation, range);
}

static uint64_t draw_identity_range(struct operation *operation)
{
    (void)set_range(operation, (struct drawn_range){.pages = 1 + draw(8)});
    operation->to = not_the_sources(draw_range_to_map().frame, 8) * PAGING_PAGE_BYTES;
    return operation->to / PAGING_PAGE_BYTES;
}

/* Just as many frames as it must have, or one more or less; and not as many huge ones as would fit. */
static uint64_t draw_range_to_allocate(struct operation *operation)
{
    struct drawn_range range = draw_range_to_map();
    uint64_t gigabyte = paging_level_pages(PAGING_1G);
    if (draw(3) == 0)
        operation->huge = draw(4);
    if (REAL && range.pages > 4 * paging_level_pages(PAGING_2M)) { /* a whole one, or less */
        range.page &= ~(gigabyte - 1);
        range.pages = draw(2) ? gigabyte : 1 + range.pages % paging_level_pages(PAGING_2M);
    }
    if (draw(4) == 0 && range.pages <= paging_level_pages(rig.model.levels))
        operation->frames = model_alloc_frames(rig.at->model, range.page, range.pages) + draw(3) - 1;
    return set_range(operation, range);
}

bool draw_is_crowded(void)
{
    unsigned most = !rig_is_several() ? 160 : REAL ? 60 : 24;
    return rig.at->model->count > most;
}

/* In a crowded map, all that one table maps. */
static uint64_t draw_range_to_unmap(struct operation *operation)
{
    const struct model *model = rig.at->model;
    if (!draw_is_crowded())
        return draw_range_of_pages(operation);
    unsigned level = 2 + (unsigned)draw(3);
    uint64_t pages = paging_level_pages(level < model->levels ? level : model->levels);
    uint64_t page = model->leaves[draw(model->count)].page & ~(pages - 1);
    return set_range(operation, (struct drawn_range){page, pages, 0});
}

/* Often as far from the boundaries of tables as the range is, so that tables can move. */
static uint64_t draw_range_to_move(struct operation *operation)
{
    struct drawn_range range = draw_used_range();
    uint64_t page = set_range(operation, range), all = paging_page_limit(rig.model.levels);
    uint64_t unit = paging_level_pages(1 + (unsigned)draw(rig.model.levels)), half = all / 2;
    uint64_t target = draw_page(1) / unit * unit + range.page % unit;
    if (draw(8) && target % all / half != range.page % all / half)
        target += half;
    operation->to = rig_address(target % all);
    return page;
}

/* Mostly what was split before, because little else can be merged. */
static uint64_t draw_range_to_merge(struct operation *operation)
{
    struct drawn_range range = draw_used_range();
    if (draw(4)) {
        uint64_t pages = paging_level_pages(2 + (unsigned)draw(rig.model.levels > 3 ? 2 : 1));
        range.page = (draw(4) ? split_last : range.page) & ~(pages - 1);
        range.pages = pages;
    }
    return set_range(operation, range);
}

/* ---- spaces: mostly what can be, so that most combinations are met; now and then anything ---- */

uint64_t draw_side(bool exists)
{
    unsigned first = (unsigned)draw(RIG_SPACES);
    for (unsigned i = 0; i < RIG_SPACES; i++) {
        uint64_t number = (first + i) % RIG_SPACES;
        if ((rig.sides[number].space != NULL) == exists)
            return number;
    }
    return rig_number_of(rig.active);
}

static uint64_t draw_sides(struct operation *operation)
{
    bool is_pair = operation_takes(operation, ARG_OTHER);
    operation->space = draw(is_pair ? 12 : 2) ? rig_number_of(rig.active) : draw_side(true);
    operation->other = is_pair ? draw_side(true) : 0;
    return 0;
}

static uint64_t draw_sibling(struct operation *operation)
{
    operation->space = draw_side(false);
    operation->other = draw(4) ? rig_number_of(rig.active) : draw_side(true);
    return 0;
}

static uint64_t draw_side_to_destroy(struct operation *operation)
{
    operation->space = draw_side(true);
    return 0;
}

static uint64_t draw_attached(struct operation *operation)
{
    (void)draw_sides(operation);
    if (rig.attached && draw(12))
        operation->other = rig_number_of(rig.attached);
    return 0;
}

/* While a space is attached it is refused, so that is detached first. */
static uint64_t draw_side_to_switch_to(struct operation *operation)
{
    (void)draw_sides(operation);
    if (rig.attached && draw(3))
        operation->kind = OP_DETACH;
    if (rig.attached && draw(3))
        operation->other = rig_number_of(rig.attached);
    return 0;
}

static bool is_empty_below(const struct rig_side *side)
{
    return model_first(side->model, paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2)) == 0;
}

/* Mostly from one with pages to one that can be reached, and has none yet. */
static uint64_t draw_sides_to_clone(struct operation *operation)
{
    (void)draw_sides(operation);
    if (draw(8) == 0)
        return 0;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space && rig_is_reachable(&rig.sides[i]) && is_empty_below(&rig.sides[i]))
            operation->other = i;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space && rig_is_reachable(&rig.sides[i]) && !is_empty_below(&rig.sides[i]))
            operation->space = draw(2) ? i : operation->space;
    return 0;
}

/* ---- the table ---- */

typedef uint64_t draw_function(struct operation *operation);

/* Operations that would meet too little in the places where all the others are drawn. */
static draw_function *const places[OP_KINDS] = {
    [OP_LOAD] = draw_address_to_load,
    [OP_TRANSLATE] = draw_address_to_load,
    [OP_TRANSLATE_LIST] = draw_used_page,
    [OP_ACCESS] = draw_any_page,
    [OP_PLANT_MARKER] = draw_table,
    [OP_IDENTITY_MAP] = draw_identity_page,
    [OP_REMAP] = draw_page_to_remap,
    [OP_SPLIT] = draw_page_to_split,
    [OP_IDENTITY_MAP_RANGE] = draw_identity_range,
    [OP_MAP_RANGE_ALLOC] = draw_range_to_allocate,
    [OP_UNMAP_RANGE] = draw_range_to_unmap,
    [OP_MOVE_RANGE] = draw_range_to_move,
    [OP_MERGE_RANGE] = draw_range_to_merge,
    [OP_CREATE_SIBLING] = draw_sibling,
    [OP_DESTROY] = draw_side_to_destroy,
    [OP_DETACH] = draw_attached,
    [OP_SWITCH_TO] = draw_side_to_switch_to,
    [OP_CLONE_LOWER_HALF] = draw_sides_to_clone,
};

uint64_t draw_place(struct operation *operation)
{
    if (places[operation->kind])
        return places[operation->kind](operation);
    if (operation_takes(operation, ARG_SPACE))
        return draw_sides(operation);
    if (operation_takes(operation, ARG_BYTES))
        return draw_range_of_pages(operation);
    if (!operation_takes(operation, ARG_ADDRESS))
        return 0;
    return operation_is(operation, MAPS) ? draw_page_to_map(operation) : draw_used_page(operation);
}
