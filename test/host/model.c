#include "model.h"
#include "entry.h"

const struct model_leaf *model_overlap(const struct model *model, uint64_t page, uint64_t pages)
{
    const struct model_leaf *lowest = NULL;
    for (unsigned i = 0; i < model->count; i++) {
        const struct model_leaf *leaf = &model->leaves[i];
        bool meets = leaf->page < page + pages && page < leaf->page + level_pages(leaf->size);
        if (meets && (!lowest || leaf->page < lowest->page))
            lowest = leaf;
    }
    return lowest;
}

const struct model_leaf *model_at(const struct model *model, uint64_t page)
{
    for (unsigned i = 0; i < model->count; i++)
        if (model->leaves[i].page == page)
            return &model->leaves[i];
    return NULL;
}

void model_add(struct model *model, struct model_leaf leaf)
{
    if (model->count == MODEL_LEAVES)
        __builtin_trap();
    model->leaves[model->count++] = leaf;
}

void model_remove(struct model *model, uint64_t page)
{
    for (unsigned i = 0; i < model->count; i++)
        if (model->leaves[i].page == page) {
            model->leaves[i] = model->leaves[--model->count];
            return;
        }
    __builtin_trap();
}

bool model_has_table(const struct model *model, unsigned level, uint64_t page)
{
    uint64_t covered = level_pages(level + 1);
    for (unsigned i = 0; i < model->count; i++)
        if (model->leaves[i].size <= level && model->leaves[i].page / covered == page / covered)
            return true;
    return false;
}

unsigned model_missing_tables(const struct model *model, uint64_t page, unsigned size)
{
    unsigned missing = 0;
    for (unsigned level = size; level < model->levels; level++)
        missing += !model_has_table(model, level, page);
    return missing;
}

bool model_is_kept(unsigned levels, uint64_t page)
{
    uint64_t slot = page / level_pages(levels);
    return slot == PAGING_RECURSIVE_SLOT || slot == PAGING_FOREIGN_SLOT || slot == PAGING_SCRATCH_SLOT;
}

static unsigned occupied(const struct model *model, const struct model_leaf *wanted)
{
    unsigned refusals = 0;
    uint64_t end = wanted->page + level_pages(wanted->size);
    const struct model_leaf *other = model_overlap(model, wanted->page, end - wanted->page);
    if (!other)
        return 0;
    if (other->size > wanted->size)
        return 1u << (other->reserved ? PAGING_RESERVED : PAGING_INSIDE_HUGE);
    for (uint64_t page = wanted->page; page < end && other; page = other->page + level_pages(other->size)) {
        other = model_overlap(model, page, end - page);
        if (!other)
            break;
        /* Smaller entries inside: mapped ones say so; whether reserved ones do too is left open. */
        refusals |= other->reserved ? 1u << PAGING_RESERVED : 1u << PAGING_ALREADY_MAPPED;
        if (other->size < wanted->size)
            refusals |= 1u << PAGING_ALREADY_MAPPED;
    }
    return refusals;
}

unsigned model_refusals(const struct model *model, const struct paging_cpu *cpu,
                        const struct model_leaf *wanted)
{
    unsigned refusals = occupied(model, wanted);
    uint64_t pages = level_pages(wanted->size);
    uint64_t frames = (uint64_t)1 << (cpu->physical_bits - PAGE_SHIFT);
    bool upper = wanted->page >= level_pages(model->levels) * (ENTRY_COUNT / 2);
    if (model_is_kept(model->levels, wanted->page))
        refusals |= 1u << PAGING_RESERVED_SLOT;
    if (wanted->frame >= frames || frames - wanted->frame < pages)
        refusals |= 1u << PAGING_FRAME_TOO_HIGH;
    if ((wanted->flags & ~LEAF_FLAGS) || (!upper && (wanted->flags & ENTRY_GLOBAL)))
        refusals |= 1u << PAGING_BAD_FLAGS;
    if (!cpu->has_no_execute && (wanted->flags & ENTRY_NO_EXECUTE))
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (wanted->size == PAGE_1G && !cpu->has_1g_pages)
        refusals |= 1u << PAGING_NOT_SUPPORTED;
    if (wanted->page % pages != 0 || wanted->frame % pages != 0)
        refusals |= 1u << PAGING_MISALIGNED;
    return refusals;
}

unsigned model_unmap_refusals(const struct model *model, uint64_t page)
{
    if (model_is_kept(model->levels, page))
        return 1u << PAGING_RESERVED_SLOT;
    const struct model_leaf *leaf = model_overlap(model, page, 1);
    if (!leaf)
        return 1u << PAGING_NOT_MAPPED;
    if (leaf->reserved)
        return 1u << PAGING_RESERVED;
    return leaf->page == page ? 0 : 1u << PAGING_INSIDE_HUGE;
}
