/* SPDX-License-Identifier: MIT */
/*
 * disk.h - a made-up volume for the loader: files and folders in memory, behind the firmware's protocols.
 *
 * It holds what it is asked to what UEFI allows (UEFI 2.10, 13.5): modes and attributes of Open, handles that
 * are open, room. What it refuses is chosen by a test; everything else it does as it should.
 */
#ifndef TEST_HOST_EFI_DISK_H
#define TEST_HOST_EFI_DISK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "efi/loader.h"

enum { DISK_FILES = 16, DISK_FILE_BYTES = 8192, DISK_PATH_BYTES = 64 };

enum disk_call {
    CALL_NONE,
    CALL_OPEN_VOLUME,
    CALL_OPEN,
    CALL_INFO,
    CALL_READ,
    CALL_WRITE,
    CALL_FLUSH,
    CALL_CLOSE
};

struct disk_file {
    char path[DISK_PATH_BYTES]; /* from the root on, with backslashes; "": there is none here */
    bool is_folder, is_read_only;
    char content[DISK_FILE_BYTES];
    size_t bytes;
};

struct disk {
    bool has_volume, volume_is_null, is_from_network;
    struct disk_file files[DISK_FILES];
    size_t room;        /* bytes that can be added to files */
    bool writes_less;   /* without room it writes what it can, and says success */
    bool reads_less;    /* by a byte, and says success */
    bool makes_nothing; /* a file that is not there is not found, even if it shall be made */

    enum disk_call failing; /* the calls of this kind fail, for this path ("": for any), with this status */
    char failing_path[DISK_PATH_BYTES];
    EFI_STATUS failure;
    bool fails_once; /* only the first of these calls fails */

    unsigned handles;       /* that are open now */
    unsigned made, deleted; /* files and folders, so far */
};

extern struct disk disk;

/* The handle of the device that the volume is on. */
#define DISK_DEVICE ((EFI_HANDLE)&disk)

/* An empty volume with much room. */
void disk_begin(void);

/* Answers as HandleProtocol does. */
EFI_STATUS EFIAPI disk_handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **found);

/* Makes calls of this kind fail for a path, or for any with "". */
void disk_fail(enum disk_call call, const char *path, EFI_STATUS status);

/* Puts a file on the volume, or a folder if the content is NULL. */
struct disk_file *disk_put(const char *path, const char *content);

/* Returns the file, or NULL. */
struct disk_file *disk_find(const char *path);

/* Returns how many files and folders there are. */
unsigned disk_count(void);

#endif
