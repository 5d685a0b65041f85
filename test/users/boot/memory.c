/* memory.c - a bit for each frame of the first GiB, as a frame source; and the functions compilers call. */
#include "boot.h"
#include <selfmap/frame_source.h>

enum { FRAMES = BOOT_MEMORY_LIMIT >> 12, WORD = 64 };

static uint64_t is_free[FRAMES / WORD], free_count, lowest_word;

static void set_free(uint64_t frame)
{
    uint64_t bit = (uint64_t)1 << frame % WORD;
    if (frame >= FRAMES || is_free[frame / WORD] & bit)
        bail_out("a frame is given back that nobody had:", frame);
    is_free[frame / WORD] |= bit;
    free_count++;
    if (frame / WORD < lowest_word)
        lowest_word = frame / WORD;
}

static bool has(struct paging_frame_source *source, uint64_t frames)
{
    (void)source;
    return free_count >= frames;
}

static bool take(struct paging_frame_source *source, enum paging_size size, paging_frame_t *frame)
{
    (void)source;
    if (size != PAGING_4K || free_count == 0)
        return false;
    while (is_free[lowest_word] == 0)
        lowest_word++;
    frame->number = lowest_word * WORD + (uint64_t)__builtin_ctzll(is_free[lowest_word]);
    is_free[lowest_word] &= is_free[lowest_word] - 1;
    free_count--;
    return true;
}

static void give_back(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    (void)source;
    for (uint64_t i = 0; i < paging_level_pages(size); i++)
        set_free(frame.number + i);
}

/* Single frames need not be told which of them form a larger page. */
static void ignore(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    (void)source, (void)size, (void)frame;
}

/* Returns where a free region ends; 0 of one that is not free. */
static uint64_t end_of_free(const struct boot_memory *region)
{
    uint64_t end = region->start + region->bytes;
    if (region->type != 1 || region->start >= BOOT_MEMORY_LIMIT)
        return 0;
    return end < BOOT_MEMORY_LIMIT ? end & ~(PAGING_PAGE_BYTES - 1) : BOOT_MEMORY_LIMIT;
}

struct paging_frame_source *boot_frames(const struct boot_info *info)
{
    static struct paging_frame_source source = {has, take, give_back, ignore, ignore};
    const struct boot_memory *map = (const struct boot_memory *)info->memory_map;
    uint64_t image = (uint64_t)image_end - BOOT_KERNEL_BASE;
    for (uint32_t i = 0; i < info->memory_map_entries; i++) {
        uint64_t start = map[i].start > image ? map[i].start : image, end = end_of_free(&map[i]);
        for (uint64_t frame = (start + PAGING_PAGE_BYTES - 1) / PAGING_PAGE_BYTES;
             frame < end / PAGING_PAGE_BYTES; frame++)
            set_free(frame);
    }
    return &source;
}

uint64_t boot_memory_end(const struct boot_info *info)
{
    const struct boot_memory *map = (const struct boot_memory *)info->memory_map;
    uint64_t end = 0;
    for (uint32_t i = 0; i < info->memory_map_entries; i++)
        end = end_of_free(&map[i]) > end ? end_of_free(&map[i]) : end;
    return end;
}

bool boot_frame_take(paging_frame_t *frame)
{
    return take(NULL, PAGING_4K, frame);
}

void boot_frame_give_back(paging_frame_t frame)
{
    give_back(NULL, PAGING_4K, frame);
}

uint64_t boot_frames_free(void)
{
    return free_count;
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
