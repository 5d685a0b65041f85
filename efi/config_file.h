/* SPDX-License-Identifier: MIT */
/*
 * config_file.h - selfmap.cfg, from the volume or the server that the image came from.
 */
#ifndef EFI_CONFIG_FILE_H
#define EFI_CONFIG_FILE_H

#include "loader.h"

enum { OPTION_TEXT_LIMIT = 16384 };
#define OPTION_TEXT_TOO_LARGE "is larger than 16 KiB: nothing of it is used"

/* What became of it. */
struct config_file {
    UINTN bytes;       /* in the buffer; 0 if it was not read */
    const char *where; /* a fact: "volume", "tftp", "none", or why there is none */
    const char *why;   /* it is there and cannot be used, and why; else NULL */
    EFI_STATUS status; /* of the firmware, if that is why; else EFI_SUCCESS */
};

/* Reads the file. A file larger than the buffer is not used. */
struct config_file read_config_file(const struct loader *loader, char *buffer, UINTN capacity);

#endif
