/* SPDX-License-Identifier: MIT */
/*
 * frame_users.h - a frame source that knows how many pages own a frame.
 *
 * It stands in front of another source. A run of frames has one user when it is handed out. With each further
 * one it has to be released once more, and only the last release reaches the source behind. Runs with several
 * users are in a table, an open-addressed hash, whose memory is the caller's; all others cost nothing.
 *
 *     core ----> frame_users ----> the frame allocator
 *                 | table: frame, size, users (2 and more)
 */
#ifndef KERNEL_FAULTS_FRAME_USERS_H
#define KERNEL_FAULTS_FRAME_USERS_H

#include <selfmap/frame_source.h>

/* A run with several users; users is 0 in a place of the table that is free. */
struct frame_count {
    paging_frame_t frame;
    uint32_t size; /* enum paging_size */
    uint32_t users;
};

struct frame_users {
    struct paging_frame_source source; /* hand &users->source to the core */
    struct paging_frame_source *behind;
    struct frame_count *table;
    unsigned places, used;
    bool is_reserved;      /* an operation has reserved frames and is not over */
    uint64_t refused_cuts; /* splits and joins of runs with several users. Stays 0 */
};

/*
 * Begins without any run of several users. `table` has `places` elements, a power of two; it holds up to
 * places - 1 runs.
 */
void frame_users_init(struct frame_users *users, struct paging_frame_source *behind,
                      struct frame_count *table, unsigned places);

/*
 * Adds a user to a run that was handed out with this size. Returns false, with nothing changed, if the table
 * is full. As long as it has several users the run must be neither split nor joined, because it cannot be
 * counted in parts: unmap it whole.
 */
PAGING_MUST_CHECK bool frame_users_add(struct frame_users *users, enum paging_size size,
                                       paging_frame_t frame);

/* Returns whether the run that begins with this frame has several users. */
bool frame_users_are_several(const struct frame_users *users, paging_frame_t frame);

#endif
