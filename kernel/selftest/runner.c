/* runner.c - the runner. */
#include "console/console.h"
#include "cpu/instructions.h"
#include "report/report.h"
#include "selftest/selftest.h"
#include <selfmap/window.h>

static const struct selftest *const lists[] = {
    start_tests,         operation_tests, huge_tests,  fault_tests, window_tests, range_tests,
    owned_tests,         space_tests,     frame_tests, right_tests, visit_tests,  flush_tests,
    out_of_frames_tests, matrix_tests,    step_tests,  bench_tests,
};
enum { LISTS = sizeof lists / sizeof lists[0], TEST_SLOT = 200 };

bool selftest_check(struct selftest_run *t, bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        print("# %s:%d: not true: %s\n", file, line, text);
        t->failed = true;
    }
    return condition;
}

paging_page_t test_page(const struct selftest_run *t, uint64_t n)
{
    return (paging_page_t){TEST_SLOT * paging_level_pages(t->space->cpu.levels) + n};
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

static bool is_wanted(const struct options *options, const char *name)
{
    const char *prefix = options->tests;
    while (*prefix && *prefix == *name)
        prefix++, name++;
    return *prefix == '\0';
}

/* The last list only measures. */
static unsigned lists_wanted(const struct options *options)
{
    return options->bench ? LISTS : LISTS - 1;
}

static unsigned matches(const struct options *options)
{
    unsigned count = 0;
    for (unsigned list = 0; list < lists_wanted(options); list++)
        for (const struct selftest *test = lists[list]; test->name; test++)
            count += is_wanted(options, test->name);
    return count;
}

/* The one test that runs whatever was asked for: a word that was not understood must not pass in silence. */
static void options_make_sense(struct selftest_run *t)
{
    const struct options *options = &t->handoff->options;
    if (options->refused[0] != '\0') {
        print("# not an option: %s (selfmap.cfg lists them)\n", options->refused);
        t->failed = true;
    }
    if (matches(options) == 0) {
        print("# no test's name begins with: %s\n", options->tests);
        t->failed = true;
    }
}

static paging_entry_t self_map_entry(const struct paging_space *space)
{
    paging_virt_t window =
        paging_window_table(space->cpu.levels, PAGING_RECURSIVE_SLOT, space->cpu.levels, (paging_page_t){0});
    return paging_entry_load((const volatile paging_entry_t *)window.value + PAGING_RECURSIVE_SLOT);
}

static void run_one(struct selftest_run *t, const struct selftest *test)
{
    uint64_t free = frames_free_count(t->frames), tables = t->space->tables;
    t->failed = false;
    t->skip = NULL;
    test->run(t);
    CHECK(frames_free_count(t->frames) == free);
    CHECK(t->space->tables == tables);
    CHECK(t->frames->refused_releases == 0);
    CHECK(t->frames->refused_cuts == 0);
    CHECK(paging_entry_frame(self_map_entry(t->space)).number == t->space->root.number);
    CHECK((read_cr3() & PAGING_FRAME_MASK) == paging_root_address(t->space).value);
    report_result(!t->failed, test->name, t->failed ? NULL : t->skip);
}

void selftest_run_all(struct handoff *handoff, struct frames *frames)
{
    struct selftest_run t = {
        .handoff = handoff, .space = &handoff->space, .frames = frames, .source = &frames->source};
    static const struct selftest always = {"options: every word was understood", options_make_sense};
    report_plan(1 + matches(&handoff->options));
    run_one(&t, &always);
    for (unsigned list = 0; list < lists_wanted(&handoff->options); list++)
        for (const struct selftest *test = lists[list]; test->name; test++)
            if (is_wanted(&handoff->options, test->name))
                run_one(&t, test);
}
