/* SPDX-License-Identifier: MIT */
/* descriptors.c - GDT, IDT and TSS (SDM 3A, 3.4.5, 6.14, 8.7); what the tables need of the processor. */
#include "boot.h"
#include "selectors.h"
#include <selfmap/processor.h>

enum { GATE = 0x8e, GATE_FOR_PROGRAMS = 0xee, DOUBLE_FAULT = 8, STACK_BYTES = 8192 };

struct __attribute__((packed)) gate {
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

/* The processor reads these itself, and writes to the TSS' descriptor: they are in the data, and mapped. */
static uint64_t gdt[] = {
    [CODE_SELECTOR / 8] = 0x00af9b000000ffff,
    [USER_DATA_SELECTOR / 8] = 0x00cff3000000ffff,
    [USER_CODE_SELECTOR / 8] = 0x00affb000000ffff,
    [TSS_SELECTOR / 8 + 1] = 0,
};
static struct gate idt[CALL_VECTOR + 1];
static struct tss tss;
static _Alignas(16) char call_stack[STACK_BYTES], trap_stack[STACK_BYTES], double_fault_stack[STACK_BYTES];

extern char trap_entries[];

static void set_gate(unsigned vector, unsigned entry, uint8_t stack, uint8_t type)
{
    uint64_t offset = (uint64_t)(trap_entries + (uint64_t)entry * 16);
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)offset,
        .selector = CODE_SELECTOR,
        .stack = stack,
        .type = type,
        .offset_middle = (uint16_t)(offset >> 16),
        .offset_high = (uint32_t)(offset >> 32),
    };
}

/*
 * Exceptions have a stack of their own, the first of the TSS' interrupt stacks: a page fault may be about the
 * stack in use. It begins anew with each exception, so a program's call has another one: in a call the kernel
 * may touch what is filled on demand.
 */
static void load_tables(void)
{
    tss.rsp[0] = (uint64_t)(call_stack + STACK_BYTES);
    tss.ist[0] = (uint64_t)(trap_stack + STACK_BYTES);
    tss.ist[1] = (uint64_t)(double_fault_stack + STACK_BYTES);
    tss.io_map = sizeof tss; /* none */
    for (unsigned vector = 0; vector < EXCEPTIONS; vector++)
        set_gate(vector, vector, vector == DOUBLE_FAULT ? 2 : 1, GATE);
    set_gate(CALL_VECTOR, EXCEPTIONS, 0, GATE_FOR_PROGRAMS);

    uint64_t base = (uint64_t)&tss;
    gdt[TSS_SELECTOR / 8] =
        (sizeof tss - 1) | (base & 0xffffff) << 16 | (uint64_t)0x89 << 40 | (base >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
    struct table_register gdtr = {sizeof gdt - 1, (uint64_t)gdt}, idtr = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(TSS_SELECTOR) : "memory");
}

struct paging_cpu boot_processor(void)
{
    load_tables();
    /* A no-execute bit in an entry is a reserved bit, and a fault, until EFER.NXE is set. */
    paging_no_execute_enable();
    return paging_cpu_read(); /* with the number of levels that entry.S has chosen */
}
