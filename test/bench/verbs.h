/*
 * verbs.h - the three verbs that are measured page by page, and the same three written by hand.
 *
 * The loops of works.c call through one of these structs, so the core, the limit and the empty verbs, which
 * show what the loop itself costs, are measured with the same loop.
 *
 * The limit for these verbs is a bare walk: the checks that the headers promise, one load and one comparison
 * per level, the leaf. It keeps no counts and gives no tables back. There is one for each world, with all
 * that a world fixes as constants.
 */
#ifndef BENCH_VERBS_H
#define BENCH_VERBS_H

#include "paging/mapper.h"
#include "paging/translate.h"

struct verbs {
    enum paging_status (*map_to)(struct address_space *space, page_t page, frame_t frame, uint64_t flags,
                                 struct frame_source *frames);
    enum paging_status (*translate)(const struct address_space *space, virt_addr_t address,
                                    struct paging_translation *translation);
    enum paging_status (*unmap)(struct address_space *space, page_t page, struct frame_source *frames,
                                struct paging_unmapped *unmapped);
};

extern const struct verbs core_verbs;
extern const struct verbs empty_verbs;

/* For the world that the space is in now. */
const struct verbs *bare_verbs(const struct address_space *space);

#endif
