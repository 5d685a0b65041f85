/* SPDX-License-Identifier: MIT */
/* fault_injection.c - one way to end badly per value of the option crash=. */
#include "boot/fault_injection.h"
#include "boot/bad_mappings.h"
#include "console/console.h"
#include "cpu/descriptors.h"
#include "cpu/exceptions.h"

enum { FEW_FRAMES = 300, FIRST_OF_LDT = 4 /* a selector */, INTERRUPT_STACK = 3 /* descriptors_stack */ };

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

/*
 * Writes to an address where nothing is, with a value of its own in every register, so that a report can be
 * compared to the last digit. The stack pointer ends with e08, because the stack ends with a page.
 */
_Noreturn static void fault_with_known_registers(uint64_t stack_top)
{
    __asm__ volatile("leaq -0x1f8(%0), %%rsp\n\t"
                     "pushq $0xcd7\n\t" /* all flags of results, and the direction flag */
                     "popfq\n\t"
                     "movabsq $0x1a1a1a1a00000001, %%rax\n\t"
                     "movabsq $0x0000012345678008, %%rbx\n\t"
                     "movabsq $0x1c1c1c1c00000003, %%rcx\n\t"
                     "movabsq $0x1d1d1d1d00000004, %%rdx\n\t"
                     "movabsq $0x1e1e1e1e00000005, %%rsi\n\t"
                     "movabsq $0x1f1f1f1f00000006, %%rdi\n\t"
                     "movabsq $0x2020202000000007, %%rbp\n\t"
                     "movabsq $0x0808080800000008, %%r8\n\t"
                     "movabsq $0x0909090900000009, %%r9\n\t"
                     "movabsq $0x101010100000000a, %%r10\n\t"
                     "movabsq $0x111111110000000b, %%r11\n\t"
                     "movabsq $0x121212120000000c, %%r12\n\t"
                     "movabsq $0x131313130000000d, %%r13\n\t"
                     "movabsq $0x141414140000000e, %%r14\n\t"
                     "movabsq $0x151515150000000f, %%r15\n\t"
                     "movq %%rax, (%%rbx)\n\t"
                     "ud2"
                     :
                     : "r"(stack_top)
                     : "memory");
    __builtin_unreachable();
}

/* Loads the stack segment with a descriptor that is not present. */
static void stack_fault(void)
{
    static const uint64_t absent = 0x00cf13000000ffff; /* data, ring 0 (SDM 3A, figure 3-8) */
    descriptors_set_ldt((uint64_t)(uintptr_t)&absent);
    __asm__ volatile("movl %0, %%ss" : : "r"(FIRST_OF_LDT));
}

/* Loads a selector of the LDT, which has no entries. */
static void use_missing_descriptor(void)
{
    __asm__ volatile("movl %0, %%ds" : : "r"(0x1fc));
}

/* Faults, and once more when the first fault is explained: the space is at an address where nothing is. */
static void fault_while_explaining(uint64_t guard)
{
    exceptions_set_active_space((const struct paging_space *)guard);
    *(volatile uint64_t *)guard = 1;
}

/* Takes all frames except a few, and never gives them back: the tests must fail, and do no harm. */
static void take_frames(struct frames *frames)
{
    paging_frame_t frame;
    for (enum paging_size size = PAGING_1G; size >= PAGING_4K; size--)
        while (frames_free_count(frames) >= FEW_FRAMES + paging_level_pages(size) &&
               frames_allocate(frames, size, &frame) == FRAMES_OK)
            ;
}

void inject_early_fault(const struct handoff *handoff)
{
    if (handoff->options.crash == CRASH_EARLY)
        __asm__ volatile("ud2");
}

void inject_fault(struct handoff *handoff, struct frames *frames)
{
    enum crash_kind crash = handoff->options.crash;
    if (crash == CRASH_NO || crash == CRASH_IN_TEST || crash == CRASH_HANG_IN_TEST)
        return;
    print("# fault injection: as the option crash= asks\n");
    switch (crash) {
    case CRASH_PAGE_FAULT:
        *(volatile uint64_t *)handoff->stack_guard = 1;
        break;
    case CRASH_GENERAL_PROTECTION: /* a non-canonical address */
        (void)*(volatile uint64_t *)(UINT64_C(1) << 63);
        break;
    case CRASH_DOUBLE_FAULT:
        use_up_the_stack(handoff->stack_guard);
        break;
    case CRASH_INTERRUPT_STACK:
        use_up_the_stack(descriptors_stack(INTERRUPT_STACK).guard);
        break;
    case CRASH_TRIPLE:
        triple_fault();
        break;
    case CRASH_REGISTERS:
        fault_with_known_registers(handoff->stack_top);
    case CRASH_STACK_SEGMENT:
        stack_fault();
        break;
    case CRASH_DESCRIPTOR:
        use_missing_descriptor();
        break;
    case CRASH_NESTED:
        fault_while_explaining(handoff->stack_guard);
        break;
    case CRASH_FEW_FRAMES:
        take_frames(frames);
        break;
    case CRASH_BAD_MAPPINGS:
        bad_mappings_make(&handoff->space, frames);
        break;
    default: /* CRASH_HANG */
        for (;;)
            __builtin_ia32_pause();
    }
}
