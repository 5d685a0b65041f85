/* rights.c - rights and caching: what the entries of all levels together allow. */
#include "cpu.h"
#include "paging/check_access.h"
#include "paging/mapper.h"
#include "paging/translate.h"
#include "paging/window.h"
#include "probe.h"
#include "selftest.h"

/* Where the entry of this level on the way to the page is. The tables above it are there. */
static virt_addr_t entry_address(const struct selftest_run *t, unsigned level, page_t page)
{
    return window_entry_address(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, level, page);
}

/*
 * Behind the core's back: the entry has these bits from here on. The page is flushed, and the windows of the
 * tables below, because the way to them is narrower or wider too.
 */
static void set_entry(struct selftest_run *t, unsigned level, page_t page, entry_t entry)
{
    entry_store((volatile entry_t *)entry_address(t, level, page).value, entry);
    tlb_flush_page(test_address(t, page));
    for (unsigned below = 1; below < level; below++)
        tlb_flush_page(entry_address(t, below, page));
}

static bool is_granted(struct selftest_run *t, virt_addr_t address, enum paging_access_kind kind)
{
    struct paging_access access = {.kind = kind, .write_protect = true};
    uint64_t error_code = 0;
    return paging_check_access(t->space, address, access, &error_code) == PAGING_OK;
}

/* Does translate report the right, and check_access and the processor grant the access? */
static void check_right(struct selftest_run *t, uint64_t flag, bool writes, bool granted)
{
    virt_addr_t address = test_address(t, test_page(t, 0));
    struct paging_translation found = {0};
    CHECK(paging_translate(t->space, address, &found) == PAGING_OK);
    CHECK(((found.flags & flag) != 0) == (flag == ENTRY_NO_EXECUTE ? !granted : granted));
    CHECK(is_granted(t, address, writes ? PAGING_WRITE : PAGING_FETCH) == granted);
    struct probe probe = writes ? probe_write(address, 0xc3c3c3c3c3c3c3c3) : probe_fetch(address);
    CHECK(probe.faulted == !granted);
    CHECK(granted ||
          probe.error_code == (PAGE_FAULT_PRESENT | (writes ? PAGE_FAULT_WRITE : PAGE_FAULT_FETCH)));
}

/* The core's tables allow everything; so each of them is made narrower by hand, one after the other. */
static void every_level_counts(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    if (!CHECK(paging_map(t->space, page, ENTRY_WRITABLE, t->source) == PAGING_OK))
        return;
    check_right(t, ENTRY_WRITABLE, true, true);
    check_right(t, ENTRY_NO_EXECUTE, false, true);
    for (unsigned level = 1; level <= t->space->cpu.levels; level++) {
        entry_t entry = entry_load((const volatile entry_t *)entry_address(t, level, page).value);
        set_entry(t, level, page, (entry_t){entry.bits & ~ENTRY_WRITABLE});
        check_right(t, ENTRY_WRITABLE, true, false);
        if (no_execute(t)) {
            set_entry(t, level, page, (entry_t){entry.bits | ENTRY_NO_EXECUTE});
            check_right(t, ENTRY_NO_EXECUTE, false, false);
        }
        set_entry(t, level, page, entry);
        check_right(t, ENTRY_WRITABLE, true, true);
    }
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_OK);
}

/* With WP on, a read-only table would end the window for everybody. Each entry is stored as it is. */
static void tables_can_be_written(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    if (!CHECK(paging_map(t->space, page, no_execute(t), t->source) == PAGING_OK))
        return;
    CHECK(probe_write(test_address(t, page), 0).faulted);
    for (unsigned level = 1; level <= t->space->cpu.levels; level++) {
        virt_addr_t entry = entry_address(t, level, page);
        CHECK(!probe_write(entry, probe_read(entry).value).faulted);
    }
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_OK);
}

/* The types as the PAT numbers them (SDM 3A, table 12-10), and how a leaf asks for each. */
static void caching_is_as_asked(struct selftest_run *t)
{
    static const struct {
        uint64_t flags;
        unsigned type;
    } kinds[] = {{ENTRY_CACHE_WRITE_BACK, 6},
                 {ENTRY_CACHE_WRITE_THROUGH, 4},
                 {ENTRY_CACHE_UNCACHED_MINUS, 7},
                 {ENTRY_CACHE_WRITE_COMBINING, 1}};
    const uint64_t mask = ENTRY_WRITE_THROUGH | ENTRY_NO_CACHE;
    page_t page = test_page(t, 0);
    if (!(cpuid(1, 0).edx >> 16 & 1)) {
        t->skip = "the processor has no PAT";
        return;
    }
    uint64_t pat = read_msr(MSR_PAT);
    CHECK(pat >> 32 == (pat & 0xffffffff)); /* the PAT bit, whatever it is, chooses nothing */
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct paging_translation found = {0};
        struct paging_unmapped gone;
        CHECK(paging_map(t->space, page, kinds[i].flags, t->source) == PAGING_OK);
        CHECK(paging_translate(t->space, test_address(t, page), &found) == PAGING_OK);
        CHECK((found.flags & mask) == kinds[i].flags);
        unsigned index = (unsigned)((entry_load(test_leaf(t, page)).bits & mask) / ENTRY_WRITE_THROUGH);
        CHECK((pat >> (8 * index) & 7) == kinds[i].type);
        CHECK(!probe_read(test_address(t, page)).faulted);
        CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_OK);
    }
}

const struct selftest right_tests[] = {
    {"rights: every level counts, for translate and for the processor", every_level_counts},
    {"windows: above a read-only page the tables can be written", tables_can_be_written},
    {"caching: each of the four kinds is what the leaf selects", caching_is_as_asked},
    {0},
};
