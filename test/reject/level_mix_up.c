/* SPDX-License-Identifier: MIT */
/* What lies below a P4 is a P3 and nothing else. expect: incompatible.pointer */
#include "kernel/selftest/typed_tables.h"

void attempt(const struct paging_space *space, struct p4_table *p4);

void attempt(const struct paging_space *space, struct p4_table *p4)
{
#ifdef REJECT
    struct p2_table *below = next_table(space, p4, 0);
#else
    struct p3_table *below = next_table(space, p4, 0);
#endif
    (void)below;
}
