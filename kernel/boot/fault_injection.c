/* fault_injection.c - one way to end badly per value of the option crash=. */
#include "boot/fault_injection.h"
#include "console/console.h"

/*
 * Points the stack at its guard page and pushes. The push faults, and so does the processor's own push of the
 * fault's frame: a double fault.
 */
static void use_up_the_stack(uint64_t guard)
{
    __asm__ volatile("movq %0, %%rsp\n\tpushq $0" : : "r"(guard + PAGING_PAGE_BYTES) : "memory");
}

/* Raises an exception while the IDT has no entries. */
static void triple_fault(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } none = {0, 0};
    __asm__ volatile("lidt %0\n\tint3" : : "m"(none));
}

void inject_early_fault(const struct handoff *handoff)
{
    if (handoff->options.crash == CRASH_EARLY)
        __asm__ volatile("ud2");
}

void inject_fault(const struct handoff *handoff)
{
    if (handoff->options.crash == CRASH_NO || handoff->options.crash >= CRASH_IN_TEST)
        return;
    print("# fault injection: as the option crash= asks\n");
    switch (handoff->options.crash) {
    case CRASH_PAGE_FAULT:
        *(volatile uint64_t *)handoff->stack_guard = 1;
        break;
    case CRASH_GENERAL_PROTECTION: /* a non-canonical address */
        (void)*(volatile uint64_t *)(UINT64_C(1) << 63);
        break;
    case CRASH_DOUBLE_FAULT:
        use_up_the_stack(handoff->stack_guard);
        break;
    case CRASH_TRIPLE:
        triple_fault();
        break;
    default: /* CRASH_HANG */
        for (;;)
            __builtin_ia32_pause();
    }
}
