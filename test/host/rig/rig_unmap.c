/* The operations that take one entry away, and those for entries that are the owner's: called and judged. */
#include "rig/rig_internal.h"
#include "rig/rig_spaces.h"
#include <string.h>

/* What must be flushed, each address within the span of a level; and how many tables go. */
struct expected {
    unsigned count, tables;
    struct {
        uint64_t address;
        unsigned level;
    } flushes[4 * PAGING_MAX_LEVELS];
};

static void expect(struct expected *expected, uint64_t address, unsigned level)
{
    expected->flushes[expected->count].address = address;
    expected->flushes[expected->count++].level = level;
}

/* The page of a window, wherever the processor sees it: of the shared half, in both spaces' windows. */
static void expect_window(struct expected *expected, unsigned window, uint64_t address, unsigned level)
{
    if (rig.at == rig.live)
        expect(expected, rig_window(window, address), level);
    if (rig.at == rig.open ||
        (rig.open && rig_shares(rig.open, rig.at) && model_is_upper(&rig.model, rig_page(address).number)))
        expect(expected, rig_alternate_window(window, address), level);
}

/* The pages a leaf's removal must flush, and the windows of the tables that go with it. */
static void expect_removal(struct expected *expected, struct model_leaf leaf)
{
    uint64_t start = rig_address(leaf.page);
    if (rig.at == rig.live && !leaf.reserved)
        expect(expected, start, leaf.size);
    /* A huge leaf is a smaller leaf in the windows of the tables that are not there. */
    for (unsigned level = 1; level < leaf.size && !leaf.reserved; level++)
        expect_window(expected, level, start, leaf.size - level);
    model_remove(rig.at->model, leaf.page);
    for (unsigned level = leaf.size; level < rig.model.levels; level++)
        if (!model_has_table(rig.at->model, level, leaf.page)) {
            expect_window(expected, level, start, 1);
            expected->tables++;
        }
    model_add(rig.at->model, leaf);
}

/* Exactly the expected flushes, in any order, each once; the scratch page's come on top. */
static void judge_flushes(const struct expected *expected)
{
    unsigned met = 0;
    assert_int_equal(machine_full_flushes(), 0);
    for (unsigned i = 0; i < machine_flushes(); i++) {
        uint64_t flushed = machine_flushed(i);
        if (rig_page(flushed).number / paging_level_pages(rig.model.levels) == PAGING_SCRATCH_SLOT)
            continue;
        unsigned match = 0;
        while (match < expected->count &&
               (met >> match & 1 || (flushed ^ expected->flushes[match].address) /
                                        walker_span(machine_walker(), expected->flushes[match].level)))
            match++;
        if (match == expected->count)
            fail_msg("%#lx was flushed for nothing, or twice", (unsigned long)flushed);
        met |= 1u << match;
    }
    for (unsigned i = 0; i < expected->count; i++)
        if (!(met >> i & 1))
            fail_msg("%#lx was not flushed", (unsigned long)expected->flushes[i].address);
}

static void judge_unmapped(const struct model_leaf *leaf, const struct paging_unmapped *unmapped,
                           uint64_t entry)
{
    assert_int_equal(unmapped->frame.number, leaf->frame);
    assert_int_equal(unmapped->size, leaf->size);
    assert_int_equal(unmapped->flags, entry & PAGING_LEAF_FLAGS);
    assert_int_equal(unmapped->released, leaf->owned);
}

enum paging_status rig_unmap(uint64_t address, struct paging_unmapped *unmapped)
{
    uint64_t page = rig_page(address).number, entry = 0;
    struct expected expected = {0};
    struct rig_before before = rig_look_before(rig_refuses(page) | model_unmap_refusals(rig.at->model, page));
    struct paging_unmapped result;
    struct model_leaf leaf = {0};
    if (!before.refusals) {
        leaf = *model_at(rig.at->model, page);
        expect_removal(&expected, leaf);
        entry = rig_walk(rig_address(page)).entry;
    }
    memset(&result, 0x5a, sizeof(result));
    enum paging_status status = paging_unmap(rig.at->space, (paging_page_t){page}, machine_frames(), &result);
    rig_judge_status(&before, status);
    if (status == PAGING_OK) {
        judge_unmapped(&leaf, &result, entry);
        judge_flushes(&expected);
        assert_int_equal(before.frames - machine_frames_out(),
                         expected.tables + (leaf.owned ? paging_level_pages(leaf.size) : 0));
        model_remove(rig.at->model, page);
    } else if (((unsigned char *)&result)[0] != 0x5a) {
        fail_msg("the out-parameter was written");
    }
    rig_check();
    if (unmapped)
        *unmapped = result;
    return status;
}

/* ---- pages that belong to the owner of the space ---- */

enum paging_status rig_set_marker(uint64_t address, uint64_t payload)
{
    struct model_leaf wanted = {
        .page = rig_page(address).number, .size = PAGING_4K, .reserved = payload << 1};
    unsigned needed = model_missing_tables(rig.at->model, wanted.page, PAGING_4K);
    unsigned refusals = rig_refuses(wanted.page);
    refusals |= model_refusals(rig.at->model, &rig.at->space->cpu, &wanted);
    if (payload == 0 || payload >> 63)
        refusals |= 1u << PAGING_BAD_FLAGS;
    if (!refusals && needed > machine_frames_left())
        refusals = 1u << PAGING_NO_FRAMES;
    machine_fill_tlb();
    struct rig_before before = rig_look_before(refusals);
    enum paging_status status =
        paging_set_marker(rig.at->space, (paging_page_t){wanted.page}, payload, machine_frames());
    rig_judge_status(&before, status);
    rig_judge_map_flushes(); /* the page itself was not present, so nobody remembers it */
    if (status == PAGING_OK) {
        assert_int_equal(machine_frames_out() - before.frames, needed);
        if (needed == 0)
            assert_int_equal(machine_flushes(), 0);
        model_add(rig.at->model, wanted);
    }
    rig_check();
    return status;
}

#define NOT_WRITTEN 0x5a5a5a5a5a5a5a5aull

uint64_t rig_clear_marker(uint64_t address, enum paging_status expected)
{
    uint64_t page = rig_page(address).number, payload = NOT_WRITTEN;
    struct expected flushes = {0};
    machine_fill_tlb();
    struct rig_before before = rig_look_before(expected == PAGING_OK ? 0 : 1u << expected);
    if (expected == PAGING_OK)
        expect_removal(&flushes, *model_at(rig.at->model, page));
    enum paging_status status =
        paging_clear_marker(rig.at->space, (paging_page_t){page}, machine_frames(), &payload);
    rig_judge_status(&before, status);
    if (status == PAGING_OK) {
        assert_int_equal(payload << 1, model_at(rig.at->model, page)->reserved);
        judge_flushes(&flushes); /* the windows of the tables, and no page */
        model_remove(rig.at->model, page);
    } else {
        assert_int_equal(payload, NOT_WRITTEN);
    }
    assert_int_equal(before.frames - machine_frames_out(), flushes.tables);
    rig_check();
    return payload;
}
