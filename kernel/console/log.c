/* SPDX-License-Identifier: MIT */
/* log.c - a buffer that fills from the front. */
#include "console/log.h"
#include "console/kept.h"
#include <stdbool.h>

static struct {
    char *text;
    size_t capacity, length, dropped;
    bool in_tail;
} memory;

void log_start(char *buffer, size_t capacity)
{
    const char *old_text = memory.text;
    size_t old_length = memory.length;
    memory.text = buffer;
    memory.capacity = capacity - LOG_TAIL_BYTES;
    memory.length = 0;
    memory.in_tail = false;
    for (size_t i = 0; i < old_length; i++)
        log_put(old_text[i]);
}

void log_begin_tail(void)
{
    if (!memory.in_tail)
        memory.capacity += LOG_TAIL_BYTES;
    memory.in_tail = true;
}

void log_put(char c)
{
    if (!memory.text)
        return;
    if (memory.length < memory.capacity)
        memory.text[memory.length++] = c;
    else
        memory.dropped++;
    if (c == '\n')
        kept_grow(memory.text, memory.length);
}

const char *log_text(void)
{
    return memory.text;
}

size_t log_length(void)
{
    return memory.length;
}

size_t log_dropped(void)
{
    return memory.dropped;
}
