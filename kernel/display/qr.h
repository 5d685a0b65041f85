/* SPDX-License-Identifier: MIT */
/*
 * qr.h - makes QR codes, with Debian's library libqrcodegen, which allocates nothing.
 */
#ifndef KERNEL_DISPLAY_QR_H
#define KERNEL_DISPLAY_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A code of version v has 17 + 4v modules a side. Version 25 takes up to 1273 bytes. */
enum {
    QR_VERSION_LIMIT = 25,
    QR_SIZE_LIMIT = 17 + 4 * QR_VERSION_LIMIT,
    QR_CODE_BYTES = (QR_SIZE_LIMIT * QR_SIZE_LIMIT + 7) / 8 + 1,
};

struct qr_code {
    uint8_t bytes[QR_CODE_BYTES]; /* in the library's form */
};

/*
 * Makes the smallest code for these bytes, with as much error correction as fits into it. Returns false if
 * there are more than a code of version QR_VERSION_LIMIT can hold. Not reentrant.
 */
bool qr_encode(const char *text, size_t bytes, struct qr_code *code);

/* Returns the number of modules a side. */
unsigned qr_size(const struct qr_code *code);

/*
 * Returns whether the module is dark. x and y count from the upper left corner, and are less than the size.
 */
bool qr_module(const struct qr_code *code, unsigned x, unsigned y);

#endif
