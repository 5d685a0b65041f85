/* failures.c - remembers where in the log the reasons stand. */
#include "display/failures.h"
#include "console/log.h"
#include "display/drawing.h"

enum { KEPT = 16, REASONS = 3, CRASH_LINES = 5 };

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
    unsigned count; /* all that failed */
    size_t mark;    /* the end of the last result in the log */
    const char *crash;
    struct span crash_log; /* the sentences that explain it */
} failures;

/* Moves the span behind its first line, and returns that line without its end. */
static struct span next_line(struct span *text)
{
    const char *log = log_text();
    struct span line = {text->from, text->from};
    while (line.to < text->to && log[line.to] != '\n')
        line.to++;
    text->from = line.to < text->to ? line.to + 1 : line.to;
    return line;
}

static bool begins_with(struct span line, const char *text)
{
    size_t i = 0;
    while (text[i] && line.from + i < line.to && log_text()[line.from + i] == text[i])
        i++;
    return text[i] == '\0';
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
    failures.crash = NULL;
    failures.mark = log_length();
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
}

void failures_crash(const char *why)
{
    failures.crash = why;
    failures.crash_log = explanation(why);
    if (failures.crash_log.from == failures.crash_log.to)
        failures.crash_log.from = failures.mark; /* not an exception: what was printed last says more */
}

/* Rows are drawn one by one; with canvas NULL they are only counted. */
struct rows {
    const struct canvas *canvas;
    struct canvas_area area;
    unsigned used;
};

static void add_row(struct rows *rows, enum canvas_colour ink, const char *before, struct span text)
{
    char row[200];
    struct text_sink sink = text_sink(row, sizeof row);
    format(&sink.sink, "%s", before);
    for (size_t i = text.from; i < text.to; i++)
        format(&sink.sink, "%c", log_text()[i]);
    if (rows->canvas)
        draw_row(rows->canvas, area_rows(rows->canvas, rows->area, rows->used, 1),
                 ordinary(rows->canvas, ink), "%s", row);
    rows->used++;
}

static void add_crash(struct rows *rows)
{
    struct span none = {0, 0}, text = failures.crash_log;
    char row[120];
    struct text_sink sink = text_sink(row, sizeof row);
    format(&sink.sink, "stopped: %s", failures.crash);
    add_row(rows, CANVAS_BRIGHT_RED, row, none);
    for (unsigned i = 0; i < CRASH_LINES && text.from < text.to;) {
        struct span line = next_line(&text);
        if (line.from == line.to || begins_with(line, "# selfmap:") || begins_with(line, "# stopped:") ||
            begins_with(line, "# failed:"))
            continue;
        add_row(rows, CANVAS_WHITE, "    ", line);
        i++;
    }
}

static void add_failure(struct rows *rows, const struct failure *failure)
{
    struct span none = {0, 0}, text = failure->log, reason;
    char row[120];
    struct text_sink sink = text_sink(row, sizeof row);
    format(&sink.sink, "not ok %u %s", failure->number, failure->name);
    add_row(rows, CANVAS_BRIGHT_RED, row, none);
    if (text.from == text.to)
        add_row(rows, CANVAS_WHITE, "    the log in memory is full, so the reason was not kept", none);
    for (unsigned i = 0; i < REASONS && next_reason(&text, &reason); i++) {
        reason.from += 2;
        add_row(rows, CANVAS_WHITE, "    ", reason);
    }
}

static unsigned kept_count(void)
{
    return failures.count < KEPT ? failures.count : KEPT;
}

static unsigned rows_of_failure(unsigned i)
{
    struct rows rows = {0};
    add_failure(&rows, &failures.kept[i]);
    return rows.used;
}

unsigned failures_rows(void)
{
    struct rows rows = {0};
    if (failures.crash)
        add_crash(&rows);
    for (unsigned i = 0; i < kept_count(); i++)
        rows.used += rows_of_failure(i);
    return rows.used + (failures.count > KEPT);
}

void failures_draw(const struct canvas *canvas, struct canvas_area area)
{
    struct rows rows = {canvas, area, 0};
    unsigned limit = area_row_count(canvas, area), i = 0;
    if (failures.crash)
        add_crash(&rows);
    for (; i < kept_count(); i++) {
        bool is_last = i + 1 == failures.count;
        if (rows.used + rows_of_failure(i) + !is_last > limit)
            break;
        add_failure(&rows, &failures.kept[i]);
    }
    if (i < failures.count && rows.used < limit)
        draw_row(canvas, area_rows(canvas, area, rows.used, 1), ordinary(canvas, CANVAS_BRIGHT_RED),
                 "%u more failed: see the log", failures.count - i);
}
