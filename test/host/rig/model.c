/* SPDX-License-Identifier: MIT */
/* The abstract map: its leaves, and the tables that follow from them. */
#include "rig/entries.h"
#include <selfmap/entry.h>
#include <string.h>

void model_copy(struct model *to, const struct model *from)
{
    to->levels = from->levels;
    to->by_direct_map = from->by_direct_map;
    to->owns_shared_half = from->owns_shared_half;
    to->count = from->count;
    memcpy(to->leaves, from->leaves, from->count * sizeof(*from->leaves));
}

void model_copy_upper_half(struct model *to, const struct model *from)
{
    uint64_t half = paging_level_pages(from->levels) * (PAGING_TABLE_ENTRIES / 2);
    unsigned place = model_first(to, half), first = model_first(from, half), count = from->count - first;
    memcpy(&to->leaves[place], &from->leaves[first], count * sizeof(*from->leaves));
    to->count = place + count;
}

bool model_is_equal(const struct model *one, const struct model *other)
{
    bool equal = one->count == other->count;
    for (unsigned i = 0; equal && i < one->count; i++) {
        const struct model_leaf *a = &one->leaves[i], *b = &other->leaves[i];
        equal = a->page == b->page && a->frame == b->frame && a->size == b->size && a->flags == b->flags &&
                a->owned == b->owned && a->marker == b->marker;
    }
    return equal;
}

static uint64_t leaf_end(const struct model_leaf *leaf)
{
    return leaf->page + paging_level_pages(leaf->size);
}

unsigned model_first(const struct model *model, uint64_t page)
{
    unsigned low = 0, high = model->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (leaf_end(&model->leaves[middle]) <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct model_leaf *model_overlap(const struct model *model, uint64_t page, uint64_t pages)
{
    unsigned first = model_first(model, page);
    return first < model->count && model->leaves[first].page < page + pages ? &model->leaves[first] : NULL;
}

const struct model_leaf *model_at(const struct model *model, uint64_t page)
{
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    return leaf && leaf->page == page ? leaf : NULL;
}

void model_add(struct model *model, struct model_leaf leaf)
{
    unsigned place = model_first(model, leaf.page);
    if (model->count == MODEL_LEAVES)
        __builtin_trap();
    memmove(&model->leaves[place + 1], &model->leaves[place],
            (model->count++ - place) * sizeof(*model->leaves));
    model->leaves[place] = leaf;
}

void model_remove(struct model *model, uint64_t page)
{
    const struct model_leaf *leaf = model_at(model, page);
    if (!leaf)
        __builtin_trap();
    unsigned place = (unsigned)(leaf - model->leaves);
    memmove(&model->leaves[place], &model->leaves[place + 1],
            (--model->count - place) * sizeof(*model->leaves));
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
    if (leaf->marker)
        leaf->marker = marker_of(value_of_marker(leaf->marker));
    for (unsigned i = 1; i < PAGING_TABLE_ENTRIES; i++) {
        leaf[i] = leaf[0];
        leaf[i].page += i * paging_level_pages(leaf->size);
        leaf[i].frame += leaf->marker ? 0 : i * paging_level_pages(leaf->size);
    }
}

uint64_t model_changed_flags(const struct model_leaf *leaf, uint64_t set, uint64_t clear)
{
    uint64_t flags = (leaf->flags & ~clear) | set;
    if (leaf->marker)
        return leaf->flags;
    if ((leaf->flags & MODEL_SHARED) == 0 || ((set | clear) & PAGING_WRITABLE) == 0)
        return flags;
    flags &= ~(PAGING_WRITABLE | MODEL_COPIED);
    return set & PAGING_WRITABLE ? flags | MODEL_COPIED : flags;
}

uint64_t model_shared_flags(uint64_t flags)
{
    if (flags & PAGING_WRITABLE)
        flags = (flags & ~PAGING_WRITABLE) | MODEL_COPIED;
    return flags | MODEL_SHARED;
}

void model_split_down(struct model *model, uint64_t page, unsigned size)
{
    while (model_overlap(model, page, 1)->size > size)
        model_split(model, page);
}

void model_split_boundary(struct model *model, uint64_t page, uint64_t set, uint64_t clear)
{
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    while (leaf && leaf->page != page &&
           ((clear & PAGING_PRESENT) || model_changed_flags(leaf, set, clear) != leaf->flags)) {
        model_split(model, page);
        leaf = model_overlap(model, page, 1);
    }
}

bool model_is_upper(const struct model *model, uint64_t page)
{
    return page >= paging_level_pages(model->levels) * (PAGING_TABLE_ENTRIES / 2);
}

bool model_is_scratch_slot(const struct model *model, uint64_t page)
{
    return !model->by_direct_map && page / paging_level_pages(model->levels) == PAGING_SCRATCH_SLOT;
}

bool model_is_reserved_slot(const struct model *model, uint64_t page)
{
    uint64_t slot = page / paging_level_pages(model->levels);
    return !model->by_direct_map &&
           (slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT);
}

/* ---- tables ---- */

bool model_is_shared_table(const struct model *model, unsigned level, uint64_t page)
{
    return model->owns_shared_half && level + 1 == model->levels && model_is_upper(model, page) &&
           !model_is_reserved_slot(model, page);
}

bool model_has_table(const struct model *model, unsigned level, uint64_t page)
{
    if (model_is_shared_table(model, level, page))
        return true;
    /* A leaf larger than the table's span would be the only one there. */
    uint64_t covered = paging_level_pages(level + 1);
    const struct model_leaf *leaf = model_overlap(model, page & ~(covered - 1), covered);
    return leaf && leaf->size <= level;
}

unsigned model_missing_tables(const struct model *model, uint64_t page, unsigned size)
{
    unsigned missing = 0;
    for (unsigned level = size; level < model->levels; level++)
        missing += !model_has_table(model, level, page);
    return missing;
}

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
            count += !model_is_shared_table(after, level, leaf->page) &&
                     !model_has_table(before, level, leaf->page);
        }
    }
    return count;
}

unsigned model_tables(const struct model *after)
{
    static struct model no_leaves;
    return model_new_tables(after, &no_leaves);
}

unsigned model_owned_frames(const struct model *model)
{
    uint64_t frames = 0;
    for (unsigned i = 0; i < model->count; i++)
        frames += model->leaves[i].owned ? paging_level_pages(model->leaves[i].size) : 0;
    return (unsigned)frames;
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

/* ---- refusals ---- */

bool model_has_size(const struct model *model, const struct paging_cpu *cpu, unsigned size)
{
    return size < model->levels && size <= (cpu->has_1g_pages ? PAGING_1G : PAGING_2M);
}

unsigned model_flag_refusals(const struct model *model, const struct paging_cpu *cpu, uint64_t page,
                             uint64_t flags)
{
    unsigned refusals = 0;
    if ((flags & ~PAGING_LEAF_FLAGS) || (!model_is_upper(model, page) && (flags & PAGING_GLOBAL)))
        refusals |= 1u << PAGING_BAD_FLAGS;
    if (!cpu->has_no_execute && (flags & PAGING_NO_EXECUTE))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    return refusals;
}

unsigned model_range_refusals(const struct model *model, uint64_t start, uint64_t bytes)
{
    unsigned refusals = 0, levels = model->levels;
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
        if (model_is_reserved_slot(model, slot * slot_pages))
            refusals |= 1u << PAGING_RESERVED_SLOT;
        if (slot == (page + (inside - 1) / PAGING_PAGE_BYTES) / slot_pages)
            break;
    }
    return refusals;
}
