/* SPDX-License-Identifier: MIT */
/* page_faults.c - finds the areas by CR3. */
#include "faults/page_faults.h"
#include "cpu/instructions.h"
#include "cpu/known_spaces.h"

static struct areas *watched;
static const struct areas *last; /* those that were asked last, or NULL */

void page_faults_watch(struct areas *areas)
{
    areas->next = watched;
    watched = areas;
}

void page_faults_ignore(struct areas *areas)
{
    struct areas **link = &watched;
    while (*link && *link != areas)
        link = &(*link)->next;
    if (*link)
        *link = areas->next;
    last = NULL;
}

void page_faults_ignore_all(void)
{
    watched = NULL;
    last = NULL;
}

/* Returns the areas of the space whose root CR3 holds, or NULL. */
static struct areas *active_areas(void)
{
    const struct paging_space *active = known_spaces_find(read_cr3());
    struct areas *areas = watched;
    while (areas && areas->space != active)
        areas = areas->next;
    return areas;
}

bool page_faults_take(struct exception_frame *frame)
{
    if (frame->vector != PAGE_FAULT)
        return false;
    struct areas *areas = watched ? active_areas() : NULL;
    last = areas;
    if (!areas)
        return false;
    paging_virt_t address = {read_cr2()};
    bool handled = areas_handle_fault(areas, address, frame->error_code) == AREA_FAULT_HANDLED;
    if (!handled)
        write_cr2(address.value); /* the next one who is asked looks there; a guarded load may have faulted */
    return handled;
}

const char *page_faults_name_at(paging_virt_t address)
{
    const struct areas *areas = watched ? active_areas() : NULL;
    const struct area *area =
        areas ? areas_find(areas, paging_page_at(areas->space->cpu.levels, address)) : NULL;
    return area ? area->name : NULL;
}

void page_faults_explain(struct format_sink *sink)
{
    if (last)
        areas_explain(last, sink);
}
