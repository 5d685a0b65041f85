/* log.c - a buffer that fills from the front. */
#include "console/log.h"

static struct {
    char *text;
    size_t capacity, length, dropped;
} log;

void log_start(char *buffer, size_t capacity)
{
    log.text = buffer;
    log.capacity = capacity - LOG_TAIL_BYTES;
    log.length = log.dropped = 0;
}

void log_begin_tail(void)
{
    if (log.text)
        log.capacity += LOG_TAIL_BYTES; /* called once */
}

void log_put(char c)
{
    if (log.length < log.capacity)
        log.text[log.length++] = c;
    else
        log.dropped++;
}

const char *log_text(void)
{
    return log.text;
}

size_t log_length(void)
{
    return log.length;
}

size_t log_dropped(void)
{
    return log.dropped;
}
