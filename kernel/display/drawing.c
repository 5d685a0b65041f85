/* SPDX-License-Identifier: MIT */
/* drawing.c - formats text into a buffer and draws what fits. */
#include "display/drawing.h"

enum { ROW_LIMIT = 256 };

struct canvas_style ordinary(const struct canvas *canvas, enum canvas_colour ink)
{
    return (struct canvas_style){canvas->scale, ink, CANVAS_BLACK};
}

struct canvas_area area_rows(const struct canvas *canvas, struct canvas_area area, unsigned first,
                             unsigned count)
{
    unsigned height = canvas_cell_height(canvas);
    unsigned skipped = at_most(first * height, area.height);
    area.top += skipped;
    area.height = at_most(count * height, area.height - skipped);
    return area;
}

unsigned area_row_count(const struct canvas *canvas, struct canvas_area area)
{
    return area.height / canvas_cell_height(canvas);
}

unsigned area_column_count(const struct canvas *canvas, struct canvas_area area)
{
    return area.width / canvas_cell_width(canvas);
}

/* Draws the text if a whole row is there, cut to whole columns. Returns the number of columns. */
static unsigned draw_text(const struct canvas *canvas, struct canvas_area area, struct canvas_style style,
                          char *text)
{
    unsigned columns = area.width / (CANVAS_GLYPH_WIDTH * style.scale), length = 0;
    if (area.height < CANVAS_GLYPH_HEIGHT * style.scale)
        return 0;
    while (length < columns && text[length])
        length++;
    text[length] = '\0';
    (void)canvas_text(canvas, area.left, area.top, style, text);
    return length;
}

void draw_row(const struct canvas *canvas, struct canvas_area area, struct canvas_style style,
              const char *text, ...)
{
    char row[ROW_LIMIT];
    struct text_sink sink = text_sink(row, sizeof row);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
    (void)draw_text(canvas, area, style, row);
}

const char *size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    unsigned unit = 0;
    struct text_sink sink = text_sink(text, SIZE_TEXT_BYTES);
    uint64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
    for (; tenths >= 10240 && units[unit + 1]; unit++)
        tenths /= 1024;
    if (tenths % 10 == 0)
        format(&sink.sink, "%lu %ciB", tenths / 10, units[unit]);
    else
        format(&sink.sink, "%lu.%lu %ciB", tenths / 10, tenths % 10, units[unit]);
    return text;
}

void legend_add(struct legend *legend, enum canvas_colour colour, const char *text, ...)
{
    enum { SQUARE_COLUMNS = 2, GAP_COLUMNS = 2 };
    const struct canvas *canvas = legend->canvas;
    unsigned width = canvas_cell_width(canvas), scale = canvas->scale;
    char words[ROW_LIMIT];
    struct text_sink sink = text_sink(words, sizeof words);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
    if (legend->column + SQUARE_COLUMNS + sink.length > area_column_count(canvas, legend->area)) {
        legend->row++;
        legend->column = 0;
    }
    struct canvas_area row = area_rows(canvas, legend->area, legend->row, 1);
    if (row.height < canvas_cell_height(canvas))
        return;
    unsigned left = row.left + legend->column * width;
    canvas_fill(canvas, (struct canvas_area){left, row.top + 3 * scale, 10 * scale, 10 * scale}, colour);
    row.width -= left - row.left + SQUARE_COLUMNS * width;
    row.left = left + SQUARE_COLUMNS * width;
    legend->column +=
        SQUARE_COLUMNS + draw_text(canvas, row, ordinary(canvas, CANVAS_TEXT), words) + GAP_COLUMNS;
}
