/* SPDX-License-Identifier: MIT */
/* dashboard.c - paints only what differs from what is on the screen. */
#include "display/dashboard.h"
#include "console/screen.h"
#include "display/drawing.h"
#include "display/failures.h"
#include "display/layout.h"

enum { ROW_LIMIT = 240, MARGIN = 1 };

/* A row of text that changes often: only characters that differ are drawn. */
struct live_row {
    char text[ROW_LIMIT];
};

static struct {
    struct layout layout;
    struct live_row bar_text, counts, time, sentence;
    unsigned bar_done; /* pixels of the bar that are filled */
    bool bar_is_red;
} shown;

static struct canvas_area whole(const struct canvas *canvas)
{
    return (struct canvas_area){0, 0, canvas->width, canvas->height};
}

static unsigned rows_of(const struct canvas *canvas)
{
    return area_row_count(canvas, whole(canvas));
}

static struct canvas_area area_of(const struct canvas *canvas, struct layout_rows rows)
{
    return area_rows(canvas, whole(canvas), rows.first, rows.end - rows.first);
}

/* Returns the area without the first columns. */
static struct canvas_area without_columns(const struct canvas *canvas, struct canvas_area area,
                                          unsigned columns)
{
    unsigned width = at_most(columns * canvas_cell_width(canvas), area.width);
    area.left += width;
    area.width -= width;
    return area;
}

/* Returns the area without a margin on both sides. */
static struct canvas_area inner(const struct canvas *canvas, struct canvas_area area)
{
    area = without_columns(canvas, area, MARGIN);
    area.width -= at_most(MARGIN * canvas_cell_width(canvas), area.width);
    return area;
}

static enum canvas_colour ground(const struct dashboard *dashboard)
{
    static const unsigned char colours[] = {
        [DASHBOARD_RUNNING] = CANVAS_BLUE,
        [DASHBOARD_PASSED] = CANVAS_GREEN,
        [DASHBOARD_FAILED] = CANVAS_RED,
    };
    return (enum canvas_colour)colours[dashboard->state];
}

static void forget(struct live_row *row)
{
    for (unsigned i = 0; i < ROW_LIMIT; i++)
        row->text[i] = '\0';
}

/* Draws the text, and blanks up to the end of the area, where they differ from what the row shows. */
static void draw_live(const struct canvas *canvas, struct canvas_area area, struct canvas_style style,
                      struct live_row *row, const char *text)
{
    unsigned columns = at_most(area_column_count(canvas, area), ROW_LIMIT);
    for (unsigned column = 0; column < columns; column++) {
        char c = ' ';
        if (*text)
            c = *text++;
        if (row->text[column] != c)
            canvas_glyph(canvas, area.left + column * canvas_cell_width(canvas), area.top, style, c);
        row->text[column] = c;
    }
}

/* ---- the verdict ---- */

static unsigned done(const struct dashboard *dashboard)
{
    return dashboard->passed + dashboard->failed + dashboard->skipped;
}

static void draw_word(const struct dashboard *dashboard, struct canvas_area area)
{
    const struct canvas *canvas = dashboard->canvas;
    struct canvas_style style = {canvas->scale * shown.layout.word_rows, CANVAS_WHITE, ground(dashboard)};
    char text[8];
    struct text_sink sink = text_sink(text, sizeof text);
    unsigned percent = dashboard->planned ? at_most(100 * done(dashboard) / dashboard->planned, 100) : 0;
    if (dashboard->state == DASHBOARD_RUNNING)
        format(&sink.sink, "%3u%%", percent);
    else
        format(&sink.sink, "%s", dashboard->state == DASHBOARD_PASSED ? "PASS" : "FAIL");
    draw_row(canvas, without_columns(canvas, area, MARGIN), style, "%s", text);
}

/* Returns the part of the verdict's area to the right of the word. */
static struct canvas_area beside_word(const struct canvas *canvas, struct canvas_area area)
{
    enum { LETTERS = 4, GAP = 2 };
    return without_columns(canvas, inner(canvas, area), LETTERS * shown.layout.word_rows + GAP);
}

static void draw_bar(const struct dashboard *dashboard, struct canvas_area area, bool anew)
{
    const struct canvas *canvas = dashboard->canvas;
    unsigned margin = 3 * canvas->scale;
    bool red = dashboard->failed > 0 || dashboard->state == DASHBOARD_FAILED;
    area.top += margin;
    area.height -= 2 * margin;
    unsigned filled =
        dashboard->planned ? (unsigned)((uint64_t)area.width * done(dashboard) / dashboard->planned) : 0;
    struct canvas_area part = area;
    if (anew || red != shown.bar_is_red) {
        canvas_fill(canvas, area, CANVAS_LINE);
        shown.bar_done = 0;
    }
    filled = at_most(filled, area.width);
    part.left += shown.bar_done;
    part.width = filled > shown.bar_done ? filled - shown.bar_done : 0;
    canvas_fill(canvas, part, red ? CANVAS_BRIGHT_RED : CANVAS_BRIGHT_GREEN);
    shown.bar_done = filled;
    shown.bar_is_red = red;
}

/* Writes the time, or that it is not known: a wrong one would mislead. */
static void format_time(struct format_sink *sink, const struct dashboard *dashboard)
{
    if (dashboard->tick_rate == 0) {
        format(sink, "time not known: no clock tells the speed of the processor's counter");
        return;
    }
    uint64_t seconds = dashboard->ticks / dashboard->tick_rate;
    uint64_t tenths = dashboard->ticks % dashboard->tick_rate / (dashboard->tick_rate / 10 + 1);
    if (seconds < 60)
        format(sink, "%lu.%lu s", seconds, tenths);
    else
        format(sink, "%lu min %02lu s", seconds / 60, seconds % 60);
}

static void draw_verdict(const struct dashboard *dashboard, bool anew)
{
    const struct canvas *canvas = dashboard->canvas;
    struct canvas_area area = area_of(canvas, shown.layout.verdict), right = beside_word(canvas, area);
    struct canvas_style style = {canvas->scale, CANVAS_WHITE, ground(dashboard)};
    char text[ROW_LIMIT];
    struct text_sink sink = text_sink(text, sizeof text);
    draw_word(dashboard, area);
    draw_bar(dashboard, area_rows(canvas, right, 0, 1), anew);
    format(&sink.sink, "%u of %u tests: %u passed, %u failed, %u skipped", done(dashboard),
           dashboard->planned, dashboard->passed, dashboard->failed, dashboard->skipped);
    draw_live(canvas, area_rows(canvas, right, 1, 1), style, &shown.counts, text);
    sink = text_sink(text, sizeof text);
    format_time(&sink.sink, dashboard);
    draw_live(canvas, area_rows(canvas, right, 2, 1), style, &shown.time, text);
    area = area_rows(canvas, area, shown.layout.word_rows, 1);
    draw_live(canvas, without_columns(canvas, area, MARGIN), style, &shown.sentence, dashboard->sentence);
}

static void paint_verdict(const struct dashboard *dashboard)
{
    forget(&shown.counts);
    forget(&shown.time);
    forget(&shown.sentence);
    canvas_fill(dashboard->canvas, area_of(dashboard->canvas, shown.layout.verdict), ground(dashboard));
    draw_verdict(dashboard, true);
}

/* ---- the other parts ---- */

/* Paints a line in full width. */
static void paint_line(const struct canvas *canvas, struct layout_rows rows, struct canvas_style style,
                       const char *text)
{
    struct canvas_area area = area_of(canvas, rows);
    if (rows.end == rows_of(canvas))
        area.height = canvas->height - area.top; /* what is left below the last row */
    canvas_fill(canvas, area, style.paper);
    draw_row(canvas, without_columns(canvas, area, MARGIN), style, "%s", text);
}

void paint_title(const struct dashboard *dashboard, const char *text)
{
    struct canvas_style style = {dashboard->canvas->scale, CANVAS_WHITE, CANVAS_PANEL};
    if (dashboard->state != DASHBOARD_RUNNING)
        style.paper = ground(dashboard);
    paint_line(dashboard->canvas, (struct layout_rows){0, 1}, style, text);
}

void paint_footer(const struct canvas *canvas, const char *text)
{
    unsigned rows = rows_of(canvas);
    paint_line(canvas, (struct layout_rows){rows - 1, rows},
               (struct canvas_style){canvas->scale, CANVAS_TEXT, CANVAS_PANEL}, text);
}

struct canvas_area page_area(const struct canvas *canvas)
{
    return inner(canvas, area_rows(canvas, whole(canvas), 1, rows_of(canvas) - 2));
}

static void paint_machine(const struct dashboard *dashboard)
{
    char text[ROW_LIMIT];
    struct text_sink sink = text_sink(text, sizeof text);
    format(&sink.sink, "%s: %u levels, %u bits physical%s%s",
           dashboard->processor[0] ? dashboard->processor : "a processor without a name",
           dashboard->cpu.levels, dashboard->cpu.physical_bits,
           dashboard->cpu.has_1g_pages ? ", 1 GiB pages" : "", dashboard->cpu.has_no_execute ? ", NX" : "");
    paint_line(dashboard->canvas, shown.layout.machine,
               (struct canvas_style){dashboard->canvas->scale, CANVAS_TEXT, CANVAS_PANEL}, text);
}

static void paint_pictures(const struct dashboard *dashboard)
{
    const struct canvas *canvas = dashboard->canvas;
    struct canvas_area area = area_of(canvas, shown.layout.pictures);
    if (area.height == 0)
        return;
    canvas_fill(canvas, area, CANVAS_BLACK);
    area = inner(canvas, area);
    picture_of_memory(canvas, area_rows(canvas, area, 1, MEMORY_PICTURE_ROWS), dashboard->memory,
                      dashboard->memory_count);
    picture_of_space(canvas, area_rows(canvas, area, 1 + MEMORY_PICTURE_ROWS, SPACE_PICTURE_ROWS));
}

/* Divides the rows anew: the failures may need more, which the log then loses. */
static void paint_failures_and_log(const struct dashboard *dashboard)
{
    const struct canvas *canvas = dashboard->canvas;
    shown.layout = layout_make(rows_of(canvas), failures_rows(canvas, inner(canvas, whole(canvas))));
    struct canvas_area area = area_of(canvas, shown.layout.failures);
    canvas_fill(canvas, area, CANVAS_BLACK);
    failures_draw(canvas, inner(canvas, area));
    screen_confine(shown.layout.log.first, shown.layout.log.end, MARGIN);
}

bool dashboard_fits(const struct canvas *canvas)
{
    return layout_fits(area_column_count(canvas, whole(canvas)), rows_of(canvas));
}

void dashboard_paint(const struct dashboard *dashboard)
{
    paint_title(dashboard, dashboard->title);
    paint_failures_and_log(dashboard);
    paint_machine(dashboard);
    paint_verdict(dashboard);
    paint_pictures(dashboard);
}

void dashboard_update(const struct dashboard *dashboard, bool failures)
{
    static enum dashboard_state last_state;
    if (failures)
        paint_failures_and_log(dashboard);
    if (dashboard->state == last_state) {
        draw_verdict(dashboard, false);
        return;
    }
    last_state = dashboard->state;
    paint_title(dashboard, dashboard->title);
    paint_verdict(dashboard);
    paint_pictures(dashboard);
}
