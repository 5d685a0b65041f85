/* SPDX-License-Identifier: MIT */
/* heap.c - the calls of heap.h: checks what is passed, finds out what is there, and hands it on. */
#include "heap/heap.h"
#include "heap/area.h"
#include "heap/chunks.h"
#include "heap/whole_pages.h"

#define RETURN_ADDRESS ((uintptr_t)__builtin_return_address(0))

static const char *const names[HEAP_STATUS_COUNT] = {
    [HEAP_OK] = "ok",
    [HEAP_BAD_SETUP] = "bad setup",
    [HEAP_PLACE_TAKEN] = "place taken",
    [HEAP_NO_BYTES] = "no bytes",
    [HEAP_BAD_ALIGNMENT] = "bad alignment",
    [HEAP_NO_FRAMES] = "no frames",
    [HEAP_NO_ADDRESSES] = "no addresses",
    [HEAP_REFUSED] = "refused",
    [HEAP_FOREIGN] = "foreign",
    [HEAP_INSIDE_BLOCK] = "inside block",
    [HEAP_DOUBLE_FREE] = "double free",
    [HEAP_OVERRUN] = "overrun",
    [HEAP_UNDERRUN] = "underrun",
    [HEAP_USE_AFTER_FREE] = "use after free",
    [HEAP_BAD_NOTES] = "bad notes",
};

const char *heap_status_name(enum heap_status status)
{
    return status < HEAP_STATUS_COUNT ? names[status] : "unknown";
}

/* ---- the heap as a whole ---- */

enum { DEFAULT_SLOT = PAGING_TABLE_ENTRIES / 4 * 3 };

_Static_assert(DEFAULT_SLOT != PAGING_RECURSIVE_SLOT && DEFAULT_SLOT != PAGING_ALTERNATE_SLOT &&
                   DEFAULT_SLOT != PAGING_SCRATCH_SLOT,
               "the core leaves the slot to others");

paging_virt_t heap_default_start(unsigned levels)
{
    return paging_canonical(levels, DEFAULT_SLOT * paging_level_bytes(levels));
}

static bool is_good_setup(const struct heap_setup *setup)
{
    return setup->space && setup->frames && setup->found && setup->start.value % PAGING_PAGE_BYTES == 0 &&
           setup->limit % PAGING_PAGE_BYTES == 0 && setup->limit > 0 && setup->limit <= HEAP_LIMIT_BYTES;
}

enum heap_status heap_create(struct heap *heap, const struct heap_setup *setup)
{
    __builtin_memset(heap, 0, sizeof *heap);
    if (!is_good_setup(setup))
        return HEAP_BAD_SETUP;
    heap->setup = *setup;
    return heap_area_create(heap);
}

enum heap_status heap_destroy(struct heap *heap)
{
    enum heap_status status = heap_area_destroy(heap);
    if (status == HEAP_OK)
        __builtin_memset(heap, 0, sizeof *heap);
    return status;
}

void heap_use_space(struct heap *heap, struct paging_space *space)
{
    heap->setup.space = space;
}

struct heap_statistics heap_statistics(const struct heap *heap)
{
    struct heap_statistics now = heap->statistics;
    now.notes_bytes = heap->notes_mapped;
    return now;
}

/* ---- what is there ---- */

static struct heap_place locate(const struct heap *heap, uintptr_t address)
{
    return heap->setup.debug ? heap_pages_locate(heap, address) : heap_chunks_locate(heap, address);
}

enum heap_status heap_check_around(struct heap *heap, const struct heap_place *place, uintptr_t caller)
{
    uintptr_t before = heap_red_zone_broken(place->gap_start, place->block);
    uintptr_t behind = heap_red_zone_broken(place->red_start, place->red_end);
    if (before == place->block && behind == place->red_end)
        return HEAP_OK;
    bool is_overrun = behind != place->red_end;
    struct heap_finding finding =
        finding_about(place, is_overrun ? HEAP_OVERRUN : HEAP_UNDERRUN, is_overrun ? behind : before, caller);
    return heap_tell(heap, &finding);
}

/* A header that is broken was reached, most often, from the block before it: then its red zone is, too. */
static enum heap_status tell_broken(struct heap *heap, const struct heap_place *place, uintptr_t caller)
{
    struct heap_finding finding = finding_about(place, HEAP_UNDERRUN, place->block - HEAP_ALIGNMENT, caller);
    struct heap_place before = locate(heap, finding.address - 1);
    if (before.where == WHERE_INSIDE)
        (void)heap_check_around(heap, &before, caller);
    return heap_tell(heap, &finding);
}

/* Returns HEAP_OK for a live block that is whole, and tells what else there is. */
static enum heap_status check_block(struct heap *heap, const struct heap_place *place, uintptr_t address,
                                    uintptr_t caller)
{
    if (place->where == WHERE_BLOCK)
        return heap_check_around(heap, place, caller);
    if (place->where == WHERE_BROKEN)
        return tell_broken(heap, place, caller);
    enum heap_status kind = place->where == WHERE_INSIDE ? HEAP_INSIDE_BLOCK
                            : place->where == WHERE_FREE ? HEAP_DOUBLE_FREE
                                                         : HEAP_FOREIGN;
    struct heap_finding finding = finding_about(place, kind, address, caller);
    return heap_tell(heap, &finding);
}

enum heap_status heap_check(struct heap *heap)
{
    return heap->setup.debug ? heap_pages_check(heap, RETURN_ADDRESS)
                             : heap_chunks_check(heap, RETURN_ADDRESS);
}

bool heap_explain(const struct heap *heap, uintptr_t address, struct heap_finding *finding)
{
    static const enum heap_status kinds[] = {
        [WHERE_NOWHERE] = HEAP_FOREIGN,     [WHERE_BLOCK] = HEAP_INSIDE_BLOCK,
        [WHERE_INSIDE] = HEAP_INSIDE_BLOCK, [WHERE_BROKEN] = HEAP_UNDERRUN,
        [WHERE_FREE] = HEAP_USE_AFTER_FREE, [WHERE_BEHIND] = HEAP_OVERRUN,
    };
    if (address - heap->setup.start.value >= heap->end - heap->setup.start.value)
        return false;
    struct heap_place place = locate(heap, address);
    *finding = finding_about(&place, kinds[place.where], address, 0);
    return true;
}

/* ---- blocks ---- */

/* Counts a call that ends in this way. */
static enum heap_status count(struct heap *heap, enum heap_status status)
{
    heap->statistics.refused +=
        status == HEAP_NO_FRAMES || status == HEAP_NO_ADDRESSES || status == HEAP_REFUSED;
    return status;
}

static void count_bytes(struct heap *heap, uint64_t more, uint64_t less)
{
    struct heap_statistics *now = &heap->statistics;
    now->live_bytes += more - less;
    if (now->live_bytes > now->peak_live_bytes)
        now->peak_live_bytes = now->live_bytes;
}

static enum heap_status check_request(uint64_t bytes, uint64_t alignment)
{
    if (bytes == 0)
        return HEAP_NO_BYTES;
    bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
    return is_power && alignment <= HEAP_ALIGNMENT_LIMIT ? HEAP_OK : HEAP_BAD_ALIGNMENT;
}

static enum heap_status allocate(struct heap *heap, uint64_t bytes, uint64_t alignment, uintptr_t caller,
                                 void **block)
{
    enum heap_status status = check_request(bytes, alignment);
    if (status != HEAP_OK)
        return status;
    if (heap->setup.debug)
        status = heap_pages_allocate(heap, bytes, alignment, caller, block);
    else
        status = heap_chunks_allocate(heap, bytes, alignment > HEAP_ALIGNMENT ? alignment : HEAP_ALIGNMENT,
                                      caller, block);
    if (status != HEAP_OK)
        return count(heap, status);
    heap->statistics.live_blocks++;
    count_bytes(heap, bytes, 0);
    return HEAP_OK;
}

/* Frees a live block that is whole. */
static enum heap_status release(struct heap *heap, const struct heap_place *place, uintptr_t caller)
{
    enum heap_status status = HEAP_OK;
    if (heap->setup.debug)
        status = heap_pages_free(heap, place, caller);
    else
        heap_chunks_free(heap, place, caller);
    if (status != HEAP_OK)
        return count(heap, status);
    heap->statistics.live_blocks--;
    count_bytes(heap, 0, place->bytes);
    return HEAP_OK;
}

/* Moves a block to a new one. If the old one cannot be freed, the new one goes again. */
static enum heap_status move(struct heap *heap, const struct heap_place *place, uint64_t bytes,
                             uint64_t alignment, uintptr_t caller, void **block)
{
    void *moved;
    enum heap_status status = allocate(heap, bytes, alignment, caller, &moved);
    if (status != HEAP_OK)
        return status;
    __builtin_memcpy(moved, (const void *)place->block, place->bytes < bytes ? place->bytes : bytes);
    status = release(heap, place, caller);
    if (status != HEAP_OK) {
        struct heap_place copy = locate(heap, (uintptr_t)moved);
        (void)release(heap, &copy, caller);
        return status;
    }
    *block = moved;
    return HEAP_OK;
}

static enum heap_status resize(struct heap *heap, uint64_t bytes, uint64_t alignment, uintptr_t caller,
                               void **block)
{
    enum heap_status status = check_request(bytes, alignment);
    if (*block == NULL || status != HEAP_OK)
        return status == HEAP_OK ? allocate(heap, bytes, alignment, caller, block) : status;
    struct heap_place place = locate(heap, (uintptr_t)*block);
    status = check_block(heap, &place, (uintptr_t)*block, caller);
    if (status != HEAP_OK)
        return status;
    bool is_aligned = place.block % alignment == 0;
    if (heap->setup.debug || !is_aligned || !heap_chunks_resize(heap, &place, bytes, caller))
        return move(heap, &place, bytes, alignment, caller, block);
    count_bytes(heap, bytes, place.bytes);
    return HEAP_OK;
}

enum heap_status heap_allocate(struct heap *heap, uint64_t bytes, void **block)
{
    return allocate(heap, bytes, HEAP_ALIGNMENT, RETURN_ADDRESS, block);
}

enum heap_status heap_allocate_aligned(struct heap *heap, uint64_t bytes, uint64_t alignment, void **block)
{
    return allocate(heap, bytes, alignment, RETURN_ADDRESS, block);
}

enum heap_status heap_resize(struct heap *heap, uint64_t bytes, void **block)
{
    return resize(heap, bytes, HEAP_ALIGNMENT, RETURN_ADDRESS, block);
}

enum heap_status heap_resize_aligned(struct heap *heap, uint64_t bytes, uint64_t alignment, void **block)
{
    return resize(heap, bytes, alignment, RETURN_ADDRESS, block);
}

enum heap_status heap_free(struct heap *heap, void *block)
{
    if (block == NULL)
        return HEAP_OK;
    struct heap_place place = locate(heap, (uintptr_t)block);
    enum heap_status status = check_block(heap, &place, (uintptr_t)block, RETURN_ADDRESS);
    return status == HEAP_OK ? release(heap, &place, RETURN_ADDRESS) : status;
}
