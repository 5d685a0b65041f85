/* SPDX-License-Identifier: MIT */
/*
 * acpi.h - finds a table of ACPI's (ACPI 6.5, 5.2.5 to 5.2.8). Used by the loader, while the firmware's page
 * tables map the tables to their own addresses.
 */
#ifndef KERNEL_BOOT_ACPI_H
#define KERNEL_BOOT_ACPI_H

#include "console/format.h"
#include <stdbool.h>
#include <stdint.h>

/* Says whether memory may be read: the addresses in the tables are not believed. */
struct acpi_memory {
    bool (*is_readable)(const struct acpi_memory *memory, uint64_t start, uint64_t bytes);
};

enum { ACPI_TABLE_LIMIT = 1 << 20 }; /* bytes; a longer one is a mistake */

/*
 * Returns the first table with this signature of four characters, and its length, from the root pointer at
 * `rsdp`. Its checksum is right. Returns NULL if there is none; then `why` gets a sentence if something that
 * leads to it, or the table itself, is broken, and nothing if there just is no such table.
 */
const uint8_t *acpi_find_table(const struct acpi_memory *memory, uint64_t rsdp, const char *signature,
                               size_t *bytes, struct format_sink *why);

#endif
