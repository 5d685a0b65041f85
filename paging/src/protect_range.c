/* protect_range.c - change flags in a range. */
#include "checks.h"
#include "range_parts.h"

static paging_entry_t changed(const struct split_rule *rule, paging_entry_t leaf)
{
    return (paging_entry_t){(leaf.bits & ~rule->clear) | rule->set};
}

static bool is_changed(const struct split_rule *rule, paging_entry_t leaf)
{
    return changed(rule, leaf).bits != leaf.bits;
}

/* One entry of a P1. */
static void protect_one(const struct paging_space *space, const struct split_rule *rule,
                        volatile paging_entry_t *slot, uint64_t at, struct flush_batch *batch)
{
    paging_entry_t entry = paging_entry_load(slot), after = changed(rule, entry);
    if (after.bits == entry.bits || !paging_entry_is_present(entry))
        return;
    IF_MUTANT(DROPS_PRESENT)
    paging_entry_store(slot, (paging_entry_t){entry.bits & ~PAGING_PRESENT});
    IF_MUTANT(SETS_THEN_CLEARS)
    paging_entry_store(slot, (paging_entry_t){entry.bits | rule->set});
    paging_entry_store(slot, after);
    flush_leaf_later(space, batch, PAGING_4K, (paging_page_t){at});
}

enum { BATCH = 8 };

/*
 * Eight entries at a time, as long as they are all present and agree in the bits that change: then one XOR
 * does for each. With look_only, as long as nothing changes. Answers how many entries are done. By itself,
 * because it needs all registers there are.
 */
static __attribute__((noinline)) uint64_t protect_batch(volatile paging_entry_t *slot, uint64_t count,
                                                        uint64_t set, uint64_t clear, bool look_only)
{
    volatile paging_entry_t *first = slot, *end = slot + count / BATCH * BATCH;
    const uint64_t touched = set | clear;
    for (; slot != end; slot += BATCH) {
        uint64_t entries[BATCH], any = 0, all = ~(uint64_t)0;
#pragma GCC unroll 8
        for (unsigned i = 0; i < BATCH; i++) {
            entries[i] = paging_entry_load(slot + i).bits;
            any |= entries[i];
            all &= entries[i];
        }
        if ((all & PAGING_PRESENT) == 0 || ((any ^ all) & touched) != 0)
            break;
        uint64_t change = (all ^ set) & touched;
        if (change == 0)
            continue;
        if (look_only)
            break;
#pragma GCC unroll 8
        for (unsigned i = 0; i < BATCH; i++)
            paging_entry_store(slot + i, (paging_entry_t){entries[i] ^ change});
    }
    return (uint64_t)(slot - first);
}

/* In a P1, all pages of the range lie side by side. As long as each change has to be told, one at a time. */
static void protect_small(const struct paging_space *space, const struct split_rule *rule,
                          volatile paging_entry_t *slot, struct range range, struct flush_batch *batch)
{
    while (range.at < range.end) {
        bool tells = flush_wants_more(space, batch);
        uint64_t done = protect_batch(slot, range.end - range.at, rule->set, rule->clear, tells);
        range.at += done;
        slot += done;
        uint64_t end = range.end - range.at < BATCH ? range.end : range.at + BATCH;
        for (; range.at < end; range.at++, slot++)
            protect_one(space, rule, slot, range.at, batch);
    }
}

/*
 * A leaf that reaches beyond the range had no reason to be cut when that was looked into. It stays as it is,
 * even if the processor has marked it since.
 */
static void protect(const struct paging_space *space, const struct split_rule *rule, unsigned level,
                    paging_frame_t table, struct range range, struct flush_batch *batch)
{
    volatile paging_entry_t *slot = entry_slot(space, level, (paging_page_t){range.at}, table);
    if (level == PAGING_4K) {
        protect_small(space, rule, slot, range, batch);
        return;
    }
    unsigned parts = parts_of(level, range);
    for (unsigned i = 0; i < parts; i++, slot++) {
        paging_entry_t entry = paging_entry_load(slot);
        struct range part = part_of(level, range, i);
        if (paging_entry_is_table(entry, level)) {
            protect(space, rule, level - 1, paging_entry_frame(entry), part, batch);
        } else if (paging_entry_is_present(entry) && covers_whole_entry(level, part.at, part.end) &&
                   is_changed(rule, entry)) {
            paging_entry_store(slot, changed(rule, entry));
            flush_leaf_later(space, batch, level, (paging_page_t){part.at});
        }
    }
}

static enum paging_status check_change(const struct paging_space *space, struct range range, uint64_t set,
                                       uint64_t clear)
{
    if ((set & clear) != 0 || ((set | clear) & PAGING_PRESENT) != 0 || (clear & ~PAGING_LEAF_FLAGS) != 0)
        return PAGING_BAD_FLAGS;
    return check_flags(space, set, in_upper_half(space, (paging_page_t){range.at}));
}

enum paging_status paging_protect_range(struct paging_space *space, paging_virt_t start, uint64_t bytes,
                                        uint64_t set, uint64_t clear, struct paging_frame_source *frames)
{
    struct range range;
    enum paging_status status = paging_range_check(space, start, bytes, &range);
    if (status == PAGING_OK)
        status = check_change(space, range, set, clear);
    if (status != PAGING_OK)
        return status;

    struct split_rule rule = {is_changed, set, clear};
    struct boundary_splits cuts;
    status = paging_find_splits(space, range, &rule, frames, &cuts);
    if (status != PAGING_OK)
        return status;

    paging_make_splits(space, range, &cuts, frames);
    struct flush_batch batch;
    flush_begin(&batch);
    protect(space, &rule, space->cpu.levels, space->root, range, &batch);
    paging_flush_now(space, &batch);
    return PAGING_OK;
}
