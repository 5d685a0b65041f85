/* end.c - asks the firmware or QEMU to end the run. The processor halts where neither does. */
#include "boot/end.h"
#include "console/console.h"
#include "console/ports.h"
#include "cpu/cpuid.h"
#include "cpu/instructions.h"
#include "display/display.h"

enum { DEBUG_EXIT_PORT = 0xf4, EXIT_PASSED = 0x10, EXIT_FAILED = 0x11 };
enum { RESET_COLD = 0, RESET_SHUTDOWN = 2 }; /* UEFI 2.10, 8.5.1 */

static const struct handoff *handoff;

/* Calls the firmware. Its code and data are mapped one to one, as the call needs them (UEFI 2.10, 8.5.1). */
static void reset_system(int type)
{
    typedef void(__attribute__((ms_abi)) * reset_fn)(int type, uint64_t status, uint64_t bytes, void *data);
    if (handoff->reset_system.value)
        ((reset_fn)handoff->reset_system.value)(type, 0, 0, NULL);
}

void end_prepare(const struct handoff *from)
{
    handoff = from;
}

_Noreturn void end_run(bool passed)
{
    static bool was_tried;
    enum end_action action = was_tried ? END_AUTO : handoff->options.end;
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
        break;
    case END_HALT:
        break;
    }
    print("The report ends here; the machine can be switched off.\n");
    display_after_end();
    cpu_halt();
}
