/*
 * options.h - what the person at the machine asked for.
 *
 * Options are words `key=value`, separated by blanks or line ends; # starts a comment that ends with the
 * line. They come from selfmap.cfg beside the boot loader's folder, from LoadOptions, and under QEMU from
 * fw_cfg (opt/selfmap), in this order: a later word wins.
 *
 *   tests=all|PREFIX               which self-tests run: those whose name begins with PREFIX (no blanks)
 *   bench=no|yes                   yes: measure each operation too; with tests=bench nothing else
 *   dump=no|yes|varied             print what is mapped (dump.h); varied: map a bit of everything before that
 *   matrix=no|sample|all           how much of the access matrix the self-tests try (matrix.h)
 *   end=auto|halt|shutdown|reset   what happens after the report
 *   serial=auto|off                the first serial port
 *   screen=auto|off|memory         the framebuffer; memory: pretend it is in memory that the map calls free
 *   levels=auto|5                  how many levels the tables get: auto keeps what the firmware uses
 *   map-key=fresh|stale            stale: make the first ExitBootServices fail, to see that it is tried again
 *   crash=no|early|page-fault|general-protection|double-fault|triple|hang   end like this on purpose
 */
#ifndef KERNEL_BOOT_OPTIONS_H
#define KERNEL_BOOT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dump_kind { DUMP_NO, DUMP_YES, DUMP_VARIED };

enum matrix_extent { MATRIX_SAMPLE, MATRIX_NO, MATRIX_ALL };

enum end_action { END_AUTO, END_HALT, END_SHUTDOWN, END_RESET };

enum crash_kind {
    CRASH_NO,
    CRASH_EARLY, /* before CR3 is loaded */
    CRASH_PAGE_FAULT,
    CRASH_GENERAL_PROTECTION,
    CRASH_DOUBLE_FAULT,
    CRASH_TRIPLE,
    CRASH_HANG
};

enum { OPTION_TEXT_LIMIT = 48 };

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
    enum crash_kind crash;
    char refused[OPTION_TEXT_LIMIT]; /* the first word that was not understood, shortened; else "" */
};

/*
 * Apply a text of options. Bytes that are not printable ASCII count as blanks. A word that is not understood
 * changes nothing and is remembered in `refused`. False if there was one.
 */
bool options_apply(struct options *options, const char *text, size_t bytes);

/*
 * LoadOptions are whatever the boot entry holds: nothing, a binary structure, or a command line in UCS-2.
 * Take the text, up to its end or its first zero: true, and *length characters are in text, which must have
 * room for bytes / 2. False if it holds anything but printable ASCII and blanks; then it is not for us.
 */
bool options_from_ucs2(const uint8_t *ucs2, size_t bytes, char *text, size_t *length);

#endif
