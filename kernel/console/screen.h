/*
 * screen.h - text on a linear framebuffer.
 *
 * The font is a PSF file built into the image. What stands on the screen is kept in ordinary memory, so that
 * scrolling repaints only the cells that change and never reads the framebuffer, which is slow.
 */
#ifndef KERNEL_CONSOLE_SCREEN_H
#define KERNEL_CONSOLE_SCREEN_H

#include "boot/handoff.h"

/* False, and screen_put does nothing from then on, if there is no framebuffer that holds text. */
bool screen_start(const struct framebuffer *framebuffer);
void screen_put(char c);

#endif
