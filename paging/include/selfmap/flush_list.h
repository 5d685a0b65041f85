/* SPDX-License-Identifier: MIT */
/*
 * flush_list.h - what TLBs may still hold of entries that an operation has changed, as data.
 *
 * Every operation that removes or changes what may be cached goes three steps: it writes the entries and
 * appends to a list what they translated; it carries the list out; and only then does it give back the frames
 * and tables that went, and make their entries unused. The list has:
 *
 *   pages    one address of each page that went or changed. The flush of any address of a huge page removes
 *            all of it (SDM 3A, 4.10.4.1)
 *   windows  among the pages: the page of each table that went, in every window that shows it (window.h);
 *            after a huge page also the window pages of the tables that were not there, which showed the
 *            start of the huge page. A space that lives through a direct map has none of them
 *   all      in place of more than PAGING_FLUSH_LIMIT addresses: everything, global pages included
 *
 * Flushing an address also removes the cached upper-level entries (SDM 3A, 4.10.4.1), so each table that went
 * has an address in the list that does so: its window page, or in the other life a page that was below it.
 *
 * Today the processor that changes a space is the only one that uses it, and carries the list out itself. The
 * list is what it would have to send to another one. That one flushes the same addresses, or everything, and
 * acknowledges; until all have done so, frames stay with the core, and entries stay as they are. If `tables`
 * is set, or the list stands for everything, tables went: then a processor must not acknowledge in the middle
 * of a walk of its own through them, and one that idles with these tables in CR3 must be told, too, because
 * it walks them speculatively.
 */
#ifndef SELFMAP_FLUSH_LIST_H
#define SELFMAP_FLUSH_LIST_H

#include <selfmap/address.h>

/* Of more addresses than this, one full flush costs less than flushing them one by one. */
#define PAGING_FLUSH_LIMIT 32u

/* All of it is the core's to write. */
struct paging_flush_list {
    unsigned count; /* of addresses; PAGING_FLUSH_LIMIT + 1 stands for everything */
    bool tables;    /* some of them are there because tables went, or a window shows other ones now */
    paging_virt_t pages[PAGING_FLUSH_LIMIT];
};

static inline bool paging_flush_list_is_all(const struct paging_flush_list *list)
{
    return list->count > PAGING_FLUSH_LIMIT;
}

#endif
