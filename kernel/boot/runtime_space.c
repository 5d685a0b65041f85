/* SPDX-License-Identifier: MIT */
/* runtime_space.c - maps a second space like the first, then takes the firmware's memory out of the first. */
#include "boot/runtime_space.h"
#include "boot/identity_map.h"
#include "boot/stack_guards.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>

static struct paging_space space;
static bool is_made;
static uint64_t cr3_before;
static const struct paging_space *active_before;

/* ---- what the active space does not need any more ---- */

/* Returns a region that is kept, or an empty run. */
static struct frame_run kept_run(const struct handoff *handoff, unsigned number)
{
    const struct handoff_region *region = &handoff->regions[number];
    if (region->for_runtime || region->until_exit)
        return (struct frame_run){0, 0};
    return (struct frame_run){region->start.number, region->end.number};
}

/* Returns the first frame from `at` on that is in no region that is kept. */
static uint64_t behind_kept(const struct handoff *handoff, uint64_t at)
{
    for (unsigned i = 0; i < handoff->region_count;) {
        struct frame_run run = kept_run(handoff, i++);
        if (run.start > at || run.end <= at)
            continue;
        at = run.end;
        i = 0; /* a region that was passed already may go on where this one ends */
    }
    return at;
}

/* Calls back for each part of the run that has no frame in common with what is kept. */
static void for_each_part(const struct handoff *handoff, struct frame_run run, bool for_runtime,
                          released_run_callback callback, void *context)
{
    for (run.start = behind_kept(handoff, run.start); run.start < run.end;
         run.start = behind_kept(handoff, run.start)) {
        struct frame_run part = run;
        for (unsigned i = 0; i < handoff->region_count; i++) {
            struct frame_run kept = kept_run(handoff, i);
            if (kept.start < kept.end && kept.start > part.start && kept.start < part.end)
                part.end = kept.start;
        }
        callback(context, part, for_runtime);
        run.start = part.end;
    }
}

static bool is_needed(const struct memory_region *region)
{
    return region->needs != MEMORY_NEEDS_NOTHING && region->kind != MEMORY_OWN;
}

void runtime_space_for_each_released(const struct handoff *handoff, size_t memory_count,
                                     released_run_callback callback, void *context)
{
    for (unsigned i = 0; i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        if (region->for_runtime || region->until_exit)
            for_each_part(handoff, (struct frame_run){region->start.number, region->end.number},
                          region->for_runtime, callback, context);
    }
    for (size_t i = 0; i < memory_count; i++) {
        const struct memory_region *region = &handoff->memory[i];
        if (is_needed(region))
            for_each_part(handoff, (struct frame_run){region->start.number, region->end.number}, true,
                          callback, context);
    }
}

struct unmapping {
    struct paging_space *active;
    struct paging_frame_source *source;
    enum paging_status status; /* of the first call that failed */
};

static void unmap_run(void *context, struct frame_run run, bool for_runtime)
{
    struct unmapping *unmapping = context;
    (void)for_runtime;
    if (unmapping->status == PAGING_OK)
        unmapping->status =
            paging_unmap_range(unmapping->active, (paging_virt_t){run.start * PAGING_PAGE_BYTES},
                               (run.end - run.start) * PAGING_PAGE_BYTES, unmapping->source);
}

/* ---- what the runtime space maps ---- */

static enum paging_status map(paging_frame_t start, paging_frame_t end, uint64_t flags,
                              struct paging_frame_source *source)
{
    if (!space.cpu.has_no_execute)
        flags &= ~PAGING_NO_EXECUTE;
    return identity_map_region(&space, start, end, flags, source);
}

/* Maps the regions in the loader's order: where they overlap, the first one holds. */
static enum paging_status map_all(const struct handoff *handoff, size_t memory_count,
                                  struct paging_frame_source *source)
{
    enum paging_status status = PAGING_OK;
    for (unsigned i = 0; status == PAGING_OK && i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        if (!region->until_exit)
            status = map(region->start, region->end, region->flags, source);
    }
    for (size_t i = 0; status == PAGING_OK && i < memory_count; i++) {
        const struct memory_region *region = &handoff->memory[i];
        if (is_needed(region))
            status = map(region->start, region->end, memory_region_runtime_flags(region), source);
    }
    return status == PAGING_OK ? stack_guards_unmap(&space, source) : status;
}

enum paging_status runtime_space_make(const struct handoff *handoff, struct paging_space *active,
                                      size_t memory_count, struct paging_frame_source *source)
{
    struct unmapping unmapping = {active, source, PAGING_OK};
    enum paging_status status = paging_create_sibling(&space, active, source);
    if (status == PAGING_OK)
        status = paging_attach(active, &space);
    if (status != PAGING_OK)
        return status;
    status = map_all(handoff, memory_count, source);
    enum paging_status detached = paging_detach(active, &space);
    if (status != PAGING_OK || detached != PAGING_OK)
        return status != PAGING_OK ? status : detached;
    is_made = true;
    runtime_space_for_each_released(handoff, memory_count, unmap_run, &unmapping);
    return unmapping.status;
}

struct paging_space *runtime_space(void)
{
    return is_made ? &space : NULL;
}

void runtime_space_enter(void)
{
    if (!is_made)
        return;
    cr3_before = read_cr3();
    write_cr3(paging_root_address(&space).value);
    paging_mark_active(&space); /* so that a fault of the firmware's is explained with these tables */
    active_before = exceptions_set_active_space(&space);
}

void runtime_space_leave(void)
{
    if (!is_made)
        return;
    write_cr3(cr3_before);
    exceptions_set_active_space(active_before);
}
