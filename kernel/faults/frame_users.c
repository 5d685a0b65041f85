/* SPDX-License-Identifier: MIT */
/* frame_users.c - the table of runs with several users, and the frame source in front of another one. */
#include "faults/frame_users.h"

/* Returns where the frame would be if no other one were in its place. */
static unsigned home_of(const struct frame_users *users, paging_frame_t frame)
{
    return (unsigned)(frame.number * 0x9e3779b97f4a7c15u >> 32) & (users->places - 1);
}

/* Returns the place of the frame, or the free one where it belongs. One place at least is free. */
static unsigned place_of(const struct frame_users *users, paging_frame_t frame)
{
    unsigned place = home_of(users, frame);
    while (users->table[place].users != 0 && users->table[place].frame.number != frame.number)
        place = (place + 1) & (users->places - 1);
    return place;
}

/* Frees a place. What follows without a gap and would not be found any more moves up. */
static void clear_place(struct frame_users *users, unsigned place)
{
    unsigned mask = users->places - 1;
    for (unsigned next = (place + 1) & mask; users->table[next].users != 0; next = (next + 1) & mask) {
        unsigned way = (next - home_of(users, users->table[next].frame)) & mask;
        if (way < ((next - place) & mask))
            continue;
        users->table[place] = users->table[next];
        place = next;
    }
    users->table[place].users = 0;
    users->used--;
}

static struct frame_users *users_of(struct paging_frame_source *source)
{
    return (struct frame_users *)source;
}

static bool reserve(struct paging_frame_source *source, const struct paging_space *space, uint64_t tables,
                    uint64_t pages)
{
    struct frame_users *users = users_of(source);
    users->is_reserved = users->behind->reserve(users->behind, space, tables, pages);
    return users->is_reserved;
}

static void unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    struct frame_users *users = users_of(source);
    users->is_reserved = false;
    users->behind->unreserve(users->behind, space);
}

static bool allocate(struct paging_frame_source *source, const struct paging_space *space,
                     enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    struct paging_frame_source *behind = users_of(source)->behind;
    return behind->allocate(behind, space, use, size, frame);
}

static void release(struct paging_frame_source *source, const struct paging_space *space,
                    enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    struct frame_users *users = users_of(source);
    unsigned place = place_of(users, frame);
    if (users->table[place].users == 0)
        users->behind->release(users->behind, space, use, size, frame);
    else if (--users->table[place].users == 1)
        clear_place(users, place);
}

static void split(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                  paging_frame_t frame)
{
    struct frame_users *users = users_of(source);
    if (frame_users_are_several(users, frame))
        users->refused_cuts++;
    else
        users->behind->split(users->behind, space, size, frame);
}

/* Of the parts, each may have several users. */
static void join(struct paging_frame_source *source, const struct paging_space *space, enum paging_size size,
                 paging_frame_t frame)
{
    struct frame_users *users = users_of(source);
    uint64_t several = 0, step = paging_level_pages(size - 1);
    for (uint64_t i = 0; i < PAGING_TABLE_ENTRIES && users->used > 0; i++)
        several += frame_users_are_several(users, (paging_frame_t){frame.number + i * step});
    if (several > 0)
        users->refused_cuts++;
    else
        users->behind->join(users->behind, space, size, frame);
}

void frame_users_init(struct frame_users *users, struct paging_frame_source *behind,
                      struct frame_count *table, unsigned places)
{
    *users = (struct frame_users){
        .source = {.reserve = reserve,
                   .unreserve = unreserve,
                   .allocate = allocate,
                   .release = release,
                   .split = split,
                   .join = join},
        .behind = behind,
        .table = table,
        .places = places,
    };
    for (unsigned i = 0; i < places; i++)
        table[i] = (struct frame_count){.users = 0};
}

bool frame_users_add(struct frame_users *users, enum paging_size size, paging_frame_t frame)
{
    struct frame_count *count = &users->table[place_of(users, frame)];
    if (count->users == 0) {
        if (users->used + 1 == users->places)
            return false;
        *count = (struct frame_count){.frame = frame, .size = size, .users = 1};
        users->used++;
    }
    count->users++;
    return true;
}

bool frame_users_are_several(const struct frame_users *users, paging_frame_t frame)
{
    return users->table[place_of(users, frame)].users != 0;
}
