/* SPDX-License-Identifier: MIT */
/*
 * processor_access.h - the instructions through which processor.h asks the processor and sets it up.
 *
 * All except CPUID are privileged. If PAGING_PROCESSOR_HEADER names a header, that one defines them instead,
 * for example for a made-up processor.
 */
#ifndef SELFMAP_PROCESSOR_ACCESS_H
#define SELFMAP_PROCESSOR_ACCESS_H

#include <selfmap/config.h>
#include <stdint.h>

struct paging_cpuid_leaf {
    uint32_t eax, ebx, ecx, edx;
};

#ifdef PAGING_PROCESSOR_HEADER
#    include PAGING_PROCESSOR_HEADER
#else
PAGING_BEGIN_C

static inline struct paging_cpuid_leaf paging_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct paging_cpuid_leaf r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t paging_cr4_read(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline uint64_t paging_msr_read(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void paging_msr_write(uint32_t number, uint64_t value)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
    __asm__ volatile("wrmsr" : : "a"(low), "d"(high), "c"(number) : "memory");
}

/* Writes the caches back, and empties them. */
static inline void paging_caches_flush(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

/* Loads CR3 with what it holds. This flushes everything except global pages (SDM 3A, 4.10.4.1). */
static inline void paging_root_reload(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(value) : : "memory");
}

PAGING_END_C
#endif
#endif
