/* cpu_tables.c - descriptors. */
#include "cpu_tables.h"
#include "faults.h"
#include <stddef.h>
#include <stdint.h>

enum {
    CODE_SELECTOR = 0x08,
    DATA_SELECTOR = 0x10,
    TSS_SELECTOR = 0x18, /* two entries */
    CODE32_SELECTOR = 0x28,
    EXCEPTIONS = 32,
    OWN_STACK_BYTES = 16384,
    OWN_STACKS = 3,
    GATE_INTERRUPT = 0x8e,
};

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct __attribute__((packed)) tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, io_map;
};

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

_Static_assert(sizeof(struct gate) == 16 && sizeof(struct tss) == 104, "SDM 3A, figures 6-8 and 8-11");

static uint64_t gdt[6] = {
    [CODE_SELECTOR / 8] = 0x00af9b000000ffff,   /* 64-bit code, ring 0 */
    [DATA_SELECTOR / 8] = 0x00cf93000000ffff,   /* data, ring 0 */
    [CODE32_SELECTOR / 8] = 0x00cf9b000000ffff, /* for switch_to_five_levels in interrupts.S */
};
static struct gate idt[EXCEPTIONS];
static struct tss tss;
static _Alignas(16) uint8_t own_stacks[OWN_STACKS][OWN_STACK_BYTES];

/* interrupts.S: one entry per exception, 16 bytes apart. */
extern const char exception_entries[] __attribute__((visibility("hidden")));

static void set_gate(unsigned vector, unsigned stack)
{
    uint64_t entry = (uint64_t)(uintptr_t)(exception_entries + (size_t)16 * vector);
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = CODE_SELECTOR,
        .stack = (uint8_t)stack,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

static void set_tss(void)
{
    uint64_t base = (uint64_t)(uintptr_t)&tss;
    for (unsigned i = 0; i < OWN_STACKS; i++)
        tss.ist[i] = (uint64_t)(uintptr_t)(own_stacks[i] + OWN_STACK_BYTES);
    tss.io_map = sizeof tss; /* none */
    gdt[TSS_SELECTOR / 8] =
        (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
}

static void load_segments(void)
{
    struct table_register gdtr = {sizeof gdt - 1, (uint64_t)(uintptr_t)gdt};
    struct table_register idtr = {sizeof idt - 1, (uint64_t)(uintptr_t)idt};
    uint64_t scratch;
    __asm__ volatile("lgdt %[gdtr]\n\t"
                     "pushq %[code]\n\t"
                     "leaq 1f(%%rip), %[scratch]\n\t"
                     "pushq %[scratch]\n\t"
                     "lretq\n"
                     "1:\tmovl %[data], %%ds\n\t"
                     "movl %[data], %%es\n\t"
                     "movl %[data], %%ss\n\t"
                     "movl %[null], %%fs\n\t"
                     "movl %[null], %%gs\n\t"
                     "lidt %[idtr]\n\t"
                     "ltr %w[tss]"
                     : [scratch] "=&r"(scratch)
                     : [gdtr] "m"(gdtr), [idtr] "m"(idtr), [code] "i"(CODE_SELECTOR),
                       [data] "r"(DATA_SELECTOR), [null] "r"(0), [tss] "r"(TSS_SELECTOR)
                     : "memory");
}

void cpu_tables_load(void)
{
    for (unsigned vector = 0; vector < EXCEPTIONS; vector++)
        set_gate(vector, 0);
    set_gate(DOUBLE_FAULT, 1);
    set_gate(NMI, 2);
    set_gate(MACHINE_CHECK, 3);
    set_tss();
    load_segments();
}
