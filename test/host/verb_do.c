/* Steps are done here: each through the rig, which judges it. */
#include "draw.h"
#include "verb.h"

/* A map this long is near its end; a single verb adds a few thousand leaves at most. */
#define MOST_LEAVES (MODEL_LEAVES / 2)

/* ---- what cannot be done is left out ---- */

/* A gigabyte of small pages would be too many: there must be a frame for the whole. */
static bool is_allocated_at_once(const struct verb *verb)
{
    uint64_t pages = verb->bytes / PAGE_BYTES, gigabyte = level_pages(PAGE_1G);
    if (ENTRY_COUNT < 512 || pages <= 4 * level_pages(PAGE_2M))
        return true;
    return verb->bytes == level_bytes(PAGE_1G) && verb->address % level_bytes(PAGE_1G) == 0 &&
           address_is_canonical(rig.model.levels, (virt_addr_t){verb->address}) &&
           rig.live->space->cpu.has_1g_pages && machine_runs_left(PAGE_1G) > 0 &&
           verb->huge == VERB_NO_LIMIT &&
           !model_overlap(rig.at->model, rig_page(verb->address).number, gigabyte);
}

static bool has_size(const struct verb *verb)
{
    return verb->size >= PAGE_4K && verb->size <= PAGE_1G && verb->size < rig.model.levels;
}

/*
 * No frame of the source's, or a page would lead to the core's tables; nor a long range of small pages. What
 * is no range is refused.
 */
static bool is_mappable(const struct verb *verb, uint64_t start)
{
    bool is_range = verb->kind >= VERB_MAP_RANGE;
    uint64_t frame = verb->to / PAGE_BYTES;
    uint64_t pages = is_range ? verb->bytes / PAGE_BYTES : 1;
    if (is_range && model_range_refusals(rig.model.levels, start, verb->bytes))
        return true;
    if (verb->kind == VERB_MAP_SIZED && !has_size(verb))
        return false;
    if (verb->kind == VERB_MAP_SIZED)
        pages = level_pages((unsigned)verb->size);
    bool is_long = ENTRY_COUNT == 512 && is_range && pages > 4 * level_pages(PAGE_2M);
    return !machine_is_the_sources(frame, pages) &&
           !(is_long && ((start - verb->to) % level_bytes(PAGE_2M) != 0));
}

/* The owner puts an entry of its own where nothing is, in a table that is there. */
static bool is_plantable(const struct verb *verb)
{
    unsigned level = (unsigned)verb->size;
    uint64_t page = rig_page(verb->address).number;
    return !rig.sides[1].model && has_size(verb) && !model_is_kept(rig.model.levels, page) &&
           model_has_table(&rig.model, level, page) &&
           !model_overlap(&rig.model, page & ~(level_pages(level) - 1), level_pages(level));
}

static bool can_be_done(const struct verb *verb)
{
    bool several = rig.sides[1].model != NULL, is_there = rig.sides[verb->space].space != NULL;
    bool other_is_there = rig.sides[verb->other].space != NULL;
    switch (verb->kind) {
    case VERB_LOAD:
    case VERB_FILL:
    case VERB_ACCESS:
        return true;
    case VERB_PLANT:
        return is_there && is_plantable(verb);
    case VERB_TRANSLATE:
        return is_there && (rig.at == rig.live || rig.at == rig.open);
    case VERB_CREATE_BESIDE:
        return several && !is_there && other_is_there;
    case VERB_OPEN:
    case VERB_CLOSE:
    case VERB_ACTIVATE:
        return several && is_there && other_is_there;
    case VERB_DESTROY:
    case VERB_LEND:
    case VERB_UNLEND:
        return several && is_there;
    case VERB_MAP_RANGE_ALLOC:
        return is_there && rig.at->model->count < MOST_LEAVES && is_allocated_at_once(verb);
    case VERB_MAP_TO:
    case VERB_MAP_SIZED:
    case VERB_MAP_RANGE:
        return is_there && rig.at->model->count < MOST_LEAVES && is_mappable(verb, verb->address);
    case VERB_IDENTITY_MAP:
    case VERB_IDENTITY_MAP_RANGE:
        return is_there && rig.at->model->count < MOST_LEAVES && is_mappable(verb, verb->to);
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

static enum paging_status unreserve_status(uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    if (rig_refuses(page) != 0)
        return rig.at == rig.open ? PAGING_SHARED : PAGING_OUT_OF_REACH;
    if (model_is_kept(rig.model.levels, page))
        return PAGING_RESERVED_SLOT;
    if (!leaf)
        return PAGING_NOT_MAPPED;
    if (!leaf->reserved)
        return PAGING_ALREADY_MAPPED;
    return leaf->page == page ? PAGING_OK : PAGING_MISALIGNED;
}

static void do_to_space(const struct verb *verb)
{
    struct rig_side *side = &rig.sides[verb->space], *other = &rig.sides[verb->other];
    switch (verb->kind) {
    case VERB_CREATE_BESIDE:
        (void)rig_create_beside(side, other);
        return;
    case VERB_DESTROY:
        (void)rig_destroy(side);
        return;
    case VERB_OPEN:
        (void)rig_open_foreign(side, other);
        return;
    case VERB_CLOSE:
        (void)rig_close_foreign(side, other);
        return;
    case VERB_ACTIVATE:
        (void)rig_activate(side, other);
        return;
    case VERB_LEND:
        (void)rig_lend(side);
        return;
    default:
        (void)rig_unlend(side);
    }
}

static void do_to_range(const struct verb *verb)
{
    switch (verb->kind) {
    case VERB_MAP_RANGE:
        (void)rig_map_range(verb->address, verb->to, verb->bytes, verb->flags);
        return;
    case VERB_MAP_RANGE_ALLOC:
        (void)rig_map_range_alloc(verb->address, verb->bytes, verb->flags);
        return;
    case VERB_IDENTITY_MAP_RANGE:
        (void)rig_identity_map_range(verb->to, verb->bytes, verb->flags);
        return;
    case VERB_UNMAP_RANGE:
        (void)rig_unmap_range(verb->address, verb->bytes);
        return;
    case VERB_PROTECT_RANGE:
        (void)rig_protect_range(verb->address, verb->bytes, verb->flags, verb->clear);
        return;
    case VERB_SPLIT:
        (void)rig_split(verb->address);
        return;
    default:
        (void)rig_merge_range(verb->address, verb->bytes);
    }
}

static void do_to_page(const struct verb *verb)
{
    uint64_t frame = verb->to / PAGE_BYTES;
    switch (verb->kind) {
    case VERB_PLANT:
        machine_flush_all(); /* because the rig writes to the count */
        rig_reserve(verb->address, (unsigned)verb->size, verb->value);
        return;
    case VERB_TRANSLATE:
        rig_translate(verb->address);
        return;
    case VERB_MAP:
        (void)rig_map(verb->address, verb->flags);
        return;
    case VERB_MAP_TO:
        (void)rig_map_to(verb->address, frame, verb->flags);
        return;
    case VERB_MAP_SIZED:
        (void)rig_map_sized(verb->address, frame, (enum page_size)verb->size, verb->flags);
        return;
    case VERB_IDENTITY_MAP:
        (void)rig_identity_map(frame, verb->flags);
        return;
    case VERB_UNMAP:
        (void)rig_unmap(verb->address, NULL);
        return;
    case VERB_RESERVE:
        (void)rig_reserve_page(verb->address, verb->value);
        return;
    default:
        (void)rig_unreserve_page(verb->address, unreserve_status(rig_page(verb->address).number));
    }
}

/* After each store and flush: some page, and at once again the one that was just flushed. */
static void load_between_stores(void)
{
    machine_speculate(draw_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
    if (draw(ENTRY_COUNT < 512 ? 20 : 2000) == 0)
        machine_fill_tlb();
}

static void do_to_tables(const struct verb *verb)
{
    struct draw_source before = draw_from(draw_source_of_seed(verb->meanwhile));
    machine_observe(verb->meanwhile ? load_between_stores : NULL);
    if (verb->frames != VERB_NO_LIMIT)
        machine_limit_frames((unsigned)verb->frames);
    if (verb->huge != VERB_NO_LIMIT)
        machine_limit_huge((unsigned)verb->huge);
    if (verb->kind >= VERB_CREATE_BESIDE)
        do_to_space(verb);
    else if (verb->kind >= VERB_MAP_RANGE)
        do_to_range(verb);
    else
        do_to_page(verb);
    machine_unlimit_frames();
    machine_unlimit_huge();
    machine_observe(NULL);
    (void)draw_from(before);
}

bool verb_do(const struct verb *verb)
{
    rig.at = rig.sides[verb->space].space ? &rig.sides[verb->space] : rig.live;
    bool can = can_be_done(verb);
    if (!can || verb->kind > VERB_ACCESS) {
        if (can)
            do_to_tables(verb);
    } else if (verb->kind == VERB_LOAD) {
        machine_speculate(verb->address);
    } else if (verb->kind == VERB_FILL) {
        machine_fill_tlb();
    } else {
        access_page(verb->address, (unsigned)verb->value);
    }
    return can && verb->kind > VERB_PLANT;
}

/* ---- a case ---- */

void world_open(const struct world *world)
{
    struct machine_setup setup = {.levels = (unsigned)world->levels,
                                  .physical_bits = PAGE_SHIFT + (unsigned)world->frame_bits,
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
        assert_status(rig_close_foreign(rig.live, rig.open), PAGING_OK);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < RIG_SPACES; i++)
            if (rig.sides[i].space && &rig.sides[i] != rig.live)
                (void)rig_destroy(&rig.sides[i]); /* a lender in the second round */
    rig.at = rig.live;
    if (rig.live->lends)
        assert_status(rig_unlend(rig.live), PAGING_OK);
    while (rig.at->model->count > 0) {
        const struct model_leaf *leaf = &rig.at->model->leaves[0];
        assert_status(rig_unmap_range(rig_address(leaf->page), level_bytes(leaf->size)), PAGING_OK);
    }
    if (!rig.live->lender)
        assert_int_equal(machine_frames_out(), rig.kept_frames);
    (void)rig_close(NULL);
}

void case_draw(struct test_case *test, unsigned levels)
{
    test->count = test->verbs = 0;
    world_draw(&test->world, levels);
    world_open(&test->world);
    while (test->count < CASE_STEPS && !draw_is_over()) {
        verb_draw(&test->steps[test->count++]); /* on record before it is done */
        test->verbs += verb_do(&test->steps[test->count - 1]);
    }
    world_close();
}

void case_do(struct test_case *test)
{
    test->verbs = 0;
    world_open(&test->world);
    for (unsigned i = 0; i < test->count; i++)
        test->verbs += verb_do(&test->steps[i]);
    world_close();
}
