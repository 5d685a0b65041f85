/* A P1's entries map pages: there is no table below one. expect: _Generic */
#include "paging/table.h"

void *attempt(const struct address_space *space, struct p2_table *p2, struct p1_table *p1);

void *attempt(const struct address_space *space, struct p2_table *p2, struct p1_table *p1)
{
#ifdef REJECT
    (void)p2;
    return next_table(space, p1, 0);
#else
    (void)p1;
    return next_table(space, p2, 0);
#endif
}
