/* serial.c - a 16550 that is used only after it passed a loopback test. */
#include "console/serial.h"
#include "console/ports.h"

enum {
    COM1 = 0x3f8,
    DATA = COM1,
    DIVISOR_LOW = COM1,
    DIVISOR_HIGH = COM1 + 1,
    INTERRUPTS = COM1 + 1,
    FIFO_CONTROL = COM1 + 2,
    LINE_CONTROL = COM1 + 3,
    MODEM_CONTROL = COM1 + 4,
    LINE_STATUS = COM1 + 5,
    LATCH_DIVISOR = 0x80,
    EIGHT_BITS = 0x03,
    LOOP_BACK = 0x1e,
    READY_AND_OUT = 0x0f,
    TRANSMIT_EMPTY = 0x20,
    TRANSMITTER_IDLE = 0x40,
    DATA_READY = 0x01,
};

static bool present;

/* Returns false after a million tries: a port that stops answering must not stop the run. */
static bool wait_for(uint8_t bit)
{
    for (unsigned tries = 0; tries < 1000000; tries++) {
        if (port_read8(LINE_STATUS) & bit)
            return true;
        __builtin_ia32_pause();
    }
    return false;
}

static bool echoes(uint8_t byte)
{
    port_write8(DATA, byte);
    return wait_for(DATA_READY) && port_read8(DATA) == byte;
}

bool serial_start(void)
{
    /* An absent chip reads as ones. Bit 7 of the interrupt enable register of a present one is zero. */
    if (port_read8(LINE_STATUS) == 0xff || port_read8(INTERRUPTS) == 0xff)
        return false;
    /* Characters of the firmware may still be in the transmitter. */
    (void)wait_for(TRANSMITTER_IDLE);
    port_write8(INTERRUPTS, 0);
    port_write8(LINE_CONTROL, LATCH_DIVISOR);
    port_write8(DIVISOR_LOW, 1);
    port_write8(DIVISOR_HIGH, 0);
    port_write8(LINE_CONTROL, EIGHT_BITS);
    port_write8(FIFO_CONTROL, 0x07); /* enabled, both directions emptied */
    port_write8(MODEM_CONTROL, LOOP_BACK);
    present = echoes(0x53) && echoes(0xac);
    port_write8(MODEM_CONTROL, READY_AND_OUT);
    return present;
}

void serial_put(char c)
{
    if (!present)
        return;
    present = wait_for(TRANSMIT_EMPTY);
    port_write8(DATA, (uint8_t)c);
}
