/* SPDX-License-Identifier: MIT */
/* Tests page numbers: every operation that takes a page refuses one that is too large for the space. */
#include "rig/rig.h"
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <string.h>

/* Returns page numbers just beyond the limit, far beyond it, and with all bits set. */
static const uint64_t *too_large(void)
{
    static uint64_t numbers[4];
    uint64_t limit = paging_page_limit(rig.model.levels);
    numbers[0] = limit;
    numbers[1] =
        limit + PLACE / PAGING_PAGE_BYTES; /* a page that is mapped, if the upper bits were ignored */
    numbers[2] = 2 * limit;
    numbers[3] = UINT64_MAX;
    return numbers;
}

static void refused(enum paging_status status)
{
    assert_status(status, PAGING_BAD_PAGE);
    assert_true(machine_unchanged());
}

static void all_refuse(paging_page_t page)
{
    struct paging_frame_source *frames = machine_frames();
    struct paging_space *space = &rig.space;
    struct paging_unmapped unmapped;
    paging_frame_t frame = {DEVICE_FRAME};
    uint64_t value;
    machine_snapshot();
    refused(paging_map_to(space, page, frame, 0, frames));
    refused(paging_map(space, page, 0, frames));
    refused(paging_set_marker(space, page, 1, frames));
    refused(paging_unmap(space, page, frames, &unmapped));
    refused(paging_clear_marker(space, page, frames, &value));
    refused(paging_split(space, page, frames));
    page.number &= ~(paging_level_pages(PAGING_2M) - 1);
    frame.number = FRAME_2M;
    refused(paging_map_sized(space, page, frame, PAGING_2M, 0, frames));
}

static void open_with_pages(void)
{
    rig_open();
    assert_status(rig_map_to(PLACE, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_map_to(0, DEVICE_FRAME, RW), PAGING_OK);
}

static void recursive(void **state)
{
    open_with_pages();
    for (unsigned i = 0; i < 4; i++)
        all_refuse((paging_page_t){too_large()[i]});
    rig_check();
}

static void direct(void **state)
{
    open_with_pages();
    paging_mark_inactive(&rig.space, machine_offset());
    for (unsigned i = 0; i < 4; i++)
        all_refuse((paging_page_t){too_large()[i]});
    paging_mark_active(&rig.space);
    rig_check();
}

/* A number made for five levels is refused by a space with four. */
static void made_for_more_levels(void **state)
{
    paging_page_t page = {0};
    open_with_pages();
    if (rig.model.levels == PAGING_MAX_LEVELS)
        return; /* no number is made for more */
    paging_virt_t address = {(uint64_t)1 << (paging_address_bits(rig.model.levels) + 1)};
    assert_status(paging_page_containing(rig.model.levels + 1, address, &page), PAGING_OK);
    all_refuse(page);
    rig_check();
}

static void advances_within_its_half(void **state)
{
    unsigned levels = rig_levels;
    uint64_t half = paging_page_limit(levels) / 2;
    const struct {
        uint64_t page, pages;
        enum paging_status status;
    } cases[] = {
        {0, 0, PAGING_OK},
        {0, 1, PAGING_OK},
        {0, half - 1, PAGING_OK},
        {half - 1, 0, PAGING_OK},
        {0, half, PAGING_RANGE_TOO_LONG},
        {half - 1, 1, PAGING_RANGE_TOO_LONG},
        {half - 1, UINT64_MAX, PAGING_RANGE_TOO_LONG},
        {half, half - 1, PAGING_OK},
        {half, half, PAGING_RANGE_TOO_LONG},
        {2 * half - 1, 1, PAGING_RANGE_TOO_LONG},
        {2 * half, 0, PAGING_BAD_PAGE},
        {UINT64_MAX, 1, PAGING_BAD_PAGE},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        paging_page_t result = {77};
        enum paging_status status =
            paging_page_advance(levels, (paging_page_t){cases[i].page}, cases[i].pages, &result);
        assert_status(status, cases[i].status);
        assert_int_equal(result.number, status == PAGING_OK ? cases[i].page + cases[i].pages : 77);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("page numbers: too large, every operation refuses it", recursive),
    RIG_TEST("page numbers: the same in direct-map mode", direct),
    RIG_TEST("page numbers: made for five levels, refused with four", made_for_more_levels),
    RIG_TEST("page numbers: advancing ends with the half of the address space", advances_within_its_half),
};

RIG_MAIN("page_numbers", tests)
