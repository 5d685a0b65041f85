/* SPDX-License-Identifier: MIT */
/* scancode.c - scan code set 1, as far as it is needed to turn pages. */
#include "console/scancode.h"

enum {
    EXTENDED = 0xe0,
    PAUSE = 0xe1,
    BREAK = 0x80,
    KEYPAD_9 = 0x49,
    KEYPAD_3 = 0x51,
    LEFT_SHIFT = 0x2a,
    RIGHT_SHIFT = 0x36,
};

enum key scancode_decode(struct scancode_decoder *decoder, uint8_t byte)
{
    bool extended = decoder->extended;
    decoder->extended = byte == EXTENDED;
    if (byte == PAUSE) {
        decoder->of_pause = 2;
        return KEY_NONE;
    }
    if (decoder->of_pause > 0) {
        decoder->of_pause--;
        return decoder->of_pause == 0 && !(byte & BREAK) ? KEY_OTHER : KEY_NONE;
    }
    /* Zero is what a keyboard sends when its buffer has overflowed. Its answers have bit 7 set too. */
    if (byte == 0 || (byte & BREAK) || (extended && (byte == LEFT_SHIFT || byte == RIGHT_SHIFT)))
        return KEY_NONE;
    if (byte == KEYPAD_9)
        return KEY_PAGE_UP;
    return byte == KEYPAD_3 ? KEY_PAGE_DOWN : KEY_OTHER;
}
