/* SPDX-License-Identifier: MIT */
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

#define paging_entry_load  counted_load
#define paging_for_each    walk_with_counted_loads
#define paging_for_each_in walk_in_with_counted_loads
#define paging_count       count_with_counted_loads
#define paging_count_in    count_in_with_counted_loads
#include "for_each.c"
#undef paging_entry_load
#undef paging_for_each
#undef paging_for_each_in
#undef paging_count
#undef paging_count_in

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
    if (model_is_reserved_slot(rig.at->model, rig_page(address).number))
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
    uint64_t at, all_end;      /* the range that is shown */
    struct paging_stats stats; /* of what was shown of it */
} progress;

/* Tables below this level must have been shown completely. In the root, reserved slots are skipped. */
static void finish_tables(unsigned level)
{
    unsigned top = rig.at->model->levels;
    for (; progress.level < level; progress.level++)
        assert_int_equal(progress.next[progress.level], progress.end[progress.level]);
    assert_int_equal(progress.level, level);
    while (level == top && progress.next[top] < progress.end[top] &&
           model_is_reserved_slot(rig.at->model, progress.next[top])) {
        progress.next[top] = (progress.next[top] / paging_level_pages(top) + 1) * paging_level_pages(top);
        progress.after_hole[top] = false;
    }
    if (progress.next[top] > progress.end[top] && level == top)
        progress.next[top] = progress.end[top]; /* the range ends in a reserved slot */
}

static uint64_t end_of(const struct met_entry *entry)
{
    return entry->page + paging_level_pages(entry->level);
}

/* Passes over used entries that map nothing of the range. Returns the next one that does, or NULL. */
static const struct met_entry *next_used(void)
{
    while (progress.met < walked.count) {
        const struct met_entry *seen = &walked.entries[progress.met];
        if (seen->page < progress.all_end && end_of(seen) > progress.at)
            return seen;
        progress.met++;
    }
    return NULL;
}

static void count_shown(const struct paging_entry_info *info)
{
    bool writable_executable = (info->flags & (RW | NX)) == RW;
    progress.stats.tables[info->level - 1] += info->kind == PAGING_KIND_TABLE;
    progress.stats.markers += info->kind == PAGING_KIND_MARKER;
    progress.stats.malformed += info->kind == PAGING_KIND_MALFORMED;
    if (info->kind != PAGING_KIND_LEAF)
        return;
    progress.stats.leaves[info->level]++;
    progress.stats.owned_pages += info->entry.bits & PAGING_OWNED ? info->pages : 0;
    progress.stats.writable_executable += writable_executable;
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

static enum paging_visit judge_entry(void *context, const struct paging_entry_info *info)
{
    (void)context;
    judge_tiles(info);
    if (info->kind == PAGING_KIND_HOLE) {
        assert_int_equal(info->entry.bits, 0);
    } else {
        const struct met_entry *seen = next_used();
        assert_non_null(seen);
        progress.met++;
        uint64_t first = seen->page > progress.at ? seen->page : progress.at;
        uint64_t end = end_of(seen) < progress.all_end ? end_of(seen) : progress.all_end;
        assert_int_equal(info->level, seen->level);
        assert_int_equal(info->first.number, first);
        assert_int_equal(info->entry.bits, seen->entry);
        assert_int_equal(info->pages, end - first);
        assert_int_equal(info->kind, kind_by_manual(seen->level, seen->entry));
    }
    if (info->kind == PAGING_KIND_LEAF)
        judge_leaf(info);
    else
        assert_int_equal(info->flags, 0);
    count_shown(info);
    progress.calls++;
    return PAGING_VISIT_NEXT;
}

typedef enum paging_status walk_function(const struct paging_space *space, paging_entry_callback callback,
                                         void *context);

static void begin_range(uint64_t at, uint64_t end)
{
    unsigned top = rig.at->model->levels;
    memset(&progress, 0, sizeof(progress));
    progress.level = top;
    progress.next[top] = progress.at = at;
    progress.end[top] = progress.all_end = end;
}

static void all_was_shown(void)
{
    unsigned top = rig.at->model->levels;
    finish_tables(top);
    assert_int_equal(progress.next[top], progress.end[top]);
    assert_null(next_used());
}

static void judge_walk(const struct paging_space *space, walk_function *walk)
{
    begin_range(0, paging_level_pages(rig.at->model->levels) * PAGING_TABLE_ENTRIES);
    assert_status(walk(space, judge_entry, NULL), PAGING_OK);
    all_was_shown();
}

/* A range within one half. */
static void judge_walk_in(const struct paging_space *space, uint64_t at, uint64_t end)
{
    const paging_virt_t start = {rig_address(at)};
    struct paging_stats stats;
    begin_range(at, end);
    assert_status(paging_for_each_in(space, start, (end - at) * PAGING_PAGE_BYTES, judge_entry, NULL),
                  PAGING_OK);
    all_was_shown();
    assert_status(paging_count_in(space, start, (end - at) * PAGING_PAGE_BYTES, &stats), PAGING_OK);
    assert_memory_equal(&stats, &progress.stats, sizeof(stats));
}

/* Each half, and ranges whose ends are near entries that are used. */
static void judge_ranges(const struct paging_space *space)
{
    uint64_t half = paging_level_pages(rig.at->model->levels) * (PAGING_TABLE_ENTRIES / 2);
    for (uint64_t first = 0; first < 2 * half; first += half) {
        judge_walk_in(space, first, first + half);
        for (unsigned i = 0; i < 8 && walked.count > 0; i++) {
            const struct met_entry *one = &walked.entries[rig_random(walked.count)];
            const struct met_entry *other = &walked.entries[rig_random(walked.count)];
            uint64_t at = one->page + rig_random(paging_level_pages(one->level) + 2) - 1;
            uint64_t end = other->page + rig_random(paging_level_pages(other->level) + 2) - 1;
            if (at < end && at >= first && at < first + half && end <= first + half)
                judge_walk_in(space, at, end);
        }
    }
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
        assert_int_equal(walked.tables - walked.shared + rig.base_frames, paging_counted(space).tables);
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
    judge_ranges(rig.at->space);
    judge_ranges(&direct);
    (void)machine_allow_offset(by_offset);
    loads = 0;
    judge_walk(rig.at->space, walk_with_counted_loads);
    unsigned calls = progress.calls;
    /* Most entries are read once; the one after a hole once more. */
    assert_in_range(loads, (walked.tables + 1) * PAGING_TABLE_ENTRIES - 3,
                    (walked.tables + 1) * PAGING_TABLE_ENTRIES * 3 / 2);
    assert_true(machine_unchanged());
    assert_int_equal(machine_stores() + machine_flushes() + machine_full_flushes(), 0);
    assert_same_space(rig.at->space, &as_it_was);
    machine_audit();
    return calls;
}
