/* SPDX-License-Identifier: MIT */
/*
 * operations.h - the operations that are measured page by page or list by list, and the same written by hand.
 *
 * The loops of works.c call through one of these structs, so the core, the limit and the empty operations,
 * which show what the loop itself costs, are measured with the same loop.
 *
 * The limit for these operations is a bare walk: the checks that the headers promise, one load and one
 * comparison per level, the leaf. It keeps no counts and gives no tables back. On a list it walks once for
 * the pages of a P1 that follow each other, and writes as it checks: it is not all-or-nothing. There is one
 * for each world, with all that a world fixes as constants.
 */
#ifndef TEST_BENCH_OPERATIONS_H
#define TEST_BENCH_OPERATIONS_H

#include <selfmap/list.h>
#include <selfmap/translate.h>

struct operations {
    enum paging_status (*map_to)(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                 uint64_t flags, struct paging_frame_source *frames);
    enum paging_status (*translate)(const struct paging_space *space, paging_virt_t address,
                                    struct paging_translation *translation);
    enum paging_status (*unmap)(struct paging_space *space, paging_page_t page,
                                struct paging_frame_source *frames, struct paging_unmapped *unmapped);
    enum paging_status (*map_list)(struct paging_space *space, const paging_page_t *pages,
                                   const paging_frame_t *to, uint64_t count, uint64_t flags,
                                   struct paging_frame_source *frames);
    enum paging_status (*translate_list)(const struct paging_space *space, const paging_page_t *pages,
                                         uint64_t count, struct paging_page_translation *translations);
    enum paging_status (*unmap_list)(struct paging_space *space, const paging_page_t *pages, uint64_t count,
                                     struct paging_frame_source *frames, struct paging_unmapped *unmapped);
};

extern const struct operations core_operations;
extern const struct operations empty_operations;

/* For the world that the space is in now. */
const struct operations *bare_operations(const struct paging_space *space);

#endif
