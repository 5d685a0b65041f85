/* SPDX-License-Identifier: MIT */
/* known_spaces.c - a list in an array, in no order. */
#include "cpu/known_spaces.h"

static struct {
    struct paging_space *spaces[KNOWN_SPACE_LIMIT];
    unsigned count;
} known;

/* Returns the number of the space, or the count if it is not known. */
static unsigned number_of(const struct paging_space *space)
{
    unsigned i = 0;
    while (i < known.count && known.spaces[i] != space)
        i++;
    return i;
}

bool known_spaces_add(struct paging_space *space)
{
    if (number_of(space) < known.count)
        return true;
    if (known.count == KNOWN_SPACE_LIMIT)
        return false;
    known.spaces[known.count++] = space;
    return true;
}

void known_spaces_remove(const struct paging_space *space)
{
    unsigned i = number_of(space);
    if (i < known.count)
        known.spaces[i] = known.spaces[--known.count];
}

void known_spaces_keep_only(struct paging_space *space)
{
    bool is_known = number_of(space) < known.count;
    known.count = 0;
    if (is_known)
        known.spaces[known.count++] = space;
}

struct paging_space *known_spaces_find(uint64_t cr3)
{
    for (unsigned i = 0; i < known.count; i++)
        if (paging_root_address(known.spaces[i]).value == (cr3 & PAGING_FRAME_MASK))
            return known.spaces[i];
    return NULL;
}
