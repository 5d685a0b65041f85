/* SPDX-License-Identifier: MIT */
/* fw_cfg.c - reads items of QEMU's fw_cfg device by its DMA interface (QEMU, docs/specs/fw_cfg.rst). */
#include "shim.h"

enum { DMA_HIGH = 0x514, DMA_LOW = 0x518, DIRECTORY = 0x19, DIRECTORY_LIMIT = 16384, ENTRY_BYTES = 64 };
enum { CONTROL_ERROR = 1, CONTROL_READ = 2, CONTROL_SELECT = 8 };

struct request {
    uint32_t control, bytes;
    uint64_t address;
};

static uint8_t directory[DIRECTORY_LIMIT];

static void write_port(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/* The device has numbers the other way round. */
static void read_number(uint16_t item, void *to, uint32_t bytes)
{
    volatile struct request request = {
        .control = __builtin_bswap32((uint32_t)item << 16 | CONTROL_SELECT | CONTROL_READ),
        .bytes = __builtin_bswap32(bytes),
        .address = __builtin_bswap64((uintptr_t)to),
    };
    uint64_t at = (uintptr_t)&request;
    write_port(DMA_HIGH, __builtin_bswap32((uint32_t)(at >> 32)));
    write_port(DMA_LOW, __builtin_bswap32((uint32_t)at));
    while (__builtin_bswap32(request.control) & ~(uint32_t)CONTROL_ERROR)
        ;
    if (request.control)
        give_up("fw_cfg refuses item %x", item);
}

static uint32_t big_endian(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

static bool same_name(const char *a, const uint8_t *b)
{
    for (; *a && (uint8_t)*a == *b; a++, b++)
        ;
    return (uint8_t)*a == *b;
}

static const uint8_t *find(const char *name)
{
    read_number(DIRECTORY, directory, sizeof directory);
    uint32_t count = big_endian(directory, 4);
    for (uint32_t i = 0; i < count && i < DIRECTORY_LIMIT / ENTRY_BYTES - 1; i++) {
        const uint8_t *entry = directory + 4 + i * ENTRY_BYTES;
        if (same_name(name, entry + 8))
            return entry;
    }
    return NULL;
}

bool has_item(const char *name)
{
    return find(name) != NULL;
}

void *read_item(const char *name, uint32_t *bytes)
{
    const uint8_t *entry = find(name);
    if (!entry)
        return NULL;
    *bytes = big_endian(entry, 4);
    uint8_t *to = shim_pages(EfiLoaderData, *bytes / SHIM_PAGE + 1);
    if (*bytes > 0)
        read_number((uint16_t)big_endian(entry + 4, 2), to, *bytes);
    to[*bytes] = '\0';
    return to;
}
