/* SPDX-License-Identifier: MIT */
/* describe.c - findings in words. */
#include "audit/runs.h"

static const char *type_name(unsigned type)
{
    static const char *const names[8] = {
        [PAGING_TYPE_UNCACHED] = "uncached",           [PAGING_TYPE_WRITE_COMBINING] = "write-combining",
        [PAGING_TYPE_WRITE_THROUGH] = "write-through", [PAGING_TYPE_WRITE_PROTECTED] = "write-protected",
        [PAGING_TYPE_WRITE_BACK] = "write-back",       [PAGING_TYPE_UNCACHED_MINUS] = "uncached-minus",
    };
    return names[type] ? names[type] : "reserved type";
}

/* Writes "000000001de52000 rw- write-back". */
static void describe_mapping(const struct audit *audit, paging_page_t page, uint64_t flags,
                             struct format_sink *sink)
{
    format(sink, "%016lx r%c%c%s %s", paging_page_start(audit->levels, page).value,
           flags & PAGING_WRITABLE ? 'w' : '-', flags & PAGING_NO_EXECUTE ? '-' : 'x',
           flags & PAGING_USER ? " user" : "", type_name(audit_memory_type(audit, flags)));
}

void audit_describe(const struct audit *audit, const struct audit_finding *finding, struct format_sink *sink)
{
    static const char *const sentences[AUDIT_KINDS] = {
        [AUDIT_WRITABLE_EXECUTABLE] = "can be written and executed",
        [AUDIT_USER] = "can be reached from ring 3",
        [AUDIT_OTHER_TYPE] = "is mapped with another memory type as well",
        [AUDIT_WIDER_RIGHTS] = "is mapped with fewer rights as well",
        [AUDIT_TABLE] = "is a page table",
        [AUDIT_FREE_FRAME] = "is free, and may be handed out",
    };
    uint64_t count = finding->frames.end - finding->frames.start;
    describe_mapping(audit, finding->page, finding->flags, sink);
    if (count == 1)
        format(sink, ", frame %lx, ", finding->frames.start);
    else
        format(sink, ", frames %lx..%lx, ", finding->frames.start, finding->frames.end);
    format(sink, "%s", sentences[finding->kind]);
    if (!finding->has_other)
        return;
    format(sink, ": ");
    describe_mapping(audit, finding->other, finding->other_flags, sink);
}

void audit_describe_extent(const struct audit *audit, struct format_sink *sink)
{
    format(sink, "%lu tables of %u space%s, %lu pages in %lu runs%s", audit->tables, audit->spaces,
           audit->spaces == 1 ? "" : "s", audit->pages, (uint64_t)audit->run_count,
           audit->judges_execution ? "" : ", without no-execute");
}
