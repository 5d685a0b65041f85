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

/* Returns whether a program that counts finds this in its data, and the data are whole. */
static bool counts_to(run_in *run, struct paging_space *space, uint64_t expected)
{
    const uint64_t *told = program_told + program_tellings;
    uint64_t result = run(space, program_entry(program_counts), PROGRAM_STACK_END - 8);
    return result == PROGRAM_REPLY && told + 2 == program_told + program_tellings && told[0] == expected &&
           told[1] == program_data[PROGRAM_WORDS - 1];
}

/* Returns whether a program ends in a page fault at the kernel's data, with that error code. */
static bool is_stopped(run_in *run, struct paging_space *space, void (*program)(void), uint64_t error_code)
{
    return run(space, program_entry(program), PROGRAM_STACK_END - 8) == BOOT_FAULT &&
           boot_fault.vector == PAGE_FAULT && boot_fault.address == (uint64_t)image_data &&
           boot_fault.error_code == error_code;
}

void test_program(run_in *run, struct paging_space *space)
{
    tap(counts_to(run, space, program_data[0] + 1),
        "a program in a space of its own runs in ring 3, and calls");
    tap(is_stopped(run, space, program_spies, PAGING_FAULT_PRESENT | PAGING_FAULT_USER),
        "a program cannot read what is the kernel's");
    tap(is_stopped(run, space, program_intrudes,
                   PAGING_FAULT_PRESENT | PAGING_FAULT_WRITE | PAGING_FAULT_USER),
        "a program cannot write what the kernel can");
}

void test_fork(run_in *run, struct paging_space *parent, struct paging_space *child,
               const struct frames *memory)
{
    enum { WRITTEN = 2 }; /* pages: data and stack */
    uint64_t before = frames_free_count(memory);
    tap(counts_to(run, child, program_data[0] + 2), "a child begins with what its parent has in memory");
    tap(before - frames_free_count(memory) == WRITTEN, "a page is copied when the child writes to it");
    tap(counts_to(run, parent, program_data[0] + 2) && before - frames_free_count(memory) == WRITTEN &&
            counts_to(run, child, program_data[0] + 3),
        "the parent sees nothing of that, and takes no frame for what is its own again");
}
