/* SPDX-License-Identifier: MIT */
/* qr: another program, zbarimg, reads from the code what was put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/cpu/hosted_code.h"
#include "kernel/display/qr.h"

enum { QUIET = 4, SCALE = 3, TEXT_LIMIT = 2048 };

/* In a process the library finds what it needs. */
void call_hosted(void (*call)(void *argument), void *argument)
{
    call(argument);
}

static void write_picture(const char *path, const struct qr_code *code)
{
    int side = (int)qr_size(code) + 2 * QUIET;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "P5 %d %d 255\n", side * SCALE, side * SCALE);
    for (int y = 0; y < side * SCALE; y++)
        for (int x = 0; x < side * SCALE; x++) {
            int column = x / SCALE - QUIET, row = y / SCALE - QUIET, size = (int)qr_size(code);
            bool inside = column >= 0 && row >= 0 && column < size && row < size;
            bool dark = inside && qr_module(code, (unsigned)column, (unsigned)row);
            fputc(dark ? 0 : 255, file);
        }
    assert_int_equal(fclose(file), 0);
}

/* Returns what zbarimg reads, without the line end that it adds. */
static size_t decode(const struct qr_code *code, char text[TEXT_LIMIT])
{
    char path[] = "/tmp/selfmap-qr.XXXXXX", command[64];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_picture(path, code);
    snprintf(command, sizeof command, "zbarimg --nodbus --raw --quiet %s", path);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    size_t length = fread(text, 1, TEXT_LIMIT, output);
    assert_int_equal(pclose(output), 0);
    unlink(path);
    assert_true(length > 0);
    return length - 1;
}

/* Fills text with lines of a report, each different from the others. */
static void fill(char *text, size_t bytes)
{
    char line[64];
    for (size_t at = 0, n = 1; at < bytes; n++) {
        int length = snprintf(line, sizeof line, "ok %zu unmap: the next access faults # 0x%zx\n", n, n * n);
        for (int i = 0; i < length && at < bytes; i++)
            text[at++] = line[i];
    }
}

static void is_read(void **state)
{
    static const size_t sizes[] = {1, 17, 18, 399, 400, 999, 1000, 1273};
    static char text[TEXT_LIMIT], found[TEXT_LIMIT];
    static struct qr_code code;
    fill(text, sizeof text);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(qr_encode(text, sizes[i], &code));
        assert_true(qr_size(&code) <= QR_SIZE_LIMIT);
        assert_int_equal(decode(&code, found), sizes[i]);
        assert_memory_equal(found, text, sizes[i]);
    }
}

static void is_small(void **state)
{
    static struct qr_code code;
    assert_true(qr_encode("12345678901234567", 17, &code));
    assert_int_equal(qr_size(&code), 21);
    assert_true(qr_encode("123456789012345678", 18, &code));
    assert_int_equal(qr_size(&code), 25);
}

static void too_long(void **state)
{
    static char text[TEXT_LIMIT];
    static struct qr_code code;
    assert_false(qr_encode(text, 1274, &code));
    assert_false(qr_encode(text, sizeof text, &code));
    assert_true(qr_encode(text, 1273, &code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"qr: zbarimg reads codes of all lengths", is_read, NULL, NULL, NULL},
        {"qr: a code is as small as it can be", is_small, NULL, NULL, NULL},
        {"qr: a text that is too long is refused", too_long, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("qr", tests, NULL, NULL);
}
