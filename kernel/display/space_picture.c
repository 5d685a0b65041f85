/* SPDX-License-Identifier: MIT */
/* space_picture.c - the address space by rights and page size, and the slots of its root. */
#include "display/drawing.h"
#include "display/picture.h"
#include "display/space_view.h"
#include "display/strip.h"

static const unsigned char colours[SPACE_CLASS_COUNT] = {
    [SPACE_CODE] = CANVAS_BRIGHT_GREEN, [SPACE_READ_ONLY] = CANVAS_BRIGHT_BLUE,
    [SPACE_WRITABLE] = CANVAS_YELLOW,   [SPACE_WRITABLE_CODE] = CANVAS_BRIGHT_RED,
    [SPACE_DEVICE] = CANVAS_PURPLE,     [SPACE_USER] = CANVAS_CYAN,
    [SPACE_MARKER] = CANVAS_DIM,        [SPACE_MALFORMED] = CANVAS_RED,
    [SPACE_HOLE] = CANVAS_LINE,         [SPACE_RECURSIVE] = CANVAS_ORANGE,
    [SPACE_ALTERNATE] = CANVAS_TEXT,    [SPACE_SCRATCH] = CANVAS_WHITE,
};

static struct space_view view; /* as the space was looked at last */
static bool view_is_taken;
static const char *const size_names[] = {"", "4K", "2M", "1G"};

/* Small pages are drawn low, 2 MiB pages higher, 1 GiB pages and reserved slots in full. */
static unsigned char height_of(const struct space_run *run)
{
    if (run->class == SPACE_HOLE)
        return 0;
    return run->level == PAGING_4K ? 2 : run->level == PAGING_2M ? 3 : STRIP_FULL;
}

static void draw_strip(const struct canvas *canvas, struct canvas_area area)
{
    static struct strip_run runs[SPACE_RUN_LIMIT];
    for (unsigned i = 0; i < view.count; i++)
        runs[i] = (struct strip_run){
            .start = paging_page_start(view.levels, view.runs[i].first).value,
            .pages = view.runs[i].pages,
            .colour = (enum canvas_colour)colours[view.runs[i].class],
            .height = height_of(&view.runs[i]),
            .is_folded = view.runs[i].class >= SPACE_RECURSIVE,
        };
    strip_draw(canvas, area, runs, view.count);
}

/* Draws the slots of one half of the root side by side, with the number of the first and the last. */
static void draw_half(const struct canvas *canvas, struct canvas_area row, unsigned first)
{
    enum { NAME_COLUMNS = 11, SLOTS = PAGING_TABLE_ENTRIES / 2 };
    unsigned left = row.left + NAME_COLUMNS * canvas_cell_width(canvas), gap = canvas->scale;
    if (row.width < NAME_COLUMNS * canvas_cell_width(canvas) || row.height < canvas_cell_height(canvas))
        return;
    unsigned width = (row.width - NAME_COLUMNS * canvas_cell_width(canvas)) / SLOTS;
    draw_row(canvas, row, ordinary(canvas, CANVAS_DIM), "P%u %u-%u", view.levels, first, first + SLOTS - 1);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        canvas_fill(canvas,
                    (struct canvas_area){left + slot * width, row.top + 2 * gap,
                                         width > 2 * gap ? width - gap : width, row.height - 4 * gap},
                    (enum canvas_colour)colours[view.slots[first + slot]]);
}

/* Returns where the reserved root slot of this class begins. */
static uint64_t start_of(enum space_class class)
{
    for (unsigned i = 0; i < view.count; i++)
        if (view.runs[i].class == class)
            return paging_page_start(view.levels, view.runs[i].first).value;
    return 0;
}

static void draw_legend(const struct canvas *canvas, struct canvas_area area)
{
    struct legend legend = {canvas, area, 0, 0};
    char size[SIZE_TEXT_BYTES];
    for (unsigned i = 0; i < SPACE_CLASS_COUNT; i++) {
        enum space_class class = (enum space_class)i;
        if (class == SPACE_HOLE)
            continue;
        if (class >= SPACE_RECURSIVE)
            legend_add(&legend, (enum canvas_colour)colours[i], "%s at %lx", space_class_name(class),
                       start_of(class));
        else if (view.pages[class])
            legend_add(&legend, (enum canvas_colour)colours[i], "%s %s", space_class_name(class),
                       size_text(size, view.pages[class] * PAGING_PAGE_BYTES));
    }
    legend_add(&legend, CANVAS_BLACK, "low: 4K, higher: 2M, full: 1G");
}

static void draw_title(const struct canvas *canvas, struct canvas_area area)
{
    char tables[80];
    struct text_sink sink = text_sink(tables, sizeof tables);
    for (unsigned level = view.levels; level > 0; level--)
        format(&sink.sink, " %lu P%u%s", view.tables[level], level, level > 1 ? "," : "");
    draw_row(canvas, area, ordinary(canvas, CANVAS_WHITE), "%s: %lu pages of 4K, %lu of 2M, %lu of 1G;%s",
             view.complete ? "Address space" : "The start of the address space", view.leaves[PAGING_4K],
             view.leaves[PAGING_2M], view.leaves[PAGING_1G], tables);
}

/* Names runs, except holes, in as many columns of text as fit beside each other. */
static void list_runs(const struct canvas *canvas, struct canvas_area area)
{
    enum { ENTRY_COLUMNS = 56 };
    unsigned rows = area_row_count(canvas, area), columns = area_column_count(canvas, area) / ENTRY_COLUMNS;
    unsigned place = 0;
    char size[SIZE_TEXT_BYTES];
    for (unsigned i = 0; i < view.count && place < rows * columns; i++) {
        const struct space_run *run = &view.runs[i];
        if (run->class == SPACE_HOLE)
            continue;
        struct canvas_area row = area_rows(canvas, area, place % rows, 1);
        unsigned shift = place / rows * ENTRY_COLUMNS * canvas_cell_width(canvas);
        row.left += shift;
        row.width -= shift;
        draw_row(canvas, row, ordinary(canvas, CANVAS_TEXT), "%016lx %10s %2s %s",
                 paging_page_start(view.levels, run->first).value,
                 size_text(size, run->pages * PAGING_PAGE_BYTES), size_names[run->level],
                 space_class_name(run->class));
        place++;
    }
}

void picture_take_space(const struct paging_space *space)
{
    view_is_taken = space_view_take(&view, space);
}

void picture_of_space(const struct canvas *canvas, struct canvas_area area)
{
    enum { STRIP_ROWS = 2, LEGEND_ROWS = 3, SLOT_ROWS = 2 };
    if (!view_is_taken) {
        draw_row(canvas, area, ordinary(canvas, CANVAS_TEXT),
                 "Address space: not drawn, its tables could not be reached");
        return;
    }
    unsigned rows = area_row_count(canvas, area), strip_rows = STRIP_ROWS + (rows > SPACE_PICTURE_ROWS + 2);
    draw_title(canvas, area);
    draw_strip(canvas, area_rows(canvas, area, 1, strip_rows));
    unsigned row = 1 + strip_rows;
    draw_half(canvas, area_rows(canvas, area, row, 1), 0);
    draw_half(canvas, area_rows(canvas, area, row + 1, 1), PAGING_TABLE_ENTRIES / 2);
    row += SLOT_ROWS;
    draw_legend(canvas, area_rows(canvas, area, row, LEGEND_ROWS));
    row += LEGEND_ROWS;
    if (row < rows)
        list_runs(canvas, area_rows(canvas, area, row, rows - row));
}
