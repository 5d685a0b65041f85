/*
 * Several spaces at random: one is live, one may be open, some share an upper half; verbs are about any.
 *
 * Each has its abstract map, and what they are to each other is known too, so that every status is expected.
 * SEED=n in the environment repeats a failure, VERBS=n goes further.
 */
#include "rig_spaces.h"
#include <stdio.h>

#define REAL  (ENTRY_COUNT == 512)
#define VERBS (REAL ? 360u : 30000u)

/* So long a world lasts: in the end all spaces share one half, because what is made beside one borrows. */
#define EPISODE 120u

/* More leaves than this make every check slow: then much is unmapped at once. */
#define MANY_LEAVES (REAL ? 60u : 24u)

/* ---- places ---- */

static unsigned random_size(void)
{
    unsigned most = rig.model.levels > 3 ? 3 : rig.model.levels - 1;
    return rig_random(2) ? 1 : 1 + (unsigned)rig_random(most);
}

/* In both halves a few entries of each table, so that tables come and go, and now and then a kept slot. */
static uint64_t random_page(unsigned size)
{
    uint64_t all = level_pages(rig.model.levels) * ENTRY_COUNT;
    uint64_t start = rig_random(2) ? rig_page(rig_upper_place()).number : REAL ? PLACE / PAGE_BYTES : 0;
    uint64_t page = start;
    for (unsigned level = 1; level < rig.model.levels; level++)
        page += level_pages(level) * rig_random(level < 4 ? 3 : 2);
    if (rig_random(16) == 0)
        page += level_pages(rig.model.levels) * rig_random(4);
    if (rig.at->model->count > 0 && rig_random(2))
        page = rig.at->model->leaves[rig_random(rig.at->model->count)].page;
    return page % all & ~(level_pages(size) - 1);
}

/* Not the frame source's. */
static uint64_t random_frame(unsigned size)
{
    if (!REAL)
        return 1024 + rig_random(256) / level_pages(size) * level_pages(size);
    if (size == PAGE_4K)
        return DEVICE_FRAME + rig_random(8);
    return size == PAGE_2M ? FRAME_2M + level_pages(2) * rig_random(4) : FRAME_1G;
}

static uint64_t random_flags(uint64_t page)
{
    static const uint64_t any[] = {ENTRY_WRITABLE, ENTRY_USER, ENTRY_NO_EXECUTE, ENTRY_SYSTEM_9};
    uint64_t flags = 0;
    for (unsigned i = 0; i < sizeof(any) / sizeof(*any); i++)
        flags |= rig_random(2) ? any[i] : 0;
    bool global = rig_random(2) && (model_is_upper(&rig.model, page) || rig_random(40) == 0);
    uint64_t bad = rig_random(40) == 0 ? 1ull << rig_random(64) : 0;
    return flags | (global ? ENTRY_GLOBAL : 0) | (bad & ~MAP_OVER_RESERVED);
}

static bool is_in_reach(const struct rig_side *side)
{
    return side == rig.live || side == rig.open;
}

static struct rig_side *random_side(bool exists)
{
    unsigned first = (unsigned)rig_random(RIG_SPACES);
    for (unsigned i = 0; i < RIG_SPACES; i++) {
        struct rig_side *side = &rig.sides[(first + i) % RIG_SPACES];
        if ((side->space != NULL) == exists)
            return side;
    }
    return NULL;
}

/* ---- the processor ---- */

static uint64_t random_speculation(void)
{
    uint64_t address = rig_address(random_page(random_size()));
    unsigned level = 1 + (unsigned)rig_random(rig.model.levels);
    switch (rig_random(3)) {
    case 0:
        return address;
    case 1:
        return rig_window(level, address);
    default:
        return PAGING_FOREIGN_SLOT < ENTRY_COUNT ? rig_foreign_window(level, address) : address;
    }
}

static void load_between_stores(void)
{
    machine_speculate(random_speculation());
    if (machine_flushes() > 0)
        machine_speculate(machine_flushed(machine_flushes() - 1));
    if (rig_random(REAL ? 2000 : 20) == 0)
        machine_fill_tlb();
}

static void random_access(void)
{
    uint64_t address = rig_address(random_page(1));
    unsigned access = rig_random(2) ? WALK_READ : WALK_USER;
    struct walk walk = walker_walk(machine_walker(), NULL, address, access, false);
    struct machine_access result = machine_access(address, access);
    assert_int_equal(result.faulted, walk.faulted);
    assert_int_equal(result.error, walk.faulted ? walk.error : 0);
}

/* ---- verbs ---- */

static void random_map(void)
{
    unsigned size = random_size();
    uint64_t page = random_page(size), address = rig_address(page), flags = random_flags(page);
    flags |= rig_random(4) ? 0 : MAP_OVER_RESERVED;
    switch (rig_random(5)) {
    case 0:
        (void)rig_map_to(address, random_frame(1), flags);
        break;
    case 1:
        (void)rig_map(address, flags);
        break;
    case 2:
        (void)rig_reserve_page(address, 1 + rig_random(1 << 20));
        break;
    default:
        (void)rig_map_sized(address, random_frame(size), (enum page_size)size, flags);
    }
}

/* A few pages, or whole tables of them with ragged ends. */
static uint64_t random_length(void)
{
    uint64_t pages = 1 + rig_random(6);
    if (rig_random(2))
        pages += level_pages(2) * (1 + rig_random(2));
    return pages;
}

static void random_map_range(void)
{
    uint64_t page = random_page(random_size()), pages = random_length();
    uint64_t flags = random_flags(page);
    if (rig_random(2)) {
        (void)rig_map_range_alloc(rig_address(page), (1 + rig_random(12)) * PAGE_BYTES, flags);
        return;
    }
    uint64_t frame = random_frame(2) + page % level_pages(2);
    (void)rig_map_range(rig_address(page), frame * PAGE_BYTES, pages * PAGE_BYTES, flags);
}

static void random_change(void)
{
    uint64_t page = random_page(random_size()), start = rig_address(page);
    uint64_t bytes = random_length() * PAGE_BYTES;
    uint64_t set = random_flags(page), clear = random_flags(page) & ~set;
    switch (rig_random(4)) {
    case 0:
        (void)rig_split(start);
        break;
    case 1:
        page &= ~(level_pages(2) - 1);
        (void)rig_merge_range(rig_address(page), level_bytes(2));
        break;
    default:
        (void)rig_protect_range(start, bytes, set & ~ENTRY_ACCESSED, clear & ~ENTRY_ACCESSED);
    }
}

static enum paging_status unreserve_status(uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(rig.at->model, page, 1);
    if (rig_refuses(page) != 0)
        return is_in_reach(rig.at) ? PAGING_SHARED : PAGING_OUT_OF_REACH;
    if (model_is_kept(rig.model.levels, page))
        return PAGING_RESERVED_SLOT;
    if (!leaf)
        return PAGING_NOT_MAPPED;
    return leaf->reserved ? PAGING_OK : PAGING_ALREADY_MAPPED;
}

static void random_unmap(void)
{
    uint64_t page = random_page(random_size());
    switch (rig_random(4)) {
    case 0:
        (void)rig_unreserve_page(rig_address(page), unreserve_status(page));
        break;
    case 1:
        (void)rig_unmap_range(rig_address(page), random_length() * PAGE_BYTES);
        break;
    default:
        (void)rig_unmap(rig_address(page), NULL);
    }
}

/* All that one table of the second or third level maps. */
static void shrink(void)
{
    uint64_t page = rig.at->model->leaves[rig_random(rig.at->model->count)].page;
    unsigned level = rig.model.levels > 3 ? 3 + (unsigned)rig_random(2) : 3;
    page &= ~(level_pages(level) - 1);
    (void)rig_unmap_range(rig_address(page), level_bytes(level));
}

static void random_verb(void)
{
    struct rig_side *any = random_side(true);
    rig.at = rig_random(8) == 0 ? any : rig_random(2) && rig.open ? rig.open : rig.live;
    if (rig.at->model->count > MANY_LEAVES)
        shrink();
    else if (rig_random(4) == 0)
        random_change();
    else if (rig_random(12) > rig.at->model->count || rig_random(3) == 0)
        rig_random(3) ? random_map() : random_map_range();
    else
        random_unmap();
    if (is_in_reach(rig.at))
        rig_translate(rig_address(random_page(random_size())));
}

/* ---- spaces ---- */

/* Mostly what can be, so that most combinations are met; now and then anything. */
static void random_space_verb(void)
{
    struct rig_side *any = random_side(true), *none = random_side(false);
    struct rig_side *active = rig_random(12) ? rig.live : any, *other = random_side(true);
    switch (rig_random(10)) {
    case 0:
    case 1:
        if (none)
            (void)rig_create_beside(none, rig_random(4) ? rig.live : any);
        break;
    case 2:
        (void)rig_destroy(any);
        break;
    case 3:
    case 4:
        (void)rig_open_foreign(active, other);
        break;
    case 5:
        (void)rig_close_foreign(active, rig.open && rig_random(12) ? rig.open : other);
        break;
    case 6:
    case 7:
        if (rig.open && rig_random(2))
            (void)rig_close_foreign(rig.live, rig.open);
        (void)rig_activate(active, other);
        break;
    case 8:
        (void)rig_lend(rig_random(2) ? rig.live : any);
        break;
    default:
        (void)rig_unlend(rig_random(2) ? rig.live : any);
    }
}

static void ration_frames(void)
{
    if (rig_random(8) == 0)
        machine_limit_frames((unsigned)rig_random(rig.model.levels + 2));
}

static void step(void)
{
    if (rig_random(REAL ? 48 : 8) == 0)
        machine_fill_tlb();
    for (uint64_t loads = rig_random(6); loads > 0; loads--)
        machine_speculate(random_speculation());
    random_access();
    ration_frames();
    if (rig_random(4))
        random_verb();
    else
        random_space_verb();
    machine_unlimit_frames();
}

/* Everything goes; the live one's own tables are left, and those it lends. */
static void take_apart(void)
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
        (void)rig_unmap_range(rig_address(leaf->page), level_bytes(leaf->size));
    }
    if (!rig.live->lender)
        assert_int_equal(machine_frames_out(), rig.kept_frames);
}

/* One stands alone; of the others some borrow, mostly. */
static void put_together(void)
{
    (void)rig_create_beside(&rig.sides[1], &rig.sides[0]);
    if (rig_random(4))
        (void)rig_lend(&rig.sides[0]);
    (void)rig_create_beside(&rig.sides[2], &rig.sides[0]);
    if (rig_random(2))
        (void)rig_create_beside(&rig.sides[3], &rig.sides[0]);
}

static void run(uint64_t seed, uint64_t verbs, void (*meanwhile)(void))
{
    printf("# SEED=%lu VERBS=%lu\n", (unsigned long)seed, (unsigned long)verbs);
    uint64_t random = seed * 2 + 1;
    for (uint64_t i = 0; i < verbs; i += EPISODE) {
        rig_open_spaces();
        rig.random = random;
        put_together();
        machine_observe(meanwhile);
        for (unsigned n = 0; n < EPISODE; n++)
            step();
        machine_observe(NULL);
        random = rig.random;
        take_apart();
        rig_close(NULL);
    }
}

static void between_verbs(void **state)
{
    (void)state;
    run(rig_environment("SEED", 1), rig_environment("VERBS", VERBS), NULL);
}

static void between_stores(void **state)
{
    (void)state;
    run(rig_environment("SEED", 2), rig_environment("VERBS", VERBS / 2), load_between_stores);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("spaces: random verbs on several agree with their abstract maps", between_verbs),
    RIG_TEST("spaces: the same while the processor loads pages between stores", between_stores),
};

RIG_MAIN("spaces_random", tests)
