/* SPDX-License-Identifier: MIT */
/* pager.c - rows and screens of a text. */
#include "pager.h"
#include "kernel/console/text_rows.h"

/* Returns where the row that starts here ends. *next is where the next one starts, behind a line end. */
static size_t row_end(const struct pager *pager, size_t start, size_t *next)
{
    size_t end = text_row_end(pager->text, pager->bytes, start, pager->columns);
    *next = text_next_row(pager->text, pager->bytes, end);
    return end;
}

static size_t screen_end(const struct pager *pager, size_t start)
{
    for (unsigned row = 0; row < pager->rows && start < pager->bytes; row++)
        (void)row_end(pager, start, &start);
    return start;
}

size_t pager_print(const struct pager *pager, struct format_sink *sink)
{
    size_t start = pager->start;
    for (unsigned row = 0; row < pager->rows && start < pager->bytes; row++) {
        size_t next, end = row_end(pager, start, &next);
        for (size_t i = start; i < end; i++) {
            char c = pager->text[i];
            if (c == '\r')
                continue;
            if (c < ' ' || c > '~')
                c = '?';
            sink->put(sink, c);
        }
        sink->put(sink, '\n');
        start = next;
    }
    return start;
}

bool pager_next(struct pager *pager)
{
    size_t next = screen_end(pager, pager->start);
    bool more = next < pager->bytes;
    if (more)
        pager->start = next;
    return more;
}

bool pager_previous(struct pager *pager)
{
    size_t start = 0;
    while (start < pager->start) {
        size_t next = screen_end(pager, start);
        if (next >= pager->start) {
            pager->start = start;
            return true;
        }
        start = next;
    }
    return false;
}
