/* SPDX-License-Identifier: MIT */
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
    assert_int_equal(options_apply(&options, "test", text, strlen(text)), understood);
    assert_int_equal(options.error_count == 0, understood);
    return options;
}

/* The text has one fault, and this is the whole sentence about it; nothing else has changed. */
static void expect_refused(const char *text, const char *sentence)
{
    const struct options untouched = {0};
    struct options o = from(text, false);
    assert_int_equal(o.error_count, 1);
    assert_string_equal(o.errors[0], sentence);
    memset(o.errors, 0, sizeof o.errors);
    o.error_count = 0;
    assert_memory_equal(&o, &untouched, sizeof o);
}

static void each_option(void **state)
{
    (void)state;
    struct options o = from("tests=unmap serial=off screen=off end=shutdown crash=triple", true);
    assert_string_equal(o.tests, "unmap");
    assert_int_equal(o.serial, SERIAL_OFF);
    assert_int_equal(o.screen, SCREEN_OFF);
    assert_int_equal(o.end, END_SHUTDOWN);
    assert_int_equal(o.crash, CRASH_TRIPLE);
    assert_string_equal(o.errors[0], "");
}

/* A zero and DEL are blanks; a character of several bytes is one column; a tilde is itself. */
static void odd_characters(void **state)
{
    (void)state;
    static const char blanks[] = "end=halt\0wait=5\x7fwait=7", words[] = "#\xc3\xa9\nwait=\xc3\xa9 a~=1";
    struct options o = {0};
    assert_true(options_apply(&o, "test", blanks, sizeof blanks - 1));
    assert_int_equal(o.end, END_HALT);
    assert_int_equal(o.wait_seconds, 7);
    o = (struct options){0};
    assert_false(options_apply(&o, "test", words, sizeof words - 1));
    assert_int_equal(o.error_count, 2);
    assert_non_null(strstr(o.errors[1], "line 2, column 8: 'a~=1' "));
    assert_false(options_apply(&o, "test", "WATCHDOG=1", 10));
    assert_non_null(strstr(o.errors[2], "no key is called WATCHDOG, but watchdog is one"));
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
    assert_int_equal(from("screen=memory", true).screen, SCREEN_MEMORY);
    assert_int_equal(from("screen=image", true).screen, SCREEN_IMAGE);
    assert_int_equal(from("screen=off screen=auto", true).screen, SCREEN_AUTO);
    assert_int_equal(from("crash=no", true).crash, CRASH_NO);
    assert_int_equal(from("crash=page-fault", true).crash, CRASH_PAGE_FAULT);
    assert_int_equal(from("crash=general-protection", true).crash, CRASH_GENERAL_PROTECTION);
    assert_int_equal(from("crash=double-fault", true).crash, CRASH_DOUBLE_FAULT);
    assert_int_equal(from("crash=hang", true).crash, CRASH_HANG);
    assert_int_equal(from("crash=few-frames", true).crash, CRASH_FEW_FRAMES);
    assert_int_equal(from("crash=interrupt-stack", true).crash, CRASH_INTERRUPT_STACK);
    assert_int_equal(from("crash=bad-mappings", true).crash, CRASH_BAD_MAPPINGS);
    assert_int_equal(from("crash=in-test", true).crash, CRASH_IN_TEST);
    assert_int_equal(from("crash=hang-in-test", true).crash, CRASH_HANG_IN_TEST);
    assert_true(from("runtime-calls=no", true).runtime_calls_off);
    assert_false(from("runtime-calls=no runtime-calls=yes", true).runtime_calls_off);
    assert_true(from("steps=slow", true).slow_steps);
    assert_false(from("steps=slow steps=fast", true).slow_steps);
    assert_int_equal(from("serial=off serial=auto", true).serial, SERIAL_AUTO);
    assert_int_equal(from("console=com1", true).serial, SERIAL_COM1);
    assert_int_equal(from("console=com2", true).serial, SERIAL_COM2);
    assert_int_equal(from("console=spcr", true).serial, SERIAL_SPCR);
    assert_int_equal(from("console=com2 serial=off", true).serial, SERIAL_OFF);
    assert_int_equal(from("serial=off console=auto", true).serial, SERIAL_AUTO);
    assert_int_equal(from("console=com3", false).serial, SERIAL_AUTO);
    assert_true(from("levels=5", true).five_levels);
    assert_false(from("levels=5 levels=auto", true).five_levels);
    assert_true(from("bench=yes", true).bench);
    assert_false(from("bench=yes bench=no", true).bench);
    assert_int_equal(from("dump=yes", true).dump, DUMP_YES);
    assert_int_equal(from("dump=varied", true).dump, DUMP_VARIED);
    assert_int_equal(from("dump=yes dump=no", true).dump, DUMP_NO);
    assert_int_equal(from("matrix=no", true).matrix, MATRIX_NO);
    assert_int_equal(from("matrix=dense", true).matrix, MATRIX_DENSE);
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
    assert_int_equal(o.serial, SERIAL_OFF);
    assert_int_equal(o.screen, SCREEN_AUTO);
    assert_int_equal(o.end, END_HALT);
}

static void refused_words(void **state)
{
    (void)state;
    static const char *const words[] = {"end",           "end=",
                                        "end=never",     "=halt",
                                        "colour=red",    "serial=maybe",
                                        "tests=",        "end=halts",
                                        "END=halt",      "crash=page",
                                        "screen=of",     "bench=",
                                        "bench=ye",      "dump=all",
                                        "matrix=yes",    "tests=,",
                                        "tests=a,",      "tests=,a",
                                        "tests=a,,b",    "soak=",
                                        "soak=0",        "soak=-1",
                                        "soak=5d",       "soak=5ms",
                                        "soak=1001h",    "soak=60001",
                                        "soak=3600001s", "soak=18446744073709551617",
                                        "soak=s",        "menu=0",
                                        "menu=1000",     "menu=3s",
                                        "menu=yes",      "fail=0",
                                        "fail=auto",     "fail=x",
                                        "watchdog=no",   "watchdog=0",
                                        "watchdog=1000", "steps=2",
                                        "\"end=halt",    "'",
                                        "\"\"",          "wait=",
                                        "wait=1s",       "wait=-1",
                                        "wait=10000",    "store=yes"};
    const struct options untouched = {0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct options o = from(words[i], false);
        assert_int_equal(o.error_count, 1);
        assert_memory_equal(o.errors[0], "test line 1, column 1: '", 24);
        memset(o.errors, 0, sizeof o.errors);
        o.error_count = 0;
        assert_memory_equal(&o, &untouched, sizeof o);
    }
}

static void sentences(void **state)
{
    (void)state;
    expect_refused("colour=red",
                   "test line 1, column 1: 'colour=red' is not an option: no key is called colour");
    expect_refused(
        "\n# end=no\n  end=never",
        "test line 3, column 3: 'end=never' is not an option: the value of end must be auto, halt, "
        "shutdown, reset or store");
    expect_refused("halt", "test line 1, column 1: 'halt' is not an option: an option is written key=value");
    expect_refused("=halt", "test line 1, column 1: '=halt' is not an option: there is no key before the =");
    expect_refused(
        "bench=maybe",
        "test line 1, column 1: 'bench=maybe' is not an option: the value of bench must be no or yes");
    expect_refused(
        "'end=halt",
        "test line 1, column 1: 'end=halt' is not an option: the quote is not closed in this line");
    expect_refused("soak=1d",
                   "test line 1, column 1: 'soak=1d' is not an option: the value of soak must be no, or "
                   "a number of minutes, or one with s, m or h behind it, up to 1000h");
}

static void near_keys(void **state)
{
    (void)state;
    static const char *const near[] = {"test=a",  "ttests=a", "tets=a", "tesst=a",
                                       "tezts=a", "TESTS=a",  "Tests=a"};
    char sentence[200];
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        int key = (int)(strchr(near[i], '=') - near[i]);
        snprintf(sentence, sizeof sentence,
                 "test line 1, column 1: '%s' is not an option: no key is called %.*s, but tests is one",
                 near[i], key, near[i]);
        expect_refused(near[i], sentence);
        assert_true(options_are_meant(near[i], strlen(near[i])));
    }
    assert_true(options_are_meant("a b=c end=x", 11));
    static const char linux_kernel[] = "root=/dev/sdb3 init=/sbin/init rootwait ro end quiet";
    assert_false(options_are_meant(linux_kernel, sizeof linux_kernel - 1));
    assert_false(options_are_meant("tes=a tessts_=b", 15));
    assert_false(options_are_meant("", 0));
}

static void lines_and_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
    } places[] = {
        {"x", 1, 1},
        {" x", 1, 2},
        {"\tx", 1, 2},
        {"end=halt x", 1, 10},
        {"\nx", 2, 1},
        {"\r\nx", 2, 1},
        {"\rx", 2, 1},
        {"\r\r\nx", 3, 1},
        {"\n\n\r\n x", 4, 2},
        {"# a\r\n#b\n x", 3, 2},
        {"# a\rx", 2, 1},
        {"#\xc3\xbc\n x", 2, 2},
        {"end='halt' x", 1, 12},
        {"\xc3\xbc=1", 1, 1},
        {"tests='\xc3\xbc\xe2\x82\xac' x", 1, 12},
    };
    char sentence[40];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct options o = from(places[i].text, false);
        int length = snprintf(sentence, sizeof sentence, "test line %u, column %u: '", places[i].line,
                              places[i].column);
        assert_int_equal(o.error_count, 1);
        assert_memory_equal(o.errors[0], sentence, (size_t)length);
    }
}

static void quotes(void **state)
{
    (void)state;
    assert_string_equal(from("tests=\"unmap: the next\"", true).tests, "unmap: the next");
    assert_string_equal(from("tests='unmap: the next'", true).tests, "unmap: the next");
    assert_string_equal(from("\"tests=unmap: the next\"", true).tests, "unmap: the next");
    assert_string_equal(from("tests=\"a # b\"", true).tests, "a # b");
    assert_string_equal(from("tests=\"it's\"", true).tests, "it's");
    assert_string_equal(from("tests=a\" \"b", true).tests, "a b");
    struct options o = from("\"end=halt\" 'serial=off'", true);
    assert_int_equal(o.end, END_HALT);
    assert_int_equal(o.serial, SERIAL_OFF);
    /* An open quote ends with its line: the next line is read as if nothing had happened. */
    o = from("tests=\"unmap\nend=halt", false);
    assert_int_equal(o.end, END_HALT);
    assert_int_equal(o.error_count, 1);
}

static void several_names(void **state)
{
    (void)state;
    assert_string_equal(from("tests=unmap,ranges", true).tests, "unmap,ranges");
    assert_string_equal(from("tests=unmap tests=ranges", true).tests, "unmap,ranges");
    assert_string_equal(from("tests=unmap tests=all tests=ranges", true).tests, "ranges");
    assert_string_equal(from("tests='map, unmap: an' tests=ranges", true).tests, "map, unmap: an,ranges");
    /* A later source has names of its own. */
    struct options o = from("tests=unmap", true);
    assert_true(options_apply(&o, "later", "end=halt", 8));
    assert_string_equal(o.tests, "unmap");
    assert_true(options_apply(&o, "later", "tests=map tests=null", 20));
    assert_string_equal(o.tests, "map,null");
    /* 255 characters fit, with the commas in between. */
    char text[OPTION_WORD_LIMIT + 32] = "tests=";
    memset(text + 6, 'a', 249);
    o = from(text, true);
    assert_int_equal(strlen(o.tests), 249);
    strcat(text, " tests=12345");
    assert_int_equal(strlen(from(text, true).tests), 255);
    strcat(text, "6");
    o = from(text, false);
    assert_int_equal(strlen(o.tests), 249);
}

static void long_words(void **state)
{
    (void)state;
    char text[400], expected[300];
    memset(text, 'x', sizeof text);
    memcpy(text, "tests=", 6);
    struct options o = {0};
    assert_true(options_apply(&o, "test", text, 255));
    assert_false(options_apply(&o, "test", text, 256));
    snprintf(expected, sizeof expected,
             "test line 1, column 1: '%.48s...' is not an option: it is longer than 255 characters", text);
    assert_string_equal(o.errors[0], expected);
    o = (struct options){0};
    text[48] = ' ';
    text[6] = '=';
    memcpy(text, "colour", 6);
    assert_false(options_apply(&o, "test", text, 48));
    assert_true(strstr(o.errors[0], "xx' is not an option") != NULL);
}

static void eight_sentences(void **state)
{
    (void)state;
    struct options o = from("a b c d e f g h i j end=halt", false);
    assert_int_equal(o.error_count, 10);
    assert_int_equal(o.end, END_HALT);
    for (size_t i = 0; i < OPTION_ERROR_LIMIT; i++) {
        assert_int_equal(o.errors[i][strlen("test line 1, column 1: '") + (i > 4)], 'a' + i);
        assert_true(strlen(o.errors[i]) < OPTION_ERROR_TEXT);
    }
    assert_int_equal(OPTION_ERROR_LIMIT, 8);
    options_refuse(&o, "selfmap.cfg", "cannot be read");
    assert_int_equal(o.error_count, 11);
    o = (struct options){0};
    options_refuse(&o, "selfmap.cfg", "cannot be read");
    assert_string_equal(o.errors[0], "selfmap.cfg cannot be read");
}

static void durations(void **state)
{
    (void)state;
    assert_int_equal(from("soak=10", true).soak_seconds, 600);
    assert_int_equal(from("soak=10m", true).soak_seconds, 600);
    assert_int_equal(from("soak=5s", true).soak_seconds, 5);
    assert_int_equal(from("soak=2h", true).soak_seconds, 7200);
    assert_int_equal(from("soak=1000h", true).soak_seconds, 3600000);
    assert_int_equal(from("soak=60000", true).soak_seconds, 3600000);
    assert_int_equal(from("soak=5s soak=no", true).soak_seconds, 0);
    assert_int_equal(from("menu=7", true).menu_seconds, 7);
    assert_false(from("menu=no menu=7", true).no_menu);
    assert_true(from("menu=7 menu=no", true).no_menu);
    assert_int_equal(from("menu=7 menu=auto", true).menu_seconds, 0);
    assert_false(from("menu=no menu=auto", true).no_menu);
    assert_int_equal(from("menu=999", true).menu_seconds, 999);
    assert_int_equal(from("watchdog=7", true).watchdog_seconds, 7);
    assert_false(from("watchdog=off watchdog=7", true).no_watchdog);
    assert_true(from("watchdog=7 watchdog=off", true).no_watchdog);
    assert_int_equal(from("", true).watchdog_seconds, 0);
    assert_int_equal(from("fail=2", true).fail_round, 2);
    assert_int_equal(from("fail=2 fail=no", true).fail_round, 0);
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
        assert_int_equal(o.error_count, 1);
        assert_true(strstr(o.errors[0], words[i]) != NULL);
        memset(o.errors, 0, sizeof o.errors);
        o.error_count = 0;
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
        assert_true(options_apply(&o, "test", text, (size_t)length));
        assert_int_equal(o.exclude_count, i);
    }
    assert_int_equal(OPTION_EXCLUDE_LIMIT, 8);
    assert_false(options_apply(&o, "test", "exclude=100000-101000", 21));
    assert_int_equal(o.error_count, 1);
    assert_int_equal(o.exclude_count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(o.exclude[i].start, 2 * i + 2);
        assert_int_equal(o.exclude[i].end, 2 * i + 3);
    }
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
            text[i] = (char)(rand() % 3 ? "=end#\nhaltsri'\"tsok,\r"[rand() % 21] : rand());
        (void)options_are_meant(text, length);
        (void)options_apply(&options, "test", text, length);
        assert_true(memchr(options.tests, 0, sizeof options.tests) != NULL);
        for (unsigned i = 0; i < OPTION_ERROR_LIMIT; i++) {
            const char *end = memchr(options.errors[i], 0, OPTION_ERROR_TEXT);
            assert_non_null(end);
            assert_int_equal(i < options.error_count, end != options.errors[i]);
            for (const char *c = options.errors[i]; c < end; c++)
                assert_true(*c >= ' ' && *c <= '~');
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"options: each one is applied", each_option, NULL, NULL, NULL},
        {"options: odd characters between words and in them", odd_characters, NULL, NULL, NULL},
        {"options: every choice has a name", every_choice, NULL, NULL, NULL},
        {"options: seconds are a decimal number of up to four digits", seconds, NULL, NULL, NULL},
        {"options: a later word wins", later_wins, NULL, NULL, NULL},
        {"options: comments and blanks are passed over", comments_and_blanks, NULL, NULL, NULL},
        {"options: what is not an option changes nothing and is remembered", refused_words, NULL, NULL, NULL},
        {"options: excluded ranges are hexadecimal, and rounded outward", excluded_ranges, NULL, NULL, NULL},
        {"options: malformed, empty and reversed ranges are refused", refused_ranges, NULL, NULL, NULL},
        {"options: up to eight excluded ranges add up, the ninth is refused", ranges_add_up_to_eight, NULL,
         NULL, NULL},
        {"options: a sentence says what is wrong", sentences, NULL, NULL, NULL},
        {"options: a key that is nearly one is recognised", near_keys, NULL, NULL, NULL},
        {"options: lines and columns are counted as editors do", lines_and_columns, NULL, NULL, NULL},
        {"options: quotes keep blanks", quotes, NULL, NULL, NULL},
        {"options: names of tests add up within a source", several_names, NULL, NULL, NULL},
        {"options: a word that is too long is refused", long_words, NULL, NULL, NULL},
        {"options: eight sentences are kept, and the others counted", eight_sentences, NULL, NULL, NULL},
        {"options: durations and rounds", durations, NULL, NULL, NULL},
        {"options: arbitrary bytes are read safely", arbitrary_bytes, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
