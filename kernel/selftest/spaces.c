/* SPDX-License-Identifier: MIT */
/* spaces.c - a second address space: edited while it is inactive, switched to, sharing the upper half. */
#include "cpu/known_spaces.h"
#include "cpu/safe_access.h"
#include "faults/page_faults.h"
#include "selftest/clones.h"
#include "selftest/direct_map.h"
#include "selftest/selftest.h"
#include <selfmap/check_access.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

/* Static, because both must not move, and every space here maps the image. */
static struct paging_space other, third;

enum { MAGIC = 0x5e1f };

static void unmap(struct selftest_run *t, struct paging_space *space, paging_page_t page)
{
    struct paging_unmapped gone;
    CHECK_OK(paging_unmap(space, page, t->source, &gone));
}

static bool leads_to(const struct paging_space *space, paging_virt_t address, paging_frame_t frame)
{
    struct paging_translation found;
    return paging_translate(space, address, &found) == PAGING_OK &&
           found.address.value == paging_frame_start(frame).value;
}

static void detach_and_destroy(struct selftest_run *t, struct paging_space *space)
{
    CHECK_OK(paging_detach(t->space, space));
    CHECK_OK(paging_destroy(space, t->source));
}

static void inactive_space_is_edited(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 5);
    paging_virt_t address = test_address(t, page);
    paging_frame_t frame;
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &frame) == FRAMES_OK) ||
        !CHECK_OK(paging_create_sibling(&other, t->space, t->source)))
        return;
    CHECK_STATUS(paging_map_to(&other, page, frame, 0, t->source), PAGING_UNREACHABLE);
    CHECK_OK(paging_attach(t->space, &other));
    CHECK_OK(paging_map_to(&other, page, frame, PAGING_WRITABLE, t->source));
    CHECK(leads_to(&other, address, frame));
    CHECK(!leads_to(t->space, address, frame) && safe_read(address).faulted);

    uint64_t flushes = paging_counted(t->space).flushes + paging_counted(&other).flushes;
    CHECK_OK(paging_map_to(&other, (paging_page_t){page.number + 1}, frame, 0, t->source));
    unmap(t, &other, (paging_page_t){page.number + 1});
    CHECK(paging_counted(t->space).flushes + paging_counted(&other).flushes ==
          flushes); /* only its windows are ever cached */
    unmap(t, &other, page);
    CHECK(paging_counted(&other).tables == t->space->cpu.levels && paging_counted(&other).flushes > 0);
    detach_and_destroy(t, &other);
    CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_OK);
}

static void destroying_gives_all_back(struct selftest_run *t)
{
    uint64_t free = frames_free_count(t->frames);
    paging_virt_t start = test_address(t, test_page(t, 0));
    if (!CHECK_OK(paging_create_sibling(&other, t->space, t->source)))
        return;
    CHECK_OK(paging_attach(t->space, &other));
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(paging_map(&other, test_page(t, i * paging_level_pages(PAGING_1G)), 0, t->source));
    CHECK_OK(paging_map_range(&other, (paging_virt_t){start.value + paging_level_bytes(PAGING_2M)},
                              paging_frame_start(t->space->root), PAGING_PAGE_BYTES, 0, t->source));
    CHECK_STATUS(paging_destroy(&other, t->source), PAGING_ATTACHED);
    detach_and_destroy(t, &other);
    CHECK_STATUS(paging_destroy(t->space, t->source), PAGING_ACTIVE);
    CHECK(frames_free_count(t->frames) == free);
}

/* ---- switching ---- */

/*
 * Creates a sibling in which the kernel can run, attaches it, and lets faults in it be explained. If that
 * fails, nothing is left of it. The runner forgets it when the test is over.
 */
static bool create_twin(struct selftest_run *t, struct paging_space *twin)
{
    if (!CHECK_OK(paging_create_sibling(twin, t->space, t->source)))
        return false;
    if (CHECK_OK(paging_attach(t->space, twin)) &&
        CHECK(test_map_lower_half(t->space, twin, 0, t->source) == PAGING_OK) &&
        CHECK(known_spaces_add(twin)))
        return true;
    detach_and_destroy(t, twin);
    return false;
}

/* Checks in the other space that its own page and the shared one are mapped, and the first space's is not. */
static void check_pages_of_other(struct selftest_run *t, paging_page_t own, paging_page_t absent,
                                 paging_page_t shared)
{
    struct safe_access access = safe_read(test_address(t, own));
    CHECK(!access.faulted && access.value == MAGIC);
    CHECK(safe_read(test_address(t, absent)).faulted);
    access = safe_read(test_address(t, shared));
    CHECK(!access.faulted && access.value == MAGIC + 1);
    CHECK_OK(paging_map(&other, absent, PAGING_WRITABLE, t->source));
    test_words(t, absent)[0] = MAGIC + 2;
    unmap(t, &other, absent);
}

static void switches_and_comes_back(struct selftest_run *t)
{
    paging_page_t own = test_page(t, 5), absent = test_page(t, 6), shared = test_upper_page(t, 0);
    paging_frame_t frame;
    uint64_t rights = PAGING_WRITABLE | no_execute(t);
    CHECK_OK(paging_share_upper_half(t->space, t->source));
    CHECK_OK(paging_map(t->space, shared, rights | PAGING_GLOBAL, t->source));
    CHECK_OK(paging_map(t->space, absent, rights, t->source));
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &frame) == FRAMES_OK) || !create_twin(t, &other))
        return;
    CHECK_OK(paging_unmap(&other, absent, t->source, &(struct paging_unmapped){0}));
    CHECK_OK(paging_map_to(&other, own, frame, rights, t->source));
    CHECK_OK(paging_map_to(t->space, own, frame, rights, t->source));
    test_words(t, own)[0] = MAGIC;
    test_words(t, shared)[0] = MAGIC + 1;
    unmap(t, t->space, own);
    CHECK_STATUS(paging_switch_to(t->space, &other), PAGING_SLOT_BUSY);
    CHECK_OK(paging_detach(t->space, &other));

    CHECK_OK(paging_switch_to(t->space, &other));
    check_pages_of_other(t, own, absent, shared);
    CHECK_STATUS(paging_translate(t->space, test_address(t, own), &(struct paging_translation){0}),
                 PAGING_UNREACHABLE);
    CHECK_OK(paging_switch_to(&other, t->space));

    CHECK(safe_read(test_address(t, own)).faulted && !safe_read(test_address(t, absent)).faulted);
    CHECK_OK(paging_destroy(&other, t->source));
    unmap(t, t->space, absent);
    unmap(t, t->space, shared);
    CHECK(frames_free(t->frames, PAGING_4K, frame) == FRAMES_OK);
    CHECK_OK(paging_unshare_upper_half(t->space, t->source));
}

/*
 * Both spaces have a page of their own at one address in the upper half, which they do not share. It is
 * global in both, so a load of CR3 alone may leave the first one's translation in the TLB.
 */
static void switch_forgets_global_pages(struct selftest_run *t)
{
    paging_page_t page = test_upper_page(t, 3), alias = test_page(t, 5);
    struct paging_translation found = {0};
    uint64_t flags = PAGING_WRITABLE | PAGING_GLOBAL | no_execute(t);
    if (!create_twin(t, &other))
        return;
    bool is_mapped = CHECK_OK(paging_map(&other, page, flags, t->source)) &&
                     CHECK_OK(paging_translate(&other, test_address(t, page), &found));
    if (is_mapped && CHECK_OK(paging_map_to(t->space, alias, paging_frame_containing(found.address),
                                            flags & ~PAGING_GLOBAL, t->source))) {
        test_words(t, alias)[0] = MAGIC + 1;
        unmap(t, t->space, alias);
    }
    CHECK_OK(paging_detach(t->space, &other));
    if (is_mapped && CHECK_OK(paging_map(t->space, page, flags, t->source))) {
        test_words(t, page)[0] = MAGIC;
        CHECK_OK(paging_switch_to(t->space, &other));
        CHECK(test_words(t, page)[0] == MAGIC + 1);
        CHECK_OK(paging_switch_to(&other, t->space));
        CHECK(test_words(t, page)[0] == MAGIC);
        unmap(t, t->space, page);
    }
    CHECK_OK(paging_destroy(&other, t->source));
}

/*
 * The page has a marker in the second space, and nothing in the first: the entry in the sentence tells which
 * of them was walked.
 */
static void faults_are_explained(struct selftest_run *t)
{
    paging_page_t page = test_page(t, 5);
    paging_virt_t address = test_address(t, page);
    struct paging_walk_result walk = {0};
    char expected[64];
    struct text_sink sink = text_sink(expected, sizeof expected);
    uint64_t value = 0;
    if (!create_twin(t, &other))
        return;
    CHECK_OK(paging_set_marker(&other, page, MAGIC, t->source));
    CHECK(paging_walk_address(&other, address, &walk) == PAGING_MARKED && walk.level == 1);
    format(&sink.sink, "stopped at the P1 entry %016lx", walk.entries[1].bits);
    CHECK_OK(paging_detach(t->space, &other));

    CHECK_OK(paging_switch_to(t->space, &other));
    struct safe_access access = safe_read(address);
    CHECK(access.faulted);
    known_spaces_remove(&other);
    CHECK(test_explains(access, "no space with that root is known"));
    CHECK(known_spaces_add(&other));
    CHECK(test_explains(access, expected));
    CHECK(paging_clear_marker(&other, page, t->source, &value) == PAGING_OK && value == MAGIC);
    CHECK_OK(paging_switch_to(&other, t->space));
    CHECK(test_explains(access, "entry 0000000000000000"));
    CHECK_OK(paging_destroy(&other, t->source));
}

/* The page is filled in the second space, while that one is active, and in no other. */
static void filled_on_demand(struct selftest_run *t)
{
    static struct areas areas;
    struct frames_sharing *frames = clones_count_owners(t, (paging_frame_t){0}); /* nothing is shared here */
    struct area area = {.name = "area", .rights = PAGING_WRITABLE | no_execute(t), .start = test_page(t, 5)};
    paging_virt_t address = test_address(t, area.start);
    area.end.number = area.start.number + 1;
    if (!create_twin(t, &other))
        return;
    CHECK_OK(paging_detach(t->space, &other));
    CHECK_OK(paging_switch_to(t->space, &other));
    if (CHECK_OK(areas_init(&areas, &other, frames, test_page(t, paging_level_pages(PAGING_1G))))) {
        page_faults_watch(&areas);
        CHECK_OK(areas_open(&areas, &area));
        CHECK(!safe_write(address, MAGIC).faulted && area.filled == 1);
        CHECK_OK(paging_switch_to(&other, t->space));
        CHECK(safe_read(address).faulted);
        CHECK_OK(paging_switch_to(t->space, &other));
        struct safe_access access = safe_read(address);
        CHECK(!access.faulted && access.value == MAGIC && area.filled == 1);
        CHECK_OK(areas_close(&areas, &area));
        page_faults_ignore(&areas);
        CHECK_OK(areas_end(&areas));
    }
    CHECK_OK(paging_switch_to(&other, t->space));
    CHECK_OK(paging_destroy(&other, t->source));
}

/*
 * A copy of a space that was attached, from before it was detached, is wrong about where its tables are. The
 * core's load of an entry faults then.
 */
static void tables_that_are_not_there(struct selftest_run *t)
{
    paging_virt_t address = test_address(t, test_page(t, 5));
    struct paging_walk_result walk = {.level = 77};
    uint64_t error_code = 77;
    if (!create_twin(t, &other))
        return;
    struct paging_space stale = other;
    CHECK_OK(paging_detach(t->space, &other));
    CHECK(paging_walk_address(&stale, address, &walk) == PAGING_UNREACHABLE && walk.level == 77);
    CHECK(paging_check_access(&stale, address, (struct paging_access){0}, &error_code) ==
              PAGING_UNREACHABLE &&
          error_code == 77);
    CHECK_OK(paging_destroy(&other, t->source));
}

/* ---- sharing ---- */

static void upper_half_is_shared(struct selftest_run *t)
{
    paging_page_t page = test_upper_page(t, 7);
    paging_virt_t address = test_address(t, page);
    CHECK_OK(paging_share_upper_half(t->space, t->source));
    if (!CHECK_OK(paging_create_sibling(&other, t->space, t->source)))
        return;
    CHECK_OK(paging_attach(t->space, &other));
    if (!CHECK_OK(
            paging_create_sibling(&third, &other, t->source))) /* of a sharer: it shares the same half */
        return;
    CHECK_OK(paging_map(t->space, page, PAGING_WRITABLE, t->source));
    struct paging_translation found = {0};
    CHECK_OK(paging_translate(t->space, address, &found));
    CHECK(leads_to(&other, address, paging_frame_containing(found.address)));
    CHECK_STATUS(paging_map(&other, test_upper_page(t, 8), 0, t->source), PAGING_SHARED);
    CHECK_STATUS(paging_unmap(&other, page, t->source, &(struct paging_unmapped){0}), PAGING_SHARED);

    /* The P1 is freed. The other space must not lead to it any more. */
    unmap(t, t->space, page);
    CHECK_STATUS(paging_translate(&other, address, &found), PAGING_NOT_MAPPED);
    CHECK_STATUS(paging_unshare_upper_half(t->space, t->source), PAGING_SHARED);
    CHECK_OK(paging_destroy(&third, t->source));
    detach_and_destroy(t, &other);
    CHECK_OK(paging_unshare_upper_half(t->space, t->source));
}

static void one_slot_one_space(struct selftest_run *t)
{
    if (!CHECK_OK(paging_create_sibling(&other, t->space, t->source)) ||
        !CHECK_OK(paging_create_sibling(&third, t->space, t->source)))
        return;
    CHECK_STATUS(paging_attach(&other, &third), PAGING_NOT_ACTIVE);
    CHECK_STATUS(paging_attach(t->space, t->space), PAGING_ACTIVE);
    CHECK_STATUS(paging_detach(t->space, &other), PAGING_UNREACHABLE);
    uint64_t full = paging_counted(t->space).full_flushes;
    CHECK(paging_attach(t->space, &other) == PAGING_OK && paging_counted(t->space).full_flushes == full + 1);
    CHECK_STATUS(paging_attach(t->space, &third), PAGING_SLOT_BUSY);
    CHECK_STATUS(paging_switch_to(t->space, &third), PAGING_SLOT_BUSY);
    CHECK(paging_detach(t->space, &other) == PAGING_OK && paging_counted(t->space).full_flushes == full + 2);
    CHECK_OK(paging_destroy(&other, t->source));
    CHECK_OK(paging_destroy(&third, t->source));
}

const struct selftest space_tests[] = {
    {"spaces: an inactive one is edited, and nothing of the active one changes", inactive_space_is_edited},
    {"spaces: destroying one gives every frame back", destroying_gives_all_back},
    {"spaces: switch to another, find its pages there, and switch back", switches_and_comes_back},
    {"spaces: a switch to another upper half forgets global pages", switch_forgets_global_pages},
    {"spaces: a page fault in the second one is explained with its own tables", faults_are_explained},
    {"spaces: a page of the second one is filled on demand, while that one is active", filled_on_demand},
    {"spaces: a walk through tables that are not there is refused, and nothing crashes",
     tables_that_are_not_there},
    {"spaces: the upper half is shared, and changed through the active one only", upper_half_is_shared},
    {"spaces: one alternate slot for one space at a time", one_slot_one_space},
    {"clone: the kernel runs in one, and what it writes there stays there", clone_is_lived_in},
    {"clone: a 2 MiB page that one space has in parts is whole in the other one",
     clone_keeps_a_huge_page_whole},
    {"direct map: switch to a space that lives by it, and a page unmapped there faults",
     direct_map_is_lived_in},
    {"direct map: another space is edited without attaching it, and without a flush",
     direct_map_edits_others},
    {0},
};
