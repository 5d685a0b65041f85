/* SPDX-License-Identifier: MIT */
/* collect.c - walks a space, and makes runs of its leaves and of its tables. */
#include "audit/runs.h"
#include <selfmap/for_each.h>
#include <selfmap/translate.h>

#define RUN_FLAGS (PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE | PAGING_CACHE_FLAGS)

/* Adds a run that does not go on. The one that is added may be empty. */
static void put(struct audit *audit, struct audit_run *run)
{
    if (run->frames.start == run->frames.end)
        return;
    if (audit->run_count < audit->capacity)
        audit->runs[audit->run_count] = *run;
    audit->run_count++;
    *run = (struct audit_run){.frames = {0, 0}};
}

/* Lengthens the run at hand by the next one if they are one run, else begins a new one. */
static void add(struct audit *audit, struct audit_run *run, const struct audit_run *next)
{
    uint64_t length = run->frames.end - run->frames.start;
    bool goes_on = length > 0 && run->frames.end == next->frames.start && run->flags == next->flags &&
                   run->may == next->may &&
                   (next->is_table || run->page.number + length == next->page.number);
    if (goes_on) {
        run->frames.end = next->frames.end;
        return;
    }
    put(audit, run);
    *run = *next;
}

static void add_table(struct audit *audit, paging_frame_t frame)
{
    audit->tables++;
    add(audit, &audit->table,
        &(struct audit_run){.frames = {frame.number, frame.number + 1}, .is_table = true});
}

/* Returns what is excused for all of these pages. */
static unsigned excused(const struct audit *audit, paging_page_t first, uint64_t pages)
{
    unsigned may = 0;
    for (unsigned i = 0; i < audit->excuse_count; i++) {
        const struct audit_excuse *excuse = &audit->excuses[i];
        if (first.number >= excuse->first.number && pages <= excuse->pages &&
            first.number - excuse->first.number <= excuse->pages - pages)
            may |= excuse->may;
    }
    return may;
}

static enum paging_visit visit(void *context, const struct paging_entry_info *info)
{
    struct audit *audit = context;
    if (info->kind == PAGING_KIND_TABLE)
        add_table(audit, paging_entry_frame(info->entry));
    if (info->kind != PAGING_KIND_LEAF)
        return PAGING_VISIT_NEXT;
    uint64_t frame = paging_leaf_frame(info->entry, info->level).number;
    audit->pages += info->pages;
    add(audit, &audit->leaf,
        &(struct audit_run){.frames = {frame, frame + info->pages},
                            .page = info->first,
                            .flags = info->flags & RUN_FLAGS,
                            .may = excused(audit, info->first, info->pages)});
    return PAGING_VISIT_NEXT;
}

/* Adds the tables of the scratch page, which lie below a reserved root slot. */
static void add_scratch_tables(struct audit *audit, const struct paging_space *space)
{
    struct paging_walk_result walk;
    unsigned levels = space->cpu.levels;
    if (!PAGING_HAS_SCRATCH_SLOT || space->by_direct_map)
        return;
    paging_page_t page = {PAGING_SCRATCH_SLOT * paging_level_pages(levels)};
    if (paging_walk_address(space, paging_page_start(levels, page), &walk) == PAGING_UNREACHABLE)
        return;
    for (unsigned level = levels; level > 1; level--)
        if (paging_entry_is_table(walk.entries[level], level))
            add_table(audit, paging_entry_frame(walk.entries[level]));
}

void audit_begin(struct audit *audit)
{
    *audit = (struct audit){.runs = audit->runs,
                            .capacity = audit->capacity,
                            .excuses = audit->excuses,
                            .excuse_count = audit->excuse_count,
                            .pat = audit->pat};
}

enum paging_status audit_add_space(struct audit *audit, const struct paging_space *space)
{
    if (space->mode == PAGING_MODE_UNREACHABLE)
        return PAGING_UNREACHABLE;
    audit->spaces++;
    audit->levels = space->cpu.levels;
    audit->judges_execution = space->cpu.has_no_execute;
    add_table(audit, space->root);
    add_scratch_tables(audit, space);
    return paging_for_each(space, visit, audit);
}

bool audit_end(struct audit *audit)
{
    put(audit, &audit->leaf);
    put(audit, &audit->table);
    return audit->run_count <= audit->capacity;
}
