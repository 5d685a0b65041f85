/* SPDX-License-Identifier: MIT */
/* flush.c - carry out a list of flushes. */
#include "flush.h"

void paging_flush_all(struct paging_space *space)
{
    paging_tlb_flush_all(space->cpu.has_invpcid);
    own_counters(space)->full_flushes++;
}

void paging_carry_out(struct paging_space *space, struct paging_flush_list *list)
{
    if (paging_flush_list_is_all(list)) {
        paging_flush_all(space);
    } else {
        for (unsigned i = 0; i < list->count; i++)
            paging_tlb_flush_page(list->pages[i]);
        own_counters(space)->flushes += list->count;
    }
    flush_begin(list);
}
