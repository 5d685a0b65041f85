/* SPDX-License-Identifier: MIT */
/*
 * fault_injection.h - makes the kernel end badly, to show that it is noticed and explained (option crash=).
 */
#ifndef KERNEL_BOOT_FAULT_INJECTION_H
#define KERNEL_BOOT_FAULT_INJECTION_H

#include "boot/handoff.h"
#include "frames/frames.h"

/* With crash=early: raises #UD while CR3 still holds the firmware's root. */
void inject_early_fault(const struct handoff *handoff);

/*
 * With any other crash= except no and in-test: does what the option names. Returns only from
 * crash=few-frames, which leaves `frames` with a few hundred frames, and crash=bad-mappings (bad_mappings.h).
 */
void inject_fault(struct handoff *handoff, struct frames *frames);

#endif
