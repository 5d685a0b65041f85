/* SPDX-License-Identifier: MIT */
/*
 * pager.h - cuts a text into screens. It calls no firmware.
 */
#ifndef EFI_PAGER_H
#define EFI_PAGER_H

#include "kernel/console/format.h"
#include <stdbool.h>

struct pager {
    const char *text;
    size_t bytes;
    unsigned rows, columns; /* of a screen; a longer line goes on in the next row */
    size_t start;           /* of the screen that is shown */
};

/* Prints the screen at pager->start, with ? for what is not ASCII. Returns where the next one starts. */
size_t pager_print(const struct pager *pager, struct format_sink *sink);

/* Turn a page. Return false if there is none. */
bool pager_next(struct pager *pager);
bool pager_previous(struct pager *pager);

#endif
