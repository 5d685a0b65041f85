/* screen.c - paints glyphs and scrolls. */
#include "console/screen.h"

enum { PSF1_MAGIC = 0x0436, PSF1_HEADER_BYTES = 4, GLYPH_WIDTH = 8, MAX_COLUMNS = 240, MAX_ROWS = 135 };

/* Embedded by the build from Debian's console fonts. */
extern const uint8_t font_start[] __asm__("_binary_font_psf_start") __attribute__((visibility("hidden")));

static struct screen {
    volatile uint32_t *pixels;
    uint32_t stride, ink;
    unsigned glyph_height;
    unsigned columns, rows;
    unsigned column, row;
} screen;
static char cells[MAX_ROWS][MAX_COLUMNS];

static void paint(unsigned row, unsigned column, char c)
{
    const uint8_t *glyph = font_start + PSF1_HEADER_BYTES + (size_t)(uint8_t)c * screen.glyph_height;
    volatile uint32_t *line =
        screen.pixels + (size_t)row * screen.glyph_height * screen.stride + (size_t)column * GLYPH_WIDTH;
    for (unsigned y = 0; y < screen.glyph_height; y++, line += screen.stride)
        for (unsigned x = 0; x < GLYPH_WIDTH; x++)
            line[x] = glyph[y] & (0x80u >> x) ? screen.ink : 0;
    cells[row][column] = c;
}

/* Returns the character `by` rows further down, or a blank if that is below the last row. */
static char cell_below(unsigned row, unsigned column, unsigned by)
{
    if (row + by >= screen.rows)
        return ' ';
    return cells[row + by][column];
}

static void repaint(unsigned row, unsigned column, char c)
{
    if (cells[row][column] != c)
        paint(row, column, c);
}

/* Scrolls by an eighth of the screen, because repainting is expensive. */
static void scroll(void)
{
    unsigned by = screen.rows / 8 + 1;
    for (unsigned row = 0; row < screen.rows; row++)
        for (unsigned column = 0; column < screen.columns; column++)
            repaint(row, column, cell_below(row, column, by));
    screen.row -= by;
}

static void new_line(void)
{
    screen.column = 0;
    if (++screen.row == screen.rows)
        scroll();
}

/* Returns three quarters of the brightest value of the colour with this mask. */
static uint32_t three_quarters(uint32_t mask)
{
    uint32_t unit = mask & -mask;
    return unit ? mask / unit * 3 / 4 * unit : 0;
}

static unsigned at_most(unsigned number, unsigned limit)
{
    return number < limit ? number : limit;
}

static void clear(volatile uint32_t *pixels, const struct framebuffer *framebuffer)
{
    for (uint32_t y = 0; y < framebuffer->height; y++)
        for (uint32_t x = 0; x < framebuffer->width; x++)
            pixels[(size_t)y * screen.stride + x] = 0;
    for (unsigned row = 0; row < screen.rows; row++)
        for (unsigned column = 0; column < screen.columns; column++)
            cells[row][column] = ' ';
}

bool screen_start(const struct framebuffer *framebuffer)
{
    unsigned height = font_start[3];
    bool is_font = (font_start[0] | font_start[1] << 8) == PSF1_MAGIC && height > 0;
    screen.pixels = NULL; /* a fault in this function must not be printed on a half-started screen */
    if (!is_font || framebuffer->width < 16 * GLYPH_WIDTH || framebuffer->height < 4 * height)
        return false;
    screen = (struct screen){
        .stride = framebuffer->stride,
        .ink = three_quarters(framebuffer->red_mask) | three_quarters(framebuffer->green_mask) |
               three_quarters(framebuffer->blue_mask),
        .glyph_height = height,
        .columns = at_most(framebuffer->width / GLYPH_WIDTH, MAX_COLUMNS),
        .rows = at_most(framebuffer->height / height, MAX_ROWS),
    };
    volatile uint32_t *pixels = (volatile uint32_t *)framebuffer->address.value;
    clear(pixels, framebuffer);
    screen.pixels = pixels;
    return true;
}

void screen_put(char c)
{
    if (screen.pixels == NULL)
        return;
    if (c == '\n') {
        new_line();
        return;
    }
    if (screen.column == screen.columns)
        new_line();
    repaint(screen.row, screen.column, c);
    screen.column++;
}
