/* The generator: what happens next is drawn, by what there is. */
#include "fuzz/draw.h"
#include "fuzz/operation.h"

#define REAL (PAGING_TABLE_ENTRIES == 512)

static bool is_several(void)
{
    return rig.sides[1].model != NULL;
}

static uint64_t split_last; /* the page that was */

/* More leaves than this make every check slow: then much is unmapped at once. */
static unsigned many_leaves(void)
{
    return !is_several() ? 160 : REAL ? 60 : 24;
}

/* ---- the machine ---- */

/* Mostly a processor with everything, and memory enough. */
void world_draw(struct world *world, unsigned levels)
{
    bool has_slots = PAGING_ALTERNATE_SLOT < PAGING_TABLE_ENTRIES;
    unsigned least = REAL ? 4 : 3, memory_bits = REAL ? 21 : 10;
    bool is_mmap = PAGING_RECURSIVE_SLOT < PAGING_TABLE_ENTRIES / 2; /* a process has four levels */
    split_last = 0;
    *world = (struct world){.levels = levels, .frame_bits = 34};
    if (levels == 0)
        world->levels = is_mmap ? 4 : least + draw(PAGING_MAX_LEVELS + 1 - least);
    if (draw(4) == 0)
        world->frame_bits = draw(2) ? 40 : memory_bits;
    world->no_execute = draw(8) != 0;
    world->pages_1g = draw(4) != 0;
    world->invpcid = draw(2);
    world->several = has_slots && draw(REAL ? 6 : 2) == 0;
    world->breaks = !world->several && draw(4) != 0;
    if (!world->several && draw(6) == 0)
        world->frames = 12 + draw(64);
}

/* ---- what the processor does meanwhile ---- */

/* A fetch runs what it finds: only where a call does it instead. */
static uint64_t draw_access(void)
{
#ifdef MACHINE_MMAP
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_USER, WALK_USER | WALK_WRITE};
#else
    static const unsigned accesses[] = {
        WALK_READ, WALK_WRITE, WALK_USER, WALK_USER | WALK_WRITE, WALK_FETCH, WALK_USER | WALK_FETCH,
        WALK_READ, WALK_WRITE};
#endif
    return accesses[draw(sizeof(accesses) / sizeof(*accesses))];
}

/* ---- pages ---- */

static void draw_map(struct operation *operation)
{
    unsigned size = draw_size();
    uint64_t page = draw_page(draw(20) ? size : 1);
    const struct model_leaf *reserved = draw(4) ? NULL : draw_marker();
    if (reserved && reserved->size <= PAGING_1G) {
        size = reserved->size;
        page = reserved->page;
    }
    operation->address = rig_address(page);
    operation->flags = draw_map_flags(page);
    switch (draw(8)) {
    case 0:
        operation->kind = OP_IDENTITY_MAP;
        operation->address = 0;
        operation->to = not_the_sources(draw_page(1), 1) * PAGING_PAGE_BYTES;
        break;
    case 1:
    case 2:
        operation->kind = OP_MAP;
        break;
    case 3:
    case 4:
        operation->kind = OP_MAP_TO;
        operation->to = draw_frame(1) * PAGING_PAGE_BYTES;
        break;
    default:
        operation->kind = OP_MAP_SIZED;
        operation->size = size;
        operation->to = draw_frame(size) * PAGING_PAGE_BYTES;
    }
}

static void draw_unmap(struct operation *operation)
{
    const struct model *model = rig.at->model;
    uint64_t page = draw_page(draw_size());
    if (model->count > 0 && draw(4))
        page = model->leaves[draw(model->count)].page;
    operation->kind = draw(8) ? OP_UNMAP : OP_CLEAR_MARKER;
    operation->address = rig_address(page);
}

static void draw_reserve(struct operation *operation)
{
    unsigned level = draw_size();
    operation->kind = is_several() || draw(2) ? OP_SET_MARKER : OP_PLANT_MARKER;
    operation->address = rig_address(draw_page(level));
    operation->value = draw(32) ? 1 + draw(1ull << 46) * 2 : 0;
    if (operation->kind == OP_PLANT_MARKER) {
        operation->size = level;
        operation->value = (2 + draw(1ull << 46) * 4) << 1;
    }
}

/* ---- ranges ---- */

/* Now and then it is no range of pages at all. */
static void set_range(struct operation *operation, struct drawn_range range)
{
    operation->address = rig_address(range.page);
    operation->bytes = range.pages * PAGING_PAGE_BYTES;
    switch (draw(256)) {
    case 1:
        operation->address += draw(PAGING_PAGE_BYTES);
        return;
    case 2:
        operation->bytes += draw(PAGING_PAGE_BYTES);
        return;
    case 3:
        operation->address ^= 1ull << draw(64);
        return;
    case 4:
        operation->bytes = draw(2) ? 0 : ~0ull << draw(64);
        return;
    default:
        return;
    }
}

static void draw_map_range(struct operation *operation)
{
    struct drawn_range range = draw_range_to_map();
    operation->flags = draw_map_flags(range.page);
    operation->kind = OP_MAP_RANGE;
    operation->to = range.frame * PAGING_PAGE_BYTES + (draw(256) == 1 ? draw(PAGING_PAGE_BYTES) : 0);
    if (draw(16) == 0) {
        operation->kind = OP_IDENTITY_MAP_RANGE;
        operation->to = not_the_sources(range.frame, 8) * PAGING_PAGE_BYTES;
        range = (struct drawn_range){.pages = 1 + draw(8)};
    }
    set_range(operation, range);
}

/* Just as many frames as it must have, or one more or less; and not as many huge ones as would fit. */
static void draw_map_range_alloc(struct operation *operation)
{
    struct drawn_range range = draw_range_to_map();
    uint64_t gigabyte = paging_level_pages(PAGING_1G);
    operation->kind = OP_MAP_RANGE_ALLOC;
    if (draw(3) == 0)
        operation->huge = draw(4);
    if (REAL && range.pages > 4 * paging_level_pages(PAGING_2M)) { /* a whole one, or less */
        range.page &= ~(gigabyte - 1);
        range.pages = draw(2) ? gigabyte : 1 + range.pages % paging_level_pages(PAGING_2M);
    }
    if (draw(4) == 0 && range.pages <= paging_level_pages(rig.model.levels))
        operation->frames = model_alloc_frames(rig.at->model, range.page, range.pages) + draw(3) - 1;
    operation->flags = draw_map_flags(range.page);
    set_range(operation, range);
}

static void draw_unmap_range(struct operation *operation)
{
    operation->kind = OP_UNMAP_RANGE;
    set_range(operation, draw_used_range());
}

/* What the processor sets meanwhile cannot be foretold. */
static void draw_protect_range(struct operation *operation)
{
    struct drawn_range range = draw_used_range();
    uint64_t touched = operation->meanwhile ? PAGING_ACCESSED : 0;
    operation->kind = OP_PROTECT_RANGE;
    operation->flags = draw_flags(range.page);
    operation->clear = draw_flags(range.page) & (draw(40) ? ~operation->flags : ~0ull) & ~touched;
    operation->flags &= ~touched;
    set_range(operation, range);
}

static void draw_split(struct operation *operation)
{
    uint64_t page = draw_page(1);
    if (rig.at->model->count > 0 && draw(8)) {
        const struct model_leaf *leaf = draw_leaf();
        page = leaf->page + draw(paging_level_pages(leaf->size));
    }
    split_last = page;
    operation->kind = OP_SPLIT;
    operation->address = rig_address(page);
}

/* Mostly what was split before, because little else can be merged. */
static void draw_merge(struct operation *operation)
{
    struct drawn_range range = draw_used_range();
    if (draw(4)) {
        uint64_t pages = paging_level_pages(2 + (unsigned)draw(rig.model.levels > 3 ? 2 : 1));
        range.page = (draw(4) ? split_last : range.page) & ~(pages - 1);
        range.pages = pages;
    }
    operation->kind = OP_MERGE_RANGE;
    set_range(operation, range);
}

/* All that one table maps. */
static void draw_shrink(struct operation *operation)
{
    const struct model *model = rig.at->model;
    unsigned level = 2 + (unsigned)draw(3);
    uint64_t pages = paging_level_pages(level < rig.model.levels ? level : rig.model.levels);
    operation->kind = OP_UNMAP_RANGE;
    set_range(operation,
              (struct drawn_range){model->leaves[draw(model->count)].page & ~(pages - 1), pages, 0});
}

static void ration_frames(struct operation *operation)
{
    if (draw(8) == 0)
        operation->frames = draw(draw(2) ? 2 : rig.model.levels + 2);
}

/* The number of pages swings, so that tables keep coming and going. */
static void draw_change(struct operation *operation)
{
    unsigned count = rig.at->model->count;
    bool grow = draw(is_several() || !REAL ? 12 : 48) > count;
    ration_frames(operation);
    if (draw(4) == 0)
        operation->meanwhile = 1 + draw(1 << 16);
    if (count > many_leaves())
        draw(2) ? draw_shrink(operation) : draw_merge(operation);
    else if (draw(6) == 0)
        draw_protect_range(operation);
    else if (draw(24) == 0)
        draw_split(operation);
    else if (draw(24) == 0)
        draw_merge(operation);
    else if (draw(24) == 0)
        draw_reserve(operation);
    else if (grow)
        draw(3) ? draw_map(operation) : draw(2) ? draw_map_range(operation) : draw_map_range_alloc(operation);
    else
        draw(2) ? draw_unmap(operation) : draw_unmap_range(operation);
}

/* ---- spaces ---- */

static uint64_t number_of(const struct rig_side *side)
{
    return (uint64_t)(side - rig.sides);
}

static struct rig_side *draw_side(bool exists)
{
    unsigned first = (unsigned)draw(RIG_SPACES);
    for (unsigned i = 0; i < RIG_SPACES; i++) {
        struct rig_side *side = &rig.sides[(first + i) % RIG_SPACES];
        if ((side->space != NULL) == exists)
            return side;
    }
    return rig.live;
}

static void draw_pair(struct operation *operation, unsigned kind, const struct rig_side *side,
                      const struct rig_side *other)
{
    operation->kind = kind;
    operation->space = number_of(side);
    operation->other = number_of(other);
}

/* Mostly what can be, so that most combinations are met; now and then anything. */
static void draw_space_operation(struct operation *operation)
{
    struct rig_side *any = draw_side(true), *other = draw_side(true);
    struct rig_side *active = draw(12) ? rig.live : any;
    ration_frames(operation);
    if (draw(3) == 0)
        operation->meanwhile = 1 + draw(1 << 16);
    switch (draw(10)) {
    case 0:
    case 1:
        draw_pair(operation, OP_CREATE_SIBLING, draw_side(false), draw(4) ? rig.live : any);
        break;
    case 2:
        draw_pair(operation, OP_DESTROY, any, any);
        break;
    case 3:
    case 4:
        draw_pair(operation, OP_ATTACH, active, other);
        break;
    case 5:
        draw_pair(operation, OP_DETACH, active, rig.open && draw(12) ? rig.open : other);
        break;
    case 6:
    case 7: /* which is refused while one is open */
        draw_pair(operation, rig.open && draw(3) ? OP_DETACH : OP_SWITCH_TO, active,
                  rig.open && draw(3) ? rig.open : other);
        break;
    case 8:
        draw_pair(operation, OP_SHARE, draw(2) ? rig.live : any, any);
        break;
    default:
        draw_pair(operation, OP_UNSHARE, draw(2) ? rig.live : any, any);
    }
}

static unsigned count_spaces(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        count += rig.sides[i].space != NULL;
    return count;
}

/* ---- the next step ---- */

static void choose_side(void)
{
    rig.at = rig.live;
    if (is_several() && draw(8) == 0)
        rig.at = draw_side(true);
    else if (rig.open && draw(2))
        rig.at = rig.open;
}

void operation_draw(struct operation *operation)
{
    *operation = operation_blank(OP_LOAD);
    choose_side();
    operation->space = number_of(rig.at);
    switch (draw(16)) {
    case 0:
    case 1:
    case 2:
        operation->address = draw_speculation();
        operation->kind = draw(64) ? OP_LOAD : OP_FILL;
        return;
    case 3:
    case 4:
    case 5:
        operation->kind = OP_ACCESS;
        operation->address = rig_address(draw_page(draw_size()));
        operation->value = draw_access();
        return;
    case 6:
        operation->kind = OP_TRANSLATE;
        operation->address = draw_speculation();
        return;
    default:
        if (is_several() && draw(count_spaces() < 3 ? 2 : 4) == 0)
            draw_space_operation(operation);
        else
            draw_change(operation);
    }
}
