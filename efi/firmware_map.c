/* SPDX-License-Identifier: MIT */
/*
 * firmware_map.c - the firmware's memory map: its size, its descriptors, and the regions they make.
 *
 * kernel/frames/usable_memory.h decides what a descriptor is, and kernel/frames/memory_map.h sorts them.
 */
#include "kernel/boot/memory_regions.h"
#include "kernel/boot/own_blocks.h"
#include "kernel/console/format.h"
#include "loader.h"

/* No map is larger. The size of the buffers, which is a multiple of it, cannot overflow below that. */
#define MAP_BYTES_LIMIT ((UINTN)1 << 32)

/* What the buffer holds before the firmware writes to it. No descriptor has this type. */
enum { UNWRITTEN = 0xa5 };

/* Refuses an answer of the firmware's. */
static EFI_STATUS refuse(struct firmware_map *map, EFI_STATUS status, const char *text, ...)
{
    va_list arguments;
    struct text_sink sink = text_sink(map->refusal, sizeof map->refusal);
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
    return status;
}

/* Checks what is said about the size of the map. */
static EFI_STATUS check_size(struct firmware_map *map)
{
    if (map->stride < sizeof(EFI_MEMORY_DESCRIPTOR))
        return refuse(map, EFI_DEVICE_ERROR, "descriptors of %lu bytes, but %lu are the least", map->stride,
                      (UINT64)sizeof(EFI_MEMORY_DESCRIPTOR));
    if (map->bytes > MAP_BYTES_LIMIT || map->stride > MAP_BYTES_LIMIT)
        return refuse(map, EFI_DEVICE_ERROR, "%lu bytes, in descriptors of %lu bytes", map->bytes,
                      map->stride);
    if (!map->buffer)
        return EFI_SUCCESS;
    if (map->bytes > map->capacity)
        return refuse(map, EFI_DEVICE_ERROR, "%lu bytes in a buffer of %lu bytes", map->bytes, map->capacity);
    if (map_count(map) > map->room)
        return refuse(map, EFI_DEVICE_ERROR, "%lu descriptors of %lu bytes, but room for %lu", map_count(map),
                      map->stride, map->room);
    return EFI_SUCCESS;
}

/* Returns whether a descriptor is as it was before the firmware wrote the map. */
static bool is_unwritten(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
    const UINT8 *bytes = (const UINT8 *)descriptor;
    for (UINTN i = 0; i < sizeof *descriptor; i++)
        if (bytes[i] != UNWRITTEN)
            return false;
    return true;
}

/*
 * Checks that there are as many descriptors as the firmware says. If their size is another one than at first,
 * they must look like descriptors: UEFI 2.10, 7.2.3 aligns each PhysicalStart to 4 KiB.
 */
static EFI_STATUS check_descriptors(struct firmware_map *map)
{
    for (UINTN i = 0; i < map_count(map); i++) {
        const EFI_MEMORY_DESCRIPTOR descriptor = map_descriptor(map, i);
        if (is_unwritten(&descriptor))
            return refuse(map, EFI_DEVICE_ERROR, "%lu descriptors, but only %lu were written", map_count(map),
                          i);
        if (map->stride != map->first_stride && descriptor.PhysicalStart % EFI_PAGE_SIZE != 0)
            return refuse(map, EFI_DEVICE_ERROR, "descriptors of %lu bytes, %lu at first: number %lu is none",
                          map->stride, map->first_stride, i);
    }
    return EFI_SUCCESS;
}

EFI_STATUS get_memory_map(struct firmware_map *map)
{
    UINT32 version;
    map->bytes = map->capacity; /* each call overwrites it, also when it fails */
    if (map->buffer)
        __builtin_memset(map->buffer, UNWRITTEN, map->capacity);
    EFI_STATUS status = BS->GetMemoryMap(&map->bytes, (EFI_MEMORY_DESCRIPTOR *)map->buffer, &map->key,
                                         &map->stride, &version);
    /*
     * UEFI 2.10, 7.2.3: "If the MemoryMap buffer is too small, the EFI_BUFFER_TOO_SMALL error code is
     * returned and the MemoryMapSize value contains the size of the buffer needed". Without a buffer anything
     * else is not an answer.
     */
    if (map->buffer ? EFI_ERROR(status) : status != EFI_BUFFER_TOO_SMALL)
        return refuse(map, EFI_ERROR(status) ? status : EFI_DEVICE_ERROR, map->buffer ? "%s" : "no size: %s",
                      status_name(status));
    if (map->first_stride == 0)
        map->first_stride = map->stride;
    status = check_size(map);
    if (!EFI_ERROR(status) && map->buffer)
        status = check_descriptors(map);
    return status;
}

UINTN map_count(const struct firmware_map *map)
{
    return map->bytes / map->stride;
}

EFI_MEMORY_DESCRIPTOR map_descriptor(const struct firmware_map *map, UINTN index)
{
    /*
     * UEFI 2.10, 7.2.3: DescriptorSize may be larger than the struct, and is the step from one to the next.
     */
    EFI_MEMORY_DESCRIPTOR descriptor;
    __builtin_memcpy(&descriptor, map->buffer + index * map->stride, sizeof descriptor);
    return descriptor;
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
    handoff->descriptor_count = map_count(&loader->map);
    for (UINTN i = 0; i < handoff->descriptor_count; i++) {
        const EFI_MEMORY_DESCRIPTOR from = map_descriptor(&loader->map, i);
        handoff->descriptors[i] = (struct memory_descriptor){
            .start = from.PhysicalStart,
            .page_count = from.NumberOfPages,
            .attributes = from.Attribute,
            .kind = memory_kind_from_uefi(from.Type, from.Attribute),
        };
    }
    add_devices(handoff);
    own_blocks_describe(handoff);
}

EFI_STATUS find_memory_regions(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = get_memory_map(&loader->map);
    if (EFI_ERROR(status))
        return FAIL(status, "  the memory map cannot be used: %s", loader->map.refusal);
    convert_memory_map(loader);
    enum memory_map_status found = memory_regions_find(handoff, &loader->memory_count);
    if (found != MEMORY_MAP_OK)
        return FAIL(EFI_DEVICE_ERROR, "  the memory map cannot be sorted: %s", memory_map_status_name(found));
    say("  %lu descriptors of %lu bytes make %lu regions\n", map_count(&loader->map), loader->map.stride,
        (UINT64)loader->memory_count);
    return EFI_SUCCESS;
}
