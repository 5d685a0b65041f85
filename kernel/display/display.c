/* SPDX-License-Identifier: MIT */
/* display.c - keeps the dashboard up to date, then turns pages. */
#include "display/display.h"
#include "console/format.h"
#include "console/keyboard.h"
#include "console/log.h"
#include "console/screen.h"
#include "cpu/cpuid.h"
#include "cpu/tsc_rate.h"
#include "display/dashboard.h"
#include "display/failures.h"
#include "display/last_results.h"
#include "display/log_page.h"

enum {
    SECONDS_PER_PAGE = 10,
    ROWS_FOR_LAST_WORDS = 4,
    ROWS_FOR_LAST_RESULTS = 3,
    TITLE_BYTES = 120,
    SENTENCE_BYTES = 160
};

static struct dashboard dashboard; /* without a canvas: not started, or given up */
static const struct paging_space *space;
static uint64_t start;
static char title[TITLE_BYTES], sentence[SENTENCE_BYTES], processor[CPU_NAME_BYTES];

/* While the display draws. If this is found set, drawing has caused an exception: then it draws no more. */
static bool is_drawing;

static bool begin_drawing(void)
{
    if (is_drawing)
        dashboard.canvas = NULL;
    is_drawing = dashboard.canvas != NULL;
    return is_drawing;
}

static void end_drawing(void)
{
    is_drawing = false;
}

static void set_sentence(const char *before, const char *text)
{
    struct text_sink sink = text_sink(sentence, sizeof sentence);
    format(&sink.sink, "%s%s", before, text);
}

static void update(bool failures)
{
    dashboard.ticks = read_tsc() - start;
    dashboard_update(&dashboard, failures);
}

static void draw_dashboard(const struct display_page *page, const struct canvas *canvas,
                           struct canvas_area area, unsigned sheet)
{
    (void)page, (void)canvas, (void)area, (void)sheet;
    screen_hide(false);
    dashboard_paint(&dashboard);
}

static void draw_pictures(const struct display_page *page, const struct canvas *canvas,
                          struct canvas_area area, unsigned sheet)
{
    enum { OF_MEMORY = 8 };
    (void)page, (void)sheet;
    unsigned height = OF_MEMORY * canvas_cell_height(canvas);
    picture_of_memory(canvas, (struct canvas_area){area.left, area.top, area.width, height}, dashboard.memory,
                      dashboard.memory_count);
    area.top += height;
    area.height -= height;
    picture_of_space(canvas, area);
}

static const struct display_page dashboard_page = {"verdict", draw_dashboard, NULL};
static const struct display_page picture_page = {"memory", draw_pictures, NULL};

void display_start(const struct display_setup *setup)
{
    const struct canvas *canvas = screen_canvas();
    dashboard.canvas = NULL;
    is_drawing = false;
    if (!canvas || !dashboard_fits(canvas))
        return;
    struct text_sink sink = text_sink(title, sizeof title);
    format(&sink.sink, "Selfmap %s on %s, firmware %s", setup->version, setup->machine, setup->firmware);
    cpu_name(processor);
    dashboard = (struct dashboard){
        .canvas = canvas,
        .title = title,
        .processor = processor,
        .cpu = setup->space->cpu,
        .memory = setup->memory,
        .memory_count = setup->memory_count,
        .sentence = sentence,
        .tick_rate = tsc_rate(),
    };
    start = read_tsc();
    set_sentence("", "getting ready");
    failures_start();
    display_add_page(&dashboard_page);
    display_add_page(&picture_page);
    if (!begin_drawing())
        return;
    space = setup->space;
    picture_take_space(space);
    dashboard_paint(&dashboard);
    paint_footer(canvas, "the tests run; above this line the log");
    end_drawing();
}

static void hear_plan(unsigned tests)
{
    dashboard.planned = tests;
    failures_start();
    if (!begin_drawing())
        return;
    update(false);
    end_drawing();
}

static void hear_test(const char *name)
{
    if (!begin_drawing())
        return;
    failures_test(name);
    set_sentence("runs: ", name);
    update(false);
    end_drawing();
}

static void hear_result(enum report_outcome outcome, unsigned number, const char *name)
{
    unsigned *count = outcome == REPORT_FAILED    ? &dashboard.failed
                      : outcome == REPORT_SKIPPED ? &dashboard.skipped
                                                  : &dashboard.passed;
    ++*count;
    if (!begin_drawing())
        return;
    failures_result(outcome == REPORT_FAILED, number, name);
    if (outcome == REPORT_FAILED)
        update(true);
    end_drawing();
}

/* After a crash all of the last lines; else what was skipped and why, and the last results. */
static void show_last_lines(const char *crash)
{
    screen_clear();
    if (crash) {
        screen_put_end_of(log_text(), log_length(), NULL, ROWS_FOR_LAST_WORDS);
        return;
    }
    screen_put_end_of(log_text(), log_length(), is_skipped_result,
                      ROWS_FOR_LAST_WORDS + ROWS_FOR_LAST_RESULTS);
    screen_put_end_of(log_text(), log_length(), is_other_result, ROWS_FOR_LAST_WORDS);
}

static void hear_end(bool passed, const char *summary, const char *crash)
{
    if (!begin_drawing())
        return;
    dashboard.state = passed ? DASHBOARD_PASSED : DASHBOARD_FAILED;
    set_sentence("", summary);
    if (crash)
        failures_crash(crash);
    else
        picture_take_space(space); /* after a crash the tables may be what is broken */
    update(crash != NULL);
    show_last_lines(crash);
    end_drawing();
}

const struct report_observer display_observer = {
    .planned = hear_plan,
    .begun = hear_test,
    .result = hear_result,
    .ended = hear_end,
};

/* ---- after the end ---- */

/* Says at the bottom which page is shown, and how to see others. */
static void show_number(const struct page_turner *turner)
{
    char text[TITLE_BYTES];
    struct text_sink sink = text_sink(text, sizeof text);
    format(&sink.sink, "page %u of %u, turned by Page Up and Page Down%s", turner->number + 1, turner->count,
           turner->by_hand       ? ""
           : dashboard.tick_rate ? ", or every 10 s"
                                 : ", or by itself");
    paint_footer(dashboard.canvas, text);
}

static void show(const struct page_turner *turner)
{
    const struct canvas *canvas = dashboard.canvas;
    struct canvas_area area = page_area(canvas);
    struct page_place place = pages_find(canvas, area, turner->number);
    char text[TITLE_BYTES];
    struct text_sink sink = text_sink(text, sizeof text);
    if (!place.page)
        return;
    screen_hide(true);
    canvas_fill(canvas, (struct canvas_area){0, area.top, canvas->width, area.height}, CANVAS_BLACK);
    format(&sink.sink, "%s: %s, %s", title, dashboard.state == DASHBOARD_PASSED ? "PASS" : "FAIL",
           place.page->title);
    if (place.sheets > 1)
        format(&sink.sink, " %u of %u", place.sheet + 1, place.sheets);
    paint_title(&dashboard, text);
    place.page->draw(place.page, canvas, area, place.sheet);
    show_number(turner);
}

/* Returns the ticks per second, or a guess, for pages that turn by themselves. */
static uint64_t rate_of_pages(void)
{
    return dashboard.tick_rate ? dashboard.tick_rate : TSC_RATE_IF_UNKNOWN;
}

/* Turns pages until `ticks` have passed and no key was pressed. Returns false if there is no dashboard. */
static bool turn_pages(uint64_t ticks)
{
    if (!begin_drawing()) /* also if a page has caused an exception */
        return false;
    display_add_page(&log_page);
    (void)keyboard_start();
    struct page_turner turner = {
        .count = pages_count(dashboard.canvas, page_area(dashboard.canvas)),
        .turned_at = read_tsc(),
        .period = SECONDS_PER_PAGE * rate_of_pages(),
    };
    show_number(&turner); /* the first page is the dashboard, and is there */
    uint64_t shown_since = turner.turned_at;
    while (turner.by_hand || read_tsc() - shown_since < ticks) {
        if (page_turn(&turner, keyboard_poll(), read_tsc()))
            show(&turner);
        __asm__ volatile("pause");
    }
    end_drawing();
    screen_hide(false);
    return true;
}

void display_after_end(void)
{
    (void)turn_pages(UINT64_MAX);
}

bool display_for(unsigned seconds)
{
    return turn_pages(seconds * rate_of_pages());
}
