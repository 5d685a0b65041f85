/* SPDX-License-Identifier: MIT */
/*
 * demand_pages.c - the page fault handler at work: pages are simply used, and it fills, copies and refuses.
 */
#include "selftest/demand_pages.h"
#include "cpu/descriptors.h"
#include "cpu/safe_access.h"
#include "faults/page_faults.h"
#include <selfmap/map.h>
#include <selfmap/range.h>
#include <selfmap/translate.h>

enum { PLACES = 64, STACK_PAGES = 9, CALL_BYTES = 512, SOILED_PAGES = 64 };

static struct frame_users users;
static struct frame_count table[PLACES];
static struct areas areas;
static struct area left, right;

/* ---- areas in the test pages ---- */

/* The work pages lie behind everything else here. */
static bool begin(struct selftest_run *t)
{
    frame_users_init(&users, t->source, table, PLACES);
    if (!CHECK_OK(areas_init(&areas, t->space, &users, test_page(t, 2 * paging_level_pages(PAGING_1G)))))
        return false;
    page_faults_watch(&areas);
    return true;
}

static void end(struct selftest_run *t)
{
    page_faults_ignore(&areas);
    CHECK(areas.first == NULL && users.used == 0 && users.refused_cuts == 0);
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

/* Opens two areas on demand, side by side. */
static bool open_two(struct selftest_run *t, uint64_t pages)
{
    uint64_t rights = PAGING_WRITABLE | no_execute(t);
    if (!begin(t))
        return false;
    if (open_area(t, &left, AREA_ON_DEMAND, 0, pages, rights)) {
        if (open_area(t, &right, AREA_ON_DEMAND, pages, pages, rights))
            return true;
        CHECK_OK(areas_close(&areas, &left));
    }
    end(t);
    return false;
}

static void close_two(struct selftest_run *t)
{
    CHECK_OK(areas_close(&areas, &left));
    CHECK_OK(areas_close(&areas, &right));
    end(t);
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

/* The left area's first page is shown in the right one. Both read it; the right one writes, then the left. */
static void write_both(struct selftest_run *t, uint64_t last_word, uint64_t pages)
{
    volatile uint64_t *from = words(t, &left, 0), *to = words(t, &right, 0);
    uint64_t free = frames_free_count(t->frames);
    from[last_word] = 2;
    from[0] = 1;
    CHECK_OK(areas_share(&areas, left.start, right.start));
    CHECK(from[0] == 1 && to[0] == 1 && to[last_word] == 2 && frames_free_count(t->frames) == free);
    to[0] = 3;
    CHECK(from[0] == 1 && to[0] == 3 && from[last_word] == 2 && to[last_word] == 2);
    CHECK(right.copied == 1 && frames_free_count(t->frames) == free - pages);
    to[last_word] = 4; /* it is its own now */
    from[last_word] = 5;
    CHECK(from[0] == 1 && from[last_word] == 5 && to[0] == 3 && to[last_word] == 4);
    CHECK(right.copied == 1 && left.copied == 0 && left.unshared == 1 && right.unshared == 0);
    CHECK(frames_free_count(t->frames) == free - pages);
}

void demand_copies_on_write(struct selftest_run *t)
{
    if (!open_two(t, 4))
        return;
    words(t, &left, 0)[0] = 0;
    words(t, &right, 1)[0] = 0; /* so that the tables are there, and only pages count */
    write_both(t, PAGING_TABLE_ENTRIES - 1, 1);
    close_two(t);
}

static bool has_two_huge_frames(struct selftest_run *t)
{
    paging_frame_t frames[2];
    unsigned count = 0;
    while (count < 2 && frames_allocate(t->frames, PAGING_2M, &frames[count]) == FRAMES_OK)
        count++;
    for (unsigned i = 0; i < count; i++)
        CHECK(frames_free(t->frames, PAGING_2M, frames[i]) == FRAMES_OK);
    return count == 2;
}

void demand_copies_huge_pages(struct selftest_run *t)
{
    uint64_t pages = paging_level_pages(PAGING_2M);
    if (!has_two_huge_frames(t)) {
        t->skip = "no 4 MiB of memory in two pieces";
        return;
    }
    if (!open_two(t, pages))
        return;
    paging_virt_t start = test_address(t, left.start);
    if (CHECK_OK(paging_unmap_range(t->space, start, paging_level_bytes(PAGING_2M), &users.source)) &&
        CHECK_OK(paging_map_range_alloc(t->space, start, paging_level_bytes(PAGING_2M), left.rights,
                                        &users.source)))
        write_both(t, pages * PAGING_TABLE_ENTRIES - 1, pages);
    struct paging_translation found = {0};
    CHECK(paging_translate(t->space, test_address(t, right.start), &found) == PAGING_OK &&
          found.size == PAGING_2M);
    close_two(t);
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
