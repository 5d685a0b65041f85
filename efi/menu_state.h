/* SPDX-License-Identifier: MIT */
/*
 * menu_state.h - the menu before the exit: keys and seconds in, a picture and a choice out. It calls no
 * firmware.
 */
#ifndef EFI_MENU_STATE_H
#define EFI_MENU_STATE_H

#include "kernel/boot/options.h"
#include "kernel/console/format.h"
#include "kernel/selftest/groups.h"

/* The lines of the first page; the second one has a line for each group. */
enum menu_line {
    LINE_START,
    LINE_GROUPS,
    LINE_LEVELS,
    LINE_SOAK,
    LINE_REPORT,
    LINE_BOOT_ON,
    LINE_SWITCH_OFF,
    MENU_LINES
};

#define MENU_ALL_GROUPS ((1u << SELFTEST_BENCH_GROUP) - 1) /* without the one that measures */

/* A key is a character, or one of these. */
enum menu_key { MENU_KEY_UP = 0x100, MENU_KEY_DOWN, MENU_KEY_LEFT, MENU_KEY_RIGHT, MENU_KEY_ESCAPE };

enum menu_choice {
    MENU_OPEN, /* nothing is chosen yet */
    MENU_START,
    MENU_SHOW_REPORT,
    MENU_BOOT_ON,
    MENU_SWITCH_OFF
};

enum {
    /* How long it waits for a key, unless menu= says otherwise; and when the last run has left a report. */
    MENU_SECONDS = 3,
    MENU_REPORT_SECONDS = 20,
    MENU_IDLE_SECONDS = 90, /* a menu without keys for so long counts down again */
    MENU_STUCK = 40         /* a key that repeats this often without a second's pause is stuck */
};

struct menu {
    enum menu_choice choice;
    bool shows_groups; /* instead of the first page */
    unsigned cursor;   /* the line that Enter means */

    enum menu_choice by_itself; /* what happens if nobody presses a key */
    const char *last_run;       /* how far the last run came; NULL if that is not known */
    const char *last_report;    /* where its report is; NULL if there is none */

    bool has_clock;    /* counts down to by_itself */
    unsigned seconds;  /* left, or without a key */
    int last_key;      /* 0: none yet */
    unsigned repeated; /* how often it came without a second's pause */
    bool key_came;     /* in this second */

    bool names_tests;   /* the options name tests, and the groups have not been touched */
    uint32_t groups;    /* a bit for each that runs */
    uint64_t soak;      /* seconds; 0: no soak */
    bool levels_differ; /* there is a choice between four levels and five */
    bool five_levels;
};

/* Returns the number of lines that the cursor can be on. */
static inline unsigned menu_line_count(const struct menu *menu)
{
    return menu->shows_groups ? SELFTEST_GROUPS : MENU_LINES;
}

/* Returns the menu for what the options say. levels: those of the firmware; five: the processor has them. */
struct menu menu_begin(const struct options *options, unsigned levels, bool five);

/* Has the menu tell how far the last run came. */
void menu_tell_run(struct menu *menu, const char *last_run);

/* Has it go back to the firmware by itself, later than it would start the tests, instead of that. */
void menu_prefer_boot_on(struct menu *menu, const struct options *options);

/*
 * Has it tell where the report of the last run is. The machine was started again to have that report written,
 * so without a key the menu boots on: it must not run the tests for ever.
 */
void menu_tell_report(struct menu *menu, const struct options *options, const char *last_report);

/* Does what the key means. Returns whether the picture has changed. */
bool menu_take_key(struct menu *menu, int key);

/* A second has passed. Returns whether the last line has changed. */
bool menu_take_second(struct menu *menu);

/* Nobody can press a key any more. */
void menu_give_up(struct menu *menu);

/* ---- the picture: menu_picture.c ---- */

/* Draws the menu without its last line. columns: of the screen; 0: not known. ASCII, '\n' line ends. */
void menu_draw(const struct menu *menu, unsigned columns, struct format_sink *sink);

/* Prints the last line, of the same length each time, without a line end. */
void menu_draw_clock(const struct menu *menu, struct format_sink *sink);

/* ---- the choice ---- */

/* Prints what was chosen as options, for options_apply. */
void menu_print_options(const struct menu *menu, struct format_sink *sink);

#endif
