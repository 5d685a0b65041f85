/* SPDX-License-Identifier: MIT */
/* page_walk.c - the entries that the processor meets on its way to a page, in words. */
#include "cpu/page_walk.h"

uint64_t page_walk_rights(const struct paging_walk_result *walk)
{
    uint64_t granted = PAGING_WRITABLE | PAGING_USER, denied = 0;
    for (unsigned level = walk->level; level <= walk->top; level++) {
        granted &= walk->entries[level].bits;
        denied |= walk->entries[level].bits & PAGING_NO_EXECUTE;
    }
    return granted | denied;
}

void write_rights(struct format_sink *sink, uint64_t bits)
{
    format(sink, "%s, %s, %s", bits & PAGING_USER ? "user" : "supervisor",
           bits & PAGING_WRITABLE ? "writable" : "read-only",
           bits & PAGING_NO_EXECUTE ? "no-execute" : "executable");
}

/* Returns the name of what the core's PAT makes of a leaf's caching flags. */
static const char *caching_of(const struct paging_walk_result *walk)
{
    static const char *const kinds[] = {"write-back", "write-through", "uncached-minus", "write-combining",
                                        "write-back", "write-through", "uncached-minus", "uncached"};
    uint64_t flags = paging_leaf_flags(walk->entries[walk->level], walk->level);
    return kinds[(flags & PAGING_PAT ? 4 : 0) | (flags >> 3 & 3)];
}

/* Writes what the last entry of the walk is, from which `status` follows. */
static void write_last(struct format_sink *sink, enum paging_status status,
                       const struct paging_walk_result *walk)
{
    static const char *const sizes[] = {[PAGING_4K] = "4 KiB", [PAGING_2M] = "2 MiB", [PAGING_1G] = "1 GiB"};
    paging_entry_t entry = walk->entries[walk->level];
    if (status == PAGING_OK) {
        format(sink, "%s, ", sizes[walk->level]);
        write_rights(sink, entry.bits);
    } else if (status == PAGING_MARKED) {
        format(sink, "a marker, value %lx", paging_marker_value(entry));
    } else {
        format(sink, "%s", paging_status_name(status));
    }
}

void write_page_walk(struct format_sink *sink, const struct paging_space *space, paging_virt_t address)
{
    struct paging_walk_result walk;
    enum paging_status status = paging_walk_address(space, address, &walk);
    if (status == PAGING_NOT_CANONICAL || status == PAGING_UNREACHABLE)
        return;
    paging_page_t page = paging_page_at(space->cpu.levels, address);
    for (unsigned level = walk.top; level >= walk.level; level--) {
        format(sink, "walk: P%u[%3u] = %016lx  ", level, paging_page_index(page, level),
               walk.entries[level].bits);
        if (level > walk.level) {
            format(sink, "table, ");
            write_rights(sink, walk.entries[level].bits);
        } else {
            write_last(sink, status, &walk);
        }
        format(sink, "\n");
    }
    if (status != PAGING_OK)
        return;
    format(sink, "effective: ");
    write_rights(sink, page_walk_rights(&walk));
    format(sink, ", %s\n", caching_of(&walk));
}
