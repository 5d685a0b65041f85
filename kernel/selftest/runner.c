/* SPDX-License-Identifier: MIT */
/* runner.c - runs the tests that the options ask for, and checks what each of them leaves behind. */
#include "console/console.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "cpu/tsc_rate.h"
#include "cpu/watchdog.h"
#include "report/report.h"
#include "selftest/chosen_tests.h"
#include "selftest/deviations.h"
#include "selftest/groups.h"
#include "selftest/mapping_audit.h"
#include "selftest/selftest.h"
#include "selftest/soak_run.h"
#include "selftest/stop_test.h"
#include <selfmap/window.h>

/* What runs now, for the report of a crash. */
static struct {
    const char *test; /* NULL: none */
    uint64_t round;
} now;

/* The last group is left out unless the options ask for it. */
static unsigned groups_wanted(const struct selftest_setup *setup)
{
    return setup->bench ? SELFTEST_GROUPS : SELFTEST_BENCH_GROUP;
}

/* Calls a function for every test that is wanted. */
static void for_each_wanted(struct selftest_run *t,
                            void (*call)(struct selftest_run *t, const struct selftest *test))
{
    for (unsigned i = 0; i < groups_wanted(t->setup); i++) {
        const struct selftest_group *group = &selftest_groups[i];
        t->needs_pages = group->needs_pages;
        for (const struct selftest *test = group->tests; test->name; test++)
            if (chosen_by(t->setup->tests, group->name, test->name))
                call(t, test);
    }
}

static void count_one(struct selftest_run *t, const struct selftest *test)
{
    (void)test;
    t->wanted++;
}

static bool stands_for_any(const struct selftest_setup *setup, struct chosen_name name)
{
    for (unsigned i = 0; i < groups_wanted(setup); i++)
        for (const struct selftest *test = selftest_groups[i].tests; test->name; test++)
            if (chosen_is(name, selftest_groups[i].name, test->name))
                return true;
    return false;
}

static void print_groups(void)
{
    print("# the groups are:");
    for (unsigned i = 0; i < SELFTEST_GROUPS; i++)
        print(" %s", selftest_groups[i].name);
    print(" (bench only with bench=yes)\n");
}

/* Finds out whether each name stands for a test: a misspelt one must not go unnoticed. */
static void names_stand_for_tests(struct selftest_run *t)
{
    bool all = true;
    const char *list = t->setup->tests;
    while (*list) {
        const char *begin = list;
        struct chosen_name name = chosen_next(&list);
        if (stands_for_any(t->setup, name))
            continue;
        print("# no test's name begins with: ");
        for (size_t i = 0; i < name.length; i++)
            print("%c", begin[i]);
        print("\n");
        all = false;
    }
    if (!all) {
        print_groups();
        t->failed = true;
    }
}

/*
 * Runs whatever the options ask for. The run goes on without the words that are not options, but it must not
 * pass: it is not the run that was asked for.
 */
static void options_make_sense(struct selftest_run *t)
{
    const struct selftest_setup *setup = t->setup;
    for (unsigned i = 0; i < setup->option_errors_kept; i++)
        print("# not used: %s\n", setup->option_errors[i]);
    if (setup->option_error_count > setup->option_errors_kept)
        print("# not used: and %u more\n", setup->option_error_count - setup->option_errors_kept);
    if (setup->option_error_count > 0) {
        print("# the defaults hold instead (selfmap.cfg and HACKING.md list the options)\n");
        t->failed = true;
    }
    names_stand_for_tests(t);
}

/* Returns the entry of the root that leads to the root itself. */
static paging_entry_t self_entry(const struct paging_space *space)
{
    paging_virt_t window =
        paging_window_table(space->cpu.levels, PAGING_RECURSIVE_SLOT, space->cpu.levels, (paging_page_t){0});
    return paging_entry_load((const volatile paging_entry_t *)window.value + PAGING_RECURSIVE_SLOT);
}

/* Makes the first test of a round fail if the options ask for that. */
static void fail_on_purpose(struct selftest_run *t)
{
    if (t->fails_on_purpose)
        CHECK(t->round != t->setup->fail_round);
    t->fails_on_purpose = false;
}

/* Says in every way there is which test begins. With steps=slow it has a line, and waits a second. */
static void begin_test(const struct selftest_run *t, const struct selftest *test)
{
    now.test = test->name;
    now.round = t->round;
    watchdog_begin(test->name);
    if (t->round > 1)
        return;
    report_begin(test->name);
    if (!t->setup->slow)
        return;
    print("# next: %s\n", test->name);
    tsc_wait_a_second();
    watchdog_is_alive();
}

/* Ends the run badly if the options ask for that: in the first test, in a soak of the second round. */
static void crash_on_purpose(const struct selftest_run *t)
{
    if (t->round != (t->setup->soak_seconds ? 2 : 1))
        return;
    if (t->setup->crashes)
        __builtin_trap();
    while (t->setup->hangs)
        __builtin_ia32_pause();
}

/* Runs a test; t->failed, t->skip and t->reason are its result. */
static void run_test(struct selftest_run *t, const struct selftest *test)
{
    uint64_t free = frames_free_count(t->frames), tables = paging_counted(t->space).tables;
    uint64_t refused = t->frames->refused_releases + t->frames->refused_cuts;
    t->failed = false;
    t->failures = 0;
    t->reason[0] = '\0';
    t->skip = NULL;
    begin_test(t, test);
    crash_on_purpose(t);
    if (!t->needs_pages || test_has_slots(t, 1))
        stop_test_run(t, test->run);
    exceptions_set_active_space(t->space); /* some tests switch to another space and back */
    CHECK(frames_free_count(t->frames) == free);
    CHECK(paging_counted(t->space).tables == tables);
    CHECK(t->frames->refused_releases + t->frames->refused_cuts == refused);
    CHECK(paging_entry_frame(self_entry(t->space)).number == t->space->root.number);
    CHECK((read_cr3() & PAGING_FRAME_MASK) == paging_root_address(t->space).value);
    now.test = NULL;
}

void selftest_tell_crash(void)
{
    if (!now.test)
        return;
    print("# in the test: %s\n", now.test);
    if (now.round > 1)
        print("# in round %lu of the soak\n", now.round);
}

/* Comes after all groups, because devices and the firmware have had the time of all tests until then. */
static void boot_memory_is_as_left(struct selftest_run *t)
{
    uint64_t audited, changed = t->setup->late_changes(&audited);
    if (audited == 0)
        t->skip = "the map has no memory of boot services";
    CHECK(changed == 0);
}

/* Runs a test of our own, about the run. */
static void run_own(struct selftest_run *t, const struct selftest *test)
{
    t->needs_pages = false;
    run_test(t, test);
    report_result(!t->failed, test->name, t->failed ? NULL : t->skip);
}

static void run_first_round(struct selftest_run *t, const struct selftest *test)
{
    run_test(t, test);
    fail_on_purpose(t);
    report_result(!t->failed, test->name, t->failed ? NULL : t->skip);
    if (t->setup->soak_seconds)
        soak_note(t, test);
}

static void run_quietly(struct selftest_run *t, const struct selftest *test)
{
    run_test(t, test);
    fail_on_purpose(t);
}

static void run_later_round(struct selftest_run *t, const struct selftest *test)
{
    soak_test(t, test, run_quietly);
}

void selftest_run_all(const struct selftest_setup *setup)
{
    static const struct selftest first = {"options: every word was understood", options_make_sense};
    static const struct selftest soaked = {"soak: every round passed", soak_every_round_passed};
    static const struct selftest last = {"firmware: nobody writes to memory of boot services any more",
                                         boot_memory_is_as_left};
    static const struct selftest audited = {
        "audit: W^X holds, aliases agree, no table and no free frame is mapped", mappings_keep_the_rules};
    struct selftest_run t = {
        .setup = setup,
        .space = setup->space,
        .frames = setup->frames,
        .source = &setup->frames->source,
        .round = 1,
        .fails_on_purpose = setup->fail_round != 0,
    };
    test_find_slots(&t);
    for_each_wanted(&t, count_one);
    report_plan(3 + t.wanted + (setup->soak_seconds ? 1 : 0));
    run_own(&t, &first);
    if (setup->soak_seconds)
        soak_start(setup->soak_seconds);
    for_each_wanted(&t, run_first_round);
    if (setup->soak_seconds) {
        while (soak_next_round(&t)) {
            t.fails_on_purpose = setup->fail_round != 0;
            for_each_wanted(&t, run_later_round);
        }
        run_own(&t, &soaked);
    }
    run_own(&t, &last);
    run_own(&t, &audited);
    deviations_report();
}
