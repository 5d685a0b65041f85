/* SPDX-License-Identifier: MIT */
/* Judges of map_range, identity_map_range and map_range_alloc. */
#include "rig/entries.h"
#include "rig/rig_internal.h"
#include <string.h>

#define FOR_RANGES (PAGING_REPLACE_MARKER | PAGING_LARGEST_4K | PAGING_LARGEST_2M)

static bool may_have_size(uint64_t flags, unsigned size)
{
    return (size == PAGING_4K || !(flags & PAGING_LARGEST_4K)) &&
           (size <= PAGING_2M || !(flags & PAGING_LARGEST_2M)) &&
           model_has_size(rig.at->model, &rig.at->space->cpu, size);
}

/*
 * Returns the status for the first leaf in the way. With PAGING_REPLACE_MARKER markers give way, and larger
 * ones stay on the pages around the range.
 */
static unsigned occupied(uint64_t page, uint64_t pages, uint64_t flags)
{
    const struct model *model = rig.at->model;
    for (unsigned i = model_first(model, page); i < model->count; i++) {
        const struct model_leaf *leaf = &model->leaves[i];
        if (leaf->page >= page + pages)
            return 0;
        if (!leaf->marker)
            return 1u << PAGING_ALREADY_MAPPED;
        if (!(flags & PAGING_REPLACE_MARKER))
            return 1u << PAGING_MARKED;
    }
    return 0;
}

static unsigned flag_refusals(uint64_t page, uint64_t flags)
{
    return model_flag_refusals(rig.at->model, &rig.at->space->cpu, page, flags & ~FOR_RANGES);
}

static unsigned map_refusals(uint64_t page, uint64_t pages, uint64_t frame, uint64_t flags)
{
    uint64_t frames = (uint64_t)1 << (rig.at->space->cpu.physical_bits - PAGING_PAGE_SHIFT);
    unsigned too_high = frame >= frames || frames - frame < pages ? 1u << PAGING_FRAME_TOO_HIGH : 0;
    return too_high | flag_refusals(page, flags) | occupied(page, pages, flags);
}

/* Nothing, or a marker of at least this size. Otherwise there is a table. */
static bool has_place(uint64_t page, unsigned size)
{
    const struct model_leaf *other = model_overlap(&rig_after, page, paging_level_pages(size));
    return !other || (other->marker && other->size >= size);
}

/* Has the source a frame of this size for the page? */
typedef bool source_function(unsigned size, uint64_t page, uint64_t *frame);

/* Puts the largest leaves that fit into rig_after. Without a source, the frames follow each other. */
static void map_pages(struct model_leaf leaf, uint64_t pages, source_function *source)
{
    uint64_t flags = leaf.flags;
    leaf.flags &= ~(PAGING_PRESENT | FOR_RANGES);
    while (pages > 0) {
        uint64_t frame = leaf.frame;
        for (leaf.size = PAGING_1G;; leaf.size--) {
            uint64_t span = paging_level_pages(leaf.size);
            bool has_size = leaf.marker ? leaf.size < rig_after.levels : may_have_size(flags, leaf.size);
            if (has_size && span <= pages && leaf.page % span == 0 && has_place(leaf.page, leaf.size) &&
                (source ? source(leaf.size, leaf.page, &leaf.frame) : leaf.frame % span == 0))
                break;
        }
        if (model_overlap(&rig_after, leaf.page, 1)) {
            model_split_down(&rig_after, leaf.page, leaf.size);
            model_remove(&rig_after, leaf.page);
        }
        model_add(&rig_after, leaf);
        leaf.page += paging_level_pages(leaf.size);
        leaf.frame = leaf.marker ? 0 : frame + paging_level_pages(leaf.size);
        pages -= paging_level_pages(leaf.size);
    }
}

/* Before a call that maps to given frames. */
static void look_before_map(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES, frame = to / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = map_refusals(page, pages, frame, flags);
    if (to % PAGING_PAGE_BYTES != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    if (!refusals)
        map_pages((struct model_leaf){.page = page, .frame = frame, .flags = flags}, pages, NULL);
    rig_look_before_range(refusals);
}

enum paging_status rig_map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    look_before_map(start, to, bytes, flags);
    enum paging_status status = paging_map_range(rig.at->space, (paging_virt_t){start}, (paging_phys_t){to},
                                                 bytes, flags, machine_frames());
    rig_judge_map_flushes();
    return rig_judge_range(status, bytes / PAGING_PAGE_BYTES);
}

enum paging_status rig_identity_map_range(uint64_t start, uint64_t bytes, uint64_t flags)
{
    look_before_map(start, start, bytes, flags);
    enum paging_status status =
        paging_identity_map_range(rig.at->space, (paging_phys_t){start}, bytes, flags, machine_frames());
    rig_judge_map_flushes();
    return rig_judge_range(status, bytes / PAGING_PAGE_BYTES);
}

/* A marker of any size is a leaf without frames: all of them are in the right place. */
enum paging_status rig_set_marker_range(uint64_t start, uint64_t bytes, uint64_t value, uint64_t flags)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    if (!refusals) {
        bool is_bad = value == 0 || value >> 43 || (flags & ~PAGING_REPLACE_MARKER);
        refusals = flag_refusals(page, flags) | occupied(page, pages, flags);
        refusals |= is_bad ? 1u << PAGING_BAD_FLAGS : 0;
    }
    if (!refusals)
        map_pages((struct model_leaf){.page = page, .marker = marker_of(value)}, pages, NULL);
    rig_look_before_range(refusals);
    enum paging_status status =
        paging_set_marker_range(rig.at->space, (paging_virt_t){start}, bytes, value, flags, machine_frames());
    rig_judge_map_flushes();
    return rig_judge_range(status, pages);
}

/* ---- frames of the source's choosing ---- */

/* How much of the source's log has been matched with leaves, and which sizes it has refused by then. */
static struct {
    unsigned next;
    bool refused[PAGING_1G + 1];
} requests;

/*
 * A huge frame must have been asked for wherever a page of its size fits, in the order of the addresses,
 * unless the size was refused before. What a small page got shows in the tables only.
 */
static bool was_granted(unsigned size, uint64_t page, uint64_t *frame)
{
    if (size == PAGING_4K) {
        *frame = rig_walk(rig_address(page)).frame;
        return true;
    }
    const struct machine_request *request = machine_request(requests.next);
    if (!request || request->size != size) {
        if (!requests.refused[size])
            fail_msg("for page %#lx no frame of size %u was asked for", (unsigned long)page, size);
        return false;
    }
    requests.next++;
    requests.refused[size] = !request->granted;
    *frame = request->frame;
    return request->granted;
}

/* Which huge frames the source grants is known after the call, and only then what the map must be. */
enum paging_status rig_map_range_alloc(uint64_t start, uint64_t bytes, uint64_t flags)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = rig_range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = flag_refusals(page, flags) | occupied(page, pages, flags);
    if (!refusals && model_alloc_frames(rig.at->model, page, pages) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    rig_look_before(refusals);
    enum paging_status status =
        paging_map_range_alloc(rig.at->space, (paging_virt_t){start}, bytes, flags, machine_frames());
    rig_judge_map_flushes();
    if (status == PAGING_OK && !refusals) {
        memset(&requests, 0, sizeof(requests));
        map_pages((struct model_leaf){.page = page, .flags = flags, .owned = true}, pages, was_granted);
        assert_null(machine_request(requests.next));
    }
    return rig_judge_range(status, pages);
}
