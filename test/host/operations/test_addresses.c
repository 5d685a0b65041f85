/* SPDX-License-Identifier: MIT */
/* Tests the arithmetic of addresses, pages, windows and entries. */
#include "rig/rig.h"
#include "table_entry.h"

#define SLOT PAGING_RECURSIVE_SLOT

static uint64_t top_bit(unsigned levels)
{
    return 1ull << (11 + 9 * levels);
}

static bool canonical(unsigned levels, uint64_t address)
{
    paging_page_t page = {0x5a5a};
    enum paging_status status = paging_page_containing(levels, (paging_virt_t){address}, &page);
    paging_page_t at = paging_page_at(levels, (paging_virt_t){address});
    assert_int_equal(status == PAGING_OK, paging_is_canonical(levels, (paging_virt_t){address}));
    assert_true(status == PAGING_OK ? at.number == page.number : at.number >= paging_page_limit(5));
    if (status != PAGING_OK) {
        assert_status(status, PAGING_NOT_CANONICAL);
        assert_int_equal(page.number, 0x5a5a);
    }
    return status == PAGING_OK;
}

static void canonical_boundaries(void **state)
{
    for (unsigned levels = 4; levels <= 5; levels++) {
        uint64_t gap = top_bit(levels);
        assert_true(canonical(levels, 0));
        assert_true(canonical(levels, gap - 1));
        assert_false(canonical(levels, gap));
        assert_false(canonical(levels, gap + 4096));
        assert_false(canonical(levels, 0x8000000000000000ull));
        assert_false(canonical(levels, 0 - gap - 1));
        assert_true(canonical(levels, 0 - gap));
        assert_true(canonical(levels, UINT64_MAX));
    }
    assert_true(canonical(5, 0x0000800000000000ull));
    assert_false(canonical(4, 0x0000800000000000ull));
}

static const uint64_t samples[] = {0,
                                   0xfff,
                                   0x1000,
                                   0x7fffffffffff,
                                   0x7ffffffff000,
                                   0xffff800000000000,
                                   0xffff800000000fff,
                                   0xffffffffffffffff,
                                   0xfffffffffffff000,
                                   0x0000123456789abc,
                                   0xffffaaaaaaaaaaaa,
                                   0x0000555555555555,
                                   0xffffff7fffffffff,
                                   0xffffff8000000000};

static void page_round_trip(void **state)
{
    for (unsigned levels = 4; levels <= 5; levels++)
        for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
            paging_page_t page;
            assert_status(paging_page_containing(levels, (paging_virt_t){samples[i]}, &page), PAGING_OK);
            assert_int_equal(paging_page_start(levels, page).value, samples[i] & ~0xfffull);
            assert_int_equal(page.number >> (9 * levels), 0);
        }
}

static void indices_rebuild(void **state)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        paging_page_t page;
        assert_status(paging_page_containing(5, (paging_virt_t){samples[i]}, &page), PAGING_OK);
        uint64_t rebuilt =
            (uint64_t)paging_page_index(page, 1) << 12 | (uint64_t)paging_page_index(page, 2) << 21 |
            (uint64_t)paging_page_index(page, 3) << 30 | (uint64_t)paging_page_index(page, 4) << 39 |
            (uint64_t)paging_page_index(page, 5) << 48;
        assert_int_equal((uint64_t)((int64_t)(rebuilt << 7) >> 7), samples[i] & ~0xfffull);
    }
}

static void frames_and_sizes(void **state)
{
    assert_int_equal(paging_level_bytes(1), 4 * KIB);
    assert_int_equal(paging_level_bytes(2), 2 * MIB);
    assert_int_equal(paging_level_bytes(3), GIB);
    assert_int_equal(paging_level_bytes(4), 512 * GIB);
    assert_int_equal(paging_level_pages(3), 512 * 512);
    assert_int_equal(paging_frame_containing((paging_phys_t){0x000fffffffffffff}).number, 0xffffffffff);
    assert_int_equal(paging_frame_start((paging_frame_t){0xffffffffff}).value, 0x000ffffffffff000);
}

static void window_bases(void **state)
{
    assert_int_equal(paging_window_base(4, 511, 1).value, 0xffffff8000000000);
    assert_int_equal(paging_window_base(4, 511, 2).value, 0xffffffffc0000000);
    assert_int_equal(paging_window_base(4, 511, 3).value, 0xffffffffffe00000);
    assert_int_equal(paging_window_base(4, 511, 4).value, 0xfffffffffffff000);
    assert_int_equal(paging_window_base(5, 511, 1).value, 0xffff000000000000);
    assert_int_equal(paging_window_base(5, 511, 4).value, 0xffffffffffe00000);
    assert_int_equal(paging_window_base(5, 511, 5).value, 0xfffffffffffff000);
    assert_int_equal(paging_window_base(4, 140, 1).value, 140ull << 39);
    assert_int_equal(paging_window_base(4, 140, 4).value,
                     140ull << 39 | 140ull << 30 | 140ull << 21 | 140ull << 12);
    assert_int_equal(paging_window_base(4, 256, 1).value, 0xffff800000000000);
}

/* Goes from the root's window down, one table at a time. */
static void window_chain(void **state)
{
    static const unsigned slots[] = {511, 510, 256, 255, 140, 1, 0};
    for (unsigned levels = 4; levels <= 5; levels++)
        for (size_t s = 0; s < sizeof(slots) / sizeof(*slots); s++)
            for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
                paging_page_t page;
                assert_status(paging_page_containing(levels, (paging_virt_t){samples[i]}, &page), PAGING_OK);
                paging_virt_t table = paging_window_base(levels, slots[s], levels);
                for (unsigned level = levels; level >= 1; level--) {
                    paging_virt_t direct = paging_window_table(levels, slots[s], level, page);
                    assert_int_equal(direct.value, table.value);
                    assert_true(paging_is_canonical(levels, direct));
                    paging_virt_t entry = paging_window_entry(levels, slots[s], level, page);
                    assert_int_equal(entry.value, table.value + 8 * paging_page_index(page, level));
                    table = paging_next_table_address(levels, table, paging_page_index(page, level));
                }
            }
}

/* The octal patterns of recursive mapping: RRR ddd ccc bbb 0000 and so on. */
static void window_octal(void **state)
{
    uint64_t sign = 0177777ull << 48, r = 0777, a = 0123, b = 0456, c = 0701, d = 0234;
    paging_page_t page;
    paging_virt_t address = {a << 39 | b << 30 | c << 21 | d << 12};
    assert_status(paging_page_containing(4, address, &page), PAGING_OK);
    assert_int_equal(paging_window_table(4, 511, 1, page).value,
                     sign | r << 39 | a << 30 | b << 21 | c << 12);
    assert_int_equal(paging_window_table(4, 511, 2, page).value,
                     sign | r << 39 | r << 30 | a << 21 | b << 12);
    assert_int_equal(paging_window_table(4, 511, 3, page).value,
                     sign | r << 39 | r << 30 | r << 21 | a << 12);
    assert_int_equal(paging_window_table(4, 511, 4, page).value,
                     sign | r << 39 | r << 30 | r << 21 | r << 12);
    assert_int_equal(paging_window_entry(4, 511, 1, page).value & 0xfff, d * 8);
}

static void window_of_last_page(void **state)
{
    for (unsigned levels = 4; levels <= 5; levels++) {
        paging_page_t page;
        assert_status(paging_page_containing(levels, (paging_virt_t){UINT64_MAX}, &page), PAGING_OK);
        for (unsigned level = 1; level <= levels; level++) {
            assert_int_equal(paging_window_entry(levels, 511, level, page).value, 0xfffffffffffffff8);
            assert_int_equal(paging_window_table(levels, 511, level, page).value, 0xfffffffffffff000);
        }
    }
}

static void entry_round_trip(void **state)
{
    static const uint64_t frames[] = {0, 1, 0x8000000000, 0xffffffffff, 0x123456789a};
    for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
        paging_entry_t entry = paging_entry_make((paging_frame_t){frames[i]}, PAGING_LEAF_FLAGS);
        assert_int_equal(paging_entry_frame(entry).number, frames[i]);
        assert_int_equal(paging_entry_flags(entry), PAGING_LEAF_FLAGS);
        assert_int_equal(entry.bits, frames[i] << 12 | PAGING_LEAF_FLAGS);
    }
    const paging_frame_t no_frame = {
        UINT64_MAX}; /* a number that is too large does not reach into the other's bits */
    assert_int_equal(paging_entry_make(no_frame, 0).bits, PAGING_FRAME_MASK);
    assert_int_equal(paging_entry_make((paging_frame_t){0}, UINT64_MAX).bits, ~PAGING_FRAME_MASK);
    assert_true(paging_entry_is_unused((paging_entry_t){0}));
    assert_false(paging_entry_is_unused((paging_entry_t){2}));
    assert_false(paging_entry_is_present((paging_entry_t){2}));
    assert_int_equal(paging_entry_leaf(1, (paging_frame_t){7}, PAGING_WRITABLE).bits, 0x7003);
    assert_int_equal(paging_entry_leaf(2, (paging_frame_t){512}, PAGING_USER).bits, 0x200085);
    assert_int_equal(PAGING_LEAF_FLAGS & (PAGING_FRAME_MASK | (PAGING_COUNT_MASK & ~PAGING_SYSTEM_BITS)), 0);
}

static void count_round_trip(void **state)
{
    for (unsigned count = 1; count <= 512; count++) {
        paging_entry_t entry = entry_to_table((paging_frame_t){0xffffffffff}, count);
        assert_int_equal(entry_count(entry), count);
        assert_int_equal(paging_entry_frame(entry).number, 0xffffffffff);
        assert_int_equal(paging_entry_flags(entry) & ~PAGING_COUNT_MASK, PAGING_TABLE_FLAGS);
        assert_int_equal(entry_with_count(entry, count + 512).bits,
                         entry.bits); /* the number of bits that exist */
        assert_int_equal(entry.bits >> 52 & 0x7f, (count - 1) & 0x7f);
        assert_int_equal(entry.bits >> 9 & 3, (count - 1) >> 7);
        assert_int_equal(entry.bits >> 59, 0);
        assert_int_equal(entry_with_count(entry, 1).bits,
                         entry_to_table((paging_frame_t){0xffffffffff}, 1).bits);
    }
}

static void pat_is_not_huge(void **state)
{
    paging_entry_t entry = paging_entry_make((paging_frame_t){1}, PAGING_PRESENT | PAGING_HUGE);
    paging_entry_t table = entry_to_table((paging_frame_t){1}, 1);
    for (unsigned level = 1; level <= 5; level++) {
        assert_false(paging_entry_is_table(entry, level));
        assert_int_equal(paging_entry_is_table(table, level), level > 1);
    }
    assert_false(paging_entry_is_table((paging_entry_t){2}, 2));
}

static void every_status_has_a_name(void **state)
{
    for (int i = 0; i <= PAGING_STATUS_COUNT; i++) {
        const char *name = paging_status_name((enum paging_status)i);
        assert_non_null(name);
        for (int other = 0; other < i && i < PAGING_STATUS_COUNT; other++)
            assert_string_not_equal(name, paging_status_name((enum paging_status)other));
    }
    assert_string_equal(paging_status_name(PAGING_NOT_MAPPED), "not mapped");
}

/* Bits 3, 4 and 7 are the index of an entry of the PAT, or bit 12 of a huge leaf (SDM 3A, 4.9.2). */
static void kinds_of_memory_are_numbered(void **state)
{
    static const uint64_t kinds[] = {PAGING_CACHE_WRITE_BACK, PAGING_CACHE_WRITE_THROUGH,
                                     PAGING_CACHE_UNCACHED_MINUS, PAGING_CACHE_WRITE_COMBINING};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(PAGING_CACHE_ENTRY(i), (i & 3) << 3 | i >> 2 << 7);
        for (unsigned level = 1; level <= 3; level++) {
            paging_entry_t leaf = paging_entry_leaf(level, (paging_frame_t){1 << 18}, PAGING_CACHE_ENTRY(i));
            assert_int_equal(leaf.bits >> 3 & 3, i & 3);
            assert_int_equal(leaf.bits >> (level == 1 ? 7 : 12) & 1, i >> 2);
            assert_int_equal(leaf.bits >> 18, 1 << 12);
            assert_int_equal(paging_leaf_flags(leaf, level) & PAGING_LEAF_FLAGS,
                             PAGING_CACHE_ENTRY(i) | PAGING_PRESENT);
        }
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(kinds[i], PAGING_CACHE_ENTRY(i));
    assert_int_equal(PAGING_CACHE_UNCACHED, PAGING_CACHE_ENTRY(7));
    assert_int_equal(PAGING_CACHE_FLAGS, PAGING_CACHE_ENTRY(7));
}

/* Bits 59 to 62 (SDM 3A, 4.6.2). */
static void keys_are_numbered(void **state)
{
    (void)state;
    for (unsigned key = 0; key < 16; key++) {
        assert_int_equal(PAGING_KEY(key), (uint64_t)key << 59);
        assert_int_equal(PAGING_KEY_OF(PAGING_KEY(key) | ~PAGING_KEY(15)), key);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("address: canonical at every boundary of both halves", canonical_boundaries),
    RIG_TEST("address: a page and back", page_round_trip),
    RIG_TEST("address: the indices rebuild the address", indices_rebuild),
    RIG_TEST("address: frames and level sizes", frames_and_sizes),
    RIG_TEST("window: base addresses", window_bases),
    RIG_TEST("window: the formula equals the chain of tables", window_chain),
    RIG_TEST("window: octal patterns", window_octal),
    RIG_TEST("window: that of the last page does not wrap", window_of_last_page),
    RIG_TEST("entry: encode and decode", entry_round_trip),
    RIG_TEST("entry: counts 1 to 512", count_round_trip),
    RIG_TEST("entry: bit 7 in a P1 is PAT, not huge", pat_is_not_huge),
    RIG_TEST("entry: kinds of memory are entries of the PAT", kinds_of_memory_are_numbered),
    RIG_TEST("entry: protection keys are 0 to 15", keys_are_numbered),
    RIG_TEST("status: each has its own name", every_status_has_a_name),
};

RIG_MAIN("addresses", tests)
