/* SPDX-License-Identifier: MIT */
/* free_lists.c - two-level segregated lists, checked against the map at each step. */
#include "heap/free_lists.h"
#include "heap/chunk_map.h"
#include "heap/finding.h"

enum { COLUMN_BITS = 5 };

_Static_assert(HEAP_COLUMNS == 1 << COLUMN_BITS && HEAP_ROWS == 32 - COLUMN_BITS + 1,
               "each number of 32 bits has a class");

struct size_class {
    unsigned row, column;
};

static struct size_class class_of(uint32_t units)
{
    if (units < HEAP_COLUMNS)
        return (struct size_class){0, units};
    unsigned top = 31 - (unsigned)__builtin_clz(units);
    return (struct size_class){top - COLUMN_BITS + 1, units >> (top - COLUMN_BITS) & (HEAP_COLUMNS - 1)};
}

static uint32_t *head_of(struct heap *heap, struct size_class size)
{
    return &heap->heads[size.row][size.column];
}

/* ---- a list ---- */

static struct heap_links links_of(const struct heap *heap, uint32_t unit)
{
    struct heap_links links = *chunk_links(heap, unit);
    return (struct heap_links){links.next ^ link_mask(unit), links.previous ^ link_mask(unit)};
}

static void set_next(struct heap *heap, uint32_t unit, uint32_t next)
{
    chunk_links(heap, unit)->next = next ^ link_mask(unit);
}

static void set_previous(struct heap *heap, uint32_t unit, uint32_t previous)
{
    chunk_links(heap, unit)->previous = previous ^ link_mask(unit);
}

static void push(struct heap *heap, uint32_t unit, uint32_t units)
{
    struct size_class size = class_of(units);
    uint32_t *head = head_of(heap, size);
    bool was_empty = !(heap->columns[size.row] & UINT32_C(1) << size.column);
    set_next(heap, unit, was_empty ? NO_CHUNK : *head);
    set_previous(heap, unit, NO_CHUNK);
    if (!was_empty)
        set_previous(heap, *head, unit);
    *head = unit;
    heap->columns[size.row] |= UINT32_C(1) << size.column;
    heap->rows |= UINT32_C(1) << size.row;
}

static void take_out(struct heap *heap, uint32_t unit, uint32_t units)
{
    struct size_class size = class_of(units);
    struct heap_links links = links_of(heap, unit);
    if (links.next != NO_CHUNK)
        set_previous(heap, links.next, links.previous);
    if (links.previous != NO_CHUNK)
        set_next(heap, links.previous, links.next);
    else if (links.next != NO_CHUNK)
        *head_of(heap, size) = links.next;
    else if (!(heap->columns[size.row] &= ~(UINT32_C(1) << size.column)))
        heap->rows &= ~(UINT32_C(1) << size.row);
}

/* ---- what a free chunk says about itself ---- */

static void describe(struct heap *heap, uint32_t unit, uint32_t units, uintptr_t freed_by)
{
    struct heap_chunk *chunk = chunk_at(heap, unit);
    *chunk = (struct heap_chunk){.units = units, .caller = freed_by};
    chunk->check = chunk_check(chunk, FREE_CHECK);
    *chunk_last_word(heap, unit + units - 1) = units;
}

/* Makes everything that lies in free chunks anew. */
static void rebuild(struct heap *heap)
{
    heap->rows = 0;
    __builtin_memset(heap->columns, 0, sizeof heap->columns);
    uint32_t end = heap_units(heap);
    for (uint32_t unit = heap_map_next(heap, 0); unit < end; unit = heap_map_next(heap, unit + 1)) {
        if (!map_is_free_end(heap, unit))
            continue;
        uint32_t last = heap_map_next(heap, unit + 1), units = last - unit + 1;
        describe(heap, unit, units, 0);
        push(heap, unit, units);
        unit = last;
    }
}

/* Returns whether this is the first unit of a free chunk that agrees with the map, its links left aside. */
static bool has_sound_size(const struct heap *heap, uint32_t unit)
{
    const struct heap_chunk *chunk = chunk_at(heap, unit);
    uint32_t end = heap_units(heap);
    return map_is_free_end(heap, unit) && chunk->check == chunk_check(chunk, FREE_CHECK) &&
           chunk->spare == 0 && chunk->units >= LEAST_UNITS && chunk->units <= end - unit &&
           map_is_free_end(heap, unit + chunk->units - 1) &&
           *chunk_last_word(heap, unit + chunk->units - 1) == chunk->units;
}

/* Returns whether a link leads to a free chunk. */
static bool is_listed(const struct heap *heap, uint32_t unit)
{
    return unit < heap_units(heap) - 1 && map_is_free_end(heap, unit);
}

static bool has_sound_links(const struct heap *heap, uint32_t unit)
{
    struct heap_links links = links_of(heap, unit);
    struct size_class size = class_of(chunk_at(heap, unit)->units);
    bool is_first =
        (heap->columns[size.row] & UINT32_C(1) << size.column) && heap->heads[size.row][size.column] == unit;
    bool next = links.next == NO_CHUNK ||
                (is_listed(heap, links.next) && links_of(heap, links.next).previous == unit);
    bool previous = is_first ? links.previous == NO_CHUNK
                             : is_listed(heap, links.previous) && links_of(heap, links.previous).next == unit;
    return next && previous;
}

uintptr_t heap_free_chunk_broken(const struct heap *heap, uint32_t unit)
{
    if (!has_sound_size(heap, unit))
        return unit_address(heap, unit);
    return has_sound_links(heap, unit) ? 0 : (uintptr_t)chunk_links(heap, unit);
}

/* Tells that a free chunk was written to. Its header is not believed: who has freed it is not known. */
static void tell_written(struct heap *heap, uintptr_t address, uint32_t unit, uintptr_t caller)
{
    struct heap_finding finding = {
        .kind = HEAP_USE_AFTER_FREE, .address = address, .block = block_of(heap, unit), .caller = caller};
    heap_tell(heap, &finding);
    rebuild(heap);
}

/* ---- for the others ---- */

void heap_add_free(struct heap *heap, uint32_t unit, uint32_t units, uintptr_t freed_by)
{
    describe(heap, unit, units, freed_by);
    map_note_free(heap, unit, units);
    push(heap, unit, units);
    heap->statistics.free_bytes += (uint64_t)units * UNIT_BYTES;
    heap->statistics.free_chunks++;
}

uint32_t heap_take_free(struct heap *heap, uint32_t unit, uintptr_t caller)
{
    uintptr_t broken = heap_free_chunk_broken(heap, unit);
    if (broken)
        tell_written(heap, broken, unit, caller);
    uint32_t units = chunk_at(heap, unit)->units;
    take_out(heap, unit, units);
    map_forget_free(heap, unit, units);
    heap->statistics.free_bytes -= (uint64_t)units * UNIT_BYTES;
    heap->statistics.free_chunks--;
    return units;
}

/* Returns the first class all of whose chunks have at least so many units; its row may be HEAP_ROWS. */
static struct size_class class_above(uint64_t units)
{
    if (units >= HEAP_COLUMNS) {
        unsigned top = 63 - (unsigned)__builtin_clzll(units);
        units += (UINT64_C(1) << (top - COLUMN_BITS)) - 1;
    }
    return units > UINT32_MAX ? (struct size_class){HEAP_ROWS, 0} : class_of((uint32_t)units);
}

static uint32_t first_from(struct heap *heap, struct size_class size)
{
    if (size.row == HEAP_ROWS)
        return NO_CHUNK;
    uint32_t columns = heap->columns[size.row] & UINT32_MAX << size.column;
    if (columns == 0) {
        uint32_t rows = heap->rows & (uint32_t)(UINT64_MAX << (size.row + 1));
        if (rows == 0)
            return NO_CHUNK;
        size.row = (unsigned)__builtin_ctz(rows);
        columns = heap->columns[size.row];
    }
    size.column = (unsigned)__builtin_ctz(columns);
    return *head_of(heap, size);
}

uint32_t heap_find_free(struct heap *heap, uint64_t units, uintptr_t caller)
{
    uint32_t found = first_from(heap, class_above(units));
    if (found != NO_CHUNK || units > UINT32_MAX)
        return found;
    struct size_class own = class_of((uint32_t)units);
    if (!(heap->columns[own.row] & UINT32_C(1) << own.column))
        return NO_CHUNK;
    uintptr_t broken = heap_free_chunk_broken(heap, *head_of(heap, own));
    if (broken)
        tell_written(heap, broken, *head_of(heap, own), caller);
    uint32_t first = *head_of(heap, own);
    return chunk_at(heap, first)->units >= units ? first : NO_CHUNK;
}

uint32_t heap_free_before(struct heap *heap, uint32_t unit, uintptr_t caller)
{
    if (unit == 0 || !map_is_free_end(heap, unit - 1))
        return NO_CHUNK;
    uint32_t units = *chunk_last_word(heap, unit - 1);
    if (units < LEAST_UNITS || units > unit || !map_is_free_end(heap, unit - units) ||
        chunk_at(heap, unit - units)->units != units) {
        uint32_t before = heap_map_previous(heap, unit - 2);
        tell_written(heap, (uintptr_t)chunk_last_word(heap, unit - 1), before, caller);
        return before;
    }
    return unit - units;
}

bool heap_lists_agree(const struct heap *heap)
{
    uint64_t listed = 0;
    for (unsigned row = 0; row < HEAP_ROWS; row++) {
        if (!(heap->rows & UINT32_C(1) << row) != !heap->columns[row])
            return false;
        for (unsigned column = 0; column < HEAP_COLUMNS; column++) {
            if (!(heap->columns[row] & UINT32_C(1) << column))
                continue;
            for (uint32_t unit = heap->heads[row][column]; unit != NO_CHUNK;
                 unit = links_of(heap, unit).next) {
                struct size_class size = class_of(chunk_at(heap, unit)->units);
                if (size.row != row || size.column != column || ++listed > heap->statistics.free_chunks)
                    return false;
            }
        }
    }
    return listed == heap->statistics.free_chunks;
}
