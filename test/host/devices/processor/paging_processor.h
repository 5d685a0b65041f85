/* SPDX-License-Identifier: MIT */
/*
 * paging_processor.h - the instructions of selfmap/processor_access.h on a made-up processor (processor.c).
 */
#ifndef TEST_HOST_DEVICES_PROCESSOR_PAGING_PROCESSOR_H
#define TEST_HOST_DEVICES_PROCESSOR_PAGING_PROCESSOR_H

#include "devices/processor/cpu/instructions.h"

static inline struct paging_cpuid_leaf paging_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid answer = cpuid(leaf, subleaf);
    return (struct paging_cpuid_leaf){answer.eax, answer.ebx, answer.ecx, answer.edx};
}

static inline uint64_t paging_cr4_read(void)
{
    return read_cr4();
}

static inline uint64_t paging_msr_read(uint32_t number)
{
    return read_msr(number);
}

static inline void paging_msr_write(uint32_t number, uint64_t value)
{
    write_msr(number, value);
}

static inline void paging_caches_flush(void)
{
    flush_caches();
}

static inline void paging_root_reload(void)
{
    write_cr3(read_cr3());
}

#endif
