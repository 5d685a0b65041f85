/* SPDX-License-Identifier: MIT */
/* strip.c - divides a line among runs. */
#include "display/strip.h"
#include "display/drawing.h"

/* Returns how much of the line a run gets: 8 times the logarithm of its pages to base 2, and 8 more. */
static unsigned weight(const struct strip_run *run)
{
    enum { STEPS = 8, FOLDED = 6 * STEPS };
    if (run->height == 0)
        return STEPS;
    if (run->is_folded)
        return FOLDED;
    unsigned log = 63 - (unsigned)__builtin_clzll(run->pages | 1);
    uint64_t fraction = log >= 3 ? run->pages >> (log - 3) & 7 : (run->pages << (3 - log)) & 7;
    return STEPS + log * STEPS + (unsigned)fraction;
}

static void draw_run(const struct canvas *canvas, struct canvas_area bar, const struct strip_run *run)
{
    unsigned separator = bar.width > 4 * canvas->scale ? canvas->scale : 0; /* between neighbours */
    bar.width -= separator;
    if (run->height == 0) {
        unsigned middle = bar.height / 2;
        canvas_fill(canvas, (struct canvas_area){bar.left, bar.top + middle, bar.width, canvas->scale},
                    CANVAS_LINE);
        return;
    }
    unsigned height = bar.height * run->height / STRIP_FULL;
    canvas_fill(canvas, (struct canvas_area){bar.left, bar.top + bar.height - height, bar.width, height},
                run->colour);
}

/* Draws the address unless the last label is in its way. Returns where the next label may begin. */
static unsigned draw_label(const struct canvas *canvas, struct canvas_area labels, unsigned left,
                           unsigned free_from, uint64_t address)
{
    char text[20];
    struct text_sink sink = text_sink(text, sizeof text);
    format(&sink.sink, "%lx", address);
    unsigned width = (unsigned)sink.length * canvas_cell_width(canvas);
    if (left < free_from || left + width > labels.left + labels.width)
        return free_from;
    (void)canvas_text(canvas, left, labels.top, ordinary(canvas, CANVAS_DIM), text);
    return left + width + canvas_cell_width(canvas);
}

void strip_draw(const struct canvas *canvas, struct canvas_area area, const struct strip_run *runs,
                unsigned count)
{
    unsigned rows = area_row_count(canvas, area), total = 0, before = 0, free_from = 0;
    if (rows < 2)
        return;
    struct canvas_area bar = area_rows(canvas, area, 0, rows - 1);
    struct canvas_area labels = area_rows(canvas, area, rows - 1, 1);
    for (unsigned i = 0; i < count; i++)
        total += weight(&runs[i]);
    for (unsigned i = 0; i < count; i++) {
        struct canvas_area part = bar;
        part.left += (unsigned)((uint64_t)area.width * before / total);
        before += weight(&runs[i]);
        part.width = area.left + (unsigned)((uint64_t)area.width * before / total) - part.left;
        draw_run(canvas, part, &runs[i]);
        if (runs[i].height > 0)
            free_from = draw_label(canvas, labels, part.left, free_from, runs[i].start);
    }
}
