/* merge: 512 pages become one, every byte stays where it was, and nobody remembers the table. */
#include "entries.h"
#include "rig_merge.h"
#include "runs.h"

#define RW        ENTRY_WRITABLE
#define NX        ENTRY_NO_EXECUTE
#define DEVICE_2M (FRAME_2M * PAGE_BYTES)
#define DEVICE_1G (FRAME_1G * PAGE_BYTES)

/* In two halves, so that the pages are small however they lie. */
static void map_small(uint64_t start, uint64_t to, uint64_t flags)
{
    assert_status(rig_map_range(start, to, MIB, flags), PAGING_OK);
    assert_status(rig_map_range(start + MIB, to + MIB, MIB, flags), PAGING_OK);
}

static void map_2m_pages(uint64_t start, uint64_t to)
{
    assert_status(rig_map_range(start, to, GIB / 2, RW), PAGING_OK);
    assert_status(rig_map_range(start + GIB / 2, to + GIB / 2, GIB / 2, RW), PAGING_OK);
}

/* With everything cached that can be. */
static void merge(uint64_t start, uint64_t bytes)
{
    machine_fill_tlb();
    assert_status(rig_merge(start, bytes), PAGING_OK);
}

/* Nothing fits together in the 2 MiB at PLACE. */
static void stays_small(void)
{
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {1, 1});
}

static void small_to_2m(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW | NX | ENTRY_SYSTEM_11);
    machine_fill(FRAME_2M + 511);
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    assert_reads(PLACE + 2 * MIB - 8, FRAME_2M + 511);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_allowed(PLACE + MIB, WALK_WRITE);
}

static void large_to_1g(void **state)
{
    (void)state;
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    machine_fill(FRAME_1G + 512);
    for (unsigned i = 0; i < 4; i++) /* what a 2 MiB page shows through the window of a P1 */
        assert_allowed(rig_window(1, PLACE + i * 2 * MIB), WALK_READ);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
    assert_reads(PLACE + 2 * MIB, FRAME_1G + 512);
}

static void both_levels_at_once(void **state)
{
    (void)state;
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    static const uint64_t small[] = {0, 2 * MIB, 512 * MIB, GIB - 2 * MIB};
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_split(PLACE + small[i]), PAGING_OK);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
}

/* Each leaf alone is small in its table; there are several tables, at the edges of one and the next. */
static void many_tables(void **state)
{
    (void)state;
    rig_open();
    for (unsigned i = 0; i < 3; i++)
        map_small(PLACE + GIB - 4 * MIB + i * 2 * MIB, DEVICE_1G + i * 2 * MIB, RW);
    merge(PLACE + GIB - 4 * MIB, 6 * MIB);
    ASSERT_RUNS(PLACE + GIB - 4 * MIB, {2, 3}, {0, 1});
}

static void undoes_split(void **state)
{
    (void)state;
    rig_open();
    static const struct {
        uint64_t frame;
        unsigned size;
    } pages[] = {{FRAME_2M, PAGE_2M}, {FRAME_1G, PAGE_1G}};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t flags = RW | ENTRY_USER | ENTRY_NO_CACHE | ENTRY_SYSTEM_9;
        assert_status(rig_map_sized(PLACE, pages[i].frame, pages[i].size, flags), PAGING_OK);
        machine_fill_tlb();
        uint64_t entry = *entry_at(PLACE, pages[i].size);
        unsigned out = machine_frames_out();
        assert_status(rig_split(PLACE), PAGING_OK);
        assert_int_equal(machine_frames_out(), out + 1);
        merge(PLACE, walker_span(machine_walker(), pages[i].size));
        assert_int_equal(*entry_at(PLACE, pages[i].size), entry);
        assert_int_equal(machine_frames_out(), out);
        assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
    }
}

/* No cache is filled here: that alone would set accessed bits. */
static void accessed_and_dirty_together(void **state)
{
    (void)state;
    rig_open();
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE};
    static const uint64_t marks[] = {0, ENTRY_ACCESSED, TOUCHED};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned page = 0; page < 512; page += 511) {
            map_small(PLACE, DEVICE_2M, RW);
            if (i > 0)
                assert_allowed(PLACE + page * 4 * KIB, accesses[i - 1]);
            assert_status(rig_merge(PLACE, 2 * MIB), PAGING_OK);
            assert_int_equal(*entry_at(PLACE, 2) & (TOUCHED | 1), marks[i] | 1);
            assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
        }
    map_small(PLACE, DEVICE_2M, RW);
    *entry_at(PLACE, 1) |= ENTRY_ACCESSED; /* in two different pages */
    *entry_at(PLACE + MIB, 1) |= ENTRY_DIRTY;
    assert_status(rig_merge(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(*entry_at(PLACE, 2) & TOUCHED, TOUCHED);
    assert_allowed(PLACE, WALK_WRITE);
}

static void page_missing(void **state)
{
    (void)state;
    rig_open();
    static const unsigned missing[] = {0, 1, 255, 511};
    for (unsigned i = 0; i < 4; i++) {
        map_small(PLACE, DEVICE_2M, RW);
        assert_status(rig_unmap(PLACE + missing[i] * 4 * KIB, NULL), PAGING_OK);
        merge(PLACE, 2 * MIB);
        assert_status(rig_map_to(PLACE + missing[i] * 4 * KIB, FRAME_2M + missing[i], RW), PAGING_OK);
        merge(PLACE, 2 * MIB);
        ASSERT_RUNS(PLACE, {2, 1});
        assert_status(rig_unmap(PLACE, NULL), PAGING_OK);
    }
}

/* GLOBAL too: so it happens in the upper half. */
static void flag_different(void **state)
{
    (void)state;
    rig_open();
    uint64_t upper = rig_address(level_pages(rig.model.levels) * (ENTRY_COUNT / 2));
    static const unsigned places[] = {0, 300, 511};
    map_small(upper, DEVICE_2M, RW);
    unsigned tried = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = (uint64_t)1 << bit;
        if ((flag & LEAF_FLAGS & ~TOUCHED & ~ENTRY_PRESENT) == 0)
            continue;
        uint64_t set = flag & ~RW, clear = flag & RW;
        for (unsigned i = 0; i < 3; i++) {
            uint64_t page = upper + places[i] * 4 * KIB;
            assert_status(rig_protect_range(page, 4 * KIB, set, clear), PAGING_OK);
            merge(upper, 2 * MIB);
            ASSERT_RUNS(upper, {1, 512});
            assert_status(rig_protect_range(page, 4 * KIB, clear, set), PAGING_OK);
        }
        tried++;
    }
    assert_int_equal(tried, 9);
    assert_status(rig_protect_range(upper, 2 * MIB, ENTRY_GLOBAL, 0), PAGING_OK);
    merge(upper, 2 * MIB);
    ASSERT_RUNS(upper, {2, 1}, {0, 1});
}

static void frame_out_of_order(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    static const uint64_t pages[] = {0, 7, 511};
    static const uint64_t frames[] = {DEVICE_FRAME, FRAME_2M + 8, FRAME_2M + 512 + 511};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = PLACE + pages[i] * 4 * KIB;
        assert_status(rig_unmap(address, NULL), PAGING_OK);
        assert_status(rig_map_to(address, frames[i], RW), PAGING_OK);
        stays_small();
        assert_status(rig_unmap(address, NULL), PAGING_OK);
        assert_status(rig_map_to(address, FRAME_2M + pages[i], RW), PAGING_OK);
    }
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1});
}

static void misaligned_frame(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M + 4 * KIB, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 4 * MIB + MIB, RW);
    merge(PLACE, 4 * MIB);
    ASSERT_RUNS(PLACE, {1, 1024});
    map_2m_pages(PLACE + GIB, DEVICE_1G + 2 * MIB);
    merge(PLACE + GIB, GIB);
    ASSERT_RUNS(PLACE + GIB, {2, 512});
}

/* The frames lie in a row and are aligned, so only their being owned speaks against it. */
static void owned_pages_stay(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.frames = 768;
    rig_open_on(setup);
    struct frame_source *source = machine_frames();
    const uint64_t first = 512;
    frame_t frame, others[768];
    unsigned count = 0;
    while (source->allocate(source, PAGE_4K, &frame))
        if (frame.number < first)
            others[count++] = frame;
    while (count > 0)
        source->release(source, PAGE_4K, others[--count]);
    assert_status(paging_map_range(&rig.space, (virt_addr_t){PLACE}, (phys_addr_t){first * PAGE_BYTES}, MIB,
                                   RW, source),
                  PAGING_OK);
    assert_status(paging_map_range(&rig.space, (virt_addr_t){PLACE + MIB},
                                   (phys_addr_t){first * PAGE_BYTES + MIB}, MIB, RW, source),
                  PAGING_OK);
    for (unsigned i = 0; i < 512; i++) {
        *entry_at(PLACE + i * 4 * KIB, 1) |= ENTRY_OWNED;
        model_add(&rig.model, (struct model_leaf){rig_page(PLACE).number + i, first + i, 1, RW, true, 0});
    }
    rig_check();
    stays_small();
    assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.kept_frames);
}

static void reserved_among_them(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    static const unsigned places[] = {0, 100, 511};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = PLACE + places[i] * 4 * KIB;
        assert_status(rig_unmap(address, NULL), PAGING_OK);
        /* It differs from the leaf that would fit by PRESENT alone. */
        rig_reserve(address, 1, (FRAME_2M + places[i]) << 12 | RW);
        merge(PLACE, 2 * MIB);
        uint64_t payload;
        assert_status(paging_unreserve(&rig.space, rig_page(address), machine_frames(), &payload), PAGING_OK);
        model_remove(&rig.model, rig_page(address).number);
        assert_status(rig_map_to(address, FRAME_2M + places[i], RW), PAGING_OK);
    }
}

static void no_1g_pages(void **state)
{
    (void)state;
    struct machine_setup setup = rig_setup();
    setup.pages_1g = false;
    rig_open_on(setup);
    map_2m_pages(PLACE, DEVICE_1G);
    assert_status(rig_split(PLACE), PAGING_OK);
    merge(PLACE, GIB);
    ASSERT_RUNS(PLACE, {2, 512}, {0, 1});
}

static void table_in_part(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 2 * MIB, RW);
    merge(PLACE, 2 * MIB - 4 * KIB);
    merge(PLACE + 4 * KIB, 2 * MIB - 4 * KIB);
    merge(PLACE + 4 * KIB, 4 * MIB - 8 * KIB);
    ASSERT_RUNS(PLACE, {1, 1024});
    merge(PLACE + 4 * KIB, 4 * MIB - 4 * KIB);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1});
    merge(PLACE - MIB, 4 * MIB);
    ASSERT_RUNS(PLACE, {2, 2}, {0, 1});
}

static void nothing_there(void **state)
{
    (void)state;
    rig_open();
    merge(PLACE, 2 * SLOT_BYTES);
    assert_status(rig_map_sized(PLACE, FRAME_2M, PAGE_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, RW), PAGING_OK);
    assert_status(rig_map(PLACE + SLOT_BYTES, RW), PAGING_OK);
    merge(PLACE, 2 * SLOT_BYTES);
}

/* Found in another project: freed tables reused while their window was cached. */
static void freed_table_is_forgotten(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    machine_fill(FRAME_2M);
    uint64_t table = *entry_at(PLACE, 2) >> 12 & 0xffffffffff;
    for (unsigned i = 0; i < 512; i++)
        assert_allowed(PLACE + i * 4 * KIB, i & 1 ? WALK_WRITE : WALK_READ);
    assert_allowed(rig_window(1, PLACE), WALK_WRITE);
    merge(PLACE, 2 * MIB);
    for (unsigned i = 0; i < 512; i++)
        assert_false(machine_caches(PLACE + i * 4 * KIB));
    assert_false(machine_caches(rig_window(1, PLACE)));
    assert_false(machine_frame_is_out(table));
    /* Its frame comes again, as data; through the window a CPU now sees the start of the huge page. */
    assert_status(rig_map(PLACE + 4 * GIB, RW), PAGING_OK);
    assert_true(machine_frame_is_out(table));
    assert_allowed(PLACE + 4 * GIB, WALK_WRITE);
    assert_reads(rig_window(1, PLACE), FRAME_2M);
    assert_reads(PLACE, FRAME_2M);
    assert_status(rig_split(PLACE), PAGING_OK);
    assert_reads(PLACE, FRAME_2M);
}

/* ---- old or new ---- */

#define PROBES 64u
static struct {
    uint64_t addresses[PROBES], before[PROBES], window_before, window_other;
    unsigned looks, others;
} watched;

/* What a program sees of a page; its size is not part of it. */
static uint64_t outcome(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    return walk.faulted ? ~(uint64_t)0
                        : walk.frame << 3 | walk.writable << 2 | walk.user << 1 | walk.executable;
}

static void look(void)
{
    watched.looks++;
    for (unsigned i = 0; i < PROBES; i++)
        if (outcome(watched.addresses[i]) != watched.before[i])
            fail_msg("%#lx translated differently while it was merged", (unsigned long)watched.addresses[i]);
    uint64_t window = outcome(rig_window(1, PLACE));
    if (window != watched.window_before && watched.others++ == 0)
        watched.window_other = window;
    if (window != watched.window_before && window != watched.window_other)
        fail_msg("the window had a third translation");
}

static void same_after_every_store(void **state)
{
    (void)state;
    rig_open();
    map_2m_pages(PLACE, DEVICE_1G);
    for (unsigned i = 0; i < 4; i++)
        assert_status(rig_split(PLACE + i * 2 * MIB), PAGING_OK);
    for (unsigned i = 0; i < PROBES; i++) {
        watched.addresses[i] = PLACE + (i < 32 ? i * 260 * KIB : i * 16 * MIB);
        watched.before[i] = outcome(watched.addresses[i]);
    }
    static const uint64_t bytes[] = {2 * MIB, GIB};
    for (unsigned i = 0; i < 2; i++) {
        watched.window_before = outcome(rig_window(1, PLACE));
        watched.looks = watched.others = 0;
        machine_fill_tlb();
        machine_observe(look);
        assert_status(rig_merge(PLACE, bytes[i]), PAGING_OK);
        machine_observe(NULL);
        /* Per table: the leaf's store, the flush, and the scratch page that looks at the table once more. */
        assert_int_equal(watched.looks, i == 0 ? 6 : 24);
    }
    ASSERT_RUNS(PLACE, {3, 1}, {0, 1});
}

static void write_to_the_sixth_page(void)
{
    machine_observe(NULL);
    assert_false(machine_access(PLACE + 20 * KIB, WALK_WRITE).faulted);
}

/* Through a path that is cached until the flush, the processor still finds the table and marks a page. */
static void marked_meanwhile(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    assert_allowed(PLACE + 20 * KIB, WALK_READ);
    assert_false(*entry_at(PLACE + 20 * KIB, 1) & ENTRY_DIRTY);
    machine_observe(write_to_the_sixth_page);
    assert_status(paging_merge_range(&rig.space, (virt_addr_t){PLACE}, 2 * MIB, machine_frames()), PAGING_OK);
    assert_true(*entry_at(PLACE, 2) & ENTRY_HUGE);
    assert_true(*entry_at(PLACE, 2) & ENTRY_DIRTY);
}

static void refusals(void **state)
{
    (void)state;
    rig_open();
    uint64_t half = (uint64_t)1 << (address_bits(rig.model.levels) - 1);
    uint64_t slot = level_bytes(rig.model.levels);
    uint64_t window = rig_address(level_pages(rig.model.levels) * PAGING_RECURSIVE_SLOT);
    map_small(PLACE, DEVICE_2M, RW);
    assert_status(rig_merge(PLACE, 0), PAGING_EMPTY_RANGE);
    assert_status(rig_merge(PLACE + 8, 2 * MIB), PAGING_MISALIGNED);
    assert_status(rig_merge(PLACE, 2 * MIB + 8), PAGING_MISALIGNED);
    assert_status(rig_merge(half, 4 * KIB), PAGING_NOT_CANONICAL);
    assert_status(rig_merge(half - 4 * KIB, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_merge(0 - (uint64_t)4 * KIB, 8 * KIB), PAGING_RANGE_TOO_LONG);
    assert_status(rig_merge(PLACE, half), PAGING_RANGE_TOO_LONG);
    assert_status(rig_merge(window, 4 * KIB), PAGING_RESERVED_SLOT);
    assert_status(rig_merge(window - 4 * KIB, 8 * KIB), PAGING_RESERVED_SLOT);
    assert_status(rig_merge(window + slot - 4 * KIB, 4 * KIB), PAGING_RESERVED_SLOT);
    merge(PLACE, 2 * MIB);
}

/* Somebody else has written to the tables: then nothing is merged, not even before the place. */
static void malformed(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    map_small(PLACE + 2 * MIB, DEVICE_2M + 2 * MIB, RW);
    static const uint64_t bad[] = {(uint64_t)1 << 51, (uint64_t)1 << 46};
    for (unsigned level = 2; level <= rig.model.levels; level++)
        for (unsigned i = 0; i < 2; i++) {
            uint64_t entry = *entry_at(PLACE + 2 * MIB, level);
            entry_write(PLACE + 2 * MIB, level, entry | bad[i]);
            machine_snapshot();
            struct rig_before before = rig_look_before(1u << PAGING_MALFORMED);
            enum paging_status status =
                paging_merge_range(&rig.space, (virt_addr_t){PLACE}, 4 * MIB, machine_frames());
            rig_judge_status(&before, status);
            entry_write(PLACE + 2 * MIB, level, entry);
        }
    merge(PLACE, 4 * MIB);
    ASSERT_RUNS(PLACE, {2, 2}, {0, 1});
}

/* Frames are only given back: none is asked for, so a source that is dry does not matter. */
static void no_frames_needed(void **state)
{
    (void)state;
    rig_open();
    map_small(PLACE, DEVICE_2M, RW);
    machine_limit_frames(0);
    merge(PLACE, 2 * MIB);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("merge: 512 x 4K become 2M", small_to_2m),
    RIG_TEST("merge: 512 x 2M become 1G", large_to_1g),
    RIG_TEST("merge: both levels at once", both_levels_at_once),
    RIG_TEST("merge: tables at the edges of one and the next", many_tables),
    RIG_TEST("merge: undoes split, byte for byte", undoes_split),
    RIG_TEST("merge: accessed and dirty of all pages together", accessed_and_dirty_together),
    RIG_TEST("merge: not if a page is missing", page_missing),
    RIG_TEST("merge: not if one flag of one page is different", flag_different),
    RIG_TEST("merge: not if a frame is out of order", frame_out_of_order),
    RIG_TEST("merge: not if the first frame is misaligned", misaligned_frame),
    RIG_TEST("merge: owned pages stay as they are", owned_pages_stay),
    RIG_TEST("merge: not over the owner's entry", reserved_among_them),
    RIG_TEST("merge: no 1G where the processor has none", no_1g_pages),
    RIG_TEST("merge: a table that lies in the range in part stays", table_in_part),
    RIG_TEST("merge: nothing to merge: no store, no flush", nothing_there),
    RIG_TEST("merge: the freed table's window is forgotten too", freed_table_is_forgotten),
    RIG_TEST("merge: after every store each page translates the same", same_after_every_store),
    RIG_TEST("merge: the processor marks a page meanwhile", marked_meanwhile),
    RIG_TEST("merge: what is no range is refused", refusals),
    RIG_TEST("merge: malformed tables are refused, and nothing has changed", malformed),
    RIG_TEST("merge: needs no frame", no_frames_needed),
};

RIG_MAIN("merge", tests)
