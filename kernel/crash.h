/*
 * crash.h - end badly on purpose, to see that it is noticed and explained (option crash=).
 */
#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H

#include "handoff.h"

void crash_on_purpose(const struct handoff *handoff);

#endif
