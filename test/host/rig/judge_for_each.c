/* What for_each shows, compared with what the emulated processor finds in the tables. */
#include "rig/judge_for_each.h"
#include "rig/entries.h"
#include <string.h>

/* The core's source once more, with its loads counted. */
static uint64_t loads;

static paging_entry_t counted_load(const volatile paging_entry_t *entry)
{
    loads++;
    return paging_entry_load(entry);
}

#define paging_entry_load counted_load
#define paging_for_each   walk_with_counted_loads
#define paging_count      count_with_counted_loads
#include "for_each.c"
#undef paging_entry_load
#undef paging_for_each
#undef paging_count

/* ---- a second enumeration, by the emulated processor ---- */

struct walked_entries walked;

static enum paging_entry_kind kind_by_manual(unsigned level, uint64_t entry)
{
    if ((entry & 1) == 0)
        return PAGING_KIND_MARKER;
    if (walker_is_reserved(machine_walker(), level, entry))
        return PAGING_KIND_MALFORMED;
    return walker_is_leaf(level, entry) ? PAGING_KIND_LEAF : PAGING_KIND_TABLE;
}

static void note_leaf(unsigned level, uint64_t address, uint64_t entry)
{
    struct walk walk = rig_walk(address);
    walked.leaves[level]++;
    walked.owned += entry >> 52 & 1 ? walker_span(machine_walker(), level) / PAGING_PAGE_BYTES : 0;
    walked.writable_executable += walk.writable && walk.executable;
}

static bool is_of_another(uint64_t page)
{
    return rig.at->shared_owner && model_is_upper(rig.at->model, page);
}

static bool note_entry(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                       uint64_t entry)
{
    (void)context, (void)table, (void)index;
    if (model_is_reserved_slot(rig.at->model->levels, rig_page(address).number))
        return false;
    assert_true(walked.count < MOST_ENTRIES);
    walked.entries[walked.count++] = (struct met_entry){level, rig_page(address).number, entry};
    enum paging_entry_kind kind = kind_by_manual(level, entry);
    if (kind == PAGING_KIND_TABLE) {
        walked.tables++;
        walked.shared += is_of_another(rig_page(address).number);
        walked.tables_of[level - 1]++;
    }
    walked.markers += kind == PAGING_KIND_MARKER;
    walked.malformed += kind == PAGING_KIND_MALFORMED;
    if (kind == PAGING_KIND_LEAF)
        note_leaf(level, address, entry);
    return kind == PAGING_KIND_TABLE;
}

static void enumerate(void)
{
    memset(&walked, 0, sizeof(walked));
    struct walker walker = rig_walker();
    walker_visit(&walker, note_entry, NULL);
}

/* ---- judging what is shown ---- */

static struct progress {
    unsigned met, calls;
    unsigned level;                       /* of the lowest table whose entries are being shown */
    uint64_t next[PAGING_MAX_LEVELS + 1]; /* by level: the first page of the next entry of that table */
    uint64_t end[PAGING_MAX_LEVELS + 1];
    bool after_hole[PAGING_MAX_LEVELS + 1];
} progress;

/* Tables below this level must have been shown completely. In the root, reserved slots are skipped. */
static void finish_tables(unsigned level)
{
    unsigned top = rig.at->model->levels;
    for (; progress.level < level; progress.level++)
        assert_int_equal(progress.next[progress.level], progress.end[progress.level]);
    assert_int_equal(progress.level, level);
    while (level == top && progress.next[top] < progress.end[top] &&
           model_is_reserved_slot(top, progress.next[top])) {
        progress.next[top] += paging_level_pages(top);
        progress.after_hole[top] = false;
    }
}

static void judge_tiles(const struct paging_entry_info *info)
{
    unsigned level = info->level;
    finish_tables(level);
    assert_int_equal(info->first.number, progress.next[level]);
    progress.next[level] += info->pages;
    assert_true(progress.next[level] <= progress.end[level]);
    bool hole = info->kind == PAGING_KIND_HOLE;
    assert_false(hole && progress.after_hole[level]); /* they should have been shown as one */
    progress.after_hole[level] = hole;
    if (info->kind != PAGING_KIND_TABLE)
        return;
    progress.level = level - 1;
    progress.next[level - 1] = info->first.number;
    progress.end[level - 1] = info->first.number + info->pages;
    progress.after_hole[level - 1] = false;
}

static void judge_leaf(const struct paging_entry_info *info)
{
    uint64_t address = rig_address(info->first.number);
    struct walk walk = rig_walk(address);
    uint64_t rights = (walk.writable ? RW : 0) | (walk.user ? PAGING_USER : 0) | (walk.executable ? 0 : NX);
    uint64_t others = PAGING_LEAF_FLAGS & ~(RW | PAGING_USER | NX);
    assert_int_equal(walk.level, info->level);
    assert_int_equal(info->flags, rights | (flags_of_leaf(walk.entry, walk.level) & others));
    struct paging_translation translation;
    assert_status(paging_translate(rig.at->space, (paging_virt_t){address}, &translation), PAGING_OK);
    assert_int_equal(info->flags, translation.flags);
}

static bool judge_entry(void *context, const struct paging_entry_info *info)
{
    (void)context;
    judge_tiles(info);
    if (info->kind == PAGING_KIND_HOLE) {
        assert_int_equal(info->entry.bits, 0);
        assert_int_equal(info->pages % paging_level_pages(info->level), 0);
    } else {
        assert_true(progress.met < walked.count);
        const struct met_entry *seen = &walked.entries[progress.met++];
        assert_int_equal(info->level, seen->level);
        assert_int_equal(info->first.number, seen->page);
        assert_int_equal(info->entry.bits, seen->entry);
        assert_int_equal(info->pages, paging_level_pages(seen->level));
        assert_int_equal(info->kind, kind_by_manual(seen->level, seen->entry));
    }
    if (info->kind == PAGING_KIND_LEAF)
        judge_leaf(info);
    else
        assert_int_equal(info->flags, 0);
    progress.calls++;
    return true;
}

typedef enum paging_status walk_function(const struct paging_space *space, paging_entry_callback callback,
                                         void *context);

static void judge_walk(const struct paging_space *space, walk_function *walk)
{
    memset(&progress, 0, sizeof(progress));
    progress.level = rig.at->model->levels;
    progress.end[progress.level] = paging_level_pages(rig.at->model->levels) * PAGING_TABLE_ENTRIES;
    assert_status(walk(space, judge_entry, NULL), PAGING_OK);
    finish_tables(rig.at->model->levels);
    assert_int_equal(progress.next[rig.at->model->levels], progress.end[rig.at->model->levels]);
    assert_int_equal(progress.met, walked.count);
}

static void judge_counts(const struct paging_space *space)
{
    struct paging_stats stats;
    memset(&stats, 0xa5, sizeof(stats));
    assert_status(paging_count(space, &stats), PAGING_OK);
    for (unsigned level = 0; level < PAGING_MAX_LEVELS; level++)
        assert_int_equal(stats.tables[level], walked.tables_of[level]);
    for (unsigned size = 0; size < 4; size++)
        assert_int_equal(stats.leaves[size], walked.leaves[size]);
    assert_int_equal(stats.markers, walked.markers);
    assert_int_equal(stats.malformed, walked.malformed);
    assert_int_equal(stats.owned_pages, walked.owned);
    assert_int_equal(stats.writable_executable, walked.writable_executable);
    if (stats.malformed == 0)
        assert_int_equal(walked.tables - walked.shared + rig.base_frames, space->tables);
}

unsigned judge_all(void)
{
    machine_fill_tlb();
    enumerate();
    struct paging_space as_it_was = *rig.at->space, direct = as_it_was;
    bool by_offset = machine_allow_offset(true);
    paging_mark_inactive(&direct, machine_offset());
    machine_snapshot();
    machine_reset_log();
    judge_walk(rig.at->space, paging_for_each);
    judge_walk(&direct, paging_for_each);
    judge_counts(rig.at->space);
    judge_counts(&direct);
    (void)machine_allow_offset(by_offset);
    loads = 0;
    judge_walk(rig.at->space, walk_with_counted_loads);
    /* Most entries are read once; the one after a hole once more. */
    assert_in_range(loads, (walked.tables + 1) * PAGING_TABLE_ENTRIES - 3,
                    (walked.tables + 1) * PAGING_TABLE_ENTRIES * 3 / 2);
    assert_true(machine_unchanged());
    assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    assert_same_space(rig.at->space, &as_it_was);
    machine_audit();
    return progress.calls;
}
