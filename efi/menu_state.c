/* SPDX-License-Identifier: MIT */
/* menu_state.c - what keys and seconds do, and the choice as options. */
#include "menu_state.h"

static const uint64_t soaks[] = {0, 600, 3600, 8 * 3600ull, 24 * 3600ull};
enum { SOAKS = sizeof soaks / sizeof soaks[0] };

struct menu menu_begin(const struct options *options, unsigned levels, bool five)
{
    return (struct menu){
        .by_itself = MENU_START,
        .has_clock = true,
        .seconds = options->menu_seconds ? options->menu_seconds : MENU_SECONDS,
        .names_tests = options->tests[0] != '\0',
        .groups = MENU_ALL_GROUPS | (options->bench ? 1u << SELFTEST_BENCH_GROUP : 0),
        .soak = options->soak_seconds,
        .levels_differ = levels == 4 && five,
        .five_levels = levels == 5 || (options->five_levels && five),
    };
}

void menu_tell_run(struct menu *menu, const char *last_run)
{
    menu->last_run = last_run;
}

void menu_prefer_boot_on(struct menu *menu, const struct options *options)
{
    menu->by_itself = MENU_BOOT_ON;
    menu->cursor = LINE_BOOT_ON;
    menu->seconds = options->menu_seconds ? options->menu_seconds : MENU_REPORT_SECONDS;
}

void menu_tell_report(struct menu *menu, const struct options *options, const char *last_report)
{
    menu->last_report = last_report;
    menu_prefer_boot_on(menu, options);
}

/* ---- keys ---- */

static void move(struct menu *menu, int key)
{
    unsigned lines = menu_line_count(menu);
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
    case LINE_START:
        menu->choice = MENU_START;
        break;
    case LINE_GROUPS:
        menu->shows_groups = true;
        menu->cursor = 0;
        break;
    case LINE_LEVELS:
        menu->five_levels = menu->levels_differ ? !menu->five_levels : menu->five_levels;
        break;
    case LINE_SOAK:
        turn_soak(menu, back);
        break;
    case LINE_REPORT:
        menu->choice = MENU_SHOW_REPORT;
        break;
    case LINE_BOOT_ON:
        menu->choice = MENU_BOOT_ON;
        break;
    default:
        menu->choice = MENU_SWITCH_OFF;
    }
}

/* Left and right change a value and never leave the menu. */
static void turn_line(struct menu *menu, bool back)
{
    if (menu->cursor == LINE_LEVELS || menu->cursor == LINE_SOAK)
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
    menu->cursor = LINE_START;
}

static void take_group_key(struct menu *menu, int key)
{
    if (key == '\r' || key == '\n' || key == MENU_KEY_ESCAPE || key == MENU_KEY_LEFT)
        leave_groups(menu);
    else if (key == ' ' || key == MENU_KEY_RIGHT)
        toggle_group(menu);
    else if (key == '*')
        set_groups(menu, MENU_ALL_GROUPS);
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
    else if (key >= '1' && key < '1' + MENU_LINES) {
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

/* ---- the choice ---- */

static void print_chosen_tests(const struct menu *menu, struct format_sink *sink)
{
    uint32_t bench = menu->groups >> SELFTEST_BENCH_GROUP & 1;
    format(sink, "bench=%s ", bench ? "yes" : "no");
    if (menu->groups == 0 || (menu->groups & MENU_ALL_GROUPS) == MENU_ALL_GROUPS) {
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
