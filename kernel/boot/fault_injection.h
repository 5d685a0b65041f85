/*
 * fault_injection.h - end badly on purpose, to see that it is noticed and explained (option crash=).
 */
#ifndef KERNEL_BOOT_FAULT_INJECTION_H
#define KERNEL_BOOT_FAULT_INJECTION_H

#include "boot/handoff.h"

/* On the firmware's tables, with our own descriptor tables just loaded. */
void inject_early_fault(const struct handoff *handoff);

void inject_fault(const struct handoff *handoff);

#endif
