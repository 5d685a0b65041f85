/* SPDX-License-Identifier: MIT */
/* processor.c - keeps registers in tables, and notes in words what is written. */
#include "devices/processor/processor.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 300 };

struct processor processor;

static struct {
    uint32_t leaf;
    struct cpuid answer;
} leaves[LIMIT];
static struct {
    uint32_t number;
    uint64_t value;
} registers[LIMIT];
static unsigned leaf_count, register_count;

void processor_begin(void)
{
    processor = (struct processor){0};
    leaf_count = register_count = 0;
}

void processor_has_leaf(uint32_t leaf, struct cpuid answer)
{
    unsigned i = 0;
    while (i < leaf_count && leaves[i].leaf != leaf)
        i++;
    assert_true(i < LIMIT);
    leaves[i].leaf = leaf;
    leaves[i].answer = answer;
    leaf_count += i == leaf_count;
}

static unsigned find_register(uint32_t msr)
{
    unsigned i = 0;
    while (i < register_count && registers[i].number != msr)
        i++;
    return i;
}

void processor_has_msr(uint32_t msr, uint64_t value)
{
    unsigned i = find_register(msr);
    assert_true(i < LIMIT);
    registers[i].number = msr;
    registers[i].value = value;
    register_count += i == register_count;
}

uint64_t processor_msr(uint32_t msr)
{
    unsigned i = find_register(msr);
    if (i == register_count)
        fail_msg("there is no MSR %x", msr);
    return registers[i].value;
}

__attribute__((format(printf, 1, 2))) static void note(const char *text, ...)
{
    size_t length = strlen(processor.done);
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(processor.done + length, sizeof processor.done - length, text, arguments);
    va_end(arguments);
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    if (subleaf != 0)
        fail_msg("leaf %x is asked for subleaf %u", leaf, subleaf);
    for (unsigned i = 0; i < leaf_count; i++)
        if (leaves[i].leaf == leaf)
            return leaves[i].answer;
    return processor.beyond;
}

uint64_t read_cr0(void)
{
    return processor.cr0;
}

void write_cr0(uint64_t value)
{
    note("cr0=%lx ", processor.cr0 = value);
}

uint64_t read_cr2(void)
{
    return processor.cr2;
}

void write_cr2(uint64_t value)
{
    note("cr2=%lx ", processor.cr2 = value);
}

uint64_t read_cr3(void)
{
    return processor.cr3;
}

void write_cr3(uint64_t value)
{
    note("cr3=%lx ", processor.cr3 = value);
}

uint64_t read_cr4(void)
{
    return processor.cr4;
}

void write_cr4(uint64_t value)
{
    note("cr4=%lx ", processor.cr4 = value);
}

uint64_t read_dr7(void)
{
    return processor.dr7;
}

void write_dr7(uint64_t value)
{
    note("dr7=%lx ", processor.dr7 = value);
}

void write_dr6(uint64_t value)
{
    note("dr6=%lx ", value);
}

uint32_t read_pkru(void)
{
    assert_true(processor.cr4 & CR4_PKE);
    return processor.pkru;
}

uint64_t read_flags(void)
{
    return processor.flags;
}

void clear_flags(void)
{
    processor.flags = 0;
    note("flags ");
}

void interrupts_on(void)
{
    note("on ");
}

void interrupts_off(void)
{
    note("off ");
}

void flush_caches(void)
{
    note("caches ");
}

uint64_t read_msr(uint32_t msr)
{
    uint64_t value;
    return processor.reads && processor.reads(msr, &value) ? value : processor_msr(msr);
}

void write_msr(uint32_t msr, uint64_t value)
{
    if (processor.writes && processor.writes(msr, value))
        return;
    (void)processor_msr(msr);
    processor_has_msr(msr, value);
    note("msr %x=%lx ", msr, value);
}

uint64_t read_tsc(void)
{
    return processor.counter ? processor.counter() : (processor.tsc += processor.tsc_step);
}

static void read_descriptors(void)
{
    size_t bytes = (size_t)processor.gdt.limit + 1;
    assert_true(bytes <= sizeof processor.descriptors);
    memcpy(processor.descriptors, (const void *)(uintptr_t)processor.gdt.base, bytes);
}

void load_descriptor_tables(struct descriptor_table gdt, struct descriptor_table idt)
{
    processor.gdt = gdt;
    processor.idt = idt;
    processor.ldt = 0;
    read_descriptors();
}

void load_ldt(uint16_t selector)
{
    processor.ldt = selector;
    read_descriptors();
}

_Noreturn void cpu_halt(void)
{
    if (!processor.halt)
        fail_msg("the processor halts");
    longjmp(*processor.halt, 1);
}
