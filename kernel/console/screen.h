/* SPDX-License-Identifier: MIT */
/*
 * screen.h - prints text on a framebuffer: on all of it, or in some rows of it.
 *
 * The characters on the screen are also kept in ordinary memory: scrolling repaints only the cells that
 * change and never reads the framebuffer, which is slow to read.
 */
#ifndef KERNEL_CONSOLE_SCREEN_H
#define KERNEL_CONSOLE_SCREEN_H

#include "console/canvas.h"

/* Clears the screen. Returns false, and screen_put does nothing, if the framebuffer is too small for text. */
bool screen_start(const struct framebuffer *framebuffer);

void screen_put(char c);

/* Returns what the text is drawn on, or NULL if there is none. */
const struct canvas *screen_canvas(void);

/*
 * Confines the text to rows first to end (not included) of the screen, at least two, without the first
 * `margin` columns, and leaves the other rows to the caller. The last lines come along.
 */
void screen_confine(unsigned first, unsigned end, unsigned margin);

/* Makes the rows of the text empty, and begins at the first of them. */
void screen_clear(void);

/*
 * Goes on with the last of those lines of a text that `wanted` says yes to (NULL: of all lines), as many as
 * leave so many rows below them free.
 */
typedef bool screen_line_filter(const char *line, size_t length);
void screen_put_end_of(const char *text, size_t length, screen_line_filter *wanted, unsigned free_rows);

/* Keeps characters without painting them while something else is shown, or paints what was kept. */
void screen_hide(bool hidden);

#endif
