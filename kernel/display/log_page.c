/* SPDX-License-Identifier: MIT */
/* log_page.c - all that was printed, sheet by sheet. */
#include "display/log_page.h"
#include "console/log.h"
#include "console/text_rows.h"
#include "display/drawing.h"

static size_t end_of_row(size_t from, unsigned columns)
{
    return text_row_end(log_text(), log_length(), from, columns);
}

static size_t next_row(size_t end)
{
    return text_next_row(log_text(), log_length(), end);
}

/* Returns where row `row` begins, or the end of the log if there are fewer. */
static size_t find_row(unsigned row, unsigned columns)
{
    size_t at = 0;
    while (row-- > 0 && at < log_length())
        at = next_row(end_of_row(at, columns));
    return at;
}

static unsigned log_sheets(const struct display_page *page, const struct canvas *canvas,
                           struct canvas_area area)
{
    unsigned rows = 0, per_sheet = area_row_count(canvas, area);
    (void)page;
    for (size_t at = 0; at < log_length(); rows++)
        at = next_row(end_of_row(at, area_column_count(canvas, area)));
    return (rows + per_sheet - 1) / per_sheet;
}

static void draw_log(const struct display_page *page, const struct canvas *canvas, struct canvas_area area,
                     unsigned sheet)
{
    unsigned rows = area_row_count(canvas, area), columns = area_column_count(canvas, area);
    size_t at = find_row(sheet * rows, columns);
    (void)page;
    for (unsigned row = 0; row < rows && at < log_length(); row++) {
        size_t end = end_of_row(at, columns);
        struct canvas_area line = area_rows(canvas, area, row, 1);
        for (size_t i = at; i < end; i++, line.left += canvas_cell_width(canvas))
            canvas_glyph(canvas, line.left, line.top, ordinary(canvas, CANVAS_TEXT), log_text()[i]);
        at = next_row(end);
    }
}

const struct display_page log_page = {"log", draw_log, log_sheets};
