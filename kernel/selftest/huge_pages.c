/* SPDX-License-Identifier: MIT */
/* huge_pages.c - pages of 2 MiB and 1 GiB. */
#include "cpu/emulator.h"
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

/* A word of the image, to be read through other pages. */
static const uint64_t landmark = 0x5e1f3a95e1f3a9;

static void huge_2m(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0), inside = {page.number + 5};
    paging_frame_t run;
    struct paging_unmapped gone;
    struct paging_translation found;
    if (frames_allocate(t->frames, PAGING_2M, &run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    CHECK(run.number % paging_level_pages(PAGING_2M) == 0);
    if (CHECK_OK(paging_map_sized(t->space, page, run, PAGING_2M, PAGING_WRITABLE, t->source))) {
        test_words(t, inside)[1] = 0x5a5a;
        CHECK_OK(paging_translate(t->space, (paging_virt_t){test_address(t, inside).value + 8}, &found));
        CHECK(found.size == PAGING_2M &&
              found.address.value == paging_frame_start(run).value + 5 * PAGING_PAGE_BYTES + 8);
        CHECK(test_words(t, inside)[1] == 0x5a5a);
        CHECK_STATUS(paging_map(t->space, inside, 0, t->source), PAGING_INSIDE_HUGE);
        CHECK_STATUS(paging_unmap(t->space, inside, t->source, &gone), PAGING_INSIDE_HUGE);
        CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
        CHECK(gone.size == PAGING_2M && gone.frame.number == run.number && !gone.released);
        CHECK(gone.flags & PAGING_DIRTY);
        CHECK(safe_read(test_address(t, inside)).faulted);
    }
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_OK);
}

/* Maps the gigabyte that holds the image a second time, read-only. */
static void huge_1g(struct selftest_run *t)
{
    struct paging_translation here;
    CHECK_OK(paging_translate(t->space, (paging_virt_t){(uintptr_t)&landmark}, &here));
    uint64_t offset = here.address.value % paging_level_bytes(PAGING_1G);
    paging_frame_t run = paging_frame_containing((paging_phys_t){here.address.value - offset});
    paging_page_t page = test_page(t, 0);
    if (!cpu_is_emulated() && !test_is_all_memory(t, run, paging_level_pages(PAGING_1G))) {
        t->skip = "the GiB around the image is not all memory";
        return;
    }
    enum paging_status status = paging_map_sized(t->space, page, run, PAGING_1G, no_execute(t), t->source);
    if (!t->space->cpu.has_1g_pages) {
        CHECK(status == PAGING_NOT_SUPPORTED);
        t->skip = "the processor has no 1 GiB pages";
        return;
    }
    if (!CHECK(status == PAGING_OK))
        return;
    paging_virt_t alias = {test_address(t, page).value + offset};
    CHECK(*(volatile uint64_t *)alias.value == landmark);
    struct safe_access access = safe_write(alias, 0);
    CHECK(access.faulted && access.error_code == 3);
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_OK && gone.size == PAGING_1G);
    access = safe_read(alias);
    CHECK(access.faulted && access.error_code == 0 && access.address == alias.value);
}

/* Maps the gigabyte that holds the image as a range, read-only, so that nothing in it can be changed. */
static void huge_range(struct selftest_run *t)
{
    struct paging_translation here = {0}, found = {0};
    CHECK_OK(paging_translate(t->space, (paging_virt_t){(uintptr_t)&landmark}, &here));
    uint64_t offset = here.address.value % paging_level_bytes(PAGING_1G);
    paging_phys_t run = {here.address.value - offset};
    paging_virt_t start = test_address(t, test_page(t, 0)), alias = {start.value + offset};
    paging_page_t page = {test_page(t, 0).number + offset / PAGING_PAGE_BYTES};
    if (!cpu_is_emulated() &&
        !test_is_all_memory(t, paging_frame_containing(run), paging_level_pages(PAGING_1G))) {
        t->skip = "the GiB around the image is not all memory";
        return;
    }
    unsigned largest = t->space->cpu.has_1g_pages ? PAGING_1G : PAGING_2M;
    uint64_t gib = paging_level_bytes(PAGING_1G), before = paging_counted(t->space).tables;
    if (!CHECK_OK(paging_map_range(t->space, start, run, gib, no_execute(t), t->source)))
        return;
    uint64_t tables = paging_counted(t->space).tables;
    for (unsigned size = largest; size >= PAGING_4K; size--) {
        CHECK(paging_translate(t->space, alias, &found) == PAGING_OK && found.size == size);
        CHECK(found.address.value == here.address.value && *(volatile uint64_t *)alias.value == landmark);
        CHECK(paging_counted(t->space).tables == tables + largest - size);
        CHECK(paging_split(t->space, page, t->source) == (size > PAGING_4K ? PAGING_OK : PAGING_NOT_HUGE));
    }
    CHECK_OK(paging_merge_range(t->space, start, gib, t->source));
    CHECK(paging_translate(t->space, alias, &found) == PAGING_OK && found.size == largest);
    CHECK(paging_counted(t->space).tables == tables && *(volatile uint64_t *)alias.value == landmark);
    CHECK(paging_unmap_range(t->space, start, gib, t->source) == PAGING_OK &&
          paging_counted(t->space).tables == before);
    CHECK(safe_read(alias).faulted);
}

/*
 * The window of the P1 shows the start of a 2 MiB page, because there is no P1. When the page is gone and
 * another one with a P1 is mapped in its place, the window must show that P1. Not the first 2 MiB: a TLB that
 * chooses the place of a translation by the last bits of a page's number would have that window, the scratch
 * page and the page itself in one place.
 */
static void huge_leak_is_flushed(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 3 * paging_level_pages(PAGING_2M));
    paging_frame_t run;
    if (frames_allocate(t->frames, PAGING_2M, &run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    paging_virt_t window = paging_window_table(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, 1, page);
    struct paging_unmapped gone;
    if (!CHECK_OK(paging_map_sized(t->space, page, run, PAGING_2M, PAGING_WRITABLE, t->source))) {
        CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_OK);
        return;
    }
    test_words(t, page)[0] = 0xabcdef;
    CHECK(*(volatile uint64_t *)window.value == 0xabcdef);
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
    CHECK_OK(paging_map_to(t->space, page, run, PAGING_WRITABLE, t->source));
    CHECK((*(volatile uint64_t *)window.value & PAGING_FRAME_MASK) == paging_frame_start(run).value);
    CHECK(test_words(t, page)[0] == 0xabcdef);
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_OK);
}

const struct selftest huge_page_tests[] = {
    {"huge: a 2 MiB page is read, refused inside, and removed whole", huge_2m},
    {"huge: a 1 GiB page is read, and read-only", huge_1g},
    {"huge: a GiB is mapped with the largest page, split to 4 KiB, and merged again", huge_range},
    {"huge: after a 2 MiB page the window shows the new P1", huge_leak_is_flushed},
    {0},
};
