/* SPDX-License-Identifier: MIT */
/* layout.c - divides the rows from the top to the bottom. */
#include "display/layout.h"
#include "display/picture.h"

enum {
    MIN_COLUMNS = 76,
    MIN_ROWS = 20,
    SMALL_WORD = 3,
    LARGE_WORD = 4,
    ROWS_FOR_LARGE_WORD = 36,
    PICTURE_ROWS = 1 + MEMORY_PICTURE_ROWS + SPACE_PICTURE_ROWS, /* an empty one first */
    LOG_ROWS_BESIDE_PICTURES = 7,
    ROWS_BESIDE_PICTURES_IF_FAILED = 10, /* shared by failures and log, which matter more then */
};

bool layout_fits(unsigned columns, unsigned rows)
{
    return columns >= MIN_COLUMNS && rows >= MIN_ROWS;
}

/* Returns the next `count` rows and moves behind them. */
static struct layout_rows take(unsigned *next, unsigned count)
{
    struct layout_rows rows = {*next, *next + count};
    *next = rows.end;
    return rows;
}

struct layout layout_make(unsigned rows, unsigned failure_rows)
{
    struct layout layout = {.word_rows = rows >= ROWS_FOR_LARGE_WORD ? LARGE_WORD : SMALL_WORD};
    unsigned next = 0, footer = 1;
    layout.title = take(&next, 1);
    layout.machine = take(&next, 1);
    layout.verdict = take(&next, layout.word_rows + 1);
    unsigned left = rows - next - footer;
    if (left >= PICTURE_ROWS + (failure_rows ? ROWS_BESIDE_PICTURES_IF_FAILED : LOG_ROWS_BESIDE_PICTURES)) {
        layout.pictures = take(&next, PICTURE_ROWS);
        left -= PICTURE_ROWS;
    } else {
        layout.pictures = take(&next, 0);
    }
    unsigned shown = failure_rows < left / 2 ? failure_rows : left / 2;
    layout.failures = take(&next, shown);
    layout.log = take(&next, left - shown);
    layout.footer = take(&next, footer);
    return layout;
}
