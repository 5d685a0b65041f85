/* SPDX-License-Identifier: MIT */
/* SPCR: the serial port that ACPI names, from tables that are right, odd, cut off and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/spcr.h"

#define LIMIT ((uint64_t)1 << 40)

enum { OLD_BYTES = 80, NEW_BYTES = 90 };

/* The fields of a table that matter. */
struct fields {
    uint8_t revision, type, space, bits, access;
    uint64_t address;
    uint8_t baud;
    uint32_t clock, precise;
};

static const struct fields com2 = {2, 0, 1, 8, 0, 0x2f8, 7, 0, 0};

static void store(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static size_t make(const struct fields *f, uint8_t table[NEW_BYTES])
{
    memset(table, 0, NEW_BYTES);
    memcpy(table, "SPCR", 4);
    table[8] = f->revision;
    table[36] = f->type;
    table[40] = f->space;
    table[41] = f->bits;
    table[43] = f->access;
    store(table + 44, f->address, 8);
    table[58] = f->baud;
    store(table + 76, f->clock, 4);
    store(table + 80, f->precise, 4);
    return f->revision >= 4 ? NEW_BYTES : OLD_BYTES;
}

static char sentence[128];

static bool read_table(const uint8_t *table, size_t bytes, struct uart *uart)
{
    struct text_sink why = text_sink(sentence, sizeof sentence);
    return spcr_read(table, bytes, LIMIT, uart, &why.sink);
}

static struct uart accepted(struct fields fields)
{
    uint8_t table[NEW_BYTES];
    size_t bytes = make(&fields, table);
    struct uart uart;
    if (!read_table(table, bytes, &uart))
        fail_msg("refused: %s", sentence);
    assert_string_equal(sentence, "");
    assert_true(uart.address == fields.address);
    assert_string_equal(uart.name, "spcr");
    return uart;
}

static void check_refused(struct fields fields, const char *words)
{
    uint8_t table[NEW_BYTES];
    size_t bytes = make(&fields, table);
    struct uart uart = {.baud = 12345};
    if (read_table(table, bytes, &uart))
        fail_msg("accepted instead of \"%s\"", words);
    if (!strstr(sentence, words))
        fail_msg("\"%s\" does not say \"%s\"", sentence, words);
    assert_int_equal(uart.baud, 12345);
}

static void ports(void **state)
{
    struct uart uart = accepted(com2);
    assert_false(uart.is_mmio);
    assert_int_equal(uart.divisor, 1);
    assert_int_equal(uart.baud, 115200);
    assert_int_equal(uart.width * 10 + uart.stride, 11);
    uart = accepted((struct fields){1, 1, 1, 32, 3, 0xfff8, 3, 0, 0}); /* ports are bytes all the same */
    assert_int_equal(uart.width * 10 + uart.stride, 11);
    assert_int_equal(uart.divisor, 12);
}

static void check_geometry(uint8_t bits, uint8_t access, unsigned width, unsigned stride)
{
    struct uart uart = accepted((struct fields){2, 0x12, 0, bits, access, 0xfe032000, 0, 0, 0});
    assert_true(uart.is_mmio);
    assert_int_equal(uart.width, width);
    assert_int_equal(uart.stride, stride);
}

static void registers_in_memory(void **state)
{
    check_geometry(8, 1, 1, 1);
    check_geometry(8, 0, 1, 1);
    check_geometry(0, 0, 1, 1);
    check_geometry(32, 3, 4, 4);
    check_geometry(32, 0, 4, 4);
    check_geometry(32, 1, 1, 4); /* bytes that are four bytes apart */
    check_geometry(16, 2, 2, 2);
    check_geometry(0, 3, 4, 4);
    check_geometry(8, 3, 4, 4);
    accepted((struct fields){2, 0, 0, 32, 3, LIMIT - 32, 0, 0, 0});
}

static void speeds(void **state)
{
    static const struct {
        uint8_t code;
        unsigned divisor, baud;
    } codes[] = {{3, 12, 9600}, {4, 6, 19200}, {6, 2, 57600}, {7, 1, 115200}, {0, 0, 0},
                 {1, 0, 0},     {5, 0, 0},     {8, 0, 0},     {255, 0, 0}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct fields fields = com2;
        fields.baud = codes[i].code;
        struct uart uart = accepted(fields);
        assert_int_equal(uart.divisor, codes[i].divisor);
        assert_int_equal(uart.baud, codes[i].baud);
    }
}

static void check_speed(struct fields fields, unsigned divisor, unsigned baud)
{
    struct uart uart = accepted(fields);
    assert_int_equal(uart.divisor, divisor);
    assert_int_equal(uart.baud, baud);
}

static void clocks(void **state)
{
    /* In memory: without a clock nobody knows what a divisor means. */
    check_speed((struct fields){2, 0, 0, 32, 3, 0xfe032000, 7, 0, 0}, 0, 0);
    check_speed((struct fields){3, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 0}, 26, 115200);
    check_speed((struct fields){2, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 0}, 0,
                0); /* the revision has none */
    check_speed((struct fields){4, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 1500000}, 2, 1500000);
    check_speed((struct fields){3, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 1500000}, 26, 115200);
    check_speed((struct fields){4, 0, 1, 8, 1, 0x3f8, 0, 0, 38400}, 3, 38400);
    check_speed((struct fields){4, 0, 1, 8, 1, 0x3f8, 7, 0, 921600}, 0, 0); /* faster than the clock */
    check_speed((struct fields){4, 0, 1, 8, 1, 0x3f8, 7, 0, 90000}, 0, 0);  /* 115200 would be 28 % off */
    check_speed((struct fields){4, 0, 1, 8, 1, 0x3f8, 7, 0, 1}, 0, 0);      /* a divisor of 17 bits */
    check_speed((struct fields){4, 0, 1, 8, 1, 0x3f8, 7, 0xffffffff, 0xffffffff}, 0, 0);
}

static void refusals(void **state)
{
    struct fields f = com2;
    f.type = 3;
    check_refused(f, "type 3, which is not a 16550");
    f.type = 0x14;
    check_refused(f, "type 14");
    f = com2;
    f.address = 0;
    check_refused(f, "no port is used");
    f = com2;
    f.space = 2;
    check_refused(f, "address space 2");
    f = com2;
    f.address = 0xfff9;
    check_refused(f, "io fff9 is out of reach");
    f.address = 0xffffffffffffffff;
    check_refused(f, "out of reach");
    f = (struct fields){2, 0, 0, 32, 3, LIMIT - 31, 0, 0, 0};
    check_refused(f, "out of reach");
    f.address = 0xfffffffffffffffc;
    check_refused(f, "out of reach");
    f.address = 0xfe032002;
    check_refused(f, "fe032002 is not aligned");
    f = (struct fields){2, 0, 0, 64, 0, 0xfe032000, 0, 0, 0};
    check_refused(f, "64 bits");
    f = (struct fields){2, 0, 0, 32, 4, 0xfe032000, 0, 0, 0};
    check_refused(f, "access size 4");
}

/* Cut off anywhere: the sanitiser sees a read beyond the end. */
static void cut_off(void **state)
{
    const struct fields fields = {4, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 1500000};
    uint8_t whole[NEW_BYTES];
    size_t bytes = make(&fields, whole);
    for (size_t kept = 0; kept <= bytes; kept++) {
        uint8_t *table = malloc(kept + (kept == 0));
        memcpy(table, whole, kept);
        struct uart uart = {0};
        bool found = read_table(table, kept, &uart);
        assert_int_equal(found, kept >= 59);
        assert_int_equal(sentence[0] == '\0', found);
        assert_int_equal(uart.baud, kept >= 84 ? 1500000 : kept >= 80 ? 115200 : 0);
        free(table);
    }
}

/* Damaged in any way: what is accepted can be driven. */
static void damaged(void **state)
{
    const struct fields fields = {4, 0, 0, 32, 3, 0xfe032000, 7, 48000000, 1500000};
    uint8_t table[NEW_BYTES];
    size_t bytes = make(&fields, table);
    for (unsigned bit = 0; bit < 8 * NEW_BYTES; bit++) {
        table[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct uart uart = {0};
        if (read_table(table, bytes, &uart)) {
            assert_true(uart.width == 1 || uart.width == 2 || uart.width == 4);
            assert_true(uart.stride >= uart.width && uart.stride <= 4);
            assert_true(uart.address + uart_span(&uart) <= (uart.is_mmio ? LIMIT : 0x10000));
            assert_int_equal(uart.divisor == 0, uart.baud == 0);
        } else
            assert_true(sentence[0] != '\0');
        table[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"spcr: I/O ports", ports, NULL, NULL, NULL},
        {"spcr: registers in memory, their width and distance", registers_in_memory, NULL, NULL, NULL},
        {"spcr: codes of speeds, and those that leave it as it is", speeds, NULL, NULL, NULL},
        {"spcr: the precise speed and the clock count from their revision on", clocks, NULL, NULL, NULL},
        {"spcr: what cannot be used is refused with a reason", refusals, NULL, NULL, NULL},
        {"spcr: a table that is cut off anywhere", cut_off, NULL, NULL, NULL},
        {"spcr: a table with any bit flipped", damaged, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("spcr", tests, NULL, NULL);
}
