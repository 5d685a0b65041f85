/* SPDX-License-Identifier: MIT */
/* graphics mode: which modes of the firmware's are framebuffers, and why the others are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/graphics_mode.h"

#define LIMIT    ((uint64_t)1 << 40)
#define AT       0xc0000000u
#define ALL      0xffffffffffffffffu
#define NO_MASKS 0, 0, 0, 0
enum { RGBX, BGRX, MASKS, BLT };

/* Address, bytes; width, height, stride; format; masks for red, green, blue and nothing. */
struct odd_mode {
    struct graphics_mode mode;
    const char *words; /* that the refusal must contain; NULL: it is a framebuffer */
    uint32_t height;   /* that the framebuffer then has */
};

static const struct odd_mode usable[] = {
    {{AT, 1920000, 800, 600, 800, BGRX, NO_MASKS}, NULL, 600},
    {{AT, 1966080, 800, 600, 819, RGBX, NO_MASKS}, NULL, 600}, /* lines further apart than they are long */
    {{AT, 1919999, 800, 600, 800, BGRX, NO_MASKS}, NULL, 599}, /* a byte is missing */
    {{AT, 204800, 800, 600, 800, BGRX, NO_MASKS}, NULL, 64},   /* four rows of text are there */
    {{AT, ALL, 800, 600, 800, BGRX, NO_MASKS}, NULL, 600},     /* more bytes than there are addresses */
    {{0xfc10000000, 33177600, 3840, 2160, 3840, BGRX, NO_MASKS}, NULL, 2160}, /* above 4 GiB */
    {{LIMIT - 1920000, 1920000, 800, 600, 800, BGRX, NO_MASKS}, NULL, 600},   /* up to the last address */
    {{AT + 4, 1920000, 800, 600, 800, BGRX, NO_MASKS}, NULL, 600},            /* not on a page */
    {{AT, ALL, 16384, 4096, 16384, BGRX, NO_MASKS}, NULL, 4096},
    {{AT, ALL, 4096, 16384, 4096, BGRX, NO_MASKS}, NULL, 16384},
    {{AT, ALL, 7680, 4320, 8192, BGRX, NO_MASKS}, NULL, 4320},
    {{AT, 1920000, 800, 600, 800, MASKS, 0x3ff00000, 0xffc00, 0x3ff, 0xc0000000}, NULL, 600}, /* 10 bits */
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff000000, 0xff0000, 0xff00, 0xff}, NULL, 600},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xf0000000, 0x1f, 0x7e0, 0}, NULL, 600},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff, 0xff00, 0xff0000, 0xffffffff}, NULL, 600},
    {{AT, 32768, 128, 64, 128, BGRX, NO_MASKS}, NULL, 64}, /* as small as can be */
};

static const struct odd_mode unusable[] = {
    {{AT, 1920000, 0, 600, 800, BGRX, NO_MASKS}, "0 x 600", 0},
    {{AT, 1920000, 800, 0, 800, BGRX, NO_MASKS}, "800 x 0", 0},
    {{AT, 1920000, 800, 600, 799, BGRX, NO_MASKS}, "800 pixels, but are 799 apart", 0},
    {{AT, 1920000, 800, 600, 0, BGRX, NO_MASKS}, "are 0 apart", 0},
    {{AT, ALL, 16385, 600, 16385, BGRX, NO_MASKS}, "16385 x 600 pixels are more than", 0},
    {{AT, ALL, 600, 16385, 600, BGRX, NO_MASKS}, "600 x 16385 pixels are more than", 0},
    {{AT, ALL, 16384, 4097, 16384, BGRX, NO_MASKS}, "16384 x 4097 pixels are more than", 0},
    {{AT, ALL, 16384, 16384, 16384, BGRX, NO_MASKS}, "16384 x 16384 pixels are more than", 0},
    {{AT, ALL, 65536, 65536, 65536, BGRX, NO_MASKS}, "more than can be true", 0},
    {{AT, ALL, 0xffffffff, 0xffffffff, 0xffffffff, BGRX, NO_MASKS}, "more than can be true", 0},
    {{AT, 1920000, 800, 600, 800, BLT, NO_MASKS}, "only the firmware can draw on it (Blt only)", 0},
    {{AT, 1920000, 800, 600, 800, 4, NO_MASKS}, "pixel format 4 is unknown", 0},
    {{AT, 1920000, 800, 600, 800, 0xffffffff, NO_MASKS}, "is unknown", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0, 0xff00, 0xff, 0xff000000}, "no bits for red", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0, 0xff, 0xff000000}, "no bits for green", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0xff00, 0, 0xff000000}, "no bits for blue", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0, 0, 0, 0x80000000}, "no bits for red", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xf0f000, 0xff, 0xff000000, 0}, "red are apart: 00f0f000", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0xff00, 0x80000001, 0}, "blue are apart", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0x1ff00, 0xff, 0xff000000}, "green twice: 00010000", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0xff00, 0xff0000, 0xff000000}, "blue twice", 0},
    {{AT, 1920000, 800, 600, 800, MASKS, 0xff0000, 0xff00, 0xff, 0}, "shorter than 32 bits: 00ffffff", 0},
    {{AT, 960000, 800, 600, 800, MASKS, 0xf800, 0x7e0, 0x1f, 0}, "shorter than 32 bits: 0000ffff", 0},
    {{0, 1920000, 800, 600, 800, BGRX, NO_MASKS}, "no address", 0},
    {{AT, 0, 800, 600, 800, BGRX, NO_MASKS}, "0 bytes are less than a line of 3200", 0},
    {{AT, 3199, 800, 600, 800, BGRX, NO_MASKS}, "3199 bytes are less", 0},
    {{LIMIT - 1919999, 1920000, 800, 600, 800, BGRX, NO_MASKS}, "cannot be mapped", 0},
    {{AT, 204799, 800, 600, 800, BGRX, NO_MASKS}, "800 x 63 pixels are too few for text", 0},
    {{AT, ALL, 127, 600, 128, BGRX, NO_MASKS}, "127 x 600 pixels are too few for text", 0},
    {{AT, ALL, 800, 63, 800, BGRX, NO_MASKS}, "800 x 63 pixels are too few for text", 0},
    {{ALL, 1920000, 800, 600, 800, BGRX, NO_MASKS}, "ffffffffffffffff cannot be mapped", 0},
};

static char sentence[128];

static bool decide(const struct graphics_mode *mode, struct framebuffer *found)
{
    struct text_sink why = text_sink(sentence, sizeof sentence);
    return graphics_framebuffer(mode, LIMIT, found, &why.sink);
}

static void usable_modes(void **state)
{
    for (size_t i = 0; i < sizeof usable / sizeof usable[0]; i++) {
        const struct graphics_mode *mode = &usable[i].mode;
        struct framebuffer found = {0};
        if (!decide(mode, &found))
            fail_msg("usable[%zu] is refused: %s", i, sentence);
        assert_string_equal(sentence, "");
        assert_true(found.address.value == mode->address);
        assert_int_equal(found.width, mode->width);
        assert_int_equal(found.stride, mode->stride);
        if (found.height != usable[i].height)
            fail_msg("usable[%zu] has %u lines", i, found.height);
        assert_int_equal(found.bytes, (uint64_t)found.height * found.stride * 4);
        assert_true(found.bytes <= mode->bytes);
    }
}

static void unusable_modes(void **state)
{
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        struct framebuffer found = {.width = 12345};
        if (decide(&unusable[i].mode, &found))
            fail_msg("unusable[%zu] is accepted", i);
        if (!strstr(sentence, unusable[i].words))
            fail_msg("unusable[%zu]: \"%s\" does not say \"%s\"", i, sentence, unusable[i].words);
        assert_int_equal(found.width, 12345);
    }
}

static void colours_are_where_they_should(void **state)
{
    struct framebuffer bgrx, rgbx, masks;
    assert_true(decide(&usable[0].mode, &bgrx) && decide(&usable[1].mode, &rgbx));
    assert_int_equal(bgrx.red_mask, 0xff0000);
    assert_int_equal(bgrx.green_mask, 0xff00);
    assert_int_equal(bgrx.blue_mask, 0xff);
    assert_int_equal(rgbx.red_mask, 0xff);
    assert_int_equal(rgbx.green_mask, 0xff00);
    assert_int_equal(rgbx.blue_mask, 0xff0000);
    assert_true(decide(&usable[11].mode, &masks));
    assert_int_equal(masks.red_mask, 0x3ff00000);
    assert_int_equal(masks.green_mask, 0xffc00);
    assert_int_equal(masks.blue_mask, 0x3ff);
}

/* Whatever the numbers are: what is accepted lies within what the firmware claims and what can be mapped. */
static void random_modes(void **state)
{
    uint64_t seed = 1;
    unsigned accepted = 0;
    for (unsigned i = 0; i < 200000; i++) {
        struct graphics_mode mode;
        uint32_t *words = (uint32_t *)&mode;
        for (size_t k = 0; k < sizeof mode / sizeof *words; k++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            words[k] = (uint32_t)(seed >> 32) >> (seed >> 24 & 31);
        }
        mode.format %= 5;
        struct framebuffer found;
        if (!decide(&mode, &found)) {
            assert_true(sentence[0] != '\0');
            continue;
        }
        accepted++;
        assert_in_range(found.width, 1, found.stride);
        assert_in_range(found.height, 1, mode.height);
        assert_true(found.bytes <= mode.bytes && found.bytes == (uint64_t)found.height * found.stride * 4);
        assert_true(found.address.value < LIMIT && LIMIT - found.address.value >= found.bytes);
        assert_int_equal(found.red_mask & (found.green_mask | found.blue_mask), 0);
    }
    assert_true(accepted > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"graphics mode: odd modes are used as far as they are there", usable_modes, NULL, NULL, NULL},
        {"graphics mode: what cannot be drawn on is refused with a reason", unusable_modes, NULL, NULL, NULL},
        {"graphics mode: the masks follow the format", colours_are_where_they_should, NULL, NULL, NULL},
        {"graphics mode: whatever the firmware claims, nothing beyond it is used", random_modes, NULL, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("graphics_mode", tests, NULL, NULL);
}
