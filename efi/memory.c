/* memory.c - memory of our own, and the memory map. */
#include "kernel/frames/frames.h"
#include "loader.h"

enum {
    STACK_PAGES = 16,
    MAP_SLACK = 64,  /* descriptors that may appear between the first map and the last */
    ZONE_SLACK = 64, /* and runs of usable memory */
};

EFI_STATUS take_pages(struct loader *loader, UINTN pages, UINT64 alignment, UINT64 *start)
{
    UINTN extra = alignment / EFI_PAGE_SIZE - 1;
    EFI_PHYSICAL_ADDRESS at = 0;
    if (loader->taken_count == TAKEN_LIMIT)
        return FAIL(EFI_OUT_OF_RESOURCES, "  more than %d blocks of memory", TAKEN_LIMIT);
    EFI_STATUS status = BS->AllocatePages(AllocateAnyPages, EfiLoaderData, pages + extra, &at);
    if (EFI_ERROR(status))
        return FAIL(status, "  no %lu pages to be had", (UINT64)(pages + extra));
    EFI_PHYSICAL_ADDRESS aligned = (at + alignment - 1) & ~(alignment - 1);
    UINTN before = (aligned - at) / EFI_PAGE_SIZE;
    if (before > 0)
        BS->FreePages(at, before);
    if (extra > before)
        BS->FreePages(aligned + pages * EFI_PAGE_SIZE, extra - before);
    loader->taken[loader->taken_count].start = aligned;
    loader->taken[loader->taken_count++].pages = pages;
    *start = aligned;
    return EFI_SUCCESS;
}

void loader_give_back(struct loader *loader)
{
    while (loader->taken_count > 0) {
        loader->taken_count--;
        BS->FreePages(loader->taken[loader->taken_count].start, loader->taken[loader->taken_count].pages);
    }
}

EFI_STATUS add_region(struct loader *loader, const char *name, UINT64 start, UINT64 end, UINT64 flags,
                      bool exact)
{
    struct handoff *handoff = loader->handoff;
    if (end < start || end > UINT64_MAX - EFI_PAGE_SIZE)
        return FAIL(EFI_INVALID_PARAMETER, "  %s: %lx..%lx is no range", name, start, end);
    if (handoff->region_count == HANDOFF_REGION_LIMIT)
        return FAIL(EFI_OUT_OF_RESOURCES, "  more than %d regions to map", HANDOFF_REGION_LIMIT);
    handoff->regions[handoff->region_count++] = (struct handoff_region){
        .name = name,
        .start = paging_frame_containing((paging_phys_t){start}),
        .end = paging_frame_containing((paging_phys_t){end + EFI_PAGE_SIZE - 1}),
        .flags = flags,
        .exact = exact,
    };
    return EFI_SUCCESS;
}

EFI_STATUS read_memory_map(struct loader *loader)
{
    UINT32 version;
    loader->map_bytes = loader->map_capacity; /* each call overwrites it, also when it fails */
    return BS->GetMemoryMap(&loader->map_bytes, (EFI_MEMORY_DESCRIPTOR *)loader->map, &loader->map_key,
                            &loader->map_stride, &version);
}

/* UEFI 2.10, table 7.6. */
static enum memory_kind kind_of(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
    static const enum memory_kind kinds[] = {
        MEMORY_RESERVED, MEMORY_LOADER,       MEMORY_LOADER,       MEMORY_BOOT,
        MEMORY_BOOT,     MEMORY_RUNTIME_CODE, MEMORY_RUNTIME_DATA, MEMORY_CONVENTIONAL,
        MEMORY_BAD,      MEMORY_ACPI_RECLAIM, MEMORY_ACPI_NVS,     MEMORY_MMIO,
        MEMORY_MMIO,     MEMORY_RESERVED,     MEMORY_PERSISTENT,   MEMORY_UNACCEPTED,
    };
    /* Set aside for some driver; or needed by runtime services, whatever the type says. */
    const UINT64 specific_purpose = 0x40000, runtime = 1ull << 63;
    if (descriptor->Type >= sizeof kinds / sizeof kinds[0])
        return MEMORY_RESERVED;
    enum memory_kind kind = kinds[descriptor->Type];
    bool special = (descriptor->Attribute & (specific_purpose | runtime)) != 0;
    return memory_kind_is_usable(kind) && special ? MEMORY_RESERVED : kind;
}

void convert_memory_map(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    handoff->descriptor_count = loader->map_bytes / loader->map_stride;
    for (UINTN i = 0; i < handoff->descriptor_count; i++) {
        const EFI_MEMORY_DESCRIPTOR *from = (const void *)(loader->map + i * loader->map_stride);
        handoff->descriptors[i] = (struct memory_descriptor){
            .start = from->PhysicalStart,
            .page_count = from->NumberOfPages,
            .attributes = from->Attribute,
            .kind = kind_of(from),
        };
    }
    /* Wherever the map says it is: nobody else may have the memory that is shown on the screen. */
    const struct framebuffer *screen = &handoff->framebuffer;
    if (screen->width != 0)
        handoff->descriptors[handoff->descriptor_count++] = (struct memory_descriptor){
            .start = screen->address.value,
            .page_count = EFI_SIZE_TO_PAGES(screen->address.value % EFI_PAGE_SIZE + screen->bytes),
            .kind = MEMORY_MMIO,
        };
}

/* One block: guard page, stack, and the buffers of the memory map. All but the guard page gets mapped. */
static EFI_STATUS take_stack_and_buffers(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start;
    UINTN first_bytes = 0, key = 0, stride = 0;
    UINT32 version;
    EFI_STATUS status = BS->GetMemoryMap(&first_bytes, NULL, &key, &stride, &version);
    if (status != EFI_BUFFER_TOO_SMALL || stride < sizeof(EFI_MEMORY_DESCRIPTOR))
        return FAIL(EFI_DEVICE_ERROR, "  GetMemoryMap does not tell how large the map is: %s",
                    status_name(status));

    UINTN count = first_bytes / stride + MAP_SLACK;
    UINTN map_bytes = count * stride;
    count++; /* the framebuffer's */
    UINTN descriptor_bytes = count * sizeof(struct memory_descriptor);
    UINTN edge_bytes = MEMORY_EDGES(count) * sizeof(struct memory_edge);
    UINTN region_bytes = MEMORY_REGIONS(count) * sizeof(struct memory_region);
    UINTN buffer_pages = EFI_SIZE_TO_PAGES(map_bytes + descriptor_bytes + edge_bytes + region_bytes + 64);
    UINTN pages = 1 + STACK_PAGES + buffer_pages;
    status = take_pages(loader, pages, EFI_PAGE_SIZE, &start);
    if (EFI_ERROR(status))
        return status;

    handoff->stack_guard = start;
    handoff->stack_top = start + (UINT64)(1 + STACK_PAGES) * EFI_PAGE_SIZE;
    loader->map = (UINT8 *)handoff->stack_top;
    loader->map_capacity = map_bytes;
    handoff->descriptors = (void *)(loader->map + (map_bytes + 15) / 16 * 16);
    handoff->edges = (void *)((UINT8 *)handoff->descriptors + descriptor_bytes);
    handoff->memory = (void *)((UINT8 *)handoff->edges + edge_bytes);
    handoff->memory_capacity = MEMORY_REGIONS(count);
    return add_region(loader, "stack and hand-over", start + EFI_PAGE_SIZE, start + pages * EFI_PAGE_SIZE,
                      PAGING_WRITABLE | PAGING_NO_EXECUTE, true);
}

/* The map as it is now: good enough to size things, and to know what runtime services need. */
static EFI_STATUS read_first_map(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = read_memory_map(loader);
    if (EFI_ERROR(status))
        return FAIL(status, "  no memory map: %s", status_name(status));
    convert_memory_map(loader);
    enum memory_map_status sorted = memory_map_normalise(
        handoff->descriptors, handoff->descriptor_count, handoff->space.cpu.physical_bits, handoff->edges,
        handoff->memory, handoff->memory_capacity, &loader->memory_count);
    if (sorted != MEMORY_MAP_OK)
        return FAIL(EFI_DEVICE_ERROR, "  the memory map cannot be sorted: %s",
                    memory_map_status_name(sorted));
    say("  %lu descriptors of %lu bytes make %lu regions\n", handoff->descriptor_count, loader->map_stride,
        (UINT64)loader->memory_count);
    return EFI_SUCCESS;
}

/* On large machines the bookkeeping is large too: aligned, it is mapped with large pages. */
static EFI_STATUS take_bookkeeping(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start;
    handoff->bookkeeping_bytes = frames_bookkeeping_bytes(handoff->memory, loader->memory_count, ZONE_SLACK);
    UINT64 alignment = handoff->bookkeeping_bytes >= paging_level_bytes(PAGING_2M)
                           ? paging_level_bytes(PAGING_2M)
                           : EFI_PAGE_SIZE;
    EFI_STATUS status = take_pages(loader, EFI_SIZE_TO_PAGES(handoff->bookkeeping_bytes), alignment, &start);
    if (EFI_ERROR(status))
        return status;
    handoff->bookkeeping = (void *)(UINTN)start;
    return add_region(loader, "frame bookkeeping", start, start + handoff->bookkeeping_bytes,
                      PAGING_WRITABLE | PAGING_NO_EXECUTE, true);
}

EFI_STATUS take_memory(struct loader *loader)
{
    EFI_STATUS status = take_stack_and_buffers(loader);
    if (!EFI_ERROR(status))
        status = read_first_map(loader);
    return EFI_ERROR(status) ? status : take_bookkeeping(loader);
}
