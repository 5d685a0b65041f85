/* SPDX-License-Identifier: MIT */
/*
 * runtime_regions.c - notes what runtime services need mapped (UEFI 2.10, 2.3.4 and 4.6.4).
 *
 * Runtime code keeps its data beside it, so a descriptor of runtime code is mapped writable and executable,
 * unless the memory attributes table splits it. The entries of that table are finer, so they come first; the
 * descriptors then cover what is left. What is ours is cut out of all of them: a map that calls our stack
 * runtime data would have the page below it mapped.
 */
#include "loader.h"

#define ATTRIBUTE_READ_ONLY  0x20000ull
#define ATTRIBUTE_NO_EXECUTE 0x4000ull

/* What is believed of the memory attributes table. EDK II's has some tens of entries of 48 bytes. */
enum {
    NEWEST_VERSION = 2, /* UEFI 2.10; 1 before */
    TABLE_LIMIT = 1 << 20,
    ENTRY_LIMIT = HANDOFF_REGION_LIMIT / 2, /* that lie in runtime regions */
};

struct attributes_table {
    UINT32 version, count, stride, flags;
    UINT8 entries[];
};

static bool is_memory(const struct memory_region *region)
{
    return region->kind != MEMORY_BAD && region->kind != MEMORY_UNACCEPTED;
}

static bool is_runtime(const struct memory_region *region)
{
    return region->needs != MEMORY_NEEDS_NOTHING;
}

/* Returns the number of the first region that ends behind a frame. */
static size_t first_region_behind(const struct loader *loader, UINT64 frame)
{
    size_t low = 0, high = loader->memory_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (loader->handoff->memory[middle].end.number <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Returns whether regions that fit cover all frames of a run, which is not empty. */
static bool is_covered(const struct loader *loader, struct frame_run run,
                       bool (*fits)(const struct memory_region *region))
{
    for (size_t i = first_region_behind(loader, run.start); run.start < run.end; i++) {
        const struct memory_region *region = &loader->handoff->memory[i];
        if (i == loader->memory_count || region->start.number > run.start || !fits(region))
            return false;
        run.start = region->end.number;
    }
    return true;
}

/* Returns whether the entry is about pages of runtime regions only. Firmware publishes others, too. */
static bool is_in_runtime_regions(const struct loader *loader, const EFI_MEMORY_DESCRIPTOR *entry)
{
    UINT64 first = entry->PhysicalStart / EFI_PAGE_SIZE;
    if (entry->PhysicalStart % EFI_PAGE_SIZE != 0 || entry->NumberOfPages == 0 ||
        entry->NumberOfPages > UINT64_MAX / EFI_PAGE_SIZE - first)
        return false;
    return is_covered(loader, (struct frame_run){first, first + entry->NumberOfPages}, is_runtime);
}

static const EFI_MEMORY_DESCRIPTOR *entry_of(const struct attributes_table *table, UINT32 index)
{
    return (const void *)(table->entries + (size_t)index * table->stride);
}

/* Returns whether the table can be read. If not, it has said why, and the table is not used. */
static bool can_be_read(const struct loader *loader, const struct attributes_table *table)
{
    UINT64 start = (UINTN)table, bytes = sizeof *table;
    static const char head[] = "  the memory attributes table is not used:";
    if (start % sizeof table->version != 0 || start > UINT64_MAX - TABLE_LIMIT ||
        !is_covered(loader, frame_run_around(start, start + bytes), is_memory)) {
        say("%s it is at %lx, which is not memory\n", head, start);
        return false;
    }
    bytes += (UINT64)table->count * table->stride;
    if (table->version == 0 || table->version > NEWEST_VERSION)
        say("%s its version is %u\n", head, table->version);
    else if (table->stride < sizeof(EFI_MEMORY_DESCRIPTOR) || bytes > TABLE_LIMIT)
        say("%s it has %u entries of %u bytes\n", head, table->count, table->stride);
    else if (!is_covered(loader, frame_run_around(start, start + bytes), is_memory))
        say("%s %u entries of %u bytes at %lx are more than there is memory\n", head, table->count,
            table->stride, start);
    else
        return true;
    return false;
}

static EFI_STATUS add_runtime_region(struct loader *loader, const char *name, UINT64 start, UINT64 end,
                                     UINT64 flags)
{
    struct handoff *handoff = loader->handoff;
    unsigned before = handoff->region_count;
    EFI_STATUS status = add_region(loader, name, start, end, flags, false);
    if (handoff->region_count > before)
        handoff->regions[before].for_runtime = true;
    return status;
}

static EFI_STATUS add_entries(struct loader *loader, const struct attributes_table *table)
{
    EFI_STATUS status = EFI_SUCCESS;
    for (UINT32 i = 0; i < table->count && !EFI_ERROR(status); i++) {
        const EFI_MEMORY_DESCRIPTOR *entry = entry_of(table, i);
        UINT64 flags = (entry->Attribute & ATTRIBUTE_READ_ONLY ? 0 : PAGING_WRITABLE) |
                       (entry->Attribute & ATTRIBUTE_NO_EXECUTE ? PAGING_NO_EXECUTE : 0);
        if (is_in_runtime_regions(loader, entry))
            status = add_runtime_region(loader, "runtime services", entry->PhysicalStart,
                                        entry->PhysicalStart + entry->NumberOfPages * EFI_PAGE_SIZE, flags);
    }
    return status;
}

static EFI_STATUS add_attributes_table(struct loader *loader)
{
    EFI_GUID guid = {0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    const struct attributes_table *table = configuration_table(guid);
    UINT32 inside = 0;
    if (!table || !can_be_read(loader, table))
        return EFI_SUCCESS;
    for (UINT32 i = 0; i < table->count; i++)
        inside += is_in_runtime_regions(loader, entry_of(table, i));
    if (inside < table->count)
        say("  %u entries of the memory attributes table are outside of runtime regions: ignored\n",
            table->count - inside);
    if (inside <= ENTRY_LIMIT)
        return add_entries(loader, table);
    say("  the memory attributes table is not used: it has %u entries for runtime regions\n", inside);
    return EFI_SUCCESS;
}

EFI_STATUS find_runtime_regions(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = add_attributes_table(loader);
    for (size_t i = 0; i < loader->memory_count && !EFI_ERROR(status); i++) {
        const struct memory_region *region = &handoff->memory[i];
        if (is_runtime(region))
            status = add_runtime_region(
                loader, memory_kind_name(region->kind), paging_frame_start(region->start).value,
                paging_frame_start(region->end).value, memory_region_runtime_flags(region));
    }
    return status;
}

/* Puts what a region has outside of a block in the place of the region: none, one or two. */
static EFI_STATUS cut_out(struct handoff *handoff, unsigned number, const struct own_block *block)
{
    struct handoff_region *regions = handoff->regions;
    struct handoff_region parts[2] = {regions[number], regions[number]};
    unsigned count = 0, behind = handoff->region_count - number - 1;
    if (regions[number].start.number < block->start.number)
        parts[count++].end = block->start;
    if (block->end.number < regions[number].end.number)
        parts[count++].start = block->end;
    if (handoff->region_count - 1 + count > HANDOFF_REGION_LIMIT)
        return FAIL(EFI_OUT_OF_RESOURCES, "  more than %d regions to map", HANDOFF_REGION_LIMIT);
    __builtin_memmove(regions + number + count, regions + number + 1, behind * sizeof *regions);
    __builtin_memcpy(regions + number, parts, count * sizeof *parts);
    handoff->region_count += count - 1;
    return EFI_SUCCESS;
}

static bool is_over(const struct handoff_region *region, const struct own_block *block)
{
    return region->for_runtime && region->start.number < block->end.number &&
           block->start.number < region->end.number;
}

EFI_STATUS keep_own_memory_apart(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    for (unsigned i = 0; i < handoff->own_count; i++) {
        const struct own_block *block = &handoff->own[i];
        unsigned cut = 0;
        for (unsigned k = handoff->region_count; k > 0; k--) {
            if (!is_over(&handoff->regions[k - 1], block))
                continue;
            if (cut++ == 0)
                say("  the map says that runtime services need memory of ours, which is not true: %s\n",
                    block->name);
            EFI_STATUS status = cut_out(handoff, k - 1, block);
            if (EFI_ERROR(status))
                return status;
        }
    }
    return EFI_SUCCESS;
}
