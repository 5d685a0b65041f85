/*
 * runtime_memory.h - which memory runtime services need, and with what rights (UEFI 2.10, 2.3.4).
 *
 * For both halves: the loader maps what the first memory map says, the kernel what the last one adds.
 */
#ifndef KERNEL_BOOT_RUNTIME_MEMORY_H
#define KERNEL_BOOT_RUNTIME_MEMORY_H

#include "frames/memory_map.h"
#include <selfmap/entry.h>

static inline bool memory_region_is_runtime(const struct memory_region *region)
{
    const uint64_t needs_mapping = (uint64_t)1 << 63; /* EFI_MEMORY_RUNTIME */
    return (region->attributes & needs_mapping) || region->kind == MEMORY_RUNTIME_CODE ||
           region->kind == MEMORY_RUNTIME_DATA;
}

/* Runtime code keeps its data beside it, so it has to be writable. Registers are not cached. */
static inline uint64_t memory_region_runtime_flags(const struct memory_region *region)
{
    return PAGING_WRITABLE | (region->kind == MEMORY_RUNTIME_CODE ? 0 : PAGING_NO_EXECUTE) |
           (region->kind == MEMORY_MMIO ? PAGING_CACHE_UNCACHED_MINUS : 0);
}

#endif
