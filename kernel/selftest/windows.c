/* SPDX-License-Identifier: MIT */
/* windows.c - windows onto the tables, and translations that the TLB must forget. */
#include "console/console.h"
#include "cpu/emulator.h"
#include "report/report.h"
#include "selftest/selftest.h"
#include "selftest/typed_tables.h"
#include <selfmap/map.h>
#include <selfmap/translate.h>

static void unmap(struct selftest_run *t, paging_page_t page)
{
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
}

/* Compares a table in its window with its frame, which is mapped at a test page for that. */
static void compare_table(struct selftest_run *t, const void *table, paging_frame_t frame)
{
    paging_page_t copy = test_page(t, 7 * paging_level_pages(2));
    if (table == NULL || !CHECK_OK(paging_map_to(t->space, copy, frame, 0, t->source))) {
        CHECK(table != NULL);
        return;
    }
    const volatile paging_entry_t *window = table;
    unsigned differences = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        differences += paging_entry_load(&window[i]).bits != test_words(t, copy)[i];
    CHECK(differences == 0);
    unmap(t, copy);
}

static void windows_show_physical_memory(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 42);
    struct paging_walk_result walk;
    if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)))
        return;
    CHECK_OK(paging_walk_address(t->space, test_address(t, page), &walk));
    struct p5_table *p5 = root_p5(t->space);
    struct p4_table *p4 = root_p4(t->space);
    if (p5)
        p4 = next_table(t->space, p5, paging_page_index(page, 5));
    struct p3_table *p3 = next_table(t->space, p4, paging_page_index(page, 4));
    struct p2_table *p2 = next_table(t->space, p3, paging_page_index(page, 3));
    struct p1_table *p1 = next_table(t->space, p2, paging_page_index(page, 2));
    CHECK((uint64_t)(uintptr_t)root_table(t->space) == 0xfffffffffffff000);
    compare_table(t, root_table(t->space), t->space->root);
    compare_table(t, p4, p5 ? paging_entry_frame(walk.entries[5]) : t->space->root);
    compare_table(t, p3, paging_entry_frame(walk.entries[4]));
    compare_table(t, p2, paging_entry_frame(walk.entries[3]));
    compare_table(t, p1, paging_entry_frame(walk.entries[2]));
    unmap(t, page);
}

static paging_frame_t frame_of(struct selftest_run *t, paging_page_t page)
{
    struct paging_translation found = {0};
    CHECK_OK(paging_translate(t->space, test_address(t, page), &found));
    return paging_frame_containing(found.address);
}

/* Maps two different frames in turn at one page, and reads the page each time. */
static void remap_shows_the_new_frame(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0), pages[2] = {test_page(t, 1), test_page(t, 2)};
    paging_frame_t frames[2];
    for (unsigned i = 0; i < 2; i++) {
        if (!CHECK_OK(paging_map(t->space, pages[i], PAGING_WRITABLE, t->source)))
            return;
        test_words(t, pages[i])[0] = i;
        frames[i] = frame_of(t, pages[i]);
    }
    for (unsigned round = 0; round < 4; round++) {
        CHECK_OK(paging_map_to(t->space, page, frames[round % 2], 0, t->source));
        CHECK(test_words(t, page)[0] == round % 2);
        unmap(t, page);
    }
    unmap(t, pages[0]);
    unmap(t, pages[1]);
}

static void set_frame(struct selftest_run *t, paging_page_t page, paging_frame_t frame)
{
    paging_entry_t entry = paging_entry_load(test_leaf(t, page));
    paging_entry_store(test_leaf(t, page), paging_entry_make(frame, paging_entry_flags(entry)));
}

/*
 * Changes an entry without the core and without a flush. If the old frame is still seen, a missing flush
 * shows on this processor, and the test above can fail. Through the window of page 0, whose number ends like
 * that of the window, the change itself could push the translation out of a TLB, so it is another page.
 */
static void without_flush_is_stale(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 3), other = test_page(t, 4);
    if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)) ||
        !CHECK_OK(paging_map(t->space, other, PAGING_WRITABLE, t->source)))
        return;
    paging_frame_t first = frame_of(t, page), second = frame_of(t, other);
    test_words(t, other)[0] = 2;
    test_words(t, page)[0] = 1;
    set_frame(t, page, second);
    bool stale = test_words(t, page)[0] == 1;
    paging_tlb_flush_page(test_address(t, page));
    CHECK(test_words(t, page)[0] == 2);
    set_frame(t, page, first);
    paging_tlb_flush_page(test_address(t, page));
    CHECK(test_words(t, page)[0] == 1);
    unmap(t, page);
    unmap(t, other);
    report_fact("stale_without_flush", "%d", stale);
    /* A real processor may drop a translation at any time; an emulator never does. */
    CHECK(stale || !cpu_is_emulated());
}

/*
 * When a table is freed, the translation of its window must be flushed: the frame may become a page, and
 * another table may take its place in the window.
 */
static void freed_table_is_forgotten(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0), data = test_page(t, 5 * paging_level_pages(2)), tables[4];
    paging_virt_t window = paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, 1, page);
    if (!CHECK_OK(paging_map(t->space, data, PAGING_WRITABLE, t->source)) || /* keeps the P2 in use */
        !CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)))
        return;
    CHECK(*(volatile uint64_t *)window.value != 0);
    unmap(t, page);
    /* Takes the frame that was the P1, among others, for data, and maps the page again. */
    for (unsigned i = 0; i < 4; i++) {
        tables[i] = (paging_page_t){data.number + 1 + i};
        CHECK_OK(paging_map(t->space, tables[i], PAGING_WRITABLE, t->source));
        test_words(t, tables[i])[0] = 0x7777;
    }
    if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)))
        return;
    CHECK((*(volatile uint64_t *)window.value & PAGING_PRESENT) &&
          *(volatile uint64_t *)window.value != 0x7777);
    test_words(t, page)[3] = 9;
    for (unsigned i = 0; i < 4; i++) {
        CHECK(test_words(t, tables[i])[0] == 0x7777);
        unmap(t, tables[i]);
    }
    CHECK(test_words(t, page)[3] == 9);
    unmap(t, page);
    unmap(t, data);
}

const struct selftest window_tests[] = {
    {"windows: the tables of all levels show what physical memory holds", windows_show_physical_memory},
    {"remap: the new frame is seen at once", remap_shows_the_new_frame},
    {"remap: without a flush the old frame is still seen", without_flush_is_stale},
    {"unmap: a freed table's window is forgotten too", freed_table_is_forgotten},
    {0},
};
