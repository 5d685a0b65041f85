/* SPDX-License-Identifier: MIT */
/* What must hold between two operations, found by walking physical memory from each root. */
#include "machines/machine_internal.h"
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

/* Bits of entries as the manual numbers them; not taken from the core. */
#define TABLE_BITS   0x67ull /* present, writable, user, accessed, dirty */
#define SLOT_BITS    0x63ull /* present, writable, accessed, dirty */
#define NX_BIT       (1ull << 63)
#define FRAME_BITS   0x000ffffffffff000ull
#define COUNT_BITS   0x07f0000000000600ull
#define OWNED_BIT    (1ull << 52)
#define OWNED_BELOW  (1ull << 11) /* of an entry of a P2: its P1 may hold owned pages */
#define SHARED       (1ull << 11) /* of an entry of the root: spaces share the table */
#define TOUCHED_BITS 0x60ull
#define HUGE_BIT     0x80ull
#define PAT_BIT      0x80ull   /* of a leaf in a P1, and of flags */
#define HUGE_PAT_BIT 0x1000ull /* of a huge leaf */

struct census {
    unsigned tables, owned; /* of all spaces */
    unsigned waiting;       /* leaves of a gather */
    /* Of the space at hand: */
    const struct rig_side *side;
    struct walker walker;
    unsigned own, shared, leaves;
};

/* By frame: the last check that met a run that begins there, as a table or an owned page. */
static unsigned seen[MEMORY_FRAMES], checks;

static void see_run(enum paging_frame_use use, unsigned size, uint64_t frame, const char *what)
{
    if (machine_run_at(frame) != size)
        fail_msg("frame %#lx is %s of size %u, and a run of size %u to the source", (unsigned long)frame,
                 what, size, machine_run_at(frame));
    if (machine_use_at(frame) != use)
        fail_msg("frame %#lx is %s, and the source was told otherwise", (unsigned long)frame, what);
    if (seen[frame] == checks)
        fail_msg("frame %#lx is in use twice, here as %s", (unsigned long)frame, what);
    seen[frame] = checks;
}

/* By frame: the last check that met it in a shared run, and how many pages have it. */
static struct {
    unsigned check, pages;
} sharing[MEMORY_FRAMES];

/* A run that has been shared: the source counts its frames by themselves. */
static void see_shared_run(uint64_t frame, uint64_t count)
{
    for (uint64_t i = frame; i < frame + count; i++) {
        if (machine_run_at(i) != PAGING_4K || machine_use_at(i) != PAGING_FRAME_FOR_PAGE || seen[i] == checks)
            fail_msg("frame %#lx of a shared run is something else, too", (unsigned long)i);
        sharing[i].pages = sharing[i].check == checks ? sharing[i].pages + 1 : 1;
        sharing[i].check = checks;
        if (sharing[i].pages > machine_owners_of(i))
            fail_msg("frame %#lx has %u pages, and to the source it has %u", (unsigned long)i,
                     sharing[i].pages, machine_owners_of(i));
    }
}

/* The frame or frames of an owned page. Only one that says so may have frames that others own, too. */
static void see_page(unsigned size, uint64_t frame, bool says_so, const char *what)
{
    uint64_t count = paging_level_pages(size);
    if (!says_so && machine_is_shared(frame, (enum paging_size)size))
        fail_msg("frame %#lx is shared, and %s does not say so", (unsigned long)frame, what);
    if (machine_owners_of(frame) > 0)
        see_shared_run(frame, count);
    else
        see_run(PAGING_FRAME_FOR_PAGE, size, frame, what);
}

static void see_table(struct census *census, uint64_t frame)
{
    see_run(PAGING_FRAME_FOR_TABLE, PAGING_4K, frame, "a table");
    census->tables++;
    census->own++;
}

static unsigned count_detached(uint64_t table)
{
    const uint64_t *words = machine_frame(table);
    unsigned count = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        count += is_detached(words[i]);
    return count;
}

static bool is_owned_page(uint64_t entry)
{
    const uint64_t owned = DETACHED_PAGE | DETACHED_OWNED;
    return is_detached(entry) ? (value_of_marker(entry) & owned) == owned
                              : (entry & (OWNED_BIT | 1)) == (OWNED_BIT | 1);
}

/* The entry names the page that waits, and says whether it is owned. */
static void see_waiting_page(struct census *census, unsigned level, uint64_t page, uint64_t entry)
{
    const struct model_leaf *leaf = rig_waiting_at(page);
    if (!leaf || leaf->size != level)
        fail_msg("page %#lx waits, and should not", (unsigned long)page);
    assert_int_equal(is_owned_page(entry), leaf->owned);
    if (is_detached(entry))
        assert_int_equal(value_of_marker(entry) & DETACHED_FRAME, leaf->frame);
    if (leaf->owned)
        see_page(level, leaf->frame, leaf->flags & MODEL_SHARED, "an owned page that waits");
    census->owned += leaf->owned ? (unsigned)paging_level_pages(level) : 0;
    census->waiting++;
}

/*
 * What a detached entry names is still out, down to the last page, and each leaf there is one that waits:
 * those below a table that went as well as those that went before it.
 */
static void see_waiting(struct census *census, unsigned level, uint64_t page, uint64_t entry)
{
    uint64_t value = value_of_marker(entry);
    uint64_t frame = is_detached(entry) ? value & DETACHED_FRAME : (entry & FRAME_BITS) >> 12;
    if (is_detached(entry) ? (value & DETACHED_PAGE) != 0 : level == 1 || (entry & HUGE_BIT)) {
        see_waiting_page(census, level, page, entry);
        return;
    }
    see_table(census, frame);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++, page += paging_level_pages(level - 1))
        if (machine_frame(frame)[i] & 1 || is_detached(machine_frame(frame)[i]))
            see_waiting(census, level - 1, page, machine_frame(frame)[i]);
}

static bool holds_owned_page(uint64_t table)
{
    const uint64_t *words = machine_frame(table);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        if (is_owned_page(words[i]))
            return true;
    return false;
}

static void check_table(struct census *census, unsigned level, uint64_t address, uint64_t entry)
{
    uint64_t table = (entry & FRAME_BITS) >> 12;
    see_table(census, table);
    if (level == PAGING_2M && !(entry & OWNED_BELOW) && holds_owned_page(table))
        fail_msg("the P1 at %#lx holds owned pages, and its P2 does not say so", (unsigned long)address);
    if ((entry & ~FRAME_BITS & ~COUNT_BITS & ~(level == PAGING_2M ? OWNED_BELOW : 0)) != TABLE_BITS)
        fail_msg("entry %#lx at %#lx points to a table with wrong flags", (unsigned long)entry,
                 (unsigned long)address);
    unsigned used = used_entries(table) - count_detached(table);
    if (used == 0)
        fail_msg("the table at %#lx is empty", (unsigned long)address);
    if (stored_count(entry) != used)
        fail_msg("the table at %#lx has %u entries, but counts %u", (unsigned long)address, used,
                 stored_count(entry));
}

/* The whole way to a leaf as the processor sees it, at the leaf's first and last byte. */
static void check_walk(const struct walker *walker, const struct model_leaf *leaf)
{
    uint64_t start = rig_address(leaf->page);
    uint64_t bytes = walker_span(walker, leaf->size);
    for (unsigned i = 0; i < 2; i++) {
        struct walk walk = walker_walk(walker, NULL, start + i * (bytes - 1), WALK_READ, false);
        assert_false(walk.faulted);
        assert_int_equal(walk.level, leaf->size);
        assert_int_equal(walk.frame, leaf->frame + i * (paging_level_pages(leaf->size) - 1));
        assert_int_equal(walk.writable, (leaf->flags & PAGING_WRITABLE) != 0);
        assert_int_equal(walk.user, (leaf->flags & PAGING_USER) != 0);
        assert_int_equal(walk.executable, (leaf->flags & PAGING_NO_EXECUTE) == 0);
    }
}

static void check_leaf(struct census *census, unsigned level, uint64_t address, uint64_t entry)
{
    const struct model_leaf *leaf = model_at(census->side->model, rig_page(address).number);
    if (!leaf || leaf->size != level || leaf->marker)
        fail_msg("%#lx is mapped at level %u, and should not be", (unsigned long)address, level);
    uint64_t expected = leaf->frame << 12 | (leaf->flags & ~PAT_BIT) | 1 | (leaf->owned ? OWNED_BIT : 0);
    expected |= leaf->flags & PAT_BIT ? (level > 1 ? HUGE_PAT_BIT : PAT_BIT) : 0;
    expected |= level > 1 ? HUGE_BIT : 0;
    if ((entry & ~TOUCHED_BITS) != (expected & ~TOUCHED_BITS) || (expected & ~entry) != 0)
        fail_msg("the leaf at %#lx is %#lx, expected %#lx", (unsigned long)address, (unsigned long)entry,
                 (unsigned long)expected);
    if (leaf->owned)
        see_page(level, leaf->frame, leaf->flags & MODEL_SHARED, "an owned page");
    census->owned += leaf->owned ? (unsigned)paging_level_pages(level) : 0;
    census->leaves++;
    check_walk(&census->walker, leaf);
}

/* The tables above the scratch page are always there. The page itself is not mapped between operations. */
static void check_scratch(struct census *census, unsigned level, uint64_t entry)
{
    if (level == 1)
        fail_msg("the scratch page is mapped between operations");
    see_table(census, (entry & FRAME_BITS) >> 12);
    if ((entry & ~FRAME_BITS & ~COUNT_BITS) != TABLE_BITS)
        fail_msg("entry %#lx above the scratch page", (unsigned long)entry);
}

/*
 * Checks an entry of the root that points to a shared table. All sharers have the very same word there.
 * Returns whether to go below: only in the owner's root, because the tables there are the owner's.
 */
static bool check_shared_entry(struct census *census, unsigned slot, uint64_t entry)
{
    const struct rig_side *owner = census->side->shared_owner;
    census->shared++;
    if ((entry & ~FRAME_BITS & ~COUNT_BITS) != (TABLE_BITS | SHARED))
        fail_msg("slot %u of the root is %#lx, and should be shared", slot, (unsigned long)entry);
    if (!owner) {
        see_table(census, (entry & FRAME_BITS) >> 12);
        return true;
    }
    uint64_t expected = machine_frame(owner->space->root.number)[slot];
    if (entry != expected)
        fail_msg("slot %u of the root is %#lx, the owner's %#lx", slot, (unsigned long)entry,
                 (unsigned long)expected);
    return false;
}

static bool check_entry(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                        uint64_t entry)
{
    struct census *census = context;
    const struct model *model = census->side->model;
    uint64_t page = rig_page(address).number;
    (void)table;
    if (level == model->levels && model_is_reserved_slot(model, page))
        return index == PAGING_SCRATCH_SLOT;
    if (level == model->levels && model_is_shared_table(model, level - 1, page))
        return check_shared_entry(census, index, entry);
    if (model_is_scratch_slot(model, page)) {
        check_scratch(census, level, entry);
        return true;
    }
    if (is_detached(entry)) {
        see_waiting(census, level, page, entry);
    } else if (!(entry & 1)) {
        const struct model_leaf *leaf = model_at(model, page);
        assert_true(leaf && leaf->size == level && leaf->marker == entry);
        census->leaves++;
    } else if (walker_is_leaf(level, entry)) {
        check_leaf(census, level, address, entry);
    } else {
        check_table(census, level, address, entry);
    }
    return true;
}

static void check_slot(const struct rig_side *side, unsigned slot, uint64_t frame)
{
    uint64_t entry = slot < PAGING_TABLE_ENTRIES ? machine_frame(side->space->root.number)[slot] : 0;
    uint64_t flags = SLOT_BITS | (machine_walker()->no_execute ? NX_BIT : 0);
    if (entry != (frame ? frame << 12 | flags : 0))
        fail_msg("slot %u of the root is %#lx, expected frame %#lx", slot, (unsigned long)entry,
                 (unsigned long)frame);
}

/* The reserved slots of the root, if it has any. An attached space has no recursive slot of its own. */
static void check_slots(struct census *census)
{
    const struct rig_side *side = census->side;
    uint64_t root = side->space->root.number;
    if (side->model->by_direct_map)
        return;
    check_slot(side, PAGING_RECURSIVE_SLOT, side == rig.attached ? 0 : root);
    check_slot(side, PAGING_ALTERNATE_SLOT,
               side == rig.active && rig.attached ? rig.attached->space->root.number : 0);
    if (PAGING_HAS_SCRATCH_SLOT) {
        uint64_t frame = (machine_frame(root)[PAGING_SCRATCH_SLOT] & FRAME_BITS) >> 12;
        check_slot(side, PAGING_SCRATCH_SLOT, frame);
        see_table(census, frame);
    }
}

/* Returns the number of slots of the upper half that are not reserved. */
static unsigned count_upper_slots(const struct model *model)
{
    unsigned slots = 0;
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++)
        slots += !model_is_reserved_slot(model, slot * paging_level_pages(model->levels));
    return slots;
}

static void check_side(struct census *census, const struct rig_side *side)
{
    const struct model *model = side->model;
    uint64_t half = paging_level_pages(model->levels) * (PAGING_TABLE_ENTRIES / 2);
    uint64_t root = side->space->root.number;
    census->side = side;
    census->walker = *machine_walker();
    census->walker.root = root;
    census->own = census->shared = census->leaves = 0;
    see_table(census, root);
    check_slots(census);
    walker_visit(&census->walker, check_entry, census);
    unsigned expected = side->shared_owner ? model_first(model, half) : model->count;
    if (census->leaves != expected)
        fail_msg("%u pages are mapped, expected %u", census->leaves, expected);
    assert_int_equal(census->shared,
                     side->owns_shared_half || side->shared_owner ? count_upper_slots(model) : 0);
    assert_int_equal(side->space->sharers, rig_sharers(side));
    assert_int_equal(paging_counted(side->space).tables, census->own);
}

/* What the space at hand maps in an upper half that it shares, the others map too. */
static void copy_shared_half(void)
{
    const struct rig_side *owner = rig.at->shared_owner ? rig.at->shared_owner : rig.at;
    for (unsigned i = 0; owner->owns_shared_half && i < RIG_SPACES; i++) {
        struct rig_side *side = &rig.sides[i];
        if (side->space && side != rig.at && (side == owner || side->shared_owner == owner))
            model_copy_upper_half(side->model, rig.at->model);
    }
}

void rig_check(void)
{
    struct census census;
    memset(&census, 0, sizeof(census));
    checks++;
    copy_shared_half();
    assert_int_equal(machine_walker()->root, rig.active->space->root.number);
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            check_side(&census, &rig.sides[i]);
    /* So each frame that pages share has just as many as the source says: none has more. */
    if (census.tables + census.owned != machine_frames_out())
        fail_msg("%u tables and %u owned frames, but %u frames are out", census.tables, census.owned,
                 machine_frames_out());
    assert_int_equal(census.waiting, rig_count_waiting());
    if (!rig_is_gathering())
        machine_audit();
}
