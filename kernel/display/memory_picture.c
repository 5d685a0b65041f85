/* SPDX-License-Identifier: MIT */
/* memory_picture.c - physical memory by kind. */
#include "display/drawing.h"
#include "display/picture.h"
#include "display/strip.h"

enum { RUN_LIMIT = 192 };

/* What a newcomer tells apart; the kinds of usable_memory.h are finer. */
enum use { FREE, LOADED, FIRMWARE, ACPI, EXCLUDED, DEVICES, RESERVED, BROKEN, USES };

static const struct {
    const char *name;
    enum canvas_colour colour;
} uses[USES] = {
    [FREE] = {"free", CANVAS_BRIGHT_GREEN},
    [LOADED] = {"Selfmap, loaders", CANVAS_YELLOW},
    [FIRMWARE] = {"firmware at runtime", CANVAS_BRIGHT_BLUE},
    [ACPI] = {"ACPI", CANVAS_CYAN},
    [EXCLUDED] = {"excluded", CANVAS_ORANGE},
    [DEVICES] = {"devices", CANVAS_PURPLE},
    [RESERVED] = {"reserved", CANVAS_DIM},
    [BROKEN] = {"broken", CANVAS_BRIGHT_RED},
};

static enum use use_of(enum memory_kind kind)
{
    static const unsigned char by_kind[MEMORY_KIND_COUNT] = {
        [MEMORY_CONVENTIONAL] = FREE,
        [MEMORY_BOOT] = FREE,
        [MEMORY_EXCLUDED] = EXCLUDED,
        [MEMORY_LOADER] = LOADED,
        [MEMORY_ACPI_RECLAIM] = ACPI,
        [MEMORY_PERSISTENT] = RESERVED,
        [MEMORY_ACPI_NVS] = ACPI,
        [MEMORY_RUNTIME_DATA] = FIRMWARE,
        [MEMORY_RUNTIME_CODE] = FIRMWARE,
        [MEMORY_MMIO] = DEVICES,
        [MEMORY_UNACCEPTED] = RESERVED,
        [MEMORY_RESERVED] = RESERVED,
        [MEMORY_BAD] = BROKEN,
        [MEMORY_OWN] = LOADED,
    };
    return (enum use)by_kind[kind];
}

struct bar {
    struct strip_run runs[RUN_LIMIT];
    unsigned count;
    bool complete;
    uint64_t pages[USES];
};

static void add_run(struct bar *bar, struct strip_run run)
{
    struct strip_run *last = bar->count ? &bar->runs[bar->count - 1] : NULL;
    bool continues = last && last->colour == run.colour && last->height == run.height &&
                     last->start + last->pages * PAGING_PAGE_BYTES == run.start;
    if (continues)
        last->pages += run.pages;
    else if (bar->count < RUN_LIMIT)
        bar->runs[bar->count++] = run;
    else
        bar->complete = false;
}

static void collect(struct bar *bar, const struct memory_region *regions, size_t count)
{
    uint64_t end = 0;
    bar->count = 0;
    bar->complete = true;
    for (unsigned i = 0; i < USES; i++)
        bar->pages[i] = 0;
    for (size_t i = 0; i < count; i++) {
        const struct memory_region *region = &regions[i];
        enum use use = use_of(region->kind);
        uint64_t pages = region->end.number - region->start.number;
        uint64_t hole = region->start.number - end;
        if (hole)
            add_run(bar, (struct strip_run){end * PAGING_PAGE_BYTES, hole, CANVAS_LINE, 0, false});
        add_run(bar, (struct strip_run){region->start.number * PAGING_PAGE_BYTES, pages, uses[use].colour,
                                        STRIP_FULL, false});
        bar->pages[use] += pages;
        end = region->end.number;
    }
}

void picture_of_memory(const struct canvas *canvas, struct canvas_area area,
                       const struct memory_region *regions, size_t count)
{
    static struct bar bar;
    char size[SIZE_TEXT_BYTES];
    collect(&bar, regions, count);
    draw_row(canvas, area, ordinary(canvas, CANVAS_WHITE), "Physical memory, %s free%s",
             size_text(size, bar.pages[FREE] * PAGING_PAGE_BYTES),
             bar.complete ? "" : " (the end is not drawn: too many regions)");
    unsigned rows = area_row_count(canvas, area), legend_rows = rows > MEMORY_PICTURE_ROWS + 1 ? 3 : 2;
    strip_draw(canvas, area_rows(canvas, area, 1, rows - 1 - legend_rows), bar.runs, bar.count);
    struct legend legend = {canvas, area_rows(canvas, area, rows - legend_rows, legend_rows), 0, 0};
    for (unsigned use = 0; use < USES; use++)
        if (bar.pages[use])
            legend_add(&legend, uses[use].colour, "%s %s", uses[use].name,
                       size_text(size, bar.pages[use] * PAGING_PAGE_BYTES));
}
