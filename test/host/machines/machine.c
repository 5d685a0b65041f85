/* SPDX-License-Identifier: MIT */
/* The processor of both back-ends: memory, MMU, flushes, and what is remembered about them. */
#include "machines/machine_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct machine machine;

static volatile uint64_t *entry_in_memory(uint64_t frame, unsigned index)
{
    uint64_t *words = machine_frame(frame);
    return words ? &words[index] : NULL;
}

void machine_open(const struct machine_setup *setup)
{
    machine_close();
    machine.setup = *setup;
    machine.walker = (struct walker){.levels = setup->levels,
                                     .index_bits = PAGING_INDEX_BITS,
                                     .physical_bits = setup->physical_bits,
                                     .no_execute = setup->no_execute,
                                     .pages_1g = setup->pages_1g,
                                     .entry = entry_in_memory};
    machine.cache.epoch = 1; /* the entries, all zeroes, belong to an epoch that is over */
    machine.memory = backend_open(MEMORY_FRAMES * PAGING_PAGE_BYTES);
    frames_open(setup);
}

void machine_close(void)
{
    if (!machine.memory)
        return;
    tlb_forget_all(&machine.tlb, &machine.walker);
    frames_close();
    backend_close(machine.memory, MEMORY_FRAMES * PAGING_PAGE_BYTES);
    memset(&machine, 0, offsetof(struct machine, tlb)); /* which is empty, and large */
    machine.tlb.forgotten = NULL;
}

uintptr_t machine_offset(void)
{
    machine.by_offset = true;
    return backend_offset();
}

bool machine_allow_offset(bool allowed)
{
    bool before = machine.by_offset;
    machine.by_offset = allowed;
    return before;
}

uint64_t *machine_frame(uint64_t frame)
{
    return frame < MEMORY_FRAMES ? (uint64_t *)(machine.memory + frame * PAGING_PAGE_BYTES) : NULL;
}

uint64_t machine_end(void)
{
    return MEMORY_FRAMES;
}

uint64_t machine_junk(uint64_t frame)
{
    return frame << 12 | 0xc3;
}

void machine_fill(uint64_t frame)
{
    uint64_t *words = machine_frame(frame);
    for (unsigned i = 0; words && i < PAGING_TABLE_ENTRIES; i++)
        words[i] = machine_junk(frame);
}

struct walker *machine_walker(void)
{
    return &machine.walker;
}

static struct translation *refuse(uint64_t address, unsigned code, unsigned *error)
{
    tlb_flush(&machine.tlb, &machine.walker, address);
    *error = code;
    return NULL;
}

struct translation *machine_translate(uint64_t address, unsigned access, unsigned *error)
{
    unsigned code = access & ~(machine.walker.no_execute ? 0 : WALK_FETCH);
    struct translation *known = tlb_find(&machine.tlb, &machine.walker, address);
    bool marks_dirty = known && (access & WALK_WRITE) && !known->dirty;
    if (known && !(marks_dirty && known->writable)) {
        bool refused = ((access & WALK_WRITE) && !known->writable) ||
                       ((access & WALK_USER) && !known->user) ||
                       ((access & WALK_FETCH) && !known->executable);
        return refused ? refuse(address, code | WALK_PRESENT, error) : known;
    }
    struct walk walk = walker_walk(&machine.walker, &machine.cache, address, access, true);
    if (walk.faulted)
        return refuse(address, walk.error, error);
    return tlb_load(&machine.tlb, &machine.walker, address, &walk);
}

uint64_t machine_frame_of(const struct translation *translation, uint64_t address)
{
    return translation->frame + ((address - translation->address) >> PAGING_PAGE_SHIFT);
}

struct machine_access machine_access_emulated(uint64_t address, unsigned access)
{
    struct machine_access result = {0};
    const struct translation *translation = machine_translate(address, access, &result.error);
    result.faulted = translation == NULL;
    if (result.faulted)
        return result;
    const uint64_t *words = machine_frame(machine_frame_of(translation, address));
    result.value = words ? words[address % PAGING_PAGE_BYTES / sizeof(*words)] : ~0ull;
    return result;
}

void machine_load_cr3(uint64_t root)
{
    machine.root_loads++;
    machine.walker.root = root;
    tlb_forget_local(&machine.tlb, &machine.walker);
    walk_cache_forget(&machine.cache);
}

void machine_flush_page(uint64_t address)
{
    if (machine.flushes < MACHINE_FLUSH_LOG)
        machine.flush_log[machine.flushes] = address;
    machine.flushes++;
    tlb_flush(&machine.tlb, &machine.walker, address);
    if (machine.setup.by_direct_map)
        walk_cache_forget_way(&machine.cache, &machine.walker, address);
    else
        walk_cache_forget(&machine.cache);
    if (machine.observer)
        machine.observer();
}

void machine_flush_all(void)
{
    tlb_forget_all(&machine.tlb, &machine.walker);
    walk_cache_forget(&machine.cache);
}

void machine_flush_full(bool invpcid)
{
    machine.flushes_by_invpcid += invpcid;
    machine.full_flushes++;
    machine_flush_all();
    if (machine.observer)
        machine.observer();
}

void machine_speculate(uint64_t address)
{
    if (tlb_find(&machine.tlb, &machine.walker, address))
        return;
    struct walk walk = walker_walk(&machine.walker, &machine.cache, address, WALK_READ, true);
    if (!walk.faulted)
        tlb_load(&machine.tlb, &machine.walker, address, &walk);
}

static bool speculate_at(void *context, unsigned level, uint64_t address, uint64_t table, unsigned index,
                         uint64_t entry)
{
    (void)context, (void)table, (void)index;
    if (walker_is_leaf(level, entry))
        machine_speculate(address);
    return true;
}

void machine_fill_tlb(void)
{
    walker_visit(&machine.walker, speculate_at, NULL);
}

bool machine_caches(uint64_t address)
{
    return tlb_find(&machine.tlb, &machine.walker, address) != NULL;
}

bool machine_is_stale(void)
{
    return tlb_stale(&machine.tlb, &machine.walker) || walk_cache_is_stale(&machine.cache, &machine.walker);
}

void machine_audit(void)
{
    const struct translation *stale = tlb_stale(&machine.tlb, &machine.walker);
    if (stale)
        fail_msg("the TLB still translates %#lx to frame %#lx", (unsigned long)stale->address,
                 (unsigned long)stale->frame);
    if (walk_cache_is_stale(&machine.cache, &machine.walker))
        fail_msg("a cached path leads where memory no longer does");
}

void machine_reset_log(void)
{
    machine.flushes = machine.full_flushes = machine.stores = machine.steps = 0;
    machine.flushes_by_invpcid = machine.root_loads = 0;
    if (!machine.stays)
        machine.processor = (machine.processor + 1) % PAGING_PROCESSORS;
    machine_begin_operation(NULL);
}

unsigned machine_processor(void)
{
    return machine.processor;
}

void machine_stay_on(unsigned processor)
{
    machine.processor = processor;
    machine.stays = true;
}

unsigned machine_flushes(void)
{
    return machine.flushes;
}

unsigned machine_full_flushes(void)
{
    return machine.full_flushes;
}

unsigned machine_flushes_by_invpcid(void)
{
    return machine.flushes_by_invpcid;
}

unsigned machine_root_loads(void)
{
    return machine.root_loads;
}

uint64_t machine_flushed(unsigned number)
{
    return machine.flush_log[number];
}

unsigned machine_stores(void)
{
    return machine.stores;
}

void machine_observe_loads(void (*observer)(void))
{
    machine.load_observer = observer;
}

void machine_observe(void (*observer)(void))
{
    machine.observer = observer;
}

unsigned machine_steps(void)
{
    return machine.steps;
}

void machine_judge_entry(uint64_t value)
{
    if (value == 0 || (value & 1) == 1)
        return;
    if ((value >> 35 & 0x1ffff) != 0x1ffff || (value >> 59 & 3) != 0)
        fail_msg("the core stored %#lx, which is not present and not safe", (unsigned long)value);
}

void machine_stored(void)
{
    machine.stores++;
    if (machine.stores_trap)
        return;
    machine.steps++;
    if (machine.observer)
        machine.observer();
}
