/* SPDX-License-Identifier: MIT */
/* memory.c - the loader's memory map, as frames of the library's allocator; and what compilers call. */
#include "boot.h"

/*
 * In the image's data, so that they are mapped with it. For each frame the allocator takes about a seventh of
 * a byte, and the count of owners two bytes.
 */
#define BOOT_FRAMES (BOOT_MEMORY_LIMIT / PAGING_PAGE_BYTES)
static _Alignas(16) char bookkeeping[BOOT_FRAMES / 4];
static uint16_t owners[BOOT_FRAMES];

/* Returns where a free region ends; 0 of one that is not free. */
static uint64_t end_of_free(const struct boot_memory *region)
{
    uint64_t end = region->start + region->bytes;
    if (region->type != BOOT_MEMORY_FREE || region->start >= BOOT_MEMORY_LIMIT)
        return 0;
    return end < BOOT_MEMORY_LIMIT ? end : BOOT_MEMORY_LIMIT;
}

void boot_add_memory(struct frames *memory, struct frames_sharing *sharing, const struct boot_info *info)
{
    const struct boot_memory *map = (const struct boot_memory *)info->memory_map;
    uint64_t image = (uint64_t)image_end - BOOT_KERNEL_BASE;
    frames_init(memory, bookkeeping, sizeof bookkeeping);
    frames_sharing_init(sharing, &memory->source, owners, (paging_frame_t){0}, (paging_frame_t){BOOT_FRAMES});
    for (uint32_t i = 0; i < info->memory_map_entries; i++) {
        uint64_t start = map[i].start > image ? map[i].start : image, end = end_of_free(&map[i]);
        if (start >= end)
            continue;
        enum frames_status status =
            frames_add_free(memory, (paging_frame_t){(start + PAGING_PAGE_BYTES - 1) / PAGING_PAGE_BYTES},
                            (paging_frame_t){end / PAGING_PAGE_BYTES});
        if (status != FRAMES_OK)
            bail_out(frames_status_name(status), map[i].start);
    }
}

uint64_t boot_memory_end(const struct boot_info *info)
{
    const struct boot_memory *map = (const struct boot_memory *)info->memory_map;
    uint64_t end = 0;
    for (uint32_t i = 0; i < info->memory_map_entries; i++)
        end = end_of_free(&map[i]) > end ? end_of_free(&map[i]) : end;
    return end / PAGING_PAGE_BYTES * PAGING_PAGE_BYTES;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(byte) : "memory");
    return to;
}
