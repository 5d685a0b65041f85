/* SPDX-License-Identifier: MIT */
/* tree.h - prints the tables of a space with four levels. */
#ifndef LINUX_TREE_H
#define LINUX_TREE_H

#include <selfmap/space.h>

/* Prints lines that begin with "# ", and stores how many tables there are. PAGING_UNREACHABLE. */
enum paging_status print_tree(const struct paging_space *space, uint64_t *tables);

#endif
