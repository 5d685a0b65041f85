/* SPDX-License-Identifier: MIT */
/*
 * registers.h - the bits of the processor's registers, by name.
 */
#ifndef KERNEL_CPU_REGISTERS_H
#define KERNEL_CPU_REGISTERS_H

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

/* What the registers of the GDT and the IDT hold (SDM 3A, 2.4). */
struct __attribute__((packed)) descriptor_table {
    uint16_t limit; /* the last byte's offset */
    uint64_t base;
};

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

#endif
