/* SPDX-License-Identifier: MIT */
/* chunks.c - cuts blocks out of free chunks, joins chunks that are freed, moves the end of the heap. */
#include "heap/chunks.h"
#include "heap/area.h"
#include "heap/chunk_map.h"
#include "heap/free_lists.h"

static uint32_t unit_of(const struct heap *heap, uintptr_t address)
{
    return (uint32_t)((address - heap->blocks) / UNIT_BYTES);
}

/*
 * Makes units free that are noted as neither, together with the free chunk `before` them, if there is one.
 * Returns the first unit of what is free then.
 */
static uint32_t join(struct heap *heap, uint32_t unit, uint32_t units, uint32_t before, uintptr_t freed_by,
                     uintptr_t caller)
{
    if (before != NO_CHUNK) {
        units += heap_take_free(heap, before, caller);
        unit = before;
        freed_by = chunk_at(heap, before)->caller; /* as its header says still */
    }
    heap_add_free(heap, unit, units, freed_by);
    return unit;
}

/* ---- the end of the heap ---- */

static uint64_t map_bytes(uint64_t bytes)
{
    return round_up(bytes, HEAP_MAP_PAGE_BYTES) / HEAP_MAP_PAGE_BYTES * PAGING_PAGE_BYTES;
}

/* Makes the heap longer. What is new is one free chunk, joined with a free one at the end. */
static enum heap_status extend(struct heap *heap, uint64_t bytes, uintptr_t caller)
{
    if (bytes > heap->setup.limit - heap->bytes)
        return HEAP_NO_ADDRESSES;
    enum heap_status status = heap_area_map(heap, heap->bytes, bytes, 0, map_bytes(heap->bytes + bytes));
    if (status != HEAP_OK)
        return status;
    uint32_t end = heap_units(heap), units = (uint32_t)(bytes / UNIT_BYTES);
    uint32_t last = heap_free_before(heap, end, caller);
    heap->bytes += bytes;
    (void)join(heap, end, units, last, 0, caller);
    return HEAP_OK;
}

/* Makes the heap so many units longer, or by HEAP_GROW_BYTES if there is enough for that. */
static enum heap_status grow(struct heap *heap, uint64_t units, uintptr_t caller)
{
    if (units > heap->setup.limit / UNIT_BYTES)
        return HEAP_NO_ADDRESSES;
    uint64_t needed = round_up(units * UNIT_BYTES, PAGING_PAGE_BYTES);
    uint64_t more = round_up(heap->bytes + needed, HEAP_GROW_BYTES) - heap->bytes;
    enum heap_status status = extend(heap, more, caller);
    return status == HEAP_OK || more == needed ? status : extend(heap, needed, caller);
}

/* Returns a free chunk of so many units at the end, which the heap grows for; NO_CHUNK if it cannot. */
static uint32_t grow_for(struct heap *heap, uint64_t units, uintptr_t caller, enum heap_status *status)
{
    uint32_t end = heap_units(heap), last = heap_free_before(heap, end, caller);
    uint32_t there = last == NO_CHUNK ? 0 : end - last;
    *status = there >= units ? HEAP_OK : grow(heap, units - there, caller);
    if (*status != HEAP_OK)
        return NO_CHUNK;
    return last == NO_CHUNK ? end : last;
}

/* Gives back pages of the last chunk, which is free, if they are many. If the core refuses, they stay. */
static void give_back(struct heap *heap, uint32_t last, uintptr_t caller)
{
    uint64_t keep = round_up((uint64_t)last * UNIT_BYTES + HEAP_GROW_BYTES, PAGING_PAGE_BYTES);
    (void)heap_take_free(heap, last, caller);
    uintptr_t freed_by = chunk_at(heap, last)->caller;
    if (heap_area_unmap(heap, keep, heap->bytes - keep, map_bytes(keep)) == HEAP_OK)
        heap->bytes = keep;
    heap_add_free(heap, last, heap_units(heap) - last, freed_by);
}

/* ---- chunks ---- */

/* Makes units free that are noted as neither, joined with free chunks on both sides. */
static void release(struct heap *heap, uint32_t unit, uint32_t units, uintptr_t freed_by, uintptr_t caller)
{
    uint32_t before = heap_free_before(heap, unit, caller), behind = unit + units;
    if (behind < heap_units(heap) && map_is_free_end(heap, behind))
        units += heap_take_free(heap, behind, caller);
    uint32_t end = unit + units;
    unit = join(heap, unit, units, before, freed_by, caller);
    if (end == heap_units(heap) && (uint64_t)(end - unit) * UNIT_BYTES >= HEAP_SHRINK_BYTES)
        give_back(heap, unit, caller);
}

/*
 * Makes a live chunk of units that are noted as neither, or as this chunk. Returns how many of them, at their
 * end, it does not need: none, or enough for a free chunk.
 */
static uint32_t make_live(struct heap *heap, uint32_t unit, uint32_t units, uint64_t bytes, uintptr_t caller)
{
    uint32_t needed = (uint32_t)units_for(bytes), rest = units - needed;
    if (rest >= LEAST_UNITS)
        units = needed;
    struct heap_chunk *chunk = chunk_at(heap, unit);
    uint64_t spare = (uint64_t)units * UNIT_BYTES - HEADER_BYTES - bytes;
    *chunk = (struct heap_chunk){.units = units, .spare = (uint16_t)spare, .caller = caller};
    chunk->check = chunk_check(chunk, LIVE_CHECK);
    heap_fill_red_zone(block_of(heap, unit) + bytes, unit_address(heap, (uint64_t)unit + units));
    map_note_live(heap, unit);
    return rest >= LEAST_UNITS ? rest : 0;
}

/*
 * Returns by how many units a chunk must begin later for its block to be aligned: none, or enough for a free
 * chunk.
 */
static uint32_t gap_for(const struct heap *heap, uint32_t unit, uint64_t alignment)
{
    uint64_t gap = (round_up(block_of(heap, unit), alignment) - block_of(heap, unit)) / UNIT_BYTES;
    return (uint32_t)(gap == 0 || gap >= LEAST_UNITS ? gap : gap + alignment / UNIT_BYTES);
}

enum heap_status heap_chunks_allocate(struct heap *heap, uint64_t bytes, uint64_t alignment, uintptr_t caller,
                                      void **block)
{
    enum heap_status status = HEAP_OK;
    if (bytes > heap->setup.limit)
        return HEAP_NO_ADDRESSES;
    /* Of what is aligned to more than a chunk, enough for any gap. */
    uint64_t units = units_for(bytes) + (alignment > UNIT_BYTES ? alignment / UNIT_BYTES + 1 : 0);
    uint32_t unit = heap_find_free(heap, units, caller);
    if (unit == NO_CHUNK)
        unit = grow_for(heap, units, caller, &status);
    if (unit == NO_CHUNK)
        return status;
    uint32_t taken = heap_take_free(heap, unit, caller), gap = gap_for(heap, unit, alignment);
    if (gap > 0)
        heap_add_free(heap, unit, gap, 0);
    uint32_t rest = make_live(heap, unit + gap, taken - gap, bytes, caller);
    if (rest > 0)
        heap_add_free(heap, unit + taken - rest, rest, 0);
    *block = (void *)block_of(heap, unit + gap);
    return HEAP_OK;
}

/* Returns how many units are free right behind these, after the heap has grown for it where they end. */
static uint64_t free_behind(struct heap *heap, uint32_t behind, uint64_t wanted, uintptr_t caller)
{
    enum heap_status status;
    bool is_free = behind < heap_units(heap) && map_is_free_end(heap, behind);
    uint64_t units = is_free ? heap_map_next(heap, behind + 1) + 1 - behind : 0;
    if (units >= wanted || behind + units < heap_units(heap))
        return units;
    return grow_for(heap, wanted, caller, &status) == NO_CHUNK ? units : heap_units(heap) - behind;
}

bool heap_chunks_resize(struct heap *heap, const struct heap_place *place, uint64_t bytes, uintptr_t caller)
{
    uint32_t unit = unit_of(heap, place->block) - 1, units = chunk_at(heap, unit)->units;
    uint64_t wanted = bytes > heap->setup.limit ? UINT64_MAX : units_for(bytes);
    if (wanted == UINT64_MAX)
        return false;
    if (wanted > units) {
        if (free_behind(heap, unit + units, wanted - units, caller) < wanted - units)
            return false;
        units += heap_take_free(heap, unit + units, caller);
    }
    uint32_t rest = make_live(heap, unit, units, bytes, caller);
    if (rest > 0)
        release(heap, unit + units - rest, rest, 0, caller);
    return true;
}

void heap_chunks_free(struct heap *heap, const struct heap_place *place, uintptr_t caller)
{
    uint32_t unit = unit_of(heap, place->block) - 1;
    struct heap_chunk *chunk = chunk_at(heap, unit);
    uint32_t units = chunk->units;
    *chunk = (struct heap_chunk){.units = units, .caller = caller}; /* stays, for who frees it again */
    chunk->check = chunk_check(chunk, FREE_CHECK);
    map_forget_live(heap, unit);
    release(heap, unit, units, caller, caller);
}

/* ---- what there is ---- */

static bool is_chunk_start(const struct heap *heap, uint32_t unit)
{
    return unit == heap_units(heap) || map_is_live(heap, unit) || map_is_free_end(heap, unit);
}

static bool has_sound_header(const struct heap *heap, uint32_t unit)
{
    const struct heap_chunk *chunk = chunk_at(heap, unit);
    return chunk->check == chunk_check(chunk, LIVE_CHECK) && chunk->units >= LEAST_UNITS &&
           chunk->units <= heap_units(heap) - unit && chunk->spare >= LEAST_RED_ZONE &&
           chunk->spare < chunk->units * (uint64_t)UNIT_BYTES - HEADER_BYTES &&
           is_chunk_start(heap, unit + chunk->units);
}

static struct heap_place live_place(const struct heap *heap, uint32_t unit, uintptr_t address)
{
    const struct heap_chunk *chunk = chunk_at(heap, unit);
    struct heap_place place = {.where = WHERE_BROKEN, .block = block_of(heap, unit)};
    if (has_sound_header(heap, unit)) {
        place.where = WHERE_BLOCK;
        place.bytes = chunk_bytes(chunk);
        place.allocated_by = chunk->caller;
        place.gap_start = place.block;
        place.red_start = place.block + place.bytes;
        place.red_end = unit_address(heap, (uint64_t)unit + chunk->units);
    }
    if (address != place.block)
        place.where = WHERE_INSIDE;
    return place;
}

/* A block that was freed has left its header, until something else lies there. */
static struct heap_place free_place(const struct heap *heap, uintptr_t address)
{
    struct heap_place place = {.where = WHERE_FREE, .block = address};
    if (address % UNIT_BYTES != 0 || address < heap->blocks + HEADER_BYTES)
        return place;
    const struct heap_chunk *chunk = (const struct heap_chunk *)(address - HEADER_BYTES);
    if (chunk->check == chunk_check(chunk, FREE_CHECK) && chunk->spare == 0)
        place.freed_by = chunk->caller;
    return place;
}

struct heap_place heap_chunks_locate(const struct heap *heap, uintptr_t address)
{
    if (address - heap->blocks >= heap->bytes)
        return (struct heap_place){.where = WHERE_NOWHERE, .block = 0};
    uint32_t unit = unit_of(heap, address);
    bool is_block = address % UNIT_BYTES == 0 && unit > 0 && map_is_live(heap, unit - 1);
    uint32_t start = is_block ? unit - 1 : heap_map_previous(heap, unit);
    if (start == NO_CHUNK) /* somebody has written to the map */
        return (struct heap_place){.where = WHERE_NOWHERE, .block = 0};
    return map_is_live(heap, start) ? live_place(heap, start, address) : free_place(heap, address);
}

/* ---- looking at everything ---- */

static enum heap_status check_live(struct heap *heap, uint32_t unit, uintptr_t caller)
{
    struct heap_place place = heap_chunks_locate(heap, block_of(heap, unit));
    if (place.where == WHERE_BLOCK)
        return heap_check_around(heap, &place, caller);
    struct heap_finding finding = finding_about(&place, HEAP_UNDERRUN, unit_address(heap, unit), caller);
    return heap_tell(heap, &finding);
}

static enum heap_status tell_bad_notes(struct heap *heap, uintptr_t address, uintptr_t caller)
{
    struct heap_finding finding = {.kind = HEAP_BAD_NOTES, .address = address, .caller = caller};
    return heap_tell(heap, &finding);
}

/* Stores the chunk behind the free one that begins here, whose other end must be noted too. */
static enum heap_status check_free(struct heap *heap, uint32_t unit, uintptr_t caller, uint32_t *behind)
{
    uint32_t last = heap_map_next(heap, unit + 1), end = heap_units(heap);
    *behind = last + 1;
    if (last == end || !map_is_free_end(heap, last) || (last + 1 < end && !map_is_live(heap, last + 1))) {
        *behind = last;
        return tell_bad_notes(heap, (uintptr_t)map_word(heap, unit), caller);
    }
    uintptr_t broken = heap_free_chunk_broken(heap, unit);
    struct heap_finding finding = {
        .kind = HEAP_USE_AFTER_FREE, .address = broken, .block = block_of(heap, unit), .caller = caller};
    return broken ? heap_tell(heap, &finding) : HEAP_OK;
}

enum heap_status heap_chunks_check(struct heap *heap, uintptr_t caller)
{
    enum heap_status first = HEAP_OK, status;
    uint64_t live = 0;
    for (uint32_t unit = heap_map_next(heap, 0), next; unit < heap_units(heap); unit = next) {
        live += map_is_live(heap, unit);
        next = unit + 1;
        status =
            map_is_live(heap, unit) ? check_live(heap, unit, caller) : check_free(heap, unit, caller, &next);
        next = heap_map_next(heap, next);
        first = first == HEAP_OK ? status : first;
    }
    bool agree = live == heap->statistics.live_blocks && (first != HEAP_OK || heap_lists_agree(heap));
    if (agree)
        return first;
    status = tell_bad_notes(heap, heap->notes, caller);
    return first == HEAP_OK ? status : first;
}
