/*
 * instructions.h - instructions and registers of the processor that C has no name for.
 */
#ifndef KERNEL_CPU_INSTRUCTIONS_H
#define KERNEL_CPU_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define CR0_PROTECTION        (1ull << 0)
#define CR0_MONITOR           (1ull << 1)
#define CR0_EMULATION         (1ull << 2)
#define CR0_TASK_SWITCHED     (1ull << 3)
#define CR0_EXTENSION_TYPE    (1ull << 4)
#define CR0_NUMERIC_ERROR     (1ull << 5)
#define CR0_WRITE_PROTECT     (1ull << 16)
#define CR0_ALIGNMENT_MASK    (1ull << 18)
#define CR0_NOT_WRITE_THROUGH (1ull << 29)
#define CR0_CACHE_DISABLE     (1ull << 30)
#define CR0_PAGING            (1ull << 31)

/* CR0 as the kernel has it, except WP: caches on, alignment checks off, nothing of x87 and SSE traps. */
#define CR0_KERNEL (CR0_PROTECTION | CR0_MONITOR | CR0_EXTENSION_TYPE | CR0_NUMERIC_ERROR | CR0_PAGING)

#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_LA57       (1ull << 12)
#define CR4_VMXE       (1ull << 13)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)
#define CR4_PKE        (1ull << 22)

#define RFLAGS_ALWAYS 2ull        /* bit 1 is always set */
#define RFLAGS_IF     (1ull << 9) /* maskable interrupts are on */
#define RFLAGS_AC     (1ull << 18)
#define RFLAGS_STATUS 0x8d5ull /* carry, parity, adjust, zero, sign, overflow: results of instructions */

/* Debug registers without any breakpoint: bits that are always set (SDM 3B, 18.2). */
#define DR6_NOTHING 0xffff0ff0ull
#define DR7_NOTHING 0x400ull

#define MSR_EFER                       0xc0000080u
#define MSR_FS_BASE                    0xc0000100u
#define MSR_GS_BASE                    0xc0000101u
#define MSR_KERNEL_GS_BASE             0xc0000102u
#define MSR_PAT                        0x277u
#define MSR_DEBUG_CONTROL              0x1d9u
#define MSR_PERFORMANCE_GLOBAL_CONTROL 0x38fu
#define MSR_PROCESSOR_TRACE_CONTROL    0x570u

#define EFER_SYSCALL         (1ull << 0)
#define EFER_NO_EXECUTE      (1ull << 11)
#define EFER_SEGMENT_LIMITS  (1ull << 13) /* AMD: LMSLE */
#define EFER_CACHE_EXTENSION (1ull << 15) /* AMD: TCE */

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
