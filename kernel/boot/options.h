/* SPDX-License-Identifier: MIT */
/*
 * options.h - the options that the person at the machine gave.
 *
 * Options are words `key=value`, separated by blanks or line ends; # starts a comment that ends with the
 * line. A value with blanks stands in quotes, "" or '': tests="unmap: the next". Options come from
 * selfmap.cfg beside the boot loader's folder, from LoadOptions, under QEMU from fw_cfg (opt/selfmap), and
 * from the menu, in this order: a later word wins. Of several words the first one is the default.
 *
 *   tests=all|NAME[,NAME...]       which self-tests run: the group NAME (selftest/groups.h), and those whose
 *                                  name begins with NAME. A comma before a blank belongs to the name. Several
 *                                  words of one source add up; tests=all drops them
 *   soak=no|N|Ns|Nm|Nh             repeat them for N minutes, or seconds, or hours, up to 1000 hours
 *   menu=auto|no|SECONDS           the menu before the exit: how long it waits for a key (1 to 999). auto: 3
 *                                  seconds, 20 if the last run left a report; and none if fw_cfg has options,
 *                                  because then a program started us
 *   bench=no|yes                   yes: measure each operation too; with tests=bench nothing else
 *   dump=no|yes|varied             print what is mapped (dump.h); varied: map a bit of everything before that
 *   matrix=sample|no|dense|all     how much of the access matrix the self-tests try (matrix.h)
 *   end=auto|halt|shutdown|reset|store   what happens after the report (end.h)
 *   wait=SECONDS                   how long end=store shows the report before the reset: decimal, 0 to 9999
 *                                  (60 by default)
 *   store=auto|no|hint             what outlives the run: files below \SELFMAP, and the report in memory over
 *                                  a warm reset (efi/last_run.c). no: nothing at all; hint: as if no fixed
 *                                  place in memory could be had, so that a firmware variable leads to it
 *   console=auto|com1|com2|spcr|off  the serial port; auto: the one that ACPI's table SPCR names, else COM1.
 *                                  serial= is another name of the same option
 *   screen=auto|off|memory|image   the framebuffer; memory: pretend it is in memory that the map calls free;
 *                                  image: pretend it lies over our own image
 *   levels=auto|5                  how many levels the tables get: auto keeps what the firmware uses
 *   exclude=START-END              memory that is not handed out: hexadecimal byte addresses, with or without
 *                                  0x, END not included, rounded outward to frames. Up to 8 of these add up
 *   map-key=fresh|stale            stale: make the first ExitBootServices fail, to see that it is tried again
 *   fail=no|ROUND                  make a self-test fail in this round (1 to 999), to see that it is reported
 *   steps=fast|slow                slow: each step of loader and kernel waits a second before it begins,
 *                                  after its line is on the screen, for a camera
 *   watchdog=SECONDS|off           how long a step or a self-test may take (1 to 999). By default 60;
 *                                  600 under QEMU, whose host may be busy
 *   runtime-calls=yes|no           no: call no runtime service after the exit, except to reset the machine
 *   crash=no|loader|early|page-fault|general-protection|double-fault|triple|hang|in-test|hang-in-test|
 *         registers|stack-segment|descriptor|nested|few-frames|bad-mappings|interrupt-stack   end like this
 *         on purpose
 */
#ifndef KERNEL_BOOT_OPTIONS_H
#define KERNEL_BOOT_OPTIONS_H

#include "console/uart.h"
#include "frames/usable_memory.h"

enum screen_choice { SCREEN_AUTO, SCREEN_OFF, SCREEN_MEMORY, SCREEN_IMAGE };

enum dump_kind { DUMP_NO, DUMP_YES, DUMP_VARIED };

enum matrix_extent { MATRIX_SAMPLE, MATRIX_NO, MATRIX_DENSE, MATRIX_ALL };

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
    CRASH_HANG,
    CRASH_IN_TEST, /* the first one; in a soak, in the second round */
    CRASH_HANG_IN_TEST,
    CRASH_REGISTERS,      /* with known values in all registers */
    CRASH_STACK_SEGMENT,  /* #SS */
    CRASH_DESCRIPTOR,     /* #GP because of a selector */
    CRASH_NESTED,         /* and again while it is explained */
    CRASH_FEW_FRAMES,     /* goes on with almost no memory */
    CRASH_BAD_MAPPINGS,   /* goes on, and the audit fails (bad_mappings.h) */
    CRASH_INTERRUPT_STACK /* the stack of interrupts is used up */
};

enum {
    OPTION_WORD_LIMIT = 256, /* a whole word, with its zero */
    OPTION_EXCLUDE_LIMIT = 8,
    OPTION_ERROR_LIMIT = 8,
    OPTION_ERROR_TEXT = 240, /* a sentence, with its zero */
    OPTION_WATCHDOG_SECONDS = 60,
    OPTION_WAIT_SECONDS = 60
};

struct options {
    char tests[OPTION_WORD_LIMIT]; /* names with commas in between; "" means all */
    uint64_t soak_seconds;         /* 0: one round */
    bool no_menu;
    unsigned menu_seconds; /* 0: as the loader sees fit */
    enum serial_choice serial;
    enum screen_choice screen;
    bool stale_map_key;
    bool five_levels;
    bool bench;
    unsigned fail_round; /* 0: none */
    enum dump_kind dump;
    enum matrix_extent matrix;
    enum end_action end;
    enum store_kind store;
    unsigned wait_seconds;
    bool wait_is_set; /* else it takes the default, OPTION_WAIT_SECONDS */
    enum crash_kind crash;
    bool slow_steps;
    bool runtime_calls_off;
    bool no_watchdog;
    unsigned watchdog_seconds; /* 0: the default, OPTION_WATCHDOG_SECONDS */
    struct frame_run exclude[OPTION_EXCLUDE_LIMIT];
    unsigned exclude_count;

    /* What was not understood, a sentence each. The count goes on where no more sentences fit. */
    char errors[OPTION_ERROR_LIMIT][OPTION_ERROR_TEXT];
    unsigned error_count;
};

/*
 * Applies a text of options. Control characters count as blanks. A word that is not understood changes
 * nothing, and a sentence about it is added to `errors`, with its line and column in `source`; columns count
 * characters of UTF-8. Returns false if there was one.
 */
bool options_apply(struct options *options, const char *source, const char *text, size_t bytes);

/*
 * Returns whether a key in the text is one of ours, or differs from one by a single character. LoadOptions
 * may be meant for somebody else: U-Boot passes those of a Linux kernel.
 */
bool options_are_meant(const char *text, size_t bytes);

/* Adds a sentence to `errors`: "SOURCE WHY". For a source that could not be read. */
void options_refuse(struct options *options, const char *source, const char *why);

/* ---- from what a source holds to a text: option_text.c ---- */

/*
 * Makes plain text of a file that an editor wrote, in place: removes the mark at the beginning of UTF-8, and
 * turns UTF-16 with such a mark into bytes, with ? for what is not ASCII. Returns NULL, with the new length
 * in *bytes, or what is wrong with the file.
 */
const char *options_decode(char *text, size_t *bytes);

/*
 * Reads the text out of LoadOptions, which hold whatever the boot entry does: nothing, a binary structure, or
 * a command line in UCS-2. Returns true with *length characters in text, up to the end or the first zero;
 * text must have room for bytes / 2. Returns false if there is anything except printable ASCII and blanks:
 * then the LoadOptions are not meant for us.
 */
bool options_from_ucs2(const uint8_t *ucs2, size_t bytes, char *text, size_t *length);

/*
 * Overwrites the program's own name with blanks if it is the first word: the UEFI shell and iPXE pass it,
 * GRUB, systemd-boot, rEFInd and most boot entries do not. It is one if it ends with .efi, has a path in it,
 * or is `own`, the name of the file without folder and extension ("" if it is not known); in quotes or not.
 * Returns whether it did so.
 */
bool options_blank_program(char *text, size_t bytes, const char *own);

#endif
