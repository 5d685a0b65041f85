/*
 * firmware_map.c - the firmware's memory map: its size, its descriptors, and the regions they make.
 *
 * kernel/frames/usable_memory.h decides what a descriptor is, and kernel/frames/memory_map.h sorts them.
 */
#include "kernel/boot/memory_regions.h"
#include "loader.h"

EFI_STATUS size_memory_map(struct loader *loader, UINTN *descriptors)
{
    UINTN bytes = 0, key = 0;
    UINT32 version;
    EFI_STATUS status = BS->GetMemoryMap(&bytes, NULL, &key, &loader->map_stride, &version);
    /*
     * UEFI 2.10, 7.2.3: "If the MemoryMap buffer is too small, the EFI_BUFFER_TOO_SMALL error code is
     * returned and the MemoryMapSize value contains the size of the buffer needed". Anything else is not an
     * answer.
     */
    if (status != EFI_BUFFER_TOO_SMALL || loader->map_stride < sizeof(EFI_MEMORY_DESCRIPTOR))
        return FAIL(EFI_DEVICE_ERROR, "  GetMemoryMap does not tell how large the map is: %s",
                    status_name(status));
    *descriptors = bytes / loader->map_stride;
    return EFI_SUCCESS;
}

EFI_STATUS read_memory_map(struct loader *loader)
{
    UINT32 version;
    loader->map_bytes = loader->map_capacity; /* each call overwrites it, also when it fails */
    return BS->GetMemoryMap(&loader->map_bytes, (EFI_MEMORY_DESCRIPTOR *)loader->map, &loader->map_key,
                            &loader->map_stride, &version);
}

/* Adds memory as a device's: whatever the map calls it, nobody else may get it. */
static void add_device(struct handoff *handoff, UINT64 start, UINT64 bytes)
{
    UINT64 in_page = start % EFI_PAGE_SIZE;
    handoff->descriptors[handoff->descriptor_count++] = (struct memory_descriptor){
        .start = start - in_page,
        .page_count = EFI_SIZE_TO_PAGES(in_page + bytes),
        .kind = MEMORY_MMIO,
    };
}

static void add_devices(struct handoff *handoff)
{
    const struct framebuffer *screen = &handoff->framebuffer;
    if (screen->width != 0)
        add_device(handoff, screen->address.value, screen->bytes);
    for (unsigned i = 0; i < handoff->serial_count; i++) {
        const struct uart *uart = &handoff->serial[i];
        if (uart->is_mmio)
            add_device(handoff, uart->address, uart_span(uart));
    }
}

void convert_memory_map(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    handoff->descriptor_count = loader->map_bytes / loader->map_stride;
    for (UINTN i = 0; i < handoff->descriptor_count; i++) {
        /*
         * UEFI 2.10, 7.2.3: DescriptorSize may be larger than the struct, and is the step from one to the
         * next.
         */
        const EFI_MEMORY_DESCRIPTOR *from = (const void *)(loader->map + i * loader->map_stride);
        handoff->descriptors[i] = (struct memory_descriptor){
            .start = from->PhysicalStart,
            .page_count = from->NumberOfPages,
            .attributes = from->Attribute,
            .kind = memory_kind_from_uefi(from->Type, from->Attribute),
        };
    }
    add_devices(handoff);
}

EFI_STATUS find_memory_regions(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = read_memory_map(loader);
    if (EFI_ERROR(status))
        return FAIL(status, "  no memory map: %s", status_name(status));
    convert_memory_map(loader);
    enum memory_map_status found = memory_regions_find(handoff, &loader->memory_count);
    if (found != MEMORY_MAP_OK)
        return FAIL(EFI_DEVICE_ERROR, "  the memory map cannot be sorted: %s", memory_map_status_name(found));
    say("  %lu descriptors of %lu bytes make %lu regions\n", handoff->descriptor_count, loader->map_stride,
        (UINT64)loader->memory_count);
    return EFI_SUCCESS;
}
