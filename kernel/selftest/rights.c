/* SPDX-License-Identifier: MIT */
/* rights.c - access rights, which every level can take away, and memory types. */
#include "cpu/instructions.h"
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/check_access.h>
#include <selfmap/map.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

/* Returns the address of the entry of this level on the way to the page. The tables above it exist. */
static paging_virt_t entry_address(const struct selftest_run *t, unsigned level, paging_page_t page)
{
    return paging_window_entry(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, level, page);
}

/*
 * Changes an entry without the core. Flushes the page, and the windows of the tables below, because the
 * rights on the way to them have changed as well.
 */
static void set_entry(struct selftest_run *t, unsigned level, paging_page_t page, paging_entry_t entry)
{
    paging_entry_store((volatile paging_entry_t *)entry_address(t, level, page).value, entry);
    paging_tlb_flush_page(test_address(t, page));
    for (unsigned below = 1; below < level; below++)
        paging_tlb_flush_page(entry_address(t, below, page));
}

static bool is_granted(struct selftest_run *t, paging_virt_t address, enum paging_access_kind kind)
{
    struct paging_access access = {.kind = kind, .write_protect = true};
    uint64_t error_code = 0;
    return paging_check_access(t->space, address, access, &error_code) == PAGING_OK;
}

/* Checks that paging_translate, paging_check_access and the processor agree about a right. */
static void check_right(struct selftest_run *t, uint64_t flag, bool writes, bool granted)
{
    paging_virt_t address = test_address(t, test_page(t, 0));
    struct paging_translation found = {0};
    CHECK_OK(paging_translate(t->space, address, &found));
    CHECK(((found.flags & flag) != 0) == (flag == PAGING_NO_EXECUTE ? !granted : granted));
    CHECK(is_granted(t, address, writes ? PAGING_WRITE : PAGING_FETCH) == granted);
    struct safe_access access = writes ? safe_write(address, 0xc3c3c3c3c3c3c3c3) : safe_fetch(address);
    CHECK(access.faulted == !granted);
    CHECK(granted ||
          access.error_code == (PAGING_FAULT_PRESENT | (writes ? PAGING_FAULT_WRITE : PAGING_FAULT_FETCH)));
}

/* The core's tables allow everything, so the test takes a right away in one level after the other. */
static void every_level_counts(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source)))
        return;
    check_right(t, PAGING_WRITABLE, true, true);
    check_right(t, PAGING_NO_EXECUTE, false, true);
    for (unsigned level = 1; level <= t->space->cpu.levels; level++) {
        paging_entry_t entry =
            paging_entry_load((const volatile paging_entry_t *)entry_address(t, level, page).value);
        set_entry(t, level, page, (paging_entry_t){entry.bits & ~PAGING_WRITABLE});
        check_right(t, PAGING_WRITABLE, true, false);
        if (no_execute(t)) {
            set_entry(t, level, page, (paging_entry_t){entry.bits | PAGING_NO_EXECUTE});
            check_right(t, PAGING_NO_EXECUTE, false, false);
        }
        set_entry(t, level, page, entry);
        check_right(t, PAGING_WRITABLE, true, true);
    }
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
}

/* With CR0.WP a read-only table could not be changed through its window. Stores each entry unchanged. */
static void tables_can_be_written(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 0);
    if (!CHECK_OK(paging_map(t->space, page, no_execute(t), t->source)))
        return;
    CHECK(safe_write(test_address(t, page), 0).faulted);
    for (unsigned level = 1; level <= t->space->cpu.levels; level++) {
        paging_virt_t entry = entry_address(t, level, page);
        CHECK(!safe_write(entry, safe_read(entry).value).faulted);
    }
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
}

/* Compares the PAT entry that a leaf selects with the type that it asks for (SDM 3A, table 12-10). */
static void caching_is_as_asked(struct selftest_run *t)
{
    static const struct {
        uint64_t flags;
        unsigned type;
    } kinds[] = {{PAGING_CACHE_WRITE_BACK, 6},
                 {PAGING_CACHE_WRITE_THROUGH, 4},
                 {PAGING_CACHE_UNCACHED_MINUS, 7},
                 {PAGING_CACHE_WRITE_COMBINING, 1},
                 {PAGING_CACHE_UNCACHED, 0}};
    paging_page_t page = test_page(t, 0);
    if (!(cpuid(1, 0).edx >> 16 & 1)) {
        t->skip = "the processor has no PAT";
        return;
    }
    uint64_t pat = read_msr(MSR_PAT);
    /* What a window shows of a huge leaf, with PAT, is cached alike, or not at all. */
    CHECK((pat >> 32 & 0xffffff) == (pat & 0xffffff) && pat >> 56 == 0);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct paging_translation found = {0};
        struct paging_unmapped gone;
        if (!CHECK_OK(paging_map(t->space, page, kinds[i].flags, t->source)))
            return;
        CHECK_OK(paging_translate(t->space, test_address(t, page), &found));
        CHECK((found.flags & PAGING_CACHE_FLAGS) == kinds[i].flags);
        uint64_t leaf = paging_entry_load(test_leaf(t, page)).bits;
        unsigned index = (unsigned)((leaf >> 3 & 3) | (leaf >> 7 & 1) << 2);
        CHECK((pat >> (8 * index) & 7) == kinds[i].type);
        CHECK(!safe_read(test_address(t, page)).faulted);
        CHECK_OK(paging_unmap(t->space, page, t->source, &gone));
    }
}

const struct selftest right_tests[] = {
    {"rights: every level counts, for translate and for the processor", every_level_counts},
    {"windows: above a read-only page the tables can be written", tables_can_be_written},
    {"caching: each of the five kinds is what the leaf selects", caching_is_as_asked},
    {0},
};
