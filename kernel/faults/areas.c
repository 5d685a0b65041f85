/* SPDX-License-Identifier: MIT */
/* areas.c - opens and closes areas, and lets two of them share a page. */
#include "faults/areas.h"
#include "faults/work_pages.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>

#define AREA_RIGHTS (PAGING_WRITABLE | PAGING_USER | PAGING_NO_EXECUTE)

enum paging_status areas_init(struct areas *areas, struct paging_space *space, struct frame_users *frames,
                              paging_page_t work)
{
    *areas = (struct areas){.space = space, .frames = frames, .work = work, .answer = AREA_FAULT_ELSEWHERE};
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

enum paging_status areas_open(struct areas *areas, struct area *area)
{
    enum paging_status status = check_area(areas, area);
    if (status == PAGING_OK)
        status = paging_set_marker_range(areas->space, start_of(areas, area), bytes_of(area), AREA_MARKER, 0,
                                         &areas->frames->source);
    if (status != PAGING_OK)
        return status;
    area->lowest = area->end;
    area->filled = area->copied = area->unshared = 0;
    area->next = areas->first;
    areas->first = area;
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

/* Returns the area on demand in which `pages` pages from this one on lie, or NULL. */
static const struct area *area_around(const struct areas *areas, paging_page_t page, uint64_t pages)
{
    const struct area *area = areas_find(areas, page);
    bool is_around = area && area->kind == AREA_ON_DEMAND && pages <= area->end.number - page.number;
    return is_around ? area : NULL;
}

/* Finds the page that begins at `from`, and whether it can be shared. */
static enum paging_status find_shareable(const struct areas *areas, paging_page_t from,
                                         struct paging_translation *found)
{
    paging_virt_t address = paging_page_start(areas->space->cpu.levels, from);
    enum paging_status status = paging_translate(areas->space, address, found);
    if (status != PAGING_OK)
        return status;
    if (from.number % paging_level_pages(found->size) != 0)
        return PAGING_INSIDE_HUGE;
    return found->owned && found->size <= PAGING_2M ? PAGING_OK : PAGING_NOT_SUPPORTED;
}

/* Maps the frame at `to`, too. What has happened is undone if it cannot be. */
static enum paging_status show_at(struct areas *areas, paging_page_t to, uint64_t rights,
                                  const struct paging_translation *found)
{
    struct paging_frame_source *source = &areas->frames->source;
    paging_frame_t frame = paging_frame_containing(found->address);
    if (!frame_users_add(areas->frames, found->size, frame))
        return PAGING_NO_FRAMES;
    enum paging_status status = paging_map_owned(areas->space, to, frame, found->size,
                                                 (rights & ~PAGING_WRITABLE) | PAGING_REPLACE_MARKER, source);
    if (status != PAGING_OK)
        source->release(source, areas->space, PAGING_FRAME_FOR_PAGE, found->size, frame);
    return status;
}

enum paging_status areas_share(struct areas *areas, paging_page_t from, paging_page_t to)
{
    struct paging_translation found;
    enum paging_status status = find_shareable(areas, from, &found);
    if (status != PAGING_OK)
        return status;
    uint64_t pages = paging_level_pages(found.size);
    const struct area *shown = area_around(areas, to, pages);
    if (!shown || !area_around(areas, from, pages))
        return PAGING_BAD_PAGE;
    status = show_at(areas, to, shown->rights, &found);
    if (status != PAGING_OK)
        return status;
    status = paging_protect(areas->space, from, 0, PAGING_WRITABLE);
    if (status == PAGING_OK)
        return PAGING_OK;
    enum paging_status undone = paging_unmap(areas->space, to, &areas->frames->source, NULL);
    return undone == PAGING_OK ? status : undone;
}
