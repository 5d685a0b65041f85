/* probe.c - see interrupts.S for the access itself. */
#include "probe.h"

void probe_access(struct probe *probe, enum probe_kind kind, virt_addr_t address, uint64_t value)
    __attribute__((visibility("hidden")));

static struct probe *volatile under_way;

struct probe *probe_under_way(void)
{
    return under_way;
}

static struct probe run(enum probe_kind kind, virt_addr_t address, uint64_t value)
{
    struct probe probe = {0};
    under_way = &probe;
    probe_access(&probe, kind, address, value);
    under_way = NULL;
    return probe;
}

struct probe probe_read(virt_addr_t address)
{
    return run(PROBE_READ, address, 0);
}

struct probe probe_write(virt_addr_t address, uint64_t value)
{
    return run(PROBE_WRITE, address, value);
}

struct probe probe_fetch(virt_addr_t address)
{
    return run(PROBE_FETCH, address, 0);
}
