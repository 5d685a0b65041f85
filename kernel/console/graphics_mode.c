/* SPDX-License-Identifier: MIT */
/* graphics_mode.c - what a framebuffer must be like: 32 bits a pixel, lines that exist, sensible masks. */
#include "console/graphics_mode.h"
#include "console/canvas.h"

/* Returns whether all bits of the mask are next to each other. */
static bool is_contiguous(uint32_t mask)
{
    uint32_t unit = mask & -mask;
    return ((mask + unit) & mask) == 0;
}

static bool check_masks(const struct graphics_mode *mode, struct format_sink *why)
{
    const uint32_t masks[] = {mode->red_mask, mode->green_mask, mode->blue_mask};
    static const char *const names[] = {"red", "green", "blue"};
    uint32_t seen = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (masks[i] == 0)
            return format_refusal(why, "a pixel has no bits for %s", names[i]);
        if (!is_contiguous(masks[i]))
            return format_refusal(why, "the bits of a pixel for %s are apart: %08x", names[i], masks[i]);
        if (masks[i] & seen)
            return format_refusal(why, "a pixel uses bits for %s twice: %08x", names[i], masks[i] & seen);
        seen |= masks[i];
    }
    /* Masks say how long a pixel is: up to the highest bit of all four. */
    if ((seen | mode->reserved_mask) >> 24 == 0)
        return format_refusal(why, "a pixel is shorter than 32 bits: %08x", seen | mode->reserved_mask);
    return true;
}

static bool set_masks(const struct graphics_mode *mode, struct framebuffer *found, struct format_sink *why)
{
    const uint32_t low = 0x000000ff, middle = 0x0000ff00, high = 0x00ff0000;
    bool rgbx = mode->format == PIXEL_FORMAT_RGBX;
    if (mode->format == PIXEL_FORMAT_BLT_ONLY)
        return format_refusal(why, "only the firmware can draw on it (Blt only)");
    if (mode->format > PIXEL_FORMAT_BLT_ONLY)
        return format_refusal(why, "pixel format %u is unknown", mode->format);
    if (mode->format == PIXEL_FORMAT_MASKS && !check_masks(mode, why))
        return false;
    found->red_mask = rgbx ? low : high;
    found->green_mask = middle;
    found->blue_mask = rgbx ? high : low;
    if (mode->format == PIXEL_FORMAT_MASKS) {
        found->red_mask = mode->red_mask;
        found->green_mask = mode->green_mask;
        found->blue_mask = mode->blue_mask;
    }
    return true;
}

static bool check_size(const struct graphics_mode *mode, struct format_sink *why)
{
    if (mode->width == 0 || mode->height == 0)
        return format_refusal(why, "it has %u x %u pixels", mode->width, mode->height);
    if (mode->width > GRAPHICS_SIDE_LIMIT || mode->height > GRAPHICS_SIDE_LIMIT ||
        mode->width * mode->height > GRAPHICS_PIXEL_LIMIT)
        return format_refusal(why, "%u x %u pixels are more than can be true", mode->width, mode->height);
    if (mode->stride < mode->width)
        return format_refusal(why, "its lines have %u pixels, but are %u apart", mode->width, mode->stride);
    return true;
}

bool graphics_framebuffer(const struct graphics_mode *mode, uint64_t limit, struct framebuffer *framebuffer,
                          struct format_sink *why)
{
    struct framebuffer found = {
        .address = {mode->address}, .width = mode->width, .height = mode->height, .stride = mode->stride};
    if (!check_size(mode, why) || !set_masks(mode, &found, why))
        return false;
    uint64_t line_bytes = (uint64_t)mode->stride * 4, lines = mode->bytes / line_bytes;
    if (mode->address == 0)
        return format_refusal(why, "its pixels are at no address");
    if (lines == 0)
        return format_refusal(why, "its %lu bytes are less than a line of %lu", mode->bytes, line_bytes);
    if (lines < found.height)
        found.height = (uint32_t)lines;
    if (found.width < CANVAS_LEAST_WIDTH || found.height < CANVAS_LEAST_HEIGHT)
        return format_refusal(why, "%u x %u pixels are too few for text", found.width, found.height);
    found.bytes = found.height * line_bytes;
    if (found.bytes > limit || mode->address > limit - found.bytes)
        return format_refusal(why, "its pixels at %lx cannot be mapped to their own addresses",
                              mode->address);
    *framebuffer = found;
    return true;
}
