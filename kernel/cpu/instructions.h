/* SPDX-License-Identifier: MIT */
/*
 * instructions.h - instructions of the processor that C has no name for.
 */
#ifndef KERNEL_CPU_INSTRUCTIONS_H
#define KERNEL_CPU_INSTRUCTIONS_H

#include "cpu/registers.h"
#include "cpu/selectors.h"

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline void write_cr2(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr2" : : "r"(value) : "memory");
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline uint64_t read_dr7(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr7, %0" : "=r"(value));
    return value;
}

static inline void write_dr7(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

static inline void write_dr6(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(value) : "memory");
}

/* Returns RFLAGS without the bits that instructions set by their results, and without IF. */
static inline uint64_t read_flags(void)
{
    uint64_t value;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(value) : : "memory");
    return value & ~(RFLAGS_STATUS | RFLAGS_IF);
}

/* Clears all flags; the direction flag and the one for interrupts are among them. */
static inline void clear_flags(void)
{
    __asm__ volatile("pushq %0\n\tpopfq" : : "i"(RFLAGS_ALWAYS) : "cc", "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/* Writes the caches back, and empties them. */
static inline void flush_caches(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

/* Sets the rights of the 16 protection keys. Needs CR4.PKE. */
static inline void write_pkru(uint32_t rights)
{
    __asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

/* Returns the same. Needs CR4.PKE, too. */
static inline uint32_t read_pkru(void)
{
    uint32_t rights, zero;
    __asm__ volatile("rdpkru" : "=a"(rights), "=d"(zero) : "c"(0));
    return rights;
}

/* Returns the time stamp counter after all earlier instructions are complete. */
static inline uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Loads the GDT, the segment registers with its selectors, the IDT, no LDT, and the TSS. */
static inline void load_descriptor_tables(struct descriptor_table gdt, struct descriptor_table idt)
{
    uint64_t scratch;
    __asm__ volatile("lgdt %[gdt]\n\t"
                     "pushq %[code]\n\t"
                     "leaq 1f(%%rip), %[scratch]\n\t"
                     "pushq %[scratch]\n\t"
                     "lretq\n"
                     "1:\tmovl %[data], %%ds\n\t"
                     "movl %[data], %%es\n\t"
                     "movl %[data], %%ss\n\t"
                     "movl %[null], %%fs\n\t"
                     "movl %[null], %%gs\n\t"
                     "lidt %[idt]\n\t"
                     "lldt %w[null]\n\t"
                     "ltr %w[tss]"
                     : [scratch] "=&r"(scratch)
                     : [gdt] "m"(gdt), [idt] "m"(idt), [code] "i"(CODE_SELECTOR), [data] "r"(DATA_SELECTOR),
                       [null] "r"(0), [tss] "r"(TSS_SELECTOR)
                     : "memory");
}

static inline void load_ldt(uint16_t selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}

_Noreturn static inline void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
