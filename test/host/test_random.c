/*
 * Random sequences of verbs against the abstract map, with a processor that loads what it likes meanwhile.
 *
 * The same seed makes the same sequence: SEED=n in the environment repeats a failure, VERBS=n goes further.
 */
#include "rig.h"
#include <stdio.h>

#define VERBS (ENTRY_COUNT < 512 ? 60000u : 12000u)

/* More leaves than this make every check slow: then much is unmapped at once. */
#define MANY_LEAVES 160u

/* It loads pages while a verb is at work. */
static bool processor_is_busy;

static uint64_t random_place(void)
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

/* Aligned to some size, because uniform draws never are; half of them where something is already. */
static uint64_t random_page(unsigned size)
{
    uint64_t page = random_place(), all = level_pages(rig.model.levels) * ENTRY_COUNT;
    if (rig.model.count > 0 && rig_random(2)) {
        const struct model_leaf *near = &rig.model.leaves[rig_random(rig.model.count)];
        page = near->page + (rig_random(3) - 1) * level_pages(1 + (unsigned)rig_random(3));
    }
    return page % all & ~(level_pages(size) - 1);
}

static unsigned random_size(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    return rig_random(2) ? 1 : 1 + (unsigned)rig_random(most);
}

static uint64_t random_flags(void)
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

/* Frames that are not the source's: else a page of ours would lead to the core's tables. */
static uint64_t not_the_sources(uint64_t frame, unsigned size)
{
    uint64_t lowest = size == PAGE_1G ? FRAME_1G : DEVICE_FRAME;
    if (ENTRY_COUNT < 512)
        lowest = 512;
    return frame < lowest ? frame + lowest : frame;
}

static uint64_t random_frame(unsigned size)
{
    uint64_t frame = rig_random(ENTRY_COUNT < 512 ? 64 : 0x70000);
    if (rig_random(40) == 0)
        frame = 1ull << rig_random(48);
    if (rig_random(20))
        frame &= ~(level_pages(size) - 1);
    return not_the_sources(frame, size);
}

/* An address a processor might load on its own: a page in use, or any table's window. */
static uint64_t random_speculation(void)
{
    uint64_t address = rig_address(random_page(random_size()));
    return rig_random(3) ? rig_window(1 + (unsigned)rig_random(rig.model.levels), address) : address;
}

/* After each store and flush: some page, and at once again the one that was just flushed. */
static void speculate_between_stores(void)
{
    machine_speculate(random_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
}

static void random_map(void)
{
    unsigned size = random_size();
    uint64_t address = rig_address(random_page(rig_random(20) ? size : 1));
    if (rig_random(16) == 0)
        machine_limit_frames((unsigned)rig_random(rig.model.levels));
    switch (rig_random(8)) {
    case 0:
        (void)rig_identity_map(not_the_sources(random_page(1), 1), random_flags());
        break;
    case 1:
    case 2:
        (void)rig_map(address, random_flags());
        break;
    case 3:
    case 4:
        (void)rig_map_to(address, random_frame(1), random_flags());
        break;
    default:
        (void)rig_map_sized(address, random_frame(size), (enum page_size)size, random_flags());
    }
    machine_unlimit_frames();
}

static void random_unmap(void)
{
    uint64_t page = random_page(random_size());
    if (rig.model.count > 0 && rig_random(4))
        page = rig.model.leaves[rig_random(rig.model.count)].page;
    (void)rig_unmap(rig_address(page), NULL);
}

/* ---- ranges ---- */

static uint64_t split_last; /* the page that was */

struct random_range {
    uint64_t page, pages, frame;
};

/* A few pages; or about as many as an entry of some level maps, exactly so or with ragged edges. */
static uint64_t random_length(unsigned size)
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

/* Now and then a large one, and a start that is near what is there and half the time ragged. */
static struct random_range random_range(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    unsigned size = rig_random(4) ? 1 : 1 + (unsigned)rig_random(rig_random(4) ? 2 : most);
    struct random_range range = {random_page(size), random_length(size), 0};
    uint64_t all = level_pages(rig.model.levels) * ENTRY_COUNT;
    if (rig_random(2))
        range.page += rig_random(9) - 4;
    range.page %= all;
    if (ENTRY_COUNT < 512 && rig_random(8)) { /* there, most ranges would leave the half that is free */
        range.page %= all / 2;
        range.pages = 1 + (range.pages - 1) % (all / 2 - range.page);
    }
    /* As far from a boundary as the page is; of a long range always, or it would be a million pages. */
    unsigned alike = range.pages > 2 * level_pages(2) || rig_random(2) ? 2 + (unsigned)rig_random(2) : 1;
    range.frame = random_frame(3);
    if (alike > 1)
        range.frame = (range.frame & ~(level_pages(3) - 1)) + range.page % level_pages(alike);
    return range;
}

/* Half the time a huge one, if there is one. */
static const struct model_leaf *random_leaf(void)
{
    unsigned first = (unsigned)rig_random(rig.model.count);
    const struct model_leaf *leaf = &rig.model.leaves[first];
    bool wants_huge = rig_random(2);
    for (unsigned i = 1; wants_huge && leaf->size == 1 && i < rig.model.count; i++)
        leaf = &rig.model.leaves[(first + i) % rig.model.count];
    return leaf;
}

/* Mostly one that begins or ends inside of something. */
static struct random_range random_used_range(void)
{
    struct random_range range = random_range();
    if (rig.model.count == 0 || rig_random(4) == 0)
        return range;
    const struct model_leaf *leaf = random_leaf();
    uint64_t page = leaf->page + rig_random(2) * rig_random(level_pages(leaf->size));
    range.page = page >= range.pages && rig_random(2) ? page + 1 - range.pages : page;
    return range;
}

static void ration_frames(void)
{
    if (rig_random(6) == 0)
        machine_limit_frames((unsigned)rig_random(rig_random(2) ? 2 : rig.model.levels + 1));
}

static void random_map_range(void)
{
    struct random_range range = random_range();
    ration_frames();
    if (rig_random(16) == 0)
        (void)rig_identity_map_range(not_the_sources(range.frame, 1) * PAGE_BYTES,
                                     (1 + rig_random(8)) * PAGE_BYTES, random_flags());
    else
        (void)rig_map_range(rig_address(range.page), range.frame * PAGE_BYTES, range.pages * PAGE_BYTES,
                            random_flags());
    machine_unlimit_frames();
}

static void random_unmap_range(void)
{
    struct random_range range = random_used_range();
    ration_frames();
    (void)rig_unmap_range(rig_address(range.page), range.pages * PAGE_BYTES);
    machine_unlimit_frames();
}

static void random_protect_range(void)
{
    struct random_range range = random_used_range();
    uint64_t set = random_flags(), clear = random_flags() & (rig_random(40) ? ~set : ~0ull);
    /* What the processor sets meanwhile cannot be foretold. */
    uint64_t touched = processor_is_busy ? ENTRY_ACCESSED : 0;
    ration_frames();
    (void)rig_protect_range(rig_address(range.page), range.pages * PAGE_BYTES, set & ~touched,
                            clear & ~touched);
    machine_unlimit_frames();
}

static void random_split(void)
{
    uint64_t page = random_page(1);
    if (rig.model.count > 0 && rig_random(8)) {
        const struct model_leaf *leaf = random_leaf();
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
    struct random_range range = random_used_range();
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
    unsigned level = random_size();
    uint64_t page = random_page(level), pages = level_pages(level);
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
    uint64_t address = rig_address(random_page(random_size()));
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
        machine_speculate(random_speculation());
    random_access();
    if (rig.model.count > MANY_LEAVES)
        rig_random(2) ? random_shrink() : random_merge();
    else if (rig_random(6) == 0)
        random_protect_range();
    else if (rig_random(24) == 0)
        random_split();
    else if (rig_random(24) == 0)
        random_merge();
    else if (rig_random(48) == 0)
        random_reserve();
    else if (grow)
        rig_random(3) ? random_map() : random_map_range();
    else
        rig_random(2) ? random_unmap() : random_unmap_range();
    rig_translate(random_speculation());
}

static void run(uint64_t seed, uint64_t verbs, void (*meanwhile)(void))
{
    printf("# SEED=%lu VERBS=%lu\n", (unsigned long)seed, (unsigned long)verbs);
    rig_open();
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
