/* SPDX-License-Identifier: MIT */
/*
 * recursive/main.c - a kernel that reaches its tables through the recursive slot. Read it from top to bottom.
 */
#include "boot.h"
#include "program.h"
#include "tests.h"
#include <selfmap/check_access.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

/* The image is in slot 511 of the root, the core's slots are 510 to 508 (config.h). All others are free. */
#define HEAP       0xffffa00000000000 /* filled when it is touched */
#define HEAP_PAGES 64
#define TEMPORARY  0xffffb00000000000 /* two pages through which a frame is filled before it is mapped */

#define DATA (PAGING_WRITABLE | PAGING_NO_EXECUTE)

/* What the page fault handler finds in the tables: markers where nothing is mapped, and a flag of a leaf. */
enum { GUARD = 1, ON_DEMAND = 2 };
#define COPY_ON_WRITE PAGING_SYSTEM_9

static struct paging_space kernel, program, *active = &kernel;
static struct frames memory;                                      /* the allocator, */
static struct paging_frame_source *const frames = &memory.source; /* and how the core asks it */

/* ---- 1. Own tables ---------------------------------------------------------------------------------- */
static void map_image(const char *start, const char *end, uint64_t flags)
{
    uint64_t address = (uint64_t)start;
    must(paging_map_range(&kernel, (paging_virt_t){address}, (paging_phys_t){address - BOOT_KERNEL_BASE},
                          (uint64_t)(end - start), flags, frames),
         "map the image");
}

static void switch_to_own_tables(struct paging_cpu cpu)
{
    /* Until CR3 is loaded, the core reaches tables at offset 0: entry.S maps memory one to one. */
    must(paging_create(&kernel, cpu, 0, frames), "create");

    /* What runs next: code, stack, GDT, IDT, TSS, the space, the frame source. All is in the image. */
    map_image(image_text, image_rodata, 0);
    map_image(image_rodata, image_data, PAGING_NO_EXECUTE);
    map_image(image_data, boot_stack_guard, DATA);
    must(paging_set_marker(&kernel, page_of(&kernel, (uint64_t)boot_stack_guard), GUARD, frames),
         "mark the guard page");
    map_image(boot_stack_guard + PAGING_PAGE_BYTES, image_end, DATA);

    paging_root_load(paging_root_address(&kernel));
    paging_mark_active(&kernel); /* from here on through slot 510, wherever the tables lie */
}

/* ---- 2. Page faults --------------------------------------------------------------------------------- */
/* Maps a frame at one of the two temporary pages, so that it can be filled; hide takes it away again. */
static void *show(unsigned which, paging_frame_t frame)
{
    uint64_t address = TEMPORARY + which * PAGING_PAGE_BYTES;
    must(paging_map_to(active, page_of(&kernel, address), frame, DATA, frames), "show");
    return (void *)address;
}

static void hide(unsigned which)
{
    must(paging_unmap(active, page_of(&kernel, TEMPORARY + which * PAGING_PAGE_BYTES), frames, NULL), "hide");
}

static bool fill_on_demand(paging_page_t page, uint64_t flags)
{
    paging_frame_t frame;
    if (frames_allocate(&memory, PAGING_4K, &frame) != FRAMES_OK)
        return false;
    memset(show(0, frame), 0, PAGING_PAGE_BYTES);
    hide(0);
    must(paging_map_owned(active, page, frame, PAGING_4K, flags | PAGING_REPLACE_MARKER, frames), "fill");
    return true;
}

static bool break_copy_on_write(paging_page_t page, paging_entry_t leaf)
{
    uint64_t flags = (paging_entry_flags(leaf) & PAGING_LEAF_FLAGS & ~COPY_ON_WRITE) | PAGING_WRITABLE;
    paging_frame_t frame;
    if (frames_allocate(&memory, PAGING_4K, &frame) != FRAMES_OK)
        return false;
    memcpy(show(0, frame), show(1, paging_entry_frame(leaf)), PAGING_PAGE_BYTES);
    hide(1);
    hide(0);
    /* One store: no access in between faults. The page owns the copy; the frame that was there stays ours. */
    must(paging_remap(active, page, frame, flags, true, frames, NULL), "copy on write");
    return true;
}

/* A fault in here ends the kernel (boot/traps.c): the core may be asked only when it is at rest. */
bool kernel_page_fault(uint64_t address, uint64_t error_code)
{
    bool upper_half = address >> 63;
    if (upper_half && (error_code & PAGING_FAULT_USER))
        return false;
    struct paging_walk_result walk;
    enum paging_status status = paging_walk_address(active, (paging_virt_t){address}, &walk);
    paging_entry_t entry = walk.entries[walk.level];
    if (status == PAGING_MARKED && paging_marker_value(entry) == ON_DEMAND)
        return fill_on_demand(page_of(&kernel, address), upper_half ? DATA : DATA | PAGING_USER);
    if (status == PAGING_OK && (error_code & PAGING_FAULT_WRITE) && (entry.bits & COPY_ON_WRITE))
        return break_copy_on_write(page_of(&kernel, address), entry);
    return false;
}

/* ---- 3. Memory that costs nothing until it is touched ------------------------------------------------- */
static void make_heap(void)
{
    for (uint64_t i = 0; i < HEAP_PAGES; i++)
        must(paging_set_marker(&kernel, page_of(&kernel, HEAP + i * PAGING_PAGE_BYTES), ON_DEMAND, frames),
             "heap");
}

static void free_heap(void)
{
    /* Owned frames go back to where they came from, with the tables that have become empty. */
    must(paging_unmap_range(&kernel, (paging_virt_t){HEAP}, HEAP_PAGES * PAGING_PAGE_BYTES, frames),
         "free the heap");
}

/* ---- 4. A second space, and a program in it --------------------------------------------------------- */
static _Alignas(PAGING_PAGE_BYTES) uint64_t shared[512] = {[0] = 1111, [511] = 3333};

static void make_program(void)
{
    /* One upper half for all spaces: the kernel owns its tables, programs share them. */
    must(paging_share_upper_half(&kernel, frames), "share");
    must(paging_create_sibling(&program, &kernel, frames), "create the program's space");

    /* While the kernel's space is active, the program's tables appear through slot 509. */
    must(paging_attach(&kernel, &program), "attach");
    must(paging_map_to(&program, page_of(&kernel, PROGRAM_CODE), frame_of_image(image_program), PAGING_USER,
                       frames),
         "code");
    must(paging_map_to(&program, page_of(&kernel, PROGRAM_SHARED), frame_of_image(shared),
                       PAGING_USER | PAGING_NO_EXECUTE | COPY_ON_WRITE, frames),
         "shared page");
    must(paging_set_marker(&program, page_of(&kernel, PROGRAM_STACK), ON_DEMAND, frames), "stack");
    must(paging_detach(&kernel, &program), "detach");
}

static uint64_t run_program(uint64_t entry, uint64_t stack)
{
    must(paging_switch_to(&kernel, &program), "switch to the program's space");
    active = &program; /* whom the page fault handler asks: set before anything can fault */
    uint64_t result = boot_run_program(entry, stack);
    active = &kernel;
    must(paging_switch_to(&program, &kernel), "switch back");
    return result;
}

static void end_program(void)
{
    must(paging_destroy(&program, frames), "destroy");
    must(paging_unshare_upper_half(&kernel, frames), "unshare");
}

/* ---- 5. All of it, in order ------------------------------------------------------------------------- */
_Noreturn void kernel_main(const struct boot_info *info)
{
    struct paging_cpu cpu = boot_processor();
    boot_add_memory(&memory, info);
    tap_plan(13);
    switch_to_own_tables(cpu);
    uint64_t before = frames_free_count(&memory);
    test_tables(&kernel);
    test_rights();
    test_guard_page();

    make_heap();
    test_heap(&memory, HEAP, HEAP_PAGES);
    free_heap();
    test_nothing_at(HEAP, "a heap that was given back cannot be read");
    make_heap();
    test_heap(&memory, HEAP, HEAP_PAGES); /* in frames that are not clean any more */

    make_program();
    program_told = (uint64_t *)(HEAP + PAGING_PAGE_BYTES); /* not touched yet: filled by a call */
    test_nothing_at(PROGRAM_SHARED, "the program's pages are not in the kernel's space");
    test_program(run_program, shared);
    end_program();
    free_heap();
    tap(frames_free_count(&memory) == before, "every frame came back");
    tap_end();
}
