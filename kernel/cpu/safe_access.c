/* safe_access.c - see interrupts.S for the access itself. */
#include "cpu/safe_access.h"

void safe_access_asm(struct safe_access *probe, enum safe_access_kind kind, paging_virt_t address,
                     uint64_t value) __attribute__((visibility("hidden")));

static struct safe_access *volatile under_way;

struct safe_access *safe_access_current(void)
{
    return under_way;
}

static struct safe_access run(enum safe_access_kind kind, paging_virt_t address, uint64_t value)
{
    struct safe_access probe = {0};
    under_way = &probe;
    safe_access_asm(&probe, kind, address, value);
    under_way = NULL;
    return probe;
}

struct safe_access safe_read(paging_virt_t address)
{
    return run(SAFE_READ, address, 0);
}

struct safe_access safe_write(paging_virt_t address, uint64_t value)
{
    return run(SAFE_WRITE, address, value);
}

struct safe_access safe_fetch(paging_virt_t address)
{
    return run(SAFE_FETCH, address, 0);
}
