/*
 * crash.h - end badly on purpose, to see that it is noticed and explained (option crash=).
 */
#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H

#include "handoff.h"

/* On the firmware's tables, with our own descriptor tables just loaded. */
void crash_early(const struct handoff *handoff);

void crash_on_purpose(const struct handoff *handoff);

#endif
