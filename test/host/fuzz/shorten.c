/* SPDX-License-Identifier: MIT */
/* Shorter and plainer cases. */
#define _GNU_SOURCE
#include "fuzz/shorten.h"
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds. A case takes a fraction of one. */
#define TIME_LIMIT 10

static time_t deadline;

static bool is_late(void)
{
    return time(NULL) >= deadline;
}

void case_watch(void)
{
    const struct itimerval timer = {.it_value = {.tv_sec = TIME_LIMIT}};
    (void)setitimer(ITIMER_PROF, &timer, NULL);
}

static struct test_case done;

static void do_it(void **state)
{
    (void)state;
    case_do(&done);
}

/* As a test of cmocka, which then prints what was wrong. */
static int do_aloud(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(do_it)};
    unsetenv("CMOCKA_MESSAGE_OUTPUT");
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}

static int do_quietly(void)
{
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        return 0;
    case_do(&done);
    return 0;
}

bool case_fails(const struct test_case *test, bool aloud)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        case_watch();
        done = *test;
        status = aloud ? do_aloud() : do_quietly();
        fflush(NULL);
        _exit(status != 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

/* Takes the other case if it fails as well. */
static bool adopt(struct test_case *test, const struct test_case *other)
{
    if (is_late() || !case_fails(other, false))
        return false;
    *test = *other;
    return true;
}

/* ---- fewer steps: delta debugging (Zeller, Hildebrandt 2002), by what can be left out ---- */

static bool without(struct test_case *test, unsigned first, unsigned count)
{
    static struct test_case other;
    other = *test;
    memmove(&other.steps[first], &other.steps[first + count],
            (other.count - first - count) * sizeof(*other.steps));
    other.count -= count;
    return adopt(test, &other);
}

static bool take_steps_out(struct test_case *test)
{
    bool any = false;
    for (unsigned size = (test->count + 1) / 2; size > 0; size /= 2)
        for (unsigned end = test->count; end > 0 && !is_late();) {
            unsigned first = end > size ? end - size : 0;
            if (first < test->count)
                any |= without(test, first, end - first);
            end = first;
        }
    return any;
}

/* ---- plainer numbers ---- */

static bool set_number(struct test_case *test, unsigned step, const struct operation_field *field,
                       uint64_t number)
{
    static struct test_case other;
    other = *test;
    uint64_t *place = operation_number(&other.steps[step], field);
    if (*place == number)
        return false;
    *place = number;
    return adopt(test, &other);
}

/* Tries the value it has when it is not written, then fewer bits of it, low ones first. */
static bool plainer_number(struct test_case *test, unsigned step, const struct operation_field *field)
{
    uint64_t number = *operation_number(&test->steps[step], field);
    if (number == field->otherwise)
        return false;
    bool any = set_number(test, step, field, field->otherwise);
    if (any || field->otherwise == OP_NO_LIMIT)
        return any;
    if (field->offset == offsetof(struct operation, bytes))
        any |= set_number(test, step, field, PAGING_PAGE_BYTES);
    if (field->offset == offsetof(struct operation, meanwhile))
        return set_number(test, step, field, 1);
    for (unsigned bit = 0; bit < 64 && !is_late(); bit++)
        if (number >> bit & 1)
            any |=
                set_number(test, step, field, *operation_number(&test->steps[step], field) & ~(1ull << bit));
    return any;
}

/* An address must stay canonical: the index in the root is not changed. */
static bool is_an_address(const struct operation_field *field)
{
    return field->offset == offsetof(struct operation, address);
}

static bool plainer_address(struct test_case *test, unsigned step, const struct operation_field *field)
{
    bool any = false;
    for (unsigned level = (unsigned)test->options.levels; level > 0; level--) {
        uint64_t index = (uint64_t)(PAGING_TABLE_ENTRIES - 1)
                         << (PAGING_PAGE_SHIFT + PAGING_INDEX_BITS * (level - 1));
        uint64_t number = *operation_number(&test->steps[step], field);
        if (level < test->options.levels)
            any |= set_number(test, step, field, number & ~index);
    }
    return any | set_number(test, step, field,
                            *operation_number(&test->steps[step], field) & ~(PAGING_PAGE_BYTES - 1));
}

static bool plainer_steps(struct test_case *test)
{
    bool any = false;
    for (unsigned step = 0; step < test->count; step++)
        for (unsigned i = 0; operation_field(i) && !is_late(); i++)
            any |= is_an_address(operation_field(i)) ? plainer_address(test, step, operation_field(i))
                                                     : plainer_number(test, step, operation_field(i));
    return any;
}

static void plainer_machine(struct test_case *test)
{
    static struct test_case other;
    const struct machine_options all = {
        .levels = test->options.levels, .frame_bits = 34, .no_execute = 1, .pages_1g = 1};
    uint64_t *numbers[] = {&other.options.several,    &other.options.frames,   &other.options.breaks,
                           &other.options.invpcid,    &other.options.pages_1g, &other.options.no_execute,
                           &other.options.frame_bits, &other.options.direct};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        other = *test;
        size_t offset = (size_t)((char *)numbers[i] - (char *)&other.options);
        memcpy(numbers[i], (const char *)&all + offset, sizeof(*numbers[i]));
        if (memcmp(&other.options, &test->options, sizeof(other.options)) != 0)
            (void)adopt(test, &other);
    }
}

void case_shorten(struct test_case *test, unsigned seconds)
{
    deadline = time(NULL) + seconds;
    while (take_steps_out(test) && !is_late())
        ;
    plainer_machine(test);
    while (plainer_steps(test) && !is_late())
        (void)take_steps_out(test);
}
