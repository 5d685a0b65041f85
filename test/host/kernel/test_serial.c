/* SPDX-License-Identifier: MIT */
/* serial: one driver for 16550s at ports and in memory, and chips that are absent, broken or stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "devices/console/mmio.h"
#include "devices/console/ports.h"
#include "kernel/console/serial.h"

/* A 16550: what was sent, and how it is set up. */
static struct {
    struct uart uart; /* where it is */
    bool absent, deaf, stuck, silent;
    uint8_t interrupts, line_control, modem_control, divisor_low, divisor_high, received;
    bool has_received;
    unsigned busy; /* reads of the status until the transmitter is ready */
    char sent[64];
    unsigned sent_count;
    unsigned long reads;
} chip;

static unsigned register_at(uint64_t address, unsigned width, bool is_mmio)
{
    assert_int_equal(is_mmio, chip.uart.is_mmio);
    assert_int_equal(width, chip.uart.width);
    assert_true(address >= chip.uart.address);
    assert_int_equal((address - chip.uart.address) % chip.uart.stride, 0);
    uint64_t index = (address - chip.uart.address) / chip.uart.stride;
    assert_in_range(index, 0, UART_REGISTERS - 1);
    return (unsigned)index;
}

static void send(uint8_t value)
{
    if (chip.modem_control & 0x10) {
        chip.received = chip.deaf ? (uint8_t)(value ^ 1) : value;
        chip.has_received = !chip.silent;
        return;
    }
    assert_true(chip.sent_count < sizeof chip.sent - 1);
    chip.sent[chip.sent_count++] = (char)value;
    chip.busy = 5;
}

static void write_chip(unsigned index, uint8_t value)
{
    bool latch = chip.line_control & 0x80;
    if (index == 0 && latch)
        chip.divisor_low = value;
    else if (index == 0)
        send(value);
    else if (index == 1 && latch)
        chip.divisor_high = value;
    else if (index == 1)
        chip.interrupts = value;
    else if (index == 3)
        chip.line_control = value;
    else if (index == 4)
        chip.modem_control = value;
    else
        assert_int_equal(index, 2);
}

static uint8_t status(void)
{
    if (chip.stuck)
        return 0;
    if (chip.busy > 0) {
        chip.busy--;
        return 0;
    }
    return chip.has_received ? 0x61 : 0x60;
}

static uint8_t read_chip(unsigned index)
{
    chip.reads++;
    if (chip.absent)
        return 0xff;
    if (index == 5)
        return status();
    if (index == 1)
        return chip.interrupts;
    assert_int_equal(index, 0);
    chip.has_received = false;
    return chip.received;
}

uint8_t port_read8(uint16_t port)
{
    return read_chip(register_at(port, 1, false));
}

void port_write8(uint16_t port, uint8_t value)
{
    write_chip(register_at(port, 1, false), value);
}

/* Bits above the byte are another's: a driver that looks at them is noticed. */
uint8_t mmio_read8(uint64_t address)
{
    return read_chip(register_at(address, 1, true));
}

uint16_t mmio_read16(uint64_t address)
{
    return (uint16_t)(0xab00 | read_chip(register_at(address, 2, true)));
}

uint32_t mmio_read32(uint64_t address)
{
    return 0xabcdef00 | read_chip(register_at(address, 4, true));
}

void mmio_write8(uint64_t address, uint8_t value)
{
    write_chip(register_at(address, 1, true), value);
}

void mmio_write16(uint64_t address, uint16_t value)
{
    assert_in_range(value, 0, 0xff);
    write_chip(register_at(address, 2, true), (uint8_t)value);
}

void mmio_write32(uint64_t address, uint32_t value)
{
    assert_in_range(value, 0, 0xff);
    write_chip(register_at(address, 4, true), (uint8_t)value);
}

/* A chip as firmware leaves it: 9600 baud, interrupts on. */
static const struct uart *plug_in(struct uart uart)
{
    memset(&chip, 0, sizeof chip);
    chip.uart = uart;
    chip.divisor_low = 12;
    chip.interrupts = 1;
    chip.line_control = 0x03;
    return &chip.uart;
}

static const struct uart com2 = {.width = 1, .stride = 1, .divisor = 1, .address = 0x2f8};
static const struct uart wide = {
    .is_mmio = true, .width = 4, .stride = 4, .divisor = 0x203, .address = 0xfe032000};

static void check_sends(struct uart uart, unsigned divisor)
{
    assert_null(serial_start(plug_in(uart)));
    for (const char *c = "Hello"; *c; c++)
        serial_put(*c);
    assert_string_equal(chip.sent, "Hello");
    assert_int_equal(chip.divisor_low | chip.divisor_high << 8, divisor);
    assert_int_equal(chip.line_control, 0x03);
    assert_int_equal(chip.interrupts, 0);
    assert_int_equal(chip.modem_control, 0x0f); /* the loop is open again */
}

static void every_geometry(void **state)
{
    check_sends(com2, 1);
    check_sends(wide, 0x203);
    check_sends((struct uart){.is_mmio = true, .width = 1, .stride = 1, .divisor = 1, .address = 0x1001}, 1);
    check_sends((struct uart){.is_mmio = true, .width = 1, .stride = 4, .divisor = 7, .address = 0x1002}, 7);
    check_sends((struct uart){.is_mmio = true, .width = 2, .stride = 2, .divisor = 1, .address = 0x2000}, 1);
    check_sends((struct uart){.is_mmio = true, .width = 4, .stride = 4, .address = 0xffe000000000}, 12);
}

static void speed_stays(void **state)
{
    struct uart as_is = com2;
    as_is.divisor = 0;
    check_sends(as_is, 12);
}

static void absent_chip(void **state)
{
    plug_in(com2);
    chip.absent = true;
    assert_false(serial_answers(&com2));
    assert_string_equal(serial_start(&com2), "no 16550 answers");
    assert_true(chip.reads < 10);
    serial_put('x');
    assert_int_equal(chip.sent_count, 0);
}

static void only_asked(void **state)
{
    const struct uart *uart = plug_in(wide);
    assert_true(serial_answers(uart));
    assert_int_equal(chip.divisor_low, 12);
    assert_int_equal(chip.interrupts, 1);
}

static void broken_chips(void **state)
{
    plug_in(com2);
    chip.deaf = true;
    assert_string_equal(serial_start(&com2), "the loopback test failed");
    assert_int_equal(chip.modem_control, 0x0f);
    plug_in(com2);
    chip.silent = true;
    assert_string_equal(serial_start(&com2), "the loopback test failed");
    assert_in_range(chip.reads, 1000, 10000000);
    serial_put('x');
    assert_int_equal(chip.sent_count, 0);
    plug_in(com2);
    chip.stuck = true;
    assert_string_equal(serial_start(&com2), "the loopback test failed");
}

static void stuck_later(void **state)
{
    assert_null(serial_start(plug_in(com2)));
    serial_put('a');
    chip.stuck = true;
    serial_put('b');
    unsigned long reads = chip.reads;
    serial_put('c');
    assert_int_equal(chip.reads, reads); /* given up: no more waiting */
}

static void another_port(void **state)
{
    plug_in(com2);
    chip.deaf = true;
    assert_non_null(serial_start(&com2));
    check_sends(wide, 0x203);
}

static void choices(void **state)
{
    struct uart chosen[SERIAL_CANDIDATES], first = com2;
    first.address = 0x3f8;
    assert_int_equal(uart_choose(SERIAL_AUTO, NULL, chosen), 1);
    assert_string_equal(chosen[0].name, "com1");
    assert_int_equal(chosen[0].address, 0x3f8);
    assert_int_equal(chosen[0].divisor, 1);
    assert_int_equal(uart_choose(SERIAL_AUTO, &wide, chosen), 2);
    assert_int_equal(chosen[0].address, wide.address);
    assert_string_equal(chosen[1].name, "com1");
    assert_int_equal(uart_choose(SERIAL_AUTO, &first, chosen), 1); /* COM1 is not tried twice */
    assert_int_equal(uart_choose(SERIAL_SPCR, &wide, chosen), 1);
    assert_true(chosen[0].is_mmio);
    assert_int_equal(uart_choose(SERIAL_SPCR, NULL, chosen), 0);
    assert_int_equal(uart_choose(SERIAL_COM1, &wide, chosen), 1);
    assert_string_equal(chosen[0].name, "com1");
    assert_int_equal(uart_choose(SERIAL_COM2, &wide, chosen), 1);
    assert_int_equal(chosen[0].address, 0x2f8);
    assert_int_equal(uart_choose(SERIAL_OFF, &wide, chosen), 0);
}

static void check_words(struct uart uart, const char *words)
{
    char text[80];
    struct text_sink sink = text_sink(text, sizeof text);
    uart_describe(&uart, &sink.sink);
    assert_string_equal(text, words);
}

static void words(void **state)
{
    struct uart chosen[SERIAL_CANDIDATES], spcr = wide;
    spcr.name = "spcr";
    spcr.baud = 9600;
    check_words(spcr, "spcr mmio fe032000 stride 4 9600");
    spcr.divisor = 0;
    check_words(spcr, "spcr mmio fe032000 stride 4 as-is");
    spcr = com2;
    spcr.name = "spcr";
    spcr.baud = 115200;
    check_words(spcr, "spcr io 2f8 115200");
    assert_int_equal(uart_choose(SERIAL_COM2, NULL, chosen), 1);
    check_words(chosen[0], "com2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"serial: ports, and registers of every width and distance", every_geometry, NULL, NULL, NULL},
        {"serial: without a divisor the speed stays as it is", speed_stays, NULL, NULL, NULL},
        {"serial: an absent chip is noticed at once, and never written to", absent_chip, NULL, NULL, NULL},
        {"serial: to ask whether a chip answers changes nothing", only_asked, NULL, NULL, NULL},
        {"serial: a chip that fails its loopback test is not used", broken_chips, NULL, NULL, NULL},
        {"serial: a chip that stops sending is given up", stuck_later, NULL, NULL, NULL},
        {"serial: after a port that failed another one works", another_port, NULL, NULL, NULL},
        {"serial: which ports are tried, and in which order", choices, NULL, NULL, NULL},
        {"serial: a port in words", words, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
