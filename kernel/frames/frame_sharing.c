/* SPDX-License-Identifier: MIT */
/* frame_sharing.c - count the owners of frames. */
#include "frames/frame_sharing.h"

static bool is_in_run(const struct frames_sharing *sharing, enum paging_size size, paging_frame_t frame)
{
    uint64_t frames = sharing->end.number - sharing->start.number, count = paging_level_pages(size);
    uint64_t at = frame.number - sharing->start.number; /* of one before the start it is too large */
    return at < frames && count <= frames - at;
}

/* Returns the number of a frame of the run. */
static uint16_t *owners_of(const struct frames_sharing *sharing, paging_frame_t frame)
{
    return &sharing->owners[frame.number - sharing->start.number];
}

/* Returns whether the frames of a run of this size, all or none of them, are counted. */
static bool is_counted(const struct frames_sharing *sharing, enum paging_size size, paging_frame_t frame)
{
    return is_in_run(sharing, size, frame) && *owners_of(sharing, frame) > 0;
}

static paging_frame_t frame_after(paging_frame_t frame, uint64_t count)
{
    return PAGING_MAKE(paging_frame_t, frame.number + count);
}

/* ---- passed on ---- */

static bool sharing_reserve(struct paging_frame_source *source, const struct paging_space *space,
                            uint64_t tables, uint64_t pages)
{
    struct frames_sharing *sharing = (struct frames_sharing *)source;
    sharing->is_reserved = sharing->behind->reserve(sharing->behind, space, tables, pages);
    return sharing->is_reserved;
}

static void sharing_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    struct frames_sharing *sharing = (struct frames_sharing *)source;
    sharing->is_reserved = false;
    sharing->behind->unreserve(sharing->behind, space);
}

static bool sharing_allocate(struct paging_frame_source *source, const struct paging_space *space,
                             enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    struct paging_frame_source *behind = ((struct frames_sharing *)source)->behind;
    return behind->allocate(behind, space, use, size, frame);
}

/* ---- shared ---- */

/* Begins to count the frames of a run, each of which is a single one to the source behind from now on. */
static void begin_to_count(const struct frames_sharing *sharing, const struct paging_space *space,
                           enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K) {
        *owners_of(sharing, frame) = 1;
        return;
    }
    enum paging_size part = (enum paging_size)(size - 1);
    sharing->behind->split(sharing->behind, space, size, frame);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++)
        begin_to_count(sharing, space, part, frame_after(frame, i * paging_level_pages(part)));
}

/* A function of its own, so that sharing a single frame saves no register. */
__attribute__((noinline)) static bool share_run(const struct frames_sharing *sharing,
                                                const struct paging_space *space, enum paging_size size,
                                                paging_frame_t frame)
{
    uint64_t count = paging_level_pages(size);
    if (!is_in_run(sharing, size, frame))
        return false;
    uint16_t *owners = owners_of(sharing, frame);
    for (uint64_t i = 0; i < count; i++)
        if (owners[i] == FRAMES_MOST_OWNERS)
            return false;
    if (*owners == 0)
        begin_to_count(sharing, space, size, frame);
    for (uint64_t i = 0; i < count; i++)
        owners[i]++;
    return true;
}

static bool sharing_share(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_size size, paging_frame_t frame)
{
    const struct frames_sharing *sharing = (const struct frames_sharing *)source;
    if (size != PAGING_4K || !is_in_run(sharing, PAGING_4K, frame))
        return share_run(sharing, space, size, frame);
    uint16_t *owners = owners_of(sharing, frame);
    if (*owners == FRAMES_MOST_OWNERS)
        return false;
    *owners = (uint16_t)(*owners + (*owners == 0 ? 2 : 1));
    return true;
}

static bool sharing_is_shared(struct paging_frame_source *source, const struct paging_space *space,
                              enum paging_size size, paging_frame_t frame)
{
    const struct frames_sharing *sharing = (const struct frames_sharing *)source;
    (void)space;
    if (!is_counted(sharing, size, frame))
        return false;
    const uint16_t *owners = owners_of(sharing, frame);
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        if (owners[i] > 1)
            return true;
    return false;
}

static void sharing_release(struct paging_frame_source *source, const struct paging_space *space,
                            enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    const struct frames_sharing *sharing = (const struct frames_sharing *)source;
    struct paging_frame_source *behind = sharing->behind;
    if (use == PAGING_FRAME_FOR_TABLE || !is_counted(sharing, size, frame)) {
        behind->release(behind, space, use, size, frame);
        return;
    }
    uint16_t *owners = owners_of(sharing, frame);
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        if (--owners[i] == 0)
            behind->release(behind, space, use, PAGING_4K, frame_after(frame, i));
}

/* ---- larger and smaller: what is counted is split already in the source behind ---- */

static void sharing_split(struct paging_frame_source *source, const struct paging_space *space,
                          enum paging_size size, paging_frame_t frame)
{
    const struct frames_sharing *sharing = (const struct frames_sharing *)source;
    if (!is_counted(sharing, size, frame))
        sharing->behind->split(sharing->behind, space, size, frame);
}

/* The parts of the run may have been shared, each as a whole. They are not any more (frame_source.h). */
static void sharing_join(struct paging_frame_source *source, const struct paging_space *space,
                         enum paging_size size, paging_frame_t frame)
{
    const struct frames_sharing *sharing = (const struct frames_sharing *)source;
    enum paging_size size_of_part = (enum paging_size)(size - 1);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES; i++) {
        paging_frame_t part = frame_after(frame, i * paging_level_pages(size_of_part));
        if (!is_counted(sharing, size_of_part, part))
            continue;
        if (size_of_part > PAGING_4K)
            sharing_join(source, space, size_of_part, part);
        else
            *owners_of(sharing, part) = 0;
    }
    sharing->behind->join(sharing->behind, space, size, frame);
}

void frames_sharing_init(struct frames_sharing *sharing, struct paging_frame_source *behind, uint16_t *owners,
                         paging_frame_t start, paging_frame_t end)
{
    *sharing = (struct frames_sharing){.source = {.reserve = sharing_reserve,
                                                  .unreserve = sharing_unreserve,
                                                  .allocate = sharing_allocate,
                                                  .release = sharing_release,
                                                  .split = sharing_split,
                                                  .join = sharing_join,
                                                  .share = sharing_share,
                                                  .is_shared = sharing_is_shared},
                                       .behind = behind,
                                       .owners = owners,
                                       .start = start,
                                       .end = end};
    for (uint64_t i = 0; i < end.number - start.number; i++)
        owners[i] = 0;
}
