/*
 * options.h - the options that the person at the machine gave.
 *
 * Options are words `key=value`, separated by blanks or line ends; # starts a comment that ends with the
 * line. They come from selfmap.cfg beside the boot loader's folder, from LoadOptions, and under QEMU from
 * fw_cfg (opt/selfmap), in this order: a later word wins.
 *
 *   tests=all|PREFIX               which self-tests run: those whose name begins with PREFIX (no blanks)
 *   bench=no|yes                   yes: measure each operation too; with tests=bench nothing else
 *   dump=no|yes|varied             print what is mapped (dump.h); varied: map a bit of everything before that
 *   matrix=no|sample|all           how much of the access matrix the self-tests try (matrix.h)
 *   end=auto|halt|shutdown|reset|store   what happens after the report (end.h)
 *   wait=SECONDS                   how long end=store shows the report before the reset: decimal, 0 to 9999
 *                                  (60 by default)
 *   store=auto|no|hint             what outlives the run: files below \SELFMAP, and the report in memory over
 *                                  a warm reset (efi/last_run.c). no: nothing at all; hint: as if no fixed
 *                                  place in memory could be had, so that a firmware variable leads to it
 *   serial=auto|off                the first serial port
 *   screen=auto|off|memory         the framebuffer; memory: pretend it is in memory that the map calls free
 *   levels=auto|5                  how many levels the tables get: auto keeps what the firmware uses
 *   exclude=START-END              memory that is not handed out: hexadecimal byte addresses, with or without
 *                                  0x, END not included, rounded outward to frames. Up to 8 of these add up
 *   map-key=fresh|stale            stale: make the first ExitBootServices fail, to see that it is tried again
 *   crash=no|loader|early|page-fault|general-protection|double-fault|triple|hang   end like this on purpose
 */
#ifndef KERNEL_BOOT_OPTIONS_H
#define KERNEL_BOOT_OPTIONS_H

#include "frames/usable_memory.h"

enum dump_kind { DUMP_NO, DUMP_YES, DUMP_VARIED };

enum matrix_extent { MATRIX_SAMPLE, MATRIX_NO, MATRIX_ALL };

enum end_action { END_AUTO, END_HALT, END_SHUTDOWN, END_RESET, END_STORE };

enum store_kind { STORE_AUTO, STORE_NO, STORE_HINT };

enum crash_kind {
    CRASH_NO,
    CRASH_LOADER, /* hang before boot services end */
    CRASH_EARLY,  /* before CR3 is loaded */
    CRASH_PAGE_FAULT,
    CRASH_GENERAL_PROTECTION,
    CRASH_DOUBLE_FAULT,
    CRASH_TRIPLE,
    CRASH_HANG
};

enum { OPTION_TEXT_LIMIT = 48, OPTION_EXCLUDE_LIMIT = 8, OPTION_WAIT_SECONDS = 60 };

struct options {
    char tests[OPTION_TEXT_LIMIT]; /* "" means all */
    bool no_serial;
    bool no_screen, screen_in_memory;
    bool stale_map_key;
    bool five_levels;
    bool bench;
    enum dump_kind dump;
    enum matrix_extent matrix;
    enum end_action end;
    enum store_kind store;
    unsigned wait_seconds;
    bool wait_is_set; /* else it takes the default, OPTION_WAIT_SECONDS */
    enum crash_kind crash;
    struct frame_run exclude[OPTION_EXCLUDE_LIMIT];
    unsigned exclude_count;
    char refused[OPTION_TEXT_LIMIT]; /* the first word that was not understood, shortened; else "" */
};

/*
 * Applies a text of options. Bytes that are not printable ASCII count as blanks. A word that is not
 * understood changes nothing, and the first such word is kept in `refused`. Returns false if there was one.
 */
bool options_apply(struct options *options, const char *text, size_t bytes);

/*
 * Reads the text out of LoadOptions, which hold whatever the boot entry does: nothing, a binary structure, or
 * a command line in UCS-2. Returns true with *length characters in text, up to the end or the first zero;
 * text must have room for bytes / 2. Returns false if there is anything except printable ASCII and blanks:
 * then the LoadOptions are not meant for us.
 */
bool options_from_ucs2(const uint8_t *ucs2, size_t bytes, char *text, size_t *length);

#endif
