/* SPDX-License-Identifier: MIT */
/* Tests for_each and count: every entry of every table, in order, without gap or overlap. */
#include "rig/entries.h"
#include "rig/judge_for_each.h"

static void empty_space(void **state)
{
    rig_open();
    unsigned visits = judge_all();
    assert_int_equal(walked.count, 0);
    assert_true(visits >= 1 && visits <= 4); /* the root's holes, between reserved slots */
}

static void map_of_everything(void)
{
    uint64_t upper = rig_address(paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    assert_status(rig_map(0, RW | NX), PAGING_OK);
    assert_status(rig_map(PLACE, RW | NX), PAGING_OK);
    assert_status(rig_map_to(PLACE + 4 * KIB, DEVICE_FRAME, PAGING_USER), PAGING_OK);
    assert_status(rig_map_to(PLACE + 2 * MIB - 4 * KIB, DEVICE_FRAME, NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | NX | PAGING_SYSTEM_9), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 4 * MIB, FRAME_2M, PAGING_2M, RW | PAGING_USER | NX), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, PAGING_NO_CACHE), PAGING_OK);
    assert_status(rig_map_to(PLACE + SLOT_BYTES - 4 * KIB, DEVICE_FRAME, 0), PAGING_OK);
    assert_status(rig_map_to(upper, DEVICE_FRAME, PAGING_GLOBAL | NX), PAGING_OK);
    rig_plant_marker(PLACE + 8 * KIB, 1, 0x1234567890abcdee);
    rig_plant_marker(PLACE + 8 * MIB, 2, ~(uint64_t)1);
    rig_plant_marker(PLACE + 3 * GIB, 3, 2);
}

static void everything(void **state)
{
    rig_open();
    map_of_everything();
    judge_all();
    assert_int_equal(walked.markers, 3);
    assert_int_equal(walked.owned, 2);
    assert_int_equal(walked.writable_executable, 0);
}

/* Next to each reserved slot, and in the very last slot that is not reserved. */
static void edges_of_reserved_slots(void **state)
{
    rig_open();
    uint64_t span = paging_level_bytes(rig.model.levels);
    static const unsigned reserved[] = {PAGING_RECURSIVE_SLOT, PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT};
    for (unsigned i = 0; i < 3; i++)
        for (int neighbour = -1; neighbour <= 1; neighbour += 2) {
            uint64_t slot = (reserved[i] + (unsigned)neighbour) % PAGING_TABLE_ENTRIES;
            uint64_t address = walker_canonical(machine_walker(), slot * span);
            if (!model_is_reserved_slot(&rig.model, rig_page(address).number) &&
                !model_at(&rig.model, rig_page(address).number))
                assert_status(rig_map_to(address, DEVICE_FRAME, RW), PAGING_OK);
        }
    judge_all();
}

/* Full tables; and the most holes there can be: every other page. */
static void full_and_every_other(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, (DEVICE_FRAME + 1) * PAGING_PAGE_BYTES, 2 * MIB, RW | NX), PAGING_OK);
    judge_all();
    for (unsigned first = 0; first < 2; first++) {
        for (uint64_t page = 0; page < 512; page += 2)
            assert_status(rig_unmap_range(PLACE + (page + first) * 4 * KIB, 4 * KIB), PAGING_OK);
        judge_all();
        assert_status(rig_unmap_range(PLACE, 2 * MIB), PAGING_OK);
        assert_status(rig_map_range(PLACE, (DEVICE_FRAME + 1) * PAGING_PAGE_BYTES, 2 * MIB, NX), PAGING_OK);
    }
}

static enum paging_visit stop_at(void *context, const struct paging_entry_info *visit)
{
    unsigned *left = context;
    (void)visit;
    assert_true(*left > 0);
    return --*left > 0 ? PAGING_VISIT_NEXT : PAGING_VISIT_STOP;
}

static void stops_at_any_entry(void **state)
{
    rig_open();
    map_of_everything();
    unsigned all = judge_all();
    assert_true(all > 30);
    for (unsigned stop = 1; stop <= all + 1; stop++) {
        unsigned left = stop;
        assert_status(paging_for_each(&rig.space, stop_at, &left), PAGING_OK);
        assert_int_equal(left, stop <= all ? 0 : 1);
    }
}

/* What is below the tables of this level is passed over. */
struct skipping {
    unsigned level, tables, below;
};

static enum paging_visit skip_below(void *context, const struct paging_entry_info *info)
{
    struct skipping *skipping = context;
    skipping->below += info->level < skipping->level;
    if (info->kind != PAGING_KIND_TABLE || info->level != skipping->level)
        return PAGING_VISIT_NEXT;
    skipping->tables++;
    return PAGING_VISIT_SKIP;
}

static void skips_what_is_below(void **state)
{
    rig_open();
    map_of_everything();
    judge_all();
    for (unsigned level = 2; level <= rig.model.levels; level++) {
        struct skipping skipping = {.level = level};
        assert_status(paging_for_each(&rig.space, skip_below, &skipping), PAGING_OK);
        assert_int_equal(skipping.tables, walked.tables_of[level - 1]);
        assert_int_equal(skipping.below, 0);
    }
}

static enum paging_visit note_part(void *context, const struct paging_entry_info *info)
{
    if (info->kind == PAGING_KIND_LEAF)
        *(struct paging_entry_info *)context = *info;
    return PAGING_VISIT_NEXT;
}

static void a_part_of_a_huge_page(void **state)
{
    rig_open();
    struct paging_entry_info part;
    struct paging_stats stats;
    assert_status(rig_map_owned(PLACE, PAGING_2M, NX), PAGING_OK);
    const paging_virt_t start = {PLACE + 16 * KIB};
    assert_status(paging_for_each_in(&rig.space, start, 8 * KIB, note_part, &part), PAGING_OK);
    assert_int_equal(part.first.number, rig_page(start.value).number);
    assert_int_equal(part.pages, 2);
    assert_int_equal(part.entry.bits, leaf_of(PLACE));
    assert_status(paging_count_in(&rig.space, start, 8 * KIB, &stats), PAGING_OK);
    assert_int_equal(stats.leaves[PAGING_2M], 1);
    assert_int_equal(stats.owned_pages, 2);
}

static void range_refusals(void **state)
{
    rig_open();
    struct paging_stats stats = {.markers = 77};
    struct paging_space *space = &rig.space;
    uint64_t gap = (uint64_t)1 << (paging_address_bits(rig.model.levels) - 1);
    assert_status(paging_count_in(space, (paging_virt_t){PLACE}, 0, &stats), PAGING_EMPTY_RANGE);
    assert_status(paging_count_in(space, (paging_virt_t){PLACE + 8}, 4 * KIB, &stats), PAGING_MISALIGNED);
    assert_status(paging_count_in(space, (paging_virt_t){gap}, 4 * KIB, &stats), PAGING_NOT_CANONICAL);
    assert_status(paging_count_in(space, (paging_virt_t){gap - 4 * KIB}, 8 * KIB, &stats),
                  PAGING_RANGE_TOO_LONG);
    struct paging_space away = *space;
    away.mode = PAGING_MODE_UNREACHABLE;
    assert_status(paging_count_in(&away, (paging_virt_t){PLACE}, 4 * KIB, &stats), PAGING_UNREACHABLE);
    assert_int_equal(stats.markers, 77);
}

/* Rights are those of the whole walk: what an upper entry lacks, all leaves below it lack. */
static void narrower_tables(void **state)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW | PAGING_USER), PAGING_OK);
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | PAGING_USER), PAGING_OK);
    assert_status(rig_map_to(PLACE + SLOT_BYTES, DEVICE_FRAME, RW | PAGING_USER), PAGING_OK);
    for (unsigned level = 2; level <= rig.model.levels; level++)
        for (unsigned n = 0; n < 8; n++) {
            uint64_t entry = *entry_at(PLACE, level);
            uint64_t clear = (n & 1 ? RW : 0) | (n & 2 ? PAGING_USER : 0);
            entry_write(PLACE, level, (entry & ~clear) | (n & 4 ? NX : 0));
            judge_all();
            entry_write(PLACE, level, entry);
        }
    rig_check();
}

static void malformed_entries(void **state)
{
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
    rig_open();
    static const uint64_t flags[] = {0, RW, NX, RW | NX};
    for (unsigned i = 0; i < 4; i++) {
        assert_status(rig_map_to(PLACE + i * 4 * KIB, DEVICE_FRAME, flags[i]), PAGING_OK);
        judge_all();
        assert_int_equal(walked.writable_executable, i >= 1);
    }
    assert_status(rig_map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW), PAGING_OK);
    assert_status(rig_map_sized(PLACE + GIB, FRAME_1G, PAGING_1G, RW), PAGING_OK);
    struct paging_stats stats;
    judge_all();
    assert_status(paging_count(&rig.space, &stats), PAGING_OK);
    assert_int_equal(stats.writable_executable, 3); /* it counts leaves, not pages of 4 KiB */
    assert_int_equal(stats.leaves[PAGING_4K], 4);
    assert_int_equal(stats.leaves[PAGING_2M], 1);
    assert_int_equal(stats.leaves[PAGING_1G], 1);
    assert_int_equal(stats.tables[1], 1);
    assert_int_equal(stats.tables[2], 1);
    assert_int_equal(stats.tables[3], 1);
}

static void random_maps(void **state)
{
    for (unsigned round = 0; round < 20; round++) {
        rig_open();
        for (unsigned i = 0; i < 12; i++) {
            uint64_t place = PLACE + rig_random(3) * GIB + rig_random(4) * 2 * MIB;
            uint64_t page = place + rig_random(512) * 4 * KIB;
            if (rig_random(2))
                (void)rig_map(page, rig_random(2) ? RW : NX);
            else if (rig_random(2))
                (void)rig_map_sized(place, FRAME_2M, PAGING_2M, rig_random(2) ? RW | PAGING_USER : 0);
            else
                (void)rig_unmap(page);
        }
        judge_all();
        machine_close();
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("for_each: an empty space is holes between the reserved slots", empty_space),
    RIG_TEST("for_each: pages of all sizes, tables, markers and holes", everything),
    RIG_TEST("for_each: next to the reserved slots", edges_of_reserved_slots),
    RIG_TEST("for_each: a full table, and every other page", full_and_every_other),
    RIG_TEST("for_each: the callback can stop anywhere", stops_at_any_entry),
    RIG_TEST("for_each: what is below a table can be skipped", skips_what_is_below),
    RIG_TEST("for_each_in: of a huge page the part in the range is shown", a_part_of_a_huge_page),
    RIG_TEST("for_each_in: what is no range is refused", range_refusals),
    RIG_TEST("for_each: rights of the whole walk", narrower_tables),
    RIG_TEST("for_each: malformed entries are shown and not entered", malformed_entries),
    RIG_TEST("count: writable and executable leaves", writable_and_executable),
    RIG_TEST("for_each: random maps", random_maps),
};

RIG_MAIN("for_each", tests)
