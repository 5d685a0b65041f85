/* SPDX-License-Identifier: MIT */
/* local_apic: which one there is, by CPUID and IA32_APIC_BASE. */
#include "devices/processor/processor.h"

#include "kernel/cpu/local_apic.h"

enum { APIC = 1 << 9, ON = 1 << 11, MSRS = 1 << 10, FIRST_PROCESSOR = 1 << 8, HAS_MSRS = 1 << 5 };

static void assert_apic(struct local_apic apic, enum local_apic_kind kind, uint64_t page)
{
    assert_int_equal(apic.kind, kind);
    assert_int_equal(apic.page, page);
}

static void kinds(void **state)
{
    (void)state;
    assert_apic(local_apic_from(~(uint32_t)APIC, 0xfee00000 | ON), LOCAL_APIC_NONE, 0);
    assert_apic(local_apic_from(APIC, 0xfee00000 | FIRST_PROCESSOR), LOCAL_APIC_OFF, 0);
    assert_apic(local_apic_from(APIC, 0xfee00000 | MSRS), LOCAL_APIC_OFF, 0);
    assert_apic(local_apic_from(APIC, 0xfee00000 | FIRST_PROCESSOR | ON), LOCAL_APIC_MEMORY, 0xfee00000);
    assert_apic(local_apic_from(APIC, 0xfee00000 | FIRST_PROCESSOR | ON | MSRS), LOCAL_APIC_MSRS, 0);
}

static void moved_page(void **state)
{
    (void)state;
    assert_apic(local_apic_from(APIC, (0x000fffffffffffff & ~(uint64_t)MSRS) | ON), LOCAL_APIC_MEMORY,
                0x000ffffffffff000);
}

/* A register lies 16 bytes after the one before it, and is 32 bits wide. */
static void registers_in_memory(void **state)
{
    (void)state;
    static uint32_t page[1024];
    const struct local_apic apic = {LOCAL_APIC_MEMORY, (uintptr_t)page};
    local_apic_write(&apic, APIC_INITIAL_COUNT, 7);
    assert_int_equal(page[0x380 / 4], 7);
    assert_int_equal(page[0x384 / 4], 0);
    page[0x390 / 4] = 9;
    assert_int_equal(local_apic_read(&apic, APIC_CURRENT_COUNT), 9);
}

/* A processor without the registers would fail the test if they were read. */
static void found_by_the_processor(void **state)
{
    processor_begin();
    processor_has_leaf(1, (struct cpuid){.edx = APIC});
    assert_apic(local_apic_find(), LOCAL_APIC_OFF, 0);
    processor_has_leaf(1, (struct cpuid){.edx = HAS_MSRS});
    assert_apic(local_apic_find(), LOCAL_APIC_NONE, 0);
    processor_has_leaf(1, (struct cpuid){UINT32_MAX, UINT32_MAX, UINT32_MAX, ~(uint32_t)(APIC | HAS_MSRS)});
    assert_apic(local_apic_find(), LOCAL_APIC_NONE, 0);
    processor_has_leaf(1, (struct cpuid){.edx = APIC | HAS_MSRS});
    processor_has_msr(0x1b, 0xfee00000 | ON);
    assert_apic(local_apic_find(), LOCAL_APIC_MEMORY, 0xfee00000);
}

static void registers_in_msrs(void **state)
{
    const struct local_apic apic = {LOCAL_APIC_MSRS, 0};
    processor_begin();
    processor_has_msr(0x838, 0);
    processor_has_msr(0x839, 0xffffffff00000007);
    local_apic_write(&apic, APIC_INITIAL_COUNT, 0x80000001);
    assert_done("msr 838=80000001 ");
    assert_int_equal(local_apic_read(&apic, APIC_CURRENT_COUNT), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"local APIC: none, switched off, in memory, in MSRs", kinds, NULL, NULL, NULL},
        {"local APIC: its page may lie anywhere", moved_page, NULL, NULL, NULL},
        {"local APIC: registers in memory", registers_in_memory, NULL, NULL, NULL},
        {"local APIC: found by CPUID, and by a register where there is one", found_by_the_processor, NULL,
         NULL, NULL},
        {"local APIC: registers in MSRs", registers_in_msrs, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("local_apic", tests, NULL, NULL);
}
