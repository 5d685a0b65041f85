/* flush.c - the only place that flushes. */
#include "flush.h"

void paging_flush_page(struct paging_space *space, paging_virt_t address)
{
    paging_tlb_flush_page(address);
    space->flushes++;
}

void paging_flush_all(struct paging_space *space)
{
    paging_tlb_flush_all(space->cpu.has_invpcid);
    space->full_flushes++;
}

void paging_flush_now(struct paging_space *space, struct flush_batch *batch)
{
    if (!flush_is_full(batch)) {
        for (unsigned i = 0; i < batch->count; i++)
            paging_flush_page(space, batch->pages[i]);
    } else {
        paging_flush_all(space);
    }
}
