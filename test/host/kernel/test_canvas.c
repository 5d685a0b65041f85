/* SPDX-License-Identifier: MIT */
/* canvas: every pixel as a model has it, on framebuffers of every shape, and none is ever read. */
#define _GNU_SOURCE
#include "kernel/pixels.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "kernel/console/canvas.h"

enum { WIDTH = 150, HEIGHT = 70 };

/* What should be there: drawn pixel by pixel, without a thought about speed. */
static uint32_t model[HEIGHT][WIDTH];

static void model_set(unsigned x, unsigned y, uint32_t pixel)
{
    if (x < WIDTH && y < HEIGHT)
        model[y][x] = pixel;
}

static void model_fill(struct canvas_area area, uint32_t pixel)
{
    for (unsigned y = 0; y < area.height; y++)
        for (unsigned x = 0; x < area.width; x++)
            model_set(area.left + x, area.top + y, pixel);
}

static void model_text(unsigned left, unsigned top, unsigned scale, uint32_t ink, uint32_t paper,
                       const char *text)
{
    for (; *text; text++, left += GLYPH_WIDTH * scale)
        for (unsigned y = 0; y < GLYPH_HEIGHT * scale; y++)
            for (unsigned x = 0; x < GLYPH_WIDTH * scale; x++)
                model_set(left + x, top + y, glyph_bit(*text, x / scale, y / scale) ? ink : paper);
}

static void assert_like_model(uint32_t stride)
{
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < stride; x++) {
            uint32_t pixel = pixels[(size_t)y * stride + x], expected = x < WIDTH ? model[y][x] : UNTOUCHED;
            if (pixel != expected)
                fail_msg("pixel %u of line %u is %x instead of %x, stride %u", x, y, pixel, expected, stride);
        }
}

static struct canvas open_canvas(uint32_t stride)
{
    struct framebuffer framebuffer = make_framebuffer(WIDTH, HEIGHT, stride);
    struct canvas canvas;
    assert_true(canvas_start(&canvas, &framebuffer));
    model_fill((struct canvas_area){0, 0, WIDTH, HEIGHT}, UNTOUCHED);
    return canvas;
}

static const uint32_t strides[] = {WIDTH, WIDTH + 1, WIDTH + 2, 2 * WIDTH + 7};

static void rectangles(void **state)
{
    (void)state;
    for (unsigned s = 0; s < sizeof strides / sizeof strides[0]; s++) {
        struct canvas canvas = open_canvas(strides[s]);
        for (unsigned i = 0; i < 400; i++) {
            struct canvas_area area = {i * 31 % (WIDTH + 9), i * 17 % (HEIGHT + 9), i * 7 % 60, i * 5 % 40};
            if (i % 50 == 0)
                area.width = area.height = UINT32_MAX; /* as large as can be */
            enum canvas_colour colour = (enum canvas_colour)(i % CANVAS_COLOURS);
            canvas_fill(&canvas, area, colour);
            area.width = area.width > WIDTH ? WIDTH : area.width;
            area.height = area.height > HEIGHT ? HEIGHT : area.height;
            model_fill(area, canvas.colours[colour]);
        }
        assert_like_model(strides[s]);
    }
}

static void text_of_every_scale(void **state)
{
    (void)state;
    static const char text[] = "Selfmap {|} 09";
    for (unsigned s = 0; s < sizeof strides / sizeof strides[0]; s++) {
        struct canvas canvas = open_canvas(strides[s]);
        for (unsigned i = 0; i < 200; i++) {
            struct canvas_style style = {1 + i % 5, CANVAS_WHITE, (enum canvas_colour)(i % CANVAS_WHITE)};
            unsigned left = i * 13 % (WIDTH + 5), top = i * 11 % (HEIGHT + 5);
            const char *from = text + i % (sizeof text - 1);
            unsigned end = canvas_text(&canvas, left, top, style, from);
            model_text(left, top, style.scale, canvas.colours[style.ink], canvas.colours[style.paper], from);
            unsigned whole = left + (unsigned)strlen(from) * GLYPH_WIDTH * style.scale;
            assert_true(end == whole || (end < whole && end >= WIDTH));
        }
        assert_like_model(strides[s]);
    }
}

static void colour_formats(void **state)
{
    (void)state;
    static const struct {
        uint32_t red, green, blue, white, green_paper;
    } formats[] = {
        {0xff0000, 0xff00, 0xff, 0xffffff, 104u << 8 | 32},
        {0xff, 0xff00, 0xff0000, 0xffffff, 104u << 8 | 32u << 16},
        {0xff000000, 0xff0000, 0xff00, 0xffffff00, 104u << 16 | 32u << 8},
        {0x3ff00000, 0xffc00, 0x3ff, 0x3fffffff, (1023u * 104 / 255) << 10 | 1023u * 32 / 255},
        {0xffc00000, 0x3ff000, 0xffc, 0xfffffffc, (1023u * 104 / 255) << 12 | (1023u * 32 / 255) << 2},
        {0xf800, 0x7e0, 0x1f, 0xffff, (63u * 104 / 255) << 5 | 31u * 32 / 255},
        {0x80000000, 0, 0, 0x80000000, 0}, /* odd, but no reason to divide by zero */
    };
    for (unsigned i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct framebuffer framebuffer = make_framebuffer(WIDTH, HEIGHT, WIDTH);
        struct canvas canvas;
        framebuffer.red_mask = formats[i].red;
        framebuffer.green_mask = formats[i].green;
        framebuffer.blue_mask = formats[i].blue;
        assert_true(canvas_start(&canvas, &framebuffer));
        assert_int_equal(canvas.colours[CANVAS_WHITE], formats[i].white);
        assert_int_equal(canvas.colours[CANVAS_GREEN], formats[i].green_paper);
        assert_int_equal(canvas.colours[CANVAS_BLACK], 0);
    }
}

/* Firmware has been seen to count too few bytes, and too many lines. */
static void fewer_lines_than_claimed(void **state)
{
    (void)state;
    enum { STRIDE = WIDTH + 10 };
    static const struct {
        uint64_t there;
        unsigned lines;
    } cases[] = {
        {(uint64_t)STRIDE * HEIGHT, HEIGHT},
        {(uint64_t)STRIDE * (HEIGHT - 1) + WIDTH, HEIGHT}, /* the last line ends with its last pixel */
        {(uint64_t)STRIDE * (HEIGHT - 1) + WIDTH - 1, HEIGHT - 1},
        {(uint64_t)STRIDE * 65, 65},
        {UINT64_MAX / 4, HEIGHT},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct framebuffer framebuffer = make_framebuffer(WIDTH, HEIGHT, STRIDE);
        struct canvas canvas;
        framebuffer.bytes = cases[i].there * sizeof(uint32_t);
        assert_true(canvas_start(&canvas, &framebuffer));
        assert_int_equal(canvas.height, cases[i].lines);
        canvas_fill(&canvas, (struct canvas_area){0, 0, WIDTH, HEIGHT}, CANVAS_RED);
        canvas_text(&canvas, 0, HEIGHT - 8, (struct canvas_style){1, CANVAS_WHITE, CANVAS_BLACK}, "cut");
        for (unsigned y = canvas.height; y < HEIGHT; y++)
            assert_int_equal(pixels[(size_t)y * STRIDE], UNTOUCHED);
        assert_int_equal(pixels[(size_t)(canvas.height - 1) * STRIDE + WIDTH - 1],
                         canvas.colours[CANVAS_RED]);
    }
}

static void refuses_what_is_no_screen(void **state)
{
    (void)state;
    struct canvas canvas;
    struct framebuffer none = {0}, narrow = make_framebuffer(127, 100, 127),
                       low = make_framebuffer(200, 63, 200);
    assert_false(canvas_start(&canvas, &none));
    assert_false(canvas_start(&canvas, &narrow));
    assert_false(canvas_start(&canvas, &low));
    struct framebuffer lying = make_framebuffer(200, 100, 200);
    lying.stride = 199;
    assert_false(canvas_start(&canvas, &lying));
    lying.stride = 200;
    lying.bytes = 200 * 4 * 63;
    assert_false(canvas_start(&canvas, &lying));
}

static void scales(void **state)
{
    (void)state;
    static const struct {
        unsigned width, height, scale;
    } cases[] = {
        {640, 400, 1},   {640, 480, 1},   {800, 600, 1},   {1024, 768, 1},  {1280, 800, 1},  {1366, 768, 1},
        {1440, 900, 1},  {1600, 900, 2},  {1920, 1080, 2}, {2560, 1600, 2}, {3840, 2160, 3}, {5120, 2880, 4},
        {7680, 4320, 6}, {1080, 1920, 1}, {4096, 400, 1},  {3440, 1440, 3}, {5120, 1440, 3},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct framebuffer framebuffer = {.address = {1},
                                          .bytes = (uint64_t)cases[i].width * cases[i].height * 4,
                                          .width = cases[i].width,
                                          .height = cases[i].height,
                                          .stride = cases[i].width};
        struct canvas canvas;
        assert_true(canvas_start(&canvas, &framebuffer));
        assert_int_equal(canvas.scale, cases[i].scale);
    }
}

/* ---- no pixel is read: each access to the framebuffer faults, and the fault says what it was ---- */

enum { WATCHED_BYTES = (WIDTH * HEIGHT * 4 + 4095) / 4096 * 4096, PAGE_FAULT_WRITE = 2, TRAP_FLAG = 0x100 };
static void *watched;
static volatile unsigned reads, writes;

static void take_fault(int signal_number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t address = (uintptr_t)info->si_addr - (uintptr_t)watched;
    if (address >= WATCHED_BYTES) {
        signal(signal_number, SIG_DFL);
        return;
    }
    if (registers[REG_ERR] & PAGE_FAULT_WRITE)
        writes++;
    else
        reads++;
    mprotect(watched, WATCHED_BYTES, PROT_READ | PROT_WRITE);
    registers[REG_EFL] |= TRAP_FLAG;
}

static void take_trap(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)info;
    mprotect(watched, WATCHED_BYTES, PROT_NONE);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void catch_with(int signal_number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(signal_number, &action, NULL), 0);
}

static void never_reads(void **state)
{
    (void)state;
    watched = mmap(NULL, WATCHED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(watched, MAP_FAILED);
    struct framebuffer framebuffer = {.address = {(uintptr_t)watched},
                                      .bytes = WIDTH * HEIGHT * 4,
                                      .width = WIDTH,
                                      .height = HEIGHT,
                                      .stride = WIDTH,
                                      .red_mask = 0xff};
    struct canvas canvas;
    catch_with(SIGSEGV, take_fault);
    catch_with(SIGTRAP, take_trap);
    assert_true(canvas_start(&canvas, &framebuffer));
    assert_int_equal(writes, 0);
    canvas_fill(&canvas, (struct canvas_area){3, 3, 21, 4}, CANVAS_RED);
    for (unsigned scale = 1; scale <= 3; scale++)
        for (unsigned shift = 0; shift < 2; shift++)
            canvas_text(&canvas, shift, 8, (struct canvas_style){scale, CANVAS_WHITE, CANVAS_BLACK}, "#Q");
    canvas_text(&canvas, WIDTH - 4, 20, (struct canvas_style){1, CANVAS_WHITE, CANVAS_BLACK}, "e");
    signal(SIGSEGV, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
    assert_true(writes > 1000);
    assert_int_equal(reads, 0);
    munmap(watched, WATCHED_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"canvas: without a framebuffer that holds text it does not start", refuses_what_is_no_screen, NULL,
         NULL, NULL},
        {"canvas: rectangles are cut at the edges, whatever the stride", rectangles, NULL, NULL, NULL},
        {"canvas: text of every scale, at every place", text_of_every_scale, NULL, NULL, NULL},
        {"canvas: colours are where the masks say, in any width", colour_formats, NULL, NULL, NULL},
        {"canvas: lines without bytes are not used", fewer_lines_than_claimed, NULL, NULL, NULL},
        {"canvas: text has a readable size on every screen", scales, NULL, NULL, NULL},
        {"canvas: no pixel is read", never_reads, NULL, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("canvas", tests, NULL, NULL);
    free(pixels);
    return failed;
}
