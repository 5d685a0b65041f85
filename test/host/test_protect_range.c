/* protect_range and split: other rights or smaller pages, and every byte where it was. */
#include "runs.h"

#define RW      ENTRY_WRITABLE
#define NX      ENTRY_NO_EXECUTE
#define TOUCHED (ENTRY_ACCESSED | ENTRY_DIRTY)

static void map(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    assert_status(rig_map_range(start, to, bytes, flags), PAGING_OK);
}

/* With everything cached that can be. */
static void protect(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    machine_fill_tlb();
    assert_status(rig_protect_range(start, bytes, set, clear), PAGING_OK);
}

static void split(uint64_t address)
{
    machine_fill_tlb();
    assert_status(rig_split(address), PAGING_OK);
}

static uint64_t entry_of(uint64_t address)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    assert_false(walk.faulted);
    return walk.entry;
}

static void writable_off_and_on(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE + 4 * KIB, 64 * KIB, RW);
    machine_fill(DEVICE_FRAME + 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_allowed(PLACE + 4 * KIB, WALK_WRITE);
        protect(PLACE + 4 * KIB, 8 * KIB, 0, RW);
        assert_refused(PLACE + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_refused(PLACE + 12 * KIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_allowed(PLACE, WALK_WRITE);
        assert_allowed(PLACE + 12 * KIB, WALK_WRITE);
        assert_reads(PLACE + 4 * KIB, DEVICE_FRAME + 2);
        protect(PLACE, 64 * KIB, RW, 0);
    }
    rig_check();
}

static void no_execute_and_user(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    machine_fill(FRAME_1G);
    assert_allowed(PLACE, WALK_FETCH);
    protect(PLACE, 2 * MIB, NX, 0);
    assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
    assert_refused(PLACE, WALK_USER, WALK_PRESENT | WALK_USER);
    protect(PLACE, 2 * MIB, ENTRY_USER, RW | NX);
    assert_allowed(PLACE, WALK_FETCH | WALK_USER);
    assert_refused(PLACE, WALK_WRITE | WALK_USER, WALK_PRESENT | WALK_WRITE | WALK_USER);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    protect(PLACE, 2 * MIB, 0, ENTRY_USER);
    assert_refused(PLACE, WALK_USER, WALK_PRESENT | WALK_USER);
    rig_check();
}

static void other_flags(void **state)
{
    (void)state;
    rig_open();
    uint64_t upper = rig_address(level_pages(rig.model.levels) * (ENTRY_COUNT / 2));
    map(PLACE, DEVICE_1G - 4 * KIB, 2 * MIB, ENTRY_SYSTEM_10);
    protect(PLACE, 8 * KIB, ENTRY_NO_CACHE | ENTRY_SYSTEM_11, ENTRY_SYSTEM_10);
    protect(PLACE, 8 * KIB, ENTRY_WRITE_THROUGH | ENTRY_SYSTEM_BITS, ENTRY_NO_CACHE);
    map(upper, DEVICE_1G, 4 * MIB, 0);
    protect(upper, 4 * MIB, ENTRY_GLOBAL, 0);
    protect(upper, 2 * MIB, RW | NX, 0);
    assert_int_equal(entry_of(upper) & (ENTRY_GLOBAL | RW), ENTRY_GLOBAL | RW);
    protect(upper + 4 * KIB, 4 * KIB, 0, ENTRY_GLOBAL);
    ASSERT_RUNS(upper, {1, 512}, {2, 1}, {0, 1});
}

/* The processor's bits stay, unless they are named. */
static void accessed_and_dirty(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE, 12 * KIB, RW);
    assert_allowed(PLACE, WALK_WRITE);
    assert_allowed(PLACE + 4 * KIB, WALK_READ);
    assert_status(rig_protect_range(PLACE, 12 * KIB, NX, 0), PAGING_OK);
    static const uint64_t touched[] = {TOUCHED, ENTRY_ACCESSED, 0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(entry_of(PLACE + i * 4 * KIB) & TOUCHED, touched[i]);
    assert_status(rig_protect_range(PLACE, 12 * KIB, 0, TOUCHED), PAGING_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(entry_of(PLACE + i * 4 * KIB) & TOUCHED, 0);
    assert_allowed(PLACE, WALK_WRITE); /* and the processor sets them again: it had to forget them */
    assert_int_equal(entry_of(PLACE) & TOUCHED, TOUCHED);
    assert_status(rig_protect_range(PLACE, 12 * KIB, TOUCHED, NX), PAGING_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(entry_of(PLACE + i * 4 * KIB) & TOUCHED, TOUCHED);
}

static void holes_and_reserved(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE, 4 * KIB, RW);
    map(PLACE + 4 * MIB, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + 5 * GIB, DEVICE_1G, GIB, RW);
    rig_reserve(PLACE + 4 * KIB, 1, 0xfffffffffffffffc);
    rig_reserve(PLACE + 2 * MIB, 2, 0x82);
    protect(PLACE - GIB, SLOT_BYTES, 0, RW);
    static const uint64_t places[] = {0, 4 * MIB, 5 * GIB};
    for (unsigned i = 0; i < 3; i++)
        assert_refused(PLACE + places[i], WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_int_equal(rig.model.count, 5);
}

/* The rig judges that no byte, frame or flush is spent. */
static void nothing_to_change(void **state)
{
    (void)state;
    rig_open();
    machine_limit_frames(6);
    protect(PLACE, SLOT_BYTES, RW, NX);
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + GIB, DEVICE_1G, GIB, RW);
    machine_limit_frames(0); /* a huge page that is covered in part stays whole */
    protect(PLACE + 4 * KIB, 4 * KIB, RW, NX);
    protect(PLACE + 4 * KIB, 4 * KIB, 0, 0);
    protect(PLACE + GIB + 2 * MIB, 2 * MIB, RW, 0);
    protect(PLACE + MIB, GIB, RW, ENTRY_USER);
    assert_allowed(PLACE, WALK_WRITE);
    protect(PLACE + 4 * KIB, 4 * KIB, RW | TOUCHED, 0);
    ASSERT_RUNS(PLACE, {2, 1}, {0, 1});
    ASSERT_RUNS(PLACE + GIB, {3, 1}, {0, 1});
}

/* One edge page changes and the other does not: only one is split. */
static void only_what_changes_is_split(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, 0);
    map(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW);
    unsigned out = machine_frames_out();
    protect(PLACE + MIB, 2 * MIB, 0, RW);
    ASSERT_RUNS(PLACE, {2, 1}, {1, 512}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 1);
    assert_refused(PLACE + 3 * MIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 3 * MIB, WALK_WRITE);
    rig_check();
}

static void edges_in_huge_pages(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, GIB, RW);
    unsigned out = machine_frames_out();
    protect(PLACE + 4 * MIB + 4 * KIB, 4 * KIB, NX, RW);
    ASSERT_RUNS(PLACE, {2, 2}, {1, 512}, {2, 509}, {0, 1});
    assert_int_equal(machine_frames_out() - out, 2);
    assert_refused(PLACE + 4 * MIB + 4 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_allowed(PLACE + 4 * MIB, WALK_WRITE);
    assert_allowed(PLACE + 4 * MIB + 8 * KIB, WALK_WRITE);
    protect(PLACE + 2 * MIB - 4 * KIB, 2 * MIB, 0, RW);
    ASSERT_RUNS(PLACE, {1, 1536}, {2, 509}, {0, 1});
    protect(PLACE, GIB, 0, RW);
    assert_refused(PLACE + GIB - 8, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    rig_check();
}

static void refuses_flags(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = 1ull << bit;
        assert_status(rig_protect_range(PLACE + 4 * KIB, 4 * KIB, flag, flag), PAGING_BAD_FLAGS);
        bool known = (flag & LEAF_FLAGS) && flag != ENTRY_PRESENT;
        if (!known)
            assert_status(rig_protect_range(PLACE, 2 * MIB, 0, flag), PAGING_BAD_FLAGS);
        if (!known || flag == ENTRY_GLOBAL)
            assert_status(rig_protect_range(PLACE, 2 * MIB, flag, 0), PAGING_BAD_FLAGS);
        else
            protect(PLACE, 2 * MIB, flag, 0);
    }
}

static void out_of_frames(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        rig_open();
        map(PLACE, DEVICE_1G, 2 * GIB, RW);
        uint64_t start = PLACE + GIB - (same ? 16 * MIB : 4 * KIB);
        unsigned needed = same ? 3 : 4;
        for (unsigned left = 0; left <= needed; left++) {
            machine_limit_frames(left);
            machine_fill_tlb();
            assert_status(rig_protect_range(start + (same ? 4 * KIB : 0), same ? 8 * MIB : 8 * KIB, 0, RW),
                          left < needed ? PAGING_NO_FRAMES : PAGING_OK);
        }
        machine_limit_frames(0);
        assert_status(rig_split(PLACE + 2 * GIB - 4 * KIB), PAGING_NO_FRAMES);
    }
}

static void touch_the_second_page(void)
{
    machine_speculate(PLACE + 3 * MIB);
}

/* The page at the end needs no change when the verb looks; then the processor marks it, and no frame is there
 * to split it with. */
static void marked_meanwhile(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW | ENTRY_ACCESSED);
    map(PLACE + 2 * MIB, DEVICE_1G, 2 * MIB, RW);
    machine_limit_frames(1);
    machine_observe(touch_the_second_page);
    assert_status(rig_protect_range(PLACE + MIB, 2 * MIB, 0, ENTRY_ACCESSED), PAGING_OK);
    machine_observe(NULL);
    ASSERT_RUNS(PLACE, {1, 512}, {2, 1}, {0, 1});
}

/* ---- split ---- */

static unsigned stores_seen;

/* Not at the first store, which only points the scratch page at the new table, but while that is filled. */
static void write_to_the_page(void)
{
    if (++stores_seen < 100)
        return;
    machine_observe(NULL);
    assert_false(machine_access(PLACE + 20 * KIB, WALK_WRITE).faulted);
}

static void dirty_while_split(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    assert_allowed(PLACE, WALK_READ);
    stores_seen = 0;
    machine_observe(write_to_the_page);
    assert_status(paging_split(&rig.space, rig_page(PLACE), machine_frames()), PAGING_OK);
    struct paging_translation found;
    assert_status(paging_translate(&rig.space, (virt_addr_t){PLACE + 20 * KIB}, &found), PAGING_OK);
    assert_int_equal(found.size, PAGE_4K);
    assert_true(found.flags & ENTRY_DIRTY);
}

static void keeps_every_byte(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, GIB, RW | ENTRY_USER);
    static const uint64_t offsets[] = {
        0, 4 * KIB, 2 * MIB, 2 * MIB + 4 * KIB, 512 * MIB + 8 * KIB, GIB - 4 * KIB};
    for (unsigned step = 0; step < 3; step++) {
        for (unsigned i = 0; i < 6; i++) {
            uint64_t frame = FRAME_1G + offsets[i] / PAGE_BYTES;
            machine_fill(frame);
            assert_reads(PLACE + offsets[i], frame);
            assert_reads(PLACE + offsets[i] + 4 * KIB - 8, frame);
            assert_allowed(PLACE + offsets[i], WALK_WRITE | WALK_USER);
            assert_allowed(PLACE + offsets[i], WALK_FETCH);
        }
        rig_check();
        if (step == 2)
            break;
        split(PLACE + 2 * MIB + 4 * KIB);
    }
    ASSERT_RUNS(PLACE, {2, 1}, {1, 512}, {2, 510}, {0, 1});
    split(PLACE + GIB - 4 * KIB);
    split(PLACE);
    ASSERT_RUNS(PLACE, {1, 1024}, {2, 509}, {1, 512}, {0, 1});
    assert_status(rig_unmap_range(PLACE, GIB), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.kept_frames);
}

/* The rig compares flags and frames of all 512; here is that they reach the smallest pages. */
static void keeps_every_attribute(void **state)
{
    (void)state;
    static const uint64_t flags[] = {0,
                                     RW | TOUCHED,
                                     ENTRY_ACCESSED,
                                     ENTRY_DIRTY | RW,
                                     NX,
                                     ENTRY_USER | RW,
                                     ENTRY_WRITE_THROUGH,
                                     ENTRY_NO_CACHE | ENTRY_WRITE_THROUGH | NX,
                                     ENTRY_SYSTEM_9,
                                     ENTRY_SYSTEM_10 | RW,
                                     ENTRY_SYSTEM_BITS | NX | RW | ENTRY_USER};
    for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        rig_open();
        map(PLACE, DEVICE_1G, GIB, flags[i]);
        assert_status(rig_split(PLACE), PAGING_OK);
        assert_status(rig_split(PLACE + 4 * MIB), PAGING_OK);
        for (uint64_t at = 0; at < 8 * MIB; at += 2 * MIB)
            assert_int_equal(entry_of(PLACE + at + 4 * KIB) & LEAF_FLAGS, flags[i] | ENTRY_PRESENT);
        ASSERT_RUNS(PLACE, {2, 2}, {1, 512}, {2, 509}, {0, 1});
    }
    rig_open();
    uint64_t upper = rig_address(level_pages(rig.model.levels) * (ENTRY_COUNT / 2));
    map(upper, DEVICE_1G, 2 * MIB, ENTRY_GLOBAL | RW);
    split(upper);
    assert_int_equal(entry_of(upper + 4 * KIB) & ENTRY_GLOBAL, ENTRY_GLOBAL);
}

static void touched_by_the_processor(void **state)
{
    (void)state;
    rig_open();
    map(PLACE, DEVICE_1G, 2 * MIB, RW);
    map(PLACE + 2 * MIB, DEVICE_1G + 2 * MIB, 2 * MIB, RW);
    assert_allowed(PLACE + 8 * KIB, WALK_WRITE);
    assert_allowed(PLACE + 2 * MIB, WALK_READ);
    assert_status(rig_split(PLACE), PAGING_OK);
    assert_status(rig_split(PLACE + 2 * MIB), PAGING_OK);
    assert_int_equal(entry_of(PLACE + 2 * MIB - 8) & TOUCHED, TOUCHED);
    assert_int_equal(entry_of(PLACE + 4 * MIB - 8) & TOUCHED, ENTRY_ACCESSED);
}

static void split_refuses(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_split(PLACE), PAGING_NOT_MAPPED);
    map(PLACE, DEVICE, 4 * KIB, RW);
    rig_reserve(PLACE + 4 * KIB, 1, 0xfffffffffffffffe);
    rig_reserve(PLACE + 2 * MIB, 2, 0x80);
    assert_status(rig_split(PLACE), PAGING_NOT_HUGE);
    assert_status(rig_split(PLACE + 4 * KIB), PAGING_RESERVED);
    assert_status(rig_split(PLACE + 3 * MIB), PAGING_RESERVED);
    assert_status(rig_split(PLACE + 8 * KIB), PAGING_NOT_MAPPED);
    map(PLACE + 4 * MIB, DEVICE_1G, 2 * MIB, RW);
    machine_limit_frames(0);
    assert_status(rig_split(PLACE + 5 * MIB), PAGING_NO_FRAMES);
    machine_limit_frames(1);
    split(PLACE + 5 * MIB);
    assert_status(rig_split(PLACE + 5 * MIB), PAGING_NOT_HUGE);
}

/* Through the window of a P1 that is not there a huge page shows; after the split, the P1. */
static void windows_show_the_new_table(void **state)
{
    (void)state;
    rig_open();
    machine_fill(FRAME_1G);
    map(PLACE, DEVICE_1G, GIB, RW);
    for (unsigned size = 2; size >= 1; size--) {
        for (unsigned level = 1; level <= 2; level++)
            assert_allowed(rig_window(level, PLACE), WALK_READ);
        split(PLACE);
        struct machine_access seen = machine_access(rig_window(size, PLACE), WALK_READ);
        assert_false(seen.faulted);
        assert_int_equal(seen.value & ~TOUCHED, entry_of(PLACE) & ~TOUCHED);
        rig_check();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("protect_range: writes are refused and allowed again", writable_off_and_on),
    RIG_TEST("protect_range: no-execute and user, on a huge page", no_execute_and_user),
    RIG_TEST("protect_range: caching, system bits, global", other_flags),
    RIG_TEST("protect_range: accessed and dirty stay unless named", accessed_and_dirty),
    RIG_TEST("protect_range: holes and the owner's entries are passed over", holes_and_reserved),
    RIG_TEST("protect_range: nothing to change, nothing written or split", nothing_to_change),
    RIG_TEST("protect_range: only the huge page that changes is split", only_what_changes_is_split),
    RIG_TEST("protect_range: both edges inside the same huge page", edges_in_huge_pages),
    RIG_TEST("protect_range: unknown, core's and contradicting flags", refuses_flags),
    RIG_TEST("protect_range: out of frames at every number, no change", out_of_frames),
    RIG_TEST("protect_range: the processor marks a page meanwhile", marked_meanwhile),
    RIG_TEST("split: 1 GiB to 2 MiB to 4 KiB, every byte stays", keeps_every_byte),
    RIG_TEST("split: the processor marks the page meanwhile", dirty_while_split),
    RIG_TEST("split: every attribute stays", keeps_every_attribute),
    RIG_TEST("split: accessed and dirty as the processor left them", touched_by_the_processor),
    RIG_TEST("split: a small page, no page, the owner's entry, no frame", split_refuses),
    RIG_TEST("split: the window shows the new table at once", windows_show_the_new_table),
};

RIG_MAIN("protect_range", tests)
