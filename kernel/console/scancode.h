/* SPDX-License-Identifier: MIT */
/*
 * scancode.h - turns the bytes of a keyboard into keys: scan code set 1, which a PC's keyboard controller
 * translates every keyboard to.
 *
 * A key sends its make code when it goes down and again while it is held, and a break code (the same with
 * bit 7 set) when it goes up. Keys that the first keyboard did not have send E0 before both:
 *
 *   Page Up    E0 49   keypad 9   49     with NumLock on, Page Up is E0 2A E0 49: a shift that is not there
 *   Page Down  E0 51   keypad 3   51     Pause is E1 1D 45 E1 9D C5, and has no code for going up
 */
#ifndef KERNEL_CONSOLE_SCANCODE_H
#define KERNEL_CONSOLE_SCANCODE_H

#include <stdbool.h>
#include <stdint.h>

enum key { KEY_NONE, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_OTHER };

/* What is left of a sequence that has begun. All zero: nothing has. */
struct scancode_decoder {
    bool extended;     /* E0 has come */
    unsigned of_pause; /* bytes of Pause that are still to come */
};

/* Returns the key that goes down with this byte, or KEY_NONE. Any byte is allowed at any time. */
enum key scancode_decode(struct scancode_decoder *decoder, uint8_t byte);

#endif
