/* SPDX-License-Identifier: MIT */
/* display: what a person reads on screens of many sizes, while tests run, fail and crash, and afterwards. */
#include "kernel/pixels.h"

#include <stdio.h>

#include "kernel/console/console.h"
#include "kernel/console/keyboard.h"
#include "kernel/console/log.h"
#include "kernel/console/screen.h"
#include "kernel/cpu/tsc_rate.h"
#include "kernel/display/display.h"
#include "kernel/display/layout.h"
#include <selfmap/for_each.h>

#define WHITE 0xffffffu
#define GREEN (104u << 8 | 32u)
#define RED   (108u << 16)
#define BLUE  (16u << 16 | 48u << 8 | 104u)

/* ---- the machine: a keyboard with keys to come, tables in a list ---- */

static uint64_t rate;

uint64_t tsc_rate(void)
{
    return rate;
}

enum { POLLS_BETWEEN_KEYS = 3 };
static const enum key *keys; /* ends with KEY_NONE */
static unsigned polls;
static jmp_buf after_last_key;

bool keyboard_start(void)
{
    return keys != NULL;
}

enum key keyboard_poll(void)
{
    if (++polls % POLLS_BETWEEN_KEYS != 0)
        return KEY_NONE;
    if (*keys == KEY_NONE)
        longjmp(after_last_key, 1);
    return *keys++;
}

static const struct paging_space space = {.cpu = {.levels = 4}};
static bool reachable, endless;
static unsigned visits;

enum paging_status paging_for_each(const struct paging_space *which, paging_entry_callback callback,
                                   void *context)
{
    static const struct paging_entry_info entries[] = {
        {PAGING_KIND_TABLE, 4, {0}, 0, {0}, 0},
        {PAGING_KIND_LEAF, 2, {0x200}, 0x200, {0}, PAGING_WRITABLE | PAGING_NO_EXECUTE},
        {PAGING_KIND_LEAF, 1, {0x400}, 1, {0}, 0},
        {PAGING_KIND_LEAF, 1, {0x401}, 1, {0}, 0},
    };
    struct paging_entry_info more = entries[2];
    assert_ptr_equal(which, &space);
    for (visits = 0; endless; visits++, more.first.number++)
        if (callback(context, &more) == PAGING_VISIT_STOP)
            return PAGING_OK;
    for (unsigned i = 0; reachable && i < sizeof entries / sizeof entries[0]; i++)
        (void)callback(context, &entries[i]);
    return reachable ? PAGING_OK : PAGING_UNREACHABLE;
}

static const struct memory_region memory[] = {
    {{0}, {0xa0}, 0, MEMORY_CONVENTIONAL, 0},
    {{0x100}, {0x8000}, 0, MEMORY_CONVENTIONAL, 0},
    {{0x8000}, {0x8100}, 0, MEMORY_LOADER, 0},
    {{0xfec00}, {0xfed00}, 0, MEMORY_MMIO, 0},
};

/* ---- one run ---- */

static char log_memory[64 << 10];
static struct framebuffer screen;
static unsigned scale;

static void start(unsigned width, unsigned height, unsigned stride)
{
    static const struct display_setup setup = {"9.9", "Hard Ware", "Firm Ware", &space, memory, 4};
    reachable = true;
    screen = make_framebuffer(width, height, stride);
    log_start(log_memory, sizeof log_memory);
    console_start_screen(&screen);
    print("early words\n");
    display_start(&setup);
    scale = screen_canvas()->scale;
}

static void result(enum report_outcome outcome, unsigned number, const char *name)
{
    print("%s %u %s%s\n", outcome == REPORT_FAILED ? "not ok" : "ok", number, name,
          outcome == REPORT_SKIPPED ? " # SKIP for a reason" : "");
    display_observer.result(outcome, number, name);
}

static void end(bool passed, const char *crash)
{
    char summary[100];
    snprintf(summary, sizeof summary, "# selfmap: %s tests=4 passed=2 failed=1 skipped=1",
             passed ? "PASS" : "FAIL");
    if (crash)
        print("# stopped: %s\n", crash);
    print("%s\n", summary);
    display_observer.ended(passed, summary, crash);
}

/* Two tests have run, the second failed; the third runs. */
static void run_some(void)
{
    display_observer.planned(4);
    display_observer.begun("first: it works");
    print("# a line of the first\n");
    result(REPORT_PASSED, 1, "first: it works");
    display_observer.begun("second: it does not");
    print("# fact=1\n# file.c:17: not true: water == wine\n");
    result(REPORT_FAILED, 2, "second: it does not");
    display_observer.begun("third: it runs");
}

static int row_with(const char *text)
{
    return find_row_with(&screen, scale, text);
}

static void assert_shown(const char *text)
{
    if (row_with(text) < 0)
        fail_msg("\"%s\" is not on the screen of %u x %u", text, screen.width, screen.height);
}

static void assert_not_shown(const char *text)
{
    if (row_with(text) >= 0)
        fail_msg("\"%s\" is on the screen", text);
}

/* Returns the pixel at the right end of a row, which is ground. */
static uint32_t ground_of_row(unsigned row)
{
    return pixels[(size_t)(row * GLYPH_HEIGHT * scale + 1) * screen.stride + screen.width - 1];
}

static const unsigned sizes[][3] = {
    {640, 400, 640},    {640, 480, 704},    {800, 600, 800},    {1001, 703, 1003},
    {1024, 768, 1024},  {1280, 800, 1280},  {1366, 768, 1376},  {1920, 1080, 1920},
    {2560, 1600, 2560}, {3840, 2160, 3840}, {1080, 1920, 1088}, {5120, 1440, 5376},
};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- tests ---- */

static void rows_are_divided(void **state)
{
    (void)state;
    assert_true(layout_fits(80, 25));
    assert_false(layout_fits(40, 25) || layout_fits(80, 12));
    for (unsigned rows = 20; rows <= 140; rows++)
        for (unsigned failures = 0; failures < 200; failures += 7) {
            struct layout layout = layout_make(rows, failures);
            const struct layout_rows parts[] = {layout.title,    layout.machine,  layout.verdict,
                                                layout.pictures, layout.failures, layout.log,
                                                layout.footer};
            unsigned next = 0;
            for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
                assert_int_equal(parts[i].first, next);
                assert_true(parts[i].end >= next);
                next = parts[i].end;
            }
            assert_int_equal(next, rows);
            assert_true(layout.log.end - layout.log.first >= 5);
            assert_true(layout.verdict.end - layout.verdict.first == layout.word_rows + 1);
            assert_true(failures == 0 || layout.failures.end - layout.failures.first >= 4);
        }
    struct layout small = layout_make(27, 0), large = layout_make(28, 0), failed = layout_make(30, 1);
    assert_true(failed.pictures.end == failed.pictures.first);
    assert_true(small.pictures.end == small.pictures.first && large.pictures.end > large.pictures.first);
}

static void while_tests_run(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZES; i++) {
        start(sizes[i][0], sizes[i][1], sizes[i][2]);
        assert_shown("Selfmap 9.9 on Hard Ware, firmware Firm Ware");
        assert_shown(": 4 levels, ");
        assert_shown("early words");
        assert_int_equal(ground_of_row(3), BLUE);
        run_some();
        assert_shown("2 of 4 tests: 1 passed, 1 failed, 0 skipped");
        assert_shown("runs: third: it runs");
        assert_shown("not ok 2 second: it does not");
        int reason = row_with("    file.c:17: not true: water == wine");
        assert_true(reason > 0 && reason < row_with("# file.c:17: not true: water == wine"));
        assert_not_shown("    fact=1");
        assert_stride_untouched(&screen);
    }
}

/* Whatever the size, the verdict stands in a row of its own, in large letters and in colour. */
static void at_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * SIZES; i++) {
        bool passed = i % 2;
        char text[512];
        start(sizes[i / 2][0], sizes[i / 2][1], sizes[i / 2][2]);
        run_some();
        result(REPORT_SKIPPED, 3, "third: it runs");
        result(REPORT_PASSED, 4, "fourth");
        end(passed, NULL);
        int row = row_with(passed ? "# selfmap: PASS tests=4 passed=2 failed=1 skipped=1"
                                  : "# selfmap: FAIL tests=4 passed=2 failed=1 skipped=1");
        assert_true(row == 5 || row == 6);
        read_row(&screen, scale, (unsigned)row, text);
        assert_int_equal(strspn(text, " "), 1);
        for (unsigned y = 2; y <= (unsigned)row; y++)
            assert_int_equal(ground_of_row(y), passed ? GREEN : RED);
        assert_int_equal(ground_of_row(0), passed ? GREEN : RED);
        const char *word = passed ? "PASS" : "FAIL";
        unsigned large = (unsigned)row - 2; /* rows of a letter, which is as many times as large as text */
        for (unsigned letter = 0; letter < 4; letter++)
            for (unsigned y = 0; y < GLYPH_HEIGHT; y++)
                for (unsigned x = 0; x < GLYPH_WIDTH; x++) {
                    size_t line = (2 * GLYPH_HEIGHT + y * large) * scale;
                    unsigned column = GLYPH_WIDTH * scale + (letter * GLYPH_WIDTH + x) * large * scale;
                    assert_int_equal(pixels[line * screen.stride + column] == WHITE,
                                     glyph_bit(word[letter], x, y));
                }
        assert_shown("not ok 2 second: it does not");
        assert_shown("    file.c:17: not true: water == wine");
        assert_not_shown("# a line of the first");
        assert_true(row_with("ok 3 third: it runs # SKIP for a reason") < row_with("ok 4 fourth"));
        assert_shown("ok 3 third: it runs # SKIP for a reason");
        assert_shown("ok 4 fourth");
        assert_stride_untouched(&screen);
    }
}

/* Returns how much of the bar, in percent, has another colour than its right end. */
static unsigned filled_percent(void)
{
    const uint32_t *line = pixels + (size_t)(2 * GLYPH_HEIGHT + 8) * screen.stride;
    unsigned first = 0, end = screen.width - GLYPH_WIDTH - 1, filled = 0;
    while (line[end - first - 1] == line[end - 1])
        first++;
    while (first + filled < end && line[end - first - filled - 1] == line[end - first - 1])
        filled++;
    return 100 * filled / (first + filled);
}

static void bar_grows(void **state)
{
    (void)state;
    start(800, 600, 800);
    display_observer.planned(100);
    for (unsigned done = 1; done < 100; done++) {
        display_observer.begun("next");
        if (done > 3)
            assert_in_range(filled_percent(), done - 3, done);
        result(REPORT_PASSED, done, "next");
    }
}

static void time_is_known_or_not(void **state)
{
    (void)state;
    rate = 0;
    start(800, 600, 800);
    run_some();
    assert_shown("time not known");
    rate = UINT64_MAX / 16; /* next to no time passes */
    start(800, 600, 800);
    run_some();
    assert_shown("0.0 s");
    rate = 1; /* years */
    start(800, 600, 800);
    run_some();
    assert_shown(" min ");
    assert_not_shown("not known");
    rate = 0;
}

/* What stopped the run comes first, and is not cut off. */
static void crash(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZES; i++) {
        start(sizes[i][0], sizes[i][1], sizes[i][2]);
        run_some();
        print("# step 4\n\n#XY bad thing, error code 2\n");
        print("bad thing: supervisor write to 000000001db61000: not mapped, the walk stopped at the P1 entry "
              "0\n");
        print("rip 0\n");
        reachable = false;
        end(false, "#XY bad thing");
        int row = row_with("stopped: #XY bad thing, in the test third: it runs");
        assert_true(row > 0 && row < row_with("not ok 2 second"));
        for (unsigned line = 0; line < 6; line++) { /* a margin stays free on both sides */
            char text[512];
            read_row(&screen, scale, (unsigned)row + line, text);
            assert_true(text[0] == ' ' && text[strlen(text) - 1] == ' ');
        }
        assert_shown("    #XY bad thing, error code 2");
        assert_shown("    bad thing: supervisor write to 000000001db61000: not mapped");
        assert_shown("P1 entry 0");
        assert_not_shown("    step 4");
        assert_stride_untouched(&screen);
    }
}

static void more_failures_than_room(void **state)
{
    (void)state;
    start(640, 400, 640);
    display_observer.planned(40);
    for (unsigned i = 1; i <= 40; i++) {
        print("# one reason\n# another\n# a third\n# a fourth\n");
        result(REPORT_FAILED, i, "fails");
    }
    assert_shown(" not ok 1 fails");
    assert_shown(" more failed: see the log");
    assert_shown("40 of 40 tests: 0 passed, 40 failed");
    assert_stride_untouched(&screen);
}

/* Without a layout that fits, text is printed as ever. */
static void tiny_screen(void **state)
{
    (void)state;
    keys = NULL;
    start(320, 200, 320);
    run_some();
    end(true, NULL);
    display_after_end();
    assert_shown("# selfmap: PASS");
    assert_not_shown("on Firm Ware");
}

/* An address space of any size is drawn in a bounded time. */
static void endless_space(void **state)
{
    (void)state;
    endless = true;
    start(800, 600, 800);
    endless = false;
    assert_in_range(visits, 1000, 100000);
    assert_shown("The start of the address space: ");
    start(800, 600, 800);
    assert_shown("Address space: 2 pages of 4K");
}

static void turn_pages(const enum key *with)
{
    keys = with;
    polls = 0;
    if (setjmp(after_last_key) == 0)
        display_after_end();
}

static void finish_and_turn(const enum key *with)
{
    start(640, 480, 640);
    run_some();
    end(true, NULL);
    turn_pages(with);
}

static void pages_are_turned(void **state)
{
    (void)state;
    static const enum key none[] = {KEY_NONE}, down[] = {KEY_PAGE_DOWN, KEY_NONE},
                          down_twice[] = {KEY_PAGE_DOWN, KEY_PAGE_DOWN, KEY_NONE},
                          up[] = {KEY_PAGE_UP, KEY_NONE},
                          around[] = {KEY_PAGE_UP, KEY_OTHER, KEY_PAGE_DOWN, KEY_NONE};
    rate = 0;
    finish_and_turn(none);
    assert_shown("page 1 of ");
    assert_shown(", or by itself");
    finish_and_turn(down);
    assert_shown(": PASS, memory");
    assert_shown("Physical memory, 127.6 MiB free"); /* 0x7fa0 pages */
    assert_shown("Address space: 2 pages of 4K, 1 of 2M, 0 of 1G; 1 P4, 1 P3, 0 P2, 0 P1");
    assert_shown("page 2 of ");
    assert_not_shown("by itself");
    finish_and_turn(down_twice);
    assert_shown(": PASS, log");
    assert_shown("early words");
    assert_shown("# a line of the first");
    finish_and_turn(up);
    assert_shown(": PASS, log");
    finish_and_turn(around);
    assert_shown("# selfmap: PASS");
    assert_shown("2 of 4 tests");
    assert_stride_untouched(&screen);
}

static void pages_turn_by_themselves(void **state)
{
    (void)state;
    static const enum key none[] = {KEY_NONE};
    rate = 1; /* ten ticks are ten seconds */
    start(640, 480, 640);
    run_some();
    end(true, NULL);
    turn_pages(none);
    assert_shown(", or every 10 s");
    assert_not_shown("page 1 of ");
    rate = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"display: the parts of the screen fill it, and do not overlap", rows_are_divided, NULL, NULL, NULL},
        {"display: progress and failures can be read on every screen", while_tests_run, NULL, NULL, NULL},
        {"display: the verdict stands in words and colour on every screen", at_the_end, NULL, NULL, NULL},
        {"display: the bar grows with the tests", bar_grows, NULL, NULL, NULL},
        {"display: the time, or that it is not known", time_is_known_or_not, NULL, NULL, NULL},
        {"display: after a crash its reason stays in sight", crash, NULL, NULL, NULL},
        {"display: failures that have no room are counted", more_failures_than_room, NULL, NULL, NULL},
        {"display: a tiny screen shows text only", tiny_screen, NULL, NULL, NULL},
        {"display: looks at a bounded part of a large address space", endless_space, NULL, NULL, NULL},
        {"display: Page Up and Page Down turn the pages", pages_are_turned, NULL, NULL, NULL},
        {"display: without a key the pages turn by themselves", pages_turn_by_themselves, NULL, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("display", tests, NULL, NULL);
    free(pixels);
    return failed;
}
