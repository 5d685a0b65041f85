/* SPDX-License-Identifier: MIT */
/*
 * smbios.c - the name of the machine, as its maker wrote it into the SMBIOS tables (SMBIOS 3.6, 5.2 and 7.2).
 *
 * A structure is a header, fields, and then its texts, each ended by a zero, the last by two. A field names a
 * text by its number, from 1 on. Nothing is read beyond the length that the entry point tells.
 */
#include "kernel/console/format.h"
#include "loader.h"

enum {
    LEGACY_LENGTH = 0x16, /* of the table, 16 bits, in the entry point of 32-bit tables, "_SM_" */
    LEGACY_ADDRESS = 0x18,
    LENGTH = 0x0c, /* at most, 32 bits, in that of 64-bit tables, "_SM3_" */
    ADDRESS = 0x10,
    HEADER_BYTES = 4,
    TYPE_SYSTEM = 1,
    SYSTEM_BYTES = 6, /* of the fields that are read here */
    MAKER = 4,
    PRODUCT = 5,
    TYPE_END = 127,
    TABLE_LIMIT = 1 << 20 /* no table is longer; one that says so is not believed */
};

struct table {
    const UINT8 *start;
    UINTN bytes;
};

/* Reads a number of up to 8 bytes, the lowest first. */
static UINT64 read_number(const UINT8 *at, unsigned bytes)
{
    UINT64 value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static struct table find_table(void)
{
    EFI_GUID guid3 = SMBIOS3_TABLE_GUID, guid = SMBIOS_TABLE_GUID;
    const UINT8 *entry = configuration_table(guid3);
    struct table found = {0};
    if (entry)
        found =
            (struct table){(const UINT8 *)read_number(entry + ADDRESS, 8), read_number(entry + LENGTH, 4)};
    else if ((entry = configuration_table(guid)))
        found = (struct table){(const UINT8 *)read_number(entry + LEGACY_ADDRESS, 4),
                               read_number(entry + LEGACY_LENGTH, 2)};
    if (found.bytes > TABLE_LIMIT || !found.start)
        found.bytes = 0;
    return found;
}

/* Returns the offset behind the texts that begin here; one beyond the table if they do not end in it. */
static UINTN skip_texts(struct table table, UINTN at)
{
    while (at + 1 < table.bytes && (table.start[at] != 0 || table.start[at + 1] != 0))
        at++;
    return at + 2;
}

/* Appends text `number` of those that begin at this offset. What is not printable ASCII is left out. */
static void put_text(struct format_sink *sink, struct table table, UINTN at, UINT8 number)
{
    for (; number > 1 && at < table.bytes; at++)
        if (table.start[at] == 0)
            number--;
    for (; number == 1 && at < table.bytes && table.start[at] != 0; at++)
        if (table.start[at] >= ' ' && table.start[at] <= '~')
            sink->put(sink, (char)table.start[at]);
}

void describe_machine(struct loader *loader)
{
    struct table table = find_table();
    struct text_sink sink = text_sink(loader->handoff->machine, sizeof loader->handoff->machine);
    for (UINTN at = 0; at + HEADER_BYTES <= table.bytes;) {
        const UINT8 *structure = table.start + at;
        UINT8 type = structure[0], length = structure[1];
        if (length < HEADER_BYTES || type == TYPE_END || length > table.bytes - at)
            break;
        if (type == TYPE_SYSTEM && length >= SYSTEM_BYTES) {
            put_text(&sink.sink, table, at + length, structure[MAKER]);
            format(&sink.sink, " ");
            put_text(&sink.sink, table, at + length, structure[PRODUCT]);
            return;
        }
        at = skip_texts(table, at + length);
    }
    format(&sink.sink, "unknown");
}
