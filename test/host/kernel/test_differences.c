/* SPDX-License-Identifier: MIT */
/* differences: cases of the access matrix that are not as predicted, by class, and the smallest of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"
#include "kernel/console/format.h"
#include "kernel/selftest/matrix/matrix.h"

#define ADDRESS UINT64_C(0x6480c0a07000)
#define PLAIN   (PAGING_PRESENT | PAGING_WRITABLE | PAGING_USER | PAGING_ACCESSED | PAGING_DIRTY)

static char printed[4096];
static struct matrix m;
static struct selftest_run run;
static struct paging_space space;
static const struct matrix_place place = {
    .size = PAGING_4K, .address = {ADDRESS}, .plain = {{0}, {PLAIN}, {PLAIN}, {PLAIN}, {PLAIN}}};

void print(const char *text, ...)
{
    size_t length = strlen(printed);
    struct text_sink sink = text_sink(printed + length, sizeof printed - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *deviation_name(enum deviation deviation)
{
    return deviation == DEVIATION_IMPLICIT ? "implicit" : "another";
}

/* A read that is allowed and does all that is predicted. */
static struct matrix_difference plain(void)
{
    struct matrix_difference found = {
        .query = {.place = &place, .above = PAGING_2M, .kind = MATRIX_READ},
        .predicted = {.code = MATRIX_NO_FAULT, .end = PAGING_4K, .lenient_from = PAGING_MAX_LEVELS + 1},
        .outcome = {.code = MATRIX_NO_FAULT, .word = 5},
        .memory = 5,
        .memory_after = 5};
    for (unsigned level = PAGING_4K; level <= 4; level++)
        found.before.entries[level] = found.predicted.entries[level] = found.after[level] =
            place.plain[level];
    return found;
}

static int begin(void **state)
{
    (void)state;
    space.cpu.levels = 4;
    run.space = &space;
    memset(&m, 0, sizeof m);
    m.t = &run;
    printed[0] = '\0';
    return 0;
}

/* Checks that the difference counts in this class only, and that the report has this clause. */
static void expect(struct matrix_difference found, enum matrix_class class, const char *words)
{
    (void)begin(NULL);
    matrix_count(&m, &found);
    for (unsigned i = 0; i < MATRIX_CLASSES; i++)
        assert_int_equal(m.classes[i].cases, i == class);
    matrix_print_classes(&m, "4k");
    char line[128];
    snprintf(line, sizeof line, "\n# smallest: of 1 cases, %s\n# differs: ring 0, read of a 4 KiB page",
             words);
    if (!strstr(printed, line))
        fail_msg("not \"%s\" but \"%s\"", line, printed);
}

static void classes_and_clauses(void **state)
{
    (void)state;
    struct matrix_difference found = plain();
    found.predicted.code = PAGING_FAULT_PRESENT;
    expect(found, MATRIX_IS_ALLOWED, "allowed instead of refused; SDM 3A 4.6.1");
    found.predicted.code = PAGING_FAULT_PRESENT | PAGING_FAULT_KEY;
    expect(found, MATRIX_IS_ALLOWED, "allowed instead of refused; SDM 3A 4.6.2");
    found.predicted.code = PAGING_FAULT_PRESENT | PAGING_FAULT_RESERVED;
    expect(found, MATRIX_IS_ALLOWED, "allowed instead of refused; SDM 3A 4.5");
    found = plain();
    found.outcome = (struct matrix_outcome){PAGING_FAULT_PRESENT, ADDRESS};
    expect(found, MATRIX_IS_REFUSED, "refused instead of allowed; SDM 3A 4.6.1");
    found.outcome.code = 0;
    expect(found, MATRIX_IS_REFUSED, "refused instead of allowed; SDM 3A 4.5");
    found.predicted.code = PAGING_FAULT_PRESENT;
    expect(found, MATRIX_ERROR_CODE, "refused with another error code; SDM 3A 4.7");
    found.outcome = (struct matrix_outcome){PAGING_FAULT_PRESENT, ADDRESS + 1};
    expect(found, MATRIX_ADDRESS, "refused with another address in CR2; SDM 3A 4.7");
    found = plain();
    found.after[PAGING_4K].bits ^= PAGING_DIRTY;
    expect(found, MATRIX_MARKS, "other accessed or dirty bits; SDM 3A 4.8");
    found = plain();
    found.after[4].bits ^= PAGING_ACCESSED;
    expect(found, MATRIX_MARKS, "other accessed or dirty bits; SDM 3A 4.8");
    found.predicted.lenient_from = 4; /* there the accessed bit may be as it likes */
    expect(found, MATRIX_WORD, "another word was read or written; SDM 3A 4.5");
}

/* Bits of the entries, control bits, and the access count; of equal ones the first stays. */
static void the_smallest_is_kept(void **state)
{
    (void)state;
    struct matrix_example example = {0};
    struct matrix_difference larger = plain(), smaller = plain(), equal;
    larger.before.entries[PAGING_4K].bits ^= PAGING_WRITABLE | PAGING_USER;
    larger.controls.smep = larger.controls.smap = true;
    smaller.before.entries[4].bits ^= PAGING_NO_EXECUTE;
    smaller.controls.write_protect = true;
    equal = smaller;
    equal.memory = 1234;
    matrix_example_add(&example, &larger);
    assert_true(example.smallest.controls.smep);
    matrix_example_add(&example, &smaller);
    assert_true(example.smallest.controls.write_protect);
    matrix_example_add(&example, &equal);
    matrix_example_add(&example, &larger);
    assert_int_equal(example.smallest.memory, 5);
    assert_int_equal(example.cases, 4);
    for (unsigned i = 0; i < 8; i++) { /* one thing less */
        struct matrix_difference with = plain(), without = plain();
        struct matrix_controls *controls = &with.controls;
        bool *bits[] = {&controls->no_execute, &controls->write_protect,   &controls->smep,
                        &controls->smap,       &controls->protection_keys, &with.query.is.ac,
                        &with.query.is.user};
        if (i < 7)
            *bits[i] = true;
        else
            with.query.kind = MATRIX_FETCH;
        with.memory = 99;
        struct matrix_example one = {0};
        matrix_example_add(&one, &with);
        matrix_example_add(&one, &without);
        assert_int_equal(one.smallest.memory, 5);
    }
}

static void nothing_differs(void **state)
{
    (void)state;
    matrix_print_classes(&m, "keys");
    matrix_print_deviations(&m);
    assert_string_equal(printed,
                        "# differences_keys=allowed=0 refused=0 error_code=0 address=0 marks=0 word=0\n");
}

static void known_deviations_have_their_case(void **state)
{
    (void)state;
    struct matrix_difference found = plain();
    found.predicted.code = PAGING_FAULT_PRESENT;
    matrix_example_add(&m.deviations[DEVIATION_IMPLICIT], &found);
    matrix_example_add(&m.deviations[DEVIATION_IMPLICIT], &found);
    matrix_print_deviations(&m);
    assert_non_null(
        strstr(printed, "# smallest: of 2 cases, deviation_implicit\n# differs: ring 0, read of a"));
    assert_non_null(
        strstr(printed, "\n#   P1 entry 0000000000000067: present writable user accessed dirty;"));
    assert_non_null(strstr(printed, "\n#   predicted: a page fault, error code 1: no right, supervisor\n"
                                    "#   the processor: no fault\n"
                                    "#   the word was 0000000000000005, memory holds 0000000000000005\n"));
    assert_null(strstr(printed, "P5"));
}

int main(void)
{
#define TEST(name, function)              \
    {                                     \
        name, function, begin, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST("differences: each has its class and the clause that decides", classes_and_clauses),
        TEST("differences: the smallest case is kept", the_smallest_is_kept),
        TEST("differences: if there is none, one line says so", nothing_differs),
        TEST("differences: a known deviation is shown with its smallest case",
             known_deviations_have_their_case),
    };
    return cmocka_run_group_tests_name("differences", tests, NULL, NULL);
}
