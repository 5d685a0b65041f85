/* SPDX-License-Identifier: MIT */
/* space_view.c - joins neighbouring pages to runs, and puts holes and reserved root slots between them. */
#include "display/space_view.h"

static enum space_class class_of(const struct paging_entry_info *info)
{
    bool executable = !(info->flags & PAGING_NO_EXECUTE);
    if (info->kind == PAGING_KIND_MARKER)
        return SPACE_MARKER;
    if (info->kind == PAGING_KIND_MALFORMED)
        return SPACE_MALFORMED;
    if (info->flags & PAGING_USER)
        return SPACE_USER;
    if (info->flags & PAGING_NO_CACHE)
        return SPACE_DEVICE;
    if (info->flags & PAGING_WRITABLE)
        return executable ? SPACE_WRITABLE_CODE : SPACE_WRITABLE;
    return executable ? SPACE_CODE : SPACE_READ_ONLY;
}

static uint64_t pages_per_slot(const struct space_view *view)
{
    return paging_level_pages(view->levels);
}

/* Returns the page behind the last run. */
static uint64_t end_of_runs(const struct space_view *view)
{
    if (view->count == 0)
        return 0;
    const struct space_run *last = &view->runs[view->count - 1];
    return last->first.number + last->pages;
}

/* Adds a run at the end of the last one, or makes that longer. Returns false if there is no room. */
static bool add_run(struct space_view *view, struct space_run run)
{
    struct space_run *last = view->count ? &view->runs[view->count - 1] : NULL;
    view->pages[run.class] += run.pages;
    if (last && last->class == run.class && last->level == run.level) {
        last->pages += run.pages;
        return true;
    }
    if (view->count == SPACE_RUN_LIMIT)
        return false;
    view->runs[view->count++] = run;
    return true;
}

static enum space_class class_of_slot(unsigned slot)
{
    return slot == PAGING_RECURSIVE_SLOT   ? SPACE_RECURSIVE
           : slot == PAGING_ALTERNATE_SLOT ? SPACE_ALTERNATE
           : slot == PAGING_SCRATCH_SLOT   ? SPACE_SCRATCH
                                           : SPACE_HOLE;
}

/* Fills up to this page with what lies between: the reserved root slots, and holes around them. */
static bool fill_up_to(struct space_view *view, uint64_t page)
{
    const uint64_t per_slot = pages_per_slot(view);
    for (uint64_t at = end_of_runs(view); at < page;) {
        unsigned slot = (unsigned)(at / per_slot);
        enum space_class class = class_of_slot(slot);
        uint64_t end = class != SPACE_HOLE ? at + per_slot : at;
        while (class == SPACE_HOLE && end < page && class_of_slot((unsigned)(end / per_slot)) == SPACE_HOLE)
            end = (end / per_slot + 1) * per_slot;
        end = end < page ? end : page;
        if (class != SPACE_HOLE)
            view->slots[slot] = (uint8_t) class;
        if (!add_run(view, (struct space_run){{at}, end - at, class, 0}))
            return false;
        at = end;
    }
    return true;
}

static enum paging_visit look_at(void *context, const struct paging_entry_info *info)
{
    struct space_view *view = context;
    if (++view->entries > SPACE_ENTRY_LIMIT) {
        view->complete = false;
        return PAGING_VISIT_STOP;
    }
    if (info->kind == PAGING_KIND_TABLE)
        view->tables[info->level - 1]++;
    if (info->kind == PAGING_KIND_TABLE || info->kind == PAGING_KIND_HOLE ||
        info->kind == PAGING_KIND_DETACHED) /* which translates nothing */
        return PAGING_VISIT_NEXT;
    enum space_class class = class_of(info);
    if (info->kind == PAGING_KIND_LEAF)
        view->leaves[info->level]++;
    view->slots[info->first.number / pages_per_slot(view)] = (uint8_t) class;
    view->complete = fill_up_to(view, info->first.number) &&
                     add_run(view, (struct space_run){info->first, info->pages, class, info->level});
    return view->complete ? PAGING_VISIT_NEXT : PAGING_VISIT_STOP;
}

bool space_view_take(struct space_view *view, const struct paging_space *space)
{
    *view = (struct space_view){.levels = space->cpu.levels, .complete = true};
    for (unsigned slot = 0; slot < PAGING_TABLE_ENTRIES; slot++)
        view->slots[slot] = SPACE_HOLE;
    view->tables[space->cpu.levels] = 1;
    if (paging_for_each(space, look_at, view) != PAGING_OK)
        return false;
    if (view->complete)
        view->complete = fill_up_to(view, paging_page_limit(view->levels));
    return true;
}

const char *space_class_name(enum space_class class)
{
    static const char *const names[SPACE_CLASS_COUNT] = {
        [SPACE_CODE] = "code (R-X)",        [SPACE_READ_ONLY] = "read-only (R--)",
        [SPACE_WRITABLE] = "data (RW-)",    [SPACE_WRITABLE_CODE] = "writable code (RWX)",
        [SPACE_DEVICE] = "screen, devices", [SPACE_USER] = "user",
        [SPACE_MARKER] = "markers",         [SPACE_MALFORMED] = "malformed",
        [SPACE_HOLE] = "not mapped",        [SPACE_RECURSIVE] = "recursive",
        [SPACE_ALTERNATE] = "alternate",    [SPACE_SCRATCH] = "scratch",
    };
    return names[class];
}
