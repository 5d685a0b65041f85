/* SPDX-License-Identifier: MIT */
/*
 * direct/main.c - a kernel that reaches its tables through a direct map: all physical memory is mapped at
 * ffff_8000_0000_0000. Read it from top to bottom; recursive/main.c is the same kernel, living the other way.
 */
#include "boot.h"
#include "program.h"
#include "tests.h"
#include <selfmap/check_access.h>
#include <selfmap/clone.h>
#include <selfmap/frame_sharing.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

/* No slot of the root is the core's. The image is in slot 511, the direct map from slot 256 on. */
#define DIRECT_MAP 0xffff800000000000 /* all physical memory */
#define HEAP       0xffffa00000000000 /* filled when it is touched */
#define HEAP_BYTES (64 * PAGING_PAGE_BYTES)

#define DATA (PAGING_WRITABLE | PAGING_NO_EXECUTE)

/* What the page fault handler finds in the tables where nothing is mapped. */
enum { GUARD = 1, ON_DEMAND = 2 };

static struct paging_space kernel, parent, child, *active = &kernel;
static struct frames memory;                                       /* the allocator */
static struct frames_sharing sharing;                              /* counts the owners of its frames */
static struct paging_frame_source *const frames = &sharing.source; /* what the core asks for frames */

/* Returns where a frame can be read and written, whatever else maps it. */
static void *frame_bytes(paging_frame_t frame)
{
    return (void *)(DIRECT_MAP + paging_frame_start(frame).value);
}

/* ---- 1. Own tables ---------------------------------------------------------------------------------- */
static void map_image(const char *start, const char *end, uint64_t flags)
{
    uint64_t address = (uint64_t)start;
    must(paging_map_range(&kernel, (paging_virt_t){address}, (paging_phys_t){address - BOOT_KERNEL_BASE},
                          (uint64_t)(end - start), flags, frames),
         "map the image");
}

static void switch_to_own_tables(struct paging_cpu cpu, uint64_t memory_end)
{
    /* Until CR3 is loaded, the core reaches tables at offset 0: entry.S maps memory one to one. */
    must(paging_create_direct(&kernel, cpu, 0, frames), "create");
    /* All frames that can become tables, in the largest pages that the processor has. */
    must(paging_map_range(&kernel, (paging_virt_t){DIRECT_MAP}, (paging_phys_t){0}, memory_end, DATA, frames),
         "map all memory");

    /* What runs next: code, stack, GDT, IDT, TSS, the space, the frame source. All is in the image. */
    map_image(image_text, image_rodata, 0);
    map_image(image_rodata, image_data, PAGING_NO_EXECUTE);
    map_image(image_data, boot_stack_guard, DATA);
    must(paging_set_marker(&kernel, page_of(&kernel, (uint64_t)boot_stack_guard), GUARD, frames), "guard");
    map_image(boot_stack_guard + PAGING_PAGE_BYTES, image_end, DATA);

    paging_mark_inactive(&kernel, DIRECT_MAP); /* it is: but its tables will be there from now on */
    paging_root_load(paging_root_address(&kernel));
    paging_mark_active(&kernel); /* from here on changes are flushed */
}

/* ---- 2. Page faults --------------------------------------------------------------------------------- */
/* Returns a frame that was filled where nobody sees it yet; ends the kernel if there is none. */
static paging_frame_t new_frame(const void *bytes)
{
    paging_frame_t frame;
    if (frames_allocate(&memory, PAGING_4K, &frame) != FRAMES_OK)
        bail_out("no memory, free frames:", frames_free_count(&memory));
    memcpy(frame_bytes(frame), bytes, PAGING_PAGE_BYTES);
    return frame;
}

static bool fill_on_demand(paging_page_t page, uint64_t flags)
{
    static const char zeroes[PAGING_PAGE_BYTES];
    must(paging_map_owned(active, page, new_frame(zeroes), PAGING_4K, flags | PAGING_REPLACE_MARKER, frames),
         "fill");
    return true;
}

/* A page that spaces share since a fork gets a frame of its own; the last one to write keeps the frame. */
static bool break_copy_on_write(uint64_t address, paging_entry_t leaf)
{
    paging_page_t page = page_of(active, address);
    uint64_t flags = (paging_entry_flags(leaf) & PAGING_LEAF_FLAGS) | PAGING_WRITABLE;
    enum paging_status status = paging_unshare_page(active, page, frames);
    if (status != PAGING_COPY_NEEDED)
        return status == PAGING_OK; /* otherwise it is just read-only */
    paging_frame_t copy = new_frame((void *)(address & -PAGING_PAGE_BYTES));
    must(paging_remap(active, page, copy, flags, true, frames, NULL), "copy on write"); /* in one store */
    return true;
}

/* A fault in here ends the kernel (boot/traps.c). Nothing that is filled on demand is touched by the core. */
bool kernel_page_fault(uint64_t address, uint64_t error_code)
{
    bool upper_half = address >> 63;
    if (upper_half && (error_code & PAGING_FAULT_USER))
        return false;                     /* whatever is there, it is not for programs */
    struct paging_walk_result walk = {0}; /* not filled if the tables cannot be reached */
    enum paging_status status = paging_walk_address(active, (paging_virt_t){address}, &walk);
    paging_entry_t entry = walk.entries[walk.level];
    if (status == PAGING_MARKED && paging_marker_value(entry) == ON_DEMAND)
        return fill_on_demand(page_of(&kernel, address), upper_half ? DATA : DATA | PAGING_USER);
    /* Programs have small pages only, and the kernel writes to none: README says what else there may be. */
    if (error_code == (PAGING_FAULT_PRESENT | PAGING_FAULT_WRITE | PAGING_FAULT_USER) &&
        status == PAGING_OK && walk.level == PAGING_4K && (entry.bits & PAGING_USER))
        return break_copy_on_write(address, entry);
    return false;
}

/* ---- 3. Memory that costs nothing until it is touched ----------------------------------------------- */
static void make_heap(void)
{
    must(paging_set_marker_range(&kernel, (paging_virt_t){HEAP}, HEAP_BYTES, ON_DEMAND, 0, frames), "heap");
}

static void free_heap(void)
{
    /* Owned frames go back to where they came from, with the tables that have become empty. */
    must(paging_unmap_range(&kernel, (paging_virt_t){HEAP}, HEAP_BYTES, frames), "free the heap");
}

/* ---- 4. More spaces, and a program in them ---------------------------------------------------------- */
static void make_program(void)
{
    /* One upper half for all spaces: the kernel owns its tables, programs share them. */
    must(paging_share_upper_half(&kernel, frames), "share");
    must(paging_create_sibling(&parent, &kernel, frames), "create the program's space");

    /* It is not active, so it is edited as it is: nothing is attached, nothing is flushed. */
    must(paging_map_to(&parent, page_of(&kernel, PROGRAM_CODE), frame_of_image(image_program), PAGING_USER,
                       frames),
         "code");
    must(paging_map_owned(&parent, page_of(&kernel, PROGRAM_DATA), new_frame(program_data), PAGING_4K,
                          DATA | PAGING_USER, frames),
         "data");
    must(paging_set_marker(&parent, page_of(&kernel, PROGRAM_STACK), ON_DEMAND, frames), "stack");
}

/* What the parent owns, both have from now on, until one of them writes to it. */
static void fork_program(void)
{
    must(paging_create_sibling(&child, &kernel, frames), "create the child's space");
    must(paging_clone_lower_half(&parent, &child, frames), "clone");
}

static uint64_t run_program(struct paging_space *space, uint64_t entry, uint64_t stack)
{
    must(paging_switch_to(&kernel, space), "switch to the program's space");
    active = space; /* whom the page fault handler asks: set before anything can fault */
    uint64_t result = boot_run_program(entry, stack);
    active = &kernel;
    must(paging_switch_to(space, &kernel), "switch back");
    return result;
}

static void end_programs(void)
{
    must(paging_destroy(&child, frames), "destroy the child");
    must(paging_destroy(&parent, frames), "destroy the parent");
    must(paging_unshare_upper_half(&kernel, frames), "unshare");
}

/* ---- 5. All of it, in order ------------------------------------------------------------------------- */
_Noreturn void kernel_main(const struct boot_info *info)
{
    struct paging_cpu cpu = boot_processor();
    boot_add_memory(&memory, &sharing, info);
    tap_plan(16);
    switch_to_own_tables(cpu, boot_memory_end(info));
    uint64_t before = frames_free_count(&memory);
    test_tables(&kernel);
    test_rights();
    test_guard_page();
    make_heap();
    test_heap(&memory, HEAP, HEAP_BYTES / PAGING_PAGE_BYTES);
    free_heap();
    test_nothing_at(HEAP, "a heap that was given back cannot be read");
    make_heap();
    test_heap(&memory, HEAP, HEAP_BYTES / PAGING_PAGE_BYTES); /* in frames that are not clean any more */
    make_program();
    program_told = (uint64_t *)(HEAP + PAGING_PAGE_BYTES); /* not touched yet: filled by a call */
    test_nothing_at(PROGRAM_DATA, "the program's pages are not in the kernel's space");
    test_program(run_program, &parent);
    fork_program();
    test_fork(run_program, &parent, &child, &memory);
    end_programs();
    free_heap();
    tap(frames_free_count(&memory) == before, "every frame came back");
    tap_end();
}
