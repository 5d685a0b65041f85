/* SPDX-License-Identifier: MIT */
/*
 * page_walk.h - entries and rights in words: the way of the processor to a page, and what lies around it.
 *
 * For reports of page faults. Entries are loaded by guarded loads only (selfmap/guarded_load.h), so the
 * functions may be called whatever has been interrupted; what cannot be loaded is left out.
 */
#ifndef KERNEL_CPU_PAGE_WALK_H
#define KERNEL_CPU_PAGE_WALK_H

#include "console/format.h"
#include <selfmap/translate.h>

/* Returns WRITABLE, USER and NO_EXECUTE of a walk to a page, as they take effect (SDM 3A, 4.6.1). */
uint64_t page_walk_rights(const struct paging_walk_result *walk);

/* Writes what these bits allow: "supervisor, read-only, no-execute". */
void write_rights(struct format_sink *sink, uint64_t bits);

/*
 * Writes a line for each entry on the way to the address, and if a page is there, one for the rights and the
 * caching that take effect. The caching is named by the core's PAT (PAGING_PAT_OF_THE_CORE).
 *
 *   walk: P4[  0] = 000000001dc12027  table, user, writable, executable
 *   walk: P3[  0] = 000000001dc13027  table, user, writable, executable
 *   walk: P2[238] = 000000001dc19027  table, user, writable, executable
 *   walk: P1[146] = 800000001de92061  4 KiB, supervisor, read-only, no-execute
 *   effective: supervisor, read-only, no-execute, write-back
 */
void write_page_walk(struct format_sink *sink, const struct paging_space *space, paging_virt_t address);

enum { NEIGHBOUR_STEPS = 4096 };

/*
 * Writes a line each for the mapped run that the address lies in, or for none, and for the nearest ones below
 * and above it in the same half. A run is pages next to each other with the same rights and the same name.
 * `name_at` returns what is known to be at a mapped address, or NULL.
 *
 *   below: image: code, 1dd8a000..1ddcd000, supervisor, read-only, executable
 *   above: stack and hand-over, 1de94000..1dea4000, supervisor, writable, no-execute
 *
 * The run around the address is called "here". What lies below reserved root slots is passed over. Each
 * search looks at NEIGHBOUR_STEPS entries at most: where that finds nothing, there is no line, and of a run
 * that may be longer the line says "or more".
 */
void write_neighbours(struct format_sink *sink, const struct paging_space *space, paging_virt_t address,
                      const char *(*name_at)(paging_virt_t address));

#endif
