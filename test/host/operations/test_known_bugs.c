/* SPDX-License-Identifier: MIT */
/* Tests that known bugs of other paging code are impossible here. */
#include "rig/entries.h"
#include "table_entry.h"
#include <selfmap/for_each.h>
#include <string.h>

/* Bits that may change in an entry at any time: accessed and dirty, and a table's count. */
#define MARKS (PAGING_ACCESSED | PAGING_DIRTY | PAGING_COUNT_MASK)

/* The physical address that a page of each size is mapped to. */
static const uint64_t frame_for[] = {0, DEVICE_FRAME, FRAME_2M, FRAME_1G};

static void map_one(unsigned size, uint64_t flags)
{
    rig_open();
    assert_status(rig_map_sized(PLACE, frame_for[size], (enum paging_size)size, flags), PAGING_OK);
}

/* ---- inside of huge pages ---- */

static void failed_map_widens_nothing(void **state)
{
    map_one(PAGING_2M, 0);
    assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW | PAGING_USER), PAGING_INSIDE_HUGE);
    assert_status(rig_map(PLACE + 8 * KIB, RW | PAGING_USER), PAGING_INSIDE_HUGE);
    assert_refused(PLACE + 8 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
    assert_refused(PLACE + 8 * KIB, WALK_USER, WALK_PRESENT | WALK_USER);
}

/* The content of these frames would be a row of present entries if the window showed it as a table. */
static void fill_data(uint64_t first)
{
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        machine_fill(first + i);
}

static void assert_data_is_whole(uint64_t first)
{
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        for (unsigned word = 0; word < PAGING_TABLE_ENTRIES; word++)
            if (machine_frame(first + i)[word] != machine_junk(first + i))
                fail_msg("word %u of the user's frame %#lx was overwritten", word,
                         (unsigned long)(first + i));
}

/* Through the window of the missing table, the data of the page itself could be written. */
static void no_operation_writes_to_the_data(void **state)
{
    for (unsigned size = PAGING_2M; size <= PAGING_1G; size++) {
        map_one(size, RW);
        uint64_t frame = frame_for[size], inside = PLACE + 20 * KIB;
        fill_data(frame);
        assert_status(rig_map(inside, RW), PAGING_INSIDE_HUGE);
        assert_status(rig_unmap(inside), PAGING_INSIDE_HUGE);
        assert_data_is_whole(frame);
        assert_status(rig_protect_range(inside, 4 * KIB, 0, RW), PAGING_OK);
        assert_data_is_whole(frame);
        assert_status(rig_unmap_range(inside, 4 * KIB), PAGING_OK);
        assert_data_is_whole(frame);
        assert_refused(inside, WALK_READ, 0);
        assert_allowed(inside - 4 * KIB, WALK_WRITE);
    }
}

/* The range is exactly what one huge page would map, but a table with small pages is there. */
static void table_stays_a_table(void **state)
{
    for (unsigned level = PAGING_2M; level <= PAGING_1G; level++) {
        map_one(PAGING_4K, RW);
        uint64_t bytes = walker_span(machine_walker(), level), huge = frame_for[level];
        assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME + 1, RW), PAGING_OK);
        uint64_t entry = *entry_at(PLACE, level);
        assert_status(rig_protect_range(PLACE, bytes, NX, RW), PAGING_OK);
        assert_int_equal(*entry_at(PLACE, level), entry);
        assert_status(rig_map_sized(PLACE, huge, (enum paging_size)level, RW), PAGING_ALREADY_MAPPED);
        assert_status(rig_map_range(PLACE, huge * PAGING_PAGE_BYTES, bytes, RW), PAGING_ALREADY_MAPPED);
        assert_int_equal(*entry_at(PLACE, level), entry);
        assert_refused(PLACE + 8 * KIB, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        assert_refused(PLACE + 4 * KIB, WALK_READ, 0);
    }
}

#define PAT_PAGE (PLACE + 4 * KIB)

static enum paging_visit is_small_leaf(void *context, const struct paging_entry_info *visit)
{
    bool *seen = context;
    if (visit->kind == PAGING_KIND_LEAF && visit->first.number == rig_page(PAT_PAGE).number) {
        assert_int_equal(visit->level, PAGING_4K);
        assert_int_equal(visit->pages, 1);
        *seen = true;
    }
    return PAGING_VISIT_NEXT;
}

/* Bit 7 is set by hand. In a P1 it is PAT, and no huge page could begin at this frame. */
static void pat_is_not_huge(void **state)
{
    map_one(PAGING_4K, RW);
    bool seen = false;
    struct paging_translation found;
    struct paging_walk_result path;
    struct paging_unmapped gone;
    struct paging_frame_source *frames = machine_frames();
    const paging_virt_t first = {PAT_PAGE}, last = {PAT_PAGE + PAGING_PAGE_BYTES - 1};
    assert_status(rig_map_to(PAT_PAGE, DEVICE_FRAME + 3, RW), PAGING_OK);
    entry_write(PAT_PAGE, 1, *entry_at(PAT_PAGE, 1) | 0x80);
    assert_status(paging_translate(&rig.space, last, &found), PAGING_OK);
    assert_int_equal(found.size, PAGING_4K);
    assert_int_equal(found.address.value, (DEVICE_FRAME + 4) * PAGING_PAGE_BYTES - 1);
    assert_status(paging_walk_address(&rig.space, last, &path), PAGING_OK);
    assert_int_equal(path.level, 1);
    assert_status(paging_for_each(&rig.space, is_small_leaf, &seen), PAGING_OK);
    assert_true(seen);
    assert_status(paging_split(&rig.space, rig_page(PAT_PAGE), frames), PAGING_NOT_HUGE);
    assert_status(paging_map(&rig.space, rig_page(PAT_PAGE), RW, frames), PAGING_ALREADY_MAPPED);
    assert_status(paging_protect_range(&rig.space, first, 4 * KIB, 0, RW, frames), PAGING_OK);
    assert_int_equal(*entry_at(PAT_PAGE, 1) & (RW | 0x80), 0x80);
    assert_allowed(PLACE, WALK_WRITE);
    assert_status(paging_unmap(&rig.space, rig_page(PAT_PAGE), frames, &gone), PAGING_OK);
    assert_int_equal(gone.size, PAGING_4K);
    assert_int_equal(gone.frame.number, DEVICE_FRAME + 3);
    model_remove(&rig.model, rig_page(PAT_PAGE).number);
    rig_check();
}

/* ---- the tables after each single store ---- */

/* The entries on the way to PLACE, from the root down to the level that changes. */
static struct {
    unsigned lowest, looks;
    uint64_t before[PAGING_MAX_LEVELS + 1], other[PAGING_MAX_LEVELS + 1];
} way;

/* An entry is as before or as after: never absent, never torn. */
static void look_at_the_way(void)
{
    way.looks++;
    for (unsigned level = way.lowest; level <= rig.model.levels; level++) {
        uint64_t now = *entry_at(PLACE, level) & ~MARKS;
        if (now == way.before[level] || now == way.other[level])
            continue;
        if (!(now & 1))
            fail_msg("for a moment the entry of level %u is not present", level);
        if (way.other[level] != 0)
            fail_msg("the entry of level %u had a torn value, %#lx", level, (unsigned long)now);
        way.other[level] = now;
    }
    struct walk walk = walker_walk(machine_walker(), NULL, PLACE + 8 * KIB, WALK_FETCH, false);
    if (walk.faulted)
        fail_msg("for a moment code could not run on from the page");
}

static void watch_way(unsigned lowest)
{
    memset(&way, 0, sizeof(way));
    way.lowest = lowest;
    for (unsigned level = lowest; level <= rig.model.levels; level++)
        way.before[level] = *entry_at(PLACE, level) & ~MARKS;
    machine_observe(look_at_the_way);
}

/* Exactly this entry on the way has changed, and a look has met the change. */
static void judge_way(unsigned changed)
{
    machine_observe(NULL);
    assert_true(way.looks > 0);
    for (unsigned level = way.lowest; level <= rig.model.levels; level++) {
        uint64_t now = *entry_at(PLACE, level) & ~MARKS;
        assert_int_equal(now, level == changed ? way.other[level] : way.before[level]);
        assert_true(level != changed || now != way.before[level]);
    }
}

static void size_and_frame_in_one_store(void **state)
{
    map_one(PAGING_1G, RW);
    for (unsigned level = PAGING_1G; level >= PAGING_2M; level--) {
        watch_way(level);
        assert_status(rig_split(PLACE), PAGING_OK);
        judge_way(level);
    }
    for (unsigned level = PAGING_2M; level <= PAGING_1G; level++) {
        watch_way(level);
        assert_status(rig_merge_range(PLACE, walker_span(machine_walker(), level)), PAGING_OK);
        judge_way(level);
    }
}

static void present_never_drops(void **state)
{
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        map_one(size, RW);
        assert_status(rig_map_to(PLACE + 2 * GIB, DEVICE_FRAME, RW), PAGING_OK);
        if (size == PAGING_4K) /* the page that look_at_the_way fetches from */
            assert_status(rig_map_to(PLACE + 8 * KIB, DEVICE_FRAME, RW), PAGING_OK);
        uint64_t bytes = walker_span(machine_walker(), size);
        watch_way(size);
        assert_status(rig_protect_range(PLACE, bytes, 0, RW), PAGING_OK);
        judge_way(size);
        watch_way(size);
        assert_status(rig_protect_range(PLACE, bytes, RW | PAGING_NO_CACHE, 0), PAGING_OK);
        judge_way(size);
    }
}

/* Changes next to a page from which code runs: the new table is complete when it is linked. */
static void code_runs_on(void **state)
{
    for (unsigned size = PAGING_2M; size <= PAGING_1G; size++)
        for (unsigned operation = 0; operation < 3; operation++) {
            map_one(size, RW);
            watch_way(size);
            if (operation == 0)
                assert_status(rig_split(PLACE), PAGING_OK);
            else if (operation == 1)
                assert_status(rig_protect_range(PLACE + MIB, 4 * KIB, NX, RW), PAGING_OK);
            else
                assert_status(rig_unmap_range(PLACE + MIB, 8 * KIB), PAGING_OK);
            machine_observe(NULL);
            assert_true(way.looks > (unsigned)PAGING_TABLE_ENTRIES);
        }
}

/* ---- the tables' own places ---- */

static void nothing_huge_in_the_root(void **state)
{
    rig_open();
    static const unsigned slots[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    uint64_t slot_bytes = paging_level_bytes(rig.model.levels), root[PAGING_TABLE_ENTRIES];
    memcpy(root, machine_frame(machine_walker()->root), sizeof(root));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t start = rig_address(slots[i] * paging_level_pages(rig.model.levels));
        for (unsigned size = 0; size <= PAGING_MAX_LEVELS + 1; size++) {
            enum paging_status status = paging_map_sized(&rig.space, rig_page(start), (paging_frame_t){0},
                                                         (enum paging_size)size, RW, machine_frames());
            bool is_size = size >= PAGING_4K && size <= PAGING_1G;
            assert_status(status, is_size ? PAGING_RESERVED_SLOT : PAGING_NOT_SUPPORTED);
        }
        assert_status(rig_map_range(start, 0, slot_bytes, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_map_range(start + GIB, DEVICE_1G, GIB, RW), PAGING_RESERVED_SLOT);
        assert_status(rig_protect_range(start, slot_bytes, 0, RW), PAGING_RESERVED_SLOT);
        assert_memory_equal(machine_frame(machine_walker()->root), root, sizeof(root));
    }
    rig_check();
}

static void windows_can_write(void **state)
{
    for (unsigned size = PAGING_4K; size <= PAGING_1G; size++) {
        map_one(size, NX);
        assert_status(rig_map_range(PLACE + 2 * GIB - MIB, DEVICE_1G - MIB, 8 * MIB, NX), PAGING_OK);
        assert_status(rig_protect_range(PLACE, GIB, PAGING_USER, 0), PAGING_OK);
        assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        for (unsigned level = rig.model.levels; level >= size; level--)
            assert_allowed(rig_window(level, PLACE), WALK_WRITE);
        for (unsigned level = rig.model.levels; level >= 1; level--)
            assert_allowed(rig_window(level, PLACE + 2 * GIB - MIB), WALK_WRITE);
        rig_check();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("map: a failed 4 KiB map inside a read-only 2 MiB page widens no rights",
             failed_map_widens_nothing),
    RIG_TEST("protect: a 4 KiB change inside a 2 MiB page never writes to the user's data",
             no_operation_writes_to_the_data),
    RIG_TEST("protect: a 2 MiB change over a table never turns its entry into a huge page",
             table_stays_a_table),
    RIG_TEST("split, protect, unmap: no table is linked before it is filled, code runs on", code_runs_on),
    RIG_TEST("split, merge: page size and frame change in one store", size_and_frame_in_one_store),
    RIG_TEST("protect: the present bit is never cleared, not even for one store", present_never_drops),
    RIG_RECURSIVE_TEST("map: into the recursive slot, no huge page is ever written to the root",
                       nothing_huge_in_the_root),
    RIG_RECURSIVE_TEST("windows: above read-only pages the tables can be written", windows_can_write),
    RIG_TEST("PAT: bit 7 of a 4 KiB leaf is never read as huge", pat_is_not_huge),
};

RIG_MAIN("known bugs", tests)
