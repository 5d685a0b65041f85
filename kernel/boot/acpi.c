/* SPDX-License-Identifier: MIT */
/* acpi.c - from the root pointer over the root table to a table. */
#include "boot/acpi.h"

enum { /* the root pointer (RSDP): offsets and lengths */
       RSDP_REVISION = 15,
       RSDP_RSDT = 16,
       RSDP_OLD_BYTES = 20,
       RSDP_LENGTH = 20,
       RSDP_XSDT = 24,
       RSDP_NEW_BYTES = 36,
};
enum { TABLE_LENGTH = 4, HEADER_BYTES = 36 };

static uint32_t read32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t read64(const uint8_t *at)
{
    return read32(at) | (uint64_t)read32(at + 4) << 32;
}

static bool begins_with(const uint8_t *at, const char *text)
{
    while (*text)
        if (*at++ != (uint8_t)*text++)
            return false;
    return true;
}

static bool sums_to_zero(const uint8_t *at, size_t bytes)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + at[i]);
    return sum == 0;
}

static const uint8_t *readable(const struct acpi_memory *memory, uint64_t start, uint64_t bytes)
{
    return start != 0 && memory->is_readable(memory, start, bytes) ? (const uint8_t *)start : NULL;
}

/* Returns the whole table at an address if it is what it should be, or NULL with the reason in `why`. */
static const uint8_t *check_table(const struct acpi_memory *memory, uint64_t address, const char *signature,
                                  size_t *bytes, struct format_sink *why)
{
    const uint8_t *table = readable(memory, address, HEADER_BYTES);
    size_t length = table ? read32(table + TABLE_LENGTH) : 0;
    if (!table)
        format(why, "the table %s at %lx is not in memory", signature, address);
    else if (!begins_with(table, signature))
        format(why, "there is no table %s at %lx", signature, address);
    else if (length < HEADER_BYTES || length > ACPI_TABLE_LIMIT || !readable(memory, address, length))
        format(why, "the table %s claims %lu bytes", signature, (uint64_t)length);
    else if (!sums_to_zero(table, length))
        format(why, "the checksum of the table %s is wrong", signature);
    else {
        *bytes = length;
        return table;
    }
    return NULL;
}

/* Returns the root table, XSDT or RSDT, and the size of its entries; NULL with the reason in `why`. */
static const uint8_t *find_root(const struct acpi_memory *memory, uint64_t address, size_t *bytes,
                                size_t *entry_bytes, struct format_sink *why)
{
    const uint8_t *rsdp = readable(memory, address, RSDP_OLD_BYTES);
    uint64_t xsdt = 0;
    if (!rsdp || !begins_with(rsdp, "RSD PTR ") || !sums_to_zero(rsdp, RSDP_OLD_BYTES)) {
        format(why, "the ACPI root pointer at %lx is broken", address);
        return NULL;
    }
    if (rsdp[RSDP_REVISION] >= 2) {
        rsdp = readable(memory, address, RSDP_NEW_BYTES);
        size_t length = rsdp ? read32(rsdp + RSDP_LENGTH) : 0;
        if (length < RSDP_NEW_BYTES || length > ACPI_TABLE_LIMIT || !readable(memory, address, length) ||
            !sums_to_zero(rsdp, length)) {
            format(why, "the second part of the ACPI root pointer at %lx is broken", address);
            return NULL;
        }
        xsdt = read64(rsdp + RSDP_XSDT);
    }
    *entry_bytes = xsdt ? 8 : 4;
    return xsdt ? check_table(memory, xsdt, "XSDT", bytes, why)
                : check_table(memory, read32(rsdp + RSDP_RSDT), "RSDT", bytes, why);
}

const uint8_t *acpi_find_table(const struct acpi_memory *memory, uint64_t rsdp, const char *signature,
                               size_t *bytes, struct format_sink *why)
{
    size_t root_bytes, entry_bytes;
    if (rsdp == 0)
        return NULL;
    const uint8_t *root = find_root(memory, rsdp, &root_bytes, &entry_bytes, why);
    for (size_t at = HEADER_BYTES; root && at + entry_bytes <= root_bytes; at += entry_bytes) {
        uint64_t address = entry_bytes == 8 ? read64(root + at) : read32(root + at);
        const uint8_t *table = readable(memory, address, HEADER_BYTES);
        if (table && begins_with(table, signature))
            return check_table(memory, address, signature, bytes, why);
    }
    return NULL;
}
