/* SPDX-License-Identifier: MIT */
/* test_smbios.c - the machine's name out of made-up SMBIOS tables, sound ones and others. */
#include "efi/loader.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { ENTRY_BYTES = 0x20, ROOM = 512 };

static UINT8 entry3[ENTRY_BYTES], entry[ENTRY_BYTES];
static const UINT8 *offered3, *offered;
static UINT8 table[ROOM];
static size_t table_bytes;
static struct handoff handoff;

const void *configuration_table(EFI_GUID kind)
{
    EFI_GUID guid3 = SMBIOS3_TABLE_GUID, guid = SMBIOS_TABLE_GUID;
    if (memcmp(&kind, &guid3, sizeof kind) == 0)
        return offered3;
    return memcmp(&kind, &guid, sizeof kind) == 0 ? offered : NULL;
}

static void put_number(UINT8 *at, UINT64 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (UINT8)(value >> (8 * i));
}

/* Offers these bytes as the table of 64-bit machines. */
static void offer(const UINT8 *start, UINT64 bytes)
{
    memset(entry3, 0xff, sizeof entry3);
    put_number(entry3 + 0x0c, bytes, 4);
    put_number(entry3 + 0x10, (UINT64)(uintptr_t)start, 8);
    offered3 = entry3;
}

static int no_table(void **state)
{
    offered3 = offered = NULL;
    table_bytes = 0;
    return 0;
}

/* Appends a structure: its fields are 0x80, 0x81, ... but for two bytes at 4; texts are separated by |. */
static void add(UINT8 type, UINT8 length, UINT8 maker, UINT8 product, const char *texts)
{
    UINT8 *at = table + table_bytes;
    for (unsigned i = 0; i < length; i++)
        at[i] = (UINT8)(0x80 + i);
    at[0] = type;
    at[1] = length;
    if (length > 5) {
        at[4] = maker;
        at[5] = product;
    }
    size_t bytes = strlen(texts);
    for (size_t i = 0; i < bytes; i++)
        at[length + i] = texts[i] == '|' ? 0 : (UINT8)texts[i];
    at[length + bytes] = at[length + bytes + 1] = 0;
    table_bytes += length + bytes + 2;
}

static const char *described(void)
{
    struct loader loader = {.handoff = &handoff};
    memset(handoff.machine, '?', sizeof handoff.machine);
    describe_machine(&loader);
    return handoff.machine;
}

static const char *name_in_table(void)
{
    offer(table, table_bytes);
    return described();
}

static void texts_are_taken_by_number(void **state)
{
    add(1, 27, 1, 2, "Maker|Product|Version");
    assert_string_equal(name_in_table(), "Maker Product");
    no_table(state);
    add(1, 27, 3, 1, "Product|Other|Maker");
    assert_string_equal(name_in_table(), "Maker Product");
}

static void other_structures_are_passed_over(void **state)
{
    add(0, 24, 1, 2, "Vendor|1.0");
    add(2, 4, 0, 0, "");
    add(17, 40, 1, 1, "x");
    add(1, 8, 1, 2, "Maker|Product");
    add(1, 8, 1, 2, "Second|Machine");
    assert_string_equal(name_in_table(), "Maker Product");
}

static void number_0_is_no_text(void **state)
{
    add(1, 8, 0, 1, "Product");
    assert_string_equal(name_in_table(), " Product");
    no_table(state);
    add(1, 8, 1, 0, "Maker");
    assert_string_equal(name_in_table(), "Maker ");
}

static void only_printable_characters_are_taken(void **state)
{
    add(1, 8, 1, 2, "\x1b[2J\x7fM\x80 ~|P\n\x1f!");
    assert_string_equal(name_in_table(), "[2JM ~ P!");
}

static void a_long_name_is_cut(void **state)
{
    char texts[200];
    memset(texts, 'x', sizeof texts - 1);
    texts[sizeof texts - 1] = '\0';
    add(1, 8, 1, 1, texts);
    assert_int_equal(strlen(name_in_table()), sizeof handoff.machine - 1);
}

static void the_shortest_structure_with_both_fields_counts(void **state)
{
    add(1, 5, 1, 2, "Maker|Product");
    assert_string_equal(name_in_table(), "unknown");
    add(1, 6, 1, 2, "Maker|Product");
    assert_string_equal(name_in_table(), "Maker Product");
}

static void the_end_structure_ends_the_table(void **state)
{
    add(127, 4, 0, 0, "");
    add(1, 8, 1, 2, "Maker|Product");
    assert_string_equal(name_in_table(), "unknown");
}

static void a_structure_without_a_header_ends_it(void **state)
{
    add(2, 4, 0, 0, "");
    add(1, 8, 1, 2, "Maker|Product");
    table[1] = 3;
    assert_string_equal(name_in_table(), "unknown");
}

/* The copy ends where the table does, so that the sanitizer sees a read beyond. */
static void nothing_is_read_beyond_the_table(void **state)
{
    add(0, 24, 1, 2, "Vendor|1.0");
    add(1, 8, 1, 2, "Maker|Product");
    for (size_t bytes = 0; bytes <= table_bytes; bytes++) {
        UINT8 *copy = malloc(bytes ? bytes : 1);
        assert_non_null(copy);
        memcpy(copy, table, bytes);
        offer(copy, bytes);
        const char *name = described();
        if (bytes >= table_bytes - 2) /* all but the zeroes at the end */
            assert_string_equal(name, "Maker Product");
        else if (bytes <= table_bytes - (8 + sizeof "Maker|Product" + 1))
            assert_string_equal(name, "unknown");
        free(copy);
    }
}

static void a_length_that_cannot_be_is_not_believed(void **state)
{
    enum { LIMIT = 1 << 20 };
    UINT8 *large = calloc(1, LIMIT);
    assert_non_null(large);
    add(1, 8, 1, 2, "Maker|Product");
    memcpy(large, table, table_bytes);
    offer(large, LIMIT);
    assert_string_equal(described(), "Maker Product");
    offer(large, LIMIT + 1);
    assert_string_equal(described(), "unknown");
    offer(large, 0x1000000 + table_bytes); /* the length has four bytes */
    assert_string_equal(described(), "unknown");
    offer(NULL, 100);
    assert_string_equal(described(), "unknown");
    free(large);
}

/* Its fields end where the table does, and there are no texts at all. */
static void a_structure_may_be_the_whole_table(void **state)
{
    UINT8 *copy = malloc(8);
    assert_non_null(copy);
    add(1, 8, 1, 2, "Maker|Product");
    memcpy(copy, table, 8);
    offer(copy, 8);
    assert_string_equal(described(), " ");
    free(copy);
}

static void without_tables_it_is_unknown(void **state)
{
    assert_string_equal(described(), "unknown");
}

static void the_table_of_32_bits_is_the_second_choice(void **state)
{
    UINT8 *low = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    assert_true(low != MAP_FAILED);
    for (unsigned i = 0; i < 3; i++) /* its length is more than 255 */
        add(2, 100, 0, 0, "");
    add(1, 8, 1, 2, "Old|Machine");
    memcpy(low + 1, table, table_bytes);
    memset(entry, 0xff, sizeof entry);
    put_number(entry + 0x16, table_bytes, 2);
    put_number(entry + 0x18, (UINT64)(uintptr_t)low + 1, 4);
    offered = entry;
    assert_string_equal(described(), "Old Machine");
    put_number(entry + 0x16, 3 * 102, 2); /* two bytes of length, and then the address */
    assert_string_equal(described(), "unknown");
    put_number(entry + 0x16, table_bytes, 2);
    no_table(state);
    add(1, 8, 1, 2, "New|Machine");
    offered = entry;
    assert_string_equal(name_in_table(), "New Machine");
    munmap(low, ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(texts_are_taken_by_number, no_table),
        cmocka_unit_test_setup(other_structures_are_passed_over, no_table),
        cmocka_unit_test_setup(number_0_is_no_text, no_table),
        cmocka_unit_test_setup(only_printable_characters_are_taken, no_table),
        cmocka_unit_test_setup(a_long_name_is_cut, no_table),
        cmocka_unit_test_setup(the_shortest_structure_with_both_fields_counts, no_table),
        cmocka_unit_test_setup(the_end_structure_ends_the_table, no_table),
        cmocka_unit_test_setup(a_structure_without_a_header_ends_it, no_table),
        cmocka_unit_test_setup(nothing_is_read_beyond_the_table, no_table),
        cmocka_unit_test_setup(a_length_that_cannot_be_is_not_believed, no_table),
        cmocka_unit_test_setup(a_structure_may_be_the_whole_table, no_table),
        cmocka_unit_test_setup(without_tables_it_is_unknown, no_table),
        cmocka_unit_test_setup(the_table_of_32_bits_is_the_second_choice, no_table),
    };
    return cmocka_run_group_tests_name("smbios", tests, NULL, NULL);
}
