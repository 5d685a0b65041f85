/* SPDX-License-Identifier: MIT */
/* keyboard: which bytes are which key, and a controller that may be absent, slow, odd or silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "devices/console/ports.h"
#include "kernel/console/keyboard.h"

enum { QUEUE = 64, NEVER = 1 << 30 };

/* An i8042 with a keyboard that can send in set 1 or 2, and a queue of what is to be read. */
static struct {
    bool absent, keyboard_dead;
    unsigned answers_left; /* the controller hangs afterwards */
    uint8_t configuration, command;
    bool keyboard_silent, scanning;
    unsigned set;
    uint8_t of_keyboard; /* the command whose parameter comes next */
    uint8_t queue[QUEUE];
    bool from_mouse[QUEUE];
    unsigned length;
    unsigned long reads;
} chip;

static void queue_byte(uint8_t byte, bool from_mouse)
{
    assert_true(chip.length < QUEUE);
    chip.queue[chip.length] = byte;
    chip.from_mouse[chip.length++] = from_mouse;
}

static void type(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        queue_byte((uint8_t)bytes[i], false);
}
#define TYPE(bytes) type(bytes, sizeof(bytes) - 1)

static void keyboard_gets(uint8_t byte)
{
    if (chip.keyboard_dead)
        return;
    if (chip.of_keyboard == 0xf0)
        chip.set = byte;
    if (byte == 0xf4 && chip.of_keyboard == 0)
        chip.scanning = true;
    chip.of_keyboard = chip.of_keyboard == 0 && byte == 0xf0 ? byte : 0;
    queue_byte(0xfa, false);
}

void port_write8(uint16_t port, uint8_t value)
{
    if (port == 0x64 && value == 0x20 && chip.answers_left > 0)
        queue_byte(chip.configuration, false);
    if (port == 0x64 && (value == 0xad || value == 0xae))
        chip.keyboard_silent = value == 0xad;
    if (port == 0x60 && chip.command == 0x60)
        chip.configuration = value;
    else if (port == 0x60)
        keyboard_gets(value);
    chip.command = port == 0x64 ? value : 0;
}

uint8_t port_read8(uint16_t port)
{
    chip.reads++;
    if (chip.absent)
        return 0xff;
    if (port == 0x64)
        return (uint8_t)(chip.length > 0 ? 0x01 | (chip.from_mouse[0] ? 0x20 : 0) : 0);
    assert_int_equal(port, 0x60);
    uint8_t byte = chip.queue[0];
    if (chip.length > 0) {
        chip.length--;
        memmove(chip.queue, chip.queue + 1, chip.length);
        memmove(chip.from_mouse, chip.from_mouse + 1, chip.length * sizeof(bool));
    }
    return byte;
}

/* As a PC's firmware leaves it: translated, with interrupts on and the mouse running. */
static int power_on(void **state)
{
    memset(&chip, 0, sizeof chip);
    chip.answers_left = NEVER;
    chip.configuration = 0x47;
    chip.set = 2;
    return 0;
}

/* Compares what a text of bytes decodes to with a text of keys: u, d, o, and . for none. */
static void check_decoding(const char *bytes, size_t count, const char *keys)
{
    struct scancode_decoder decoder = {0};
    assert_int_equal(strlen(keys), count);
    for (size_t i = 0; i < count; i++) {
        char seen = ".udo"[scancode_decode(&decoder, (uint8_t)bytes[i])];
        if (seen != keys[i])
            fail_msg("byte %zu of %zu: %c instead of %c", i, count, seen, keys[i]);
    }
}
#define DECODES(bytes, keys) check_decoding(bytes, sizeof(bytes) - 1, keys)

static void page_keys(void **state)
{
    DECODES("\xe0\x49\xe0\xc9", ".u..");
    DECODES("\xe0\x51\xe0\xd1", ".d..");
    DECODES("\x49\xc9\x51\xd1", "u.d.");
    DECODES("\xe0\x49\xe0\x49\xe0\xc9", ".u.u..");
    DECODES("\xe0\x2a\xe0\x49\xe0\xc9\xe0\xaa", "...u....");
    DECODES("\xe0\x36\xe0\x51\xe0\xd1\xe0\xb6", "...d....");
}

static void other_keys(void **state)
{
    DECODES("\x1e\x9e", "o.");
    DECODES("\x2a\x1e\x9e\xaa", "oo..");
    DECODES("\xe0\x1c\xe0\x9c", ".o..");
    DECODES("\xe1\x1d\x45\xe1\x9d\xc5\x49", "..o...u");
    DECODES("\xe1\x1d\x49", "..o"); /* the third byte of Pause, whatever it is */
}

static void answers_and_noise(void **state)
{
    DECODES("\xfa\xfe\xaa\xee\xff\x00\x49", "......u");
    DECODES("\xe0\xe0\x49", "..u");
    DECODES("\xe0\xe1\x1d\x45\x51", "...od");
    DECODES("\xe0\xff\x2a", "..o"); /* the E0 was used up */
}

static void started_as_found(void **state)
{
    assert_true(keyboard_start());
    assert_int_equal(chip.configuration, 0x64); /* no interrupts, no mouse, translated */
    assert_true(chip.scanning);
    assert_false(chip.keyboard_silent);
    assert_int_equal(chip.length, 0);
    assert_int_equal(chip.set, 2);
    assert_int_equal(keyboard_poll(), KEY_NONE);
    TYPE("\xe0\x49\xe0\xc9\xe0\x51\x1e");
    assert_int_equal(keyboard_poll(), KEY_PAGE_UP);
    assert_int_equal(keyboard_poll(), KEY_PAGE_DOWN);
    assert_int_equal(keyboard_poll(), KEY_OTHER);
    assert_int_equal(keyboard_poll(), KEY_NONE);
}

static void translation_is_switched_on(void **state)
{
    chip.configuration = 0x13; /* not translated, and the keyboard's clock is off */
    chip.set = 1;
    assert_true(keyboard_start());
    assert_int_equal(chip.configuration, 0x60);
    assert_int_equal(chip.set, 2);
}

static void old_bytes_are_dropped(void **state)
{
    TYPE("\xe0\x49\x1e\x9e");
    queue_byte(0x08, true);
    assert_true(keyboard_start());
    assert_int_equal(chip.configuration, 0x64);
    assert_int_equal(keyboard_poll(), KEY_NONE);
}

static void mouse_bytes_are_skipped(void **state)
{
    assert_true(keyboard_start());
    queue_byte(0xe0, false);
    queue_byte(0x51, true); /* between the two bytes of a key */
    queue_byte(0x49, true);
    queue_byte(0x49, false);
    assert_int_equal(keyboard_poll(), KEY_PAGE_UP);
    for (unsigned i = 0; i < 40; i++)
        queue_byte(0x49, true);
    assert_int_equal(keyboard_poll(), KEY_NONE); /* it does not stay for ever */
    assert_int_equal(chip.length, 24);
}

static void absent_controller(void **state)
{
    chip.absent = true;
    assert_false(keyboard_start());
    assert_true(chip.reads < 4);
    assert_int_equal(keyboard_poll(), KEY_NONE);
    chip.absent = false;
    TYPE("\x49");
    assert_int_equal(keyboard_poll(), KEY_NONE); /* it was not started */
}

static void silent_controller(void **state)
{
    chip.answers_left = 0;
    assert_false(keyboard_start());
    assert_in_range(chip.reads, 1000, 200000);
}

static void dead_keyboard(void **state)
{
    chip.keyboard_dead = true;
    assert_true(keyboard_start()); /* one may be plugged in later */
    assert_in_range(chip.reads, 1000, 400000);
}

static void unplugged_later(void **state)
{
    assert_true(keyboard_start());
    chip.absent = true;
    assert_int_equal(keyboard_poll(), KEY_NONE);
}

#define KEYBOARD_TEST(name, function)        \
    {                                        \
        name, function, power_on, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYBOARD_TEST("keyboard: Page Up and Page Down, also those of the keypad", page_keys),
        KEYBOARD_TEST("keyboard: any other key that goes down is another key", other_keys),
        KEYBOARD_TEST("keyboard: answers, overflows and broken sequences are no keys", answers_and_noise),
        KEYBOARD_TEST("keyboard: interrupts and mouse are switched off, and keys arrive", started_as_found),
        KEYBOARD_TEST("keyboard: a controller that does not translate is made to",
                      translation_is_switched_on),
        KEYBOARD_TEST("keyboard: what was typed before is dropped", old_bytes_are_dropped),
        KEYBOARD_TEST("keyboard: bytes of a mouse are skipped, and do not keep it busy",
                      mouse_bytes_are_skipped),
        KEYBOARD_TEST("keyboard: an absent controller is noticed at once", absent_controller),
        KEYBOARD_TEST("keyboard: a controller that does not answer is given up", silent_controller),
        KEYBOARD_TEST("keyboard: a keyboard that does not answer takes bounded time", dead_keyboard),
        KEYBOARD_TEST("keyboard: a controller that goes away sends no keys", unplugged_later),
    };
    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
