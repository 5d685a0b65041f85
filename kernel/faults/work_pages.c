/* SPDX-License-Identifier: MIT */
/* work_pages.c - shows a frame at a work page, fills it, and takes it away from there. */
#include "faults/work_pages.h"
#include "faults/page_words.h"
#include <selfmap/map.h>

enum work_page { TO, FROM, KEEPS_TABLES };
enum { WORK_MARKER = 0x3012 };

static paging_page_t page_of(const struct areas *areas, enum paging_size size, enum work_page which)
{
    uint64_t block = paging_level_pages(PAGING_2M);
    return (paging_page_t){areas->work.number + (size == PAGING_4K ? which : (which + 1) * block)};
}

enum paging_status work_pages_open(struct areas *areas)
{
    uint64_t block = paging_level_pages(PAGING_2M), number = areas->work.number;
    if (number % block != 0 ||
        number % paging_level_pages(PAGING_1G) + WORK_PAGES > paging_level_pages(PAGING_1G))
        return PAGING_MISALIGNED;
    return paging_set_marker(areas->space, page_of(areas, PAGING_4K, KEEPS_TABLES), WORK_MARKER,
                             &areas->frames->source);
}

enum paging_status work_pages_close(struct areas *areas)
{
    uint64_t value;
    return paging_clear_marker(areas->space, page_of(areas, PAGING_4K, KEEPS_TABLES), &areas->frames->source,
                               &value);
}

static enum paging_status show(struct areas *areas, enum work_page which, enum paging_size size,
                               paging_frame_t frame)
{
    uint64_t flags = which == TO ? PAGING_WRITABLE : 0;
    flags |= areas->space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0;
    return paging_map_sized(areas->space, page_of(areas, size, which), frame, size, flags,
                            &areas->frames->source);
}

static enum paging_status hide(struct areas *areas, enum work_page which, enum paging_size size)
{
    return paging_unmap(areas->space, page_of(areas, size, which), &areas->frames->source, NULL);
}

static paging_virt_t address_of(const struct areas *areas, enum paging_size size, enum work_page which)
{
    return paging_page_start(areas->space->cpu.levels, page_of(areas, size, which));
}

enum paging_status work_pages_clear(struct areas *areas, paging_frame_t frame)
{
    enum paging_status status = show(areas, TO, PAGING_4K, frame);
    if (status != PAGING_OK)
        return status;
    page_words_clear(address_of(areas, PAGING_4K, TO), PAGING_PAGE_BYTES);
    return hide(areas, TO, PAGING_4K);
}

enum paging_status work_pages_copy(struct areas *areas, enum paging_size size, paging_frame_t to,
                                   paging_frame_t from)
{
    enum paging_status status = show(areas, TO, size, to);
    if (status != PAGING_OK)
        return status;
    status = show(areas, FROM, size, from);
    if (status == PAGING_OK) {
        page_words_copy(address_of(areas, size, TO), address_of(areas, size, FROM), paging_level_bytes(size));
        status = hide(areas, FROM, size);
    }
    enum paging_status hidden = hide(areas, TO, size);
    return status != PAGING_OK ? status : hidden;
}
