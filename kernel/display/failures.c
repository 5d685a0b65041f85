/* SPDX-License-Identifier: MIT */
/* failures.c - remembers where in the log the reasons stand. */
#include "display/failures.h"
#include "console/log.h"
#include "console/text_rows.h"
#include "display/drawing.h"

enum { KEPT = 16, REASONS = 3, CRASH_LINES = 6 };

/* Part of the log. */
struct span {
    size_t from, to;
};

struct failure {
    unsigned number;
    const char *name;
    struct span log; /* what was printed while the test ran, its result included */
};

static struct {
    struct failure kept[KEPT];
    unsigned count;      /* all that failed */
    size_t mark;         /* the end of the last result in the log */
    const char *running; /* the test that runs; NULL between two */
    const char *crash;
    struct span crash_log; /* the sentences that explain it */
} failures;

/* Moves the span behind its first line, and returns that line without its end. */
static struct span next_line(struct span *text)
{
    const char *log = log_text();
    struct span line = {text->from, text_row_end(log, text->to, text->from, SIZE_MAX)};
    text->from = text_next_row(log, text->to, line.to);
    return line;
}

static bool begins_with(struct span line, const char *text)
{
    return text_begins_with(log_text() + line.from, line.to - line.from, text);
}

/* Returns whether the line is a fact, "# key=value", and so says nothing about a failure. */
static bool is_fact(struct span line)
{
    size_t at = line.from + 2;
    while (at < line.to && ((log_text()[at] >= 'a' && log_text()[at] <= 'z') || log_text()[at] == '_' ||
                            (log_text()[at] >= '0' && log_text()[at] <= '9')))
        at++;
    return at < line.to && log_text()[at] == '=';
}

/* Finds the next reason in the span. Returns false if there is none. */
static bool next_reason(struct span *text, struct span *reason)
{
    while (text->from < text->to) {
        *reason = next_line(text);
        if (begins_with(*reason, "# ") && !is_fact(*reason))
            return true;
    }
    return false;
}

/* Returns what explains the exception: from the last line that begins with its name on. */
static struct span explanation(const char *why)
{
    struct span text = {failures.mark, log_length()}, found = {text.to, text.to};
    while (text.from < text.to) {
        struct span line = next_line(&text);
        if (begins_with(line, why))
            found.from = line.from;
    }
    return found;
}

void failures_start(void)
{
    failures.count = 0;
    failures.running = failures.crash = NULL;
    failures.mark = log_length();
}

void failures_test(const char *name)
{
    failures.running = name;
}

void failures_result(bool failed, unsigned number, const char *name)
{
    size_t end = log_length();
    if (failed) {
        if (failures.count < KEPT)
            failures.kept[failures.count] = (struct failure){number, name, {failures.mark, end}};
        failures.count++;
    }
    failures.mark = end;
    failures.running = NULL;
}

void failures_crash(const char *why)
{
    failures.crash = why;
    failures.crash_log = explanation(why);
    if (failures.crash_log.from == failures.crash_log.to)
        failures.crash_log.from = failures.mark; /* not an exception: what was printed last says more */
}

/* Draws text into the rows of an area, and goes on in the next row where one is full. */
struct rows {
    struct format_sink sink;
    const struct canvas *canvas;
    struct canvas_area area;
    bool only_count;
    unsigned used, column;
    enum canvas_colour ink;
};

enum { INDENT = 4 }; /* of reasons, and of what goes on in the next row */

static void put_in_rows(struct format_sink *sink, char c)
{
    struct rows *rows = (struct rows *)sink;
    unsigned columns = area_column_count(rows->canvas, rows->area);
    if (rows->column == columns) {
        rows->used++;
        rows->column = INDENT;
    }
    struct canvas_area row = area_rows(rows->canvas, rows->area, rows->used, 1);
    if (!rows->only_count && row.height == canvas_cell_height(rows->canvas))
        canvas_glyph(rows->canvas, row.left + rows->column * canvas_cell_width(rows->canvas), row.top,
                     ordinary(rows->canvas, rows->ink), c);
    rows->column++;
}

static void begin_row(struct rows *rows, enum canvas_colour ink, unsigned column)
{
    rows->ink = ink;
    rows->column = column;
}

static void put_line(struct rows *rows, struct span text)
{
    begin_row(rows, CANVAS_WHITE, INDENT);
    for (size_t i = text.from; i < text.to; i++)
        put_in_rows(&rows->sink, log_text()[i]);
    rows->used++;
}

/* Returns whether the line is one of those that follow a crash, and say what the dashboard says elsewhere. */
static bool is_of_summary(struct span line)
{
    return begins_with(line, "# selfmap:") || begins_with(line, "# stopped:") ||
           begins_with(line, "# failed:");
}

static void put_crash(struct rows *rows)
{
    struct span text = failures.crash_log;
    begin_row(rows, CANVAS_BRIGHT_RED, 0);
    format(&rows->sink, "stopped: %s%s%s", failures.crash, failures.running ? ", in the test " : "",
           failures.running ? failures.running : "");
    rows->used++;
    for (unsigned i = 0; i < CRASH_LINES && text.from < text.to;) {
        struct span line = next_line(&text);
        if (line.from == line.to || is_of_summary(line))
            continue;
        put_line(rows, line);
        i++;
    }
}

static void put_failure(struct rows *rows, const struct failure *failure)
{
    struct span text = failure->log, reason;
    begin_row(rows, CANVAS_BRIGHT_RED, 0);
    format(&rows->sink, "not ok %u %s%s", failure->number, failure->name,
           text.from == text.to ? " (the log in memory is full: why is not kept)" : "");
    rows->used++;
    for (unsigned i = 0; i < REASONS && next_reason(&text, &reason); i++) {
        reason.from += 2;
        put_line(rows, reason);
    }
}

static struct rows rows_in(const struct canvas *canvas, struct canvas_area area, bool only_count)
{
    return (struct rows){.sink = {put_in_rows}, .canvas = canvas, .area = area, .only_count = only_count};
}

static unsigned kept_count(void)
{
    return failures.count < KEPT ? failures.count : KEPT;
}

static unsigned rows_of_failure(const struct canvas *canvas, struct canvas_area area, unsigned i)
{
    struct rows rows = rows_in(canvas, area, true);
    put_failure(&rows, &failures.kept[i]);
    return rows.used;
}

unsigned failures_rows(const struct canvas *canvas, struct canvas_area area)
{
    struct rows rows = rows_in(canvas, area, true);
    if (failures.crash)
        put_crash(&rows);
    for (unsigned i = 0; i < kept_count(); i++)
        put_failure(&rows, &failures.kept[i]);
    return rows.used + (failures.count > KEPT);
}

void failures_draw(const struct canvas *canvas, struct canvas_area area)
{
    struct rows rows = rows_in(canvas, area, false);
    unsigned limit = area_row_count(canvas, area), i = 0;
    if (failures.crash)
        put_crash(&rows);
    for (; i < kept_count(); i++) {
        bool is_last = i + 1 == failures.count;
        if (rows.used + rows_of_failure(canvas, area, i) + !is_last > limit)
            break;
        put_failure(&rows, &failures.kept[i]);
    }
    if (i < failures.count)
        draw_row(canvas, area_rows(canvas, area, rows.used, 1), ordinary(canvas, CANVAS_BRIGHT_RED),
                 "%u more failed: see the log", failures.count - i);
}
