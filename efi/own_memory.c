/* SPDX-License-Identifier: MIT */
/* own_memory.c - takes memory for the stack, for the buffers of the memory map, and for frame bookkeeping. */
#include "kernel/boot/memory_regions.h"
#include "kernel/boot/own_blocks.h"
#include "kernel/frames/usable_frames.h"
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

/* Checks what AllocatePages gave. If this fails it must not be given back. */
static EFI_STATUS check_given(const struct loader *loader, const char *name, UINT64 start, UINTN pages)
{
    UINT64 bytes = pages * EFI_PAGE_SIZE, limit = address_limit(&loader->handoff->space.cpu);
    if (start >= limit || bytes > limit - start)
        return FAIL(EFI_DEVICE_ERROR,
                    "  AllocatePages gave %lx for %s, which cannot be mapped to its own address", start,
                    name);
    const struct own_block *before = own_blocks_find(loader->handoff, start, bytes);
    if (before)
        return FAIL(EFI_DEVICE_ERROR, "  AllocatePages gave %lx for %s, which is in use: %s", start, name,
                    before->name);
    if (start % EFI_PAGE_SIZE != 0)
        return FAIL(EFI_DEVICE_ERROR, "  AllocatePages gave %lx for %s, which is not a page", start, name);
    return EFI_SUCCESS;
}

EFI_STATUS note_taken(struct loader *loader, const char *name, UINT64 start, UINTN pages)
{
    EFI_STATUS status = check_given(loader, name, start, pages);
    if (EFI_ERROR(status))
        return status;
    if (!own_blocks_add(loader->handoff, name, start, pages * EFI_PAGE_SIZE, true))
        return FAIL(EFI_OUT_OF_RESOURCES, "  no room for a block of memory of ours: %s", name);
    return EFI_SUCCESS;
}

/* Returns how many pages the firmware can still give away, by the map that was read last. */
static UINT64 free_pages(const struct loader *loader)
{
    UINT64 pages = 0;
    for (UINTN i = 0; i < map_count(&loader->map); i++)
        if (map_descriptor(&loader->map, i).Type == EfiConventionalMemory)
            pages += map_descriptor(&loader->map, i).NumberOfPages;
    return pages;
}

static EFI_STATUS refuse_pages(const struct loader *loader, EFI_STATUS status, const char *name, UINTN pages)
{
    if (loader->memory_count == 0)
        return FAIL(status, "  no %lu pages to be had for %s: %s", (UINT64)pages, name, status_name(status));
    return FAIL(status, "  no %lu pages to be had for %s: %s; %lu are free", (UINT64)pages, name,
                status_name(status), free_pages(loader));
}

EFI_STATUS take_pages(struct loader *loader, const char *name, UINTN pages, UINT64 alignment, UINT64 *start)
{
    UINTN extra = alignment / EFI_PAGE_SIZE - 1;
    EFI_PHYSICAL_ADDRESS at = 0;
    EFI_STATUS status = BS->AllocatePages(AllocateAnyPages, EfiLoaderData, pages + extra, &at);
    if (EFI_ERROR(status))
        return refuse_pages(loader, status, name, pages + extra);
    status = check_given(loader, name, at, pages + extra);
    if (EFI_ERROR(status))
        return status;
    EFI_PHYSICAL_ADDRESS aligned = (at + alignment - 1) & ~(alignment - 1);
    UINTN before = (aligned - at) / EFI_PAGE_SIZE;
    if (before > 0)
        BS->FreePages(at, before);
    if (extra > before)
        BS->FreePages(aligned + pages * EFI_PAGE_SIZE, extra - before);
    *start = aligned;
    status = note_taken(loader, name, aligned, pages);
    if (EFI_ERROR(status))
        BS->FreePages(aligned, pages);
    return status;
}

void loader_give_back(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    while (handoff->own_count > 0) {
        const struct own_block *block = &handoff->own[--handoff->own_count];
        if (block->is_taken)
            BS->FreePages(paging_frame_start(block->start).value, block->end.number - block->start.number);
    }
}

/*
 * Notes the regions of the block. When the last map is sorted into `memory`, what it was sorted from goes, so
 * that a page above the stack is not mapped either.
 */
static EFI_STATUS add_regions(struct loader *loader, UINT64 end)
{
    const struct handoff *handoff = loader->handoff;
    const UINT64 flags = PAGING_WRITABLE | PAGING_NO_EXECUTE;
    UINT64 sorted = (UINTN)handoff->memory / EFI_PAGE_SIZE * EFI_PAGE_SIZE;
    EFI_STATUS status =
        add_region(loader, "stack", handoff->stack_guard + EFI_PAGE_SIZE, handoff->stack_top, flags, true);
    if (!EFI_ERROR(status))
        status = add_region_until_exit(loader, "memory map", handoff->stack_top, sorted, flags);
    return EFI_ERROR(status) ? status : add_region(loader, "memory regions", sorted, end, flags, true);
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
    EFI_STATUS status = get_memory_map(&loader->map);
    if (EFI_ERROR(status))
        return FAIL(status, "  the memory map cannot be used: %s", loader->map.refusal);
    count = map_count(&loader->map) + MAP_SLACK;
    UINTN map_bytes = count * loader->map.stride;
    loader->map.room = count;
    count += ADDED_DESCRIPTORS;
    UINTN descriptor_bytes = count * sizeof(struct memory_descriptor);
    UINTN edge_bytes = MEMORY_EDGES(count) * sizeof(struct memory_edge);
    UINTN region_bytes = HANDOFF_MEMORY_CAPACITY(count) * sizeof(struct memory_region);
    UINTN buffer_pages = EFI_SIZE_TO_PAGES(map_bytes + descriptor_bytes + edge_bytes + region_bytes + 64);
    UINTN pages = 1 + STACK_PAGES + buffer_pages;
    status = take_pages(loader, "stack and hand-over", pages, EFI_PAGE_SIZE, &start);
    if (EFI_ERROR(status))
        return status;

    handoff->stack_guard = start;
    handoff->stack_top = start + (UINT64)(1 + STACK_PAGES) * EFI_PAGE_SIZE;
    loader->map.buffer = (UINT8 *)handoff->stack_top;
    loader->map.capacity = map_bytes;
    handoff->descriptors = (void *)(loader->map.buffer + (map_bytes + 15) / 16 * 16);
    handoff->edges = (void *)((UINT8 *)handoff->descriptors + descriptor_bytes);
    handoff->memory = (void *)((UINT8 *)handoff->edges + edge_bytes);
    handoff->memory_capacity = HANDOFF_MEMORY_CAPACITY(count);
    return add_regions(loader, start + pages * EFI_PAGE_SIZE);
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
    EFI_STATUS status = take_pages(loader, "frame bookkeeping", EFI_SIZE_TO_PAGES(handoff->bookkeeping_bytes),
                                   alignment, &start);
    if (EFI_ERROR(status))
        return status;
    handoff->bookkeeping = (void *)(UINTN)start;
    return add_region(loader, "frame bookkeeping", start, start + handoff->bookkeeping_bytes,
                      PAGING_WRITABLE | PAGING_NO_EXECUTE, true);
}

/* Checks that there is enough for the self-tests: after the exit nobody could go back any more. */
static EFI_STATUS check_memory_is_enough(const struct loader *loader)
{
    UINT64 free = memory_usable_frames(loader->handoff->memory, loader->memory_count);
    if (free < FRAMES_NEEDED)
        return FAIL(EFI_OUT_OF_RESOURCES, "  too little memory: %lu pages are free, %d are needed", free,
                    FRAMES_NEEDED);
    return EFI_SUCCESS;
}

EFI_STATUS take_memory(struct loader *loader)
{
    EFI_STATUS status = take_stack_and_buffers(loader);
    if (!EFI_ERROR(status))
        status = find_memory_regions(loader);
    if (!EFI_ERROR(status))
        status = check_memory_is_enough(loader);
    return EFI_ERROR(status) ? status : take_bookkeeping(loader);
}
