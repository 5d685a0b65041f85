/* SPDX-License-Identifier: MIT */
/*
 * log.h - keeps what is printed in memory, so that it can be looked at, and taken away, after the run.
 *
 * The memory is the caller's. It fills from the front; what no longer fits is counted and dropped, so that
 * the beginning, with the facts about the machine, always stays. The end of a run is short and needs room of
 * its own: the last LOG_TAIL_BYTES are kept for what is printed after log_begin_tail.
 *
 * The loader starts the log, and the kernel goes on with it: both are one image. If kept.h has a block for
 * it, it is told of each line that is complete.
 */
#ifndef KERNEL_CONSOLE_LOG_H
#define KERNEL_CONSOLE_LOG_H

#include <stddef.h>

enum { LOG_TAIL_BYTES = 4096 };

/*
 * Keeps what is printed from now on in buffer[capacity]; capacity > LOG_TAIL_BYTES. What an earlier buffer
 * holds is copied, as far as it fits.
 */
void log_start(char *buffer, size_t capacity);

/* Lets the log use the room that is kept for the end of the run. Does nothing the second time. */
void log_begin_tail(void);

/* Keeps a character. Does nothing before log_start. */
void log_put(char c);

/* Return what is kept: ASCII with '\n' line ends, not terminated by a zero. */
const char *log_text(void);
size_t log_length(void);

/* Returns how many characters were dropped. */
size_t log_dropped(void);

#endif
