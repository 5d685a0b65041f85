/* step_observer.c - walks and reads, after every instruction. */
#include "selftest/step_observer.h"
#include "boot/start_frames.h"
#include "console/console.h"
#include "cpu/cpuid.h"
#include "cpu/safe_access.h"
#include "cpu/single_step.h"
#include <selfmap/range.h>
#include <selfmap/window.h>

enum { RET = 0xc3 };

/* ---- physical memory, seen through pages that nothing else uses ---- */

static paging_page_t memory_page(const struct selftest_run *t)
{
    return (paging_page_t){test_page(t, 0).number + paging_level_pages(t->space->cpu.levels)};
}

static uint64_t memory_bytes(const struct selftest_run *t)
{
    uint64_t end = 0;
    for (size_t i = 0; i < memory_region_count(); i++)
        if (t->handoff->memory[i].kind <= MEMORY_ACPI_RECLAIM && t->handoff->memory[i].end.number > end)
            end = t->handoff->memory[i].end.number;
    uint64_t span = paging_level_pages(PAGING_2M);
    return (end + span - 1) / span * span * PAGING_PAGE_BYTES;
}

/* The registers of devices lie in there as well. */
static bool map_memory(struct selftest_run *t)
{
    if (!cpu_is_emulated()) {
        t->skip = "not all that lies between memory may be mapped here";
        return false;
    }
    return CHECK(paging_map_range(t->space, test_address(t, memory_page(t)), (paging_phys_t){0},
                                  memory_bytes(t), no_execute(t), t->source) == PAGING_OK);
}

static void unmap_memory(struct selftest_run *t)
{
    CHECK(paging_unmap_range(t->space, test_address(t, memory_page(t)), memory_bytes(t), t->source) ==
          PAGING_OK);
}

/*
 * What physical memory says of an address: frame, memory type and rights as they take effect, or 0. Written
 * from SDM 3A, 4.5; nothing here is the core's.
 */
static uint64_t walk(const struct selftest_run *t, paging_frame_t root, paging_virt_t address)
{
    const volatile uint64_t *memory = test_words(t, memory_page(t));
    uint64_t table = root.number << 12, every = 6, any = 0;
    for (unsigned shift = 12 + 9 * (t->space->cpu.levels - 1);; shift -= 9) {
        uint64_t entry = memory[(table + (address.value >> shift & 511) * 8) / 8];
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

/* ---- looking ---- */

static void see(struct scene *scene, struct view *view, uint64_t now)
{
    if (view->now != now && view->changes++ > 0)
        scene->third_states++;
    view->now = now;
}

/* The word of a page that is there: its frame, and a RET. Every frame that is read here begins with one. */
static uint64_t tag(uint64_t walked)
{
    return (walked & 0x000ffffffffff000) | RET;
}

static uint64_t expected(uint64_t walked)
{
    return walked ? tag(walked) : 0;
}

static uint64_t read(paging_virt_t address, uint64_t walked)
{
    struct safe_access probe = safe_read(address);
    if (probe.faulted)
        return 0;
    bool is_code = (walked & 1) && !(walked >> 63) && probe.value == tag(walked);
    return is_code && safe_fetch(address).faulted ? 1 : probe.value;
}

static void look(void *context)
{
    struct scene *scene = context;
    for (unsigned i = 0; i < scene->count; i++) {
        struct spot *spot = &scene->spots[i];
        uint64_t walked = walk(scene->t, spot->root, spot->address);
        see(scene, &spot->walked, walked);
        /* Of a page that is not there nothing is remembered (SDM 3A, 4.10.2.3): it was read before. */
        bool is_known_absent = walked == 0 && spot->read.now == 0 && scene->looks > 0;
        if (!spot->is_read || is_known_absent)
            continue;
        if (scene->forgets)
            paging_tlb_flush_page(spot->address);
        see(scene, &spot->read, read(spot->address, walked));
        if (scene->forgets && spot->read.now != expected(walked))
            scene->third_states++;
    }
    scene->looks++;
}

void scene_add(struct scene *scene, const struct paging_space *space, paging_virt_t address, bool is_read)
{
    if (scene->count < MOST_SPOTS)
        scene->spots[scene->count++] = (struct spot){space->root, address, is_read, {0}, {0}};
}

void scene_watch(struct scene *scene, paging_page_t page)
{
    struct selftest_run *t = scene->t;
    scene_add(scene, t->space, test_address(t, page), true);
    scene_add(scene, t->space,
              paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, PAGING_4K, page), false);
}

void scene_tag(const struct scene *scene, paging_page_t page, uint64_t pages)
{
    struct selftest_run *t = scene->t;
    for (; pages > 0; pages--, page.number++)
        test_words(t, page)[0] = tag(walk(t, t->space->root, test_address(t, page)));
}

static void look_before(struct scene *scene)
{
    scene->looks = 0;
    look(scene);
    for (unsigned i = 0; i < scene->count; i++)
        scene->spots[i].walked.changes = scene->spots[i].read.changes = 0;
    scene->third_states = 0;
}

/* What is read now is what the tables say, also where nothing was forgotten but by the core. */
static void judge(struct scene *scene)
{
    struct selftest_run *t = scene->t;
    unsigned stale = 0, changed = 0;
    scene->looks = 0;
    look(scene);
    for (unsigned i = 0; i < scene->count; i++) {
        const struct spot *spot = &scene->spots[i];
        stale += spot->is_read && spot->read.now != expected(spot->walked.now);
        changed += spot->walked.changes;
    }
    CHECK(scene->status == PAGING_OK);
    CHECK(scene->third_states == 0);
    CHECK(stale == 0);
    CHECK(changed > 0); /* else this watched the wrong places */
}

void scene_step(struct scene *scene, void (*call)(void *scene), uint64_t stack_top)
{
    struct selftest_run *t = scene->t;
    struct single_step stepped = {call, look, scene, stack_top, 0};
    look_before(scene);
    single_step_call(&stepped);
    CHECK(stepped.instructions > 0);
    judge(scene);
    print("# %lu instructions; after each, %u pages were looked at%s: %lu neither as before nor as after\n",
          stepped.instructions, scene->count, scene->forgets ? ", flushed first" : "", scene->third_states);
    scene->count = 0;
}

void scene_play(struct selftest_run *t, unsigned ways, void (*test)(struct scene *scene))
{
    if (!map_memory(t))
        return;
    for (unsigned way = FORGETTING; way <= REMEMBERING && !t->skip; way <<= 1) {
        struct scene scene = {.t = t, .forgets = way == FORGETTING, .space = t->space};
        if (ways & way)
            test(&scene);
    }
    unmap_memory(t);
}
