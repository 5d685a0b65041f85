/* flush.c - the only place that flushes. */
#include "flush.h"

void flush_page(struct address_space *space, virt_addr_t address)
{
    tlb_flush_page(address);
    space->flushes++;
}

void flush_everything(struct address_space *space)
{
    tlb_flush_all(space->cpu.has_invpcid);
    space->full_flushes++;
}

void flush_now(struct address_space *space, struct flush_batch *batch)
{
    if (!flush_is_full(batch)) {
        for (unsigned i = 0; i < batch->count; i++)
            flush_page(space, batch->pages[i]);
    } else {
        flush_everything(space);
    }
}
