/* SPDX-License-Identifier: MIT */
/*
 * main.h - the kernel's life after the switch.
 */
#ifndef KERNEL_BOOT_MAIN_H
#define KERNEL_BOOT_MAIN_H

#include "boot/handoff.h"

/* Runs on the kernel's own tables and stack, with interrupts off. */
_Noreturn void kernel_main(struct handoff *handoff);

#endif
