/* SPDX-License-Identifier: MIT */
/*
 * shim.h - what the parts of the shim share.
 *
 * The shim is started by real firmware, waits to be copied into a snapshot, and starts the loader with
 * system table and boot services that tell lies. Words say which (README.md lists them).
 */
#ifndef FIRMWARE_SHIM_H
#define FIRMWARE_SHIM_H

#include <efi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_PAGE ((uint64_t)4096)

/* The firmware's own tables. */
extern EFI_SYSTEM_TABLE *truth;
#define TRUE_BS (truth->BootServices)

/* Those that the loader gets: copies, changed. */
extern EFI_SYSTEM_TABLE false_table;
extern EFI_BOOT_SERVICES false_services;

/* Computes the checksums of both again (UEFI 2.10, 4.2). */
void seal_tables(void);

/* ---- serial.c: lines on COM1, without the firmware ---- */

void serial_put(char c);
__attribute__((format(printf, 1, 2))) void tell(const char *format, ...);

/* Says what is wrong with a case, and stops. */
__attribute__((format(printf, 1, 2), noreturn)) void give_up(const char *format, ...);
_Noreturn void stop(void);

/* ---- fw_cfg.c: what the harness passes ---- */

/* Reads an item as a whole into memory of the shim's. Returns NULL if there is none. */
void *read_item(const char *name, uint32_t *bytes);

/* Returns whether there is such an item. */
bool has_item(const char *name);

/* ---- words.c: the behaviour that is asked for ---- */

/* Which calls of GetMemoryMap a word is for. */
enum moment { SIZE_CALL, FIRST_READ, LATER_READ, MOMENTS };

void words_read(void);

/* Returns the value of the word with this key, or NULL. The last one holds. */
const char *word(const char *key);

/* The same for a word `key@moment=` or, without one for the moment, `key=`. */
const char *word_at(const char *key, enum moment moment);

/* Returns the value of a word as a number, or what is assumed if there is none. */
uint64_t word_number(const char *key, uint64_t otherwise);

/* Returns whether the list `key=a,b,c` has the item. */
bool word_lists(const char *key, const char *item);

/*
 * Returns the next word with the key that is for this moment, or NULL. *at is 0 at first.
 */
const char *next_word(const char *key, enum moment moment, size_t *at);

/*
 * Reads a number or place up to a colon, and moves behind that: 12, 0x1000, 2M, image+0x1000, a3, free.
 * Returns what is assumed if there is nothing.
 */
uint64_t take_number(const char **text, uint64_t otherwise);

/* Moves behind "NAME:" or "NAME" and returns true, if the text begins with that. */
bool take_name(const char **text, const char *name);

/* ---- memory.c: allocation, the map and the exit ---- */

void hook_memory(void);

/* Returns the n-th block of memory that the loader was given, or 0. */
uint64_t block_start(unsigned n);
uint64_t block_end(unsigned n);

/* Returns the type of a page in the firmware's own map, as it was read last; registers if it is in none. */
uint32_t true_type(uint64_t page);

/* ---- map.c: edits of the memory map ---- */

struct piece {
    uint32_t type;
    uint64_t start, pages, attributes;
};

enum { PIECE_LIMIT = 65536 };

/* The firmware's map, and after map_edit the one that is presented. */
extern struct piece *pieces;
extern size_t piece_count;

void map_edit(enum moment moment);

/* ---- record.c: what the judge reads after the end ---- */

extern uint64_t image_base, image_bytes;

void record_start(void);
uint64_t record_address(void);
void record_image(void);
void record_map(const void *map, uint64_t bytes, uint64_t stride);
void record_block(uint64_t start, uint64_t pages, uint32_t type, bool taken);

/* Notes a sum of each page that nobody may write from now on. */
void record_sums(void);

/* Returns the largest free range of the firmware's map as it was at the start, and frames beside it. */
uint64_t place_named(const char *name, size_t length, bool *found);

/* ---- protocols.c, volume.c, console.c, tables.c ---- */

void hook_protocols(void);
void hook_tables(void);
void hook_console(void);
EFI_HANDLE make_volume(void);

/* Called when boot services have ended. late.c */
void hook_late_writes(void);

/* ---- image.c, processor.c, start.S ---- */

/* Loads the image, from a buffer. Returns its entry point, and its handle. */
EFI_IMAGE_ENTRY_POINT load_image(EFI_HANDLE parent, EFI_HANDLE volume, void *file, uint32_t bytes,
                                 EFI_HANDLE *image);

struct start_state {
    uint64_t flags, stack; /* RFLAGS bits to add; 0: the stack as it is */
};
void set_processor(struct start_state *state);
uint64_t start_image(EFI_IMAGE_ENTRY_POINT entry, EFI_HANDLE image, EFI_SYSTEM_TABLE *table,
                     const struct start_state *state);

/* Calls the true service that gives pages, and gives up if it does not. */
void *shim_pages(EFI_MEMORY_TYPE type, uint64_t pages);

#endif
