/* SPDX-License-Identifier: MIT */
/*
 * keyboard.h - asks a PS/2 keyboard (controller i8042) for keys, without interrupts.
 *
 * A USB keyboard answers here as long as the firmware emulates a PS/2 one. Every wait is bounded, so that a
 * machine without a controller, or with one that stops answering, goes on.
 */
#ifndef KERNEL_CONSOLE_KEYBOARD_H
#define KERNEL_CONSOLE_KEYBOARD_H

#include "console/scancode.h"

/*
 * Returns false, and keyboard_poll always returns KEY_NONE, if no controller answers. Switches its interrupts
 * and its mouse off, and the translation to scan code set 1 on. What was typed before is dropped.
 */
bool keyboard_start(void);

/* Returns the next key that went down, or KEY_NONE if there is none yet. Takes a few microseconds at most. */
enum key keyboard_poll(void);

#endif
