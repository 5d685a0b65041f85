/* spaces.c - a second address space beside the live one. */
#include "paging/spaces.h"
#include "paging/mapper.h"
#include "paging/range.h"
#include "paging/translate.h"
#include "paging/visit.h"
#include "probe.h"
#include "selftest.h"

/* Both live in the image, which every space here maps alike, and must not move. */
static struct address_space other, third;

enum { SHARED_SLOT = 300, MAGIC = 0x5e1f };

static page_t shared_page(const struct selftest_run *t, uint64_t n)
{
    return (page_t){SHARED_SLOT * level_pages(t->space->cpu.levels) + n};
}

static void unmap(struct selftest_run *t, struct address_space *space, page_t page)
{
    struct paging_unmapped gone;
    CHECK(paging_unmap(space, page, t->source, &gone) == PAGING_OK);
}

static bool leads_to(const struct address_space *space, virt_addr_t address, frame_t frame)
{
    struct paging_translation found;
    return paging_translate(space, address, &found) == PAGING_OK &&
           found.address.value == frame_start(frame).value;
}

static void close_and_destroy(struct selftest_run *t, struct address_space *space)
{
    CHECK(paging_close(t->space, space) == PAGING_OK);
    CHECK(paging_destroy(space, t->source) == PAGING_OK);
}

static void inactive_space_is_edited(struct selftest_run *t)
{
    page_t page = test_page(t, 5);
    virt_addr_t address = test_address(t, page);
    frame_t frame;
    if (!CHECK(frames_allocate(t->frames, PAGE_4K, &frame) == FRAMES_OK))
        return;
    CHECK(paging_create_beside(&other, t->space, t->source) == PAGING_OK);
    CHECK(paging_map_to(&other, page, frame, 0, t->source) == PAGING_OUT_OF_REACH);
    CHECK(paging_open(t->space, &other) == PAGING_OK);
    CHECK(paging_map_to(&other, page, frame, ENTRY_WRITABLE, t->source) == PAGING_OK);
    CHECK(leads_to(&other, address, frame));
    CHECK(!leads_to(t->space, address, frame) && probe_read(address).faulted);

    uint64_t flushes = t->space->flushes + other.flushes;
    CHECK(paging_map_to(&other, (page_t){page.number + 1}, frame, 0, t->source) == PAGING_OK);
    unmap(t, &other, (page_t){page.number + 1});
    CHECK(t->space->flushes + other.flushes == flushes); /* nothing of it is cached but its windows */
    unmap(t, &other, page);
    CHECK(other.tables == t->space->cpu.levels && other.flushes > 0);
    close_and_destroy(t, &other);
    CHECK(frames_free(t->frames, PAGE_4K, frame) == FRAMES_OK);
}

static void destroying_gives_all_back(struct selftest_run *t)
{
    uint64_t free = frames_free_count(t->frames);
    virt_addr_t start = test_address(t, test_page(t, 0));
    CHECK(paging_create_beside(&other, t->space, t->source) == PAGING_OK);
    CHECK(paging_open(t->space, &other) == PAGING_OK);
    for (unsigned i = 0; i < 4; i++)
        CHECK(paging_map(&other, test_page(t, i * level_pages(PAGE_1G)), 0, t->source) == PAGING_OK);
    CHECK(paging_map_range(&other, (virt_addr_t){start.value + level_bytes(PAGE_2M)},
                           frame_start(t->space->root), PAGE_BYTES, 0, t->source) == PAGING_OK);
    CHECK(paging_destroy(&other, t->source) == PAGING_OPEN);
    close_and_destroy(t, &other);
    CHECK(paging_destroy(t->space, t->source) == PAGING_ACTIVE);
    CHECK(frames_free_count(t->frames) == free);
}

/* ---- switching ---- */

struct mirror {
    struct selftest_run *t;
    struct address_space *to;
};

/* What the live space maps in its lower half: the image, the stack, everything. */
static bool mirror_leaf(void *context, const struct paging_visit *visit)
{
    struct mirror *mirror = context;
    struct selftest_run *t = mirror->t;
    uint64_t half = level_pages(t->space->cpu.levels) * (ENTRY_COUNT / 2);
    if (visit->kind != PAGING_VISIT_LEAF || visit->first.number >= half)
        return true;
    enum page_size size = (enum page_size)visit->level;
    return CHECK(paging_map_sized(mirror->to, visit->first, leaf_frame(visit->entry, visit->level), size,
                                  visit->flags, t->source) == PAGING_OK);
}

static bool make_twin(struct selftest_run *t, struct address_space *twin)
{
    struct mirror mirror = {t, twin};
    return CHECK(paging_create_beside(twin, t->space, t->source) == PAGING_OK) &&
           CHECK(paging_open(t->space, twin) == PAGING_OK) &&
           CHECK(paging_walk(t->space, mirror_leaf, &mirror) == PAGING_OK);
}

/* In the other space: its own page is there, the first space's is not, what is shared is. */
static void look_around(struct selftest_run *t, page_t own, page_t foreign, page_t shared)
{
    struct probe probe = probe_read(test_address(t, own));
    CHECK(!probe.faulted && probe.value == MAGIC);
    CHECK(probe_read(test_address(t, foreign)).faulted);
    probe = probe_read(test_address(t, shared));
    CHECK(!probe.faulted && probe.value == MAGIC + 1);
    CHECK(paging_map(&other, foreign, ENTRY_WRITABLE, t->source) == PAGING_OK);
    test_words(t, foreign)[0] = MAGIC + 2;
    unmap(t, &other, foreign);
}

static void switches_and_comes_back(struct selftest_run *t)
{
    page_t own = test_page(t, 5), foreign = test_page(t, 6), shared = shared_page(t, 0);
    frame_t frame;
    uint64_t rights = ENTRY_WRITABLE | no_execute(t);
    CHECK(paging_lend_upper_half(t->space, t->source) == PAGING_OK);
    CHECK(paging_map(t->space, shared, rights | ENTRY_GLOBAL, t->source) == PAGING_OK);
    CHECK(paging_map(t->space, foreign, rights, t->source) == PAGING_OK);
    if (!CHECK(frames_allocate(t->frames, PAGE_4K, &frame) == FRAMES_OK) || !make_twin(t, &other))
        return;
    CHECK(paging_unmap(&other, foreign, t->source, &(struct paging_unmapped){0}) == PAGING_OK);
    CHECK(paging_map_to(&other, own, frame, rights, t->source) == PAGING_OK);
    CHECK(paging_map_to(t->space, own, frame, rights, t->source) == PAGING_OK);
    test_words(t, own)[0] = MAGIC;
    test_words(t, shared)[0] = MAGIC + 1;
    unmap(t, t->space, own);
    CHECK(paging_activate(t->space, &other) == PAGING_SLOT_TAKEN);
    CHECK(paging_close(t->space, &other) == PAGING_OK);

    CHECK(paging_activate(t->space, &other) == PAGING_OK);
    look_around(t, own, foreign, shared);
    CHECK(paging_translate(t->space, test_address(t, own), &(struct paging_translation){0}) ==
          PAGING_OUT_OF_REACH);
    CHECK(paging_activate(&other, t->space) == PAGING_OK);

    CHECK(probe_read(test_address(t, own)).faulted && !probe_read(test_address(t, foreign)).faulted);
    CHECK(paging_destroy(&other, t->source) == PAGING_OK);
    unmap(t, t->space, foreign);
    unmap(t, t->space, shared);
    CHECK(frames_free(t->frames, PAGE_4K, frame) == FRAMES_OK);
    CHECK(paging_unlend_upper_half(t->space, t->source) == PAGING_OK);
}

/* ---- sharing ---- */

static void upper_half_is_shared(struct selftest_run *t)
{
    page_t page = shared_page(t, 7);
    virt_addr_t address = test_address(t, page);
    CHECK(paging_lend_upper_half(t->space, t->source) == PAGING_OK);
    CHECK(paging_create_beside(&other, t->space, t->source) == PAGING_OK);
    CHECK(paging_open(t->space, &other) == PAGING_OK);
    CHECK(paging_create_beside(&third, &other, t->source) == PAGING_OK); /* a borrower passes it on */
    CHECK(paging_map(t->space, page, ENTRY_WRITABLE, t->source) == PAGING_OK);
    struct paging_translation found = {0};
    CHECK(paging_translate(t->space, address, &found) == PAGING_OK);
    CHECK(leads_to(&other, address, frame_containing(found.address)));
    CHECK(paging_map(&other, shared_page(t, 8), 0, t->source) == PAGING_SHARED);
    CHECK(paging_unmap(&other, page, t->source, &(struct paging_unmapped){0}) == PAGING_SHARED);

    /* Its P1 goes, and may become anything: the other's view of it must be gone too. */
    unmap(t, t->space, page);
    CHECK(paging_translate(&other, address, &found) == PAGING_NOT_MAPPED);
    CHECK(paging_unlend_upper_half(t->space, t->source) == PAGING_SHARED);
    CHECK(paging_destroy(&third, t->source) == PAGING_OK);
    close_and_destroy(t, &other);
    CHECK(paging_unlend_upper_half(t->space, t->source) == PAGING_OK);
}

static void one_slot_one_space(struct selftest_run *t)
{
    CHECK(paging_create_beside(&other, t->space, t->source) == PAGING_OK);
    CHECK(paging_create_beside(&third, t->space, t->source) == PAGING_OK);
    CHECK(paging_open(&other, &third) == PAGING_NOT_ACTIVE);
    CHECK(paging_open(t->space, t->space) == PAGING_ACTIVE);
    CHECK(paging_close(t->space, &other) == PAGING_OUT_OF_REACH);
    uint64_t full = t->space->full_flushes;
    CHECK(paging_open(t->space, &other) == PAGING_OK && t->space->full_flushes == full + 1);
    CHECK(paging_open(t->space, &third) == PAGING_SLOT_TAKEN);
    CHECK(paging_activate(t->space, &third) == PAGING_SLOT_TAKEN);
    CHECK(paging_close(t->space, &other) == PAGING_OK && t->space->full_flushes == full + 2);
    CHECK(paging_destroy(&other, t->source) == PAGING_OK);
    CHECK(paging_destroy(&third, t->source) == PAGING_OK);
}

const struct selftest space_tests[] = {
    {"spaces: one that is not active is edited, and nothing of the live one changes",
     inactive_space_is_edited},
    {"spaces: destroying one gives every frame back", destroying_gives_all_back},
    {"spaces: activate another, find its pages there, and come back", switches_and_comes_back},
    {"spaces: the upper half is shared, and changed through the live one only", upper_half_is_shared},
    {"spaces: one foreign slot for one space at a time", one_slot_one_space},
    {0},
};
