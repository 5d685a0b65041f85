/* SPDX-License-Identifier: MIT */
/* broken/main.c - a kernel that ends in each way that test/users/run must not take for a success. */
#include "boot.h"

#define NOTHING ((uint64_t)BOOT_KERNEL_BASE + BOOT_MEMORY_LIMIT) /* two addresses where nothing is mapped */
#define LOOP    (NOTHING + PAGING_PAGE_BYTES)

static void triple_fault(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } no_table = {0, 0};
    __asm__ volatile("lidt %0; ud2" : : "m"(no_table));
}

static void reset(void)
{
    __asm__ volatile("outb %b0, $0x64" : : "a"(0xfe)); /* by the keyboard controller */
    for (;;)
        __asm__ volatile("hlt");
}

bool kernel_page_fault(uint64_t address, uint64_t error_code)
{
    (void)error_code;
    return address == LOOP; /* a lie: nothing has been mapped there, and the access faults again */
}

_Noreturn void kernel_main(const struct boot_info *info)
{
    boot_processor();
    tap_plan(2);
    tap(true, "it starts");
    switch (*(const char *)info->command_line) {
    case 't':
        triple_fault();
        break;
    case 'r':
        reset();
        break;
    case 'h':
        for (;;)
            __asm__ volatile("hlt");
    case 'e':
        *(volatile char *)NOTHING = 1;
        break;
    case 'l':
        *(volatile char *)LOOP = 1;
        break;
    case 'f':
        tap(false, "it does not end well");
        break;
    case 'm':
        break; /* a test is missing */
    case 's':
        __asm__ volatile("outb %b0, $0xf4" : : "a"(0x10));
        break; /* the same, and says that all is well */
    default:
        tap(true, "it ends well");
    }
    tap_end();
}
