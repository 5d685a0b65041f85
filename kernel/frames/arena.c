/* SPDX-License-Identifier: MIT */
/* arena.c - hands out frames from the bottom up. */
#include "frames/arena.h"

static bool arena_reserve(struct paging_frame_source *source, const struct paging_space *space,
                          uint64_t tables, uint64_t pages)
{
    struct arena *arena = (struct arena *)source;
    (void)space;
    return arena->end.number - arena->next.number >= tables + pages;
}

/* Nothing to do: until CR3 is loaded, there is one processor, and one operation at a time. */
static void arena_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source, (void)space;
}

static bool arena_allocate(struct paging_frame_source *source, const struct paging_space *space,
                           enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    (void)space, (void)use;
    struct arena *arena = (struct arena *)source;
    if (size != PAGING_4K || arena->next.number == arena->end.number)
        return false;
    *frame = (paging_frame_t){arena->next.number++};
    return true;
}

static void arena_release(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)space, (void)use;
    struct arena *arena = (struct arena *)source;
    if (frame.number + paging_level_pages(size) == arena->next.number)
        arena->next = frame;
    else
        arena->lost += paging_level_pages(size);
}

/* Nothing to do: the arena notes no sizes, so a run joined of single frames can come back as one. */
static void arena_split_or_join(struct paging_frame_source *source, const struct paging_space *space,
                                enum paging_size size, paging_frame_t frame)
{
    (void)source, (void)space, (void)size, (void)frame;
}

void arena_start(struct arena *arena, paging_frame_t start, paging_frame_t end)
{
    *arena = (struct arena){
        .source = {.reserve = arena_reserve,
                   .unreserve = arena_unreserve,
                   .allocate = arena_allocate,
                   .release = arena_release,
                   .split = arena_split_or_join,
                   .join = arena_split_or_join},
        .start = start,
        .next = start,
        .end = end,
    };
}
