/* SPDX-License-Identifier: MIT */
/* memory.c - the services that allocate, tell the memory map, and end boot services. */
#include "shim.h"

enum { BLOCK_LIMIT = 256, MAP_BYTES = 4 << 20 };

static struct {
    uint64_t start, pages;
} blocks[BLOCK_LIMIT];
static unsigned block_count;

static uint64_t allocations, pool_calls, reads, exits;
static uint8_t *true_map; /* as the firmware tells it */
static UINT32 true_version;
static UINTN true_key, true_stride, true_bytes;
static UINT64 bump; /* where the next block goes, if a word says so */

uint64_t block_start(unsigned n)
{
    return n < block_count ? blocks[n].start : 0;
}

uint64_t block_end(unsigned n)
{
    return n < block_count ? blocks[n].start + blocks[n].pages * SHIM_PAGE : 0;
}

static void note_block(uint64_t start, uint64_t pages, uint32_t type)
{
    record_block(start, pages, type, true);
    if (block_count == BLOCK_LIMIT)
        return;
    blocks[block_count].start = start;
    blocks[block_count++].pages = pages;
}

/* ---- AllocatePages and its relatives ---- */

/* Returns whether a word `key=N:...` is about this call; *rest is what follows. */
static bool is_about(const char *key, uint64_t call, const char **rest)
{
    const char *value;
    for (size_t at = 0; (value = next_word(key, LATER_READ, &at));) {
        if (take_number(&value, 0) == call) {
            *rest = value;
            return true;
        }
    }
    return false;
}

/* Takes a block where the word `alloc-at=N:PLACE` or `alloc-from=PLACE` wants it. */
static EFI_STATUS allocate_at(UINTN pages, EFI_MEMORY_TYPE type, EFI_PHYSICAL_ADDRESS *address, bool *placed)
{
    const char *rest;
    uint64_t from = word_number("alloc-from", 0);
    *placed = is_about("alloc-at", allocations, &rest) || from != 0;
    if (!*placed)
        return EFI_SUCCESS;
    if (is_about("alloc-at", allocations, &rest)) {
        *address = take_number(&rest, 0);
    } else {
        bump = bump ? bump : from;
        *address = bump;
        bump += pages * SHIM_PAGE;
    }
    EFI_STATUS status = TRUE_BS->AllocatePages(AllocateAddress, type, pages, address);
    if (EFI_ERROR(status))
        give_up("%lx cannot be allocated", *address);
    return status;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *address)
{
    const char *rest;
    bool placed = false;
    if (how == AllocateAddress && word_number("address-fails", 0))
        return EFI_NOT_FOUND;
    allocations += how != AllocateAddress;
    if (how != AllocateAddress && (is_about("alloc-fails", allocations, &rest) ||
                                   allocations >= word_number("alloc-fails-from", ~0ull)))
        return EFI_OUT_OF_RESOURCES;
    if (how != AllocateAddress && is_about("alloc-returns", allocations, &rest)) {
        *address = take_number(&rest, 0);
        note_block(*address, pages, type);
        return EFI_SUCCESS;
    }
    EFI_STATUS status = how == AllocateAddress ? EFI_SUCCESS : allocate_at(pages, type, address, &placed);
    if (!placed)
        status = TRUE_BS->AllocatePages(how, type, pages, address);
    if (EFI_ERROR(status))
        return status;
    note_block(*address, pages, type);
    if (how != AllocateAddress && is_about("alloc-adds", allocations, &rest))
        *address += take_number(&rest, 0);
    return status;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS address, UINTN pages)
{
    uint64_t status = word_number("free-status", 0);
    if (status)
        return status;
    status = TRUE_BS->FreePages(address, pages);
    if (!EFI_ERROR(status))
        record_block(address, pages, 0, false);
    return status;
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN bytes, VOID **buffer)
{
    pool_calls++;
    if (pool_calls == word_number("pool-fails", 0) || pool_calls >= word_number("pool-fails-from", ~0ull))
        return EFI_OUT_OF_RESOURCES;
    return TRUE_BS->AllocatePool(type, bytes, buffer);
}

/* ---- GetMemoryMap ---- */

uint32_t true_type(uint64_t page)
{
    for (UINTN at = 0; at + true_stride <= true_bytes; at += true_stride) {
        const EFI_MEMORY_DESCRIPTOR *from = (const void *)(true_map + at);
        if (page - from->PhysicalStart < from->NumberOfPages * SHIM_PAGE)
            return from->Type;
    }
    return EfiMemoryMappedIO;
}

static EFI_STATUS read_true_map(void)
{
    true_bytes = MAP_BYTES;
    EFI_STATUS status =
        TRUE_BS->GetMemoryMap(&true_bytes, (VOID *)true_map, &true_key, &true_stride, &true_version);
    if (EFI_ERROR(status))
        return status;
    piece_count = 0;
    for (UINTN at = 0; at + true_stride <= true_bytes; at += true_stride) {
        const EFI_MEMORY_DESCRIPTOR *from = (const void *)(true_map + at);
        pieces[piece_count++] = (struct piece){.type = from->Type,
                                               .start = from->PhysicalStart,
                                               .pages = from->NumberOfPages,
                                               .attributes = from->Attribute};
    }
    return status;
}

/* Writes the edited map where the loader wants it; the bytes between descriptors are junk. */
static void write_map(uint8_t *to, UINTN stride)
{
    UINTN bytes = sizeof(EFI_MEMORY_DESCRIPTOR);
    for (size_t i = 0; i < piece_count; i++, to += stride) {
        EFI_MEMORY_DESCRIPTOR descriptor = {
            .Type = pieces[i].type,
            .Pad = (UINT32)word_number("map-pad", 0),
            .PhysicalStart = pieces[i].start,
            .VirtualStart = word_number("map-virtual", 0),
            .NumberOfPages = pieces[i].pages,
            .Attribute = pieces[i].attributes,
        };
        UINTN fits = bytes < stride ? bytes : stride;
        __builtin_memcpy(to, &descriptor, fits);
        __builtin_memset(to + fits, 0xa5, stride - fits);
    }
}

static uint64_t said(const char *key, enum moment moment, uint64_t true_value)
{
    const char *value = word_at(key, moment);
    if (!value)
        return true_value;
    bool relative = *value == '+' || *value == '-';
    bool minus = *value == '-';
    value += relative;
    uint64_t number = take_number(&value, 0);
    return relative ? (minus ? true_value - number : true_value + number) : number;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *bytes, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *stride,
                                        UINT32 *version)
{
    UINTN room = map ? *bytes : 0;
    EFI_STATUS status = read_true_map();
    if (EFI_ERROR(status))
        return status;
    enum moment moment = room == 0 ? SIZE_CALL : reads == 0 ? FIRST_READ : LATER_READ;
    map_edit(moment);
    UINTN step = said("stride", moment, true_stride), needed = piece_count * step;
    status = needed > room ? EFI_BUFFER_TOO_SMALL : EFI_SUCCESS;
    if (status == EFI_SUCCESS) {
        write_map((uint8_t *)map, step);
        record_map(map, needed, step);
        reads++;
    }
    status = said("say-status", moment, status);
    *key = said("say-key", moment, true_key);
    *stride = said("say-stride", moment, step);
    *version = (UINT32)said("say-version", moment, true_version);
    if (!word_at("say-nothing", moment))
        *bytes = said("say-bytes", moment, needed);
    return status;
}

/* ---- ExitBootServices ---- */

/* What the specification says becomes of the table (UEFI 2.10, 7.4.6). */
static void forget_boot_services(void)
{
    false_table.ConsoleInHandle = false_table.ConsoleOutHandle = false_table.StandardErrorHandle = NULL;
    false_table.ConIn = NULL;
    false_table.ConOut = false_table.StdErr = NULL;
    false_table.BootServices = NULL;
    seal_tables();
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
    EFI_STATUS lie = word_number("exit-says", EFI_SUCCESS);
    (void)image;
    exits++;
    if (exits <= word_number("exit-fails", 0))
        return word_number("exit-status", EFI_INVALID_PARAMETER);
    if (exits <= word_number("exit-churns", 0))
        (void)shim_pages(EfiBootServicesData, 1); /* the key is stale now */
    if (!word("exit-pretends")) {
        EFI_STATUS status = TRUE_BS->ExitBootServices(image, key);
        if (EFI_ERROR(status))
            return status;
    }
    if (word("exit-interrupts"))
        __asm__ volatile("sti");
    hook_late_writes();
    if (!word("exit-keeps-table"))
        forget_boot_services();
    record_sums();
    tell("boot services have ended");
    return lie;
}

void hook_memory(void)
{
    pieces = shim_pages(EfiLoaderData, PIECE_LIMIT * sizeof(struct piece) / SHIM_PAGE);
    true_map = shim_pages(EfiLoaderData, MAP_BYTES / SHIM_PAGE);
    false_services.AllocatePages = allocate_pages;
    false_services.FreePages = free_pages;
    false_services.AllocatePool = allocate_pool;
    false_services.GetMemoryMap = get_memory_map;
    false_services.ExitBootServices = exit_boot_services;
}
