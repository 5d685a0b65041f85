/* SPDX-License-Identifier: MIT */
/* step_observer.c - walks to addresses and reads them after every instruction. */
#include "selftest/step_observer.h"
#include "console/console.h"
#include "cpu/emulator.h"
#include "cpu/safe_access.h"
#include "cpu/single_step.h"
#include <selfmap/range.h>
#include <selfmap/window.h>

enum { RET = 0xc3 };

/* ---- physical memory, mapped in the slots after the first one of the test pages ---- */

static struct {
    uint64_t bytes;
    bool is_too_small; /* a table lies beyond it */
} memory;

static paging_page_t memory_page(const struct selftest_run *t)
{
    return (paging_page_t){test_page(t, 0).number + paging_level_pages(t->space->cpu.levels)};
}

/* Maps all memory and what lies in between, device registers included. Skips the test if that cannot be. */
static bool map_memory(struct selftest_run *t)
{
    uint64_t pages = test_memory_pages(t), slot = paging_level_pages(t->space->cpu.levels);
    memory.is_too_small = false;
    if (!cpu_is_emulated()) {
        t->skip = "device registers between memory may not be mapped on a real processor";
        return false;
    }
    if (!test_has_slots(t, 1 + (pages + slot - 1) / slot))
        return false;
    memory.bytes = pages * PAGING_PAGE_BYTES;
    enum paging_status status = paging_map_range(t->space, test_address(t, memory_page(t)),
                                                 (paging_phys_t){0}, memory.bytes, no_execute(t), t->source);
    if (status == PAGING_NO_FRAMES)
        test_skip(t, "no frames for the tables that map %lu MiB", memory.bytes >> 20);
    else
        CHECK_OK(status);
    return status == PAGING_OK;
}

static void unmap_memory(struct selftest_run *t)
{
    CHECK_OK(paging_unmap_range(t->space, test_address(t, memory_page(t)), memory.bytes, t->source));
    CHECK(!memory.is_too_small);
}

/*
 * Returns what physical memory says about an address: its frame, memory type and effective rights, or 0.
 * Written from SDM 3A, 4.5; uses nothing of the core.
 */
static uint64_t walk(const struct selftest_run *t, paging_frame_t root, paging_virt_t address)
{
    const volatile uint64_t *words = test_words(t, memory_page(t));
    uint64_t table = root.number << 12, every = 6, any = 0;
    for (unsigned shift = 12 + 9 * (t->space->cpu.levels - 1);; shift -= 9) {
        if (table >= memory.bytes) {
            memory.is_too_small = true;
            return 0;
        }
        uint64_t entry = words[(table + (address.value >> shift & 511) * 8) / 8];
        if (!(entry & 1))
            return 0;
        every &= entry;
        any |= entry & 1ull << 63;
        table = entry & 0x000ffffffffff000;
        if (shift == 12 || (entry & 0x80)) {
            uint64_t inside = address.value & ((1ull << shift) - 1) & ~0xfffull;
            return (table & ~((1ull << shift) - 1)) | inside | any | every | (entry & 0x118) | 1;
        }
    }
}

/* ---- observing ---- */

static void update(struct step_observer *o, struct observation *observation, uint64_t now)
{
    if (observation->now != now && observation->changes++ > 0)
        o->torn_states++;
    observation->now = now;
}

/* Returns the word that tag_pages writes: the frame, and a RET. Every page that is read begins with it. */
static uint64_t tag(uint64_t walked)
{
    return (walked & 0x000ffffffffff000) | RET;
}

static uint64_t expected(uint64_t walked)
{
    return walked ? tag(walked) : 0;
}

/* Returns the word at the address, 0 after a fault, or 1 if code is there that cannot be executed. */
static uint64_t read(paging_virt_t address, uint64_t walked)
{
    struct safe_access access = safe_read(address);
    if (access.faulted)
        return 0;
    bool is_code = (walked & 1) && !(walked >> 63) && access.value == tag(walked);
    return is_code && safe_fetch(address).faulted ? 1 : access.value;
}

static void observe(void *context)
{
    struct step_observer *o = context;
    for (unsigned i = 0; i < o->count; i++) {
        struct observed_address *observed = &o->observed[i];
        uint64_t walked = walk(o->t, observed->root, observed->address);
        update(o, &observed->walked, walked);
        /* Nothing is cached for a page that is not mapped (SDM 3A, 4.10.2.3), so one read is enough. */
        bool is_known_absent = walked == 0 && observed->read.now == 0 && o->rounds > 0;
        if (!observed->is_read || is_known_absent)
            continue;
        if (o->flushes)
            paging_tlb_flush_page(observed->address);
        update(o, &observed->read, read(observed->address, walked));
        if (o->flushes && observed->read.now != expected(walked))
            o->torn_states++;
    }
    o->rounds++;
}

static void observe_state_before(struct step_observer *o)
{
    o->rounds = 0;
    observe(o);
    for (unsigned i = 0; i < o->count; i++)
        o->observed[i].walked.changes = o->observed[i].read.changes = 0;
    o->torn_states = 0;
}

/* Reads everything once more: what is read must be what the tables say, whether it was flushed or not. */
static void check_state_after(struct step_observer *o)
{
    struct selftest_run *t = o->t;
    unsigned stale = 0, changed = 0;
    o->rounds = 0;
    observe(o);
    for (unsigned i = 0; i < o->count; i++) {
        const struct observed_address *observed = &o->observed[i];
        stale += observed->is_read && observed->read.now != expected(observed->walked.now);
        changed += observed->walked.changes;
    }
    CHECK(o->status == PAGING_OK);
    CHECK(o->torn_states == 0);
    CHECK(stale == 0);
    CHECK(changed > 0); /* otherwise the test observes the wrong addresses */
}

void observe_address(struct step_observer *o, const struct paging_space *space, paging_virt_t address,
                     bool is_read)
{
    if (o->count < OBSERVED_LIMIT)
        o->observed[o->count++] = (struct observed_address){space->root, address, is_read, {0}, {0}};
}

void observe_page(struct step_observer *o, paging_page_t page)
{
    struct selftest_run *t = o->t;
    observe_address(o, t->space, test_address(t, page), true);
    observe_address(o, t->space,
                    paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, PAGING_4K, page), false);
}

void tag_pages(const struct step_observer *o, paging_page_t page, uint64_t pages)
{
    struct selftest_run *t = o->t;
    for (; pages > 0; pages--, page.number++)
        test_words(t, page)[0] = tag(walk(t, t->space->root, test_address(t, page)));
}

void observe_operation(struct step_observer *o, void (*operation)(void *observer), uint64_t stack_top)
{
    struct selftest_run *t = o->t;
    struct single_step step = {.call = operation, .observe = observe, .context = o, .stack_top = stack_top};
    observe_state_before(o);
    single_step_call(&step);
    CHECK(step.instructions > 0);
    check_state_after(o);
    print("# %lu instructions, %u addresses observed after each%s: %lu torn states\n", step.instructions,
          o->count, o->flushes ? ", flushed first" : "", o->torn_states);
    o->count = 0;
}

void observe_steps(struct selftest_run *t, unsigned ways, void (*test)(struct step_observer *o))
{
    if (!map_memory(t))
        return;
    for (unsigned way = OBSERVE_FLUSHED; way <= OBSERVE_CACHED && !t->skip; way <<= 1) {
        struct step_observer o = {.t = t, .flushes = way == OBSERVE_FLUSHED, .space = t->space};
        if (ways & way)
            test(&o);
    }
    unmap_memory(t);
}
