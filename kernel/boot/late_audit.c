/* SPDX-License-Identifier: MIT */
/* late_audit.c - maps memory of boot services, looks at it, and holds back what has changed. */
#include "boot/late_audit.h"
#include "boot/runtime_calls.h"
#include "boot/steps.h"
#include "console/console.h"
#include "cpu/watchdog.h"
#include "frames/memory_audit.h"
#include "report/report.h"
#include <selfmap/range.h>

/* 128 MiB, which an emulator looks at in a tenth of a second; firmware for PCs has 40 MiB to some hundred. */
enum { SUMS = 32768, QUARANTINE_PAGES = 4096, QUARANTINE_SHARE = 16 /* of all usable memory at most */ };

static uint32_t sums[SUMS];
static struct memory_audit audit;
static uint64_t quarantined, not_held_back;

/* Calls a function for the run while it is mapped, to be read only. Returns false if it cannot be mapped. */
static bool with_run(struct paging_space *space, struct paging_frame_source *frames,
                     struct memory_audit_run *run, const char *noticed)
{
    uint64_t start = run->frames.start * PAGING_PAGE_BYTES;
    uint64_t bytes = run->frames.end * PAGING_PAGE_BYTES - start;
    uint64_t flags = space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0;
    if (paging_identity_map_range(space, (paging_phys_t){start}, bytes, flags, frames) != PAGING_OK)
        return false;
    if (noticed)
        memory_audit_compare(&audit, run, noticed);
    else
        memory_audit_take(&audit, run);
    return paging_unmap_range(space, (paging_virt_t){start}, bytes, frames) == PAGING_OK;
}

/*
 * Looks at all runs; the first time, with noticed == NULL, takes checksums. There is no allocator yet. The
 * tables come from the upper half of what is left of the arena, which is as good as new for each run: they
 * are all gone when it is unmapped.
 */
static void look_at_all(struct handoff *handoff, const char *noticed)
{
    const struct arena *arena = &handoff->arena;
    uint64_t middle = arena->next.number + (arena->end.number - arena->next.number) / 2;
    for (unsigned i = 0; i < audit.run_count; i++) {
        struct arena tables;
        watchdog_is_alive();
        arena_start(&tables, (paging_frame_t){middle}, arena->end);
        (void)with_run(&handoff->space, &tables.source, &audit.runs[i], noticed);
    }
}

/*
 * Holds back frames, all of which are MEMORY_BOOT. Where there is no room to split a region,
 * all of it is held back.
 */
static void hold_back(struct handoff *handoff, size_t *region_count, struct frame_run frames)
{
    (void)!memory_exclude(handoff->memory, region_count, handoff->memory_capacity, &frames, 1);
    for (size_t i = 0; i < *region_count; i++) {
        struct memory_region *region = &handoff->memory[i];
        if (region->start.number < frames.end && frames.start < region->end.number)
            region->kind = MEMORY_LOADER;
    }
}

static void hold_back_changes(struct handoff *handoff, size_t *region_count)
{
    uint64_t held_back = 0;
    for (unsigned i = 0; i < audit.change_count; i++) {
        hold_back(handoff, region_count, audit.changes[i].frames);
        held_back += audit.changes[i].frames.end - audit.changes[i].frames.start;
    }
    not_held_back = audit.changed_pages - held_back;
}

static void hold_back_quarantine(struct handoff *handoff, size_t *region_count)
{
    uint64_t usable = 0, pages = QUARANTINE_PAGES;
    struct frame_run run;
    for (size_t at = 0; memory_next_usable(handoff->memory, *region_count, &at, &run);)
        usable += run.end - run.start;
    if (pages > usable / QUARANTINE_SHARE)
        pages = usable / QUARANTINE_SHARE;
    memory_audit_quarantine(&audit, pages);
    for (unsigned i = 0; i < audit.run_count; i++)
        if (audit.runs[i].quarantined) {
            hold_back(handoff, region_count, audit.runs[i].frames);
            quarantined += audit.runs[i].frames.end - audit.runs[i].frames.start;
        }
}

void late_audit_before_hand_over(struct handoff *handoff, size_t *region_count)
{
    const struct options *options = &handoff->options;
    step_begin(options, "take checksums of the memory of boot services");
    memory_audit_start(&audit, sums, SUMS, handoff->memory, *region_count);
    look_at_all(handoff, NULL);
    step_begin(options, "call runtime services, compare the memory of boot services");
    look_at_all(handoff, "soon after the exit");
    runtime_calls_make(handoff, look_at_all);
    hold_back_changes(handoff, region_count);
    hold_back_quarantine(handoff, region_count);
}

void late_audit_after_tests(struct paging_space *space, struct paging_frame_source *frames)
{
    for (unsigned i = 0; i < audit.run_count; i++)
        if (audit.runs[i].quarantined)
            (void)with_run(space, frames, &audit.runs[i], "after the last self-test");
}

void late_audit_print(void)
{
    report_fact("boot_memory_pages", "%lu", audit.pages);
    report_fact("boot_memory_audited", "%lu", audit.audited);
    report_fact("boot_memory_quarantined", "%lu", quarantined);
    for (unsigned i = 0; i < audit.run_count; i++)
        if (audit.runs[i].quarantined)
            print("# quarantine: %lx..%lx\n", audit.runs[i].frames.start * PAGING_PAGE_BYTES,
                  audit.runs[i].frames.end * PAGING_PAGE_BYTES);
    runtime_calls_print();
}

uint64_t late_audit_result(uint64_t *audited)
{
    for (unsigned i = 0; i < audit.change_count; i++) {
        const struct memory_change *change = &audit.changes[i];
        print("# somebody has written to memory of boot services: %lx, %lu pages, noticed %s\n",
              change->frames.start * PAGING_PAGE_BYTES, change->frames.end - change->frames.start,
              change->noticed);
    }
    if (not_held_back > 0)
        print("# and to %lu more pages, which were handed out\n", not_held_back);
    *audited = audit.audited;
    return audit.changed_pages;
}
