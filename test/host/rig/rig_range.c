/* The core's operations for ranges, each called and judged. */
#include "rig/rig_internal.h"
#include "rig/rig_spaces.h"
#include <string.h>

/* What the operation must make of the map. */
static struct model after;

/* How much of a range may be flushed page by page without anybody minding: so much must be. */
#define FEW_PAGES 8u

/* Accessed and dirty bits are the processor's: what it has set so far must not be lost from here on. */
static void note_touched(uint64_t page, uint64_t pages)
{
    for (unsigned i = model_first(rig.at->model, page); i < rig.at->model->count; i++) {
        struct model_leaf *leaf = &rig.at->model->leaves[i];
        if (leaf->page - page >= pages && leaf->page >= page)
            return;
        struct walk walk = rig_walk(rig_address(leaf->page));
        if (!leaf->reserved && !walk.faulted)
            leaf->flags |= walk.entry & (PAGING_ACCESSED | PAGING_DIRTY);
    }
}

/* With `after` made up: does it take more frames than there are? Nothing may happen if nothing changes. */
static struct rig_before look_before_range(unsigned refusals)
{
    if (!refusals && model_new_tables(&after, rig.at->model) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    if (!refusals && model_is_equal(&after, rig.at->model))
        machine_snapshot();
    return rig_look_before(refusals);
}

/* Tables and owned frames come and go as the leaves demand, and not one more. */
static void judge_frames(const struct rig_before *before)
{
    unsigned was = model_tables(rig.at->model) + model_owned_frames(rig.at->model);
    unsigned is = model_tables(&after) + model_owned_frames(&after);
    assert_int_equal(machine_frames_out() - before->frames, is - was);
}

static enum paging_status judge_range(const struct rig_before *before, enum paging_status status,
                                      uint64_t pages)
{
    rig_judge_status(before, status);
    if (status == PAGING_OK) {
        judge_frames(before);
        if (model_is_equal(&after, rig.at->model))
            rig_judge_nothing_changed(before, "nothing to do");
        else if (pages <= FEW_PAGES && model_new_tables(rig.at->model, &after) == 0)
            assert_int_equal(machine_full_flushes(), 0);
        model_copy(rig.at->model, &after);
    }
    rig_check();
    return status;
}

/* The shape's refusals; without one, the page the range starts at. */
static unsigned range_refusals(uint64_t start, uint64_t bytes, uint64_t *page)
{
    unsigned refusals = model_range_refusals(rig.model.levels, start, bytes);
    if (!(refusals & 1u << PAGING_NOT_CANONICAL))
        refusals |= rig_refuses(rig_page(start).number);
    *page = refusals ? 0 : rig_page(start).number;
    model_copy(&after, rig.at->model);
    return refusals;
}

static enum paging_status map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags,
                                    bool identity)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_map_range_refusals(rig.at->model, &rig.at->space->cpu, page, pages, to, flags);
    if (to % PAGING_PAGE_BYTES != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    if (!refusals) {
        struct model_leaf first = {
            page, to / PAGING_PAGE_BYTES, 1, flags & ~(PAGING_PRESENT | PAGING_REPLACE_MARKER), false, 0};
        model_map_range(&after, &rig.at->space->cpu, first, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        identity
            ? paging_identity_map_range(rig.at->space, (paging_phys_t){to}, bytes, flags, machine_frames())
            : paging_map_range(rig.at->space, (paging_virt_t){start}, (paging_phys_t){to}, bytes, flags,
                               machine_frames());
    rig_judge_map_flushes();
    return judge_range(&before, status, pages);
}

enum paging_status rig_map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags)
{
    return map_range(start, to, bytes, flags, false);
}

enum paging_status rig_identity_map_range(uint64_t start, uint64_t bytes, uint64_t flags)
{
    return map_range(start, start, bytes, flags, true);
}

/* ---- frames of the source's choosing ---- */

/* Of the source's log: how much has been matched with leaves, and sizes that it has refused by then. */
static struct {
    unsigned next;
    bool refused[PAGING_1G + 1];
} requests;

/*
 * A huge frame must have been asked for wherever a page of its size fits, in the order of the addresses; but
 * of a size that was refused once there are no more. What a small page got shows in the tables only.
 */
static bool was_had(unsigned size, uint64_t page, uint64_t *frame)
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

enum paging_status rig_map_range_alloc(uint64_t start, uint64_t bytes, uint64_t flags)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_alloc_refusals(rig.at->model, &rig.at->space->cpu, page, pages, flags);
    if (!refusals && model_alloc_frames(rig.at->model, page, pages) > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    struct rig_before before = rig_look_before(refusals);
    enum paging_status status =
        paging_map_range_alloc(rig.at->space, (paging_virt_t){start}, bytes, flags, machine_frames());
    rig_judge_map_flushes();
    if (status == PAGING_OK && !refusals) {
        struct model_leaf first = {.page = page, .owned = true};
        first.flags = flags & ~(PAGING_PRESENT | PAGING_REPLACE_MARKER);
        memset(&requests, 0, sizeof(requests));
        model_alloc_range(&after, &rig.at->space->cpu, first, pages, was_had);
        assert_null(machine_request(requests.next));
    }
    return judge_range(&before, status, pages);
}

enum paging_status rig_unmap_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_unmap_range_refusals(rig.at->model, page, pages);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, rig.at->model);
        model_unmap_range(&after, page, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        paging_unmap_range(rig.at->space, (paging_virt_t){start}, bytes, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals)
        refusals = model_protect_refusals(rig.at->model, &rig.at->space->cpu, page, set, clear);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, rig.at->model);
        model_protect_range(&after, page, pages, set, clear);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        paging_protect_range(rig.at->space, (paging_virt_t){start}, bytes, set, clear, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_merge_range(uint64_t start, uint64_t bytes)
{
    uint64_t page, pages = bytes / PAGING_PAGE_BYTES;
    unsigned refusals = range_refusals(start, bytes, &page);
    if (!refusals) {
        note_touched(page, pages);
        model_copy(&after, rig.at->model);
        model_merge_range(&after, &rig.at->space->cpu, page, pages);
    }
    struct rig_before before = look_before_range(refusals);
    enum paging_status status =
        paging_merge_range(rig.at->space, (paging_virt_t){start}, bytes, machine_frames());
    return judge_range(&before, status, pages);
}

enum paging_status rig_split(uint64_t address)
{
    uint64_t page = rig_page(address).number;
    unsigned refusals = rig_refuses(page) | model_split_refusals(rig.at->model, page);
    note_touched(page, 1);
    model_copy(&after, rig.at->model);
    if (!refusals)
        model_split(&after, page);
    struct rig_before before = look_before_range(refusals);
    enum paging_status status = paging_split(rig.at->space, (paging_page_t){page}, machine_frames());
    return judge_range(&before, status, 1);
}
