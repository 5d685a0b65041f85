/*
 * instructions.h - instructions and registers of the processor that C has no name for.
 */
#ifndef KERNEL_CPU_INSTRUCTIONS_H
#define KERNEL_CPU_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define CR0_MONITOR       (1ull << 1)
#define CR0_EMULATION     (1ull << 2)
#define CR0_TASK_SWITCHED (1ull << 3)
#define CR0_NUMERIC_ERROR (1ull << 5)
#define CR0_WRITE_PROTECT (1ull << 16)

#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_LA57       (1ull << 12)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)
#define CR4_PKE        (1ull << 22)

#define RFLAGS_ALWAYS 2ull /* bit 1 is always set */
#define RFLAGS_AC     (1ull << 18)

#define MSR_EFER        0xc0000080u
#define MSR_FS_BASE     0xc0000100u
#define MSR_PAT         0x277u
#define EFER_NO_EXECUTE (1ull << 11)

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

/* Returns all zeroes if the processor does not have the leaf. */
static inline struct cpuid cpuid_or_zero(uint32_t leaf)
{
    struct cpuid none = {0};
    return leaf <= cpuid(leaf & 0xc0000000u, 0).eax ? cpuid(leaf, 0) : none;
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

/* Returns the time stamp counter after all earlier instructions are complete. */
static inline uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

_Noreturn static inline void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
