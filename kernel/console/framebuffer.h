/* SPDX-License-Identifier: MIT */
/*
 * framebuffer.h - the pixels of a screen: where they are and how a colour is stored in one.
 */
#ifndef KERNEL_CONSOLE_FRAMEBUFFER_H
#define KERNEL_CONSOLE_FRAMEBUFFER_H

#include <selfmap/address.h>

/* A linear framebuffer with 32 bits per pixel. A width of 0 means that there is none. */
struct framebuffer {
    paging_phys_t address; /* of the top left pixel; mapped to the virtual address of the same value */
    uint64_t bytes;
    uint32_t width, height; /* in pixels */
    uint32_t stride;        /* pixels from the start of one line to the start of the next; >= width */
    uint32_t red_mask, green_mask, blue_mask;
};

#endif
