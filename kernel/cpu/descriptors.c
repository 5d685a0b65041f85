/* SPDX-License-Identifier: MIT */
/* descriptors.c - builds the GDT, the IDT and the TSS, and loads them. */
#include "cpu/descriptors.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "cpu/selectors.h"
#include <stddef.h>
#include <stdint.h>

enum {
    VECTORS = 256,
    OWN_STACK_BYTES = 16384,
    GATE_INTERRUPT = 0x8e,
    GATE_FROM_USER = 0x60, /* DPL 3 */
    DESCRIPTOR_BYTES = 8,
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

_Static_assert(sizeof(struct gate) == 16 && sizeof(struct tss) == 104, "SDM 3A, figures 6-8 and 8-11");

static uint64_t gdt[10] = {
    [CODE_SELECTOR / 8] = 0x00af9b000000ffff,      /* 64-bit code, ring 0 */
    [DATA_SELECTOR / 8] = 0x00cf93000000ffff,      /* data, ring 0 */
    [CODE32_SELECTOR / 8] = 0x00cf9b000000ffff,    /* 32-bit code, ring 0 */
    [USER_DATA_SELECTOR / 8] = 0x00cff3000000ffff, /* data, ring 3 */
    [USER_CODE_SELECTOR / 8] = 0x00affb000000ffff, /* 64-bit code, ring 3 */
};
static struct gate idt[VECTORS];
static struct tss tss;
/* The stack grows down to `bytes`, and must not get into the guard page. */
static _Alignas(PAGING_PAGE_BYTES) struct {
    uint8_t guard[PAGING_PAGE_BYTES];
    uint8_t bytes[OWN_STACK_BYTES];
} own_stacks[DESCRIPTORS_STACKS];

/* exception_entries.S: one entry per vector, 16 bytes apart. */
extern const char exception_entries[] __attribute__((visibility("hidden")));

static void set_gate(unsigned vector, const void *handler, unsigned stack, unsigned type)
{
    uint64_t entry = (uint64_t)(uintptr_t)handler;
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = CODE_SELECTOR,
        .stack = (uint8_t)stack,
        .type = (uint8_t)type,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

static void set_gate_to_report(unsigned vector, unsigned stack)
{
    set_gate(vector, exception_entries + (size_t)16 * vector, stack, GATE_INTERRUPT);
}

/* Writes the descriptor of a TSS or an LDT (SDM 3A, figure 8-4). */
static void set_system_descriptor(unsigned selector, uint64_t base, uint64_t bytes, uint64_t type)
{
    gdt[selector / 8] =
        (bytes - 1) | (base & 0xffffff) << 16 | (0x80 | type) << 40 | (base >> 24 & 0xff) << 56;
    gdt[selector / 8 + 1] = base >> 32;
}

static void set_tss(void)
{
    for (unsigned i = 0; i < DESCRIPTORS_STACKS; i++)
        tss.ist[i] = descriptors_stack(i).bytes.end;
    tss.rsp[0] = tss.ist[DESCRIPTORS_STACKS - 1];
    tss.io_map = sizeof tss; /* none */
    set_system_descriptor(TSS_SELECTOR, (uint64_t)(uintptr_t)&tss, sizeof tss, 9);
}

void descriptors_load(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++)
        set_gate_to_report(vector, vector < FIRST_INTERRUPT ? 0 : 4);
    set_gate_to_report(DOUBLE_FAULT, 1);
    set_gate_to_report(NMI, 2);
    set_gate_to_report(MACHINE_CHECK, 3);
    idt[USER_INTERRUPT] = (struct gate){0};
    set_tss();
    load_descriptor_tables((struct descriptor_table){sizeof gdt - 1, (uint64_t)(uintptr_t)gdt},
                           (struct descriptor_table){sizeof idt - 1, (uint64_t)(uintptr_t)idt});
}

struct byte_range descriptors_stacks(void)
{
    uint64_t start = (uint64_t)(uintptr_t)own_stacks;
    return (struct byte_range){start, start + sizeof own_stacks};
}

struct guarded_stack descriptors_stack(unsigned number)
{
    static const char *const names[DESCRIPTORS_STACKS] = {
        "the stack of the #DF handler", "the stack of the NMI handler", "the stack of the #MC handler",
        "the stack of interrupts", "the stack of exceptions in ring 3"};
    uint64_t start = (uint64_t)(uintptr_t)own_stacks[number].bytes;
    return (struct guarded_stack){
        .name = names[number],
        .guard = (uint64_t)(uintptr_t)own_stacks[number].guard,
        .bytes = {start, start + OWN_STACK_BYTES},
    };
}

void descriptors_set_gate(unsigned vector, const void *handler, bool from_user)
{
    set_gate(vector, handler, 0, GATE_INTERRUPT | (from_user ? GATE_FROM_USER : 0));
}

void descriptors_set_ldt(uint64_t address)
{
    set_system_descriptor(LDT_SELECTOR, address, DESCRIPTOR_BYTES, 2);
    load_ldt(LDT_SELECTOR);
}
