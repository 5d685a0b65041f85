/* SPDX-License-Identifier: MIT */
/*
 * linux/main.c - builds, edits, walks and prints page tables in a program's own memory, as a virtual machine
 * monitor does for its guest, or a boot loader's tool for an image. Read it from top to bottom.
 */
#include "tree.h"
#include <selfmap/frames.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 1. An array stands for physical memory --------------------------------------------------------- */
#define MEMORY_BASE  0x1000000 /* its first byte's physical address */
#define MEMORY_PAGES 64

static _Alignas(PAGING_PAGE_BYTES) unsigned char memory[MEMORY_PAGES * PAGING_PAGE_BYTES];

static void *at_physical(uint64_t address)
{
    return memory + (address - MEMORY_BASE);
}

/* ---- 2. Results ------------------------------------------------------------------------------------- */
static unsigned tests, failures;

static void tap(bool passed, const char *what)
{
    failures += !passed;
    printf("%s %u %s\n", passed ? "ok" : "not ok", ++tests, what);
}

/* No status may be ignored: the compiler warns. Here each other than PAGING_OK is the end. */
static void must(enum paging_status status, const char *what)
{
    if (status == PAGING_OK)
        return;
    printf("Bail out! %s: %s\n", what, paging_status_name(status));
    exit(1);
}

#define DATA (PAGING_WRITABLE | PAGING_NO_EXECUTE)

static paging_page_t page_of(uint64_t address)
{
    return paging_page_at(4, (paging_virt_t){address});
}

/* ---- 3. A walk of our own ----------------------------------------------------------------------------- */
/*
 * Goes through the tables as the processor would, without asking the core (SDM 3A, 4.5): bits 47 to 12 of the
 * address are four indices. Returns the leaf, or the entry that is not present; *level is that of its table.
 */
static uint64_t walk(const struct paging_space *space, uint64_t address, unsigned *level)
{
    uint64_t entry = paging_root_address(space).value;
    for (*level = 4;; --*level) {
        const uint64_t *table = at_physical(entry & 0xffffffffff000);
        entry = table[address >> (12 + 9 * (*level - 1)) & 511];
        if (!(entry & 1) || *level == 1 || entry >> 7 & 1)
            return entry;
    }
}

/* Returns whether a leaf of this size maps the address to `physical`, with these rights of DATA. */
static bool leads_to(const struct paging_space *space, uint64_t address, enum paging_size size,
                     uint64_t physical, uint64_t rights)
{
    unsigned level;
    uint64_t leaf = walk(space, address, &level), bytes = (uint64_t)1 << (12 + 9 * (size - 1));
    return level == size && (leaf & 1) &&
           (leaf & 0xffffffffff000 & ~(bytes - 1)) + (address & (bytes - 1)) == physical &&
           (leaf & DATA) == rights;
}

/* ---- 4. Build, look, edit, look again --------------------------------------------------------------- */
#define IMAGE 0xffffffff80000000
#define RAM   0xffff800000000000 /* the guest's memory once more: a direct map */
#define MIB   (1024 * 1024)

int main(void)
{
    /* Where the core takes frames from: the library's allocator here, or a frame source of one's own. */
    struct frames_run run = {{MEMORY_BASE / PAGING_PAGE_BYTES},
                             {MEMORY_BASE / PAGING_PAGE_BYTES + MEMORY_PAGES}};
    uint64_t bytes = frames_bytes_for_runs(&run, 1, 0);
    struct frames allocator;
    void *bookkeeping = malloc(bytes);
    if (!bookkeeping)
        return 1;
    frames_init(&allocator, bookkeeping, bytes);
    if (frames_add_free(&allocator, run.start, run.end) != FRAMES_OK)
        return 1;
    struct paging_frame_source *frames = &allocator.source;

    /* A table at a physical address is reached at that address plus the offset. Nothing is ever flushed. */
    struct paging_cpu cpu = {.levels = 4, .physical_bits = 40, .has_no_execute = true, .has_1g_pages = true};
    struct paging_space space;
    must(paging_create_direct(&space, cpu, (uintptr_t)memory - MEMORY_BASE, frames), "create");

    /* Memory that the caller names, in the largest pages that fit: 1 GiB and 4 MiB are three entries. */
    must(paging_map_range(&space, (paging_virt_t){RAM}, (paging_phys_t){0}, 1028 * MIB, DATA, frames), "RAM");
    tap(leads_to(&space, RAM + 0x12345678, PAGING_1G, 0x12345678, DATA), "a GiB is mapped by one entry");
    tap(leads_to(&space, RAM + 1025 * MIB, PAGING_2M, 1025 * MIB, DATA), "what is left, by entries of 2 MiB");

    /* Memory that the source gives, and gets back. A page is filled where the translation leads. */
    must(paging_map(&space, page_of(IMAGE), 0, frames), "code");
    must(paging_set_marker(&space, page_of(IMAGE + 0x1000), 77, frames), "guard page");
    must(paging_map(&space, page_of(IMAGE + 0x2000), DATA, frames), "stack");
    struct paging_translation found;
    must(paging_translate(&space, (paging_virt_t){IMAGE + 0x2008}, &found), "translate");
    strcpy(at_physical(found.address.value), "hello");
    const char *there = at_physical((walk(&space, IMAGE + 0x2008, &(unsigned){0}) & 0xffffffffff000) + 8);
    tap(leads_to(&space, IMAGE + 0x2008, PAGING_4K, found.address.value, DATA) && found.owned &&
            strcmp(there, "hello") == 0,
        "the stack has a frame, and holds what was written where the translation leads");

    /* Edit: in the middle of a page of 1 GiB, 16 KiB become read-only and 8 KiB go away. */
    uint64_t tables = paging_counted(&space).tables;
    must(paging_protect_range(&space, (paging_virt_t){RAM + 0x200000}, 0x4000, 0, PAGING_WRITABLE, frames),
         "protect");
    must(paging_unmap_range(&space, (paging_virt_t){RAM + 0x208000}, 0x2000, frames), "unmap");
    tap(leads_to(&space, RAM + 0x203000, PAGING_4K, 0x203000, PAGING_NO_EXECUTE) &&
            leads_to(&space, RAM + 0x204000, PAGING_4K, 0x204000, DATA),
        "16 KiB are read-only, and what is behind them is not");
    tap((walk(&space, RAM + 0x209000, &(unsigned){0}) & 1) == 0 &&
            leads_to(&space, RAM + 0x20a000, PAGING_4K, 0x20a000, DATA),
        "8 KiB are gone");
    tap(leads_to(&space, RAM + 0x12345678, PAGING_2M, 0x12345678, DATA) &&
            paging_counted(&space).tables == tables + 2,
        "far from there pages of 2 MiB are left");

    /* Look: a callback sees every entry (tree.c). */
    uint64_t seen;
    must(print_tree(&space, &seen), "print");
    tap(seen == paging_counted(&space).tables, "the tree shows every table");

    /* Undo that, and the pages grow together again. */
    must(paging_map_range(&space, (paging_virt_t){RAM + 0x208000}, (paging_phys_t){0x208000}, 0x2000, DATA,
                          frames),
         "map");
    must(paging_protect_range(&space, (paging_virt_t){RAM + 0x200000}, 0x4000, PAGING_WRITABLE, 0, frames),
         "protect");
    must(paging_merge_range(&space, (paging_virt_t){RAM}, 1024 * MIB, frames), "merge");
    tap(leads_to(&space, RAM + 0x12345678, PAGING_1G, 0x12345678, DATA) &&
            paging_counted(&space).tables == tables,
        "one entry again");

    must(paging_destroy(&space, frames), "destroy");
    tap(frames_free_count(&allocator) == MEMORY_PAGES, "every frame came back");
    printf("1..%u\n", tests);
    return failures != 0;
}
