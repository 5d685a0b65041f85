/* SPDX-License-Identifier: MIT */
/* own_blocks.c - adds to the list, searches it, and puts it into the memory map. */
#include "boot/own_blocks.h"

bool own_blocks_add(struct handoff *handoff, const char *name, uint64_t start, uint64_t bytes, bool is_taken)
{
    if (handoff->own_count == OWN_BLOCK_LIMIT || bytes > UINT64_MAX - start)
        return false;
    struct frame_run run = frame_run_around(start, start + bytes);
    handoff->own[handoff->own_count++] =
        (struct own_block){.name = name, .start = {run.start}, .end = {run.end}, .is_taken = is_taken};
    return true;
}

const struct own_block *own_blocks_find(const struct handoff *handoff, uint64_t start, uint64_t bytes)
{
    uint64_t end = bytes > UINT64_MAX - start ? UINT64_MAX : start + bytes;
    struct frame_run run = frame_run_around(start, end);
    for (unsigned i = 0; i < handoff->own_count; i++)
        if (run.start < handoff->own[i].end.number && handoff->own[i].start.number < run.end)
            return &handoff->own[i];
    return NULL;
}

void own_blocks_describe(struct handoff *handoff)
{
    for (unsigned i = 0; i < handoff->own_count; i++)
        handoff->descriptors[handoff->descriptor_count++] = (struct memory_descriptor){
            .start = paging_frame_start(handoff->own[i].start).value,
            .page_count = handoff->own[i].end.number - handoff->own[i].start.number,
            .kind = MEMORY_OWN,
        };
}
