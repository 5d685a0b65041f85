/* SPDX-License-Identifier: MIT */
/* Random cases from the bytes of libFuzzer, which prefers bytes that reach new branches of the core. */
#include "fuzz/draw.h"
#include "fuzz/test_case.h"
#include <stdlib.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* A failure must abort: libFuzzer does not take an exit for one. */
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct test_case test;
    if (count == 0)
        return 0;
    (void)draw_from(draw_source_of_bytes(bytes, count));
    case_draw(&test, 0, CASE_ANY_LIFE);
    return 0;
}
