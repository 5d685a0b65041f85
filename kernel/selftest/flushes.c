/* SPDX-License-Identifier: MIT */
/* flushes.c - flushes of single pages and of the whole TLB. */
#include "console/console.h"
#include "cpu/instructions.h"
#include "cpu/safe_access.h"
#include "report/report.h"
#include "selftest/selftest.h"
#include <selfmap/gather.h>
#include <selfmap/list.h>
#include <selfmap/map.h>
#include <selfmap/range.h>

enum { FEW = 4, MANY = 200 }; /* pages; those that are global must be in the upper half */

/* Maps `count` pages, writes to them, makes them read-only in one call, and checks that no write works. */
static void make_read_only(struct selftest_run *t, paging_page_t first, unsigned count, uint64_t flags)
{
    paging_virt_t start = test_address(t, first);
    unsigned allowed = 0;
    for (unsigned i = 0; i < count; i++) {
        paging_page_t page = {first.number + i};
        if (!CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE | flags, t->source)))
            return;
        CHECK(!safe_write(test_address(t, page), i).faulted);
    }
    CHECK_OK(paging_protect_range(t->space, start, count * PAGING_PAGE_BYTES, 0, PAGING_WRITABLE, t->source));
    for (unsigned i = 0; i < count; i++)
        allowed += !safe_write(test_address(t, (paging_page_t){first.number + i}), 0).faulted;
    CHECK(allowed == 0);
}

static void unmap_all(struct selftest_run *t, paging_page_t first, unsigned count)
{
    paging_virt_t start = test_address(t, first);
    CHECK_OK(paging_unmap_range(t->space, start, count * PAGING_PAGE_BYTES, t->source));
    unsigned seen = 0;
    for (unsigned i = 0; i < count; i++)
        seen += !safe_read((paging_virt_t){start.value + i * PAGING_PAGE_BYTES}).faulted;
    CHECK(seen == 0);
}

static void few_and_many(struct selftest_run *t)
{
    paging_page_t few = test_page(t, 0), many = test_page(t, FEW);
    uint64_t full = paging_counted(t->space).full_flushes;
    make_read_only(t, few, FEW, 0);
    CHECK(paging_counted(t->space).full_flushes == full);
    uint64_t flushes = paging_counted(t->space).flushes;
    CHECK_OK(paging_protect_range(t->space, test_address(t, few), FEW * PAGING_PAGE_BYTES, PAGING_WRITABLE, 0,
                                  t->source));
    CHECK(paging_counted(t->space).full_flushes == full && paging_counted(t->space).flushes == flushes + FEW);
    make_read_only(t, many, MANY, 0);
    CHECK(paging_counted(t->space).full_flushes == full + 1);
    unmap_all(t, few, FEW + MANY);
    CHECK(paging_counted(t->space).full_flushes == full + 2);
}

/* One call flushes all of them at once. The global bit is ignored by a processor without global pages. */
static void global_pages_are_forgotten(struct selftest_run *t)
{
    uint64_t full = paging_counted(t->space).full_flushes, cr4 = read_cr4();
    make_read_only(t, test_upper_page(t, 0), MANY, PAGING_GLOBAL);
    if (t->failed)
        return;
    CHECK(paging_entry_load(test_leaf(t, test_upper_page(t, 0))).bits & PAGING_GLOBAL);
    CHECK(paging_counted(t->space).full_flushes == full + 1);
    CHECK(read_cr4() == cr4 && (!(cpuid(1, 0).edx >> 13 & 1) || (cr4 & CR4_PGE)));
    unmap_all(t, test_upper_page(t, 0), MANY);
}

/*
 * Shows why a full flush is not a load of CR3. Without the core, a global page gets another frame, and CR3 is
 * loaded: a real processor and Bochs still use the old frame, and QEMU does not, so this is only a fact in
 * the log. After the core's full flush no processor may use it.
 */
static void cr3_is_not_enough(struct selftest_run *t)
{
    paging_page_t pages[] = {test_upper_page(t, 3),
                             test_upper_page(t, 4)}; /* apart from their window in a TLB */
    paging_entry_t entries[2];
    struct paging_unmapped gone;
    for (unsigned i = 0; i < 2; i++) {
        if (!CHECK_OK(paging_map(t->space, pages[i], PAGING_WRITABLE | PAGING_GLOBAL, t->source)))
            return;
        test_words(t, pages[i])[0] = i;
        entries[i] = paging_entry_load(test_leaf(t, pages[i]));
    }
    paging_entry_store(test_leaf(t, pages[0]), entries[1]);
    write_cr3(read_cr3());
    report_fact("global_page_survives_cr3", "%d", test_words(t, pages[0])[0] == 0);
    paging_tlb_flush_all(t->space->cpu.has_invpcid);
    CHECK(test_words(t, pages[0])[0] == 1);
    paging_entry_store(test_leaf(t, pages[0]), entries[0]);
    paging_tlb_flush_all(t->space->cpu.has_invpcid);
    CHECK(test_words(t, pages[0])[0] == 0);
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(paging_unmap(t->space, pages[i], t->source, &gone));
}

enum { LISTED = 40, FEW_LISTED = 5, APART = 150 }; /* pages of a list, in a dozen P1s */

static unsigned count_readable(struct selftest_run *t, const paging_page_t *pages, unsigned count)
{
    unsigned readable = 0;
    for (unsigned i = 0; i < count; i++)
        readable += !safe_read(test_address(t, pages[i])).faulted;
    return readable;
}

/* Owned pages, and the tables that only they used: none can be reached after the call. */
static void lists_are_forgotten(struct selftest_run *t)
{
    paging_page_t pages[LISTED];
    struct paging_page_translation found[LISTED];
    uint64_t tables = paging_counted(t->space).tables;
    for (unsigned i = 0; i < LISTED; i++)
        pages[i] = test_page(t, (uint64_t)i * APART);
    if (!CHECK_OK(paging_map_list_alloc(t->space, pages, LISTED, PAGING_WRITABLE, t->source)))
        return;
    for (unsigned i = 0; i < LISTED; i++)
        test_words(t, pages[i])[0] = i;
    CHECK_OK(paging_translate_list(t->space, pages, LISTED, found));
    for (unsigned i = 0; i < LISTED; i++)
        CHECK(found[i].status == PAGING_OK && found[i].owned && test_words(t, pages[i])[0] == i);
    CHECK_STATUS(paging_map_list_alloc(t->space, pages + LISTED - 1, 1, 0, t->source), PAGING_ALREADY_MAPPED);

    uint64_t full = paging_counted(t->space).full_flushes, flushes = paging_counted(t->space).flushes;
    CHECK_OK(paging_unmap_list(t->space, pages, FEW_LISTED, t->source, NULL));
    CHECK(paging_counted(t->space).full_flushes == full &&
          paging_counted(t->space).flushes >= flushes + FEW_LISTED);
    CHECK(count_readable(t, pages, LISTED) == LISTED - FEW_LISTED);
    CHECK_STATUS(paging_unmap_list(t->space, pages, LISTED, t->source, NULL), PAGING_NOT_MAPPED);
    CHECK_OK(paging_unmap_list(t->space, pages + FEW_LISTED, LISTED - FEW_LISTED, t->source, NULL));
    CHECK(paging_counted(t->space).full_flushes == full + 1);
    CHECK(count_readable(t, pages, LISTED) == 0);
    CHECK(paging_counted(t->space).tables == tables);
}

/*
 * Pages that were unmapped in a gather are the processor's until its end, and nobody else's: the frames have
 * not gone back. Whether they can still be read then is up to the processor.
 */
static void gathers_flush_once(struct selftest_run *t)
{
    struct paging_gather gather;
    struct paging_unmapped gone;
    paging_page_t pages[FEW_LISTED];
    for (unsigned i = 0; i < FEW_LISTED; i++)
        pages[i] = test_page(t, 3 * APART + i);
    if (!CHECK_OK(paging_map_list_alloc(t->space, pages, FEW_LISTED, PAGING_WRITABLE, t->source)))
        return;
    for (unsigned i = 0; i < FEW_LISTED; i++)
        test_words(t, pages[i])[0] = i;
    paging_virt_t last = test_address(t, pages[FEW_LISTED - 1]);
    uint64_t flushes = paging_counted(t->space).flushes, full = paging_counted(t->space).full_flushes,
             tables = paging_counted(t->space).tables;
    CHECK_OK(paging_gather_begin(&gather, t->space, t->source));
    CHECK_OK(paging_gather_unmap(&gather, pages[1], &gone));
    CHECK_OK(paging_gather_unmap_list(&gather, pages, 1, NULL));
    CHECK_OK(paging_gather_unmap_list(&gather, pages + 2, FEW_LISTED - 4, NULL));
    CHECK_OK(paging_gather_protect_range(&gather, last, PAGING_PAGE_BYTES, 0, PAGING_WRITABLE));
    CHECK(paging_counted(t->space).flushes == flushes && paging_counted(t->space).full_flushes == full);
    CHECK_STATUS(paging_map(t->space, pages[0], 0, t->source), PAGING_BUSY);
    CHECK_STATUS(paging_gather_unmap(&gather, pages[0], &gone), PAGING_BUSY);
    CHECK(!safe_write(test_address(t, pages[FEW_LISTED - 2]), 7).faulted);
    paging_gather_end(&gather);
    CHECK(paging_counted(t->space).flushes == flushes + FEW_LISTED - 1 &&
          paging_counted(t->space).full_flushes == full);
    CHECK(count_readable(t, pages, FEW_LISTED) == 2);
    CHECK(safe_write(last, 0).faulted && safe_read(last).value == FEW_LISTED - 1);

    CHECK_OK(paging_gather_begin(&gather, t->space, t->source));
    CHECK_OK(paging_gather_unmap_range(&gather, test_address(t, pages[FEW_LISTED - 2]), PAGING_PAGE_BYTES));
    CHECK_OK(paging_unmap(t->space, pages[FEW_LISTED - 1], t->source, &gone)); /* its P1 goes, too */
    CHECK(paging_counted(t->space).tables < tables);
    paging_gather_end(&gather);
    CHECK(count_readable(t, pages, FEW_LISTED) == 0);
}

const struct selftest flush_tests[] = {
    {"flush: few pages go one by one, many all at once", few_and_many},
    {"list: few pages go one by one, many all at once", lists_are_forgotten},
    {"gather: one flush for many calls", gathers_flush_once},
    {"full flush: global pages are forgotten too", global_pages_are_forgotten},
    {"full flush: it forgets what a load of CR3 may spare", cr3_is_not_enough},
    {0},
};
