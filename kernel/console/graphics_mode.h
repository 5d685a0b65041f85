/* SPDX-License-Identifier: MIT */
/*
 * graphics_mode.h - decides whether a mode of the firmware's graphics (GOP; UEFI 2.10, 12.9) is a framebuffer
 * that can be written without the firmware.
 */
#ifndef KERNEL_CONSOLE_GRAPHICS_MODE_H
#define KERNEL_CONSOLE_GRAPHICS_MODE_H

#include "console/format.h"
#include "console/framebuffer.h"
#include <stdbool.h>

/* UEFI 2.10, 12.9.2, EFI_GRAPHICS_PIXEL_FORMAT: what a pixel's bytes are, the lowest first. */
enum pixel_format {
    PIXEL_FORMAT_RGBX,
    PIXEL_FORMAT_BGRX,
    PIXEL_FORMAT_MASKS,
    PIXEL_FORMAT_BLT_ONLY, /* pixels are moved by the firmware alone */
};

/*
 * In pixels: a mode that claims more is a mistake. Twice what a screen of 7680 x 4320 has takes a slow
 * framebuffer seconds to clear, before the first line is seen.
 */
enum { GRAPHICS_SIDE_LIMIT = 16384, GRAPHICS_PIXEL_LIMIT = 1 << 26 };

/* A mode as the firmware describes it. None of it is believed. */
struct graphics_mode {
    uint64_t address, bytes;
    uint32_t width, height, stride;                          /* in pixels */
    uint32_t format;                                         /* enum pixel_format, or any other number */
    uint32_t red_mask, green_mask, blue_mask, reserved_mask; /* with PIXEL_FORMAT_MASKS */
};

/*
 * Describes the mode's framebuffer. `limit` is the end of the addresses that can be mapped to themselves.
 * Some firmware counts fewer bytes than its lines take: then the framebuffer has only the lines that exist.
 * Returns false, and puts a sentence into `why`, if there is none that can be used, or no room for text.
 */
bool graphics_framebuffer(const struct graphics_mode *mode, uint64_t limit, struct framebuffer *framebuffer,
                          struct format_sink *why);

#endif
