/* SPDX-License-Identifier: MIT */
/* translate_list.c - what a list of pages leads to. */
#include "page_row.h"
#include <selfmap/list.h>
#include <selfmap/translate.h>

/* Asks for one page, whatever it is. */
static struct paging_page_translation translate_page(const struct paging_space *space, paging_page_t page)
{
    unsigned levels = space->cpu.levels;
    struct paging_translation found;
    if (page.number >= paging_page_limit(levels))
        return (struct paging_page_translation){.status = PAGING_BAD_PAGE};
    enum paging_status status = paging_translate(space, paging_page_start(levels, page), &found);
    if (status != PAGING_OK)
        return (struct paging_page_translation){.status = status};
    return (struct paging_page_translation){
        .status = PAGING_OK,
        .size = found.size,
        .frame = paging_frame_containing(found.address),
        .flags = found.flags,
        .owned = found.owned,
    };
}

/* Translates pages of one P1 until one is not in it, or not mapped. Returns how many. */
static uint64_t translate_row(const struct paging_space *space, const paging_page_t *pages, uint64_t count,
                              struct page_row row, struct paging_page_translation *translations)
{
    uint64_t i = 0;
    for (; i < count && (pages[i].number | (PAGING_TABLE_ENTRIES - 1)) == row.last; i++) {
        paging_entry_t leaf = paging_entry_load(slot_in_row(row, pages[i]));
        if (((leaf.bits ^ PAGING_PRESENT) & space->leaf_check) != 0)
            break;
        translations[i] = (struct paging_page_translation){
            .status = PAGING_OK,
            .size = PAGING_4K,
            .frame = paging_entry_frame(leaf),
            .flags = leaf.bits & PAGING_LEAF_FLAGS,
            .owned = (leaf.bits & PAGING_OWNED) != 0,
        };
    }
    return i;
}

enum paging_status paging_translate_list(const struct paging_space *space, const paging_page_t *pages,
                                         uint64_t count, struct paging_page_translation *translations)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    for (uint64_t i = 0; i < count;) {
        struct page_row row;
        uint64_t done = 0;
        if (find_row(space, pages[i], &row))
            done = translate_row(space, pages + i, count - i, row, translations + i);
        if (done == 0) {
            translations[i] = translate_page(space, pages[i]);
            done = 1;
        }
        i += done;
    }
    return PAGING_OK;
}
