/* SPDX-License-Identifier: MIT */
/*
 * kept_blocks.c - finds the reports that earlier runs kept in memory, and memory for this run's.
 *
 * Both are looked for at the same few addresses, so that no variable of the firmware's has to say where a
 * report is. A block that AllocateAddress gives is memory, and nobody uses it. The addresses are far from
 * both ends of the memory below 4 GiB, where firmware works: on OVMF what lay at 16 MiB was gone after a
 * reset, from 64 MiB on it was there.
 */
#include "kernel/console/log.h"
#include "loader.h"

static const char old_report[] = "report of an earlier run", this_log[] = "log";

#define MIB 0x100000ull
static const UINT64 addresses[] = {256 * MIB, 128 * MIB,  512 * MIB, 384 * MIB,
                                   768 * MIB, 1024 * MIB, 64 * MIB,  40 * MIB};

/* A run prints about 12 KiB; with the page tables' dump, more. */
enum { BLOCK_PAGES = 64, BLOCK_BYTES = BLOCK_PAGES * EFI_PAGE_SIZE };

/* Linux has shown that some machines do not start any more when less than 5 KiB of the store is free. */
enum { STORE_RESERVE = 5 * 1024, HINT_COST = 128 };
static CHAR16 hint_name[] = L"SelfmapReport";
static EFI_GUID hint_owner = {0x5e1f3a9d, 0x7c24, 0x4b1e, {0x9a, 0x6d, 0x53, 0x45, 0x4c, 0x46, 0x4d, 0x50}};
#define UEFI_2_0        (2u << 16) /* the first with QueryVariableInfo */
#define HINT_ATTRIBUTES (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS)

/* Takes the block at this address. Returns whether it holds a report; *ours says whether it could be had. */
static bool take_block(UINT64 address, struct kept_block *found, bool *ours)
{
    EFI_PHYSICAL_ADDRESS start = address;
    *ours = !EFI_ERROR(BS->AllocatePages(AllocateAddress, EfiLoaderData, BLOCK_PAGES, &start));
    found->start = (void *)(UINTN)address;
    return *ours && kept_read(found->start, BLOCK_BYTES, &found->record);
}

static void delete_hint(void)
{
    (void)system_table->RuntimeServices->SetVariable(hint_name, &hint_owner, HINT_ATTRIBUTES, 0, NULL);
}

/* Returns the address that the last run left in a variable, or 0. The variable is deleted. */
static UINT64 take_hint(void)
{
    UINT64 address = 0;
    UINTN bytes = sizeof address;
    UINT32 attributes;
    EFI_RUNTIME_SERVICES *runtime = variable_services();
    if (!runtime || EFI_ERROR(runtime->GetVariable(hint_name, &hint_owner, &attributes, &bytes, &address)))
        return 0;
    delete_hint();
    return bytes == sizeof address && address % EFI_PAGE_SIZE == 0 ? address : 0;
}

static bool hint_is_left;

/* Leaves the address of this run's block in a variable, if the firmware says that there is room for it. */
static void leave_hint(UINT64 address)
{
    UINT64 size = 0, left = 0, largest = 0;
    EFI_RUNTIME_SERVICES *runtime = variable_services();
    EFI_STATUS status = EFI_UNSUPPORTED;
    if (runtime && runtime->Hdr.Revision >= UEFI_2_0 && runtime->QueryVariableInfo)
        status = runtime->QueryVariableInfo(HINT_ATTRIBUTES, &size, &left, &largest);
    if (!EFI_ERROR(status) && left < STORE_RESERVE + HINT_COST)
        status = EFI_OUT_OF_RESOURCES;
    if (!EFI_ERROR(status))
        status = runtime->SetVariable(hint_name, &hint_owner, HINT_ATTRIBUTES, sizeof address, &address);
    hint_is_left = !EFI_ERROR(status);
    if (EFI_ERROR(status))
        say("  the report will not be found after a reset: no variable can say where it is: %s\n",
            status_name(status));
    else
        say("  none of the fixed places in memory could be had: a variable says where the report is\n");
}

/* Returns whether the options exclude a part of the block: that memory may be broken. */
static bool is_excluded(const struct options *options, UINT64 address)
{
    UINT64 first = address / EFI_PAGE_SIZE;
    for (unsigned i = 0; i < options->exclude_count; i++)
        if (options->exclude[i].start < first + BLOCK_PAGES && first < options->exclude[i].end)
            return true;
    return false;
}

/* Looks at the fixed addresses. Returns the block for this run, or 0. */
static UINT64 search(struct loader *loader, struct kept_block *found, unsigned *count)
{
    UINT64 block = 0;
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        bool ours = false, holds_report = false;
        if (!is_excluded(&loader->handoff->options, addresses[i]))
            holds_report = take_block(addresses[i], &found[*count], &ours);
        if (!ours)
            continue;
        if (holds_report && !EFI_ERROR(note_taken(loader, old_report, addresses[i], BLOCK_PAGES)))
            ++*count;
        else if (block == 0)
            block = addresses[i];
        else
            BS->FreePages(addresses[i], BLOCK_PAGES);
    }
    return block;
}

/* Follows the variable that a run leaves when it gets none of the fixed addresses. */
static void follow_hint(struct loader *loader, struct kept_block *found, unsigned *count)
{
    bool ours;
    UINT64 address = take_hint();
    if (address == 0 || *count == KEPT_BLOCK_LIMIT)
        return;
    if (take_block(address, &found[*count], &ours) &&
        !EFI_ERROR(note_taken(loader, old_report, address, BLOCK_PAGES)))
        ++*count;
    else if (ours)
        BS->FreePages(address, BLOCK_PAGES);
}

/* Returns the middle of the largest free range of a memory map, or 0. */
static UINT64 middle_of_largest(const struct firmware_map *map)
{
    UINT64 most = BLOCK_PAGES - 1, middle = 0;
    for (UINTN i = 0; i < map_count(map); i++) {
        const EFI_MEMORY_DESCRIPTOR range = map_descriptor(map, i);
        if (range.Type != EfiConventionalMemory || range.NumberOfPages <= most)
            continue;
        most = range.NumberOfPages;
        middle = range.PhysicalStart + (most - BLOCK_PAGES) / 2 * EFI_PAGE_SIZE;
    }
    return middle;
}

/*
 * Reads a memory map into a buffer that is given back, and finds a place for a block. Returns 0 if it cannot.
 */
static UINT64 find_middle(void)
{
    enum { SLACK = 8 }; /* descriptors that taking the buffer may add */
    struct firmware_map map = {0};
    VOID *buffer = NULL;
    EFI_STATUS status = get_memory_map(&map);
    map.room = EFI_ERROR(status) ? 0 : map_count(&map) + SLACK;
    map.capacity = map.room * map.stride;
    if (EFI_ERROR(status) || EFI_ERROR(BS->AllocatePool(EfiLoaderData, map.capacity, &buffer)))
        return 0;
    map.buffer = buffer;
    UINT64 start = EFI_ERROR(get_memory_map(&map)) ? 0 : middle_of_largest(&map);
    BS->FreePool(buffer);
    return start;
}

/*
 * Takes a block as far from the firmware's memory as there is one. (AllocateAnyPages would give one beside
 * it, where the next start puts other things.) Returns 0 if it cannot.
 */
static UINT64 take_middle(void)
{
    EFI_PHYSICAL_ADDRESS start = find_middle();
    if (start != 0 && EFI_ERROR(BS->AllocatePages(AllocateAddress, EfiLoaderData, BLOCK_PAGES, &start)))
        start = 0;
    return start;
}

EFI_STATUS take_kept_blocks(struct loader *loader, struct kept_block *found, unsigned *count)
{
    enum store_kind store = loader->handoff->options.store;
    EFI_STATUS status;
    UINT64 start = 0;
    *count = 0;
    if (store == STORE_AUTO)
        start = search(loader, found, count);
    if (store != STORE_NO)
        follow_hint(loader, found, count);
    bool fixed = start != 0;
    if (!fixed && store != STORE_NO)
        start = take_middle();
    status = start != 0 ? note_taken(loader, this_log, start, BLOCK_PAGES)
                        : take_pages(loader, this_log, BLOCK_PAGES, EFI_PAGE_SIZE, &start);
    if (EFI_ERROR(status))
        return status;
    kept_forget((void *)(UINTN)start);
    loader->needs_hint = !fixed;
    log_start((char *)(UINTN)start + KEPT_HEAD_BYTES, BLOCK_BYTES - KEPT_HEAD_BYTES);
    return add_region(loader, this_log, start, start + BLOCK_BYTES, PAGING_WRITABLE | PAGING_NO_EXECUTE,
                      true);
}

EFI_STATUS keep_report(struct loader *loader)
{
    char *block = (char *)log_text() - KEPT_HEAD_BYTES;
    if (loader->handoff->options.store == STORE_NO)
        return EFI_SUCCESS;
    kept_start(block);
    kept_grow(log_text(), log_length());
    if (loader->needs_hint)
        leave_hint((UINTN)block);
    return EFI_SUCCESS;
}

void forget_this_run(void)
{
    kept_stop();
    if (hint_is_left)
        delete_hint();
}
