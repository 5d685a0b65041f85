/* SPDX-License-Identifier: MIT */
/*
 * processor.c - the state in which the processor meets the image.
 *
 *   flags=BITS                       more bits in RFLAGS
 *   cr0-set= cr0-clear= cr4-set= cr4-clear= efer-set= efer-clear=   bits
 *   dr7=BITS dr0=PLACE  pat=VALUE    these registers
 *   stack=PLACE                      the top of another stack
 *   tables=PLACE                     a copy of the page tables, from there upwards
 */
#include "shim.h"

enum { MSR_EFER = 0xc0000080, MSR_PAT = 0x277, ENTRIES = 512 };
#define PRESENT 1ull
#define HUGE    0x80ull
#define ADDRESS 0x000ffffffffff000ull

static uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(number) : "memory");
}

static uint64_t copy_table(uint64_t from, unsigned level, uint64_t *next)
{
    const uint64_t *old = (const uint64_t *)(uintptr_t)(from & ADDRESS);
    uint64_t *copy = (uint64_t *)(uintptr_t)*next;
    *next += SHIM_PAGE;
    for (unsigned i = 0; i < ENTRIES; i++) {
        bool is_table = level > 1 && (old[i] & PRESENT) && !(old[i] & HUGE);
        copy[i] = is_table ? copy_table(old[i], level - 1, next) | (old[i] & ~ADDRESS) : old[i];
    }
    return (uintptr_t)copy;
}

static void move_tables(void)
{
    uint64_t next = word_number("tables", 0), root;
    __asm__ volatile("mov %%cr3, %0" : "=r"(root));
    if (next == 0)
        return;
    root = copy_table(root, 4, &next);
    __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
    tell("the page tables lie at %lx..%lx", root, next);
}

static void set_control_registers(void)
{
    uint64_t cr0, cr4;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    cr0 = (cr0 | word_number("cr0-set", 0)) & ~word_number("cr0-clear", 0);
    cr4 = (cr4 | word_number("cr4-set", 0)) & ~word_number("cr4-clear", 0);
    if (word("efer-set") || word("efer-clear"))
        write_msr(MSR_EFER,
                  (read_msr(MSR_EFER) | word_number("efer-set", 0)) & ~word_number("efer-clear", 0));
    if (word("pat"))
        write_msr(MSR_PAT, word_number("pat", 0));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
}

void set_processor(struct start_state *state)
{
    state->flags = word_number("flags", 0);
    state->stack = word_number("stack", 0);
    move_tables();
    set_control_registers();
    if (word("dr7")) {
        __asm__ volatile("mov %0, %%dr0" : : "r"(word_number("dr0", 0)));
        __asm__ volatile("mov %0, %%dr7" : : "r"(word_number("dr7", 0)));
    }
}
