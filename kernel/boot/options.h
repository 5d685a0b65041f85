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
 *   end=auto|halt|shutdown|reset   what happens after the report
 *   console=auto|com1|com2|spcr|off  the serial port; auto: the one that ACPI's table SPCR names, else COM1.
 *                                  serial= is another name of the same option
 *   screen=auto|off|memory|image   the framebuffer; memory: pretend it is in memory that the map calls free;
 *                                  image: pretend it lies over our own image
 *   levels=auto|5                  how many levels the tables get: auto keeps what the firmware uses
 *   exclude=START-END              memory that is not handed out: hexadecimal byte addresses, with or without
 *                                  0x, END not included, rounded outward to frames. Up to 8 of these add up
 *   map-key=fresh|stale            stale: make the first ExitBootServices fail, to see that it is tried again
 *   crash=no|early|page-fault|general-protection|double-fault|triple|hang   end like this on purpose
 */
#ifndef KERNEL_BOOT_OPTIONS_H
#define KERNEL_BOOT_OPTIONS_H

#include "console/uart.h"
#include "frames/usable_memory.h"

enum screen_choice { SCREEN_AUTO, SCREEN_OFF, SCREEN_MEMORY, SCREEN_IMAGE };

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

enum { OPTION_TEXT_LIMIT = 48, OPTION_EXCLUDE_LIMIT = 8 };

struct options {
    char tests[OPTION_TEXT_LIMIT]; /* "" means all */
    enum serial_choice serial;
    enum screen_choice screen;
    bool stale_map_key;
    bool five_levels;
    bool bench;
    enum dump_kind dump;
    enum matrix_extent matrix;
    enum end_action end;
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
