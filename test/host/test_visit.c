/* visit: every entry of every table, in order, without gap or overlap; and counts that agree. */
#include "entries.h"
#include "visit.h"
#include <string.h>

#define RW ENTRY_WRITABLE
#define NX ENTRY_NO_EXECUTE

/* The core's source once more, with its loads counted. It and the walker each have a struct walk. */
static uint64_t loads;

static entry_t counted_load(const volatile entry_t *entry)
{
    loads++;
    return entry_load(entry);
}

#define walk         core_walk
#define entry_load   counted_load
#define paging_walk  walk_with_counted_loads
#define paging_count count_with_counted_loads
#include "visit.c"
#undef walk
#undef entry_load
#undef paging_walk
#undef paging_count

/* ---- a second enumeration, by the emulated processor ---- */

#define MOST_ENTRIES 8192u

struct seen {
    unsigned level;
    uint64_t page, entry;
};

static struct enumeration {
    unsigned count;
    struct seen entries[MOST_ENTRIES];
    uint64_t tables, reserved, malformed, owned, writable_executable, leaves[4], tables_of[MAX_LEVELS];
} walked;

static enum paging_visit_kind kind_by_manual(unsigned level, uint64_t entry)
{
    if ((entry & 1) == 0)
        return PAGING_VISIT_RESERVED;
    if (walker_is_reserved(machine_walker(), level, entry))
        return PAGING_VISIT_MALFORMED;
    return walker_is_leaf(level, entry) ? PAGING_VISIT_LEAF : PAGING_VISIT_TABLE;
}

static void note_leaf(unsigned level, uint64_t address, uint64_t entry)
{
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    walked.leaves[level]++;
    walked.owned += entry >> 52 & 1 ? walker_span(machine_walker(), level) / PAGE_BYTES : 0;
    walked.writable_executable += walk.writable && walk.executable;
}

static bool note_entry(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                       uint64_t entry)
{
    (void)context, (void)table, (void)index;
    if (model_is_kept(rig.model.levels, rig_page(address).number))
        return false;
    assert_true(walked.count < MOST_ENTRIES);
    walked.entries[walked.count++] = (struct seen){level, rig_page(address).number, entry};
    enum paging_visit_kind kind = kind_by_manual(level, entry);
    if (kind == PAGING_VISIT_TABLE) {
        walked.tables++;
        walked.tables_of[level - 1]++;
    }
    walked.reserved += kind == PAGING_VISIT_RESERVED;
    walked.malformed += kind == PAGING_VISIT_MALFORMED;
    if (kind == PAGING_VISIT_LEAF)
        note_leaf(level, address, entry);
    return kind == PAGING_VISIT_TABLE;
}

static void enumerate(void)
{
    memset(&walked, 0, sizeof(walked));
    walker_visit(machine_walker(), note_entry, NULL);
}

/* ---- judging visits ---- */

static struct progress {
    unsigned met, visits;
    unsigned open;                 /* level of the lowest table whose entries are being visited */
    uint64_t next[MAX_LEVELS + 1]; /* by level: the page that the next entry of that table begins at */
    uint64_t end[MAX_LEVELS + 1];
    bool after_hole[MAX_LEVELS + 1];
} progress;

/* What is open below this level must be complete; and in the root, kept slots are passed over. */
static void close_tables(unsigned level)
{
    unsigned top = rig.model.levels;
    for (; progress.open < level; progress.open++)
        assert_int_equal(progress.next[progress.open], progress.end[progress.open]);
    assert_int_equal(progress.open, level);
    while (level == top && progress.next[top] < progress.end[top] && model_is_kept(top, progress.next[top])) {
        progress.next[top] += level_pages(top);
        progress.after_hole[top] = false;
    }
}

static void judge_tiles(const struct paging_visit *visit)
{
    unsigned level = visit->level;
    close_tables(level);
    assert_int_equal(visit->first.number, progress.next[level]);
    progress.next[level] += visit->pages;
    assert_true(progress.next[level] <= progress.end[level]);
    bool hole = visit->kind == PAGING_VISIT_HOLE;
    assert_false(hole && progress.after_hole[level]); /* they should have been one */
    progress.after_hole[level] = hole;
    if (visit->kind != PAGING_VISIT_TABLE)
        return;
    progress.open = level - 1;
    progress.next[level - 1] = visit->first.number;
    progress.end[level - 1] = visit->first.number + visit->pages;
    progress.after_hole[level - 1] = false;
}

static void judge_leaf(const struct paging_visit *visit)
{
    uint64_t address = rig_address(visit->first.number);
    struct walk walk = walker_walk(machine_walker(), NULL, address, WALK_READ, false);
    uint64_t rights = (walk.writable ? RW : 0) | (walk.user ? ENTRY_USER : 0) | (walk.executable ? 0 : NX);
    uint64_t others = LEAF_FLAGS & ~(RW | ENTRY_USER | NX);
    assert_int_equal(walk.level, visit->level);
    assert_int_equal(visit->flags, rights | (walk.entry & others));
    struct paging_translation translation;
    assert_status(paging_translate(&rig.space, (virt_addr_t){address}, &translation), PAGING_OK);
    assert_int_equal(visit->flags, translation.flags);
}

static bool judge_visit(void *context, const struct paging_visit *visit)
{
    (void)context;
    judge_tiles(visit);
    if (visit->kind == PAGING_VISIT_HOLE) {
        assert_int_equal(visit->entry.bits, 0);
        assert_int_equal(visit->pages % level_pages(visit->level), 0);
    } else {
        assert_true(progress.met < walked.count);
        const struct seen *seen = &walked.entries[progress.met++];
        assert_int_equal(visit->level, seen->level);
        assert_int_equal(visit->first.number, seen->page);
        assert_int_equal(visit->entry.bits, seen->entry);
        assert_int_equal(visit->pages, level_pages(seen->level));
        assert_int_equal(visit->kind, kind_by_manual(seen->level, seen->entry));
    }
    if (visit->kind == PAGING_VISIT_LEAF)
        judge_leaf(visit);
    else
        assert_int_equal(visit->flags, 0);
    progress.visits++;
    return true;
}

typedef void walk_function(const struct address_space *space, paging_visitor visitor, void *context);

static void judge_walk(const struct address_space *space, walk_function *walk)
{
    memset(&progress, 0, sizeof(progress));
    progress.open = rig.model.levels;
    progress.end[progress.open] = level_pages(rig.model.levels) * ENTRY_COUNT;
    walk(space, judge_visit, NULL);
    close_tables(rig.model.levels);
    assert_int_equal(progress.next[rig.model.levels], progress.end[rig.model.levels]);
    assert_int_equal(progress.met, walked.count);
}

static void judge_counts(const struct address_space *space)
{
    struct paging_stats stats;
    memset(&stats, 0xa5, sizeof(stats));
    paging_count(space, &stats);
    for (unsigned level = 0; level < MAX_LEVELS; level++)
        assert_int_equal(stats.tables[level], walked.tables_of[level]);
    for (unsigned size = 0; size < 4; size++)
        assert_int_equal(stats.leaves[size], walked.leaves[size]);
    assert_int_equal(stats.reserved, walked.reserved);
    assert_int_equal(stats.malformed, walked.malformed);
    assert_int_equal(stats.owned_pages, walked.owned);
    assert_int_equal(stats.writable_executable, walked.writable_executable);
    if (stats.malformed == 0)
        assert_int_equal(walked.tables + rig.kept_frames, space->tables);
}

/* Live and by offset; no byte, frame or flush; the cost is the tables', however the holes lie. */
static void judge_all(void)
{
    machine_fill_tlb();
    enumerate();
    struct address_space live = rig.space, by_offset = rig.space;
    paging_went_dormant(&by_offset, machine_offset());
    machine_snapshot();
    machine_reset_log();
    judge_walk(&rig.space, paging_walk);
    judge_walk(&by_offset, paging_walk);
    judge_counts(&rig.space);
    judge_counts(&by_offset);
    loads = 0;
    judge_walk(&rig.space, walk_with_counted_loads);
    /* Most entries are read once; the one after a hole once more. */
    assert_in_range(loads, (walked.tables + 1) * ENTRY_COUNT - 3, (walked.tables + 1) * ENTRY_COUNT * 3 / 2);
    assert_true(machine_unchanged());
    assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    assert_memory_equal(&rig.space, &live, sizeof(live));
    machine_audit();
}

/* ---- what there is to see ---- */

static void empty_space(void **state)
{
    (void)state;
    rig_open();
    judge_all();
    assert_int_equal(walked.count, 0);
    assert_true(progress.visits >= 1 && progress.visits <= 4); /* the root's holes, between kept slots */
}

static void map_of_everything(void)
{
    uint64_t upper = rig_address(level_pages(rig.model.levels) * (ENTRY_COUNT / 2));
    assert_status(rig_map(0, RW | NX), PAGING_OK);
    assert_status(rig_map(PLACE, RW | NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, ENTRY_USER), PAGING_OK);
    assert_status(rig_map_to(PLACE + 2 * MIB - 4 * KIB, DEVICE_FRAME, NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW | NX | ENTRY_SYSTEM_9), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGE_2M, RW | ENTRY_USER | NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, ENTRY_NO_CACHE), PAGING_OK);
    assert_status(rig_map_to(PLACE + SLOT_BYTES - 4 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, ENTRY_GLOBAL | NX), PAGING_OK);
    rig_reserve(PLACE + 8 * KIB, 1, 0x1234567890abcdee);
    rig_reserve(PLACE + 8 * MIB, 2, ~(uint64_t)1);
    rig_reserve(PLACE + 3 * GIB, 3, 2);
}

static void everything(void **state)
{
    (void)state;
    rig_open();
    map_of_everything();
    judge_all();
    assert_int_equal(walked.reserved, 3);
    assert_int_equal(walked.owned, 2);
    assert_int_equal(walked.writable_executable, 0);
}

/* Next to each of the slots that the core keeps, and in the very last one that it does not. */
static void edges_of_kept_slots(void **state)
{
    (void)state;
    rig_open();
    uint64_t span = level_bytes(rig.model.levels);
    static const unsigned kept[] = {PAGING_RECURSIVE_SLOT, PAGING_FOREIGN_SLOT, PAGING_SCRATCH_SLOT};
    for (unsigned i = 0; i < 3; i++)
        for (int beside = -1; beside <= 1; beside += 2) {
            uint64_t slot = (kept[i] + (unsigned)beside) % ENTRY_COUNT;
            uint64_t address = walker_canonical(machine_walker(), slot * span);
            if (!model_is_kept(rig.model.levels, rig_page(address).number) &&
                !model_at(&rig.model, rig_page(address).number))
                assert_status(rig_map_to(address, DEVICE_FRAME, RW), PAGING_OK);
        }
    judge_all();
}

/* Full tables, and the worst for finding holes: every other page. */
static void full_and_every_other(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_range(PLACE, (DEVICE_FRAME + 1) * PAGE_BYTES, 2 * MIB, RW | NX), PAGING_OK);
    judge_all();
    for (unsigned first = 0; first < 2; first++) {
        for (uint64_t page = 0; page < 512; page += 2)
            assert_status(rig_unmap_range(PLACE + (page + first) * 4 * KIB, 4 * KIB), PAGING_OK);
        judge_all();
        assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
        assert_status(rig_map_range(PLACE, (DEVICE_FRAME + 1) * PAGE_BYTES, 2 * MIB, NX), PAGING_OK);
    }
}

static bool stop_at(void *context, const struct paging_visit *visit)
{
    unsigned *left = context;
    (void)visit;
    assert_true(*left > 0);
    return --*left > 0;
}

static void stops_at_any_visit(void **state)
{
    (void)state;
    rig_open();
    map_of_everything();
    judge_all();
    unsigned all = progress.visits;
    assert_true(all > 30);
    for (unsigned stop = 1; stop <= all + 1; stop++) {
        unsigned left = stop;
        paging_walk(&rig.space, stop_at, &left);
        assert_int_equal(left, stop <= all ? 0 : 1);
    }
}

/* Rights are those of the whole way; tables that somebody made narrower show in all leaves below. */
static void narrower_tables(void **state)
{
    (void)state;
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | ENTRY_USER), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW | ENTRY_USER), PAGING_OK);
    assert_status(rig_map_to(PLACE + SLOT_BYTES, DEVICE_FRAME, RW | ENTRY_USER), PAGING_OK);
    for (unsigned level = 2; level <= rig.model.levels; level++)
        for (unsigned n = 0; n < 8; n++) {
            uint64_t entry = *entry_at(PLACE, level);
            uint64_t clear = (n & 1 ? RW : 0) | (n & 2 ? ENTRY_USER : 0);
            entry_write(PLACE, level, (entry & ~clear) | (n & 4 ? NX : 0));
            judge_all();
            entry_write(PLACE, level, entry);
        }
    rig_check();
}

static void malformed_entries(void **state)
{
    (void)state;
    rig_open();
    map_of_everything();
    for (unsigned level = 1; level <= rig.model.levels; level++) {
        uint64_t entry = *entry_at(PLACE, level);
        entry_write(PLACE, level, entry | (uint64_t)1 << 51);
        judge_all();
        assert_int_equal(walked.malformed, 1);
        entry_write(PLACE, level, entry);
    }
    uint64_t huge = *entry_at(PLACE + 2 * MIB, 2);
    entry_write(PLACE + 2 * MIB, 2, huge | 0x2000);
    judge_all();
    assert_int_equal(walked.malformed, 1);
    entry_write(PLACE + 2 * MIB, 2, huge);
    rig_check();
}

static void writable_and_executable(void **state)
{
    (void)state;
    rig_open();
    static const uint64_t flags[] = {0, RW, NX, RW | NX};
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE + i * 4 * KIB, DEVICE_FRAME, flags[i]), PAGING_OK);
        judge_all();
        assert_int_equal(walked.writable_executable, i >= 1);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGE_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGE_1G, RW), PAGING_OK);
    struct paging_stats stats;
    judge_all();
    paging_count(&rig.space, &stats);
    assert_int_equal(stats.writable_executable, 3); /* leaves, not pages of 4 KiB */
    assert_int_equal(stats.leaves[PAGE_4K], 4);
    assert_int_equal(stats.leaves[PAGE_2M], 1);
    assert_int_equal(stats.leaves[PAGE_1G], 1);
    assert_int_equal(stats.tables[1], 1);
    assert_int_equal(stats.tables[2], 1);
    assert_int_equal(stats.tables[3], 1);
}

static void random_maps(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        rig_open();
        for (unsigned i = 0; i < 12; i++) {
            uint64_t place = PLACE + rig_random(3) * GIB + rig_random(4) * 2 * MIB;
            uint64_t page = place + rig_random(512) * 4 * KIB;
            if (rig_random(2))
                (void)rig_map(page, rig_random(2) ? RW : NX);
            else if (rig_random(2))
                (void)rig_map_sized(place, FRAME_2M, PAGE_2M, rig_random(2) ? RW | ENTRY_USER : 0);
            else
                (void)rig_unmap(page, NULL);
        }
        judge_all();
        machine_close();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("visit: an empty space is holes between the kept slots", empty_space),
    RIG_TEST("visit: pages of all sizes, tables, reserved entries and holes", everything),
    RIG_TEST("visit: beside the kept slots", edges_of_kept_slots),
    RIG_TEST("visit: a full table, and every other page", full_and_every_other),
    RIG_TEST("visit: the visitor can stop anywhere", stops_at_any_visit),
    RIG_TEST("visit: rights of the whole way", narrower_tables),
    RIG_TEST("visit: malformed entries are shown and not entered", malformed_entries),
    RIG_TEST("count: writable and executable leaves", writable_and_executable),
    RIG_TEST("visit: random maps", random_maps),
};

RIG_MAIN("visit", tests)
