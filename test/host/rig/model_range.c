/* Ranges in the abstract map. */
#include "rig/model.h"
#include <selfmap/entry.h>
#include <string.h>

static struct model no_leaves;

unsigned model_new_tables(const struct model *after, const struct model *before)
{
    unsigned count = 0;
    for (unsigned level = 1; level < after->levels; level++) {
        uint64_t last = ~(uint64_t)0;
        for (unsigned i = 0; i < after->count; i++) {
            const struct model_leaf *leaf = &after->leaves[i];
            uint64_t table = leaf->page / paging_level_pages(level + 1);
            if (leaf->size > level || table == last)
                continue;
            last = table;
            count +=
                !model_is_pinned(after, level, leaf->page) && !model_has_table(before, level, leaf->page);
        }
    }
    return count;
}

unsigned model_tables(const struct model *after)
{
    return model_new_tables(after, &no_leaves);
}

unsigned model_owned_frames(const struct model *model)
{
    uint64_t frames = 0;
    for (unsigned i = 0; i < model->count; i++)
        frames += model->leaves[i].owned ? paging_level_pages(model->leaves[i].size) : 0;
    return (unsigned)frames;
}

/* ---- what is refused ---- */

unsigned model_range_refusals(unsigned levels, uint64_t start, uint64_t bytes)
{
    unsigned refusals = 0;
    uint64_t half = (uint64_t)1 << (paging_address_bits(levels) - 1);
    uint64_t left = start < half ? half - start : 0 - start; /* to the end of the half */
    if (bytes == 0)
        refusals |= 1u << PAGING_EMPTY_RANGE;
    if ((start | bytes) % PAGING_PAGE_BYTES != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    if (start >= half && start < 0 - half)
        return refusals | 1u << PAGING_NOT_CANONICAL;
    if (bytes > left)
        refusals |= 1u << PAGING_RANGE_TOO_LONG;
    uint64_t inside = bytes < left ? bytes : left;
    uint64_t page = (start & (2 * half - 1)) / PAGING_PAGE_BYTES, slot_pages = paging_level_pages(levels);
    for (uint64_t slot = page / slot_pages; inside > 0; slot++) {
        if (model_is_reserved_slot(levels, slot * slot_pages))
            refusals |= 1u << PAGING_RESERVED_SLOT;
        if (slot == (page + (inside - 1) / PAGING_PAGE_BYTES) / slot_pages)
            break;
    }
    return refusals;
}

static bool is_upper(const struct model *model, uint64_t page)
{
    return page >= paging_level_pages(model->levels) * (PAGING_TABLE_ENTRIES / 2);
}

static unsigned flag_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                              uint64_t flags)
{
    unsigned refusals = 0;
    if ((flags & ~PAGING_LEAF_FLAGS) || (!is_upper(model, page) && (flags & PAGING_GLOBAL)))
        refusals |= 1u << PAGING_BAD_FLAGS;
    if (!cpu->has_no_execute && (flags & PAGING_NO_EXECUTE))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    return refusals;
}

static bool has_size(const struct model *model, const struct paging_cpu *cpu, unsigned size)
{
    return size < model->levels && size <= (cpu->has_1g_pages ? PAGING_1G : PAGING_2M);
}

/*
 * What is met first that does not give way. With PAGING_REPLACE_MARKER an entry of the owner's does, if a page of
 * its size can be had for sure: a small one always, a huge one if all of it is in the range and the frames
 * are as far from its boundaries as the pages are. That is asked of the difference of the two.
 */
static unsigned in_the_way(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                           uint64_t pages, uint64_t difference, uint64_t flags)
{
    for (unsigned i = model_first(model, page); i < model->count; i++) {
        const struct model_leaf *leaf = &model->leaves[i];
        uint64_t span = paging_level_pages(leaf->size);
        if (leaf->page >= page + pages)
            return 0;
        if (!leaf->reserved)
            return 1u << PAGING_ALREADY_MAPPED;
        bool fits = leaf->page >= page && leaf->page + span <= page + pages && difference % span == 0 &&
                    has_size(model, cpu, leaf->size);
        if (!(flags & PAGING_REPLACE_MARKER) || !fits)
            return 1u << PAGING_MARKED;
    }
    return 0;
}

unsigned model_map_range_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                                  uint64_t pages, uint64_t to, uint64_t flags)
{
    unsigned refusals = flag_refusals(model, cpu, page, flags & ~PAGING_REPLACE_MARKER);
    uint64_t frames = (uint64_t)1 << (cpu->physical_bits - PAGING_PAGE_SHIFT), frame = to / PAGING_PAGE_BYTES;
    if (frame >= frames || frames - frame < pages)
        refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    return refusals | in_the_way(model, cpu, page, pages, frame - page, flags);
}

/* No source is sure to have huge frames, as if they never were aligned. */
unsigned model_alloc_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                              uint64_t pages, uint64_t flags)
{
    return flag_refusals(model, cpu, page, flags & ~PAGING_REPLACE_MARKER) |
           in_the_way(model, cpu, page, pages, 1, flags);
}

uint64_t model_alloc_frames(const struct model *model, uint64_t page, uint64_t pages)
{
    uint64_t frames = pages;
    for (unsigned level = 1; level < model->levels; level++) {
        uint64_t span = paging_level_pages(level + 1);
        for (uint64_t at = page - page % span; at < page + pages; at += span)
            frames += !model_has_table(model, level, at);
    }
    return frames;
}

/* An entry of the owner's reaches over this edge: it cannot be cut. */
static bool is_reserved_across(const struct model *model, uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    return leaf && leaf->reserved && leaf->page != page;
}

unsigned model_unmap_range_refusals(const struct model *model, uint64_t page, uint64_t pages)
{
    bool cuts = is_reserved_across(model, page) || is_reserved_across(model, page + pages);
    return cuts ? 1u << PAGING_MARKED : 0;
}

unsigned model_protect_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                                uint64_t set, uint64_t clear)
{
    unsigned refusals = flag_refusals(model, cpu, page, set);
    if (((set | clear) & ~PAGING_LEAF_FLAGS) || ((set | clear) & PAGING_PRESENT) || (set & clear))
        refusals |= 1u << PAGING_BAD_FLAGS;
    return refusals;
}

unsigned model_split_refusals(const struct model *model, uint64_t page)
{
    if (model_is_reserved_slot(model->levels, page))
        return 1u << PAGING_RESERVED_SLOT;
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    if (!leaf)
        return 1u << PAGING_NOT_MAPPED;
    if (leaf->reserved)
        return 1u << PAGING_MARKED;
    return leaf->size == PAGING_4K ? 1u << PAGING_NOT_HUGE : 0;
}

/* ---- what changes ---- */

/* Nothing, or an entry of the owner's of just this size: else there is a table. */
static bool has_place(const struct model *model, uint64_t page, unsigned size)
{
    const struct model_leaf *other = model_overlap(model, page, paging_level_pages(size));
    return !other || (other->reserved && other->size == size);
}

/* Without a source, the frames are those from the first leaf's on. */
static void map_range(struct model *model, const struct paging_cpu *cpu, struct model_leaf leaf,
                      uint64_t pages, model_source *source)
{
    while (pages > 0) {
        uint64_t frame = leaf.frame;
        for (leaf.size = PAGING_1G;; leaf.size--) {
            uint64_t span = paging_level_pages(leaf.size);
            if (has_size(model, cpu, leaf.size) && span <= pages && leaf.page % span == 0 &&
                has_place(model, leaf.page, leaf.size) &&
                (source ? source(leaf.size, leaf.page, &leaf.frame) : leaf.frame % span == 0))
                break;
        }
        if (model_at(model, leaf.page))
            model_remove(model, leaf.page);
        model_add(model, leaf);
        leaf.page += paging_level_pages(leaf.size);
        leaf.frame = frame + paging_level_pages(leaf.size);
        pages -= paging_level_pages(leaf.size);
    }
}

void model_map_range(struct model *model, const struct paging_cpu *cpu, struct model_leaf first,
                     uint64_t pages)
{
    map_range(model, cpu, first, pages, NULL);
}

void model_alloc_range(struct model *model, const struct paging_cpu *cpu, struct model_leaf first,
                       uint64_t pages, model_source *source)
{
    map_range(model, cpu, first, pages, source);
}

void model_split(struct model *model, uint64_t page)
{
    unsigned place = model_first(model, page);
    struct model_leaf *leaf = &model->leaves[place];
    if (model->count + PAGING_TABLE_ENTRIES > MODEL_LEAVES)
        __builtin_trap();
    memmove(leaf + PAGING_TABLE_ENTRIES, leaf + 1, (model->count - place - 1) * sizeof(*leaf));
    model->count += PAGING_TABLE_ENTRIES - 1;
    leaf->size--;
    for (unsigned i = 1; i < PAGING_TABLE_ENTRIES; i++) {
        leaf[i] = leaf[0];
        leaf[i].page += i * paging_level_pages(leaf->size);
        leaf[i].frame += i * paging_level_pages(leaf->size);
    }
}

static uint64_t changed_flags(const struct model_leaf *leaf, uint64_t set, uint64_t clear)
{
    return leaf->reserved ? leaf->flags : (leaf->flags & ~clear) | set;
}

/* Split until no leaf reaches over the start of this page; only leaves that would change. */
static void cut(struct model *model, uint64_t page, bool always, uint64_t set, uint64_t clear)
{
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    while (leaf && leaf->page != page && !leaf->reserved &&
           (always || changed_flags(leaf, set, clear) != leaf->flags)) {
        model_split(model, page);
        leaf = model_overlap(model, page, 1);
    }
}

void model_unmap_range(struct model *model, uint64_t page, uint64_t pages)
{
    cut(model, page, true, 0, 0);
    cut(model, page + pages, true, 0, 0);
    unsigned first = model_first(model, page), end = first;
    while (end < model->count && model->leaves[end].page < page + pages)
        end++;
    memmove(&model->leaves[first], &model->leaves[end], (model->count - end) * sizeof(*model->leaves));
    model->count -= end - first;
}

void model_protect_range(struct model *model, uint64_t page, uint64_t pages, uint64_t set, uint64_t clear)
{
    cut(model, page, false, set, clear);
    cut(model, page + pages, false, set, clear);
    for (unsigned i = model_first(model, page); i < model->count; i++) {
        struct model_leaf *leaf = &model->leaves[i];
        if (leaf->page >= page + pages)
            break;
        leaf->flags = changed_flags(leaf, set, clear);
    }
}

/* Are these leaves, so many that they fill a table, the parts of one of the next size? */
static bool are_one(const struct model_leaf *leaf)
{
    const uint64_t touched = PAGING_ACCESSED | PAGING_DIRTY;
    uint64_t pages = paging_level_pages(leaf->size);
    if ((leaf->page | leaf->frame) % paging_level_pages(leaf->size + 1) != 0)
        return false;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        if (leaf[i].size != leaf->size || leaf[i].page != leaf->page + i * pages ||
            leaf[i].frame != leaf->frame + i * pages || leaf[i].owned != leaf->owned || leaf[i].reserved ||
            ((leaf[i].flags ^ leaf->flags) & ~touched))
            return false;
    return true;
}

static void make_one(struct model *model, unsigned place)
{
    struct model_leaf *leaf = &model->leaves[place];
    for (unsigned i = 1; i < PAGING_TABLE_ENTRIES; i++)
        leaf->flags |= leaf[i].flags;
    leaf->size++;
    memmove(leaf + 1, leaf + PAGING_TABLE_ENTRIES,
            (model->count - place - PAGING_TABLE_ENTRIES) * sizeof(*leaf));
    model->count -= PAGING_TABLE_ENTRIES - 1;
}

void model_merge_range(struct model *model, const struct paging_cpu *cpu, uint64_t page, uint64_t pages)
{
    unsigned largest = cpu->has_1g_pages ? PAGING_1G : PAGING_2M;
    for (unsigned size = 1; size < largest && size + 1 < model->levels; size++)
        for (unsigned i = model_first(model, page); i + PAGING_TABLE_ENTRIES <= model->count; i++) {
            const struct model_leaf *leaf = &model->leaves[i];
            if (leaf->page < page || leaf->size != size)
                continue;
            if (leaf->page + paging_level_pages(size + 1) > page + pages)
                break;
            if (are_one(leaf))
                make_one(model, i);
        }
}
