/* SPDX-License-Identifier: MIT */
/* local_apic.c - finds the local APIC, and its registers. */
#include "cpu/local_apic.h"
#include "cpu/instructions.h"

enum { MSR_APIC_BASE = 0x1b, FIRST_MSR = 0x800, REGISTER_STEP = 16 };

#define BASE_IS_ON   (1ull << 11)
#define BASE_IS_MSRS (1ull << 10)
#define BASE_PAGE    0x000ffffffffff000ull
#define HAS_APIC     (1u << 9)
#define HAS_MSRS     (1u << 5)

struct local_apic local_apic_from(uint32_t leaf1_edx, uint64_t apic_base)
{
    struct local_apic apic = {LOCAL_APIC_NONE, 0};
    if (!(leaf1_edx & HAS_APIC))
        return apic;
    apic.kind = LOCAL_APIC_OFF;
    if (!(apic_base & BASE_IS_ON))
        return apic;
    apic.kind = apic_base & BASE_IS_MSRS ? LOCAL_APIC_MSRS : LOCAL_APIC_MEMORY;
    if (apic.kind == LOCAL_APIC_MEMORY)
        apic.page = apic_base & BASE_PAGE;
    return apic;
}

struct local_apic local_apic_find(void)
{
    uint32_t edx = cpuid(1, 0).edx;
    return local_apic_from(edx, edx & HAS_MSRS && edx & HAS_APIC ? read_msr(MSR_APIC_BASE) : 0);
}

static volatile uint32_t *in_memory(const struct local_apic *apic, unsigned number)
{
    return (volatile uint32_t *)(apic->page + (uint64_t)number * REGISTER_STEP);
}

uint32_t local_apic_read(const struct local_apic *apic, unsigned number)
{
    if (apic->kind == LOCAL_APIC_MSRS)
        return (uint32_t)read_msr(FIRST_MSR + number);
    return *in_memory(apic, number);
}

void local_apic_write(const struct local_apic *apic, unsigned number, uint32_t value)
{
    if (apic->kind == LOCAL_APIC_MSRS)
        write_msr(FIRST_MSR + number, value);
    else
        *in_memory(apic, number) = value;
}
