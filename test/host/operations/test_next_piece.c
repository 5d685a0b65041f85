/* SPDX-License-Identifier: MIT */
/* Tests next_piece: a long call made in pieces ends like the call itself, and each piece is bounded. */
#include "rig/entries.h"

#define PAGES(n) ((uint64_t)(n)*PAGING_PAGE_BYTES)

/* Unmaps the range in pieces. Returns how many there were. */
static unsigned unmap_in_pieces(uint64_t start, uint64_t bytes, uint64_t limit)
{
    unsigned pieces = 0;
    for (; bytes > 0; start += rig.piece, bytes -= rig.piece, pieces++) {
        assert_status(rig_next_piece(start, bytes, limit), PAGING_OK);
        assert_status(rig_unmap_range(start, rig.piece), PAGING_OK);
    }
    return pieces;
}

/* Twelve pages, a P1 of them, four huge pages, a marker, and a page far away. */
static void map_all(void)
{
    assert_status(rig_map_range_alloc(PLACE + PAGES(500), PAGES(12), RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + 2 * MIB, DEVICE + PAGES(1), PAGES(512), RW), PAGING_OK);
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, 8 * MIB, RW), PAGING_OK);
    assert_status(rig_set_marker(PLACE + GIB + 9 * MIB, 5), PAGING_OK);
    assert_status(rig_map_to(PLACE + 70 * GIB, DEVICE_FRAME, RW), PAGING_OK);
}

static void pieces_end_like_the_whole(void **state)
{
    static const uint64_t limits[] = {0, 1, 3, 100, 513, 514, 4096, ~0ull};
    for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        rig_open();
        map_all();
        unsigned pieces = unmap_in_pieces(PLACE, 100 * GIB, limits[i]);
        assert_true(i < 2 ? pieces == 12 + 512 + 4 + 1 + 1 : i == 7 ? pieces == 1 : pieces > 0);
        assert_int_equal(rig.model.count, 0);
        assert_int_equal(machine_frames_out(), rig.base_frames);
        machine_close();
    }
}

/* A hole costs nothing, and an empty range is one piece. */
static void holes_cost_nothing(void **state)
{
    rig_open();
    assert_status(rig_next_piece(PLACE, 100 * GIB, 1), PAGING_OK);
    assert_int_equal(rig.piece, 100 * GIB);
    assert_status(rig_map_to(PLACE + 70 * GIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_next_piece(PLACE, 100 * GIB, 1), PAGING_OK);
    assert_int_equal(rig.piece, 100 * GIB);
    assert_status(rig_map_to(PLACE + 30 * GIB, DEVICE_FRAME, RW), PAGING_OK);
    assert_status(rig_next_piece(PLACE, 100 * GIB, 1), PAGING_OK);
    assert_int_equal(rig.piece, 70 * GIB / PAGES(1) * PAGES(1));
}

/* P1s are cut only where one alone is more than the limit. */
static void tables_stay_whole(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE + PAGES(1), 8 * MIB, RW), PAGING_OK);
    assert_status(rig_next_piece(PLACE, 8 * MIB, 1100), PAGING_OK);
    assert_int_equal(rig.piece, 4 * MIB);
    assert_status(rig_next_piece(PLACE, 8 * MIB, 600), PAGING_OK);
    assert_int_equal(rig.piece, 2 * MIB);
    assert_status(rig_next_piece(PLACE + PAGES(12), 8 * MIB - PAGES(12), 520), PAGING_OK);
    assert_int_equal(rig.piece, 2 * MIB - PAGES(12));
    assert_status(rig_next_piece(PLACE, 8 * MIB, 104), PAGING_OK);
    assert_in_range(rig.piece, PAGES(100), PAGES(104));
}

/* A huge page at the cut is not split for the piece. */
static void huge_pages_stay_whole(void **state)
{
    rig_open();
    assert_status(rig_map_range(PLACE + GIB, DEVICE_1G, 8 * MIB, RW), PAGING_OK);
    uint64_t start = PLACE + GIB + MIB, bytes = 6 * MIB, tables = paging_counted(&rig.space).tables;
    assert_status(rig_next_piece(start, bytes, rig.model.levels), PAGING_OK);
    assert_int_equal(rig.piece % (2 * MIB), MIB);
    assert_status(rig_protect_range(start + rig.piece, 2 * MIB, NX, 0), PAGING_OK);
    assert_int_equal(paging_counted(&rig.space).tables, tables);
}

/* What the entry counts means nothing then, so it is one entry, and nobody looks into the table. */
static void a_malformed_table_is_one_entry(void **state)
{
    uint64_t bytes;
    rig_open();
    assert_status(rig_map_range(PLACE, DEVICE + PAGES(1), 6 * MIB, RW), PAGING_OK);
    uint64_t whole = *entry_at(PLACE + 2 * MIB, 2);
    entry_write(PLACE + 2 * MIB, 2, whole | (uint64_t)1 << 51);
    assert_status(paging_next_piece(&rig.space, (paging_virt_t){PLACE + 2 * MIB}, 4 * MIB, 1, &bytes),
                  PAGING_OK);
    assert_int_equal(bytes, 2 * MIB);
    assert_status(paging_next_piece(&rig.space, (paging_virt_t){PLACE + 2 * MIB}, 4 * MIB, 600, &bytes),
                  PAGING_OK);
    assert_int_equal(bytes, 4 * MIB);
    entry_write(PLACE + 2 * MIB, 2, whole);
}

static void what_is_no_range_is_refused(void **state)
{
    rig_open();
    map_all();
    assert_status(rig_next_piece(PLACE, 0, 5), PAGING_EMPTY_RANGE);
    assert_status(rig_next_piece(PLACE + 1, PAGES(1), 5), PAGING_MISALIGNED);
    if (rig_has_windows())
        assert_status(rig_next_piece(rig_window(1, PLACE), PAGES(1), 5), PAGING_RESERVED_SLOT);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("pieces: a range unmapped in pieces ends like one unmapped whole", pieces_end_like_the_whole),
    RIG_TEST("pieces: holes cost nothing", holes_cost_nothing),
    RIG_TEST("pieces: P1s are cut only where one alone is too much", tables_stay_whole),
    RIG_TEST("pieces: no huge page is split", huge_pages_stay_whole),
    RIG_TEST("pieces: a malformed table is one entry", a_malformed_table_is_one_entry),
    RIG_TEST("pieces: what is not a range is refused", what_is_no_range_is_refused),
};

RIG_MAIN("next_piece", tests)
