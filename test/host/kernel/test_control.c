/* SPDX-License-Identifier: MIT */
/*
 * test_control.c - which bits of CR4 are set, for each bit that CPUID can have. An emulator ignores a bit
 * that its processor does not have; a processor raises #GP.
 */
#include "devices/processor/processor.h"

#include "kernel/cpu/control.h"

/* SDM 3A, 2.5: PAE, OSFXSR and OSXMMEXCPT, which every processor has that runs this. */
static const uint64_t always = 1u << 5 | 1u << 9 | 1u << 10;

static const struct {
    unsigned reg, bit, cr4;
} bits[] = {{0, 7, 6}, {0, 13, 7}, {1, 7, 20}, {1, 20, 21}, {2, 2, 11}};

enum { KNOWN = sizeof bits / sizeof *bits };

static uint64_t wanted(const uint32_t registers[3])
{
    return cpu_wanted_cr4(0, registers[0], (struct cpuid){.ebx = registers[1], .ecx = registers[2]});
}

static uint64_t expected(unsigned reg, unsigned bit)
{
    for (unsigned i = 0; i < KNOWN; i++)
        if (bits[i].reg == reg && bits[i].bit == bit)
            return UINT64_C(1) << bits[i].cr4;
    return 0;
}

/* Leaf 1 EDX, leaf 7 EBX, leaf 7 ECX: each bit alone, and all but that one. */
static void each_bit_of_cpuid_switches_on_its_own(void **state)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < KNOWN; i++)
        all |= UINT64_C(1) << bits[i].cr4;
    for (unsigned reg = 0; reg < 3; reg++)
        for (unsigned bit = 0; bit < 32; bit++) {
            uint32_t one[3] = {0}, others[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
            one[reg] = 1u << bit;
            others[reg] = ~one[reg];
            assert_int_equal(wanted(one), always | expected(reg, bit));
            assert_int_equal(wanted(others), always | (all & ~expected(reg, bit)));
        }
}

/* Both can be cleared with paging off only, or not at all while VMX is on. All else goes. */
static void only_five_levels_and_vmx_stay(void **state)
{
    const struct cpuid none = {0};
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t stays = bit == 12 || bit == 13 ? UINT64_C(1) << bit : 0;
        assert_int_equal(cpu_wanted_cr4(UINT64_C(1) << bit, 0, none), always | stays);
    }
}

static int begin(void **state)
{
    processor_begin();
    return 0;
}

/* Leaf 1 EDX, leaf 7 EBX and ECX; CR0 gets WP before CR4 switches on what builds on it. */
static void protection_is_switched_on(void **state)
{
    processor.beyond = (struct cpuid){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    processor_has_leaf(0, (struct cpuid){.eax = 7});
    processor_has_leaf(1, (struct cpuid){.eax = UINT32_MAX, .edx = 1u << 13, .ecx = UINT32_MAX});
    processor_has_leaf(7, (struct cpuid){.ebx = 1u << 7, .ecx = 1u << 2});
    processor.cr0 = 0x31;
    processor.cr4 = 1u << 12 | 1u << 18;
    cpu_enable_protection();
    assert_done("cr0=80010033 cr4=101ea0 ");
    processor_has_leaf(0, (struct cpuid){.eax = 6});
    processor_has_leaf(1, (struct cpuid){.edx = 1u << 7});
    cpu_enable_protection();
    assert_done("cr0=80010033 cr4=1660 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"control: what the processor has is switched on", protection_is_switched_on, begin, NULL, NULL},
        cmocka_unit_test(each_bit_of_cpuid_switches_on_its_own),
        cmocka_unit_test(only_five_levels_and_vmx_stay),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
