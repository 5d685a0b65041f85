/* SPDX-License-Identifier: MIT */
/* areas.c - opens and closes areas, and gives a clone the same ones. */
#include "faults/areas.h"
#include "faults/work_pages.h"
#include <selfmap/range.h>

#define AREA_RIGHTS (PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE)

static void begin(struct areas *areas, struct paging_space *space, struct frames_sharing *frames,
                  paging_page_t work)
{
    *areas = (struct areas){.space = space, .frames = frames, .work = work, .answer = AREA_FAULT_ELSEWHERE};
}

enum paging_status areas_init(struct areas *areas, struct paging_space *space, struct frames_sharing *frames,
                              paging_page_t work)
{
    begin(areas, space, frames, work);
    return work_pages_open(areas);
}

enum paging_status areas_end(struct areas *areas)
{
    return work_pages_close(areas);
}

static paging_virt_t start_of(const struct areas *areas, const struct area *area)
{
    return paging_page_start(areas->space->cpu.levels, area->start);
}

static uint64_t bytes_of(const struct area *area)
{
    return (area->end.number - area->start.number) * PAGING_PAGE_BYTES;
}

static enum paging_status check_area(const struct areas *areas, const struct area *area)
{
    uint64_t least = area->kind == AREA_STACK ? 2 : 1; /* a stack has its guard */
    if (area->end.number < area->start.number || area->end.number - area->start.number < least)
        return PAGING_EMPTY_RANGE;
    if (area->rights & ~AREA_RIGHTS)
        return PAGING_BAD_FLAGS;
    if ((area->rights & PAGING_NO_EXECUTE) && !areas->space->cpu.has_no_execute)
        return PAGING_NOT_SUPPORTED;
    return PAGING_OK;
}

static void add_area(struct areas *areas, struct area *area)
{
    area->filled = area->copied = area->unshared = 0;
    area->next = areas->first;
    areas->first = area;
}

enum paging_status areas_open(struct areas *areas, struct area *area)
{
    enum paging_status status = check_area(areas, area);
    if (status == PAGING_OK)
        status = paging_set_marker_range(areas->space, start_of(areas, area), bytes_of(area), AREA_MARKER, 0,
                                         &areas->frames->source);
    if (status != PAGING_OK)
        return status;
    area->lowest = area->end;
    add_area(areas, area);
    return PAGING_OK;
}

enum paging_status areas_close(struct areas *areas, struct area *area)
{
    struct area **link = &areas->first;
    while (*link && *link != area)
        link = &(*link)->next;
    if (*link == NULL)
        return PAGING_NOT_MAPPED;
    enum paging_status status =
        paging_unmap_range(areas->space, start_of(areas, area), bytes_of(area), &areas->frames->source);
    if (status != PAGING_OK)
        return status;
    *link = area->next;
    areas->place = NULL;
    return PAGING_OK;
}

struct area *areas_find(const struct areas *areas, paging_page_t page)
{
    struct area *area = areas->first;
    while (area && (page.number < area->start.number || page.number >= area->end.number))
        area = area->next;
    return area;
}

/* Cloned is the lower half alone. */
static bool is_cloned(const struct paging_space *space, paging_page_t page)
{
    return page.number < paging_page_limit(space->cpu.levels) / 2;
}

enum paging_status areas_inherit(struct areas *areas, struct paging_space *clone, const struct areas *parent,
                                 struct area *copies)
{
    bool all_cloned = is_cloned(clone, parent->work);
    for (const struct area *area = parent->first; area; area = area->next)
        all_cloned = all_cloned && is_cloned(clone, area->start);
    if (!all_cloned)
        return PAGING_BAD_PAGE;
    begin(areas, clone, parent->frames, parent->work);
    for (const struct area *area = parent->first; area; area = area->next) {
        *copies = *area;
        add_area(areas, copies++);
    }
    return PAGING_OK;
}
