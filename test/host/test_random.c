/*
 * Random sequences of verbs against the abstract map, with a processor that loads what it likes meanwhile.
 *
 * The same seed makes the same sequence: SEED=n in the environment repeats a failure, VERBS=n goes further.
 */
#include "draw.h"
#include <stdio.h>

#define VERBS (ENTRY_COUNT < 512 ? 60000u : 12000u)

/* More leaves than this make every check slow: then much is unmapped at once. */
#define MANY_LEAVES 160u

/* It loads pages while a verb is at work. */
static bool processor_is_busy;

/* After each store and flush: some page, and at once again the one that was just flushed. */
static void speculate_between_stores(void)
{
    machine_speculate(draw_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
}

static void random_map(void)
{
    unsigned size = draw_size();
    uint64_t address = rig_address(draw_page(rig_random(20) ? size : 1));
    const struct model_leaf *reserved = rig_random(4) ? NULL : draw_reserved();
    if (reserved && reserved->size <= PAGE_1G) {
        size = reserved->size;
        address = rig_address(reserved->page);
    }
    if (rig_random(16) == 0)
        machine_limit_frames((unsigned)rig_random(rig.model.levels));
    switch (rig_random(8)) {
    case 0:
        (void)rig_identity_map(not_the_sources(draw_page(1), 1), draw_map_flags());
        break;
    case 1:
    case 2:
        (void)rig_map(address, draw_map_flags());
        break;
    case 3:
    case 4:
        (void)rig_map_to(address, draw_frame(1), draw_map_flags());
        break;
    default:
        (void)rig_map_sized(address, draw_frame(size), (enum page_size)size, draw_map_flags());
    }
    machine_unlimit_frames();
}

static void random_unmap(void)
{
    uint64_t page = draw_page(draw_size());
    if (rig.model.count > 0 && rig_random(4))
        page = rig.model.leaves[rig_random(rig.model.count)].page;
    (void)rig_unmap(rig_address(page), NULL);
}

/* ---- ranges ---- */

static uint64_t split_last; /* the page that was */

static void ration_frames(void)
{
    if (rig_random(6) == 0)
        machine_limit_frames((unsigned)rig_random(rig_random(2) ? 2 : rig.model.levels + 1));
}

static void random_map_range(void)
{
    struct drawn_range range = draw_range_to_map();
    ration_frames();
    if (rig_random(16) == 0)
        (void)rig_identity_map_range(not_the_sources(range.frame, 8) * PAGE_BYTES,
                                     (1 + rig_random(8)) * PAGE_BYTES, draw_map_flags());
    else
        (void)rig_map_range(rig_address(range.page), range.frame * PAGE_BYTES, range.pages * PAGE_BYTES,
                            draw_map_flags());
    machine_unlimit_frames();
}

/* A gigabyte of small pages would be too many: a whole one, if there is a frame for it, or less. */
static bool is_small_enough(struct drawn_range *range)
{
    uint64_t gigabyte = level_pages(PAGE_1G), page = range->page & ~(gigabyte - 1);
    if (ENTRY_COUNT < 512 || range->pages <= 4 * level_pages(PAGE_2M))
        return true;
    if (machine_runs_left(PAGE_1G) == 0 || model_overlap(&rig.model, page, gigabyte)) {
        range->pages = 1 + range->pages % level_pages(PAGE_2M);
        return true;
    }
    range->page = page;
    range->pages = gigabyte;
    return false;
}

/* Just as many frames as it must have, or one more or less; and not as many huge ones as would fit. */
static void random_map_range_alloc(void)
{
    struct drawn_range range = draw_range_to_map();
    bool may_be_small = is_small_enough(&range);
    /* What is no range may be any number of pages long. */
    if (rig_random(4) == 0 && range.pages <= level_pages(rig.model.levels))
        machine_limit_frames(
            (unsigned)(model_alloc_frames(&rig.model, range.page, range.pages) + rig_random(3) - 1));
    if (may_be_small && rig_random(3) == 0)
        machine_limit_huge((unsigned)rig_random(4));
    (void)rig_map_range_alloc(rig_address(range.page), range.pages * PAGE_BYTES, draw_map_flags());
    machine_unlimit_frames();
    machine_unlimit_huge();
}

static void random_unmap_range(void)
{
    struct drawn_range range = draw_used_range();
    ration_frames();
    (void)rig_unmap_range(rig_address(range.page), range.pages * PAGE_BYTES);
    machine_unlimit_frames();
}

static void random_protect_range(void)
{
    struct drawn_range range = draw_used_range();
    uint64_t set = draw_flags(), clear = draw_flags() & (rig_random(40) ? ~set : ~0ull);
    /* What the processor sets meanwhile cannot be foretold. */
    uint64_t touched = processor_is_busy ? ENTRY_ACCESSED : 0;
    ration_frames();
    (void)rig_protect_range(rig_address(range.page), range.pages * PAGE_BYTES, set & ~touched,
                            clear & ~touched);
    machine_unlimit_frames();
}

static void random_split(void)
{
    uint64_t page = draw_page(1);
    if (rig.model.count > 0 && rig_random(8)) {
        const struct model_leaf *leaf = draw_leaf();
        page = leaf->page + rig_random(level_pages(leaf->size));
    }
    ration_frames();
    if (rig_split(rig_address(page)) == PAGING_OK)
        split_last = page;
    machine_unlimit_frames();
}

/* Mostly what was split before, because little else can be merged. */
static void random_merge(void)
{
    struct drawn_range range = draw_used_range();
    if (rig_random(4)) {
        uint64_t pages = level_pages(2 + (unsigned)rig_random(rig.model.levels > 3 ? 2 : 1));
        range.page = (rig_random(4) ? split_last : range.page) & ~(pages - 1);
        range.pages = pages;
    }
    (void)rig_merge_range(rig_address(range.page), range.pages * PAGE_BYTES);
}

/* The owner of the space puts an entry of its own where nothing is, in a table that is there. */
static void random_reserve(void)
{
    unsigned level = draw_size();
    uint64_t page = draw_page(level), pages = level_pages(level);
    if (model_is_kept(rig.model.levels, page) || !model_has_table(&rig.model, level, page) ||
        model_overlap(&rig.model, page, pages))
        return;
    machine_flush_all(); /* because the rig writes to the count */
    rig_reserve(rig_address(page), level, (2 + rig_random(1ull << 46) * 4) << 1);
}

static void random_shrink(void)
{
    const struct model_leaf *leaf = &rig.model.leaves[rig_random(rig.model.count)];
    unsigned level = 2 + (unsigned)rig_random(3);
    uint64_t pages = level_pages(level < rig.model.levels ? level : rig.model.levels);
    (void)rig_unmap_range(rig_address(leaf->page & ~(pages - 1)), pages * PAGE_BYTES);
}

static void random_access(void)
{
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_USER, WALK_USER | WALK_WRITE};
    unsigned access = accesses[rig_random(4)];
    uint64_t address = rig_address(draw_page(draw_size()));
    struct walk walk = walker_walk(machine_walker(), NULL, address, access, false);
    struct machine_access result = machine_access(address, access);
    assert_int_equal(result.faulted, walk.faulted);
    assert_int_equal(result.error, walk.faulted ? walk.error : 0);
}

static void step(void)
{
    /* The number of pages swings, so that tables keep coming and going. */
    bool grow = rig_random(ENTRY_COUNT < 512 ? 12 : 48) > rig.model.count;
    if (rig_random(64) == 0)
        machine_fill_tlb();
    for (uint64_t loads = rig_random(3); loads > 0; loads--)
        machine_speculate(draw_speculation());
    random_access();
    if (rig.model.count > MANY_LEAVES)
        rig_random(2) ? random_shrink() : random_merge();
    else if (rig_random(6) == 0)
        random_protect_range();
    else if (rig_random(24) == 0)
        random_split();
    else if (rig_random(24) == 0)
        random_merge();
    else if (rig_random(24) == 0)
        random_reserve();
    else if (grow)
        rig_random(3) ? random_map() : rig_random(2) ? random_map_range() : random_map_range_alloc();
    else
        rig_random(2) ? random_unmap() : random_unmap_range();
    rig_translate(draw_speculation());
}

static void run(uint64_t seed, uint64_t verbs, void (*meanwhile)(void))
{
    printf("# SEED=%lu VERBS=%lu\n", (unsigned long)seed, (unsigned long)verbs);
    rig_open();
    machine_break_huge();
    rig.random = seed * 2 + 1;
    split_last = 0;
    processor_is_busy = meanwhile != NULL;
    machine_observe(meanwhile);
    for (uint64_t i = 0; i < verbs; i++)
        step();
    machine_observe(NULL);
    while (rig.model.count > 0) {
        const struct model_leaf *leaf = &rig.model.leaves[0];
        uint64_t bytes = level_pages(leaf->size) * PAGE_BYTES;
        assert_status(rig_unmap_range(rig_address(leaf->page), bytes), PAGING_OK);
    }
    assert_int_equal(machine_frames_out(), rig.kept_frames);
}

static void between_verbs(void **state)
{
    (void)state;
    run(rig_environment("SEED", 1), rig_environment("VERBS", VERBS), NULL);
}

static void between_stores(void **state)
{
    (void)state;
    run(rig_environment("SEED", 2), rig_environment("VERBS", VERBS / 3), speculate_between_stores);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("random: verbs agree with the abstract map", between_verbs),
    RIG_TEST("random: the processor loads pages between stores too", between_stores),
};

RIG_MAIN("random", tests)
