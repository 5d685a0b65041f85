/* SPDX-License-Identifier: MIT */
/* keyboard.c - an i8042 keyboard controller that is polled. */
#include "console/keyboard.h"
#include "console/ports.h"

enum {
    DATA = 0x60,
    STATUS = 0x64, /* read; a write is a command */
    OUTPUT_FULL = 0x01,
    INPUT_FULL = 0x02,
    FROM_MOUSE = 0x20,
    ABSENT = 0xff, /* what nobody drives reads as ones */
    READ_CONFIGURATION = 0x20,
    WRITE_CONFIGURATION = 0x60,
    DISABLE_KEYBOARD = 0xad,
    ENABLE_KEYBOARD = 0xae,
    INTERRUPTS = 0x03, /* bits of the configuration */
    KEYBOARD_CLOCK_OFF = 0x10,
    MOUSE_CLOCK_OFF = 0x20,
    TRANSLATED = 0x40,
    SELECT_SET = 0xf0, /* commands to the keyboard itself */
    SET_2 = 0x02,      /* the one that is translated */
    ENABLE_SCANNING = 0xf4,
    WAIT_TRIES = 50000,  /* a read takes about a microsecond, an answer at most 20 ms */
    BYTES_AT_A_TIME = 16 /* as many as a controller holds */
};

static bool present;
static struct scancode_decoder decoder;

/* Returns whether all these bits of the status become `wanted`, within a bounded time. */
static bool wait_for(uint8_t bits, uint8_t wanted)
{
    for (unsigned tries = 0; tries < WAIT_TRIES; tries++) {
        if ((port_read8(STATUS) & bits) == wanted)
            return true;
        __builtin_ia32_pause();
    }
    return false;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_for(INPUT_FULL, 0))
        return false;
    port_write8(port, byte);
    return true;
}

static bool receive(uint8_t *byte)
{
    if (!wait_for(OUTPUT_FULL, OUTPUT_FULL))
        return false;
    *byte = port_read8(DATA);
    return true;
}

static void drop_old_bytes(void)
{
    for (unsigned i = 0; i < BYTES_AT_A_TIME && (port_read8(STATUS) & OUTPUT_FULL); i++)
        (void)port_read8(DATA);
}

/* A keyboard that does not know the command says so, and one that firmware emulates may be silent. */
static void tell_keyboard(uint8_t byte)
{
    uint8_t ignored;
    if (send(DATA, byte))
        (void)receive(&ignored);
}

/* Reads and sets the configuration while the keyboard is silent, so that no key is taken for the answer. */
static bool configure(void)
{
    uint8_t configuration;
    if (!send(STATUS, DISABLE_KEYBOARD))
        return false;
    drop_old_bytes();
    if (!send(STATUS, READ_CONFIGURATION) || !receive(&configuration))
        return false;
    bool was_translated = configuration & TRANSLATED;
    configuration &= (uint8_t) ~(INTERRUPTS | KEYBOARD_CLOCK_OFF);
    configuration |= TRANSLATED | MOUSE_CLOCK_OFF;
    if (!send(STATUS, WRITE_CONFIGURATION) || !send(DATA, configuration) || !send(STATUS, ENABLE_KEYBOARD))
        return false;
    if (!was_translated) { /* then firmware may have chosen another set */
        tell_keyboard(SELECT_SET);
        tell_keyboard(SET_2);
    }
    tell_keyboard(ENABLE_SCANNING);
    drop_old_bytes();
    return true;
}

bool keyboard_start(void)
{
    decoder = (struct scancode_decoder){0};
    present = port_read8(STATUS) != ABSENT && configure();
    return present;
}

enum key keyboard_poll(void)
{
    enum key key = KEY_NONE;
    for (unsigned i = 0; present && key == KEY_NONE && i < BYTES_AT_A_TIME; i++) {
        uint8_t status = port_read8(STATUS);
        if (status == ABSENT || !(status & OUTPUT_FULL))
            return KEY_NONE;
        uint8_t byte = port_read8(DATA);
        if (!(status & FROM_MOUSE))
            key = scancode_decode(&decoder, byte);
    }
    return key;
}
