/* What must hold between two verbs, found by walking physical memory from the root. */
#include "rig_parts.h"
#include <string.h>

/* Bits of entries as the manual numbers them; not taken from the core. */
#define TABLE_BITS   0x67ull /* present, writable, user, accessed, dirty */
#define SLOT_BITS    0x63ull /* present, writable, accessed, dirty */
#define NX_BIT       (1ull << 63)
#define FRAME_BITS   0x000ffffffffff000ull
#define COUNT_BITS   0x07f0000000000600ull
#define OWNED_BIT    (1ull << 52)
#define OWNED_BELOW  (1ull << 11) /* of the entry of a P2: its P1 may hold owned pages */
#define TOUCHED_BITS 0x60ull
#define HUGE_BIT     0x80ull

struct census {
    unsigned tables, leaves, owned;
    bool seen[MACHINE_FRAMES * 4];
};

static void see_table(struct census *census, uint64_t frame)
{
    if (!machine_frame_is_out(frame))
        fail_msg("frame %#lx is a table, but was given back", (unsigned long)frame);
    if (frame >= sizeof(census->seen) || census->seen[frame])
        fail_msg("frame %#lx is a table in two places", (unsigned long)frame);
    census->seen[frame] = true;
    census->tables++;
}

static unsigned used_entries(uint64_t table)
{
    const uint64_t *words = machine_frame(table);
    unsigned used = 0;
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        used += words[i] != 0;
    return used;
}

static unsigned stored_count(uint64_t entry)
{
    return (unsigned)((entry >> 52 & 0x7f) | (entry >> 9 & 3) << 7) + 1;
}

static bool holds_owned_page(uint64_t table)
{
    const uint64_t *words = machine_frame(table);
    for (unsigned i = 0; i < ENTRY_COUNT; i++)
        if ((words[i] & (OWNED_BIT | 1)) == (OWNED_BIT | 1))
            return true;
    return false;
}

static void check_table(struct census *census, unsigned level, uint64_t address, uint64_t entry)
{
    uint64_t table = (entry & FRAME_BITS) >> 12;
    see_table(census, table);
    if (level == PAGE_2M && !(entry & OWNED_BELOW) && holds_owned_page(table))
        fail_msg("the P1 at %#lx holds owned pages, and its P2 does not say so", (unsigned long)address);
    if ((entry & ~FRAME_BITS & ~COUNT_BITS & ~(level == PAGE_2M ? OWNED_BELOW : 0)) != TABLE_BITS)
        fail_msg("entry %#lx at %#lx points to a table with wrong flags", (unsigned long)entry,
                 (unsigned long)address);
    unsigned used = used_entries(table);
    if (used == 0)
        fail_msg("the table at %#lx is empty", (unsigned long)address);
    if (stored_count(entry) != used)
        fail_msg("the table at %#lx has %u entries, but counts %u", (unsigned long)address, used,
                 stored_count(entry));
}

/* The whole way to a leaf as the processor sees it, at the leaf's first and last byte. */
static void check_walk(const struct model_leaf *leaf)
{
    const struct walker *walker = machine_walker();
    uint64_t start = rig_address(leaf->page);
    uint64_t bytes = walker_span(walker, leaf->size);
    for (unsigned i = 0; i < 2; i++) {
        struct walk walk = walker_walk(walker, NULL, start + i * (bytes - 1), WALK_READ, false);
        assert_false(walk.faulted);
        assert_int_equal(walk.level, leaf->size);
        assert_int_equal(walk.frame, leaf->frame + i * (level_pages(leaf->size) - 1));
        assert_int_equal(walk.writable, (leaf->flags & ENTRY_WRITABLE) != 0);
        assert_int_equal(walk.user, (leaf->flags & ENTRY_USER) != 0);
        assert_int_equal(walk.executable, (leaf->flags & ENTRY_NO_EXECUTE) == 0);
    }
}

static void check_leaf(struct census *census, unsigned level, uint64_t address, uint64_t entry)
{
    const struct model_leaf *leaf = model_at(&rig.model, rig_page(address).number);
    if (!leaf || leaf->size != level || leaf->reserved)
        fail_msg("%#lx is mapped at level %u, and should not be", (unsigned long)address, level);
    uint64_t expected =
        leaf->frame << 12 | leaf->flags | 1 | (level > 1 ? HUGE_BIT : 0) | (leaf->owned ? OWNED_BIT : 0);
    if ((entry & ~TOUCHED_BITS) != (expected & ~TOUCHED_BITS) || (expected & ~entry) != 0)
        fail_msg("the leaf at %#lx is %#lx, expected %#lx", (unsigned long)address, (unsigned long)entry,
                 (unsigned long)expected);
    if (leaf->owned && !machine_frame_is_out(leaf->frame))
        fail_msg("%#lx is mapped to frame %#lx, which was given back", (unsigned long)address,
                 (unsigned long)leaf->frame);
    census->owned += leaf->owned ? (unsigned)level_pages(level) : 0;
    census->leaves++;
    check_walk(leaf);
}

static void check_slot(struct census *census, unsigned slot, uint64_t entry)
{
    uint64_t frame = (entry & FRAME_BITS) >> 12;
    uint64_t flags = SLOT_BITS | (machine_walker()->no_execute ? NX_BIT : 0);
    if (slot == PAGING_FOREIGN_SLOT)
        fail_msg("the foreign slot is not empty");
    if ((entry & ~FRAME_BITS) != flags)
        fail_msg("slot %u of the root is %#lx", slot, (unsigned long)entry);
    if (slot == PAGING_RECURSIVE_SLOT && frame != machine_walker()->root)
        fail_msg("the recursive slot does not hold the root");
    if (slot == PAGING_SCRATCH_SLOT)
        see_table(census, frame);
}

/* The tables above the scratch page: always there, and at rest without the page itself. */
static void check_scratch(struct census *census, unsigned level, uint64_t entry)
{
    if (level == 1)
        fail_msg("the scratch page is mapped at rest");
    see_table(census, (entry & FRAME_BITS) >> 12);
    if ((entry & ~FRAME_BITS & ~COUNT_BITS) != TABLE_BITS)
        fail_msg("entry %#lx above the scratch page", (unsigned long)entry);
}

static bool check_entry(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                        uint64_t entry)
{
    struct census *census = context;
    (void)table;
    unsigned slot = (unsigned)(rig_page(address).number / level_pages(rig.model.levels));
    if (level == rig.model.levels && model_is_kept(level, rig_page(address).number)) {
        check_slot(census, index, entry);
        return index == PAGING_SCRATCH_SLOT;
    }
    if (slot == PAGING_SCRATCH_SLOT) {
        check_scratch(census, level, entry);
        return true;
    }
    if (!(entry & 1)) {
        const struct model_leaf *leaf = model_at(&rig.model, rig_page(address).number);
        assert_true(leaf && leaf->size == level && leaf->reserved == entry);
        census->leaves++;
    } else if (walker_is_leaf(level, entry)) {
        check_leaf(census, level, address, entry);
    } else {
        check_table(census, level, address, entry);
    }
    return true;
}

void rig_check(void)
{
    struct census census;
    memset(&census, 0, sizeof(census));
    see_table(&census, machine_walker()->root);
    walker_visit(machine_walker(), check_entry, &census);
    if (!(*machine_walker()->entry(machine_walker()->root, PAGING_RECURSIVE_SLOT) & 1))
        fail_msg("the recursive slot is empty");
    if (census.leaves != rig.model.count)
        fail_msg("%u pages are mapped, expected %u", census.leaves, rig.model.count);
    if (census.tables + census.owned != machine_frames_out())
        fail_msg("%u tables and %u owned frames, but %u frames are out", census.tables, census.owned,
                 machine_frames_out());
    assert_int_equal(rig.space.tables, census.tables);
    machine_audit();
}

/* ---- one verb ---- */

struct rig_before rig_look_before(unsigned refusals)
{
    struct rig_before before;
    memcpy(&before.space, &rig.space, sizeof(before.space));
    before.frames = machine_frames_out();
    before.refusals = refusals;
    if (refusals)
        machine_snapshot();
    machine_reset_log();
    return before;
}

void rig_judge_nothing_changed(const struct rig_before *before, const char *why)
{
    if (!machine_unchanged())
        fail_msg("\"%s\", but memory has changed", why);
    assert_int_equal(machine_frames_out(), before->frames);
    assert_int_equal(machine_flushes() + machine_full_flushes(), 0);
    assert_memory_equal(&rig.space, &before->space, sizeof(before->space));
}

void rig_judge_status(const struct rig_before *before, enum paging_status status)
{
    if (before->refusals ? (before->refusals >> status & 1) == 0 : status != PAGING_OK)
        fail_msg("status is \"%s\", set of right ones %#x", paging_status_name(status), before->refusals);
    if (before->refusals)
        rig_judge_nothing_changed(before, paging_status_name(status));
    assert_int_equal(rig.space.flushes - before->space.flushes, machine_flushes());
    assert_int_equal(rig.space.full_flushes - before->space.full_flushes, machine_full_flushes());
}

void rig_judge_map_flushes(void)
{
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t slot = rig_page(machine_flushed(i)).number / level_pages(rig.model.levels);
        if (slot != PAGING_SCRATCH_SLOT)
            fail_msg("mapping flushed %#lx", (unsigned long)machine_flushed(i));
    }
}
