/* SPDX-License-Identifier: MIT */
/* emulator: told by its signs; hardware, and what cannot be told for sure, is no emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/console/ports.h"
#include "kernel/cpu/cpuid.h"
#include "kernel/cpu/emulator.h"
#include "kernel/cpu/tsc.h"

/* The machine that is looked at: its host bridge, and how often the counter cannot be calibrated. */
static struct {
    uint32_t selected, ids, subsystem;
    unsigned interrupted;
} board;

void port_write32(uint16_t port, uint32_t value)
{
    assert_int_equal(port, 0xcf8);
    board.selected = value;
}

uint32_t port_read32(uint16_t port)
{
    assert_int_equal(port, 0xcfc);
    return board.selected == 0x80000000 ? board.ids : board.selected == 0x8000002c ? board.subsystem : ~0u;
}

bool cpu_is_qemus(void)
{
    return false;
}

bool cpu_has_hypervisor(void)
{
    return false;
}

uint64_t tsc_calibrate(void)
{
    return board.interrupted-- > 0 ? 0 : 1;
}

static const struct emulator_signs bochs = {.ticks_per_instruction = 1, .bridge = 0x12378086};

static void bochs_is_recognised(void **state)
{
    (void)state;
    assert_int_equal(emulator_of(&bochs), EMULATOR_BOCHS);
}

static void qemu_is_recognised(void **state)
{
    (void)state;
    assert_int_equal(emulator_of(&(struct emulator_signs){.is_qemu = true, .has_hypervisor = true}),
                     EMULATOR_QEMU);
    /* On its other board, and with a counter of instructions. */
    struct emulator_signs counting = bochs;
    counting.is_qemu = true;
    assert_int_equal(emulator_of(&counting), EMULATOR_QEMU);
}

/* Each sign that is missing is enough. */
static void hardware_is_no_emulator(void **state)
{
    (void)state;
    struct emulator_signs signs[] = {bochs, bochs, bochs, bochs, bochs, bochs};
    signs[0].ticks_per_instruction = 0;     /* a counter of time: any hardware, on whatever board */
    signs[1].ticks_per_instruction = 128;   /* QEMU's counter of instructions, and its leaf hidden */
    signs[2].bridge = 0x29c08086;           /* another board */
    signs[3].bridge = ~0u;                  /* no PCI */
    signs[4].bridge_subsystem = 0x11001af4; /* QEMU's board */
    signs[5].has_hypervisor = true;         /* some other monitor with such a board */
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        assert_int_equal(emulator_of(&signs[i]), EMULATOR_NONE);
    assert_int_equal(emulator_of(&(struct emulator_signs){0}), EMULATOR_NONE);
}

/* It is looked for once, although a timer's interrupts spoil some measurements. */
static void board_is_read(void **state)
{
    (void)state;
    board.ids = 0x12378086;
    board.subsystem = 0;
    board.interrupted = 3;
    assert_int_equal(emulator_here(), EMULATOR_BOCHS);
    assert_int_equal(board.selected, 0); /* configuration space is closed again */
    board.ids = ~0u;
    assert_int_equal(emulator_here(), EMULATOR_BOCHS);
    assert_true(cpu_is_emulated());
    assert_string_equal(emulator_name(emulator_here()), "Bochs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"emulator: Bochs is recognised by its board and its counter", bochs_is_recognised, NULL, NULL, NULL},
        {"emulator: QEMU is recognised by its leaf", qemu_is_recognised, NULL, NULL, NULL},
        {"emulator: hardware and what cannot be told for sure is none", hardware_is_no_emulator, NULL, NULL,
         NULL},
        {"emulator: the board is read once, and interrupts do no harm", board_is_read, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("emulator", tests, NULL, NULL);
}
