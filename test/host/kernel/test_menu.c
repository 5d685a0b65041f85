/* SPDX-License-Identifier: MIT */
/* menu: what keys and seconds choose, and how it is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "efi/menu_state.h"
#include "kernel/selftest/groups.h"

const struct selftest_group selftest_groups[SELFTEST_GROUPS] = {
    {"start", "what the loader promises", NULL, false},
    {"pages", "single pages", NULL, false},
    {"huge", "", NULL, false},
    {"faults", "", NULL, false},
    {"windows", "tables seen through the self-map", NULL, false},
    {"g5", "", NULL, false},
    {"g6", "", NULL, false},
    {"g7", "", NULL, false},
    {"g8", "", NULL, false},
    {"g9", "", NULL, false},
    {"g10", "", NULL, false},
    {"g11", "", NULL, false},
    {"no-frames", "", NULL, false},
    {"g13", "", NULL, false},
    {"g14", "", NULL, false},
    {"g15", "", NULL, false},
    {"bench", "what operations cost", NULL, false},
};

static struct menu begin(const char *text, unsigned levels, bool five)
{
    struct options options = {0};
    assert_true(options_apply(&options, "test", text, strlen(text)));
    return menu_begin(&options, levels, five);
}

static struct menu press(struct menu menu, const char *keys)
{
    for (; *keys; keys++)
        (void)menu_take_key(&menu, *keys == '^'   ? MENU_KEY_UP
                                   : *keys == 'v' ? MENU_KEY_DOWN
                                   : *keys == '<' ? MENU_KEY_LEFT
                                   : *keys == '>' ? MENU_KEY_RIGHT
                                   : *keys == '!' ? MENU_KEY_ESCAPE
                                                  : *keys);
    return menu;
}

static void expect_options(struct menu menu, const char *expected)
{
    char text[OPTION_WORD_LIMIT];
    struct text_sink sink = text_sink(text, sizeof text);
    menu_print_options(&menu, &sink.sink);
    assert_string_equal(text, expected);
}

static void counts_down(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true);
    for (unsigned i = 0; i < MENU_SECONDS; i++) {
        assert_int_equal(menu.choice, MENU_OPEN);
        assert_true(menu_take_second(&menu));
    }
    assert_int_equal(menu.choice, MENU_START);
    assert_int_equal(menu.last_key, 0);
    menu = begin("menu=20", 4, true);
    for (unsigned i = 0; i < 19; i++)
        (void)menu_take_second(&menu);
    assert_int_equal(menu.choice, MENU_OPEN);
    (void)menu_take_second(&menu);
    assert_int_equal(menu.choice, MENU_START);
}

static struct menu after_report(const char *text, const char *last_run, const char *last_report)
{
    struct options options = {0};
    assert_true(options_apply(&options, "test", text, strlen(text)));
    struct menu menu = menu_begin(&options, 4, true);
    menu_tell_run(&menu, last_run);
    menu_tell_report(&menu, &options, last_report);
    return menu;
}

static unsigned seconds_until_choice(struct menu *menu)
{
    unsigned seconds = 0;
    for (; menu->choice == MENU_OPEN && seconds < 1200; seconds++)
        (void)menu_take_second(menu);
    return seconds;
}

/* Whoever comes back to the machine finds the report written, and no second run. */
static void after_a_report_it_boots_on(void **state)
{
    (void)state;
    struct menu menu = after_report("", "ended", "");
    struct menu touched = press(menu, "x"), broken = menu, run = press(menu, "^^^^^\r");
    assert_int_equal(press(menu, "\r").choice, MENU_BOOT_ON); /* Enter does what the clock does */
    assert_int_equal(run.choice, MENU_START);
    assert_int_equal(press(menu, "1").choice, MENU_START);
    assert_int_equal(press(menu, "5").choice, MENU_SHOW_REPORT);
    assert_int_equal(seconds_until_choice(&menu), MENU_REPORT_SECONDS);
    assert_int_equal(menu.choice, MENU_BOOT_ON);
    assert_int_equal(menu.last_key, 0);
    assert_int_equal(seconds_until_choice(&touched), MENU_IDLE_SECONDS + MENU_SECONDS);
    assert_int_equal(touched.choice, MENU_BOOT_ON);
    menu_give_up(&broken);
    assert_int_equal(broken.choice, MENU_BOOT_ON);
    menu = after_report("menu=7", "ended", "");
    assert_int_equal(seconds_until_choice(&menu), 7);
    assert_int_equal(menu.choice, MENU_BOOT_ON);
}

/* A run that left no report is told of, and the tests run. */
static void without_a_report_it_starts(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true), broken = menu;
    menu_tell_run(&menu, "did not end, it got as far as: build fresh page tables");
    assert_int_equal(seconds_until_choice(&menu), MENU_SECONDS);
    assert_int_equal(menu.choice, MENU_START);
    menu_give_up(&broken);
    assert_int_equal(broken.choice, MENU_START);
}

static void a_key_stops_the_clock(void **state)
{
    (void)state;
    struct menu menu = press(begin("", 4, true), "x");
    for (unsigned i = 0; i < MENU_IDLE_SECONDS; i++) {
        assert_int_equal(menu.choice, MENU_OPEN);
        assert_false(menu.has_clock);
        (void)menu_take_second(&menu);
    }
    assert_true(menu.has_clock); /* nobody is there */
    for (unsigned i = 0; i < MENU_SECONDS; i++)
        (void)menu_take_second(&menu);
    assert_int_equal(menu.choice, MENU_START);
}

static void a_stuck_key_does_not_hold_it_up(void **state)
{
    (void)state;
    static const int keys[] = {'x', MENU_KEY_DOWN, MENU_KEY_UP, ' ', '2', 0xff};
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct menu menu = begin("", 4, true);
        unsigned seconds = 0;
        for (; menu.choice == MENU_OPEN && seconds < 200; seconds++) {
            for (unsigned times = 0; times < 11; times++)
                (void)menu_take_key(&menu, keys[i]);
            (void)menu_take_second(&menu);
        }
        assert_int_equal(menu.choice, MENU_START);
        assert_true(seconds < 110);
        /* Another key is heard all the same. */
        menu.choice = MENU_OPEN;
        assert_true(menu_take_key(&menu, 'y'));
        assert_false(menu.has_clock);
    }
}

/* Forty times in a row are heard, whether for the first time or after a pause. */
static void how_often_a_key_is_heard(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MENU_STUCK; i++)
            assert_true(menu_take_key(&menu, MENU_KEY_DOWN));
        assert_false(menu_take_key(&menu, MENU_KEY_DOWN));
        (void)menu_take_second(&menu); /* the key came in it */
        assert_false(menu_take_key(&menu, MENU_KEY_DOWN));
        (void)menu_take_second(&menu);
        (void)menu_take_second(&menu);
    }
}

static void pressing_often_is_not_stuck(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true);
    for (unsigned i = 0; i < 500; i++) {
        assert_true(menu_take_key(&menu, MENU_KEY_DOWN));
        if (i % 20 == 0) {
            (void)menu_take_second(&menu);
            (void)menu_take_second(&menu);
        }
    }
}

static void choices(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true);
    assert_int_equal(press(menu, "\r").choice, MENU_START);
    assert_int_equal(press(menu, "1").choice, MENU_START);
    assert_false(press(menu, "1").shows_groups);
    assert_int_equal(press(menu, "5").choice, MENU_SHOW_REPORT);
    assert_int_equal(press(menu, "6").choice, MENU_BOOT_ON);
    assert_int_equal(press(menu, "7").choice, MENU_SWITCH_OFF);
    assert_int_equal(press(menu, "^\r").choice, MENU_SWITCH_OFF);
    assert_int_equal(press(menu, "^^\n").choice, MENU_BOOT_ON);
    assert_int_equal(press(menu, "vvvv\r").choice, MENU_SHOW_REPORT);
    assert_int_equal(press(menu, "vvvvvvv\r").choice, MENU_START);
    assert_int_equal(press(menu, "08!<>xyz ").choice, MENU_OPEN);
    assert_int_equal(press(menu, "34").choice, MENU_OPEN);
    assert_int_equal(press(menu, "vvvv<>").choice, MENU_OPEN); /* only Enter leaves the menu */
}

static void groups(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, false);
    expect_options(menu, "bench=no tests=all soak=no");
    expect_options(press(menu, "2-d\r"), "bench=no tests=faults soak=no");
    expect_options(press(menu, "2-vvv \r"), "bench=no tests=faults soak=no");
    expect_options(press(menu, "2-abcm!"), "bench=no tests=start,pages,huge,no-frames soak=no");
    expect_options(press(menu, "2-q\r"), "bench=yes tests=bench soak=no");
    expect_options(press(menu, "2q\r"), "bench=yes tests=all soak=no");
    expect_options(press(menu, "2-*\r"), "bench=no tests=all soak=no");
    expect_options(press(menu, "2-\r"), "bench=no tests=all soak=no");
    expect_options(press(menu, "2-dd\r"), "bench=no tests=all soak=no");
    expect_options(press(menu, "2a\r"),
                   "bench=no "
                   "tests=pages,huge,faults,windows,g5,g6,g7,g8,g9,g10,g11,no-frames,g13,g14,g15 "
                   "soak=no");
    expect_options(press(menu, "2->\r"), "bench=no tests=start soak=no");
    expect_options(press(menu, "2-d\n"), "bench=no tests=faults soak=no");
    assert_int_equal(press(menu, "2-d\n\n").choice, MENU_START);
    assert_int_equal(press(menu, "2-").groups, 0);
    assert_int_equal(press(menu, "2-*").groups, MENU_ALL_GROUPS);
    assert_int_equal(press(menu, "2r").groups, menu.groups); /* no group has that letter */
    assert_int_equal(press(menu, "2-d\r\r").choice, MENU_START);
    assert_int_equal(press(menu, "2^ \r").groups >> SELFTEST_BENCH_GROUP, 1);
}

static void options_hold_until_they_are_changed(void **state)
{
    (void)state;
    struct menu menu = begin("tests=unmap soak=7s", 4, true);
    expect_options(menu, "levels=auto soak=7s");
    expect_options(press(menu, "2\r"), "levels=auto soak=7s");
    expect_options(press(menu, "2-\r"), "bench=no tests=all levels=auto soak=7s");
    expect_options(press(menu, "2bcdefghijklmnop\r"), "bench=no tests=start levels=auto soak=7s");
    expect_options(begin("tests=x", 4, true), "levels=auto soak=no"); /* a name of one character */
    expect_options(press(menu, "2-d\r"), "bench=no tests=faults levels=auto soak=7s");
    expect_options(press(menu, "4"), "levels=auto soak=no");
    expect_options(begin("bench=yes levels=5", 4, true), "bench=yes tests=all levels=5 soak=no");
}

static void levels_and_soak(void **state)
{
    (void)state;
    expect_options(press(begin("", 4, true), "3"), "bench=no tests=all levels=5 soak=no");
    expect_options(press(begin("", 4, true), "33"), "bench=no tests=all levels=auto soak=no");
    expect_options(press(begin("", 4, true), "vv>"), "bench=no tests=all levels=5 soak=no");
    expect_options(press(begin("", 4, false), "3"), "bench=no tests=all soak=no");
    expect_options(press(begin("", 5, true), "3"), "bench=no tests=all soak=no");
    expect_options(press(begin("levels=5", 4, false), "x"), "bench=no tests=all soak=no");
    expect_options(press(begin("", 4, false), "4"), "bench=no tests=all soak=600s");
    expect_options(press(begin("", 4, false), "44"), "bench=no tests=all soak=3600s");
    expect_options(press(begin("", 4, false), "vvv\r"), "bench=no tests=all soak=600s");
    expect_options(press(begin("", 4, false), "vvv<"), "bench=no tests=all soak=86400s");
    expect_options(press(begin("", 4, false), "44444"), "bench=no tests=all soak=no");
}

/* What the menu prints is understood as options, whatever was chosen. */
static void every_choice_is_an_option(void **state)
{
    (void)state;
    static const char keys[] = "^v<>!\r 1234-*abcdefghijklmnop";
    srand(1);
    for (unsigned round = 0; round < 5000; round++) {
        struct menu menu = begin(round % 2 ? "tests=unmap soak=3" : "", 4 + round % 3 / 2, round % 5 > 2);
        char text[OPTION_WORD_LIMIT];
        struct options options = {0};
        for (unsigned i = 0; i < 40; i++)
            menu = press(menu, (char[]){keys[rand() % (int)(sizeof keys - 1)], 0});
        struct text_sink sink = text_sink(text, sizeof text);
        menu_print_options(&menu, &sink.sink);
        assert_true(sink.length < sizeof text - 1);
        assert_true(options_apply(&options, "menu", text, sink.length));
    }
}

/* Returns how many lines the picture has; each fits, and has nothing but ASCII. The picture is cut up. */
static unsigned check_lines(char *picture, unsigned columns)
{
    unsigned lines = 0, limit = columns == 0 ? 79 : columns < 40 ? 39 : columns - 1;
    for (char *line = strtok(picture, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        assert_true(strlen(line) <= limit);
        for (const char *c = line; *c; c++)
            assert_true(*c >= ' ' && *c <= '~');
    }
    return lines;
}

static void fits_every_console(void **state)
{
    (void)state;
    static const unsigned widths[] = {0, 1, 25, 40, 60, 61, 80, 100, 240};
    for (unsigned i = 0; i < sizeof widths / sizeof widths[0] * 2; i++) {
        unsigned columns = widths[i / 2];
        char picture[4096];
        struct menu menu = begin("soak=61", 4, true);
        struct text_sink sink = text_sink(picture, sizeof picture);
        if (i % 2)
            menu = press(menu, "2");
        menu_draw(&menu, columns, &sink.sink);
        assert_int_equal(check_lines(picture, columns), i % 2 ? 22 : 12); /* of 25 */
        menu = after_report("", "did not end, it was at: windows: the table of each address is seen, twice",
                            "not written: REPORT-99.TXT has the last number, delete the reports");
        sink = text_sink(picture, sizeof picture);
        menu_draw(&menu, columns, &sink.sink);
        assert_in_range(check_lines(picture, columns), 15, 23);
    }
}

static void looks_like_this(void **state)
{
    (void)state;
    char picture[4096];
    struct menu menu = press(begin("", 4, true), "2-dq\rv");
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_draw(&menu, 40, &sink.sink);
    static const char expected[] = "+-------------------------------------+\n"
                                   "| Selfmap " SELFMAP_VERSION "                       |\n"
                                   "+-------------------------------------+\n"
                                   "|   1 Run the tests                   |\n"
                                   "| > 2 Groups of tests: 2 of 17        |\n"
                                   "|   3 Levels of the tables: 4         |\n"
                                   "|   4 Soak (repeat): off              |\n"
                                   "|   5 Show the last report            |\n"
                                   "|   6 Boot on, as without this stick  |\n"
                                   "|   7 Switch the machine off          |\n"
                                   "+-------------------------------------+\n"
                                   "Up, Down and Enter, or a number\n";
    assert_int_equal(strlen(SELFMAP_VERSION), 5);
    assert_string_equal(picture, expected);
}

/* Returns whether the menu's picture has the text. */
static bool shows(struct menu menu, unsigned columns, const char *text)
{
    char picture[4096];
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_draw(&menu, columns, &sink.sink);
    return strstr(picture, text) != NULL;
}

static void groups_look_like_this(void **state)
{
    (void)state;
    struct menu menu = press(begin("", 4, true), "2-bd");
    assert_true(shows(menu, 80,
                      "|   a [ ] start     what the loader promises                           |\n"
                      "|   b [x] pages     single pages                                       |\n"
                      "|   c [ ] huge                                                         |\n"
                      "| > d [x] faults                                                       |\n"));
    assert_true(shows(menu, 40, "|   b [x] pages                       |\n"));
    assert_false(shows(menu, 60, "what the")); /* there is no room for words */
    assert_true(shows(menu, 61, "what the loader promises"));
}

static void durations_look_like_this(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"soak=no", "Soak (repeat): off "},       {"soak=1s", "Soak (repeat): 1 s "},
        {"soak=59s", "Soak (repeat): 59 s "},     {"soak=60s", "Soak (repeat): 1 min "},
        {"soak=90s", "Soak (repeat): 90 s "},     {"soak=120s", "Soak (repeat): 2 min "},
        {"soak=3660s", "Soak (repeat): 61 min "}, {"soak=7200s", "Soak (repeat): 2 h "}};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(shows(begin(texts[i][0], 4, true), 80, texts[i][1]));
}

/* A word that ends where the row does is not taken to the next one. */
static void rows_are_filled(void **state)
{
    (void)state;
    struct menu menu = begin("", 4, true);
    menu_tell_run(&menu, "12345 78 01234567890 a");
    assert_true(shows(menu, 40, "| The last run 12345 78 01234567890 a |\n"));
    menu_tell_run(&menu, "12345 78 012345678901 b");
    assert_true(shows(menu, 40, "| The last run 12345 78 012345678901  |\n| b  "));
    menu_tell_run(&menu, "12345 78 0123456789012 b");
    assert_true(shows(menu, 40, "| The last run 12345 78 0123456789012 |\n| b  "));
    menu_tell_run(&menu, "12345 78 01234567890123 b");
    assert_true(shows(menu, 40, "| The last run 12345 78               |\n| 01234567890123 b  "));
}

static void tells_of_the_last_run(void **state)
{
    (void)state;
    char picture[4096];
    struct menu menu = after_report("", "did not end, it was at: run the self-tests",
                                    "\\SELFMAP\\REPORT-1.TXTandalongwordthatdoesnotfit");
    struct text_sink sink = text_sink(picture, sizeof picture);
    menu_draw(&menu, 40, &sink.sink);
    static const char expected[] = "+-------------------------------------+\n"
                                   "| The last run did not end, it was    |\n"
                                   "| at: run the self-tests              |\n"
                                   "| Its report:                         |\n"
                                   "| \\SELFMAP\\REPORT-1.TXTandalongwordth |\n"
                                   "| atdoesnotfit                        |\n"
                                   "+-------------------------------------+\n"
                                   "|   1 Run the tests                   |\n";
    assert_non_null(strstr(picture, expected));
    assert_non_null(strstr(picture, "| > 6 Boot on, as without this stick  |\n"));
    sink = text_sink(picture, sizeof picture);
    menu_draw_clock(&menu, &sink.sink);
    assert_non_null(strstr(picture, "Boots on in 20 s; a key stops it."));
    menu = press(menu, "2");
    sink = text_sink(picture, sizeof picture);
    menu_draw(&menu, 40, &sink.sink);
    assert_null(strstr(picture, "The last run"));
    menu = begin("", 4, true);
    menu_tell_run(&menu, "ended well"); /* no report */
    sink = text_sink(picture, sizeof picture);
    menu_draw(&menu, 40, &sink.sink);
    assert_non_null(strstr(picture, "The last run ended well"));
    assert_null(strstr(picture, "Its report"));
}

/* The last line is printed over itself, so it has one length. */
static void the_clock_has_one_length(void **state)
{
    (void)state;
    char text[80];
    struct menu menu = begin("menu=999", 4, true);
    size_t length = 0;
    for (unsigned i = 0; i < 2400; i++) {
        if (i == 1200)
            menu = after_report("menu=999", "ended", "");
        struct text_sink sink = text_sink(text, sizeof text);
        menu_draw_clock(&menu, &sink.sink);
        assert_true(length == 0 || strlen(text) == length);
        length = strlen(text);
        assert_int_equal(text[0], '\r');
        assert_true(length < 40);
        assert_int_equal(strncmp(text + 1, "Enter: back ", 12) == 0, !menu.has_clock && menu.shows_groups);
        assert_int_equal(strncmp(text + 1, "The clock is ", 13) == 0, !menu.has_clock && !menu.shows_groups);
        if (i % 1200 > 1000)
            menu = press(menu, i % 3 ? "2" : "\rx");
        (void)menu_take_second(&menu);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"menu: it starts by itself", counts_down, NULL, NULL, NULL},
        {"menu: after a report it boots on by itself", after_a_report_it_boots_on, NULL, NULL, NULL},
        {"menu: without a report it starts, whatever is known", without_a_report_it_starts, NULL, NULL, NULL},
        {"menu: it tells of the last run", tells_of_the_last_run, NULL, NULL, NULL},
        {"menu: a key stops the clock, until nobody is there", a_key_stops_the_clock, NULL, NULL, NULL},
        {"menu: a key that is stuck does not hold it up", a_stuck_key_does_not_hold_it_up, NULL, NULL, NULL},
        {"menu: how often a key is heard", how_often_a_key_is_heard, NULL, NULL, NULL},
        {"menu: pressing a key often is not a stuck key", pressing_often_is_not_stuck, NULL, NULL, NULL},
        {"menu: every line can be chosen", choices, NULL, NULL, NULL},
        {"menu: groups become names", groups, NULL, NULL, NULL},
        {"menu: options hold until they are changed", options_hold_until_they_are_changed, NULL, NULL, NULL},
        {"menu: levels and soak", levels_and_soak, NULL, NULL, NULL},
        {"menu: whatever is chosen, it is understood", every_choice_is_an_option, NULL, NULL, NULL},
        {"menu: it fits every console", fits_every_console, NULL, NULL, NULL},
        {"menu: it looks as it should", looks_like_this, NULL, NULL, NULL},
        {"menu: the groups look as they should", groups_look_like_this, NULL, NULL, NULL},
        {"menu: durations in words", durations_look_like_this, NULL, NULL, NULL},
        {"menu: a row is filled as far as words fit", rows_are_filled, NULL, NULL, NULL},
        {"menu: the clock's line has one length", the_clock_has_one_length, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("menu", tests, NULL, NULL);
}
