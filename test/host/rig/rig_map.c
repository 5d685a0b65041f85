/* SPDX-License-Identifier: MIT */
/* Judges of the operations that make one entry: pages of any size, and markers. */
#include "rig/entries.h"
#include "rig/rig_internal.h"

/* Does the marker give way to the leaf (PAGING_REPLACE_MARKER)? */
static bool gives_way(const struct model_leaf *other, const struct model_leaf *wanted)
{
    return (wanted->flags & PAGING_REPLACE_MARKER) && other->marker && other->size >= wanted->size;
}

static unsigned occupied(const struct model_leaf *wanted)
{
    unsigned refusals = 0;
    const struct model *model = rig.at->model;
    uint64_t end = wanted->page + paging_level_pages(wanted->size);
    const struct model_leaf *other = model_overlap(model, wanted->page, end - wanted->page);
    if (rig_waits(wanted->page, end - wanted->page))
        return 1u << PAGING_BUSY;
    if (!other || gives_way(other, wanted))
        return 0;
    if (other->size > wanted->size)
        return 1u << (other->marker ? PAGING_MARKED : PAGING_INSIDE_HUGE);
    for (uint64_t page = wanted->page; page < end; page = other->page + paging_level_pages(other->size)) {
        other = model_overlap(model, page, end - page);
        if (!other)
            break;
        /* Smaller entries inside: mapped ones say so; whether markers do too is left open. */
        refusals |= other->marker ? 1u << PAGING_MARKED : 1u << PAGING_ALREADY_MAPPED;
        if (other->size < wanted->size)
            refusals |= 1u << PAGING_ALREADY_MAPPED;
    }
    return refusals;
}

unsigned rig_map_refusals(const struct model_leaf *wanted)
{
    const struct paging_cpu *cpu = &rig.at->space->cpu;
    uint64_t pages = paging_level_pages(wanted->size);
    uint64_t frames = (uint64_t)1 << (cpu->physical_bits - PAGING_PAGE_SHIFT);
    unsigned refusals = rig_space_refusals(wanted->page) | occupied(wanted);
    refusals |= model_flag_refusals(rig.at->model, cpu, wanted->page, wanted->flags & ~PAGING_REPLACE_MARKER);
    if (model_is_reserved_slot(rig.at->model, wanted->page))
        refusals |= 1u << PAGING_RESERVED_SLOT;
    if (wanted->frame >= frames || frames - wanted->frame < pages)
        refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    if (!model_has_size(rig.at->model, cpu, wanted->size))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (wanted->page % pages != 0 || wanted->frame % pages != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    return refusals;
}

typedef enum paging_status map_call(const struct model_leaf *wanted);

/* The call takes this many frames for the page itself. The caller calls rig_check. */
static enum paging_status judge_call(map_call *call, struct model_leaf wanted, unsigned refusals,
                                     unsigned own_frames)
{
    const struct model_leaf *other = model_overlap(rig.at->model, wanted.page, 1);
    bool replaces = other && gives_way(other, &wanted);
    unsigned tables = model_missing_tables(rig.at->model, wanted.page, wanted.size);
    if (!refusals && tables + own_frames > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    rig_look_before(refusals);
    enum paging_status status = call(&wanted);
    rig_judge_one_space(status);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        assert_int_equal(rig_frames_taken(), tables + own_frames);
        if (tables == 0)
            assert_int_equal(machine_flushes(), 0);
        if (own_frames > 0)
            wanted.frame = rig_walk(rig_address(wanted.page)).frame;
        wanted.flags &= ~(PAGING_PRESENT | PAGING_REPLACE_MARKER);
        if (replaces)
            model_split_down(rig.at->model, wanted.page, wanted.size);
        if (replaces)
            model_remove(rig.at->model, wanted.page);
        model_add(rig.at->model, wanted);
    }
    return status;
}

static enum paging_status judge(map_call *call, struct model_leaf wanted, unsigned refusals)
{
    enum paging_status status = judge_call(call, wanted, refusals, wanted.owned);
    rig_check();
    return status;
}

static enum paging_status call_map_to(const struct model_leaf *wanted)
{
    return paging_map_to(rig.at->space, (paging_page_t){wanted->page}, (paging_frame_t){wanted->frame},
                         wanted->flags, machine_frames());
}

enum paging_status rig_map_to(uint64_t address, uint64_t frame, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, frame, PAGING_4K, flags, false, 0};
    return judge(call_map_to, leaf, rig_map_refusals(&leaf));
}

static enum paging_status call_map_sized(const struct model_leaf *wanted)
{
    return paging_map_sized(rig.at->space, (paging_page_t){wanted->page}, (paging_frame_t){wanted->frame},
                            (enum paging_size)wanted->size, wanted->flags, machine_frames());
}

enum paging_status rig_map_sized(uint64_t address, uint64_t frame, uint64_t size, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, frame, (unsigned)size, flags, false, 0};
    return judge(call_map_sized, leaf, rig_map_refusals(&leaf));
}

static enum paging_status call_map(const struct model_leaf *wanted)
{
    return paging_map(rig.at->space, (paging_page_t){wanted->page}, wanted->flags, machine_frames());
}

enum paging_status rig_map(uint64_t address, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, 0, PAGING_4K, flags, true, 0};
    return judge(call_map, leaf, rig_map_refusals(&leaf));
}

static enum paging_status call_map_owned(const struct model_leaf *wanted)
{
    return paging_map_owned(rig.at->space, (paging_page_t){wanted->page}, (paging_frame_t){wanted->frame},
                            (enum paging_size)wanted->size, wanted->flags, machine_frames());
}

/* For a size that the processor lacks, the frame is a small one. On an error it goes back. */
enum paging_status rig_map_owned(uint64_t address, uint64_t size, uint64_t flags)
{
    struct model_leaf leaf = {rig_page(address).number, 0, (unsigned)size, flags, true, 0};
    enum paging_size taken = PAGING_4K;
    if (model_has_size(rig.at->model, &rig.at->space->cpu, leaf.size))
        taken = (enum paging_size)size;
    if (!rig_take_frame(taken, &leaf.frame))
        return PAGING_NO_FRAMES;
    enum paging_status status = judge_call(call_map_owned, leaf, rig_map_refusals(&leaf), 0);
    if (status != PAGING_OK)
        rig_give_frame(taken, leaf.frame);
    rig_check();
    return status;
}

static enum paging_status call_identity_map(const struct model_leaf *wanted)
{
    return paging_identity_map(rig.at->space, (paging_frame_t){wanted->frame}, wanted->flags,
                               machine_frames());
}

enum paging_status rig_identity_map(uint64_t frame, uint64_t flags)
{
    uint64_t address = frame * PAGING_PAGE_BYTES;
    struct model_leaf leaf = {frame, frame, PAGING_4K, flags, false, 0};
    unsigned refusals;
    if (frame > UINT64_MAX / PAGING_PAGE_BYTES || walker_canonical(machine_walker(), address) != address) {
        leaf.page = 0;
        refusals = 1u << PAGING_NOT_CANONICAL;
        if (frame >> (rig.at->space->cpu.physical_bits - PAGING_PAGE_SHIFT))
            refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    } else {
        refusals = rig_map_refusals(&leaf);
    }
    return judge(call_identity_map, leaf, refusals);
}

static uint64_t marker_value; /* one of more than 43 bits has no entry */

static enum paging_status call_set_marker(const struct model_leaf *wanted)
{
    return paging_set_marker(rig.at->space, (paging_page_t){wanted->page}, marker_value, machine_frames());
}

enum paging_status rig_set_marker(uint64_t address, uint64_t value)
{
    struct model_leaf leaf = {
        .page = rig_page(address).number, .size = PAGING_4K, .marker = marker_of(value)};
    unsigned refusals = rig_map_refusals(&leaf);
    if (value == 0 || value >> 43)
        refusals |= 1u << PAGING_BAD_FLAGS;
    marker_value = value;
    machine_fill_tlb();
    return judge(call_set_marker, leaf, refusals);
}
