/*
 * runtime_regions.c - notes what runtime services need mapped (UEFI 2.10, 2.3.4 and 4.6.4).
 *
 * Runtime code keeps its data beside it, so a descriptor of runtime code is mapped writable and executable,
 * unless the memory attributes table splits it. The entries of that table are finer, so they come first; the
 * descriptors then cover what is left.
 */
#include "loader.h"

#define ATTRIBUTE_READ_ONLY  0x20000ull
#define ATTRIBUTE_NO_EXECUTE 0x4000ull

struct attributes_table {
    UINT32 version, count, stride, flags;
    UINT8 entries[];
};

/* Returns whether the entry lies in one runtime region of the memory map. Firmware publishes others, too. */
static bool is_in_runtime_region(const struct loader *loader, const EFI_MEMORY_DESCRIPTOR *entry)
{
    UINT64 start = entry->PhysicalStart / EFI_PAGE_SIZE;
    if (entry->PhysicalStart % EFI_PAGE_SIZE != 0)
        return false;
    for (size_t i = 0; i < loader->memory_count; i++) {
        const struct memory_region *region = &loader->handoff->memory[i];
        if (memory_region_is_runtime(region) && start >= region->start.number && start < region->end.number)
            return entry->NumberOfPages <= region->end.number - start;
    }
    return false;
}

static EFI_STATUS add_attributes_table(struct loader *loader)
{
    EFI_GUID guid = {0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    const struct attributes_table *table = configuration_table(guid);
    EFI_STATUS status = EFI_SUCCESS;
    UINT32 ignored = 0;
    if (!table || table->stride < sizeof(EFI_MEMORY_DESCRIPTOR))
        return EFI_SUCCESS;
    for (UINT32 i = 0; i < table->count && !EFI_ERROR(status); i++) {
        const EFI_MEMORY_DESCRIPTOR *entry = (const void *)(table->entries + (size_t)i * table->stride);
        UINT64 flags = (entry->Attribute & ATTRIBUTE_READ_ONLY ? 0 : PAGING_WRITABLE) |
                       (entry->Attribute & ATTRIBUTE_NO_EXECUTE ? PAGING_NO_EXECUTE : 0);
        if (is_in_runtime_region(loader, entry))
            status = add_region(loader, "runtime services", entry->PhysicalStart,
                                entry->PhysicalStart + entry->NumberOfPages * EFI_PAGE_SIZE, flags, false);
        else
            ignored++;
    }
    if (ignored > 0)
        say("  %u entries of the memory attributes table are outside of runtime regions: ignored\n", ignored);
    return status;
}

EFI_STATUS find_runtime_regions(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = add_attributes_table(loader);
    for (size_t i = 0; i < loader->memory_count && !EFI_ERROR(status); i++) {
        const struct memory_region *region = &handoff->memory[i];
        if (memory_region_is_runtime(region))
            status =
                add_region(loader, memory_kind_name(region->kind), paging_frame_start(region->start).value,
                           paging_frame_start(region->end).value, memory_region_runtime_flags(region), false);
    }
    return status;
}
