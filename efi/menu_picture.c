/* SPDX-License-Identifier: MIT */
/* menu_picture.c - draws the two pages: what to do, and which groups of tests. */
#include "menu_state.h"

enum { WIDEST = 72, NARROWEST = 24, NOT_KNOWN = 80, WITH_WORDS = 60, PARAGRAPH = 160 };

struct drawing {
    struct format_sink *sink;
    unsigned width; /* of a line, with its borders */
};

static void put(struct drawing *drawing, char c, unsigned times)
{
    while (times--)
        drawing->sink->put(drawing->sink, c);
}

static void border(struct drawing *drawing)
{
    put(drawing, '+', 1);
    put(drawing, '-', drawing->width - 2);
    format(drawing->sink, "+\n");
}

/* Draws a line between the borders. What does not fit is cut off. */
static void row(struct drawing *drawing, const char *text)
{
    unsigned room = drawing->width - 4, length = 0;
    format(drawing->sink, "| ");
    for (; length < room && text[length]; length++)
        put(drawing, text[length], 1);
    put(drawing, ' ', room - length);
    format(drawing->sink, " |\n");
}

/* Returns how much of a text a row takes: all that there is room for, or what stands before a blank. */
static size_t row_length(const char *text, size_t room)
{
    size_t length = 0, blank = 0;
    for (; text[length] && length < room; length++)
        if (text[length] == ' ')
            blank = length;
    bool fits = text[length] == '\0' || text[length] == ' ';
    return fits || blank == 0 ? length : blank;
}

/* Draws as many rows as the text needs. */
static void paragraph(struct drawing *drawing, const char *title, const char *text)
{
    char all[PARAGRAPH + 1];
    struct text_sink sink = text_sink(all, sizeof all);
    format(&sink.sink, "%s%s", title, text);
    for (char *at = all; *at;) {
        size_t length = row_length(at, drawing->width - 4);
        bool at_blank = at[length] == ' ';
        if (at_blank)
            at[length] = '\0';
        row(drawing, at);
        at += length + at_blank;
    }
}

static void draw_last_run(const struct menu *menu, struct drawing *drawing)
{
    if (!menu->last_run)
        return;
    paragraph(drawing, "The last run ", menu->last_run);
    if (menu->last_report)
        paragraph(drawing, "Its report: ", menu->last_report);
    border(drawing);
}

static void print_duration(struct format_sink *sink, uint64_t seconds)
{
    if (seconds == 0)
        format(sink, "off");
    else if (seconds % 3600 == 0)
        format(sink, "%lu h", seconds / 3600);
    else if (seconds % 60 == 0)
        format(sink, "%lu min", seconds / 60);
    else
        format(sink, "%lu s", seconds);
}

static unsigned count_groups(const struct menu *menu)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SELFTEST_GROUPS; i++)
        count += menu->groups >> i & 1;
    return count;
}

static void print_tests(const struct menu *menu, struct format_sink *sink)
{
    if (menu->names_tests)
        format(sink, "as the options say");
    else if (menu->groups == MENU_ALL_GROUPS || menu->groups == 0)
        format(sink, "all");
    else
        format(sink, "%u of %u", count_groups(menu), SELFTEST_GROUPS);
}

static void print_line(const struct menu *menu, unsigned line, struct format_sink *sink)
{
    static const char *const texts[MENU_LINES] = {
        [LINE_START] = "Run the tests",
        [LINE_GROUPS] = "Groups of tests: ",
        [LINE_LEVELS] = "Levels of the tables: ",
        [LINE_SOAK] = "Soak (repeat): ",
        [LINE_REPORT] = "Show the last report",
        [LINE_BOOT_ON] = "Boot on, as without this stick",
        [LINE_SWITCH_OFF] = "Switch the machine off",
    };
    format(sink, "%c %u %s", line == menu->cursor ? '>' : ' ', line + 1, texts[line]);
    if (line == LINE_GROUPS)
        print_tests(menu, sink);
    if (line == LINE_LEVELS)
        format(sink, "%u%s", menu->five_levels ? 5 : 4, menu->levels_differ ? "" : " (no other)");
    if (line == LINE_SOAK)
        print_duration(sink, menu->soak);
}

static void print_group(const struct menu *menu, unsigned group, bool in_words, struct format_sink *sink)
{
    format(sink, "%c %c [%c] %-9s %s", group == menu->cursor ? '>' : ' ', (char)('a' + group),
           menu->groups >> group & 1 ? 'x' : ' ', selftest_groups[group].name,
           in_words ? selftest_groups[group].what : "");
}

void menu_draw(const struct menu *menu, unsigned columns, struct format_sink *sink)
{
    char text[WIDEST + 1];
    /* A full last column would begin a new line by itself on some consoles. */
    unsigned width = (columns ? columns : NOT_KNOWN) - 1;
    struct drawing drawing = {sink, width > WIDEST ? WIDEST : width < NARROWEST ? NARROWEST : width};
    border(&drawing);
    row(&drawing, menu->shows_groups ? "Groups of tests" : "Selfmap " SELFMAP_VERSION);
    border(&drawing);
    if (!menu->shows_groups)
        draw_last_run(menu, &drawing);
    for (unsigned line = 0; line < menu_line_count(menu); line++) {
        struct text_sink into = text_sink(text, sizeof text);
        if (menu->shows_groups)
            print_group(menu, line, drawing.width >= WITH_WORDS, &into.sink);
        else
            print_line(menu, line, &into.sink);
        row(&drawing, text);
    }
    border(&drawing);
    format(sink, "%s",
           menu->shows_groups ? "Space, letter: on, off. * all, - none\n"
                              : "Up, Down and Enter, or a number\n");
}

void menu_draw_clock(const struct menu *menu, struct format_sink *sink)
{
    enum { LENGTH = 34 };
    char text[LENGTH + 1];
    struct text_sink into = text_sink(text, sizeof text);
    if (menu->has_clock)
        format(&into.sink, "%s in %u s; a key stops it.",
               menu->by_itself == MENU_START ? "Starts" : "Boots on", menu->seconds);
    else
        format(&into.sink, "%s", menu->shows_groups ? "Enter: back" : "The clock is stopped.");
    struct drawing drawing = {sink, 0};
    format(sink, "\r%s", text);
    put(&drawing, ' ', LENGTH - (unsigned)into.length);
}
