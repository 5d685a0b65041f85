/* SPDX-License-Identifier: MIT */
/* stack_use.c - marks the stack, and counts the marks that are left. */
#include "boot/stack_use.h"

/* A non-canonical address: neither a return address nor a small number. */
static const uint64_t mark = 0x5e1f3a9057ac4d0eu;

void stack_mark(uint64_t *low, uint64_t *end)
{
    for (uint64_t *word = low; word < end; word++)
        *(volatile uint64_t *)word = mark;
}

uint64_t stack_unused_bytes(const uint64_t *low, const uint64_t *end)
{
    const uint64_t *word = low;
    while (word < end && *word == mark)
        word++;
    return (uint64_t)(word - low) * sizeof *word;
}
