/*
 * screen.h - prints text on a linear framebuffer.
 *
 * The font is a PSF file that the build puts into the image. The characters on the screen are also kept in
 * ordinary memory: scrolling repaints only the cells that change and never reads the framebuffer, which is
 * slow to read.
 */
#ifndef KERNEL_CONSOLE_SCREEN_H
#define KERNEL_CONSOLE_SCREEN_H

#include "console/framebuffer.h"

/* Clears the screen. Returns false, and screen_put does nothing, if the framebuffer is too small for text. */
bool screen_start(const struct framebuffer *framebuffer);

void screen_put(char c);

#endif
