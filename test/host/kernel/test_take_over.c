/* take over: which registers must be 0 so that nothing is traced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/cpu/take_over.h"

enum { DEBUG_CONTROL = 0x1d9, GLOBAL_CONTROL = 0x38f, TRACE_CONTROL = 0x570, TRACE_BIT = 1 << 25 };

static void assert_lists(struct cpu_tracing tracing, unsigned count, const uint32_t *expected)
{
    uint32_t msrs[CPU_TRACING_LIMIT] = {0};
    assert_int_equal(cpu_tracing_registers(tracing, msrs), count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(msrs[i], expected[i]);
}

static void only_registers_that_exist(void **state)
{
    (void)state;
    static const uint32_t all[] = {DEBUG_CONTROL, GLOBAL_CONTROL, TRACE_CONTROL};
    static const uint32_t traced[] = {DEBUG_CONTROL, TRACE_CONTROL};
    assert_lists((struct cpu_tracing){0, 0}, 1, all);
    assert_lists((struct cpu_tracing){1, 0}, 1, all);          /* version 1 has no global control */
    assert_lists((struct cpu_tracing){0xffffff01, 0}, 1, all); /* the other bits say something else */
    assert_lists((struct cpu_tracing){2, 0}, 2, all);
    assert_lists((struct cpu_tracing){0x08300805, 0}, 2, all);
    assert_lists((struct cpu_tracing){0, ~(uint32_t)TRACE_BIT}, 1, all);
    assert_lists((struct cpu_tracing){0, TRACE_BIT}, 2, traced);
    assert_lists((struct cpu_tracing){4, UINT32_MAX}, 3, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"take over: only registers that the processor has are written", only_registers_that_exist, NULL,
         NULL, NULL},
    };
    return cmocka_run_group_tests_name("take_over", tests, NULL, NULL);
}
