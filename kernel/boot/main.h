/*
 * main.h - where the kernel's half begins, on its own stack and tables.
 */
#ifndef KERNEL_BOOT_MAIN_H
#define KERNEL_BOOT_MAIN_H

#include "boot/handoff.h"

_Noreturn void kernel_main(struct handoff *handoff);

#endif
