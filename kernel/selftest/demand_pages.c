/* SPDX-License-Identifier: MIT */
/*
 * demand_pages.c - the page fault handler at work: pages are simply used, and it fills, copies and refuses.
 */
#include "selftest/demand_pages.h"
#include "cpu/descriptors.h"
#include "cpu/known_spaces.h"
#include "cpu/safe_access.h"
#include "faults/page_faults.h"
#include "selftest/clones.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

enum { STACK_PAGES = 9, CALL_BYTES = 512, SOILED_PAGES = 64 };

static struct frames_sharing *frames;
static struct areas areas, clones_areas;
static struct area left, right, clones_area;
static struct paging_space clone;

/* ---- areas in the test pages ---- */

/* The work pages lie behind everything else here. */
static bool begin(struct selftest_run *t)
{
    frames = clones_count_owners(t, (paging_frame_t){0}); /* of none yet */
    if (!CHECK_OK(areas_init(&areas, t->space, frames, test_page(t, 2 * paging_level_pages(PAGING_1G)))))
        return false;
    page_faults_watch(&areas);
    return true;
}

static void end(struct selftest_run *t)
{
    page_faults_ignore(&areas);
    CHECK(areas.first == NULL);
    CHECK_OK(areas_end(&areas));
}

static bool open_area(struct selftest_run *t, struct area *area, enum area_kind kind, uint64_t first,
                      uint64_t pages, uint64_t rights)
{
    paging_page_t start = test_page(t, first);
    *area = (struct area){.name = area == &left ? "left" : "right",
                          .kind = kind,
                          .rights = rights,
                          .start = start,
                          .end = {start.number + pages}};
    return CHECK_OK(areas_open(&areas, area));
}

static paging_page_t plus(paging_page_t page, uint64_t pages)
{
    return (paging_page_t){page.number + pages};
}

static volatile uint64_t *words(const struct selftest_run *t, const struct area *area, uint64_t page)
{
    return test_words(t, plus(area->start, page));
}

/* ---- pages on demand ---- */

static void check_page_of_zeroes(struct selftest_run *t, uint64_t page)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < PAGING_TABLE_ENTRIES; i++)
        bits |= words(t, &left, page)[i];
    CHECK(bits == 0);
}

/* Writes to the frames that are handed out next, so that zeroes do not come by themselves. */
static void soil_frames(struct selftest_run *t)
{
    paging_virt_t start = test_address(t, test_page(t, 0));
    if (!CHECK_OK(paging_map_range_alloc(t->space, start, (uint64_t)SOILED_PAGES * PAGING_PAGE_BYTES,
                                         PAGING_WRITABLE | no_execute(t), t->source)))
        return;
    for (unsigned i = 0; i < SOILED_PAGES * PAGING_TABLE_ENTRIES; i++)
        test_words(t, test_page(t, 0))[i] = ~(uint64_t)i;
    CHECK_OK(paging_unmap_range(t->space, start, (uint64_t)SOILED_PAGES * PAGING_PAGE_BYTES, t->source));
}

void demand_fills_touched_pages(struct selftest_run *t)
{
    const uint64_t pages = 32 * paging_level_pages(PAGING_2M);
    const uint64_t touched[] = {0, 5, 6, 3000, pages / 2, pages - 1};
    struct paging_translation found;
    uint64_t tables = paging_counted(t->space).tables;
    soil_frames(t);
    if (!begin(t))
        return;
    if (open_area(t, &left, AREA_ON_DEMAND, 0, pages, PAGING_WRITABLE | no_execute(t))) {
        CHECK(paging_counted(t->space).tables - tables <= UINT64_C(2) * (t->space->cpu.levels - 1));
        uint64_t free = frames_free_count(t->frames) + paging_counted(t->space).tables;
        for (unsigned i = 0; i < sizeof touched / sizeof touched[0]; i++) {
            check_page_of_zeroes(t, touched[i]);
            words(t, &left, touched[i])[7] = ~touched[i];
            CHECK(left.filled == i + 1);
            CHECK(frames_free_count(t->frames) + paging_counted(t->space).tables == free - left.filled);
        }
        for (unsigned i = 0; i < sizeof touched / sizeof touched[0]; i++)
            CHECK(words(t, &left, touched[i])[7] == ~touched[i]);
        CHECK_STATUS(paging_translate(t->space, test_address(t, plus(left.start, 4)), &found), PAGING_MARKED);
        CHECK_STATUS(paging_translate(t->space, test_address(t, plus(left.start, 7)), &found), PAGING_MARKED);
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
    CHECK(paging_counted(t->space).tables == tables);
}

/* ---- copy-on-write ---- */

/* Clones the kernel's space, whose left area has one page. The clone has the same areas. */
static bool open_clone(struct selftest_run *t)
{
    struct paging_translation found = {0};
    CHECK_OK(paging_translate(t->space, test_address(t, left.start), &found));
    clones_count_owners(t, paging_frame_containing(found.address));
    if (!clones_open(t, &clone))
        return false;
    CHECK(known_spaces_add(&clone));
    CHECK_OK(areas_inherit(&clones_areas, &clone, &areas, &clones_area));
    page_faults_watch(&clones_areas);
    return true;
}

/* It is active, and the kernel's space is then. */
static void close_clone(struct selftest_run *t)
{
    CHECK_OK(areas_close(&clones_areas, &clones_area));
    CHECK_OK(areas_end(&clones_areas));
    CHECK_OK(paging_switch_to(&clone, t->space));
    page_faults_ignore(&clones_areas);
    known_spaces_remove(&clone);
    CHECK_OK(paging_destroy(&clone, &frames->source));
}

/* The left area's first page is cloned. Both read it; the clone writes, then the kernel's space. */
static void write_both(struct selftest_run *t, uint64_t last, uint64_t pages)
{
    volatile uint64_t *word = words(t, &left, 0);
    struct paging_translation found = {0};
    word[last] = 2;
    word[0] = 1;
    if (!open_clone(t))
        return;
    uint64_t free = frames_free_count(t->frames);
    CHECK_OK(paging_switch_to(t->space, &clone));
    CHECK(word[0] == 1 && word[last] == 2 && frames_free_count(t->frames) == free);
    word[0] = 3;
    CHECK(clones_area.copied == 1 && frames_free_count(t->frames) == free - pages);
    CHECK(paging_translate(&clone, test_address(t, left.start), &found) == PAGING_OK &&
          paging_level_pages(found.size) == pages);
    word[last] = 4; /* it is its own now */
    CHECK(word[0] == 3 && word[last] == 4 && clones_area.copied == 1);
    CHECK_OK(paging_switch_to(&clone, t->space));
    CHECK(word[0] == 1 && word[last] == 2);
    word[last] = 5;
    CHECK(word[0] == 1 && word[last] == 5 && frames_free_count(t->frames) == free - pages);
    CHECK(left.copied == 0 && left.unshared == 1 && clones_area.unshared == 0);
    CHECK_OK(paging_switch_to(t->space, &clone));
    CHECK(word[0] == 3 && word[last] == 4);
    close_clone(t);
}

void demand_copies_on_write(struct selftest_run *t)
{
    if (!begin(t))
        return;
    if (open_area(t, &left, AREA_ON_DEMAND, 0, 4, PAGING_WRITABLE | no_execute(t))) {
        write_both(t, PAGING_TABLE_ENTRIES - 1, 1);
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
}

static bool has_two_huge_frames(struct selftest_run *t)
{
    paging_frame_t runs[2];
    unsigned count = 0;
    while (count < 2 && frames_allocate(t->frames, PAGING_2M, &runs[count]) == FRAMES_OK)
        count++;
    for (unsigned i = 0; i < count; i++)
        CHECK(frames_free(t->frames, PAGING_2M, runs[i]) == FRAMES_OK);
    return count == 2;
}

void demand_copies_huge_pages(struct selftest_run *t)
{
    uint64_t pages = paging_level_pages(PAGING_2M);
    if (!has_two_huge_frames(t)) {
        t->skip = "no 4 MiB of memory in two pieces";
        return;
    }
    if (!begin(t))
        return;
    if (open_area(t, &left, AREA_ON_DEMAND, 0, pages, PAGING_WRITABLE | no_execute(t))) {
        paging_virt_t start = test_address(t, left.start);
        uint64_t bytes = paging_level_bytes(PAGING_2M);
        if (CHECK_OK(paging_unmap_range(t->space, start, bytes, &frames->source)) &&
            CHECK_OK(paging_map_range_alloc(t->space, start, bytes, left.rights, &frames->source)))
            write_both(t, pages * PAGING_TABLE_ENTRIES - 1, pages);
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
}

/* ---- a growing stack ---- */

/* For second_stack.S. */
void second_stack_call(void) __attribute__((visibility("hidden")));
void second_stack_body(void) __attribute__((visibility("hidden")));
extern uint64_t second_stack_top __attribute__((visibility("hidden")));
uint64_t second_stack_top;

static volatile unsigned depth_limit;

/* Takes more than CALL_BYTES of the stack for each level, less than a page. */
static __attribute__((noinline)) uint64_t go_down(unsigned depth)
{
    volatile uint8_t bytes[CALL_BYTES];
    for (unsigned i = 0; i < CALL_BYTES; i++)
        bytes[i] = (uint8_t)depth;
    uint64_t below = depth < depth_limit ? go_down(depth + 1) : 0;
    return below + bytes[CALL_BYTES - 1] + 1;
}

static volatile uint64_t sum;

void second_stack_body(void)
{
    sum = go_down(0);
}

/* Returns whether the line about the last refusal says this. */
static bool refused_because(const char *line)
{
    char text[160];
    struct text_sink sink = text_sink(text, sizeof text);
    page_faults_explain(&sink.sink);
    unsigned i = 0;
    while (text[i] && text[i] == line[i])
        i++;
    return text[i] == line[i];
}

/*
 * The stack has no page when it is first used. The handler runs on a stack of its own then, because the
 * processor pushes on this one before anybody can fill it.
 */
void demand_stack_grows(struct selftest_run *t)
{
    const paging_virt_t code = {(uint64_t)(uintptr_t)second_stack_call};
    const unsigned calls = 20;
    if (!begin(t))
        return;
    if (open_area(t, &left, AREA_STACK, 3, STACK_PAGES, PAGING_WRITABLE | no_execute(t))) {
        second_stack_top = test_address(t, left.end).value;
        descriptors_set_page_fault_stack(true);
        depth_limit = calls;
        CHECK(!safe_fetch(code).faulted && sum == (uint64_t)calls * (calls + 1) / 2 + calls + 1);
        uint64_t filled = left.filled;
        CHECK(filled > (uint64_t)calls * CALL_BYTES / PAGING_PAGE_BYTES && filled < STACK_PAGES - 1);
        CHECK(!safe_fetch(code).faulted && left.filled == filled);
        depth_limit = UINT32_MAX;
        struct safe_access access = safe_fetch(code);
        descriptors_set_page_fault_stack(false);
        CHECK(access.faulted && access.vector == PAGE_FAULT &&
              access.address - test_address(t, left.start).value < PAGING_PAGE_BYTES);
        CHECK(left.filled == STACK_PAGES - 1);
        CHECK(refused_because("area: left: this stack is used up, the address is in its guard page\n"));
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
}

/* ---- refusals ---- */

void demand_refuses_with_reasons(struct selftest_run *t)
{
    if (!begin(t))
        return;
    if (open_area(t, &left, AREA_GUARD, 0, 2, 0)) {
        CHECK(safe_read(test_address(t, left.start)).faulted);
        CHECK(refused_because("area: left: nothing may be accessed here, it is a guard\n"));
        if (open_area(t, &right, AREA_ON_DEMAND, 2, 2, no_execute(t))) {
            paging_virt_t address = test_address(t, right.start);
            CHECK(safe_write(address, 1).faulted && right.filled == 0);
            CHECK(refused_because("area: right: the area does not have this right\n"));
            struct safe_access access = safe_read(address);
            CHECK(!access.faulted && access.value == 0 && right.filled == 1);
            CHECK(safe_write(address, 1).faulted);
            CHECK(safe_read(test_address(t, right.end)).faulted);
            CHECK(refused_because(""));
            CHECK_OK(areas_close(&areas, &right));
        }
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
}
