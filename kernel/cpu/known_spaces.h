/* SPDX-License-Identifier: MIT */
/*
 * known_spaces.h - the address spaces whose roots CR3 may hold.
 *
 * A page fault is about the space that is active when it comes, and CR3 says which one that is. So whoever
 * makes a space that CR3 may hold one day adds it here, once, and removes it before it is destroyed; a switch
 * needs no call. For a few spaces: adding and finding look at all of them.
 */
#ifndef KERNEL_CPU_KNOWN_SPACES_H
#define KERNEL_CPU_KNOWN_SPACES_H

#include <selfmap/space.h>

enum { KNOWN_SPACE_LIMIT = 8 };

/*
 * Adds a space, which must not be moved from now on. Does nothing if it is known. Returns false, and adds
 * nothing, if KNOWN_SPACE_LIMIT others are.
 */
PAGING_MUST_CHECK bool known_spaces_add(struct paging_space *space);

/* Removes a space. Does nothing if it is not known. */
void known_spaces_remove(const struct paging_space *space);

/* Removes all spaces except this one. */
void known_spaces_keep_only(struct paging_space *space);

/* Returns the space whose root this value of CR3 holds, or NULL. Its other bits do not matter. */
struct paging_space *known_spaces_find(uint64_t cr3);

#endif
