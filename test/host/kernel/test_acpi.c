/* SPDX-License-Identifier: MIT */
/* ACPI: from the root pointer to a table, through memory that may hold anything. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "kernel/boot/acpi.h"

enum {
    ARENA = 4096,
    LARGE_ARENA = ACPI_TABLE_LIMIT + ARENA,
    RSDP = 0,
    RSDT = 64,
    XSDT = 128,
    FACP = 256,
    SPCR = 512,
    SPCR_BYTES = 80
};

/* Memory below 4 GiB, for the 32-bit pointers; behind it there is nothing. */
static uint8_t *arena;
static uint64_t arena_bytes, spcr_bytes;
static char sentence[128];
static uint64_t root_pointer; /* its offset in the arena */

/* Address 0 can be read on a PC; a table is never there. */
static bool is_in_arena(const struct acpi_memory *memory, uint64_t start, uint64_t bytes)
{
    uint64_t first = (uintptr_t)arena;
    if (start == 0)
        return true;
    return start >= first && bytes <= arena_bytes && start - first <= arena_bytes - bytes;
}

static void store(unsigned at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        arena[at + i] = (uint8_t)(value >> 8 * i);
}

static void set_sum(unsigned at, unsigned bytes, unsigned where)
{
    uint8_t sum = 0;
    arena[where] = 0;
    for (unsigned i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + arena[at + i]);
    arena[where] = (uint8_t)-sum;
}

static void make_table(unsigned at, const char *signature, unsigned bytes)
{
    memcpy(arena + at, signature, 4);
    store(at + 4, bytes, 4);
    set_sum(at, bytes, at + 9);
}

static void finish_rsdp(void)
{
    set_sum(RSDP, 20, RSDP + 8);
    set_sum(RSDP, 36, RSDP + 32);
}

/* A root pointer of revision 2 with both root tables; the second table is SPCR. */
static int build(void **state)
{
    memset(arena, 0, ARENA);
    root_pointer = RSDP;
    arena_bytes = ARENA;
    spcr_bytes = SPCR_BYTES;
    memcpy(arena + RSDP, "RSD PTR ", 8);
    arena[RSDP + 15] = 2;
    store(RSDP + 16, (uintptr_t)arena + RSDT, 4);
    store(RSDP + 20, 36, 4);
    store(RSDP + 24, (uintptr_t)arena + XSDT, 8);
    finish_rsdp();
    store(RSDT + 36, (uintptr_t)arena + FACP, 4);
    store(RSDT + 40, (uintptr_t)arena + SPCR, 4);
    make_table(RSDT, "RSDT", 44);
    store(XSDT + 36, (uintptr_t)arena + FACP, 8);
    store(XSDT + 44, (uintptr_t)arena + SPCR, 8);
    make_table(XSDT, "XSDT", 52);
    make_table(FACP, "FACP", 36);
    make_table(SPCR, "SPCR", SPCR_BYTES);
    return 0;
}

/* Returns the offset of the table that is found, or -1. */
static long find(void)
{
    const struct acpi_memory memory = {is_in_arena};
    struct text_sink why = text_sink(sentence, sizeof sentence);
    size_t bytes = 0;
    const uint8_t *table =
        acpi_find_table(&memory, (uintptr_t)arena + root_pointer, "SPCR", &bytes, &why.sink);
    if (!table)
        return -1;
    assert_int_equal(bytes, spcr_bytes);
    assert_string_equal(sentence, "");
    return table - arena;
}

static void check_not_found(const char *words)
{
    assert_int_equal(find(), -1);
    if (words[0] == '\0' ? sentence[0] != '\0' : !strstr(sentence, words))
        fail_msg("\"%s\" does not say \"%s\"", sentence, words);
}

static void both_roots(void **state)
{
    assert_int_equal(find(), SPCR);
    store(RSDP + 24, 0, 8); /* no XSDT */
    finish_rsdp();
    assert_int_equal(find(), SPCR);
    store(RSDT + 44, 0xffffffff, 4); /* behind its last entry */
    assert_int_equal(find(), SPCR);
    for (uint8_t revision = 0; revision < 2; revision++) {
        arena[RSDP + 15] = revision; /* ACPI 1.0: what follows is no part of it */
        store(RSDP + 24, 12345, 8);
        set_sum(RSDP, 20, RSDP + 8);
        assert_int_equal(find(), SPCR);
    }
}

static void no_table(void **state)
{
    const struct acpi_memory memory = {is_in_arena};
    struct text_sink why = text_sink(sentence, sizeof sentence);
    size_t bytes;
    make_table(SPCR, "HPET", SPCR_BYTES);
    check_not_found("");
    make_table(XSDT, "XSDT", 36); /* no entries */
    check_not_found("");
    assert_null(acpi_find_table(&memory, 0, "SPCR", &bytes, &why.sink));
    assert_string_equal(sentence, "");
}

static void odd_entries(void **state)
{
    store(XSDT + 36, 0, 8);
    make_table(XSDT, "XSDT", 52);
    assert_int_equal(find(), SPCR); /* after an empty entry */
    store(XSDT + 36, 0xffffffffffffff00, 8);
    make_table(XSDT, "XSDT", 52);
    assert_int_equal(find(), SPCR); /* after one that leads nowhere */
    make_table(XSDT, "XSDT", 48);   /* half an entry at the end */
    check_not_found("");
    store(XSDT + 36, UINT64_C(1) << 32 | ((uintptr_t)arena + SPCR), 8);
    make_table(XSDT, "XSDT", 44); /* one beyond 4 GiB that looks right below */
    check_not_found("");
}

static void broken_root_pointer(void **state)
{
    arena[RSDP + 9]++;
    check_not_found("root pointer at");
    build(state);
    arena[RSDP]++;
    finish_rsdp();
    check_not_found("root pointer at");
    root_pointer = ARENA - 19; /* the arena ends before it does */
    check_not_found("root pointer at");
    root_pointer = ARENA - 35;
    memcpy(arena + root_pointer, "RSD PTR ", 8);
    arena[root_pointer + 15] = 2;
    set_sum((unsigned)root_pointer, 20, (unsigned)root_pointer + 8);
    check_not_found("second part");
    build(state);
    arena[RSDP + 33]++;
    check_not_found("second part");
    store(RSDP + 20, 35, 4);
    check_not_found("second part");
    store(RSDP + 20, 0xffffffff, 4);
    check_not_found("second part");
    build(state);
    store(RSDP + 24, 0x7ffffffff000, 8);
    finish_rsdp();
    check_not_found("XSDT at 7ffffffff000 is not in memory");
    store(RSDP + 24, (uintptr_t)arena + FACP, 8);
    finish_rsdp();
    check_not_found("no table XSDT");
}

static void broken_tables(void **state)
{
    arena[XSDT + 20]++;
    check_not_found("checksum of the table XSDT");
    build(state);
    arena[SPCR + 60]++;
    check_not_found("checksum of the table SPCR");
    static const uint32_t lengths[] = {0, 35, ARENA, ACPI_TABLE_LIMIT + 1, 0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        store(SPCR + 4, lengths[i], 4);
        check_not_found("the table SPCR claims");
    }
}

/* A length that is read from memory decides how much is summed up. */
static void long_tables(void **state)
{
    assert_int_equal(mprotect(arena, LARGE_ARENA, PROT_READ | PROT_WRITE), 0);
    arena_bytes = LARGE_ARENA;
    for (unsigned more = 0; more < 2; more++) {
        spcr_bytes = ACPI_TABLE_LIMIT + more;
        store(SPCR + 4, spcr_bytes, 4);
        set_sum(SPCR, (unsigned)spcr_bytes, SPCR + 9);
        assert_int_equal(find(), more ? -1 : SPCR);
        assert_int_equal(strstr(sentence, "the table SPCR claims") != NULL, more);
    }
    build(state);
    arena_bytes = LARGE_ARENA;
    for (unsigned more = 0; more < 2; more++) {
        store(RSDP + 20, ACPI_TABLE_LIMIT + more, 4);
        set_sum(RSDP, ACPI_TABLE_LIMIT + more, RSDP + 32);
        assert_int_equal(find(), more ? -1 : SPCR);
        assert_int_equal(strstr(sentence, "second part") != NULL, more);
    }
    assert_int_equal(mprotect(arena + ARENA, LARGE_ARENA - ARENA, PROT_NONE), 0);
}

/* The table that leads nowhere lies at the very end of memory, where not even a header fits. */
static void cut_off(void **state)
{
    for (unsigned kept = 0; kept < SPCR_BYTES; kept++) {
        build(state);
        store(XSDT + 44, (uintptr_t)arena + ARENA - kept, 8);
        make_table(XSDT, "XSDT", 52);
        memcpy(arena + ARENA - kept, arena + SPCR, kept);
        check_not_found(kept < 36 ? "" : "the table SPCR claims");
    }
}

static void damaged(void **state)
{
    for (unsigned at = 0; at < SPCR + SPCR_BYTES; at++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            build(state);
            arena[at] ^= (uint8_t)flip;
            long found = find();
            assert_true(found == SPCR || found == -1);
        }
}

#define ACPI_TEST(name, function)         \
    {                                     \
        name, function, build, NULL, NULL \
    }

int main(void)
{
    arena = mmap(NULL, LARGE_ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (arena == MAP_FAILED || mprotect(arena + ARENA, LARGE_ARENA - ARENA, PROT_NONE) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        ACPI_TEST("acpi: a table is found through the XSDT, and the RSDT without one", both_roots),
        ACPI_TEST("acpi: no table is not an error", no_table),
        ACPI_TEST("acpi: entries that lead nowhere are skipped", odd_entries),
        ACPI_TEST("acpi: a broken root pointer is refused with a reason", broken_root_pointer),
        ACPI_TEST("acpi: tables with a wrong checksum or length are refused with a reason", broken_tables),
        ACPI_TEST("acpi: the root pointer and a table may have a MiB, and no more", long_tables),
        ACPI_TEST("acpi: a table that the memory cuts off anywhere", cut_off),
        ACPI_TEST("acpi: any bit on the way flipped", damaged),
    };
    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
