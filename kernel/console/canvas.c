/* SPDX-License-Identifier: MIT */
/* canvas.c - writes pixels, line by line. */
#include "console/canvas.h"

enum {
    PSF1_MAGIC = 0x0436,
    PSF1_HEADER_BYTES = 4,
    MAX_COLUMNS = 180, /* more of them would be too small to read */
    MIN_ROWS = 24,
    MEDIUM_SCALE = 4,
};

/* Embedded by the build from Debian's console fonts. */
extern const uint8_t font_start[] __asm__("_binary_font_psf_start") __attribute__((visibility("hidden")));

/*
 * Red, green and blue. Inks have a colour of at least 112, papers have none: so even a bad photo shows the
 * difference, and tools/screen.py tells them apart.
 */
static const uint8_t palette[CANVAS_COLOURS][3] = {
    [CANVAS_BLACK] = {0, 0, 0},          [CANVAS_TEXT] = {191, 191, 191},
    [CANVAS_WHITE] = {255, 255, 255},    [CANVAS_DIM] = {128, 136, 144},
    [CANVAS_PANEL] = {24, 32, 48},       [CANVAS_LINE] = {56, 64, 80},
    [CANVAS_GREEN] = {0, 104, 32},       [CANVAS_RED] = {108, 0, 0},
    [CANVAS_BLUE] = {16, 48, 104},       [CANVAS_BRIGHT_GREEN] = {64, 208, 96},
    [CANVAS_BRIGHT_RED] = {255, 88, 72}, [CANVAS_BRIGHT_BLUE] = {80, 144, 255},
    [CANVAS_YELLOW] = {240, 208, 64},    [CANVAS_ORANGE] = {240, 144, 48},
    [CANVAS_PURPLE] = {192, 104, 240},   [CANVAS_CYAN] = {64, 208, 208},
};

/* Returns a brightness of 0 to 255 as the colour with this mask, of any width and at any place, holds it. */
static uint32_t bits_of(uint32_t mask, unsigned brightness)
{
    uint32_t unit = mask & -mask;
    return unit ? (uint32_t)((uint64_t)(mask / unit) * brightness / 255) * unit : 0;
}

/* Returns how many whole lines the framebuffer has bytes for; the last one may end with its last pixel. */
static unsigned usable_lines(const struct framebuffer *framebuffer)
{
    uint64_t there = framebuffer->bytes / sizeof(uint32_t);
    if (framebuffer->width == 0 || framebuffer->stride < framebuffer->width || there < framebuffer->width)
        return 0;
    uint64_t lines = (there - framebuffer->width) / framebuffer->stride + 1;
    return lines < framebuffer->height ? (unsigned)lines : framebuffer->height;
}

static unsigned choose_scale(unsigned width, unsigned height)
{
    unsigned scale = 1;
    while (width / (CANVAS_GLYPH_WIDTH * scale) > MAX_COLUMNS &&
           height / (CANVAS_GLYPH_HEIGHT * (scale + 1)) >= MIN_ROWS)
        scale++;
    return scale;
}

bool canvas_start(struct canvas *canvas, const struct framebuffer *framebuffer)
{
    unsigned width = framebuffer->width, height = usable_lines(framebuffer);
    bool is_font = (font_start[0] | font_start[1] << 8) == PSF1_MAGIC && font_start[3] == CANVAS_GLYPH_HEIGHT;
    if (!is_font || width < CANVAS_LEAST_WIDTH || height < CANVAS_LEAST_HEIGHT)
        return false;
    canvas->pixels = (volatile uint32_t *)framebuffer->address.value;
    canvas->stride = framebuffer->stride;
    canvas->width = width;
    canvas->height = height;
    canvas->scale = choose_scale(width, height);
    for (unsigned i = 0; i < CANVAS_COLOURS; i++)
        canvas->colours[i] = bits_of(framebuffer->red_mask, palette[i][0]) |
                             bits_of(framebuffer->green_mask, palette[i][1]) |
                             bits_of(framebuffer->blue_mask, palette[i][2]);
    return true;
}

static volatile uint32_t *pixel_at(const struct canvas *canvas, unsigned left, unsigned top)
{
    return canvas->pixels + (size_t)top * canvas->stride + left;
}

/* Fills pixels of one line, two at a time: a screen has millions. */
static void fill_line(volatile uint32_t *at, unsigned count, uint32_t pixel)
{
    if (count > 0 && (uintptr_t)at % sizeof(uint64_t) != 0) {
        *at++ = pixel;
        count--;
    }
    for (; count >= 2; count -= 2, at += 2)
        *(volatile uint64_t *)at = (uint64_t)pixel << 32 | pixel;
    if (count > 0)
        *at = pixel;
}

void canvas_fill(const struct canvas *canvas, struct canvas_area area, enum canvas_colour colour)
{
    if (area.left >= canvas->width || area.top >= canvas->height)
        return;
    unsigned width = at_most(area.width, canvas->width - area.left);
    unsigned height = at_most(area.height, canvas->height - area.top);
    volatile uint32_t *line = pixel_at(canvas, area.left, area.top);
    for (unsigned y = 0; y < height; y++, line += canvas->stride)
        fill_line(line, width, canvas->colours[colour]);
}

/* Draws a glyph of scale 1 that lies inside completely, two pixels at a time. */
static void draw_small_glyph(volatile uint32_t *at, uint32_t stride, const uint8_t *glyph, uint32_t ink,
                             uint32_t paper)
{
    /* By two bits of the glyph: the higher one is the left pixel, which comes first in memory. */
    const uint64_t pairs[4] = {(uint64_t)paper << 32 | paper, (uint64_t)ink << 32 | paper,
                               (uint64_t)paper << 32 | ink, (uint64_t)ink << 32 | ink};
    for (unsigned y = 0; y < CANVAS_GLYPH_HEIGHT; y++, at += stride) {
        volatile uint64_t *pair = (volatile uint64_t *)at;
        unsigned bits = glyph[y];
        pair[0] = pairs[bits >> 6];
        pair[1] = pairs[bits >> 4 & 3];
        pair[2] = pairs[bits >> 2 & 3];
        pair[3] = pairs[bits & 3];
    }
}

/* Draws a glyph of a scale up to MEDIUM_SCALE: makes each of its lines once, and copies it `scale` times. */
static void draw_medium_glyph(volatile uint32_t *at, uint32_t stride, unsigned scale, const uint8_t *glyph,
                              uint32_t ink, uint32_t paper)
{
    union {
        uint32_t pixels[CANVAS_GLYPH_WIDTH * MEDIUM_SCALE];
        uint64_t pairs[CANVAS_GLYPH_WIDTH * MEDIUM_SCALE / 2];
    } line;
    for (unsigned y = 0; y < CANVAS_GLYPH_HEIGHT; y++) {
        uint32_t *pixel = line.pixels;
        for (unsigned mask = 0x80; mask; mask >>= 1)
            for (unsigned i = 0; i < scale; i++)
                *pixel++ = glyph[y] & mask ? ink : paper;
        for (unsigned repeat = 0; repeat < scale; repeat++, at += stride)
            for (unsigned i = 0; i < CANVAS_GLYPH_WIDTH / 2 * scale; i++)
                ((volatile uint64_t *)at)[i] = line.pairs[i];
    }
}

/* Draws a glyph of any scale that lies inside completely: equal pixels side by side in one go. */
static void draw_large_glyph(volatile uint32_t *line, uint32_t stride, unsigned scale, const uint8_t *glyph,
                             uint32_t ink, uint32_t paper)
{
    for (unsigned y = 0; y < CANVAS_GLYPH_HEIGHT; y++)
        for (unsigned repeat = 0; repeat < scale; repeat++, line += stride)
            for (unsigned x = 0, end; x < CANVAS_GLYPH_WIDTH; x = end) {
                unsigned bit = glyph[y] >> (CANVAS_GLYPH_WIDTH - 1 - x) & 1;
                for (end = x + 1; end < CANVAS_GLYPH_WIDTH; end++)
                    if ((glyph[y] >> (CANVAS_GLYPH_WIDTH - 1 - end) & 1) != bit)
                        break;
                fill_line(line + (size_t)x * scale, (end - x) * scale, bit ? ink : paper);
            }
}

/* Draws what is inside of a glyph at the edge, square by square. */
static void draw_cut_glyph(const struct canvas *canvas, unsigned left, unsigned top,
                           struct canvas_style style, const uint8_t *glyph)
{
    unsigned scale = style.scale;
    for (unsigned y = 0; y < CANVAS_GLYPH_HEIGHT; y++)
        for (unsigned x = 0; x < CANVAS_GLYPH_WIDTH; x++)
            canvas_fill(canvas, (struct canvas_area){left + x * scale, top + y * scale, scale, scale},
                        glyph[y] >> (CANVAS_GLYPH_WIDTH - 1 - x) & 1 ? style.ink : style.paper);
}

void canvas_glyph(const struct canvas *canvas, unsigned left, unsigned top, struct canvas_style style, char c)
{
    const uint8_t *glyph = font_start + PSF1_HEADER_BYTES + (size_t)(uint8_t)c * CANVAS_GLYPH_HEIGHT;
    unsigned width = CANVAS_GLYPH_WIDTH * style.scale, height = CANVAS_GLYPH_HEIGHT * style.scale;
    if (left >= canvas->width || top >= canvas->height)
        return;
    if (canvas->width - left < width || canvas->height - top < height) {
        draw_cut_glyph(canvas, left, top, style, glyph);
        return;
    }
    volatile uint32_t *at = pixel_at(canvas, left, top);
    uint32_t ink = canvas->colours[style.ink], paper = canvas->colours[style.paper];
    bool in_pairs = (uintptr_t)at % sizeof(uint64_t) == 0 && canvas->stride % 2 == 0;
    if (style.scale == 1 && in_pairs)
        draw_small_glyph(at, canvas->stride, glyph, ink, paper);
    else if (style.scale <= MEDIUM_SCALE && in_pairs)
        draw_medium_glyph(at, canvas->stride, style.scale, glyph, ink, paper);
    else
        draw_large_glyph(at, canvas->stride, style.scale, glyph, ink, paper);
}

unsigned canvas_text(const struct canvas *canvas, unsigned left, unsigned top, struct canvas_style style,
                     const char *text)
{
    for (; *text && left < canvas->width; text++, left += CANVAS_GLYPH_WIDTH * style.scale)
        canvas_glyph(canvas, left, top, style, *text);
    return left;
}
