/* cpuid: signatures are told apart by their registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/cpu/cpuid.h"

/* Returns a leaf with these twelve characters in EBX, EDX, ECX, in this order. */
static struct cpuid leaf(const char *text)
{
    uint32_t words[3];
    memcpy(words, text, sizeof words);
    return (struct cpuid){.ebx = words[0], .edx = words[1], .ecx = words[2]};
}

static void tdx_guest_is_recognised(void **state)
{
    (void)state;
    assert_true(cpuid_is_tdx_guest(leaf("IntelTDX    ")));
    struct cpuid with_eax = leaf("IntelTDX    ");
    with_eax.eax = 7;
    assert_true(cpuid_is_tdx_guest(with_eax));
}

static void others_are_not_tdx_guests(void **state)
{
    (void)state;
    static const char *const others[] = {"GenuineIntel", "Intel    TDX", "IntelTDX\0\0\0\0", "intelTDX    ",
                                         "IntelTDX   !"};
    assert_false(cpuid_is_tdx_guest((struct cpuid){0})); /* the processor does not have the leaf */
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(cpuid_is_tdx_guest(leaf(others[i])));
}

/* An Intel processor answers a leaf beyond the last with the last one (SDM 2A, CPUID); here it is zero. */
static void leaf_beyond_the_last_is_zero(void **state)
{
    (void)state;
    struct cpuid beyond = cpuid_or_zero(cpuid(0, 0).eax + 1);
    assert_int_equal(beyond.eax | beyond.ebx | beyond.ecx | beyond.edx, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"cpuid: a TDX guest is recognised", tdx_guest_is_recognised, NULL, NULL, NULL},
        {"cpuid: other signatures are not taken for a TDX guest", others_are_not_tdx_guests, NULL, NULL,
         NULL},
        {"cpuid: a leaf beyond the last one is zero", leaf_beyond_the_last_is_zero, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
