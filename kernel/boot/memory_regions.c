/* SPDX-License-Identifier: MIT */
/* memory_regions.c - normalises the map, then excludes. */
#include "boot/memory_regions.h"

enum memory_map_status memory_regions_find(struct handoff *handoff, size_t *count)
{
    const struct options *options = &handoff->options;
    size_t found;
    enum memory_map_status status = memory_map_normalise(handoff->descriptors, handoff->descriptor_count,
                                                         handoff->space.cpu.physical_bits, handoff->edges,
                                                         handoff->memory, handoff->memory_capacity, &found);
    if (status == MEMORY_MAP_OK && !memory_exclude(handoff->memory, &found, handoff->memory_capacity,
                                                   options->exclude, options->exclude_count))
        status = MEMORY_MAP_NO_SPACE;
    if (status == MEMORY_MAP_OK)
        *count = found;
    return status;
}
