/* SPDX-License-Identifier: MIT */
/*
 * record.c - what the judge reads out of the machine's memory after the end, and memory with names.
 *
 * The record lies in reserved memory, which nobody but the shim may write. judge.py knows its layout.
 */
#include "shim.h"

#define MIB ((uint64_t)1 << 20)
enum {
    RECORD_PAGES = 1024,
    BLOCKS = 250,     /* of 4 words, behind a page with the head */
    SUMS_AT = 0x4000, /* of 2 words */
    SUMS_LIMIT = 8192,
    MAP_AT = 0x100000,
    MAP_LIMIT = 3 << 20,
    PATTERN_PAGES = 64, /* of each kind that nobody may write */
    GROUND_PAGES = 4096,
    BOOT_PAGES = 1024,
};

struct block {
    uint64_t start, pages, type, taken;
};

struct record {
    char name[8];
    uint64_t image_base, image_bytes;
    uint64_t map_bytes, map_stride, map_reads;
    uint64_t block_count, sum_count;
    uint64_t sums_skipped; /* pages that would have needed one */
    uint64_t framebuffer;
};

static struct record *record;
uint64_t image_base, image_bytes;

static struct {
    const char *name;
    uint64_t start, pages;
} places[16];
static unsigned place_count;

static void add_place(const char *name, uint64_t start, uint64_t pages)
{
    places[place_count].name = name;
    places[place_count].start = start;
    places[place_count++].pages = pages;
}

void *shim_pages(EFI_MEMORY_TYPE type, uint64_t pages)
{
    EFI_PHYSICAL_ADDRESS at = 0;
    if (EFI_ERROR(TRUE_BS->AllocatePages(AllocateAnyPages, type, pages, &at)))
        give_up("the firmware has no %lu pages", pages);
    return (void *)(uintptr_t)at;
}

static void add_pattern(const char *name, EFI_MEMORY_TYPE type)
{
    uint64_t *at = shim_pages(type, PATTERN_PAGES);
    for (uint64_t i = 0; i < PATTERN_PAGES * SHIM_PAGE / 8; i++)
        at[i] = ((uintptr_t)at + i) * 0x9e3779b97f4a7c15u;
    add_place(name, (uintptr_t)at, PATTERN_PAGES);
}

/* Finds a range that is free and stays so: the firmware allocates from above. */
static void add_ground(const char *name, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += 16 * MIB) {
        EFI_PHYSICAL_ADDRESS address = at;
        if (EFI_ERROR(TRUE_BS->AllocatePages(AllocateAddress, EfiLoaderData, GROUND_PAGES, &address)))
            continue;
        TRUE_BS->FreePages(address, GROUND_PAGES);
        add_place(name, at, GROUND_PAGES);
        return;
    }
}

void record_start(void)
{
    record = shim_pages(EfiReservedMemoryType, RECORD_PAGES);
    __builtin_memset(record, 0, sizeof *record);
    __builtin_memcpy(record->name, "SHIMREC1", 8);
    add_place("record", (uintptr_t)record, RECORD_PAGES);
    add_pattern("reserved", EfiReservedMemoryType);
    add_pattern("nvs", EfiACPIMemoryNVS);
    add_pattern("reclaim", EfiACPIReclaimMemory);
    add_pattern("rtdata", EfiRuntimeServicesData);
    add_pattern("rtcode", EfiRuntimeServicesCode);
    add_place("boot", (uintptr_t)shim_pages(EfiBootServicesData, BOOT_PAGES), BOOT_PAGES);
    add_place("kept", (uintptr_t)shim_pages(EfiLoaderData, BOOT_PAGES), BOOT_PAGES);
    add_ground("ground", 80 * MIB, 128 * MIB);
    add_ground("high", 4096 * MIB + 512 * MIB, 8192 * MIB);
}

uint64_t record_address(void)
{
    return (uintptr_t)record;
}

void record_image(void)
{
    record->image_base = image_base;
    record->image_bytes = image_bytes;
}

void record_map(const void *map, uint64_t bytes, uint64_t stride)
{
    record->map_reads++;
    record->map_bytes = bytes;
    record->map_stride = stride;
    __builtin_memcpy((char *)record + MAP_AT, map, bytes < MAP_LIMIT ? bytes : MAP_LIMIT);
}

void record_block(uint64_t start, uint64_t pages, uint32_t type, bool taken)
{
    struct block *blocks = (struct block *)((char *)record + SHIM_PAGE);
    if (record->block_count < BLOCKS)
        blocks[record->block_count++] = (struct block){start, pages, type, taken};
}

/* ---- pages that nobody may write ---- */

static bool is_forbidden(uint32_t type)
{
    return type != EfiLoaderCode && type != EfiLoaderData && type != EfiBootServicesCode &&
           type != EfiBootServicesData && type != EfiConventionalMemory;
}

static bool is_in_place(uint64_t page)
{
    for (unsigned i = 0; i < place_count; i++)
        if (page - places[i].start < places[i].pages * SHIM_PAGE)
            return true;
    return false;
}

/*
 * Returns whether the page can be judged: it is memory, and neither the loader nor the firmware uses it. What
 * the firmware says without words tells that, except of a stack in free memory, as U-Boot has it. A call of
 * a runtime service may write to the firmware's runtime memory, but not to the shim's.
 */
static bool is_quiet(uint64_t page)
{
    enum { AROUND = 64 << 10 };
    uint64_t stack = (uintptr_t)__builtin_frame_address(0);
    uint32_t type = true_type(page);
    bool is_runtime = type == EfiRuntimeServicesCode || type == EfiRuntimeServicesData;
    if (page < MIB || page >= word_number("memory-end", 0) || page - (stack - AROUND) < 2 * AROUND)
        return false;
    if (page + SHIM_PAGE > image_base && page < image_base + image_bytes)
        return false;
    return (type == EfiConventionalMemory || is_forbidden(type)) && (!is_runtime || is_in_place(page));
}

static void add_sum(uint64_t page)
{
    struct pair {
        uint64_t page, sum;
    } *sums = (struct pair *)((char *)record + SUMS_AT);
    const uint64_t *words = (const uint64_t *)(uintptr_t)page;
    uint64_t sum = 0;
    for (unsigned i = 0; i < SHIM_PAGE / 8; i++)
        sum += words[i];
    sums[record->sum_count++] = (struct pair){page, sum};
}

static bool is_in_record(uint64_t page)
{
    return page - (uintptr_t)record < RECORD_PAGES * SHIM_PAGE;
}

/* Of large ranges the first and the last pages. */
static void add_sums(const struct piece *piece)
{
    enum { MOST = 512 };
    for (uint64_t i = 0; i < piece->pages; i++) {
        uint64_t page = (piece->start & ~(SHIM_PAGE - 1)) + i * SHIM_PAGE;
        if (i == MOST / 2 && piece->pages > MOST)
            i = piece->pages - MOST / 2;
        if (page >= word_number("memory-end", 0))
            break;
        if (is_in_record(page) || !is_quiet(page))
            continue;
        if (record->sum_count < SUMS_LIMIT)
            add_sum(page);
        else
            record->sums_skipped++;
    }
}

void record_sums(void)
{
    for (size_t i = 0; i < piece_count; i++)
        if (is_forbidden(pieces[i].type))
            add_sums(&pieces[i]);
}

/* ---- places ---- */

static bool same(const char *name, size_t length, const char *other, const char *suffix)
{
    size_t i = 0;
    for (; *other; other++, i++)
        if (i == length || name[i] != *other)
            return false;
    for (; *suffix; suffix++, i++)
        if (i == length || name[i] != *suffix)
            return false;
    return i == length;
}

/* a3: where the fourth block of the loader's begins; e3: where it ends; p3: how many pages it has. */
static uint64_t block_named(const char *name, size_t length, bool *found)
{
    unsigned n = 0;
    *found = length > 1 && (name[0] == 'a' || name[0] == 'e' || name[0] == 'p');
    for (size_t i = 1; i < length && *found; i++) {
        *found = name[i] >= '0' && name[i] <= '9';
        n = n * 10 + (unsigned)(name[i] - '0');
    }
    if (name[0] == 'p')
        return (block_end(n) - block_start(n)) / SHIM_PAGE;
    return name[0] == 'a' ? block_start(n) : block_end(n);
}

uint64_t place_named(const char *name, size_t length, bool *found)
{
    *found = true;
    if (same(name, length, "image", ""))
        return image_base;
    if (same(name, length, "image", ".end"))
        return image_base + image_bytes;
    if (same(name, length, "image", ".pages"))
        return (image_bytes + SHIM_PAGE - 1) / SHIM_PAGE;
    for (unsigned i = 0; i < place_count; i++) {
        if (same(name, length, places[i].name, ""))
            return places[i].start;
        if (same(name, length, places[i].name, ".end"))
            return places[i].start + places[i].pages * SHIM_PAGE;
        if (same(name, length, places[i].name, ".pages"))
            return places[i].pages;
    }
    return block_named(name, length, found);
}
