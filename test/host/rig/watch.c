/* Probes, looked at after every store. */
#include "rig/watch.h"
#include "machines/memcheck.h"
#include <stdio.h>
#include <string.h>

#define MOST_PROBES 2048u

/* What is seen of a probe in one way: it may change once. */
struct view {
    uint64_t first, now;
    unsigned changes;
};

struct safe_access {
    uint64_t root, address;
    bool is_accessed, is_called;
    struct view walked, accessed;
    uint64_t frame, marks; /* accessed and dirty bits that were seen while it led to this frame */
};

static struct safe_access probes[MOST_PROBES];
static unsigned count, third_states;
static char first_of_them[256];
static struct watch_totals totals;

struct watch_totals watch_totals(void)
{
    return totals;
}

void watch_nothing(void)
{
    count = 0;
}

static void add(const struct rig_side *side, uint64_t address, bool is_page)
{
    uint64_t root = side->space->root.number;
    if (rig_page(address).number / paging_level_pages(rig.model.levels) == PAGING_SCRATCH_SLOT)
        return;
    for (unsigned i = 0; i < count; i++)
        if (probes[i].address == address && probes[i].root == root)
            return;
    assert_true(count < MOST_PROBES);
    probes[count++] =
        (struct safe_access){.root = root, .address = address, .is_accessed = is_page && side == rig.live};
}

void watch_page(const struct rig_side *side, uint64_t page, bool p1_windows)
{
    uint64_t address = rig_address(page % (paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES));
    if (model_is_reserved_slot(rig.model.levels, rig_page(address).number))
        return;
    add(side, address, true);
    for (unsigned level = p1_windows ? 1 : 2; level <= rig.model.levels; level++) {
        if (side == rig.live)
            add(side, rig_window(level, address), false);
        else if (PAGING_ALTERNATE_SLOT < PAGING_TABLE_ENTRIES)
            add(rig.live, rig_alternate_window(level, address), false);
    }
}

/* ---- looking ---- */

static void third_state(const struct safe_access *probe, const struct view *view, const char *how,
                        uint64_t next)
{
    if (third_states++ == 0)
        snprintf(first_of_them, sizeof(first_of_them), "store %u, %#lx %s: first %#lx, then %#lx, then %#lx",
                 machine_steps(), (unsigned long)probe->address, how, (unsigned long)view->first,
                 (unsigned long)view->now, (unsigned long)next);
}

static void see(const struct safe_access *probe, struct view *view, const char *how, uint64_t next)
{
    if (next == view->now)
        return;
    if (view->changes++ > 0)
        third_state(probe, view, how, next);
    view->now = next;
}

/*
 * All that a program can notice of a translation, in one word: not the size of the page. Bits 4 to 7 of the
 * result are PRESENT and what selects the memory type: PWT, PCD, and PAT, which has two places.
 */
static uint64_t outcome(const struct walk *walk)
{
    if (walk->faulted)
        return 1 | (uint64_t)walk->error << 1;
    uint64_t pat = walk->entry >> (walk->level == 1 ? 7 : 12) & 1;
    return walk->frame << 12 | (uint64_t)walk->global << 8 | pat << 7 | (walk->entry >> 3 & 3) << 5 |
           1u << 4 | (uint64_t)walk->executable << 3 | (uint64_t)walk->user << 2 |
           (uint64_t)walk->writable << 1;
}

static void see_marks(struct safe_access *probe, const struct walk *walk)
{
    uint64_t marks = walk->entry & (PAGING_ACCESSED | PAGING_DIRTY);
    if (probe->frame == walk->frame && (probe->marks & ~marks) != 0)
        third_state(probe, &probe->walked, "lost accessed or dirty", walk->entry);
    probe->marks = marks | (probe->frame == walk->frame ? probe->marks : 0);
    probe->frame = walk->frame;
}

static void see_walk(struct safe_access *probe)
{
    struct walker walker = *machine_walker();
    walker.root = probe->root;
    struct walk walk = walker_walk(&walker, NULL, probe->address, WALK_READ, false);
    see(probe, &probe->walked, "translated", outcome(&walk));
    if (!walk.faulted)
        see_marks(probe, &walk);
}

/* What a read finds, and whether a call comes back. Junk begins with a RET; nothing else is called. */
static uint64_t access_result(const struct safe_access *probe)
{
    const uint64_t called = PAGING_SYSTEM_11; /* a bit that is zero in junk */
    struct machine_access read = machine_access(probe->address, WALK_READ);
    if (read.faulted)
        return 1 | (uint64_t)read.error << 1;
    memcheck_trust(&read.value, sizeof(read.value)); /* what nobody wrote yet is compared with itself only */
    bool is_junk = read.value == machine_junk(read.value >> 12);
    if (!probe->is_called || !is_junk || machine_access(probe->address, WALK_FETCH).faulted)
        return read.value;
    return read.value | called;
}

static void look(void)
{
    uint64_t live = machine_walker()->root;
    for (unsigned i = 0; i < count; i++)
        see_walk(&probes[i]);
    for (unsigned i = 0; i < count; i++)
        if (probes[i].root == live)
            machine_speculate(probes[i].address);
    for (unsigned i = 0; i < count; i++)
        if (probes[i].is_accessed && probes[i].root == live)
            see(&probes[i], &probes[i].accessed, "accessed", access_result(&probes[i]));
    totals.looks += count;
}

/* Everything that the processor can have loaded before, it has. */
void watch_start(void)
{
    machine_fill_tlb();
    third_states = 0;
    for (unsigned i = 0; i < count; i++) {
        struct safe_access *probe = &probes[i];
        see_walk(probe);
        probe->is_called = (probe->walked.now & 1) == 0 && (probe->walked.now >> 3 & 1);
        if (probe->is_accessed)
            probe->accessed.now = access_result(probe);
        see_walk(probe); /* the access has marked it */
        probe->walked = (struct view){.first = probe->walked.now, .now = probe->walked.now};
        probe->accessed = (struct view){.first = probe->accessed.now, .now = probe->accessed.now};
    }
    third_states = 0;
    machine_step(look);
}

unsigned watch_judge(void)
{
    /* The rig has reset the log of the machine just before the call. */
    unsigned stores = machine_steps();
    machine_step(NULL);
    look();
    totals.stores += stores;
    if (stores < machine_stores())
        fail_msg("of %u stores of the core, %u were looked at", machine_stores(), stores);
    if (third_states > 0)
        fail_msg("%u third states; %s", third_states, first_of_them);
    unsigned changed = 0;
    for (unsigned i = 0; i < count; i++)
        changed += probes[i].walked.changes > 0;
    return changed;
}
