/* SPDX-License-Identifier: MIT */
/* status.c - names for the statuses. */
#include <selfmap/status.h>

static const char *const names[PAGING_STATUS_COUNT] = {
    [PAGING_OK] = "ok",
    [PAGING_NOT_CANONICAL] = "not canonical",
    [PAGING_BAD_PAGE] = "bad page",
    [PAGING_NOT_MAPPED] = "not mapped",
    [PAGING_MARKED] = "marked",
    [PAGING_ALREADY_MAPPED] = "already mapped",
    [PAGING_INSIDE_HUGE] = "inside huge",
    [PAGING_RESERVED_SLOT] = "reserved slot",
    [PAGING_MISALIGNED] = "misaligned",
    [PAGING_FRAME_TOO_HIGH] = "frame too high",
    [PAGING_BAD_FLAGS] = "bad flags",
    [PAGING_NOT_SUPPORTED] = "not supported",
    [PAGING_NO_FRAMES] = "no frames",
    [PAGING_BROKEN_SOURCE] = "broken source",
    [PAGING_MALFORMED] = "malformed",
    [PAGING_EMPTY_RANGE] = "empty range",
    [PAGING_RANGE_TOO_LONG] = "range too long",
    [PAGING_NOT_HUGE] = "not huge",
    [PAGING_DENIED] = "denied",
    [PAGING_ACTIVE] = "active",
    [PAGING_NOT_ACTIVE] = "not active",
    [PAGING_UNREACHABLE] = "unreachable",
    [PAGING_ATTACHED] = "attached",
    [PAGING_SLOT_BUSY] = "slot busy",
    [PAGING_SHARED] = "shared",
    [PAGING_BUSY] = "busy",
    [PAGING_UNSORTED] = "unsorted",
    [PAGING_NO_HOLE] = "no hole",
    [PAGING_COPY_NEEDED] = "copy needed",
};

const char *paging_status_name(enum paging_status status)
{
    unsigned index = (unsigned)status;
    return index < PAGING_STATUS_COUNT ? names[index] : "unknown status";
}
