/* SPDX-License-Identifier: MIT */
/* mmio: each access has just its width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/console/mmio.h"

static _Alignas(8) uint8_t memory[16];

static uint64_t at(unsigned offset)
{
    return (uintptr_t)memory + offset;
}

static int begin(void **state)
{
    for (unsigned i = 0; i < sizeof memory; i++)
        memory[i] = (uint8_t)(0xa0 + i);
    return 0;
}

static void reads_have_their_width(void **state)
{
    assert_int_equal(mmio_read8(at(5)), 0xa5);
    assert_int_equal(mmio_read16(at(4)), 0xa5a4);
    assert_int_equal(mmio_read32(at(4)), 0xa7a6a5a4);
}

static void assert_written(unsigned first, unsigned width)
{
    for (unsigned i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], i >= first && i < first + width ? 1 + i - first : 0xa0 + i);
    (void)begin(NULL);
}

static void writes_have_their_width(void **state)
{
    mmio_write8(at(5), 0x01);
    assert_written(5, 1);
    mmio_write16(at(4), 0x0201);
    assert_written(4, 2);
    mmio_write32(at(4), 0x04030201);
    assert_written(4, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"mmio: reads have their width", reads_have_their_width, begin, NULL, NULL},
        {"mmio: writes have their width", writes_have_their_width, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("mmio", tests, NULL, NULL);
}
