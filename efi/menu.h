/* SPDX-License-Identifier: MIT */
/*
 * menu.h - what the menu's parts share: keys and the size of the firmware's console.
 */
#ifndef EFI_MENU_H
#define EFI_MENU_H

#include "loader.h"

/* The keys of the firmware's console, keyboard and serial line alike, and a timer. */
struct keys {
    EFI_EVENT timer;
    unsigned errors; /* in a row */
};

enum key_event { KEY_PRESSED, KEY_SECOND_PASSED, KEYS_BROKEN };

/* Waits for a key, or until a second has passed. */
enum key_event wait_for_key(struct keys *keys, int *key);

/* Asks the firmware for the size of its console; 0 and 0 if it does not say. */
void console_size(unsigned *columns, unsigned *rows);

/* Clears the firmware's console, if it can. */
void console_clear(void);

/* Shows the last report, page by page, until a key ends it: show_report.c. */
void show_last_report(const struct loader *loader, struct keys *keys);

#endif
