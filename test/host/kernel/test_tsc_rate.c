/* tsc_rate: the speed of the time stamp counter, as CPUID names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/cpu/tsc_rate.h"

static uint64_t hertz(struct cpuid leaf_15, struct cpuid leaf_16)
{
    return tsc_rate_from_cpuid(leaf_15, leaf_16);
}

static void crystal_times_ratio(void **state)
{
    (void)state;
    /* Skylake: 24 MHz, 250/2. Tiger Lake: 38.4 MHz, 126/2. The product needs more than 32 bits. */
    assert_int_equal(hertz((struct cpuid){2, 250, 24000000, 0}, (struct cpuid){0}), 3000000000);
    assert_int_equal(hertz((struct cpuid){2, 126, 38400000, 0}, (struct cpuid){0}), 2419200000);
    assert_int_equal(hertz((struct cpuid){2, 250, 24000000, 0}, (struct cpuid){.eax = 1000}), 3000000000);
}

static void base_frequency(void **state)
{
    (void)state;
    /* A processor that names the ratio and not the crystal counts at its base frequency. */
    assert_int_equal(hertz((struct cpuid){2, 292, 0, 0}, (struct cpuid){.eax = 3500}), 3500000000);
    assert_int_equal(hertz((struct cpuid){2, 292, 0, 0}, (struct cpuid){.eax = 0xffff0000 | 3500}),
                     3500000000);
}

static void unknown(void **state)
{
    (void)state;
    assert_int_equal(hertz((struct cpuid){0}, (struct cpuid){0}), 0);
    assert_int_equal(hertz((struct cpuid){0}, (struct cpuid){.eax = 3500}), 0);
    assert_int_equal(hertz((struct cpuid){0, 292, 24000000, 0}, (struct cpuid){0}), 0);
    assert_int_equal(hertz((struct cpuid){2, 0, 24000000, 0}, (struct cpuid){0}), 0);
    assert_int_equal(hertz((struct cpuid){2, 292, 0, 0}, (struct cpuid){0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"tsc rate: the crystal's frequency times the ratio", crystal_times_ratio, NULL, NULL, NULL},
        {"tsc rate: without a crystal, the base frequency", base_frequency, NULL, NULL, NULL},
        {"tsc rate: incomplete leaves name no speed", unknown, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("tsc_rate", tests, NULL, NULL);
}
