/* runner.c - runs the tests that the options ask for, and checks what each of them leaves behind. */
#include "console/console.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "report/report.h"
#include "selftest/selftest.h"
#include <selfmap/window.h>

static const struct selftest *const lists[] = {
    start_state_tests,   single_page_tests, huge_page_tests,       fault_tests, window_tests,   range_tests,
    owned_frame_tests,   space_tests,       frame_allocator_tests, right_tests, for_each_tests, flush_tests,
    out_of_frames_tests, matrix_tests,      single_step_tests,     bench_tests,
};
enum { LISTS = sizeof lists / sizeof lists[0] };

static bool is_wanted(const struct selftest_setup *setup, const char *name)
{
    const char *prefix = setup->tests;
    while (*prefix && *prefix == *name)
        prefix++, name++;
    return *prefix == '\0';
}

/* The last list measures and checks little else, so it is left out unless the options ask for it. */
static unsigned lists_wanted(const struct selftest_setup *setup)
{
    return setup->bench ? LISTS : LISTS - 1;
}

static unsigned count_wanted(const struct selftest_setup *setup)
{
    unsigned count = 0;
    for (unsigned list = 0; list < lists_wanted(setup); list++)
        for (const struct selftest *test = lists[list]; test->name; test++)
            count += is_wanted(setup, test->name);
    return count;
}

/* Runs whatever the options ask for, because a word that is not an option must fail the run. */
static void options_make_sense(struct selftest_run *t)
{
    if (t->setup->refused_option[0] != '\0') {
        print("# not an option: %s (selfmap.cfg and HACKING.md list them)\n", t->setup->refused_option);
        t->failed = true;
    }
    if (count_wanted(t->setup) == 0) {
        print("# no test's name begins with: %s\n", t->setup->tests);
        t->failed = true;
    }
}

/* Returns the entry of the root that leads to the root itself. */
static paging_entry_t self_entry(const struct paging_space *space)
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
    report_begin(test->name);
    test->run(t);
    exceptions_set_active_space(t->space); /* some tests switch to another space and back */
    CHECK(frames_free_count(t->frames) == free);
    CHECK(t->space->tables == tables);
    CHECK(t->frames->refused_releases == 0);
    CHECK(t->frames->refused_cuts == 0);
    CHECK(paging_entry_frame(self_entry(t->space)).number == t->space->root.number);
    CHECK((read_cr3() & PAGING_FRAME_MASK) == paging_root_address(t->space).value);
    report_result(!t->failed, test->name, t->failed ? NULL : t->skip);
}

void selftest_run_all(const struct selftest_setup *setup)
{
    static const struct selftest always = {"options: every word was understood", options_make_sense};
    struct selftest_run t = {
        .setup = setup,
        .space = setup->space,
        .frames = setup->frames,
        .source = &setup->frames->source,
    };
    report_plan(1 + count_wanted(setup));
    run_one(&t, &always);
    for (unsigned list = 0; list < lists_wanted(setup); list++)
        for (const struct selftest *test = lists[list]; test->name; test++)
            if (is_wanted(setup, test->name))
                run_one(&t, test);
}
