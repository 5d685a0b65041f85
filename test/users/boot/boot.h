/* SPDX-License-Identifier: MIT */
/*
 * boot.h - what a kernel needs besides its page tables, and what has nothing to do with them: a way in, a
 * serial port, descriptor tables, exceptions, a way out. recursive/ and direct/ use the same.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <selfmap/frame_sharing.h>
#include <selfmap/frames.h>
#include <selfmap/space.h>

/* ---- the image (kernel.lds) and where it is --------------------------------------------------------- */
#define BOOT_KERNEL_BASE 0xffffffff80000000 /* the image lies at its physical address plus this */
#define BOOT_IMAGE       0xffffffff80100000 /* its first byte */

extern char image_text[], image_rodata[], image_program[], image_data[], image_end[];
extern char boot_stack_guard[], boot_stack_end[]; /* one page that the stack must not reach */

/* Returns the frame of an address in the image. */
static inline paging_frame_t frame_of_image(const void *address)
{
    return paging_frame_containing((paging_phys_t){(uint64_t)address - BOOT_KERNEL_BASE});
}

/* The kernel's own, in the file main.c of each: entry.S calls it, with interrupts off. */
struct boot_info;
_Noreturn void kernel_main(const struct boot_info *info);

/* ---- memory (memory.c) ------------------------------------------------------------------------------ */
/* Start info of PVH, version 1 (xen/include/public/arch-x86/hvm/start_info.h). All addresses are physical. */
struct boot_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, acpi_rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};
struct boot_memory {
    uint64_t start, bytes;
    uint32_t type, reserved; /* as in the BIOS' map (ACPI 6.5, table 15.7) */
};
#define BOOT_MEMORY_FREE  1
#define BOOT_MEMORY_LIMIT ((uint64_t)1 << 30) /* what entry.S maps */

/*
 * Start info and map lie in memory that the map calls free: they are read before a frame of it is taken.
 *
 * Starts the allocator with all memory that is free, lies above the image, and below BOOT_MEMORY_LIMIT; in
 * front of it, sharing counts the owners of each frame.
 */
void boot_add_memory(struct frames *memory, struct frames_sharing *sharing, const struct boot_info *info);

/* Returns the address behind the last free frame. */
uint64_t boot_memory_end(const struct boot_info *info);

/* ---- processor (descriptors.c) ---------------------------------------------------------------------- */
/*
 * Loads a GDT, an IDT and a TSS, which lie in the image's data, and switches on what the tables will use:
 * EFER.NXE. Returns what the core wants to know.
 */
struct paging_cpu boot_processor(void);

/* ---- exceptions and programs (traps.c) -------------------------------------------------------------- */
/* The kernel's own: what to do about a page fault. Returns whether the access can be tried again. */
bool kernel_page_fault(uint64_t address, uint64_t error_code);

/*
 * Calls function(argument), and returns 0. An exception in it that nobody takes care of ends it, and
 * boot_try returns BOOT_FAULT; then boot_fault says more.
 */
uint64_t boot_try(void (*function)(uint64_t), uint64_t argument);

/* Enters ring 3. Returns what boot_leave is given, or BOOT_FAULT after an exception. */
uint64_t boot_run_program(uint64_t entry, uint64_t stack);

/* Ends the boot_try or boot_run_program that runs. */
_Noreturn void boot_leave(uint64_t value);

#define BOOT_FAULT UINT64_MAX
#define PAGE_FAULT 14
struct boot_fault {
    uint64_t vector, error_code, address; /* address: CR2, of a page fault */
};
extern struct boot_fault boot_fault;

/* Compilers call these two by themselves, also in the library: for assignments of structs. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

/* ---- results (console.c) ---------------------------------------------------------------------------- */
/* TAP on the serial port: the plan, one line for each test, and the end of the machine. */
void tap_plan(unsigned tests);
void tap(bool passed, const char *what);
_Noreturn void tap_end(void);

/* Ends the machine with a sentence. For what must not happen, and for a status that is not PAGING_OK. */
_Noreturn void bail_out(const char *why, uint64_t number);
void must(enum paging_status status, const char *what);

/* Returns the page that contains the address. Its number depends on the levels of the space. */
static inline paging_page_t page_of(const struct paging_space *space, uint64_t address)
{
    return paging_page_at(space->cpu.levels, (paging_virt_t){address});
}

#endif
