/* SPDX-License-Identifier: MIT */
/* option_text: what files, LoadOptions and shells hold becomes plain text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/boot/options.h"

/* Decodes bytes in a block of exactly their size. */
static void expect_text(const char *file, size_t bytes, const char *text)
{
    char *block = malloc(bytes + (bytes == 0));
    memcpy(block, file, bytes);
    assert_null(options_decode(block, &bytes));
    assert_int_equal(bytes, strlen(text));
    assert_memory_equal(block, text, bytes);
    free(block);
}

static void expect_fault(const char *file, size_t bytes, const char *part)
{
    char *block = malloc(bytes);
    memcpy(block, file, bytes);
    const char *fault = options_decode(block, &bytes);
    assert_non_null(fault);
    assert_non_null(strstr(fault, part));
    free(block);
}

#define BYTES(literal) literal, sizeof literal - 1

static void plain_text(void **state)
{
    (void)state;
    expect_text(BYTES(""), "");
    expect_text(BYTES("\xff"), "\xff");
    expect_text(BYTES("end=halt\r\n"), "end=halt\r\n");
    expect_text(BYTES("# \xc3\xbc\n"), "# \xc3\xbc\n");
    expect_text(BYTES("\xef\xbb\xbf"), "");
    expect_text(BYTES("\xef\xbb\xbf"
                      "end=halt"),
                "end=halt");
    expect_text(BYTES("\xef\xbb"), "\xef\xbb");
}

static void utf_16(void **state)
{
    (void)state;
    expect_text(BYTES("\xff\xfe"), "");
    expect_text(BYTES("\xff\xfe"
                      "e\0n\0d\0\r\0\n\0"),
                "end\r\n");
    expect_text(BYTES("\xfe\xff"
                      "\0e\0n\0d"),
                "end");
    expect_text(BYTES("\xff\xfe"
                      "#\0\xac\x20"
                      "a\0\0\0"),
                "#?a?");
    expect_text(BYTES("\xfe\xff"
                      "\x20\xac\0a"),
                "?a");
    expect_fault(BYTES("\xff\xfe"
                       "e\0n"),
                 "cut off");
    expect_fault(BYTES("\xfe\xff"
                       "\0"),
                 "cut off");
}

static void not_text(void **state)
{
    (void)state;
    expect_fault(BYTES("e\0n\0d\0"), "zero bytes");
    expect_fault(BYTES("MZ\x90\0\3"), "zero bytes");
    expect_fault(BYTES("\xef\xbb\xbf"
                       "a\0"),
                 "zero bytes");
}

static void load_options(void **state)
{
    (void)state;
    static const uint8_t text[] =
        "e\0n\0d\0=\0h\0a\0l\0t\0\n\0\0\0x\0"; /* what follows the zero is not text */
    static const uint8_t binary[] = {4, 1, 42, 0};
    char out[64];
    size_t length = 99;
    assert_true(options_from_ucs2(text, sizeof text - 1, out, &length));
    assert_int_equal(length, 9);
    assert_memory_equal(out, "end=halt\n", 9);
    assert_true(options_from_ucs2(text, 7, out, &length)); /* an odd byte at the end */
    assert_int_equal(length, 3);
    assert_true(options_from_ucs2(NULL, 0, out, &length));
    assert_int_equal(length, 0);
    length = 99;
    assert_false(options_from_ucs2(binary, sizeof binary, out, &length));
    assert_int_equal(length, 99);
}

static void expect_blanked(const char *line, const char *own, const char *left)
{
    size_t bytes = strlen(line);
    char *text = malloc(bytes + (bytes == 0));
    memcpy(text, line, bytes);
    assert_int_equal(options_blank_program(text, bytes, own), left != NULL);
    if (!left) {
        assert_memory_equal(text, line, bytes);
    } else {
        /* Columns stay as they were. */
        size_t gone = bytes - strlen(left);
        for (size_t i = 0; i < gone; i++)
            assert_int_equal(text[i], ' ');
        assert_memory_equal(text + gone, left, bytes - gone);
    }
    free(text);
}

static void program_name(void **state)
{
    (void)state;
    expect_blanked("BOOTX64.EFI tests=null", "bootx64", " tests=null");
    expect_blanked("selfmap.efi", "", "");
    expect_blanked("bootx64 end=halt", "BOOTX64", " end=halt");
    expect_blanked("FS0:\\EFI\\BOOT\\bootx64 end=halt", "other", " end=halt");
    expect_blanked("\\EFI\\a=b\\bootx64.efi end=halt", "bootx64", " end=halt");
    expect_blanked("http://10.0.2.2/selfmap end=halt", "", " end=halt");
    expect_blanked("\"fs0:\\my folder\\bootx64.efi\" end=halt", "", " end=halt");
    expect_blanked("  x.efi\tend=halt", "", "\tend=halt");
}

static void no_program_name(void **state)
{
    (void)state;
    expect_blanked("", "bootx64", NULL);
    expect_blanked("   ", "bootx64", NULL);
    expect_blanked("tests=null", "tests", NULL);
    expect_blanked("tests=a/b:c\\d end=halt", "", NULL);
    expect_blanked("halt", "bootx64", NULL);
    expect_blanked("halt", "", NULL);
    expect_blanked("bootx", "bootx64", NULL);
    expect_blanked("bootx64x", "bootx64", NULL);
    expect_blanked("efi", "", NULL);
    expect_blanked("\"x.efi end=halt", "", NULL);
    expect_blanked("end=halt x.efi", "x", NULL);
}

/* Blocks of exactly their size, so that the sanitiser sees a read beyond the end. */
static void arbitrary_bytes(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = (size_t)(rand() % 40), decoded = length, narrow;
        char *text = malloc(length + (length == 0)), *out = malloc(length / 2 + 1);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(rand() % 3 ? "\xff\xfe\xef\xbb\xbf\0.efi\" a="[rand() % 14] : rand());
        (void)options_from_ucs2((const uint8_t *)text, length, out, &narrow);
        (void)options_blank_program(text, length, "a");
        if (!options_decode(text, &decoded)) {
            assert_true(decoded <= length);
            assert_null(memchr(text, 0, decoded));
        }
        free(text);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"option text: plain text and UTF-8", plain_text, NULL, NULL, NULL},
        {"option text: UTF-16 with a mark becomes bytes", utf_16, NULL, NULL, NULL},
        {"option text: what is not text is refused", not_text, NULL, NULL, NULL},
        {"option text: LoadOptions are taken only if they are text", load_options, NULL, NULL, NULL},
        {"option text: the program's own name goes", program_name, NULL, NULL, NULL},
        {"option text: what is not its name stays", no_program_name, NULL, NULL, NULL},
        {"option text: arbitrary bytes are read safely", arbitrary_bytes, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("option_text", tests, NULL, NULL);
}
