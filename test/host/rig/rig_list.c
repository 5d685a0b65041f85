/* SPDX-License-Identifier: MIT */
/* Judges of the operations on lists of pages. */
#include "rig/page_list.h"
#include "rig/rig_internal.h"
#include <selfmap/list.h>
#include <string.h>

static struct {
    unsigned count;
    paging_page_t pages[MOST_LISTED];
    paging_frame_t frames[MOST_LISTED]; /* as far from the first one as the page from its */
    struct paging_unmapped unmapped[MOST_LISTED], *array;
} list;

static void make_list(uint64_t address, uint64_t frame, uint64_t value)
{
    uint64_t offsets[MOST_LISTED], first = rig_page(address).number;
    list.count = list_offsets(value, offsets);
    list.array = (value & LIST_NO_ARRAY) != 0 ? NULL : list.unmapped;
    for (unsigned i = 0; i < list.count; i++) {
        list.pages[i].number = first + offsets[i];
        list.frames[i].number = frame + offsets[i];
    }
}

static bool is_too_large(uint64_t page)
{
    return page >= paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
}

static bool is_in_order(const paging_page_t *pages, unsigned i)
{
    return i == 0 || pages[i].number > pages[i - 1].number;
}

/* ---- mapping ---- */

static struct model_leaf leaf_of(unsigned i, uint64_t flags, bool owned)
{
    return (struct model_leaf){
        list.pages[i].number, owned ? 0 : list.frames[i].number, PAGING_4K, flags, owned, 0};
}

/* Returns the statuses that are right: those of the first page that is refused. */
static unsigned map_list_refusals(uint64_t flags, bool owned)
{
    unsigned refusals = 0;
    for (unsigned i = 0; !refusals && i < list.count; i++) {
        struct model_leaf leaf = leaf_of(i, flags, owned);
        if (!is_in_order(list.pages, i))
            refusals = 1u << PAGING_UNSORTED;
        else if (is_too_large(leaf.page))
            refusals = 1u << PAGING_BAD_PAGE | model_flag_refusals(rig.at->model, &rig.at->space->cpu, 0,
                                                                   flags & ~PAGING_REPLACE_MARKER);
        else
            refusals = rig_map_refusals(&leaf);
    }
    return refusals;
}

/* Makes rig_after what the map must become. Frames from the source are not known yet. */
static void map_all(uint64_t flags, bool owned)
{
    model_copy(&rig_after, rig.at->model);
    for (unsigned i = 0; i < list.count; i++) {
        struct model_leaf leaf = leaf_of(i, flags & ~(PAGING_PRESENT | PAGING_REPLACE_MARKER), owned);
        if (model_overlap(&rig_after, leaf.page, 1)) { /* a marker, which may be larger */
            model_split_down(&rig_after, leaf.page, PAGING_4K);
            model_remove(&rig_after, leaf.page);
        }
        model_add(&rig_after, leaf);
    }
}

static void note_frames(void)
{
    for (unsigned i = 0; i < list.count; i++) {
        uint64_t page = list.pages[i].number;
        rig_after.leaves[model_first(&rig_after, page)].frame = rig_walk(rig_address(page)).frame;
    }
}

static enum paging_status map_list(uint64_t flags, bool owned)
{
    unsigned refusals = map_list_refusals(flags, owned), frames = 0;
    if (!refusals) {
        map_all(flags, owned);
        frames = model_new_tables(&rig_after, rig.at->model) + (owned ? list.count : 0);
    }
    if (!refusals && frames > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    rig_look_before(refusals);
    enum paging_status status =
        owned ? paging_map_list_alloc(rig.at->space, list.pages, list.count, flags, machine_frames())
              : paging_map_list(rig.at->space, list.pages, list.frames, list.count, flags, machine_frames());
    rig_judge_one_space(status);
    rig_judge_map_flushes();
    if (status == PAGING_OK) {
        assert_int_equal(rig_frames_taken(), frames);
        if (frames == 0)
            assert_int_equal(machine_flushes(), 0);
        if (owned)
            note_frames();
        model_copy(rig.at->model, &rig_after);
    }
    rig_check();
    return status;
}

enum paging_status rig_map_list(uint64_t address, uint64_t frame, uint64_t value, uint64_t flags)
{
    make_list(address, frame, value);
    return map_list(flags, false);
}

enum paging_status rig_map_list_alloc(uint64_t address, uint64_t value, uint64_t flags)
{
    make_list(address, 0, value);
    return map_list(flags, true);
}

/* ---- unmapping ---- */

unsigned rig_unmap_list_refusals(const paging_page_t *pages, unsigned count)
{
    const struct model_leaf *leaf;
    unsigned refusals = 0;
    for (unsigned i = 0; !refusals && i < count; i++) {
        uint64_t page = pages[i].number;
        if (!is_in_order(pages, i))
            refusals = 1u << PAGING_UNSORTED;
        else
            refusals = is_too_large(page) ? 1u << PAGING_BAD_PAGE : rig_whole_leaf_refusals(page, &leaf);
    }
    return refusals;
}

/* The processor may have set accessed bits until a page's turn came. */
static void judge_unmapped(enum paging_status status, const struct model_leaf *leaves,
                           const uint64_t *entries)
{
    for (unsigned i = 0; i < list.count && (list.array || status != PAGING_OK); i++)
        rig_judge_unmapped(status, &list.unmapped[i], &leaves[i], entries[i], leaves[i].owned,
                           PAGING_ACCESSED);
}

enum paging_status rig_unmap_list(uint64_t address, uint64_t value)
{
    static struct model_leaf leaves[MOST_LISTED];
    uint64_t entries[MOST_LISTED] = {0};
    unsigned frames = 0;
    make_list(address, 0, value);
    unsigned refusals = rig_unmap_list_refusals(list.pages, list.count);
    model_copy(&rig_after, rig.at->model);
    rig_expect_no_flush();
    for (unsigned i = 0; !refusals && i < list.count; i++) {
        leaves[i] = *model_at(&rig_after, list.pages[i].number);
        entries[i] = rig_walk(rig_address(leaves[i].page)).entry;
        frames += rig_expect_removal(&rig_after, leaves[i]);
    }
    memset(list.unmapped, 0x5a, sizeof(list.unmapped));
    rig_look_before(refusals);
    enum paging_status status =
        paging_unmap_list(rig.at->space, list.pages, list.count, machine_frames(), list.array);
    rig_judge_one_space(status);
    judge_unmapped(status, leaves, entries);
    if (status == PAGING_OK) {
        rig_judge_flushes();
        assert_int_equal(-rig_frames_taken(), frames);
        model_copy(rig.at->model, &rig_after);
    }
    rig_check();
    return status;
}

/* ---- translating ---- */

static void judge_translation(paging_page_t page, const struct paging_page_translation *translation)
{
    struct paging_translation one;
    if (is_too_large(page.number)) {
        assert_status(translation->status, PAGING_BAD_PAGE);
        return;
    }
    paging_virt_t address = {rig_address(page.number)};
    assert_status(translation->status, rig_translate(address.value)); /* which is judged by the processor */
    if (translation->status != PAGING_OK)
        return;
    assert_status(paging_translate(rig.at->space, address, &one), PAGING_OK);
    assert_int_equal(translation->frame.number, rig_walk(address.value).frame);
    assert_int_equal(translation->size, one.size);
    assert_int_equal(translation->flags, one.flags);
    assert_int_equal(translation->owned, one.owned);
}

enum paging_status rig_translate_list(uint64_t address, uint64_t value)
{
    struct paging_page_translation translations[MOST_LISTED];
    make_list(address, 0, value);
    rig_look_before(rig_is_reachable(rig.at) ? 0 : 1u << PAGING_UNREACHABLE);
    enum paging_status status = paging_translate_list(rig.at->space, list.pages, list.count, translations);
    rig_judge_one_space(status);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_stores(), 0);
    for (unsigned i = 0; status == PAGING_OK && i < list.count; i++)
        judge_translation(list.pages[i], &translations[i]);
    return status;
}
