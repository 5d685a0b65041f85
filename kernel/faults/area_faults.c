/* SPDX-License-Identifier: MIT */
/* area_faults.c - what the page fault handler does in an area, by its kind. */
#include "faults/areas.h"
#include "faults/work_pages.h"
#include <selfmap/check_access.h>
#include <selfmap/clone.h>
#include <selfmap/map.h>
#include <selfmap/translate.h>

/* What an operation on a page that was found to be as expected can answer. */
static enum area_answer answer_of(enum paging_status status)
{
    if (status == PAGING_OK)
        return AREA_FAULT_HANDLED;
    bool no_frames = status == PAGING_NO_FRAMES || status == PAGING_BROKEN_SOURCE;
    return no_frames ? AREA_FAULT_NO_FRAME : AREA_FAULT_ODD_ENTRY;
}

static bool take_frame(struct areas *areas, enum paging_size size, paging_frame_t *frame)
{
    struct paging_frame_source *source = &areas->frames->source;
    if (!source->reserve(source, areas->space, 0, paging_level_pages(size)))
        return false;
    bool taken = source->allocate(source, areas->space, PAGING_FRAME_FOR_PAGE, size, frame);
    source->unreserve(source, areas->space);
    return taken;
}

static void give_frame(struct areas *areas, enum paging_size size, paging_frame_t frame)
{
    struct paging_frame_source *source = &areas->frames->source;
    source->release(source, areas->space, PAGING_FRAME_FOR_PAGE, size, frame);
}

static bool allows(const struct area *area, uint64_t error_code)
{
    if ((error_code & PAGING_FAULT_USER) && !(area->rights & PAGING_USER))
        return false;
    if ((error_code & PAGING_FAULT_WRITE) && !(area->rights & PAGING_WRITABLE))
        return false;
    return !(error_code & PAGING_FAULT_FETCH) || !(area->rights & PAGING_NO_EXECUTE);
}

/* Gives a page that has only the area's marker a frame of zeroes. */
static enum area_answer fill(struct areas *areas, struct area *area, paging_page_t page)
{
    struct paging_walk_result walk;
    paging_virt_t address = paging_page_start(areas->space->cpu.levels, page);
    paging_frame_t frame;
    if (paging_walk_address(areas->space, address, &walk) != PAGING_MARKED ||
        paging_marker_value(walk.entries[walk.level]) != AREA_MARKER)
        return AREA_FAULT_ODD_ENTRY;
    if (!take_frame(areas, PAGING_4K, &frame))
        return AREA_FAULT_NO_FRAME;
    enum paging_status status = work_pages_clear(areas, frame);
    if (status == PAGING_OK)
        status = paging_map_owned(areas->space, page, frame, PAGING_4K, area->rights | PAGING_REPLACE_MARKER,
                                  &areas->frames->source);
    if (status != PAGING_OK)
        give_frame(areas, PAGING_4K, frame);
    else
        area->filled++;
    return answer_of(status);
}

/* Gives a page, whose frame others own as well, a copy of its own: all of it, if it is a huge one. */
static enum area_answer copy(struct areas *areas, struct area *area, paging_page_t page,
                             const struct paging_translation *found)
{
    uint64_t aligned = ~(paging_level_pages(found->size) - 1);
    paging_page_t first = {page.number & aligned};
    paging_frame_t from = {paging_frame_containing(found->address).number & aligned}, frame;
    if (!take_frame(areas, found->size, &frame))
        return AREA_FAULT_NO_FRAME;
    enum paging_status status = work_pages_copy(areas, found->size, frame, from);
    if (status == PAGING_OK)
        status = paging_remap(areas->space, first, frame, area->rights, true, &areas->frames->source, NULL);
    if (status != PAGING_OK)
        give_frame(areas, found->size, frame);
    else
        area->copied++;
    return answer_of(status);
}

/* Answers a write to a page that is mapped read-only, in an area that may be written. */
static enum area_answer make_writable(struct areas *areas, struct area *area, paging_page_t page)
{
    struct paging_translation found;
    paging_virt_t address = paging_page_start(areas->space->cpu.levels, page);
    if (paging_translate(areas->space, address, &found) != PAGING_OK)
        return AREA_FAULT_ODD_ENTRY;
    if (found.flags & PAGING_WRITABLE) /* SMAP refuses the write, and would again */
        return AREA_FAULT_ODD_ENTRY;
    enum paging_status status = paging_unshare_page(areas->space, page, &areas->frames->source);
    if (status == PAGING_COPY_NEEDED && found.size <= PAGING_2M)
        return copy(areas, area, page, &found);
    area->unshared += status == PAGING_OK;
    return answer_of(status);
}

/* The policy. */
static enum area_answer answer_in(struct areas *areas, struct area *area, paging_page_t page,
                                  uint64_t error_code)
{
    if (area->kind == AREA_GUARD)
        return AREA_FAULT_GUARD;
    if (area->kind == AREA_STACK && page.number == area->start.number)
        return AREA_FAULT_STACK_END;
    if (!allows(area, error_code))
        return AREA_FAULT_FORBIDDEN;
    if (error_code & (PAGING_FAULT_RESERVED | PAGING_FAULT_KEY))
        return AREA_FAULT_ODD_ENTRY;
    if (error_code & PAGING_FAULT_PRESENT)
        return error_code & PAGING_FAULT_WRITE ? make_writable(areas, area, page) : AREA_FAULT_ODD_ENTRY;
    if (area->kind != AREA_STACK)
        return fill(areas, area, page);
    if (page.number + 1 != area->lowest.number)
        return AREA_FAULT_BELOW_STACK;
    enum area_answer answer = fill(areas, area, page);
    if (answer == AREA_FAULT_HANDLED)
        area->lowest = page;
    return answer;
}

enum area_answer areas_handle_fault(struct areas *areas, paging_virt_t address, uint64_t error_code)
{
    paging_page_t page = paging_page_at(areas->space->cpu.levels, address);
    struct area *area = areas_find(areas, page);
    enum area_answer answer = AREA_FAULT_ELSEWHERE;
    if (area && (areas->is_busy || areas->frames->is_reserved)) {
        answer = AREA_FAULT_IN_OPERATION;
    } else if (area) {
        areas->is_busy = true;
        answer = answer_in(areas, area, page, error_code);
        areas->is_busy = false;
    }
    areas->place = area;
    areas->answer = answer;
    return answer;
}

void areas_explain(const struct areas *areas, struct format_sink *sink)
{
    static const char *const reasons[AREA_ANSWERS] = {
        [AREA_FAULT_GUARD] = "nothing may be accessed here, it is a guard",
        [AREA_FAULT_STACK_END] = "this stack is used up, the address is in its guard page",
        [AREA_FAULT_BELOW_STACK] = "this stack grows by a page at a time, and this is not the next one",
        [AREA_FAULT_FORBIDDEN] = "the area does not have this right",
        [AREA_FAULT_ODD_ENTRY] = "the page is not as this area leaves it",
        [AREA_FAULT_NO_FRAME] = "no frame is free for the page",
        [AREA_FAULT_IN_OPERATION] = "the page would be filled, but an operation of the core is in progress",
    };
    if (areas->place && reasons[areas->answer])
        format(sink, "area: %s: %s\n", areas->place->name, reasons[areas->answer]);
}
