/* SPDX-License-Identifier: MIT */
/* test_support.c - what several tests use. */
#include "console/console.h"
#include "console/format.h"
#include "selftest/selftest.h"
#include <selfmap/for_each.h>
#include <selfmap/map.h>
#include <selfmap/window.h>

enum {
    UPPER_SLOT = 300, /* of the root: the loader maps nothing in the upper half */
    SHOWN_FAILURES = 5
};

/* Remembers the first reason. */
void test_fail(struct selftest_run *t, const char *why, ...)
{
    char text[SELFTEST_REASON_LIMIT];
    struct text_sink sink = text_sink(text, sizeof text);
    va_list arguments;
    va_start(arguments, why);
    format_list(&sink.sink, why, arguments);
    va_end(arguments);
    if (t->failures++ < SHOWN_FAILURES)
        print("# %s\n", text);
    else if (t->failures == SHOWN_FAILURES + 1)
        print("# further failures of this test are not shown\n");
    t->failed = true;
    if (t->reason[0] == '\0')
        __builtin_memcpy(t->reason, text, sizeof text);
}

bool selftest_check(struct selftest_run *t, bool condition, const char *text, const char *file, int line)
{
    if (!condition)
        test_fail(t, "%s:%d: not true: %s", file, line, text);
    return condition;
}

bool selftest_check_status(struct selftest_run *t, enum paging_status status, enum paging_status expected,
                           const char *call, const char *file, int line)
{
    if (status != expected)
        test_fail(t, "%s:%d: returns \"%s\" instead of \"%s\": %s", file, line, paging_status_name(status),
                  paging_status_name(expected), call);
    return status == expected;
}

void test_skip(struct selftest_run *t, const char *reason, ...)
{
    struct text_sink sink = text_sink(t->skip_text, sizeof t->skip_text);
    va_list arguments;
    va_start(arguments, reason);
    format_list(&sink.sink, reason, arguments);
    va_end(arguments);
    t->skip = t->skip_text;
}

uint64_t test_memory_pages(const struct selftest_run *t)
{
    uint64_t end = t->setup->arena->end.number; /* our first tables, whatever the memory map says */
    for (size_t i = 0; i < t->setup->memory_count; i++)
        if (memory_kind_is_cacheable(t->setup->memory[i].kind) && t->setup->memory[i].end.number > end)
            end = t->setup->memory[i].end.number;
    uint64_t span = paging_level_pages(PAGING_2M);
    return (end + span - 1) / span * span;
}

void test_find_slots(struct selftest_run *t)
{
    unsigned levels = t->space->cpu.levels;
    uint64_t slot_pages = paging_level_pages(levels);
    uint64_t wanted = 1 + (test_memory_pages(t) + slot_pages - 1) / slot_pages;
    bool used[TEST_SLOT_LIMIT];
    const volatile paging_entry_t *root = (const volatile paging_entry_t *)paging_window_table(
                                              levels, PAGING_RECURSIVE_SLOT, levels, (paging_page_t){0})
                                              .value;
    for (unsigned i = 0; i < TEST_SLOT_LIMIT; i++)
        used[i] = !paging_entry_is_unused(paging_entry_load(&root[i]));
    t->slots = test_slots_choose(used, wanted < 2                 ? 2
                                       : wanted < TEST_SLOT_LIMIT ? (unsigned)wanted
                                                                  : TEST_SLOT_LIMIT);
}

bool test_has_slots(struct selftest_run *t, uint64_t count)
{
    if (t->slots.count == 0)
        test_skip(t, "memory is mapped in every root slot of the lower half");
    else if (t->slots.count < count)
        test_skip(t, "it takes %lu free root slots side by side, there are %u", count, t->slots.count);
    return t->slots.count >= count;
}

bool test_page_is_free(struct selftest_run *t, paging_page_t page)
{
    for (unsigned i = 0; i < t->setup->region_count; i++) {
        const struct selftest_region *region = &t->setup->regions[i];
        if (page.number < region->start.number || page.number >= region->end.number)
            continue;
        test_skip(t, "page %lx belongs to the region %lx..%lx %s", page.number,
                  paging_frame_start(region->start).value, paging_frame_start(region->end).value,
                  region->name);
        return false;
    }
    return true;
}

paging_page_t test_page(const struct selftest_run *t, uint64_t n)
{
    return (paging_page_t){t->slots.first * paging_level_pages(t->space->cpu.levels) + n};
}

paging_page_t test_upper_page(const struct selftest_run *t, uint64_t n)
{
    return (paging_page_t){UPPER_SLOT * paging_level_pages(t->space->cpu.levels) + n};
}

paging_virt_t test_address(const struct selftest_run *t, paging_page_t page)
{
    return paging_page_start(t->space->cpu.levels, page);
}

volatile uint64_t *test_words(const struct selftest_run *t, paging_page_t page)
{
    return (volatile uint64_t *)test_address(t, page).value;
}

volatile paging_entry_t *test_leaf(const struct selftest_run *t, paging_page_t page)
{
    return (volatile paging_entry_t *)paging_window_entry(t->space->cpu.levels, PAGING_RECURSIVE_SLOT, 1,
                                                          page)
        .value;
}

uint64_t no_execute(const struct selftest_run *t)
{
    return t->space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0;
}

static bool contains(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && text[i] == part[i])
            i++;
        if (part[i] == '\0')
            return true;
    }
    return false;
}

bool test_explains(struct safe_access fault, const char *text)
{
    char sentence[512];
    struct text_sink sink = text_sink(sentence, sizeof sentence);
    const struct exception_cause cause = {fault.vector, fault.error_code, fault.address, fault.rsp};
    exceptions_explain(&sink.sink, &cause);
    if (contains(sentence, text))
        return true;
    print("# explained as: %s\n", sentence);
    return false;
}

bool test_is_all_memory(const struct selftest_run *t, paging_frame_t start, uint64_t frames)
{
    uint64_t covered = 0;
    for (size_t i = 0; i < t->setup->memory_count; i++) {
        const struct memory_region *region = &t->setup->memory[i];
        uint64_t from = region->start.number > start.number ? region->start.number : start.number;
        uint64_t end = start.number + frames;
        uint64_t to = region->end.number < end ? region->end.number : end;
        if (from < to && memory_kind_is_cacheable(region->kind))
            covered += to - from;
    }
    return covered == frames;
}

struct lower_half_copy {
    struct paging_space *to;
    struct paging_frame_source *frames;
    uint64_t refused;
    enum paging_status status;
};

static enum paging_visit copy_leaf(void *context, const struct paging_entry_info *info)
{
    struct lower_half_copy *copy = context;
    uint64_t half = paging_level_pages(copy->to->cpu.levels) * (PAGING_TABLE_ENTRIES / 2);
    if (info->kind != PAGING_KIND_LEAF || info->first.number >= half)
        return PAGING_VISIT_NEXT;
    copy->status =
        paging_map_sized(copy->to, info->first, paging_leaf_frame(info->entry, info->level),
                         (enum paging_size)info->level, info->flags & ~copy->refused, copy->frames);
    return copy->status == PAGING_OK ? PAGING_VISIT_NEXT : PAGING_VISIT_STOP;
}

enum paging_status test_map_lower_half(const struct selftest_run *t, struct paging_space *other,
                                       uint64_t refused, struct paging_frame_source *frames)
{
    struct lower_half_copy copy = {.to = other, .frames = frames, .refused = refused};
    enum paging_status status = paging_for_each(t->space, copy_leaf, &copy);
    return status == PAGING_OK ? copy.status : status;
}
