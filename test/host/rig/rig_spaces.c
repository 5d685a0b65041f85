/* What spaces do to each other, each called and judged. */
#include "rig/rig_spaces.h"
#include "rig/rig_internal.h"
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

static struct paging_space spaces[RIG_SPACES];
static struct model models[RIG_SPACES];

void rig_open_spaces_on(struct machine_setup setup)
{
    setup.frames = PAGING_TABLE_ENTRIES < 512 ? 0 : 900;
    rig_open_on(setup);
    for (unsigned i = 1; i < RIG_SPACES; i++)
        rig.sides[i].model = &models[i];
}

void rig_open_spaces(void)
{
    rig_open_spaces_on(rig_setup());
}

void rig_open_borrower(void)
{
    rig_open_spaces();
    assert_status(rig_share(&rig.sides[0]), PAGING_OK);
    assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
    assert_status(rig_attach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
    rig.at = &rig.sides[0];
}

/* ---- what the spaces are to each other ---- */

static struct rig_side *shared_owner_of(const struct rig_side *side)
{
    return side->shares_upper_half ? (struct rig_side *)side : side->shared_owner;
}

bool rig_shares(const struct rig_side *one, const struct rig_side *other)
{
    return shared_owner_of(one) && shared_owner_of(one) == shared_owner_of(other);
}

static unsigned borrowers_of(const struct rig_side *side)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        count += rig.sides[i].space && rig.sides[i].shared_owner == side;
    return count;
}

static bool is_in_reach(const struct rig_side *side)
{
    return side == rig.live || side == rig.open;
}

unsigned rig_refuses(uint64_t page)
{
    bool shared = rig.at->shared_owner || borrowers_of(rig.at) > 0;
    if (!is_in_reach(rig.at))
        return 1u << PAGING_UNREACHABLE;
    return shared && rig.at != rig.live && model_is_upper(&rig.model, page) ? 1u << PAGING_SHARED : 0;
}

uint64_t rig_upper_place(void)
{
    unsigned slot = PAGING_TABLE_ENTRIES / 2;
    while (model_is_reserved_slot(rig.model.levels, slot * paging_level_pages(rig.model.levels)))
        slot++;
    return rig_address(slot * paging_level_pages(rig.model.levels));
}

/* Wherever the tables on the way to PLACE are seen; and all there is at each flush, and at some stores. */
static void load_meanwhile(void)
{
    static unsigned flushes;
    unsigned now = machine_flushes() + machine_full_flushes();
    for (unsigned level = 1; level < rig.model.levels; level++) {
        machine_speculate(rig_window(level, PLACE));
        machine_speculate(rig_alternate_window(level, PLACE));
    }
    if (now != flushes || machine_stores() % 8 == 0)
        machine_fill_tlb();
    flushes = now;
}

void rig_watch(bool on)
{
    machine_observe(on ? load_meanwhile : NULL);
}

/* ---- judging ---- */

static struct {
    struct paging_space spaces[RIG_SPACES];
    unsigned frames, refusals;
} before;

static void look_before(unsigned refusals)
{
    memset(&before, 0, sizeof(before));
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            memcpy(&before.spaces[i], rig.sides[i].space, sizeof(before.spaces[i]));
    before.frames = machine_frames_out();
    before.refusals = refusals;
    if (refusals)
        machine_snapshot();
    machine_reset_log();
}

static void judge_nothing_changed(const char *why)
{
    if (!machine_unchanged())
        fail_msg("\"%s\", but memory has changed", why);
    assert_int_equal(machine_frames_out(), before.frames);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_root_loads(), 0);
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            assert_same_space(rig.sides[i].space, &before.spaces[i]);
}

/* Was it right, did it take so many frames, flush everything so often, and else only the scratch page? */
static void judge(enum paging_status status, int frames, unsigned full_flushes)
{
    unsigned refusals = before.refusals;
    if (refusals ? (refusals >> status & 1) == 0 : status != PAGING_OK)
        fail_msg("status is \"%s\", set of right ones %#x", paging_status_name(status), refusals);
    if (refusals) {
        judge_nothing_changed(paging_status_name(status));
        return;
    }
    assert_int_equal((int)machine_frames_out() - (int)before.frames, frames);
    assert_int_equal(machine_full_flushes(), full_flushes);
    assert_int_equal(machine_flushes_by_invpcid(), rig.live->space->cpu.has_invpcid ? full_flushes : 0);
}

static void check(void)
{
    for (unsigned i = 0; i < RIG_SPACES; i++)
        if (rig.sides[i].space)
            assert_int_equal(rig.sides[i].space->sharers, borrowers_of(&rig.sides[i]));
    rig_check();
}

/* ---- lending ---- */

/* Slots of the upper half below which there is a page, or none. */
static unsigned count_upper(const struct rig_side *side, bool used, uint64_t *windows)
{
    unsigned count = 0, levels = rig.model.levels;
    for (unsigned slot = PAGING_TABLE_ENTRIES / 2; slot < PAGING_TABLE_ENTRIES; slot++) {
        uint64_t page = slot * paging_level_pages(levels);
        bool has = model_overlap(side->model, page, paging_level_pages(levels)) != NULL;
        if (model_is_reserved_slot(levels, page) || has != used)
            continue;
        if (windows)
            windows[count] = side == rig.open ? rig_alternate_window(levels - 1, rig_address(page))
                                              : rig_window(levels - 1, rig_address(page));
        count++;
    }
    return count;
}

static void set_pinned(struct rig_side *side, bool pinned)
{
    side->shares_upper_half = side->model->pinned = pinned;
}

enum paging_status rig_share(struct rig_side *side)
{
    unsigned missing = side->shares_upper_half ? 0 : count_upper(side, false, NULL), refusals = 0;
    if (!is_in_reach(side))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (side->shared_owner)
        refusals |= 1u << PAGING_SHARED;
    if (!refusals && missing > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    look_before(refusals);
    enum paging_status status = paging_share_upper_half(side->space, machine_frames());
    judge(status, (int)missing, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK)
        set_pinned(side, true);
    check();
    return status;
}

/* The window of each table that went, once; all at once if they are many. */
static void judge_unlend_flushes(const uint64_t *windows, unsigned count)
{
    if (machine_full_flushes() > 0) {
        assert_true(count > 8); /* few go one by one */
        return;
    }
    assert_int_equal(machine_flushes(), count);
    for (unsigned i = 0; i < count; i++) {
        unsigned met = 0;
        for (unsigned j = 0; j < count; j++)
            met += machine_flushed(j) / PAGING_PAGE_BYTES == windows[i] / PAGING_PAGE_BYTES;
        assert_int_equal(met, 1);
    }
}

enum paging_status rig_unshare(struct rig_side *side)
{
    uint64_t windows[PAGING_TABLE_ENTRIES];
    unsigned empty = side->shares_upper_half ? count_upper(side, false, windows) : 0, refusals = 0;
    if (!is_in_reach(side))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (side->shared_owner || borrowers_of(side) > 0)
        refusals |= 1u << PAGING_SHARED;
    look_before(refusals);
    enum paging_status status = paging_unshare_upper_half(side->space, machine_frames());
    judge(status, -(int)empty, machine_full_flushes());
    if (status == PAGING_OK) {
        judge_unlend_flushes(windows, empty);
        set_pinned(side, false);
    }
    check();
    return status;
}

/* ---- making and destroying ---- */

enum paging_status rig_create_sibling(struct rig_side *side, struct rig_side *beside)
{
    struct paging_space *fresh = &spaces[side - rig.sides];
    unsigned refusals = 0, needed = PAGING_SCRATCH_SLOT < PAGING_TABLE_ENTRIES ? rig.model.levels : 1;
    assert_null(side->space);
    if (!is_in_reach(beside))
        refusals |= 1u << PAGING_UNREACHABLE;
    if (!refusals && needed > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    memset(fresh, 0x5a, sizeof(*fresh));
    look_before(refusals);
    enum paging_status status = paging_create_sibling(fresh, beside->space, machine_frames());
    judge(status, (int)needed, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        side->space = fresh;
        side->shared_owner = shared_owner_of(beside);
        side->shares_upper_half = false;
        *side->model = (struct model){.levels = rig.model.levels, .pinned = side->shared_owner != NULL};
        if (side->shared_owner)
            model_copy(side->model, beside->model);
        if (side->shared_owner)
            model_unmap_range(side->model, 0,
                              paging_level_pages(rig.model.levels) * (PAGING_TABLE_ENTRIES / 2));
    } else if (((unsigned char *)fresh)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
    check();
    return status;
}

/* Its tables, and the frames of owned pages that are not borrowed. */
static unsigned frames_of(const struct rig_side *side)
{
    static struct model own;
    model_copy(&own, side->model);
    if (side->shared_owner)
        own.count = model_first(&own, paging_level_pages(own.levels) * (PAGING_TABLE_ENTRIES / 2));
    return (unsigned)side->space->tables + model_owned_frames(&own);
}

enum paging_status rig_destroy(struct rig_side *side)
{
    unsigned refusals = 0, frames = frames_of(side);
    if (side == rig.live)
        refusals |= 1u << PAGING_ACTIVE;
    if (side == rig.open)
        refusals |= 1u << PAGING_ATTACHED;
    if (borrowers_of(side) > 0)
        refusals |= 1u << PAGING_SHARED;
    look_before(refusals);
    enum paging_status status = paging_destroy(side->space, machine_frames());
    judge(status, -(int)frames, 0);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        *side = (struct rig_side){.model = side->model};
        if (rig.at == side)
            rig.at = rig.live;
    }
    check();
    return status;
}

/* ---- one and another ---- */

static unsigned pair_refusals(const struct rig_side *active, const struct rig_side *other)
{
    unsigned refusals = 0;
    if (active != rig.live)
        refusals |= 1u << PAGING_NOT_ACTIVE;
    if (other == rig.live)
        refusals |= 1u << PAGING_ACTIVE;
    if (active == rig.live && rig.open)
        refusals |= 1u << PAGING_SLOT_BUSY;
    return refusals;
}

enum paging_status rig_attach(struct rig_side *active, struct rig_side *side)
{
    unsigned refusals = pair_refusals(active, side);
    if (PAGING_ALTERNATE_SLOT >= PAGING_TABLE_ENTRIES)
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    look_before(refusals);
    enum paging_status status = paging_attach(active->space, side->space);
    judge(status, 0, 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes() + machine_root_loads(), 0);
        rig.open = rig.at = side;
    }
    check();
    return status;
}

enum paging_status rig_detach(struct rig_side *active, struct rig_side *side)
{
    look_before(active != rig.live || side != rig.open ? 1u << PAGING_UNREACHABLE : 0);
    enum paging_status status = paging_detach(active->space, side->space);
    judge(status, 0, 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes() + machine_root_loads(), 0);
        rig.open = NULL;
        rig.at = rig.live;
    }
    check();
    return status;
}

enum paging_status rig_switch_to(struct rig_side *active, struct rig_side *next)
{
    look_before(pair_refusals(active, next));
    enum paging_status status = paging_switch_to(active->space, next->space);
    judge(status, 0, rig_shares(active, next) ? 0 : 1);
    if (status == PAGING_OK) {
        assert_int_equal(machine_flushes(), 0);
        assert_int_equal(machine_root_loads(), 1);
        rig.live = rig.at = next;
    }
    check();
    return status;
}
