/* menu_state.c - two pages: what to do, and which groups of tests. */
#include "menu_state.h"
#include "kernel/selftest/groups.h"

enum { START, GROUPS, LEVELS, SOAK, REPORT, BOOT_ON, SWITCH_OFF, LINES };
enum { WIDEST = 72, NARROWEST = 24, NOT_KNOWN = 80, WITH_WORDS = 60, PARAGRAPH = 160 };

#define ALL_GROUPS ((1u << SELFTEST_BENCH_GROUP) - 1) /* without the one that measures */

static const uint64_t soaks[] = {0, 600, 3600, 8 * 3600ull, 24 * 3600ull};
enum { SOAKS = sizeof soaks / sizeof soaks[0] };

struct menu menu_begin(const struct options *options, unsigned levels, bool five)
{
    return (struct menu){
        .by_itself = MENU_START,
        .has_clock = true,
        .seconds = options->menu_seconds ? options->menu_seconds : MENU_SECONDS,
        .names_tests = options->tests[0] != '\0',
        .groups = ALL_GROUPS | (options->bench ? 1u << SELFTEST_BENCH_GROUP : 0),
        .soak = options->soak_seconds,
        .levels_differ = levels == 4 && five,
        .five_levels = levels == 5 || (options->five_levels && five),
    };
}

void menu_tell_run(struct menu *menu, const char *last_run)
{
    menu->last_run = last_run;
}

void menu_tell_report(struct menu *menu, const struct options *options, const char *last_report)
{
    menu->last_report = last_report;
    menu->by_itself = MENU_BOOT_ON;
    menu->cursor = BOOT_ON;
    menu->seconds = options->menu_seconds ? options->menu_seconds : MENU_REPORT_SECONDS;
}

/* ---- keys ---- */

static unsigned line_count(const struct menu *menu)
{
    return menu->shows_groups ? SELFTEST_GROUPS : LINES;
}

static void move(struct menu *menu, int key)
{
    unsigned lines = line_count(menu);
    menu->cursor = (menu->cursor + (key == MENU_KEY_UP ? lines - 1 : 1)) % lines;
}

/* Takes the next soak of the list, or the one before it. The first one follows a time that is not listed. */
static void turn_soak(struct menu *menu, bool back)
{
    unsigned i = 0;
    while (i < SOAKS && soaks[i] != menu->soak)
        i++;
    menu->soak = soaks[i == SOAKS ? 0 : (i + (back ? SOAKS - 1 : 1)) % SOAKS];
}

static void use_line(struct menu *menu, bool back)
{
    switch (menu->cursor) {
    case START:
        menu->choice = MENU_START;
        break;
    case GROUPS:
        menu->shows_groups = true;
        menu->cursor = 0;
        break;
    case LEVELS:
        menu->five_levels = menu->levels_differ ? !menu->five_levels : menu->five_levels;
        break;
    case SOAK:
        turn_soak(menu, back);
        break;
    case REPORT:
        menu->choice = MENU_SHOW_REPORT;
        break;
    case BOOT_ON:
        menu->choice = MENU_BOOT_ON;
        break;
    default:
        menu->choice = MENU_SWITCH_OFF;
    }
}

/* Left and right change a value and never leave the menu. */
static void turn_line(struct menu *menu, bool back)
{
    if (menu->cursor == LEVELS || menu->cursor == SOAK)
        use_line(menu, back);
}

static void toggle_group(struct menu *menu)
{
    menu->groups ^= 1u << menu->cursor;
    menu->names_tests = false;
}

static void set_groups(struct menu *menu, uint32_t groups)
{
    menu->groups = groups;
    menu->names_tests = false;
}

static void leave_groups(struct menu *menu)
{
    menu->shows_groups = false;
    menu->cursor = START;
}

static void take_group_key(struct menu *menu, int key)
{
    if (key == '\r' || key == '\n' || key == MENU_KEY_ESCAPE || key == MENU_KEY_LEFT)
        leave_groups(menu);
    else if (key == ' ' || key == MENU_KEY_RIGHT)
        toggle_group(menu);
    else if (key == '*')
        set_groups(menu, ALL_GROUPS);
    else if (key == '-')
        set_groups(menu, 0);
    else if (key >= 'a' && key < 'a' + SELFTEST_GROUPS) {
        menu->cursor = (unsigned)(key - 'a');
        toggle_group(menu);
    }
}

static void take_first_page_key(struct menu *menu, int key)
{
    if (key == '\r' || key == '\n')
        use_line(menu, false);
    else if (key == MENU_KEY_LEFT || key == MENU_KEY_RIGHT)
        turn_line(menu, key == MENU_KEY_LEFT);
    else if (key >= '1' && key < '1' + LINES) {
        menu->cursor = (unsigned)(key - '1');
        use_line(menu, false);
    }
}

bool menu_take_key(struct menu *menu, int key)
{
    menu->repeated = key == menu->last_key ? menu->repeated + 1 : 1;
    menu->last_key = key;
    menu->key_came = true;
    /* A key that is stuck must not keep a machine from starting: the clock goes on without it. */
    if (menu->repeated > MENU_STUCK)
        return false;
    menu->has_clock = false;
    menu->seconds = 0;
    if (key == MENU_KEY_UP || key == MENU_KEY_DOWN)
        move(menu, key);
    else if (menu->shows_groups)
        take_group_key(menu, key);
    else
        take_first_page_key(menu, key);
    return true;
}

bool menu_take_second(struct menu *menu)
{
    if (!menu->key_came)
        menu->repeated = 0;
    menu->key_came = false;
    if (!menu->has_clock) {
        menu->has_clock = ++menu->seconds >= MENU_IDLE_SECONDS;
        menu->seconds = menu->has_clock ? MENU_SECONDS : menu->seconds;
        return menu->has_clock;
    }
    if (menu->seconds > 0)
        menu->seconds--;
    if (menu->seconds == 0)
        menu_give_up(menu);
    return true;
}

void menu_give_up(struct menu *menu)
{
    menu->choice = menu->by_itself;
}

/* ---- the picture ---- */

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
    else if (menu->groups == ALL_GROUPS || menu->groups == 0)
        format(sink, "all");
    else
        format(sink, "%u of %u", count_groups(menu), SELFTEST_GROUPS);
}

static void print_line(const struct menu *menu, unsigned line, struct format_sink *sink)
{
    static const char *const texts[LINES] = {
        "Run the tests",         "Groups of tests: ",    "Levels of the tables: ",
        "Soak (repeat): ",       "Show the last report", "Boot on, as without this stick",
        "Switch the machine off"};
    format(sink, "%c %u %s", line == menu->cursor ? '>' : ' ', line + 1, texts[line]);
    if (line == GROUPS)
        print_tests(menu, sink);
    if (line == LEVELS)
        format(sink, "%u%s", menu->five_levels ? 5 : 4, menu->levels_differ ? "" : " (no other)");
    if (line == SOAK)
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
    for (unsigned line = 0; line < line_count(menu); line++) {
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

/* ---- the choice ---- */

static void print_chosen_tests(const struct menu *menu, struct format_sink *sink)
{
    uint32_t bench = menu->groups >> SELFTEST_BENCH_GROUP & 1;
    format(sink, "bench=%s ", bench ? "yes" : "no");
    if (menu->groups == 0 || (menu->groups & ALL_GROUPS) == ALL_GROUPS) {
        format(sink, "tests=all ");
        return;
    }
    char separator = '=';
    format(sink, "tests");
    for (unsigned i = 0; i < SELFTEST_GROUPS; i++)
        if (menu->groups >> i & 1) {
            format(sink, "%c%s", separator, selftest_groups[i].name);
            separator = ',';
        }
    format(sink, " ");
}

void menu_print_options(const struct menu *menu, struct format_sink *sink)
{
    if (!menu->names_tests)
        print_chosen_tests(menu, sink);
    if (menu->levels_differ)
        format(sink, "levels=%s ", menu->five_levels ? "5" : "auto");
    if (menu->soak)
        format(sink, "soak=%lus", menu->soak);
    else
        format(sink, "soak=no");
}
