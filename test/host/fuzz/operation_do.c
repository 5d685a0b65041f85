/* Steps are done here: each through the rig, which judges it. */
#include "fuzz/draw.h"
#include "fuzz/operation.h"

/* A map this long is near its end; a single operation adds a few thousand leaves at most. */
#define MOST_LEAVES (MODEL_LEAVES / 2)

/* ---- what cannot be done is left out ---- */

/* A gigabyte of small pages would be too many: there must be a frame for the whole. */
static bool is_allocated_at_once(const struct operation *operation)
{
    uint64_t pages = operation->bytes / PAGING_PAGE_BYTES, gigabyte = paging_level_pages(PAGING_1G);
    if (PAGING_TABLE_ENTRIES < 512 || pages <= 4 * paging_level_pages(PAGING_2M))
        return true;
    return operation->bytes == paging_level_bytes(PAGING_1G) &&
           operation->address % paging_level_bytes(PAGING_1G) == 0 &&
           paging_is_canonical(rig.model.levels, (paging_virt_t){operation->address}) &&
           rig.live->space->cpu.has_1g_pages && machine_runs_left(PAGING_1G) > 0 &&
           operation->huge == OP_NO_LIMIT &&
           !model_overlap(rig.at->model, rig_page(operation->address).number, gigabyte);
}

static bool has_size(const struct operation *operation)
{
    return operation->size >= PAGING_4K && operation->size <= PAGING_1G && operation->size < rig.model.levels;
}

/*
 * No frame of the source's, or a page would lead to the core's tables; nor a long range of small pages. What
 * is no range is refused.
 */
static bool is_mappable(const struct operation *operation, uint64_t start)
{
    bool is_range = operation->kind >= OP_MAP_RANGE;
    uint64_t frame = operation->to / PAGING_PAGE_BYTES;
    uint64_t pages = is_range ? operation->bytes / PAGING_PAGE_BYTES : 1;
    if (is_range && model_range_refusals(rig.model.levels, start, operation->bytes))
        return true;
    if (operation->kind == OP_MAP_SIZED && !has_size(operation))
        return false;
    if (operation->kind == OP_MAP_SIZED)
        pages = paging_level_pages((unsigned)operation->size);
    bool is_long = PAGING_TABLE_ENTRIES == 512 && is_range && pages > 4 * paging_level_pages(PAGING_2M);
    return !machine_is_the_sources(frame, pages) &&
           !(is_long && ((start - operation->to) % paging_level_bytes(PAGING_2M) != 0));
}

/* The owner puts an entry of its own where nothing is, in a table that is there. */
static bool is_plantable(const struct operation *operation)
{
    unsigned level = (unsigned)operation->size;
    uint64_t page = rig_page(operation->address).number;
    return !rig.sides[1].model && has_size(operation) && !model_is_reserved_slot(rig.model.levels, page) &&
           model_has_table(&rig.model, level, page) &&
           !model_overlap(&rig.model, page & ~(paging_level_pages(level) - 1), paging_level_pages(level));
}

static bool can_be_done(const struct operation *operation)
{
    bool several = rig.sides[1].model != NULL, is_there = rig.sides[operation->space].space != NULL;
    bool other_is_there = rig.sides[operation->other].space != NULL;
    switch (operation->kind) {
    case OP_LOAD:
    case OP_FILL:
    case OP_ACCESS:
        return true;
    case OP_PLANT_MARKER:
        return is_there && is_plantable(operation);
    case OP_TRANSLATE:
        return is_there && (rig.at == rig.live || rig.at == rig.open);
    case OP_CREATE_SIBLING:
        return several && !is_there && other_is_there;
    case OP_ATTACH:
    case OP_DETACH:
    case OP_SWITCH_TO:
        return several && is_there && other_is_there;
    case OP_DESTROY:
    case OP_SHARE:
    case OP_UNSHARE:
        return several && is_there;
    case OP_MAP_RANGE_ALLOC:
        return is_there && rig.at->model->count < MOST_LEAVES && is_allocated_at_once(operation);
    case OP_MAP_TO:
    case OP_MAP_SIZED:
    case OP_MAP_RANGE:
        return is_there && rig.at->model->count < MOST_LEAVES && is_mappable(operation, operation->address);
    case OP_IDENTITY_MAP:
    case OP_IDENTITY_MAP_RANGE:
        return is_there && rig.at->model->count < MOST_LEAVES && is_mappable(operation, operation->to);
    default:
        return is_there && rig.at->model->count < MOST_LEAVES;
    }
}

/* ---- what can ---- */

static void access_page(uint64_t address, unsigned access)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, access, false);
    struct machine_access result = machine_access(address, access);
    assert_int_equal(result.faulted, walk.faulted);
    assert_int_equal(result.error, walk.faulted ? walk.error : 0);
}

static enum paging_status clear_marker_status(uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    if (rig_refuses(page) != 0)
        return rig.at == rig.open ? PAGING_SHARED : PAGING_UNREACHABLE;
    if (model_is_reserved_slot(rig.model.levels, page))
        return PAGING_RESERVED_SLOT;
    if (!leaf)
        return PAGING_NOT_MAPPED;
    if (!leaf->reserved)
        return PAGING_ALREADY_MAPPED;
    return leaf->page == page ? PAGING_OK : PAGING_MISALIGNED;
}

static void do_to_space(const struct operation *operation)
{
    struct rig_side *side = &rig.sides[operation->space], *other = &rig.sides[operation->other];
    switch (operation->kind) {
    case OP_CREATE_SIBLING:
        (void)rig_create_sibling(side, other);
        return;
    case OP_DESTROY:
        (void)rig_destroy(side);
        return;
    case OP_ATTACH:
        (void)rig_attach(side, other);
        return;
    case OP_DETACH:
        (void)rig_detach(side, other);
        return;
    case OP_SWITCH_TO:
        (void)rig_switch_to(side, other);
        return;
    case OP_SHARE:
        (void)rig_share(side);
        return;
    default:
        (void)rig_unshare(side);
    }
}

static void do_to_range(const struct operation *operation)
{
    switch (operation->kind) {
    case OP_MAP_RANGE:
        (void)rig_map_range(operation->address, operation->to, operation->bytes, operation->flags);
        return;
    case OP_MAP_RANGE_ALLOC:
        (void)rig_map_range_alloc(operation->address, operation->bytes, operation->flags);
        return;
    case OP_IDENTITY_MAP_RANGE:
        (void)rig_identity_map_range(operation->to, operation->bytes, operation->flags);
        return;
    case OP_UNMAP_RANGE:
        (void)rig_unmap_range(operation->address, operation->bytes);
        return;
    case OP_PROTECT_RANGE:
        (void)rig_protect_range(operation->address, operation->bytes, operation->flags, operation->clear);
        return;
    case OP_SPLIT:
        (void)rig_split(operation->address);
        return;
    default:
        (void)rig_merge_range(operation->address, operation->bytes);
    }
}

static void do_to_page(const struct operation *operation)
{
    uint64_t frame = operation->to / PAGING_PAGE_BYTES;
    switch (operation->kind) {
    case OP_PLANT_MARKER:
        machine_flush_all(); /* because the rig writes to the count */
        rig_plant_marker(operation->address, (unsigned)operation->size, operation->value);
        return;
    case OP_TRANSLATE:
        rig_translate(operation->address);
        return;
    case OP_MAP:
        (void)rig_map(operation->address, operation->flags);
        return;
    case OP_MAP_TO:
        (void)rig_map_to(operation->address, frame, operation->flags);
        return;
    case OP_MAP_SIZED:
        (void)rig_map_sized(operation->address, frame, (enum paging_size)operation->size, operation->flags);
        return;
    case OP_IDENTITY_MAP:
        (void)rig_identity_map(frame, operation->flags);
        return;
    case OP_UNMAP:
        (void)rig_unmap(operation->address, NULL);
        return;
    case OP_SET_MARKER:
        (void)rig_set_marker(operation->address, operation->value);
        return;
    default:
        (void)rig_clear_marker(operation->address, clear_marker_status(rig_page(operation->address).number));
    }
}

/* After each store and flush: some page, and at once again the one that was just flushed. */
static void load_between_stores(void)
{
    machine_speculate(draw_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
    if (draw(PAGING_TABLE_ENTRIES < 512 ? 20 : 2000) == 0)
        machine_fill_tlb();
}

static void do_to_tables(const struct operation *operation)
{
    struct draw_source before = draw_from(draw_source_of_seed(operation->meanwhile));
    machine_observe(operation->meanwhile ? load_between_stores : NULL);
    if (operation->frames != OP_NO_LIMIT)
        machine_limit_frames((unsigned)operation->frames);
    if (operation->huge != OP_NO_LIMIT)
        machine_limit_huge((unsigned)operation->huge);
    if (operation->kind >= OP_CREATE_SIBLING)
        do_to_space(operation);
    else if (operation->kind >= OP_MAP_RANGE)
        do_to_range(operation);
    else
        do_to_page(operation);
    machine_unlimit_frames();
    machine_unlimit_huge();
    machine_observe(NULL);
    (void)draw_from(before);
}

bool operation_do(const struct operation *operation)
{
    rig.at = rig.sides[operation->space].space ? &rig.sides[operation->space] : rig.live;
    bool can = can_be_done(operation);
    if (!can || operation->kind > OP_ACCESS) {
        if (can)
            do_to_tables(operation);
    } else if (operation->kind == OP_LOAD) {
        machine_speculate(operation->address);
    } else if (operation->kind == OP_FILL) {
        machine_fill_tlb();
    } else {
        access_page(operation->address, (unsigned)operation->value);
    }
    return can && operation->kind > OP_PLANT_MARKER;
}

/* ---- a case ---- */

void world_open(const struct world *world)
{
    struct machine_setup setup = {.levels = (unsigned)world->levels,
                                  .physical_bits = PAGING_PAGE_SHIFT + (unsigned)world->frame_bits,
                                  .no_execute = world->no_execute,
                                  .pages_1g = world->pages_1g,
                                  .invpcid = world->invpcid,
                                  .frames = (unsigned)world->frames};
    if (world->several)
        rig_open_spaces_on(setup);
    else
        rig_open_on(setup);
    if (world->breaks)
        machine_break_huge();
}

/* Everything goes; the live one's own tables are left, and what it borrows. */
void world_close(void)
{
    if (rig.open)
        assert_status(rig_detach(rig.live, rig.open), PAGING_OK);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < RIG_SPACES; i++)
            if (rig.sides[i].space && &rig.sides[i] != rig.live)
                (void)rig_destroy(&rig.sides[i]); /* a lender in the second round */
    rig.at = rig.live;
    if (rig.live->shares_upper_half)
        assert_status(rig_unshare(rig.live), PAGING_OK);
    while (rig.at->model->count > 0) {
        const struct model_leaf *leaf = &rig.at->model->leaves[0];
        assert_status(rig_unmap_range(rig_address(leaf->page), paging_level_bytes(leaf->size)), PAGING_OK);
    }
    if (!rig.live->shared_owner)
        assert_int_equal(machine_frames_out(), rig.kept_frames);
    (void)rig_close(NULL);
}

void case_draw(struct test_case *test, unsigned levels)
{
    test->count = test->operations = 0;
    world_draw(&test->world, levels);
    world_open(&test->world);
    while (test->count < CASE_STEPS && !draw_is_over()) {
        operation_draw(&test->steps[test->count++]); /* on record before it is done */
        test->operations += operation_do(&test->steps[test->count - 1]);
    }
    world_close();
}

void case_do(struct test_case *test)
{
    test->operations = 0;
    world_open(&test->world);
    for (unsigned i = 0; i < test->count; i++)
        test->operations += operation_do(&test->steps[i]);
    world_close();
}
