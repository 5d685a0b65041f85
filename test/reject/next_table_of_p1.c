/* SPDX-License-Identifier: MIT */
/* A P1's entries map pages: no table is below one. expect: _Generic */
#include "kernel/selftest/typed_tables.h"

void *attempt(const struct paging_space *space, struct p2_table *p2, struct p1_table *p1);

void *attempt(const struct paging_space *space, struct p2_table *p2, struct p1_table *p1)
{
#ifdef REJECT
    (void)p2;
    return next_table(space, p1, 0);
#else
    (void)p1;
    return next_table(space, p2, 0);
#endif
}
