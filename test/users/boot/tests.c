/* SPDX-License-Identifier: MIT */
/*
 * tests.c - what a kernel has been set up for is tried by accesses, never by asking the core. Page faults say
 * what the tables forbid.
 */
#include "tests.h"
#include "program.h"
#include <selfmap/check_access.h>

enum { DEEP = 100000 };

static void read_byte(uint64_t address)
{
    (void)*(volatile char *)address;
}

static void write_byte(uint64_t address)
{
    *(volatile char *)address = 1;
}

static void call_code(uint64_t address)
{
    ((void (*)(void))address)();
}

static void overflow(uint64_t depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    if (depth < DEEP)
        overflow(depth + 1);
    frame[1] = frame[0]; /* so that the call above is not the last thing, and needs a frame of its own */
}

/* Returns whether function(address) ends in a page fault at that address, with that error code. */
static bool faults(void (*function)(uint64_t), uint64_t address, uint64_t error_code)
{
    return boot_try(function, address) == BOOT_FAULT && boot_fault.vector == PAGE_FAULT &&
           boot_fault.address == address && boot_fault.error_code == error_code;
}

void test_tables(const struct paging_space *space)
{
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    tap(cr3 == paging_root_address(space).value && faults(read_byte, BOOT_IMAGE - BOOT_KERNEL_BASE, 0),
        space->cpu.levels == 5 ? "the kernel runs on its own tables, with five levels"
                               : "the kernel runs on its own tables, with four levels");
}

void test_rights(void)
{
    static const char constant = 1;
    static unsigned char ret = 0xc3; /* the instruction */
    uint64_t write = PAGING_FAULT_PRESENT | PAGING_FAULT_WRITE,
             fetch = PAGING_FAULT_PRESENT | PAGING_FAULT_FETCH;
    tap(faults(write_byte, (uint64_t)image_text, write), "code cannot be written");
    tap(faults(write_byte, (uint64_t)&constant, write), "constants cannot be written");
    tap(faults(call_code, (uint64_t)&ret, fetch), "data cannot be executed");
}

void test_guard_page(void)
{
    bool stopped = boot_try(overflow, 0) == BOOT_FAULT && boot_fault.vector == PAGE_FAULT;
    tap(stopped && boot_fault.address - (uint64_t)boot_stack_guard < PAGING_PAGE_BYTES,
        "a guard page stops an overflow of the stack");
}

void test_heap(const struct frames *memory, uint64_t start, uint64_t pages)
{
    uint64_t before = frames_free_count(memory);
    bool zeroes = true, kept = true;
    for (uint64_t i = 0; i < pages; i += 2) {
        volatile uint64_t *word = (volatile uint64_t *)(start + i * PAGING_PAGE_BYTES);
        zeroes &= *word == 0; /* the fault is here */
        *word = i + 1;
    }
    for (uint64_t i = 0; i < pages; i += 2)
        kept &= *(volatile uint64_t *)(start + i * PAGING_PAGE_BYTES) == i + 1;
    tap(zeroes && kept && before - frames_free_count(memory) == pages / 2,
        "a page is filled with zeroes when it is touched, and not before");
}

void test_nothing_at(uint64_t address, const char *what)
{
    tap(faults(read_byte, address, 0), what);
}

void test_program(uint64_t (*run)(uint64_t entry, uint64_t stack), volatile const uint64_t *shared)
{
    enum { LAST = PAGING_PAGE_BYTES / sizeof *shared - 1 };
    uint64_t stack = PROGRAM_STACK_END - 8, first = shared[0], last = shared[LAST];
    const uint64_t *told = program_told + program_tellings;
    uint64_t result = run(program_entry(program_writes), stack);
    tap(result == PROGRAM_REPLY && told + 3 == program_told + program_tellings && told[0] == first,
        "a program in a space of its own runs in ring 3, and calls");
    tap(told[1] == PROGRAM_REPLY && told[2] == last && shared[0] == first && first != PROGRAM_REPLY &&
            last != 0,
        "a page is copied when the program writes to it");
    result = run(program_entry(program_intrudes), stack);
    tap(result == BOOT_FAULT && boot_fault.vector == PAGE_FAULT && boot_fault.address == BOOT_IMAGE &&
            boot_fault.error_code == (PAGING_FAULT_PRESENT | PAGING_FAULT_USER),
        "a program cannot read what is the kernel's");
}
