/* SPDX-License-Identifier: MIT */
/*
 * selftest.h - tests that run on the real processor, through the active tables.
 *
 * A test gets the active space, a frame allocator, and pages that nothing else uses. It must leave everything
 * as it was: after each test the runner compares the counts of frames and tables, and checks CR3 and the
 * recursive slot.
 */
#ifndef KERNEL_SELFTEST_SELFTEST_H
#define KERNEL_SELFTEST_SELFTEST_H

#include "console/framebuffer.h"
#include "cpu/safe_access.h"
#include "cpu/tsc.h"
#include "frames/arena.h"
#include "frames/frames.h"
#include "frames/memory_map.h"
#include "selftest/test_slots.h"

/* A run of frames that the loader mapped to its own address, and that is still mapped. */
struct selftest_region {
    const char *name;
    paging_frame_t start, end; /* half-open */
};

/* What the tests have to know. boot/main.c fills it in. */
struct selftest_setup {
    struct paging_space *space;         /* the active one */
    struct paging_space *runtime_space; /* the firmware's, unreachable */
    struct frames *frames;
    const struct memory_region *memory; /* the last memory map, sorted */
    size_t memory_count;

    /* Calls back for each run that the active space does not map any more (boot/runtime_space.h). */
    void (*for_each_released)(void (*callback)(void *context, struct frame_run run, bool for_runtime),
                              void *context);

    /* What the loader did. */
    const struct selftest_region *regions;
    unsigned region_count;
    const struct arena *arena;   /* the frames that the first tables were taken from */
    uint64_t tables_not_adopted; /* tables of the arena whose frames are not the allocator's */
    struct framebuffer framebuffer;
    uint64_t firmware_cr3;
    uint64_t stack_guard, stack_top;
    const struct time_mark *marks; /* the steps from the entry point to the kernel's tables */
    unsigned mark_count, mark_limit;

    /* What the options ask for (boot/options.h). */
    const char *tests;     /* which tests (chosen_tests.h) */
    uint64_t soak_seconds; /* repeat them for so long; 0: one round */
    unsigned fail_round;   /* make a test fail in this round; 0: in none */
    bool crashes;          /* the first test raises an exception; in a soak, in the second round */
    bool hangs;            /* it does not end */
    uint64_t (*late_changes)(uint64_t *audited);     /* pages that somebody has written to; prints which */
    bool slow;                                       /* wait a second before each test of the first round */
    const char *const *option_errors;                /* a sentence about each word that is not an option */
    unsigned option_errors_kept, option_error_count; /* how many sentences, and how many such words */
    bool bench;                                      /* measure each operation (bench/bench_run.h) */
    /* Try the access matrix (matrix/matrix.h): a sample of it, about ten times as many cases, or all. */
    bool matrix, dense_matrix, whole_matrix;
};

enum { SELFTEST_REASON_LIMIT = 240 };

/* One test while it runs. */
struct selftest_run {
    const struct selftest_setup *setup;
    struct paging_space *space;         /* setup->space */
    struct frames *frames;              /* setup->frames */
    struct paging_frame_source *source; /* the same frames, as the core takes them */
    unsigned wanted;                    /* how many tests the options name */
    uint64_t round;                     /* from 1; more than 1 in a soak only */
    bool fails_on_purpose;              /* the next test does, in the round that the option fail= names */
    struct test_slots slots;            /* of the test pages */
    bool needs_pages;                   /* the test that runs has no meaning without test pages */
    bool failed;
    unsigned failures;                  /* checks that failed */
    char reason[SELFTEST_REASON_LIMIT]; /* the first check that failed; "" if none did, or it did not say */
    const char *skip;                   /* why the test cannot say anything on this machine, or NULL */
    char skip_text[SELFTEST_REASON_LIMIT]; /* where test_skip puts it */
};

struct selftest {
    const char *name; /* the behaviour: "unmap: the next access faults" */
    void (*run)(struct selftest_run *t);
};

/* Runs the tests that the options ask for and reports each. */
void selftest_run_all(const struct selftest_setup *setup);

/* Prints which test was running, if one was. For the report of a crash. */
void selftest_tell_crash(void);

/*
 * The hook `expected_fault` of the exception handler, after that of safe_access.h: ends a test that has
 * failed and uses a page that it could not map.
 */
bool selftest_takes_fault(struct exception_frame *frame);

/* ---- for tests ---- */

/*
 * Return whether the condition is true, or the status is as expected. If not, they print where and what came
 * instead, and fail the test `t`, which goes on. Of many failures in a test the first few are printed.
 */
#define CHECK(condition)             check_here(t, condition, #condition, __LINE__)
#define CHECK_OK(call)               check_status_here(t, call, PAGING_OK, #call, __LINE__)
#define CHECK_STATUS(call, expected) check_status_here(t, call, expected, #call, __LINE__)
bool selftest_check(struct selftest_run *t, bool condition, const char *text, const char *file, int line);
bool selftest_check_status(struct selftest_run *t, enum paging_status status, enum paging_status expected,
                           const char *call, const char *file, int line);

/* Add the file. One copy per source file makes the image 3 KiB smaller than an argument in each check. */
static __attribute__((noinline, unused)) bool check_here(struct selftest_run *t, bool condition,
                                                         const char *text, int line)
{
    return selftest_check(t, condition, text, __BASE_FILE__, line);
}

static __attribute__((noinline, unused)) bool check_status_here(struct selftest_run *t,
                                                                enum paging_status status,
                                                                enum paging_status expected, const char *call,
                                                                int line)
{
    return selftest_check_status(t, status, expected, call, __BASE_FILE__, line);
}

/* Fails the test for a reason that is put together, and prints it unless the test has failed often. */
__attribute__((format(printf, 2, 3))) void test_fail(struct selftest_run *t, const char *why, ...);

/* Skips the test for a reason that is put together. */
__attribute__((format(printf, 2, 3))) void test_skip(struct selftest_run *t, const char *reason, ...);

/* Chooses the root slots of the test pages. Called once. */
void test_find_slots(struct selftest_run *t);

/* Returns whether the test pages have this many slots of the root. If not, skips the test. */
bool test_has_slots(struct selftest_run *t, uint64_t count);

/* Returns page n of a part of the address space that nothing else uses: t->slots.count slots of the root. */
paging_page_t test_page(const struct selftest_run *t, uint64_t n);

/* Returns page n of a slot in the upper half, which nothing else uses either. */
paging_page_t test_upper_page(const struct selftest_run *t, uint64_t n);

/* Returns how many pages it takes to map all memory, and what lies in between, from address 0 on. */
uint64_t test_memory_pages(const struct selftest_run *t);

/*
 * Returns whether the loader has left this page of the lower half to the tests. If it has mapped memory
 * there, because the firmware's map asks for that, skips the test and names the region.
 */
bool test_page_is_free(struct selftest_run *t, paging_page_t page);

/* Return the address of a page, and the same as a pointer. */
paging_virt_t test_address(const struct selftest_run *t, paging_page_t page);
volatile uint64_t *test_words(const struct selftest_run *t, paging_page_t page);

/* Returns the P1 entry of a mapped page, through the recursive slot, to change it without the core. */
volatile paging_entry_t *test_leaf(const struct selftest_run *t, paging_page_t page);

/* Returns PAGING_NO_EXECUTE if the processor has it, else 0. */
uint64_t no_execute(const struct selftest_run *t);

/*
 * Returns whether what a report about this fault begins with contains the text. If it does not, prints what
 * it is.
 */
bool test_explains(struct safe_access fault, const char *text);

/*
 * Returns whether all frames of a run are memory that the processor may read ahead. If device registers,
 * broken or excluded memory lie between them, the run must not be mapped as one page: its memory type would
 * be undefined (SDM 3A, 12.11.9), and the processor may access it speculatively.
 */
bool test_is_all_memory(const struct selftest_run *t, paging_frame_t start, uint64_t frames);

/*
 * Maps in another space what the active one maps in its lower half: image, stack, tables, test pages. Both
 * spaces then run the same code. `refused` are flags that the other space cannot have.
 */
enum paging_status test_map_lower_half(const struct selftest_run *t, struct paging_space *other,
                                       uint64_t refused, struct paging_frame_source *frames);

/* ---- the tests, in the order in which they run; each list ends with a test without a name ---- */

extern const struct selftest start_state_tests[] __attribute__((visibility("hidden")));
extern const struct selftest single_page_tests[] __attribute__((visibility("hidden")));
extern const struct selftest huge_page_tests[] __attribute__((visibility("hidden")));
extern const struct selftest fault_tests[] __attribute__((visibility("hidden")));
extern const struct selftest window_tests[] __attribute__((visibility("hidden")));
extern const struct selftest range_tests[] __attribute__((visibility("hidden")));
extern const struct selftest owned_frame_tests[] __attribute__((visibility("hidden")));
extern const struct selftest space_tests[] __attribute__((visibility("hidden")));
extern const struct selftest heap_tests[] __attribute__((visibility("hidden")));
extern const struct selftest frame_allocator_tests[] __attribute__((visibility("hidden")));
extern const struct selftest right_tests[] __attribute__((visibility("hidden")));
extern const struct selftest for_each_tests[] __attribute__((visibility("hidden")));
extern const struct selftest flush_tests[] __attribute__((visibility("hidden")));
extern const struct selftest out_of_frames_tests[] __attribute__((visibility("hidden")));
extern const struct selftest matrix_tests[] __attribute__((visibility("hidden")));
extern const struct selftest single_step_tests[] __attribute__((visibility("hidden")));
extern const struct selftest bench_tests[] __attribute__((visibility("hidden"))); /* only with bench=yes */

#endif
