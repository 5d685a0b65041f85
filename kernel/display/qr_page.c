/* SPDX-License-Identifier: MIT */
/* qr_page.c - draws a code as large as fits, and says beside it what it is. */
#include "display/qr_page.h"
#include "console/log.h"
#include "display/drawing.h"
#include "display/qr.h"
#include "display/qr_text.h"

/* QUIET: the white modules that must be around a code (ISO/IEC 18004, 6.3.8). */
enum { QUIET = 4, LEAST_SCALE = 2 };

static size_t report_bytes(void)
{
    return qr_report_bytes(log_text(), log_length());
}

static unsigned sheets(const struct display_page *page, const struct canvas *canvas, struct canvas_area area)
{
    (void)page, (void)canvas;
    if (at_most(area.width, area.height) < LEAST_SCALE * (QR_SIZE_LIMIT + 2 * QUIET))
        return 0;
    return 1 + qr_part_count(log_text(), report_bytes());
}

/* Draws the dark modules of a row. */
static void draw_modules(const struct canvas *canvas, const struct qr_code *code, unsigned y,
                         struct canvas_area first, unsigned scale)
{
    for (unsigned x = 0; x < qr_size(code); x++) {
        struct canvas_area module = {first.left + x * scale, first.top + y * scale, scale, scale};
        if (qr_module(code, x, y))
            canvas_fill(canvas, module, CANVAS_BLACK);
    }
}

/* Draws the code in the upper left corner of the area. Returns how many pixels wide it is. */
static unsigned draw_code(const struct canvas *canvas, const struct qr_code *code, struct canvas_area area)
{
    unsigned side = qr_size(code) + 2 * QUIET, scale = at_most(area.width, area.height) / side;
    struct canvas_area white = {area.left, area.top, side * scale, side * scale};
    struct canvas_area first = {area.left + QUIET * scale, area.top + QUIET * scale, 0, 0};
    canvas_fill(canvas, white, CANVAS_WHITE);
    for (unsigned y = 0; y < qr_size(code); y++)
        draw_modules(canvas, code, y, first, scale);
    return white.width;
}

/* Says in short rows what the code is: on a narrow screen there is little room beside it. */
static void explain(const struct canvas *canvas, struct canvas_area area, unsigned sheet, unsigned parts)
{
    static const char *const of_summary[] = {"The result, and",    "what machine it was.", "",
                                             "The next codes are", "the whole report.",    NULL};
    static const char *const of_part[] = {"The report consists of", "the texts of all codes,",
                                          "in the order of their",  "numbers, without their",
                                          "first lines.",           NULL};
    struct canvas_style bright = ordinary(canvas, CANVAS_WHITE), dim = ordinary(canvas, CANVAS_TEXT);
    if (sheet == 0)
        draw_row(canvas, area_rows(canvas, area, 1, 1), bright, "Summary");
    else
        draw_row(canvas, area_rows(canvas, area, 1, 1), bright, "SELFMAP %u/%u", sheet, parts);
    const char *const *lines = sheet == 0 ? of_summary : of_part;
    for (unsigned row = 0; lines[row]; row++)
        draw_row(canvas, area_rows(canvas, area, 3 + row, 1), dim, "%s", lines[row]);
}

static void draw(const struct display_page *page, const struct canvas *canvas, struct canvas_area area,
                 unsigned sheet)
{
    static char text[QR_PART_BYTES];
    static struct qr_code code;
    size_t bytes = report_bytes();
    size_t length =
        sheet == 0 ? qr_summary(log_text(), bytes, text) : qr_part(log_text(), bytes, sheet, text);
    (void)page;
    if (!qr_encode(text, length, &code)) {
        draw_row(canvas, area, ordinary(canvas, CANVAS_TEXT),
                 "This part of the report is too long for a code.");
        return;
    }
    unsigned margin = canvas_cell_width(canvas), taken = draw_code(canvas, &code, area) + margin;
    area.left += taken;
    area.width = area.width > taken ? area.width - taken : 0;
    explain(canvas, area, sheet, qr_part_count(log_text(), bytes));
}

const struct display_page qr_page = {"QR code", draw, sheets};
