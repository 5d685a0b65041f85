/* SPDX-License-Identifier: MIT */
/* Watched addresses, looked at after every store. */
#include "rig/watch.h"
#include "machines/memcheck.h"
#include <stdio.h>
#include <string.h>

#define MOST_WATCHED 2048u

/* What is observed of an address in one way. It may change once. */
struct seen {
    uint64_t first, now;
    unsigned changes;
};

struct watched {
    uint64_t root, address;
    bool is_accessed, is_called;
    struct seen walked, accessed;
    uint64_t frame, touched; /* accessed and dirty bits that were seen while it led to this frame */
};

static struct watched list[MOST_WATCHED];
static unsigned count, torn_states;
static bool clears_touched;
static char first_torn_state[256];
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
    if (model_is_scratch_slot(&rig.model, rig_page(address).number))
        return;
    for (unsigned i = 0; i < count; i++)
        if (list[i].address == address && list[i].root == root)
            return;
    assert_true(count < MOST_WATCHED);
    list[count++] =
        (struct watched){.root = root, .address = address, .is_accessed = is_page && side == rig.active};
}

void watch_page(const struct rig_side *side, uint64_t page, bool p1_windows)
{
    uint64_t address = rig_address(page % (paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES));
    if (model_is_reserved_slot(side->model, rig_page(address).number))
        return;
    add(side, address, true);
    for (unsigned level = p1_windows ? 1 : 2; rig_has_windows() && level <= rig.model.levels; level++) {
        if (side == rig.active)
            add(side, rig_window(level, address), false);
        else if (PAGING_HAS_ALTERNATE_SLOT)
            add(rig.active, rig_alternate_window(level, address), false);
    }
}

/* ---- looking ---- */

static void torn_state(const struct watched *watched, const struct seen *seen, const char *how, uint64_t next)
{
    if (torn_states++ == 0)
        snprintf(first_torn_state, sizeof(first_torn_state),
                 "store %u, %#lx %s: first %#lx, then %#lx, then %#lx", machine_steps(),
                 (unsigned long)watched->address, how, (unsigned long)seen->first, (unsigned long)seen->now,
                 (unsigned long)next);
}

static void see(const struct watched *watched, struct seen *seen, const char *how, uint64_t next)
{
    if (next == seen->now)
        return;
    if (seen->changes++ > 0)
        torn_state(watched, seen, how, next);
    seen->now = next;
}

/*
 * Returns all that a program can notice of a translation, in one word. The page size is not among it. Bits 4
 * to 7 of the result are PRESENT and what selects the memory type: PWT, PCD, and PAT, which has two places.
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

static void see_touched(struct watched *watched, const struct walk *walk)
{
    uint64_t touched = walk->entry & (PAGING_ACCESSED | PAGING_DIRTY);
    if (!clears_touched && watched->frame == walk->frame && (watched->touched & ~touched) != 0)
        torn_state(watched, &watched->walked, "lost accessed or dirty", walk->entry);
    watched->touched = touched | (watched->frame == walk->frame ? watched->touched : 0);
    watched->frame = walk->frame;
}

static void see_walk(struct watched *watched)
{
    struct walker walker = *machine_walker();
    walker.root = watched->root;
    struct walk walk = walker_walk(&walker, NULL, watched->address, WALK_READ, false);
    see(watched, &watched->walked, "translated", outcome(&walk));
    if (!walk.faulted)
        see_touched(watched, &walk);
}

/* Returns what a read finds, and whether a call comes back. Only junk is called: it begins with a RET. */
static uint64_t access_result(const struct watched *watched)
{
    const uint64_t called = PAGING_SYSTEM_11; /* a bit that is zero in junk */
    struct machine_access read = machine_access(watched->address, WALK_READ);
    if (read.faulted)
        return 1 | (uint64_t)read.error << 1;
    memcheck_trust(&read.value, sizeof(read.value)); /* it is only compared with itself */
    bool is_junk = read.value == machine_junk(read.value >> 12);
    if (!watched->is_called || !is_junk || machine_access(watched->address, WALK_FETCH).faulted)
        return read.value;
    return read.value | called;
}

static void look(void)
{
    uint64_t active = machine_walker()->root;
    for (unsigned i = 0; i < count; i++)
        see_walk(&list[i]);
    for (unsigned i = 0; i < count; i++)
        if (list[i].root == active)
            machine_speculate(list[i].address);
    for (unsigned i = 0; i < count; i++)
        if (list[i].is_accessed && list[i].root == active)
            see(&list[i], &list[i].accessed, "accessed", access_result(&list[i]));
    totals.looks += count;
}

/* The TLB holds everything that the processor can have loaded before. */
void watch_start(bool clears)
{
    clears_touched = clears;
    machine_fill_tlb();
    torn_states = 0;
    for (unsigned i = 0; i < count; i++) {
        struct watched *watched = &list[i];
        see_walk(watched);
        watched->is_called = (watched->walked.now & 1) == 0 && (watched->walked.now >> 3 & 1);
        if (watched->is_accessed)
            watched->accessed.now = access_result(watched);
        see_walk(watched); /* the access has set the accessed bit */
        watched->walked = (struct seen){.first = watched->walked.now, .now = watched->walked.now};
        watched->accessed = (struct seen){.first = watched->accessed.now, .now = watched->accessed.now};
    }
    torn_states = 0;
    machine_step(look);
}

unsigned watch_judge(void)
{
    /* The judge has reset the log of the machine just before the call. */
    unsigned stores = machine_steps();
    machine_step(NULL);
    look();
    totals.stores += stores;
    if (stores < machine_stores())
        fail_msg("of %u stores of the core, %u were looked at", machine_stores(), stores);
    if (torn_states > 0)
        fail_msg("%u torn states; %s", torn_states, first_torn_state);
    unsigned changed = 0;
    for (unsigned i = 0; i < count; i++)
        changed += list[i].walked.changes > 0;
    return changed;
}
