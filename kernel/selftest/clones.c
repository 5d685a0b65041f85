/* SPDX-License-Identifier: MIT */
/*
 * clones.c - clones of the kernel's own space: it runs in one, and pages are copied when they are written.
 *
 * The allocator does not count who owns a frame, so a source that does stands in front of it
 * (frame_sharing.h). It counts a few frames around the one that the test's page owns: no other page of the
 * kernel owns any.
 */
#include "selftest/clones.h"
#include "cpu/safe_access.h"
#include "selftest/selftest.h"
#include <selfmap/clone.h>
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>

enum { MAGIC = 0xc10e, COUNTED = PAGING_TABLE_ENTRIES };

/* Static, because both spaces map the image. */
static struct paging_space clone;
static struct frames_sharing sharing;
static uint16_t owners[COUNTED];

struct frames_sharing *clones_count_owners(struct selftest_run *t, paging_frame_t frame)
{
    uint64_t start = frame.number - frame.number % COUNTED;
    frames_sharing_init(&sharing, t->source, owners, (paging_frame_t){start},
                        (paging_frame_t){start + COUNTED});
    return &sharing;
}

/* Gives the page a run of this size, which can be shared. */
static bool open_page(struct selftest_run *t, paging_page_t page, enum paging_size size)
{
    paging_frame_t frame;
    if (!CHECK(frames_allocate(t->frames, size, &frame) == FRAMES_OK))
        return false;
    clones_count_owners(t, frame);
    if (CHECK_OK(
            paging_map_owned(t->space, page, frame, size, PAGING_WRITABLE | no_execute(t), &sharing.source)))
        return true;
    CHECK(frames_free(t->frames, size, frame) == FRAMES_OK);
    return false;
}

bool clones_open(struct selftest_run *t, struct paging_space *made)
{
    if (!CHECK_OK(paging_create_sibling(made, t->space, &sharing.source)))
        return false;
    bool whole = CHECK_OK(paging_attach(t->space, made)) &&
                 CHECK_OK(paging_clone_lower_half(t->space, made, &sharing.source));
    CHECK_OK(paging_detach(t->space, made));
    if (!whole)
        CHECK_OK(paging_destroy(made, &sharing.source));
    return whole;
}

static void check_read_only(struct selftest_run *t, paging_page_t page, uint64_t value)
{
    struct safe_access access = safe_read(test_address(t, page));
    CHECK(!access.faulted && access.value == value);
    access = safe_write(test_address(t, page), 0);
    CHECK(access.faulted && access.error_code == 3);
}

/* Does what a page fault handler does: `through` is a page to fill the copy through. */
static void copy_page(struct selftest_run *t, struct paging_space *space, paging_page_t page,
                      paging_page_t through)
{
    paging_frame_t copy;
    CHECK_STATUS(paging_unshare_page(space, page, &sharing.source), PAGING_COPY_NEEDED);
    if (!CHECK(frames_allocate(t->frames, PAGING_4K, &copy) == FRAMES_OK))
        return;
    CHECK_OK(paging_map_to(space, through, copy, PAGING_WRITABLE | no_execute(t), &sharing.source));
    for (unsigned i = 0; i < PAGING_PAGE_BYTES / sizeof(uint64_t); i++)
        test_words(t, through)[i] = test_words(t, page)[i];
    CHECK_OK(paging_unmap(space, through, &sharing.source, NULL));
    CHECK_OK(paging_remap(space, page, copy, PAGING_WRITABLE | no_execute(t), true, &sharing.source, NULL));
}

/* The kernel runs in its clone as in its own space; what it writes there is not seen here. */
void clone_is_lived_in(struct selftest_run *t)
{
    uint64_t free = frames_free_count(t->frames);
    paging_page_t page = test_page(t, 5), through = test_page(t, 6);
    if (!open_page(t, page, PAGING_4K))
        return;
    test_words(t, page)[0] = MAGIC;
    test_words(t, page)[511] = MAGIC + 511;
    if (clones_open(t, &clone)) {
        check_read_only(t, page, MAGIC);
        CHECK_OK(paging_switch_to(t->space, &clone));
        check_read_only(t, page, MAGIC);
        copy_page(t, &clone, page, through);
        CHECK(!safe_write(test_address(t, page), MAGIC + 1).faulted);
        CHECK(test_words(t, page)[0] == MAGIC + 1 && test_words(t, page)[511] == MAGIC + 511);
        CHECK_OK(paging_switch_to(&clone, t->space));

        check_read_only(t, page, MAGIC);
        CHECK_OK(paging_unshare_page(t->space, page, &sharing.source)); /* nobody else has it: no copy */
        CHECK(!safe_write(test_address(t, page), MAGIC + 2).faulted);
        CHECK_OK(paging_destroy(&clone, &sharing.source));
    }
    CHECK_OK(paging_unmap(t->space, page, &sharing.source, NULL));
    CHECK(frames_free_count(t->frames) == free);
}

/* A hole in a 2 MiB page splits it here. The clone has it whole, and all of its bytes. */
void clone_keeps_a_huge_page_whole(struct selftest_run *t)
{
    uint64_t free = frames_free_count(t->frames);
    paging_page_t page = test_page(t, 0), hole = test_page(t, 100);
    paging_frame_t run;
    if (frames_allocate(t->frames, PAGING_2M, &run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return;
    }
    CHECK(frames_free(t->frames, PAGING_2M, run) == FRAMES_OK);
    if (!open_page(t, page, PAGING_2M))
        return;
    test_words(t, hole)[0] = MAGIC;
    if (clones_open(t, &clone)) {
        uint64_t left = frames_free_count(t->frames);
        CHECK_OK(paging_unmap_range(t->space, test_address(t, hole), PAGING_PAGE_BYTES, &sharing.source));
        CHECK(frames_free_count(t->frames) == left - 1); /* a table; the frame is the clone's */
        CHECK(safe_read(test_address(t, hole)).faulted);
        CHECK_OK(paging_switch_to(t->space, &clone));
        check_read_only(t, hole, MAGIC);
        CHECK_STATUS(paging_unshare_page(&clone, hole, &sharing.source), PAGING_COPY_NEEDED);
        CHECK_OK(paging_switch_to(&clone, t->space));
        CHECK_OK(paging_destroy(&clone, &sharing.source));
        CHECK(frames_free_count(t->frames) > left);
    }
    CHECK_OK(
        paging_unmap_range(t->space, test_address(t, page), paging_level_bytes(PAGING_2M), &sharing.source));
    CHECK(frames_free_count(t->frames) == free);
}
