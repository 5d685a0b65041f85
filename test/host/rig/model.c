#include "rig/model.h"
#include <selfmap/entry.h>
#include <string.h>

void model_copy(struct model *to, const struct model *from)
{
    to->levels = from->levels;
    to->pinned = from->pinned;
    to->count = from->count;
    memcpy(to->leaves, from->leaves, from->count * sizeof(*from->leaves));
}

bool model_is_equal(const struct model *one, const struct model *other)
{
    bool equal = one->count == other->count;
    for (unsigned i = 0; equal && i < one->count; i++) {
        const struct model_leaf *a = &one->leaves[i], *b = &other->leaves[i];
        equal = a->page == b->page && a->frame == b->frame && a->size == b->size && a->flags == b->flags &&
                a->owned == b->owned && a->reserved == b->reserved;
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

bool model_is_upper(const struct model *model, uint64_t page)
{
    return page >= paging_level_pages(model->levels) * (PAGING_TABLE_ENTRIES / 2);
}

bool model_is_pinned(const struct model *model, unsigned level, uint64_t page)
{
    return model->pinned && level + 1 == model->levels && model_is_upper(model, page) &&
           !model_is_reserved_slot(model->levels, page);
}

bool model_has_table(const struct model *model, unsigned level, uint64_t page)
{
    if (model_is_pinned(model, level, page))
        return true;
    /* A larger leaf there would be the only one. */
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

bool model_is_reserved_slot(unsigned levels, uint64_t page)
{
    uint64_t slot = page / paging_level_pages(levels);
    return slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT;
}

bool model_is_replaceable(const struct model_leaf *other, const struct model_leaf *wanted)
{
    return (wanted->flags & PAGING_REPLACE_MARKER) && other->reserved && other->size == wanted->size &&
           other->page == wanted->page;
}

static unsigned occupied(const struct model *model, const struct model_leaf *wanted)
{
    unsigned refusals = 0;
    uint64_t end = wanted->page + paging_level_pages(wanted->size);
    const struct model_leaf *other = model_overlap(model, wanted->page, end - wanted->page);
    if (!other || model_is_replaceable(other, wanted))
        return 0;
    if (other->size > wanted->size)
        return 1u << (other->reserved ? PAGING_MARKED : PAGING_INSIDE_HUGE);
    for (uint64_t page = wanted->page; page < end && other;
         page = other->page + paging_level_pages(other->size)) {
        other = model_overlap(model, page, end - page);
        if (!other)
            break;
        /* Smaller entries inside: mapped ones say so; whether reserved ones do too is left open. */
        refusals |= other->reserved ? 1u << PAGING_MARKED : 1u << PAGING_ALREADY_MAPPED;
        if (other->size < wanted->size)
            refusals |= 1u << PAGING_ALREADY_MAPPED;
    }
    return refusals;
}

unsigned model_refusals(const struct model *model, const struct paging_cpu *cpu,
                        const struct model_leaf *wanted)
{
    unsigned refusals = occupied(model, wanted);
    uint64_t pages = paging_level_pages(wanted->size);
    uint64_t frames = (uint64_t)1 << (cpu->physical_bits - PAGING_PAGE_SHIFT);
    bool upper = model_is_upper(model, wanted->page);
    if (model_is_reserved_slot(model->levels, wanted->page))
        refusals |= 1u << PAGING_RESERVED_SLOT;
    if (wanted->frame >= frames || frames - wanted->frame < pages)
        refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    if ((wanted->flags & ~PAGING_LEAF_FLAGS & ~PAGING_REPLACE_MARKER) ||
        (!upper && (wanted->flags & PAGING_GLOBAL)))
        refusals |= 1u << PAGING_BAD_FLAGS;
    if (!cpu->has_no_execute && (wanted->flags & PAGING_NO_EXECUTE))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (wanted->size >= model->levels || (wanted->size == PAGING_1G && !cpu->has_1g_pages))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (wanted->page % pages != 0 || wanted->frame % pages != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    return refusals;
}

unsigned model_unmap_refusals(const struct model *model, uint64_t page)
{
    if (model_is_reserved_slot(model->levels, page))
        return 1u << PAGING_RESERVED_SLOT;
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    if (!leaf)
        return 1u << PAGING_NOT_MAPPED;
    if (leaf->reserved)
        return 1u << PAGING_MARKED;
    return leaf->page == page ? 0 : 1u << PAGING_INSIDE_HUGE;
}
