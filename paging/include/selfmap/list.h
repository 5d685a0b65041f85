/* SPDX-License-Identifier: MIT */
/*
 * list.h - change or ask about many single pages in one call.
 *
 * A list is an array of pages in strictly ascending order, so that no page is in it twice and those next to
 * each other share one walk: a list of pages in few P1s costs about a third of the single calls. The other
 * arrays have an element for each page, in the same order. A list of no pages is done at once.
 *
 * The operations that change something are all-or-nothing: each checks the whole list first, makes sure of
 * every frame that it will need, and only then writes. After every single store each address translates as
 * before or as after the call. On each status except PAGING_OK nothing has changed, and the status is about
 * the first page of the list that is refused. The one exception is PAGING_BROKEN_SOURCE (frame_source.h):
 * then the first pages of the list may be done.
 *
 *   PAGING_UNSORTED   a page is not above the one before it
 */
#ifndef SELFMAP_LIST_H
#define SELFMAP_LIST_H

#include <selfmap/map.h>

PAGING_BEGIN_C

/*
 * Maps each of the `count` pages to the frame in `to`, all with the same flags, as paging_map_to does:
 * PAGING_REPLACE_MARKER is among the flags, and the statuses are the same. Exactly the missing tables are
 * reserved, once. Nothing is flushed except the scratch page.
 */
PAGING_MUST_CHECK enum paging_status paging_map_list(struct paging_space *space, const paging_page_t *pages,
                                                     const paging_frame_t *to, uint64_t count, uint64_t flags,
                                                     struct paging_frame_source *frames);

/*
 * Maps each of the `count` pages to a frame from the source with `flags`, as paging_map does. Nothing is
 * flushed except the scratch page.
 */
PAGING_MUST_CHECK enum paging_status paging_map_list_alloc(struct paging_space *space,
                                                           const paging_page_t *pages, uint64_t count,
                                                           uint64_t flags,
                                                           struct paging_frame_source *frames);

/*
 * Removes the leaf that begins at each of the `count` pages, whatever its size, as paging_unmap does, with
 * the same statuses, and the tables that become empty. What was removed is stored in `unmapped`, an element
 * for each page, or nowhere if that is NULL.
 *
 * There is one flush for the whole list: each page and window by itself if they are at most
 * PAGING_FLUSH_LIMIT (flush_list.h), otherwise everything. Only then do owned frames and tables go back. The
 * entries themselves name them until then, so the list may have any length.
 */
PAGING_MUST_CHECK enum paging_status paging_unmap_list(struct paging_space *space, const paging_page_t *pages,
                                                       uint64_t count, struct paging_frame_source *frames,
                                                       struct paging_unmapped *unmapped);

/* What a page leads to. Without PAGING_OK, only the status is filled in. */
struct paging_page_translation {
    enum paging_status status; /* as of paging_translate, or PAGING_BAD_PAGE */
    enum paging_size size;     /* of the leaf */
    paging_frame_t frame;      /* of the page itself, also inside a huge leaf */
    uint64_t flags;            /* as paging_translate reports them */
    bool owned;
};

/*
 * Stores for each of the `count` pages what paging_translate says of its first byte. Changes nothing. The
 * list may be in any order; pages of one P1 next to each other share a walk.
 *
 *   PAGING_UNREACHABLE   the only status except PAGING_OK; nothing is stored
 */
PAGING_MUST_CHECK enum paging_status paging_translate_list(const struct paging_space *space,
                                                           const paging_page_t *pages, uint64_t count,
                                                           struct paging_page_translation *translations);

PAGING_END_C

#endif
