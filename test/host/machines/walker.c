/* SPDX-License-Identifier: MIT */
#include "machines/walker.h"
#include <stddef.h>

/* SDM 3A, tables 4-15 to 4-20. */
#define P            (1ull << 0)
#define RW           (1ull << 1)
#define US           (1ull << 2)
#define A            (1ull << 5)
#define D            (1ull << 6)
#define PS           (1ull << 7)
#define G            (1ull << 8)
#define XD           (1ull << 63)
#define PAT_OF_LARGE (1ull << 12)

static unsigned page_shift(const struct walker *walker)
{
    return walker->index_bits + 3;
}

static unsigned span_shift(const struct walker *walker, unsigned level)
{
    return page_shift(walker) + walker->index_bits * (level - 1);
}

uint64_t walker_span(const struct walker *walker, unsigned level)
{
    return 1ull << span_shift(walker, level);
}

uint64_t walker_canonical(const struct walker *walker, uint64_t address)
{
    unsigned unused = 64 - (page_shift(walker) + walker->index_bits * walker->levels);
    return (uint64_t)((int64_t)(address << unused) >> unused);
}

bool walker_is_leaf(unsigned level, uint64_t entry)
{
    return level == 1 || (entry & PS) != 0;
}

/* The address bits of an entry that lie below the alignment of a large page. */
static uint64_t misaligned_bits(const struct walker *walker, unsigned level)
{
    return ((1ull << (walker->index_bits * (level - 1))) - 1) << 12;
}

bool walker_is_reserved(const struct walker *walker, unsigned level, uint64_t entry)
{
    /* An entry holds a frame number from bit 12 in every geometry, so MAXPHYADDR limits that number. */
    unsigned number_bits = walker->physical_bits - page_shift(walker);
    uint64_t reserved = 0x000ffffffffff000ull & ~(((1ull << number_bits) - 1) << 12);
    if (!walker->no_execute)
        reserved |= XD;
    if (level >= 4 || (level == 3 && !walker->pages_1g))
        reserved |= PS;
    else if (level > 1 && (entry & PS))
        reserved |= misaligned_bits(walker, level) & ~PAT_OF_LARGE;
    return (entry & reserved) != 0;
}

uint64_t walker_entry_frame(const struct walker *walker, unsigned level, uint64_t entry)
{
    uint64_t address = entry & 0x000ffffffffff000ull;
    if (level > 1 && (entry & PS))
        address &= ~misaligned_bits(walker, level);
    return address >> 12;
}

static uint64_t read_entry(const struct walker *walker, uint64_t frame, unsigned index)
{
    volatile uint64_t *entry = walker->entry(frame, index);
    return entry ? *entry : ~0ull;
}

static void mark_entry(const struct walker *walker, uint64_t frame, unsigned index, uint64_t bits)
{
    volatile uint64_t *entry = walker->entry(frame, index);
    if (entry && (*entry & bits) != bits)
        *entry |= bits;
}

static struct walk_cached *cache_place(const struct walk_cache *cache, unsigned level, uint64_t prefix)
{
    uint64_t hash = (prefix * 8 + level) * 0x9e3779b97f4a7c15ull;
    return (struct walk_cached *)&cache->entries[hash >> (64 - WALK_CACHE_BITS)];
}

static bool cache_find(const struct walk_cache *cache, unsigned level, uint64_t prefix, uint64_t *entry)
{
    if (!cache)
        return false;
    const struct walk_cached *place = cache_place(cache, level, prefix);
    if (place->epoch != cache->epoch || place->level != level || place->prefix != prefix)
        return false;
    *entry = place->entry;
    return true;
}

static void cache_keep(struct walk_cache *cache, struct walk_cached kept)
{
    struct walk_cached *place = cache_place(cache, kept.level, kept.prefix);
    if (place->epoch != cache->epoch)
        cache->places[cache->count++] = (uint16_t)(place - cache->entries);
    *place = kept;
}

void walk_cache_forget(struct walk_cache *cache)
{
    cache->epoch++;
    cache->count = 0;
}

/* The place stays one of this epoch. No walk asks for level 0. */
void walk_cache_forget_way(struct walk_cache *cache, const struct walker *walker, uint64_t address)
{
    for (unsigned level = 2; level <= walker->levels; level++) {
        uint64_t prefix = address >> span_shift(walker, level);
        struct walk_cached *place = cache_place(cache, level, prefix);
        if (place->epoch == cache->epoch && place->level == level && place->prefix == prefix)
            place->level = 0;
    }
}

bool walk_cache_leads_to(const struct walk_cache *cache, const struct walker *walker, uint64_t frame)
{
    for (unsigned i = 0; i < cache->count; i++) {
        const struct walk_cached *cached = &cache->entries[cache->places[i]];
        if (cached->level > 0 && walker_entry_frame(walker, cached->level, cached->entry) == frame)
            return true;
    }
    return false;
}

/* Only what the processor keeps of it counts: where it leads and with which rights. */
static bool same_path(uint64_t one, uint64_t other)
{
    uint64_t kept = 0x000ffffffffff000ull | P | RW | US | PS | XD;
    return ((one ^ other) & kept) == 0;
}

/* Fetch the entry of one level, from the cache or from memory. Returns whether the cache had it. */
static bool fetch(const struct walker *walker, struct walk_cache *cache, unsigned level, uint64_t address,
                  uint64_t frame, uint64_t *entry)
{
    unsigned shift = span_shift(walker, level);
    if (level > 1 && cache_find(cache, level, address >> shift, entry))
        return true;
    unsigned index = (unsigned)(address >> shift) & ((1u << walker->index_bits) - 1);
    *entry = read_entry(walker, frame, index);
    return false;
}

static struct walk fault(struct walk walk, unsigned error)
{
    walk.faulted = true;
    walk.error = error;
    return walk;
}

static struct walk finish(const struct walker *walker, struct walk walk, uint64_t address, uint64_t table,
                          unsigned access, bool mark)
{
    unsigned code = (access & (WALK_WRITE | WALK_USER)) | (walker->no_execute ? access & WALK_FETCH : 0);
    bool refused = ((access & WALK_WRITE) && !walk.writable) || ((access & WALK_USER) && !walk.user) ||
                   ((access & WALK_FETCH) && !walk.executable);
    if (refused)
        return fault(walk, code | WALK_PRESENT);
    uint64_t marks = A | (access & WALK_WRITE ? D : 0);
    if (mark) {
        unsigned index =
            (unsigned)(address >> span_shift(walker, walk.level)) & ((1u << walker->index_bits) - 1);
        mark_entry(walker, table, index, marks);
        walk.entry |= marks;
    }
    walk.dirty = (walk.entry & D) != 0;
    walk.global = (walk.entry & G) != 0;
    walk.paging_leaf_frame = walker_entry_frame(walker, walk.level, walk.entry);
    uint64_t inside = address & (walker_span(walker, walk.level) - 1);
    walk.frame = walk.paging_leaf_frame + (inside >> page_shift(walker));
    return walk;
}

struct walk walker_walk(const struct walker *walker, struct walk_cache *cache, uint64_t address,
                        unsigned access, bool mark)
{
    struct walk walk = {.level = walker->levels, .writable = true, .user = true, .executable = true};
    unsigned code = (access & (WALK_WRITE | WALK_USER)) | (walker->no_execute ? access & WALK_FETCH : 0);
    if (walker_canonical(walker, address) != address)
        return fault(walk, WALK_NOT_CANONICAL);
    uint64_t table = walker->root;
    for (;; walk.level--) {
        bool cached = fetch(walker, cache, walk.level, address, table, &walk.entry);
        if (!(walk.entry & P))
            return fault(walk, code);
        if (walker_is_reserved(walker, walk.level, walk.entry))
            return fault(walk, code | WALK_PRESENT | WALK_RESERVED);
        walk.writable = walk.writable && (walk.entry & RW);
        walk.user = walk.user && (walk.entry & US);
        walk.executable = walk.executable && !(walk.entry & XD);
        if (walker_is_leaf(walk.level, walk.entry))
            return finish(walker, walk, address, table, access, mark);
        unsigned shift = span_shift(walker, walk.level);
        if (!cached && mark)
            mark_entry(walker, table, (unsigned)(address >> shift) & ((1u << walker->index_bits) - 1), A);
        if (!cached && cache)
            cache_keep(cache, (struct walk_cached){cache->epoch, address >> shift, walk.entry, walk.level});
        table = walker_entry_frame(walker, walk.level, walk.entry);
    }
}

/* Walk without the cache down to the level of a remembered entry, and compare. */
static bool cached_is_stale(const struct walker *walker, const struct walk_cached *cached)
{
    uint64_t table = walker->root;
    for (unsigned level = walker->levels;; level--) {
        unsigned index = (unsigned)(cached->prefix >> (walker->index_bits * (level - cached->level))) &
                         ((1u << walker->index_bits) - 1);
        uint64_t entry = read_entry(walker, table, index);
        if (level == cached->level)
            return !same_path(entry, cached->entry);
        if (!(entry & P) || walker_is_leaf(level, entry))
            return true;
        table = walker_entry_frame(walker, level, entry);
    }
}

bool walk_cache_is_stale(const struct walk_cache *cache, const struct walker *walker)
{
    for (unsigned i = 0; i < cache->count; i++)
        if (cache->entries[cache->places[i]].level > 0 &&
            cached_is_stale(walker, &cache->entries[cache->places[i]]))
            return true;
    return false;
}

#define BLOCK 16u

static bool is_block_unused(const volatile uint64_t *entries)
{
    const uint64_t *words = (const uint64_t *)entries;
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK; i++)
        any |= words[i];
    return any == 0;
}

/* The next entry that is not zero, from this one on: by blocks, because most are. */
static unsigned next_used(const volatile uint64_t *entries, unsigned index, unsigned count)
{
    while (index < count) {
        if (index % BLOCK == 0 && index + BLOCK <= count && is_block_unused(&entries[index]))
            index += BLOCK;
        else if (entries[index] == 0)
            index++;
        else
            break;
    }
    return index;
}

static void walk_table(const struct walker *walker, walk_visitor *visitor, void *context, unsigned level,
                       uint64_t address, uint64_t table)
{
    const volatile uint64_t *entries = walker->entry(table, 0);
    unsigned count = 1u << walker->index_bits;
    for (unsigned index = 0; index < count; index++) {
        index = entries ? next_used(entries, index, count) : index;
        if (index == count)
            return;
        uint64_t entry = entries ? entries[index] : ~0ull;
        uint64_t start = walker_canonical(walker, address + index * walker_span(walker, level));
        bool enter = visitor(context, level, start, table, index, entry);
        if (enter && (entry & P) && !walker_is_leaf(level, entry))
            walk_table(walker, visitor, context, level - 1, start, walker_entry_frame(walker, level, entry));
    }
}

void walker_visit(const struct walker *walker, walk_visitor *visitor, void *context)
{
    walk_table(walker, visitor, context, walker->levels, 0, walker->root);
}
