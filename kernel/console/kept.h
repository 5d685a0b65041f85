/* SPDX-License-Identifier: MIT */
/*
 * kept.h - a block of memory that keeps the log over a warm reset, for the loader of the next start.
 *
 *   block    slot 0 | slot 1 | text, to the end of the block
 *
 * A warm reset leaves memory as it is on many machines, but nobody promises that, so a block is believed only
 * if its checksums (CRC-32) are right. It is valid after each line: a slot says how long the text is, its
 * checksum, and which step the run is at. The slots take turns. A run that is cut off while it writes one
 * leaves the other, which knows all lines except the last. Each change is written back from the caches, which
 * a reset may empty without writing.
 */
#ifndef KERNEL_CONSOLE_KEPT_H
#define KERNEL_CONSOLE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* KEPT_HEAD_BYTES: where the text begins. */
enum { KEPT_HEAD_BYTES = 256, KEPT_STEP_LIMIT = 64 };

/* How far a run has come. */
enum kept_state {
    KEPT_IN_LOADER, /* boot services exist */
    KEPT_IN_KERNEL,
    KEPT_ENDED /* the report is complete */
};

/* What a block says. */
struct kept_record {
    enum kept_state state;
    char step[KEPT_STEP_LIMIT]; /* the last one that began, shortened */
    const char *text;           /* in the block */
    size_t length;
};

/* Begins an empty record in a block, aligned to 64 bytes, whose text is put at block + KEPT_HEAD_BYTES. */
void kept_start(void *block);

/* Notes how long the text is by now. Does nothing before kept_start, and for text in another buffer. */
void kept_grow(const char *text, size_t length);

/* Note the step that begins, and how far the run has come. Do nothing before kept_start. */
void kept_step(const char *step);
void kept_set_state(enum kept_state state);

/* Returns whether kept_start was called. */
bool kept_is_on(void);

/* Reads what a block of this size says. Returns false if it holds no record, or one that was damaged. */
bool kept_read(const void *block, size_t bytes, struct kept_record *found);

/* Ends the record that kept_start began, and forgets it. Does nothing before kept_start. */
void kept_stop(void);

/* Makes kept_read return false for this block. */
void kept_forget(void *block);

#endif
