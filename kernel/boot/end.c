/* SPDX-License-Identifier: MIT */
/* end.c - asks the firmware or QEMU to end the run. The processor halts where neither does. */
#include "boot/end.h"
#include "boot/runtime_space.h"
#include "console/console.h"
#include "console/format.h"
#include "console/keyboard.h"
#include "console/ports.h"
#include "console/uart.h"
#include "cpu/cpuid.h"
#include "cpu/instructions.h"
#include "cpu/tsc_rate.h"
#include "display/display.h"

enum { DEBUG_EXIT_PORT = 0xf4, EXIT_PASSED = 0x10, EXIT_FAILED = 0x11 };
enum { RESET_COLD = 0, RESET_WARM = 1, RESET_SHUTDOWN = 2 }; /* UEFI 2.10, 8.5.1 */

static const struct handoff *handoff;

/*
 * Calls the firmware in the space that maps its code and data one to one, as the call needs them (UEFI 2.10,
 * 8.5.1).
 */
static void reset_system(int type)
{
    typedef void(__attribute__((ms_abi)) * reset_fn)(int type, uint64_t status, uint64_t bytes, void *data);
    if (!handoff->reset_system.value)
        return;
    runtime_space_enter();
    ((reset_fn)handoff->reset_system.value)(type, 0, 0, NULL);
    runtime_space_leave();
}

/* Without a display: returns true if a key was pressed within the seconds. */
static bool key_within(unsigned seconds)
{
    uint64_t rate = tsc_rate(), start = read_tsc();
    (void)keyboard_start();
    do {
        if (keyboard_poll() != KEY_NONE)
            return true;
    } while (read_tsc() - start < seconds * (rate ? rate : TSC_RATE_IF_UNKNOWN));
    return false;
}

/*
 * Resets the machine so that memory stays as it is, and the loader of the next start writes the report. A
 * person gets the time to read the screen before that, and can keep it.
 */
static void store(void)
{
    const struct options *options = &handoff->options;
    unsigned seconds = options->wait_is_set ? options->wait_seconds : OPTION_WAIT_SECONDS;
    print("In %u second%s the machine restarts, and Selfmap writes this report to the\n"
          "folder \\SELFMAP of the volume that it was started from. A key stops that.\n",
          seconds, seconds == 1 ? "" : "s");
    if (!display_for(seconds) && key_within(seconds)) {
        print("Stopped: the report is in memory until the machine is switched off, and is not written.\n");
        return;
    }
    print("Restarting.\n");
    reset_system(RESET_WARM);
    print("The firmware did not restart the machine. If it has a reset button, that may do.\n");
}

static void store_or_say_why_not(void)
{
    if (handoff->can_store)
        store();
    else
        print("The report cannot be stored: %s\n", handoff->store);
}

/* Says once more what did not work, where the first page of the screen shows it. */
static void name_unused_ports(void)
{
    char port[HANDOFF_TEXT_LIMIT];
    for (unsigned i = 0; i < handoff->serial_count; i++)
        if (console_serial_fault(i)) {
            struct text_sink sink = text_sink(port, sizeof port);
            uart_describe(&handoff->serial[i], &sink.sink);
            print("No report on the serial port %s: %s\n", port, console_serial_fault(i));
        }
}

void end_prepare(const struct handoff *from)
{
    handoff = from;
}

_Noreturn void end_run(bool passed)
{
    static bool was_tried;
    bool again = was_tried;
    enum end_action action = again ? END_AUTO : handoff->options.end;
    was_tried = true;
    switch (action) {
    case END_SHUTDOWN:
        reset_system(RESET_SHUTDOWN);
        break;
    case END_RESET:
        reset_system(RESET_COLD);
        break;
    case END_AUTO:
        if (machine_is_qemu(handoff->rsdp_oem))
            port_write8(DEBUG_EXIT_PORT, passed ? EXIT_PASSED : EXIT_FAILED);
        if (!again && handoff->options.store != STORE_NO)
            store_or_say_why_not();
        break;
    case END_STORE:
        store_or_say_why_not();
        break;
    case END_HALT:
        break;
    }
    name_unused_ports();
    print("The report ends here; the machine can be switched off.\n");
    display_after_end();
    cpu_halt();
}
