/* SPDX-License-Identifier: MIT */
/* single_pages.c - the operations on single pages, and their statuses. */
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/map.h>
#include <selfmap/translate.h>

enum { PATTERN_A = 0x1111, PATTERN_B = 0x2222 };

/* Takes a frame that is not mapped anywhere. give_frame gives it back. */
static bool take_frame(struct selftest_run *t, paging_frame_t *frame)
{
    return CHECK(frames_allocate(t->frames, PAGING_4K, frame) == FRAMES_OK);
}

static void give_frame(struct selftest_run *t, paging_frame_t frame)
{
    CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_OK);
}

static void unmap(struct selftest_run *t, paging_page_t page)
{
    CHECK_OK(paging_unmap(t->space, page, t->source, NULL));
}

static void map_picks_a_frame(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    struct paging_translation found;
    uint64_t free = frames_free_count(t->frames);
    if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE | no_execute(t), t->source)))
        return;
    uint64_t taken = 1 + (t->space->cpu.levels - 1); /* the page, and a table for each level below the root */
    CHECK(frames_free_count(t->frames) == free - taken);
    test_words(t, page)[0] = PATTERN_A;
    CHECK(test_words(t, page)[0] == PATTERN_A);
    CHECK_OK(paging_translate(t->space, test_address(t, page), &found));
    CHECK(found.owned && found.size == PAGING_4K && (found.flags & PAGING_WRITABLE) &&
          !(found.flags & PAGING_USER));
    unmap(t, page);
    CHECK(frames_free_count(t->frames) == free);
}

static void map_to_two_pages_one_frame(struct selftest_run *t)
{
    paging_page_t one = test_page(t, 1), other = test_page(t, PAGING_TABLE_ENTRIES + 1);
    paging_frame_t frame;
    struct paging_unmapped gone;
    if (!take_frame(t, &frame))
        return;
    CHECK_OK(paging_map_to(t->space, one, frame, PAGING_WRITABLE, t->source));
    CHECK_OK(paging_map_to(t->space, other, frame, 0, t->source));
    test_words(t, one)[7] = PATTERN_B;
    CHECK(test_words(t, other)[7] == PATTERN_B);
    unmap(t, one);
    CHECK(test_words(t, other)[7] == PATTERN_B);
    CHECK_OK(paging_unmap(t->space, other, t->source, &gone));
    CHECK(gone.frame.number == frame.number && gone.size == PAGING_4K && !gone.released);
    give_frame(t, frame);
}

static void identity_map_reads_itself(struct selftest_run *t)
{
    paging_frame_t frame;
    paging_page_t page = {0};
    struct paging_translation found;
    if (!take_frame(t, &frame))
        return;
    paging_virt_t address = {paging_frame_start(frame).value};
    CHECK_OK(paging_page_containing(t->space->cpu.levels, address, &page));
    if (CHECK_OK(paging_identity_map(t->space, frame, PAGING_WRITABLE, t->source))) {
        CHECK_OK(paging_translate(t->space, (paging_virt_t){address.value + 5}, &found));
        CHECK(found.address.value == address.value + 5);
        *(volatile uint64_t *)address.value = PATTERN_A;
        CHECK(*(volatile uint64_t *)address.value == PATTERN_A);
        unmap(t, page);
    }
    give_frame(t, frame);
}

static void first_and_last_pages(struct selftest_run *t)
{
    unsigned levels = t->space->cpu.levels;
    uint64_t pages = paging_level_pages(levels) * PAGING_TABLE_ENTRIES; /* in both halves */
    const paging_page_t edges[] = {{0}, {pages / 2 - 1}, {pages / 2}};
    if (!test_page_is_free(t, edges[0]) || !test_page_is_free(t, edges[1]))
        return;
    for (unsigned i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        if (!CHECK_OK(paging_map(t->space, edges[i], PAGING_WRITABLE, t->source)))
            continue;
        test_words(t, edges[i])[PAGING_TABLE_ENTRIES - 1] = i;
        CHECK(test_words(t, edges[i])[PAGING_TABLE_ENTRIES - 1] == i);
        unmap(t, edges[i]);
    }
    paging_page_t last = {pages - 1}; /* the root itself, through the recursive slot */
    CHECK_STATUS(paging_map(t->space, last, PAGING_WRITABLE, t->source), PAGING_RESERVED_SLOT);
}

static void translate_says_what_is_missing(struct selftest_run *t)
{
    struct paging_translation found;
    struct paging_walk_result walk;
    paging_page_t page = test_page(t, 0);
    CHECK_STATUS(paging_translate(t->space, test_address(t, page), &found), PAGING_NOT_MAPPED);
    CHECK_STATUS(paging_walk_address(t->space, test_address(t, page), &walk), PAGING_NOT_MAPPED);
    CHECK(walk.level == walk.top && paging_entry_is_unused(walk.entries[walk.level]));
    CHECK_OK(paging_map(t->space, page, 0, t->source));
    paging_page_t next = {page.number + 1};
    CHECK(paging_walk_address(t->space, test_address(t, next), &walk) == PAGING_NOT_MAPPED &&
          walk.level == 1);
    unmap(t, page);
}

static void refusals_change_nothing(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0),
                  reserved = {(uint64_t)PAGING_SCRATCH_SLOT * paging_level_pages(t->space->cpu.levels)};
    paging_frame_t frame, high = {1ull << (t->space->cpu.physical_bits - PAGING_PAGE_SHIFT)};
    struct paging_unmapped gone;
    if (!take_frame(t, &frame))
        return;
    CHECK_STATUS(paging_unmap(t->space, page, t->source, &gone), PAGING_NOT_MAPPED);
    CHECK_STATUS(paging_unmap(t->space, reserved, t->source, &gone), PAGING_RESERVED_SLOT);
    CHECK_STATUS(paging_map_to(t->space, reserved, frame, 0, t->source), PAGING_RESERVED_SLOT);
    CHECK_STATUS(paging_map_to(t->space, page, high, 0, t->source), PAGING_FRAME_TOO_HIGH);
    CHECK_STATUS(paging_map_to(t->space, page, frame, PAGING_HUGE_PAT, t->source), PAGING_BAD_FLAGS);
    CHECK_STATUS(paging_map_to(t->space, page, frame, PAGING_OWNED, t->source), PAGING_BAD_FLAGS);
    CHECK_STATUS(paging_map_to(t->space, page, frame, PAGING_GLOBAL, t->source), PAGING_BAD_FLAGS);
    CHECK_STATUS(paging_map_sized(t->space, (paging_page_t){page.number + 1},
                                  (paging_frame_t){PAGING_TABLE_ENTRIES}, PAGING_2M, 0, t->source),
                 PAGING_MISALIGNED);
    CHECK_OK(paging_map_to(t->space, page, frame, PAGING_WRITABLE, t->source));
    uint64_t free = frames_free_count(t->frames), flushes = paging_counted(t->space).flushes;
    CHECK_STATUS(paging_map_to(t->space, page, frame, 0, t->source), PAGING_ALREADY_MAPPED);
    CHECK_STATUS(paging_map(t->space, page, 0, t->source), PAGING_ALREADY_MAPPED);
    CHECK(frames_free_count(t->frames) == free && paging_counted(t->space).flushes == flushes);
    unmap(t, page);
    give_frame(t, frame);
}

static void sizes_and_halves(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    unsigned levels = t->space->cpu.levels;
    paging_frame_t beyond = {UINT64_C(1) << (paging_address_bits(levels) - 1 - PAGING_PAGE_SHIFT)};
    CHECK_STATUS(paging_identity_map(t->space, beyond, 0, t->source), PAGING_NOT_CANONICAL);
    CHECK_STATUS(paging_map_sized(t->space, page, (paging_frame_t){0}, (enum paging_size)0, 0, t->source),
                 PAGING_NOT_SUPPORTED);
    CHECK_STATUS(paging_map_sized(t->space, page, (paging_frame_t){0}, (enum paging_size)4, 0, t->source),
                 PAGING_NOT_SUPPORTED);
    CHECK_OK(paging_map(t->space, page, 0, t->source));
    CHECK_STATUS(paging_map_sized(t->space, page, (paging_frame_t){0}, PAGING_2M, 0, t->source),
                 PAGING_ALREADY_MAPPED);
    unmap(t, page);
}

static void marked_pages_fault(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    struct paging_translation found;
    struct paging_unmapped gone;
    struct paging_walk_result walk;
    uint64_t value = 0;
    CHECK_OK(paging_set_marker(t->space, page, 0x1234567, t->source));
    CHECK_STATUS(paging_translate(t->space, test_address(t, page), &found), PAGING_MARKED);
    CHECK_STATUS(paging_walk_address(t->space, test_address(t, page), &walk), PAGING_MARKED);
    CHECK(walk.level == 1 && paging_marker_value(walk.entries[1]) == 0x1234567);
    struct safe_access access = safe_read(test_address(t, page));
    CHECK(access.faulted && access.vector == 14 && access.error_code == 0);
    CHECK_STATUS(paging_map(t->space, page, 0, t->source), PAGING_MARKED);
    CHECK_STATUS(paging_unmap(t->space, page, t->source, &gone), PAGING_MARKED);
    CHECK_STATUS(paging_set_marker(t->space, page, 5, t->source), PAGING_MARKED);
    CHECK(paging_clear_marker(t->space, page, t->source, &value) == PAGING_OK && value == 0x1234567);
    CHECK_STATUS(paging_clear_marker(t->space, page, t->source, &value), PAGING_NOT_MAPPED);
    CHECK_STATUS(paging_set_marker(t->space, page, 0, t->source), PAGING_BAD_FLAGS);
}

/* Uses an address that only five levels have: of a P5 all slots of the lower half except 0 lead to such. */
static void beyond_48_bits(struct selftest_run *t)
{
    paging_page_t page = {0};
    struct paging_walk_result walk;
    CHECK_STATUS(paging_page_containing(4, (paging_virt_t){UINT64_C(3) << 50}, &page), PAGING_NOT_CANONICAL);
    if (t->space->cpu.levels == 4) {
        t->skip = "the tables have four levels";
        return;
    }
    paging_virt_t address = test_address(t, test_page(t, 0));
    if (!CHECK(address.value >> 48 != 0) ||
        !CHECK_STATUS(paging_page_containing(4, address, &page), PAGING_NOT_CANONICAL) ||
        !CHECK_OK(paging_page_containing(5, address, &page)) ||
        !CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)))
        return;
    *(volatile uint64_t *)address.value = PATTERN_B;
    CHECK(*(volatile uint64_t *)address.value == PATTERN_B);
    CHECK(paging_walk_address(t->space, address, &walk) == PAGING_OK && walk.top == 5 && walk.level == 1);
    CHECK(paging_entry_is_table(walk.entries[5], 5));
    unmap(t, page);
    CHECK(safe_read(address).faulted);
}

static void empty_tables_come_back(struct selftest_run *t)
{
    paging_page_t near = test_page(t, 3), far = test_page(t, 3 + paging_level_pages(3));
    uint64_t tables = paging_counted(t->space).tables;
    CHECK_OK(paging_map(t->space, near, 0, t->source));
    CHECK(paging_counted(t->space).tables == tables + t->space->cpu.levels - 1);
    CHECK_OK(paging_map(t->space, far, 0, t->source));
    CHECK(paging_counted(t->space).tables ==
          tables + t->space->cpu.levels - 1 + 2); /* P2 and P1; the P3 is shared */
    unmap(t, near);
    CHECK(paging_counted(t->space).tables == tables + t->space->cpu.levels - 1);
    unmap(t, far);
    CHECK(paging_counted(t->space).tables == tables);
}

/*
 * Two pages share a frame, as after a fork. The one that is written gets a copy, which is its own from then
 * on.
 */
static void copy_on_write(struct selftest_run *t)
{
    paging_page_t one = test_page(t, 0), other = test_page(t, 1), draft = test_page(t, 2);
    uint64_t free = frames_free_count(t->frames);
    struct paging_unmapped before;
    paging_frame_t shared, copy;
    if (!take_frame(t, &shared) || !take_frame(t, &copy))
        return;
    CHECK_OK(paging_map_to(t->space, draft, shared, PAGING_WRITABLE, t->source));
    test_words(t, draft)[3] = PATTERN_A;
    CHECK_OK(paging_remap(t->space, draft, copy, PAGING_WRITABLE, false, t->source, &before));
    CHECK(before.frame.number == shared.number && (before.flags & PAGING_DIRTY) != 0 && !before.released);
    CHECK_OK(paging_map_to(t->space, one, shared, 0, t->source));
    CHECK_OK(paging_map_to(t->space, other, shared, 0, t->source));
    CHECK(test_words(t, one)[3] == PATTERN_A && safe_write(test_address(t, one), 1).faulted);
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        test_words(t, draft)[i] = test_words(t, one)[i];
    test_words(t, draft)[4] = PATTERN_B;
    unmap(t, draft);
    CHECK(test_words(t, one)[3] == PATTERN_A); /* an emulator may have flushed more than that page */
    CHECK_OK(paging_remap(t->space, one, copy, PAGING_WRITABLE, true, t->source, &before));
    CHECK(before.frame.number == shared.number && !before.released);
    CHECK(test_words(t, one)[4] == PATTERN_B); /* at once, although the page was read before */
    CHECK(!safe_write((paging_virt_t){test_address(t, one).value + 24}, PATTERN_B).faulted);
    CHECK(test_words(t, one)[3] == PATTERN_B && test_words(t, other)[3] == PATTERN_A);
    unmap(t, one);
    unmap(t, other);
    give_frame(t, shared);
    CHECK(frames_free_count(t->frames) == free);
}

const struct selftest single_page_tests[] = {
    {"map: picks a frame, and unmap gives it back", map_picks_a_frame},
    {"map_to: two pages show one frame, which stays the caller's", map_to_two_pages_one_frame},
    {"identity_map: the frame is found at its own address", identity_map_reads_itself},
    {"map: the first and last pages of both halves", first_and_last_pages},
    {"remap: copy-on-write is broken, the next write lands in the copy", copy_on_write},
    {"translate: says at which level the walk ended", translate_says_what_is_missing},
    {"map, unmap: an operation that is refused changes nothing", refusals_change_nothing},
    {"map, identity_map: sizes and addresses that do not exist are refused", sizes_and_halves},
    {"marker: the page faults, keeps its value, and is refused to others", marked_pages_fault},
    {"five levels: a page beyond 48 bits is mapped, read and removed", beyond_48_bits},
    {"unmap: tables go back when their last page goes", empty_tables_come_back},
    {0},
};
