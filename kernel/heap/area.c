/* SPDX-License-Identifier: MIT */
/* area.c - the only file of the heap that changes what is mapped. */
#include "heap/area.h"
#include "heap/chunk_map.h"
#include "heap/whole_pages.h"
#include <selfmap/find_hole.h>
#include <selfmap/map.h>
#include <selfmap/range.h>

/* Pages for blocks begin where a 2 MiB page can begin, so that a large heap gets such pages. */
static uint64_t offset_of_blocks(uint64_t limit, bool debug)
{
    uint64_t notes = debug ? limit / PAGING_PAGE_BYTES * sizeof(struct heap_page_note)
                           : round_up(limit, HEAP_MAP_PAGE_BYTES) / HEAP_MAP_PAGE_BYTES * PAGING_PAGE_BYTES;
    return round_up(round_up(notes, PAGING_PAGE_BYTES) + 2 * PAGING_PAGE_BYTES,
                    paging_level_bytes(PAGING_2M));
}

uint64_t heap_address_bytes(uint64_t limit, bool debug)
{
    return offset_of_blocks(limit, debug) + limit + PAGING_PAGE_BYTES;
}

/* Keeps what the core has answered. Returns the heap's status for it. */
static enum heap_status refused(struct heap *heap, enum paging_status status)
{
    heap->refusal = status;
    return status == PAGING_NO_FRAMES ? HEAP_NO_FRAMES : HEAP_REFUSED;
}

static enum paging_status mark(struct heap *heap, uint64_t address)
{
    return paging_set_marker(heap->setup.space,
                             paging_page_at(heap->setup.space->cpu.levels, (paging_virt_t){address}),
                             HEAP_GUARD_MARKER, heap->setup.frames);
}

static enum paging_status unmap(struct heap *heap, uint64_t address, uint64_t bytes)
{
    return paging_unmap_range(heap->setup.space, (paging_virt_t){address}, bytes, heap->setup.frames);
}

enum heap_status heap_area_create(struct heap *heap)
{
    const struct heap_setup *setup = &heap->setup;
    uint64_t start = setup->start.value, bytes = heap_address_bytes(setup->limit, setup->debug);
    paging_virt_t hole;
    enum paging_status status = paging_find_hole(setup->space, setup->start, (paging_virt_t){start + bytes},
                                                 bytes, PAGING_PAGE_BYTES, &hole);
    if (status != PAGING_OK) {
        heap->refusal = status;
        return status == PAGING_UNREACHABLE ? HEAP_REFUSED : HEAP_PLACE_TAKEN;
    }
    heap->notes = start + PAGING_PAGE_BYTES;
    heap->blocks = start + offset_of_blocks(setup->limit, setup->debug);
    heap->end = start + bytes;
    const uint64_t guards[] = {start, heap->blocks - PAGING_PAGE_BYTES, heap->end - PAGING_PAGE_BYTES};
    for (unsigned i = 0; i < sizeof guards / sizeof *guards && status == PAGING_OK; i++)
        status = mark(heap, guards[i]);
    if (status == PAGING_OK)
        return HEAP_OK;
    (void)!unmap(heap, start, bytes); /* those that were marked */
    return refused(heap, status);
}

enum heap_status heap_area_destroy(struct heap *heap)
{
    uint64_t start = heap->setup.start.value;
    enum paging_status status = unmap(heap, start, heap->end - start);
    return status == PAGING_OK ? HEAP_OK : refused(heap, status);
}

/* Maps frames of the source. If the source breaks its promise, part of the range may be mapped: it goes. */
static enum paging_status map(struct heap *heap, uint64_t address, uint64_t bytes, uint64_t flags)
{
    struct paging_space *space = heap->setup.space;
    uint64_t rights = PAGING_WRITABLE | (space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0);
    enum paging_status status =
        paging_map_range_alloc(space, (paging_virt_t){address}, bytes, rights | flags, heap->setup.frames);
    if (status == PAGING_BROKEN_SOURCE)
        (void)!unmap(heap, address, bytes);
    return status;
}

/* Maps what is missing of so many bytes of notes. Their pages are small: none is ever split. */
static enum paging_status map_notes(struct heap *heap, uint64_t bytes)
{
    uint64_t missing = bytes > heap->notes_mapped ? bytes - heap->notes_mapped : 0;
    uint64_t address = heap->notes + heap->notes_mapped;
    enum paging_status status = missing == 0 ? PAGING_OK : map(heap, address, missing, PAGING_LARGEST_4K);
    if (missing == 0 || status != PAGING_OK)
        return status;
    __builtin_memset((void *)address, 0, missing);
    heap->notes_mapped = bytes;
    return PAGING_OK;
}

static void unmap_notes(struct heap *heap, uint64_t bytes)
{
    if (bytes < heap->notes_mapped &&
        unmap(heap, heap->notes + bytes, heap->notes_mapped - bytes) == PAGING_OK)
        heap->notes_mapped = bytes;
}

enum heap_status heap_area_map(struct heap *heap, uint64_t offset, uint64_t bytes, uint64_t flags,
                               uint64_t notes)
{
    uint64_t notes_before = heap->notes_mapped;
    enum paging_status status = map_notes(heap, round_up(notes, PAGING_PAGE_BYTES));
    if (status == PAGING_OK)
        status = map(heap, heap->blocks + offset, bytes, flags);
    if (status != PAGING_OK) {
        unmap_notes(heap, notes_before);
        return refused(heap, status);
    }
    struct heap_statistics *now = &heap->statistics;
    now->mapped_bytes += bytes;
    if (now->mapped_bytes > now->peak_mapped_bytes)
        now->peak_mapped_bytes = now->mapped_bytes;
    now->grown++;
    return HEAP_OK;
}

enum heap_status heap_area_unmap(struct heap *heap, uint64_t offset, uint64_t bytes, uint64_t notes)
{
    enum paging_status status = unmap(heap, heap->blocks + offset, bytes);
    if (status != PAGING_OK) {
        heap->refusal = status;
        return HEAP_REFUSED;
    }
    unmap_notes(heap, round_up(notes, PAGING_PAGE_BYTES));
    heap->statistics.mapped_bytes -= bytes;
    heap->statistics.shrunk++;
    return HEAP_OK;
}
