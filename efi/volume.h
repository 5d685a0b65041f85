/* SPDX-License-Identifier: MIT */
/*
 * volume.h - files on the volume that the image was loaded from, by the firmware's own driver.
 *
 * A path begins at the root and has backslashes. All return EFI_NO_MAPPING if there is no volume, as after a
 * network boot.
 */
#ifndef EFI_VOLUME_H
#define EFI_VOLUME_H

#include "loader.h"

#define SELFMAP_FOLDER "\\SELFMAP"

enum { REPORT_NUMBER_LIMIT = 99, REPORT_PATH_BYTES = sizeof SELFMAP_FOLDER "\\REPORT-99.TXT" };

/* Statuses of our own (bit 62; UEFI 2.10, appendix D). */
#define STATUS_IS_FOLDER  ((EFI_STATUS)3 << 62 | 1) /* what should be read is a folder */
#define STATUS_NO_NUMBERS ((EFI_STATUS)3 << 62 | 2) /* REPORT_NUMBER_LIMIT is taken */
#define STATUS_NOT_MADE   ((EFI_STATUS)3 << 62 | 3) /* a disk on which no file can be made */

/* Reads a file, or as much of it as there is room for: *bytes. Then *bytes is the size of the whole file. */
EFI_STATUS read_file(const struct loader *loader, const char *path, char *text, UINTN *bytes);

/* A piece of a file. */
struct file_part {
    const char *text;
    UINTN bytes;
};

/*
 * Makes a file of SELFMAP_FOLDER consist of two parts. A file that cannot be written whole is deleted again.
 */
EFI_STATUS write_file(const struct loader *loader, const char *path, const struct file_part parts[2]);

/* Returns why a file could not be written, in words that a person can act on. */
const char *why_not_written(EFI_STATUS status);

/* Finds the highest number of a report in SELFMAP_FOLDER; 0 if there is none. */
EFI_STATUS find_newest_report(const struct loader *loader, unsigned *number);

/* Puts the path of a report together. */
void report_path(unsigned number, char path[REPORT_PATH_BYTES]);

#endif
