/* SPDX-License-Identifier: MIT */
/* screen.c - keeps a grid of characters, paints and scrolls it. */
#include "console/screen.h"

enum { MAX_COLUMNS = 240, MAX_ROWS = 135 };

static struct {
    struct canvas canvas;
    bool started, hidden;
    unsigned top, margin; /* the row and the column of the screen in which the text begins */
    unsigned columns, rows;
    unsigned column, row; /* where the next character goes */
} screen;
static char cells[MAX_ROWS][MAX_COLUMNS];

static void paint(unsigned row, unsigned column)
{
    const struct canvas *canvas = &screen.canvas;
    if (!screen.hidden)
        canvas_glyph(canvas, (screen.margin + column) * canvas_cell_width(canvas),
                     (screen.top + row) * canvas_cell_height(canvas),
                     (struct canvas_style){canvas->scale, CANVAS_TEXT, CANVAS_BLACK}, cells[row][column]);
}

static void set_cell(unsigned row, unsigned column, char c)
{
    if (cells[row][column] == c)
        return;
    cells[row][column] = c;
    paint(row, column);
}

/* Returns the character `by` rows further down, or a blank if that is below the last row. */
static char cell_below(unsigned row, unsigned column, unsigned by)
{
    if (row + by >= screen.rows)
        return ' ';
    return cells[row + by][column];
}

/* Scrolls by half of the rows, because repainting is expensive. */
static void scroll(void)
{
    unsigned by = (screen.rows + 1) / 2;
    for (unsigned row = 0; row < screen.rows; row++)
        for (unsigned column = 0; column < screen.columns; column++)
            set_cell(row, column, cell_below(row, column, by));
    screen.row -= by;
}

static void new_line(void)
{
    screen.column = 0;
    if (++screen.row == screen.rows)
        scroll();
}

static void blank_from(unsigned first_row)
{
    for (unsigned row = first_row; row < MAX_ROWS; row++)
        for (unsigned column = 0; column < MAX_COLUMNS; column++)
            cells[row][column] = ' ';
}

static unsigned columns_beside(unsigned margin)
{
    const struct canvas *canvas = &screen.canvas;
    return at_most(canvas->width / canvas_cell_width(canvas) - margin, MAX_COLUMNS);
}

/* Paints all rows: as one black rectangle, and what is not blank. */
static void repaint(void)
{
    const struct canvas *canvas = &screen.canvas;
    unsigned height = canvas_cell_height(canvas);
    if (screen.hidden)
        return;
    canvas_fill(canvas, (struct canvas_area){0, screen.top * height, canvas->width, screen.rows * height},
                CANVAS_BLACK);
    for (unsigned row = 0; row < screen.rows; row++)
        for (unsigned column = 0; column < screen.columns; column++)
            if (cells[row][column] != ' ')
                paint(row, column);
}

bool screen_start(const struct framebuffer *framebuffer)
{
    struct canvas *canvas = &screen.canvas;
    screen.started = false; /* a fault in this function must not be printed on a half-started screen */
    if (!canvas_start(canvas, framebuffer))
        return false;
    screen.hidden = false;
    screen.top = screen.margin = screen.row = screen.column = 0;
    screen.columns = columns_beside(0);
    screen.rows = at_most(canvas->height / canvas_cell_height(canvas), MAX_ROWS);
    blank_from(0);
    canvas_fill(canvas, (struct canvas_area){0, 0, canvas->width, canvas->height}, CANVAS_BLACK);
    screen.started = true;
    return true;
}

const struct canvas *screen_canvas(void)
{
    return screen.started ? &screen.canvas : NULL;
}

void screen_put(char c)
{
    if (!screen.started)
        return;
    if (c == '\n') {
        new_line();
        return;
    }
    if (screen.column == screen.columns)
        new_line();
    set_cell(screen.row, screen.column, c);
    screen.column++;
}

/* Makes room for the row of the next character if only this many rows are left. */
static void move_up(unsigned rows)
{
    unsigned by = screen.row < rows ? 0 : screen.row - rows + 1;
    for (unsigned row = 0; by > 0 && row < rows; row++)
        for (unsigned column = 0; column < MAX_COLUMNS; column++)
            cells[row][column] = cells[row + by][column];
    blank_from(rows);
    screen.row -= by;
}

void screen_confine(unsigned first, unsigned end, unsigned margin)
{
    if (!screen.started)
        return;
    unsigned rows = at_most(end - first, MAX_ROWS);
    move_up(rows);
    screen.top = first;
    screen.margin = margin;
    screen.columns = columns_beside(margin);
    screen.rows = rows;
    repaint();
}

static size_t line_length(const char *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length] != '\n')
        length++;
    return length;
}

/* Puts a line from this row of it on, where it wraps if it is too long. Returns how many rows it has. */
static unsigned put_line(const char *line, size_t length, unsigned first_row)
{
    unsigned row = 0, column = 0;
    for (size_t i = 0; i < length; i++, column++) {
        if (column == screen.columns) {
            row++;
            column = 0;
        }
        if (row >= first_row)
            screen_put(line[i]);
    }
    if (row >= first_row)
        screen_put('\n');
    return row + 1;
}

/* Puts the wanted lines without their first rows. Returns how many rows there are in all. */
static unsigned put_from_row(const char *text, size_t length, screen_line_filter *wanted, unsigned first_row)
{
    unsigned rows = 0;
    for (size_t at = 0, end; at < length; at = end + 1) {
        end = at + line_length(text + at, length - at);
        if (!wanted || wanted(text + at, end - at))
            rows += put_line(text + at, end - at, first_row > rows ? first_row - rows : 0);
    }
    return rows;
}

void screen_clear(void)
{
    if (!screen.started)
        return;
    blank_from(0);
    repaint();
    screen.row = screen.column = 0;
}

void screen_put_end_of(const char *text, size_t length, screen_line_filter *wanted, unsigned free_rows)
{
    if (!screen.started || screen.hidden || screen.row + free_rows >= screen.rows)
        return;
    unsigned room = screen.rows - free_rows - screen.row;
    unsigned total = put_from_row(text, length, wanted, UINT32_MAX);
    (void)put_from_row(text, length, wanted, total > room ? total - room : 0);
}

void screen_hide(bool hidden)
{
    screen.hidden = hidden;
    if (!hidden && screen.started)
        repaint();
}
