/* SPDX-License-Identifier: MIT */
/*
 * stack_use.h - how much of the stack was used: what nobody has written still holds a mark.
 *
 * A stack that is too small ends in a fault on its guard page, on the machine that needs most of it. How near
 * a run came to that is a fact of its report.
 */
#ifndef KERNEL_BOOT_STACK_USE_H
#define KERNEL_BOOT_STACK_USE_H

#include <stdint.h>

/* Writes the mark to all of [low, end). The stack grows down to low; nothing below end may be in use. */
void stack_mark(uint64_t *low, uint64_t *end);

/* Returns how many bytes above low still hold the mark, at most those up to end. */
uint64_t stack_unused_bytes(const uint64_t *low, const uint64_t *end);

#endif
