/* SPDX-License-Identifier: MIT */
/* whole_pages.c - gives each block pages of its own, and takes them away when it is freed. */
#include "heap/whole_pages.h"
#include "heap/area.h"
#include <selfmap/range.h>

#define NO_PAGE UINT64_MAX

static struct heap_page_note *note_of(const struct heap *heap, uint64_t page)
{
    return (struct heap_page_note *)heap->notes + page;
}

/* Returns how many pages have been used: from there on, notes are not valid. */
static uint64_t pages_used(const struct heap *heap)
{
    return heap->bytes / PAGING_PAGE_BYTES;
}

/* Returns the page from this one on, or this one, at which a block is aligned. */
static uint64_t aligned_page(const struct heap *heap, uint64_t page, uint64_t alignment)
{
    uint64_t address = heap->blocks + page * PAGING_PAGE_BYTES;
    return (round_up(address, alignment) - heap->blocks) / PAGING_PAGE_BYTES;
}

/*
 * Returns the first of so many pages side by side without a live block, from the page `from` on; NO_PAGE if
 * there are none. No block lies over `from`.
 */
static uint64_t find_pages(const struct heap *heap, uint64_t from, uint64_t pages, uint64_t alignment)
{
    uint64_t limit = heap->setup.limit / PAGING_PAGE_BYTES, used = pages_used(heap);
    uint64_t first = aligned_page(heap, from, alignment);
    for (uint64_t at = from; at < used && at < first + pages;) {
        const struct heap_page_note *note = note_of(heap, at);
        if (note->state == PAGE_LIVE) {
            at += note->pages + UINT64_C(1);
            first = aligned_page(heap, at, alignment);
        } else {
            at++;
        }
    }
    return pages <= limit && first <= limit - pages ? first : NO_PAGE;
}

/* Forgets the freed blocks that began in these pages. */
static void forget(struct heap *heap, uint64_t first, uint64_t pages)
{
    for (uint64_t at = first; at < first + pages && at < pages_used(heap); at++)
        note_of(heap, at)->state = PAGE_UNUSED;
}

static uint64_t notes_bytes(uint64_t pages)
{
    return pages * sizeof(struct heap_page_note);
}

enum heap_status heap_pages_allocate(struct heap *heap, uint64_t bytes, uint64_t alignment, uintptr_t caller,
                                     void **block)
{
    if (bytes > heap->setup.limit)
        return HEAP_NO_ADDRESSES;
    uint64_t length = round_up(bytes, PAGING_PAGE_BYTES), pages = length / PAGING_PAGE_BYTES;
    uint64_t gap = (length - bytes) & ~(alignment - 1),
             first = find_pages(heap, heap->next, pages + 1, alignment);
    if (first == NO_PAGE)
        first = find_pages(heap, 0, pages + 1, alignment);
    if (first == NO_PAGE)
        return HEAP_NO_ADDRESSES;
    uint64_t end = first + pages + 1;
    enum heap_status status = heap_area_map(heap, first * PAGING_PAGE_BYTES, length, PAGING_LARGEST_4K,
                                            notes_bytes(end > pages_used(heap) ? end : pages_used(heap)));
    if (status != HEAP_OK)
        return status;
    if (end > pages_used(heap))
        heap->bytes = end * PAGING_PAGE_BYTES;
    heap->next = end;
    forget(heap, first, pages + 1);
    *note_of(heap, first) = (struct heap_page_note){.pages = (uint32_t)pages,
                                                    .state = PAGE_LIVE,
                                                    .gap = (uint16_t)gap,
                                                    .bytes = bytes,
                                                    .allocated_by = caller};
    uintptr_t start = heap->blocks + first * PAGING_PAGE_BYTES;
    heap_fill_red_zone(start, start + gap);
    heap_fill_red_zone(start + gap + bytes, start + length);
    *block = (void *)(start + gap);
    return HEAP_OK;
}

enum heap_status heap_pages_free(struct heap *heap, const struct heap_place *place, uintptr_t caller)
{
    uint64_t page = (place->block - heap->blocks) / PAGING_PAGE_BYTES;
    struct heap_page_note *note = note_of(heap, page);
    enum heap_status status =
        heap_area_unmap(heap, page * PAGING_PAGE_BYTES, note->pages * PAGING_PAGE_BYTES, heap->notes_mapped);
    if (status != HEAP_OK)
        return status;
    note->state = PAGE_FREED;
    note->freed_by = caller;
    return HEAP_OK;
}

/* ---- what there is ---- */

/* Returns the last page up to this one in which a block begins, or began; NO_PAGE if there is none. */
static uint64_t block_up_to(const struct heap *heap, uint64_t page)
{
    while (note_of(heap, page)->state == PAGE_UNUSED)
        if (page-- == 0)
            return NO_PAGE;
    return page;
}

static struct heap_place place_of(const struct heap *heap, uint64_t page)
{
    const struct heap_page_note *note = note_of(heap, page);
    uintptr_t start = heap->blocks + page * PAGING_PAGE_BYTES;
    return (struct heap_place){
        .where = WHERE_BLOCK,
        .block = start + note->gap,
        .bytes = note->bytes,
        .allocated_by = note->allocated_by,
        .freed_by = note->freed_by,
        .gap_start = start,
        .red_start = start + note->gap + note->bytes,
        .red_end = start + note->pages * PAGING_PAGE_BYTES,
    };
}

struct heap_place heap_pages_locate(const struct heap *heap, uintptr_t address)
{
    uint64_t page = NO_PAGE;
    if (address - heap->blocks < heap->bytes)
        page = block_up_to(heap, (address - heap->blocks) / PAGING_PAGE_BYTES);
    if (page == NO_PAGE)
        return (struct heap_place){.where = WHERE_NOWHERE, .block = 0};
    struct heap_place place = place_of(heap, page);
    bool is_live = note_of(heap, page)->state == PAGE_LIVE;
    if (address >= place.red_end + PAGING_PAGE_BYTES || (!is_live && address >= place.red_end))
        return (struct heap_place){.where = WHERE_NOWHERE, .block = 0};
    if (!is_live)
        place.where = WHERE_FREE;
    else if (address >= place.red_end)
        place.where = WHERE_BEHIND;
    else if (address != place.block)
        place.where = WHERE_INSIDE;
    return place;
}

enum heap_status heap_pages_check(struct heap *heap, uintptr_t caller)
{
    enum heap_status first = HEAP_OK;
    uint64_t live = 0;
    for (uint64_t page = 0; page < pages_used(heap); page++) {
        if (note_of(heap, page)->state != PAGE_LIVE)
            continue;
        struct heap_place place = place_of(heap, page);
        enum heap_status status = heap_check_around(heap, &place, caller);
        first = first == HEAP_OK ? status : first;
        live++;
    }
    struct heap_finding finding = {.kind = HEAP_BAD_NOTES, .address = heap->notes, .caller = caller};
    if (live != heap->statistics.live_blocks && first == HEAP_OK)
        first = heap_tell(heap, &finding);
    return first;
}
