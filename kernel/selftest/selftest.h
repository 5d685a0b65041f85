/*
 * selftest.h - tests that run on the real processor, through the live tables.
 *
 * A test gets the space it runs in, a frame allocator, and pages nobody else uses. It must leave everything
 * as it found it: after each test the runner compares frame and table counts, and checks the self-map.
 */
#ifndef KERNEL_SELFTEST_SELFTEST_H
#define KERNEL_SELFTEST_SELFTEST_H

#include "boot/handoff.h"
#include "frames/frames.h"

struct selftest_run {
    const struct handoff *handoff;
    struct paging_space *space;
    struct frames *frames;
    struct paging_frame_source *source; /* the same frames, as the core sees them */
    bool failed;
    const char *skip; /* why the test has nothing to say on this machine, or NULL */
};

struct selftest {
    const char *name; /* the behaviour: "unmap: the next access faults" */
    void (*run)(struct selftest_run *t);
};

/* Remember a failure and say where. Answers the condition. */
bool selftest_check(struct selftest_run *t, bool condition, const char *text, const char *file, int line);
#define CHECK(condition) selftest_check(t, condition, #condition, __FILE__, __LINE__)

/* A page for tests: number n of a part of the address space that nothing else uses. */
paging_page_t test_page(const struct selftest_run *t, uint64_t n);
paging_virt_t test_address(const struct selftest_run *t, paging_page_t page);
volatile uint64_t *test_words(const struct selftest_run *t, paging_page_t page);

/* The P1 entry of a mapped page, through the window: for tests that go behind the core's back. */
volatile paging_entry_t *test_leaf(const struct selftest_run *t, paging_page_t page);

/* PAGING_NO_EXECUTE if the processor has it. */
uint64_t no_execute(const struct selftest_run *t);

/*
 * Is every frame of a run memory, and the firmware's map of it without a gap? Where registers or broken
 * memory lie in between, one page over all of it must not be made: its caching would be undefined (SDM 3A,
 * 12.11.9), and the processor may look ahead into it.
 */
bool test_is_all_memory(const struct selftest_run *t, paging_frame_t start, uint64_t frames);

/* Lists end with a test without a name. */
extern const struct selftest start_tests[] __attribute__((visibility("hidden")));
extern const struct selftest operation_tests[] __attribute__((visibility("hidden")));
extern const struct selftest huge_tests[] __attribute__((visibility("hidden")));
extern const struct selftest fault_tests[] __attribute__((visibility("hidden")));
extern const struct selftest window_tests[] __attribute__((visibility("hidden")));
extern const struct selftest range_tests[] __attribute__((visibility("hidden")));
extern const struct selftest owned_tests[] __attribute__((visibility("hidden")));
extern const struct selftest space_tests[] __attribute__((visibility("hidden")));
extern const struct selftest frame_tests[] __attribute__((visibility("hidden")));
extern const struct selftest bench_tests[] __attribute__((visibility("hidden"))); /* if asked for: bench.h */
extern const struct selftest right_tests[] __attribute__((visibility("hidden")));
extern const struct selftest visit_tests[] __attribute__((visibility("hidden")));
extern const struct selftest flush_tests[] __attribute__((visibility("hidden")));
extern const struct selftest step_tests[] __attribute__((visibility("hidden")));
extern const struct selftest out_of_frames_tests[] __attribute__((visibility("hidden")));

extern const struct selftest matrix_tests[] __attribute__((visibility("hidden"))); /* matrix.h */
/* Run all that the options ask for, and report each. */
void selftest_run_all(struct handoff *handoff, struct frames *frames);

#endif
