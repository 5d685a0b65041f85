/* SPDX-License-Identifier: MIT */
/*
 * usable_memory.c - the table of kinds, excluded ranges, and the runs that are handed out.
 */
#include "frames/usable_memory.h"

#define EFI_MEMORY_SP 0x40000ull

/*
 * Splits the usable region that the frame lies inside of, if there is one. Returns false if it does not fit.
 */
static bool split_region_at(struct memory_region *regions, size_t *count, size_t capacity, uint64_t frame)
{
    size_t at = 0;
    while (at < *count && regions[at].end.number <= frame)
        at++;
    if (at == *count || regions[at].start.number >= frame || !memory_kind_is_usable(regions[at].kind))
        return true;
    if (*count == capacity)
        return false;
    for (size_t i = (*count)++; i > at; i--)
        regions[i] = regions[i - 1];
    regions[at].end.number = frame;
    regions[at + 1].start.number = frame;
    return true;
}

enum memory_kind memory_kind_from_uefi(uint32_t type, uint64_t attributes)
{
    static const unsigned char kinds[] = {
        MEMORY_RESERVED,     /* EfiReservedMemoryType */
        MEMORY_LOADER,       /* EfiLoaderCode */
        MEMORY_LOADER,       /* EfiLoaderData */
        MEMORY_BOOT,         /* EfiBootServicesCode */
        MEMORY_BOOT,         /* EfiBootServicesData */
        MEMORY_RUNTIME_CODE, /* EfiRuntimeServicesCode */
        MEMORY_RUNTIME_DATA, /* EfiRuntimeServicesData */
        MEMORY_CONVENTIONAL, /* EfiConventionalMemory */
        MEMORY_BAD,          /* EfiUnusableMemory */
        MEMORY_ACPI_RECLAIM, /* EfiACPIReclaimMemory */
        MEMORY_ACPI_NVS,     /* EfiACPIMemoryNVS */
        MEMORY_MMIO,         /* EfiMemoryMappedIO */
        MEMORY_MMIO,         /* EfiMemoryMappedIOPortSpace */
        MEMORY_RESERVED,     /* EfiPalCode */
        MEMORY_PERSISTENT,   /* EfiPersistentMemory */
        MEMORY_UNACCEPTED,   /* EfiUnacceptedMemoryType */
    };
    if (type >= sizeof kinds)
        return MEMORY_RESERVED;
    enum memory_kind kind = (enum memory_kind)kinds[type];
    bool is_special = (attributes & EFI_MEMORY_SP) != 0 || memory_is_runtime(kind, attributes);
    return memory_kind_is_usable(kind) && is_special ? MEMORY_RESERVED : kind;
}

const char *memory_kind_name(enum memory_kind kind)
{
    static const char *const names[MEMORY_KIND_COUNT] = {
        [MEMORY_CONVENTIONAL] = "conventional",
        [MEMORY_BOOT] = "boot",
        [MEMORY_EXCLUDED] = "excluded",
        [MEMORY_LOADER] = "loader",
        [MEMORY_ACPI_RECLAIM] = "acpi reclaim",
        [MEMORY_PERSISTENT] = "persistent",
        [MEMORY_ACPI_NVS] = "acpi nvs",
        [MEMORY_RUNTIME_DATA] = "runtime data",
        [MEMORY_RUNTIME_CODE] = "runtime code",
        [MEMORY_MMIO] = "mmio",
        [MEMORY_UNACCEPTED] = "unaccepted",
        [MEMORY_RESERVED] = "reserved",
        [MEMORY_BAD] = "bad",
        [MEMORY_OWN] = "own",
    };
    return (unsigned)kind < MEMORY_KIND_COUNT ? names[kind] : "unknown";
}

uint64_t memory_region_runtime_flags(const struct memory_region *region)
{
    enum memory_needs needs = region->needs;
    bool code = needs == MEMORY_NEEDS_CODE || needs == MEMORY_NEEDS_UNCACHED_CODE;
    bool uncached = needs == MEMORY_NEEDS_UNCACHED_DATA || needs == MEMORY_NEEDS_UNCACHED_CODE;
    return PAGING_WRITABLE | (code ? 0 : PAGING_NO_EXECUTE) | (uncached ? PAGING_CACHE_UNCACHED_MINUS : 0);
}

bool memory_exclude(struct memory_region *regions, size_t *count, size_t capacity,
                    const struct frame_run *ranges, size_t range_count)
{
    for (const struct frame_run *range = ranges; range < ranges + range_count; range++) {
        if (range->start >= range->end)
            continue;
        if (!split_region_at(regions, count, capacity, range->start) ||
            !split_region_at(regions, count, capacity, range->end))
            return false;
        for (size_t i = 0; i < *count; i++)
            if (memory_kind_is_usable(regions[i].kind) && regions[i].start.number >= range->start &&
                regions[i].end.number <= range->end)
                regions[i].kind = MEMORY_EXCLUDED;
    }
    return true;
}

bool memory_next_usable(const struct memory_region *regions, size_t count, size_t *at, struct frame_run *run)
{
    while (*at < count) {
        const struct memory_region *region = &regions[(*at)++];
        if (!memory_kind_is_usable(region->kind))
            continue;
        *run = (struct frame_run){region->start.number, region->end.number};
        for (; *at < count; (*at)++) {
            if (!memory_kind_is_usable(regions[*at].kind) || regions[*at].start.number != run->end)
                break;
            run->end = regions[*at].end.number;
        }
        if (frame_run_clip(run))
            return true;
    }
    return false;
}

uint64_t memory_usable_frames(const struct memory_region *regions, size_t count)
{
    uint64_t frames = 0;
    struct frame_run run;
    for (size_t at = 0; memory_next_usable(regions, count, &at, &run);)
        frames += run.end - run.start;
    return frames;
}

uint64_t memory_excluded_frames(const struct memory_region *regions, size_t count)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < count; i++) {
        struct frame_run run = {regions[i].start.number, regions[i].end.number};
        if (regions[i].kind == MEMORY_EXCLUDED && frame_run_clip(&run))
            frames += run.end - run.start;
    }
    return frames;
}
