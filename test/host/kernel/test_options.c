/* options: words are applied one by one, and what is not an option changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/boot/options.h"

static struct options from(const char *text, bool understood)
{
    struct options options = {0};
    assert_int_equal(options_apply(&options, text, strlen(text)), understood);
    return options;
}

static void each_option(void **state)
{
    (void)state;
    struct options o = from("tests=unmap serial=off screen=off end=shutdown crash=triple", true);
    assert_string_equal(o.tests, "unmap");
    assert_true(o.no_serial && o.no_screen);
    assert_int_equal(o.end, END_SHUTDOWN);
    assert_int_equal(o.crash, CRASH_TRIPLE);
    assert_string_equal(o.refused, "");
}

static void seconds(void **state)
{
    (void)state;
    assert_false(from("end=store", true).wait_is_set);
    assert_true(from("wait=0", true).wait_is_set);
    assert_int_equal(from("wait=0", true).wait_seconds, 0);
    assert_int_equal(from("wait=9999", true).wait_seconds, 9999);
    assert_int_equal(from("wait=5 wait=0012", true).wait_seconds, 12);
}

static void every_choice(void **state)
{
    (void)state;
    assert_int_equal(from("end=auto", true).end, END_AUTO);
    assert_int_equal(from("end=halt", true).end, END_HALT);
    assert_int_equal(from("end=reset", true).end, END_RESET);
    assert_int_equal(from("end=store", true).end, END_STORE);
    assert_int_equal(from("", true).store, STORE_AUTO);
    assert_int_equal(from("store=no", true).store, STORE_NO);
    assert_int_equal(from("store=hint", true).store, STORE_HINT);
    assert_int_equal(from("store=no store=auto", true).store, STORE_AUTO);
    assert_int_equal(from("crash=loader", true).crash, CRASH_LOADER);
    assert_int_equal(from("crash=early", true).crash, CRASH_EARLY);
    assert_true(from("screen=memory", true).screen_in_memory);
    assert_false(from("screen=memory", true).no_screen);
    assert_int_equal(from("crash=no", true).crash, CRASH_NO);
    assert_int_equal(from("crash=page-fault", true).crash, CRASH_PAGE_FAULT);
    assert_int_equal(from("crash=general-protection", true).crash, CRASH_GENERAL_PROTECTION);
    assert_int_equal(from("crash=double-fault", true).crash, CRASH_DOUBLE_FAULT);
    assert_int_equal(from("crash=hang", true).crash, CRASH_HANG);
    assert_false(from("serial=off serial=auto", true).no_serial);
    assert_true(from("levels=5", true).five_levels);
    assert_false(from("levels=5 levels=auto", true).five_levels);
    assert_true(from("bench=yes", true).bench);
    assert_false(from("bench=yes bench=no", true).bench);
    assert_int_equal(from("dump=yes", true).dump, DUMP_YES);
    assert_int_equal(from("dump=varied", true).dump, DUMP_VARIED);
    assert_int_equal(from("dump=yes dump=no", true).dump, DUMP_NO);
    assert_int_equal(from("matrix=no", true).matrix, MATRIX_NO);
    assert_int_equal(from("matrix=all", true).matrix, MATRIX_ALL);
    assert_int_equal(from("matrix=all matrix=sample", true).matrix, MATRIX_SAMPLE);
    assert_int_equal(from("", true).matrix, MATRIX_SAMPLE);
    assert_true(from("map-key=stale", true).stale_map_key);
    assert_false(from("map-key=stale map-key=fresh", true).stale_map_key);
}

static void later_wins(void **state)
{
    (void)state;
    assert_int_equal(from("end=reset\nend=halt", true).end, END_HALT);
    assert_string_equal(from("tests=map tests=all", true).tests, "");
}

static void comments_and_blanks(void **state)
{
    (void)state;
    struct options o = from("# end=reset\r\n\t serial=off # screen=off\n\n#\n  end=halt", true);
    assert_true(o.no_serial);
    assert_false(o.no_screen);
    assert_int_equal(o.end, END_HALT);
}

static void refused_words(void **state)
{
    (void)state;
    static const char *const words[] = {
        "end",          "wait=",
        "wait=1s",      "wait=-1",
        "wait=10000",   "store=yes",
        "end=",         "end=never",
        "=halt",        "colour=red",
        "serial=maybe", "tests=",
        "end=halts",    "END=halt",
        "crash=page",   "screen=of",
        "bench=",       "bench=maybe",
        "bench=ye",     "dump=all",
        "matrix=yes",   "tests=01234567890123456789012345678901234567890123456789"};
    const struct options untouched = {0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct options o = from(words[i], false);
        assert_memory_equal(o.refused, words[i],
                            strlen(words[i]) < OPTION_TEXT_LIMIT ? strlen(words[i]) : 40);
        memset(o.refused, 0, sizeof o.refused);
        assert_memory_equal(&o, &untouched, sizeof o);
    }
}

static void expect_excluded(const char *text, uint64_t start, uint64_t end)
{
    struct options o = from(text, true);
    assert_int_equal(o.exclude_count, 1);
    assert_int_equal(o.exclude[0].start, start);
    assert_int_equal(o.exclude[0].end, end);
}

static void excluded_ranges(void **state)
{
    (void)state;
    expect_excluded("exclude=1000-3000", 1, 3);
    expect_excluded("exclude=0x1000-3000", 1, 3);
    expect_excluded("exclude=1000-0x3000", 1, 3);
    expect_excluded("exclude=0X1000-0X3000", 1, 3);
    expect_excluded("exclude=0-1", 0, 1);
    expect_excluded("exclude=0x0-0x1", 0, 1);
    expect_excluded("exclude=1fff-2001", 1, 3);
    expect_excluded("exclude=abcdef000-ABCDEF001", 0xabcdef, 0xabcdf0);
    expect_excluded("exclude=0000000000000000001000-2000", 1, 2);
    expect_excluded("exclude=0-ffffffffffffffff", 0, (uint64_t)1 << 52);
    expect_excluded("exclude=0xfffffffffffffffe-0xffffffffffffffff", ((uint64_t)1 << 52) - 1,
                    (uint64_t)1 << 52);
}

static void refused_ranges(void **state)
{
    (void)state;
    static const char *const words[] = {"exclude",
                                        "exclude=",
                                        "exclude=-",
                                        "exclude=1000",
                                        "exclude=1000-",
                                        "exclude=-2000",
                                        "exclude=0x-2000",
                                        "exclude=1000-0x",
                                        "exclude=1000-2000-3000",
                                        "exclude=1000-2000,3000-4000",
                                        "exclude=1000..2000",
                                        "exclude=1000-200g",
                                        "exclude=x1000-2000",
                                        "exclude=00x1000-2000",
                                        "exclude=+1000-2000",
                                        "exclude=1000--2000",
                                        "exclude=2000-2000",
                                        "exclude=0-0",
                                        "exclude=2001-2000",
                                        "exclude=10000000000000000-10000000000000001",
                                        "exclude=0-10000000000000000",
                                        "excluded=1000-2000"};
    const struct options untouched = {0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct options o = from(words[i], false);
        assert_string_equal(o.refused, words[i]);
        memset(o.refused, 0, sizeof o.refused);
        assert_memory_equal(&o, &untouched, sizeof o);
    }
}

static void ranges_add_up_to_eight(void **state)
{
    (void)state;
    struct options o = {0};
    char text[32];
    for (unsigned i = 1; i <= OPTION_EXCLUDE_LIMIT; i++) {
        int length = snprintf(text, sizeof text, "exclude=%x000-%x000", 2 * i, 2 * i + 1);
        assert_true(options_apply(&o, text, (size_t)length));
        assert_int_equal(o.exclude_count, i);
    }
    assert_int_equal(OPTION_EXCLUDE_LIMIT, 8);
    assert_false(options_apply(&o, "exclude=100000-101000", 21));
    assert_string_equal(o.refused, "exclude=100000-101000");
    assert_int_equal(o.exclude_count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(o.exclude[i].start, 2 * i + 2);
        assert_int_equal(o.exclude[i].end, 2 * i + 3);
    }
}

static void first_refused_is_kept(void **state)
{
    (void)state;
    struct options o = from("one end=halt two", false);
    assert_string_equal(o.refused, "one");
    assert_int_equal(o.end, END_HALT);
}

/* Exactly sized heap blocks, so that the sanitiser sees a read beyond the end. */
static void arbitrary_bytes(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = (size_t)(rand() % 64);
        char *text = malloc(length + (length == 0));
        struct options options = {0};
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(rand() % 3 ? "=end#\nhaltsri"[rand() % 13] : rand());
        (void)options_apply(&options, text, length);
        assert_true(memchr(options.refused, 0, sizeof options.refused) != NULL);
        assert_true(memchr(options.tests, 0, sizeof options.tests) != NULL);
        free(text);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"options: each one is applied", each_option, NULL, NULL, NULL},
        {"options: every choice has a name", every_choice, NULL, NULL, NULL},
        {"options: seconds are a decimal number of up to four digits", seconds, NULL, NULL, NULL},
        {"options: a later word wins", later_wins, NULL, NULL, NULL},
        {"options: comments and blanks are passed over", comments_and_blanks, NULL, NULL, NULL},
        {"options: what is not an option changes nothing and is remembered", refused_words, NULL, NULL, NULL},
        {"options: excluded ranges are hexadecimal, and rounded outward", excluded_ranges, NULL, NULL, NULL},
        {"options: malformed, empty and reversed ranges are refused", refused_ranges, NULL, NULL, NULL},
        {"options: up to eight excluded ranges add up, the ninth is refused", ranges_add_up_to_eight, NULL,
         NULL, NULL},
        {"options: the first refused word is kept", first_refused_is_kept, NULL, NULL, NULL},
        {"options: LoadOptions are taken only if they are text", load_options, NULL, NULL, NULL},
        {"options: arbitrary bytes are read safely", arbitrary_bytes, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
