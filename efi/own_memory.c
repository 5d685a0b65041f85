/* own_memory.c - takes memory for the stack, for the buffers of the memory map, and for frame bookkeeping. */
#include "kernel/boot/memory_regions.h"
#include "kernel/frames/frames.h"
#include "loader.h"

/*
 * UEFI 2.10, 7.2.3: "The actual size of the buffer [...] should be bigger then the value returned in
 * MemoryMapSize, since allocation of the new buffer may potentially increase memory map size." It must also
 * be large enough for the last map, after all that the firmware allocates until then.
 */
enum {
    STACK_PAGES = 16,
    MAP_SLACK = 64,  /* descriptors that may appear between the first map and the last */
    ZONE_SLACK = 64, /* runs of usable memory that may appear between them */
};

EFI_STATUS note_taken(struct loader *loader, UINT64 start, UINTN pages)
{
    if (loader->taken_count == TAKEN_LIMIT)
        return FAIL(EFI_OUT_OF_RESOURCES, "  more than %d blocks of memory", TAKEN_LIMIT);
    loader->taken[loader->taken_count].start = start;
    loader->taken[loader->taken_count++].pages = pages;
    return EFI_SUCCESS;
}

EFI_STATUS take_pages(struct loader *loader, UINTN pages, UINT64 alignment, UINT64 *start)
{
    UINTN extra = alignment / EFI_PAGE_SIZE - 1;
    EFI_PHYSICAL_ADDRESS at = 0;
    EFI_STATUS status = BS->AllocatePages(AllocateAnyPages, EfiLoaderData, pages + extra, &at);
    if (EFI_ERROR(status))
        return FAIL(status, "  no %lu pages to be had", (UINT64)(pages + extra));
    EFI_PHYSICAL_ADDRESS aligned = (at + alignment - 1) & ~(alignment - 1);
    UINTN before = (aligned - at) / EFI_PAGE_SIZE;
    if (before > 0)
        BS->FreePages(at, before);
    if (extra > before)
        BS->FreePages(aligned + pages * EFI_PAGE_SIZE, extra - before);
    *start = aligned;
    status = note_taken(loader, aligned, pages);
    if (EFI_ERROR(status))
        BS->FreePages(aligned, pages);
    return status;
}

void loader_give_back(struct loader *loader)
{
    while (loader->taken_count > 0) {
        loader->taken_count--;
        BS->FreePages(loader->taken[loader->taken_count].start, loader->taken[loader->taken_count].pages);
    }
}

/*
 * Takes one block, and maps all of it except the guard page:
 *
 *   stack_guard   | stack_top       map       descriptors      edges      memory          |
 *   not mapped    | 16 pages, down  | the firmware's | of both maps, one after the other  |
 */
static EFI_STATUS take_stack_and_buffers(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start;
    UINTN count;
    EFI_STATUS status = size_memory_map(loader, &count);
    if (EFI_ERROR(status))
        return status;
    count += MAP_SLACK;
    UINTN map_bytes = count * loader->map_stride;
    count += 1 + SERIAL_CANDIDATES; /* the framebuffer's, and those of serial ports */
    UINTN descriptor_bytes = count * sizeof(struct memory_descriptor);
    UINTN edge_bytes = MEMORY_EDGES(count) * sizeof(struct memory_edge);
    UINTN region_bytes = HANDOFF_MEMORY_CAPACITY(count) * sizeof(struct memory_region);
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
    handoff->memory_capacity = HANDOFF_MEMORY_CAPACITY(count);
    return add_region(loader, "stack and hand-over", start + EFI_PAGE_SIZE, start + pages * EFI_PAGE_SIZE,
                      PAGING_WRITABLE | PAGING_NO_EXECUTE, true);
}

/* Takes what the regions of the first map need. On a large machine large pages map it: it is aligned then. */
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
        status = find_memory_regions(loader);
    return EFI_ERROR(status) ? status : take_bookkeeping(loader);
}
