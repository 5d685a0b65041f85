/* SPDX-License-Identifier: MIT */
/* stop_test.c - ends a test at its first page fault after a failed check, and removes its pages. */
#include "selftest/stop_test.h"
#include "console/console.h"
#include "cpu/instructions.h"
#include "heap/heap.h"
#include <selfmap/range.h>

struct test_stop_point {
    uint64_t ip, sp; /* for stop_test.S, which expects them in this order */
};

void stop_test_call(struct test_stop_point *point, void (*run)(struct selftest_run *t),
                    struct selftest_run *t) __attribute__((visibility("hidden")));

static struct test_stop_point stop_point;
static struct selftest_run *volatile running;
static volatile uint64_t stopped_at; /* the address of the page fault, or 0 */

static bool is_test_address(const struct selftest_run *t, uint64_t address)
{
    uint64_t slot = paging_level_bytes(t->space->cpu.levels);
    paging_virt_t start = test_address(t, test_page(t, 0));
    return address - start.value < t->slots.count * slot ||
           address - heap_default_start(t->space->cpu.levels).value < slot;
}

bool selftest_takes_fault(struct exception_frame *frame)
{
    struct selftest_run *t = running;
    if (!t || !t->failed || frame->vector != PAGE_FAULT || !is_test_address(t, read_cr2()))
        return false;
    if ((read_cr3() & PAGING_FRAME_MASK) != paging_root_address(t->space).value)
        return false; /* in another space nothing can be undone */
    stopped_at = read_cr2();
    frame->rip = stop_point.ip;
    frame->rsp = stop_point.sp;
    return true;
}

/* Whatever is there: of a status nothing follows. */
static void unmap_test_pages(struct selftest_run *t)
{
    paging_virt_t start = test_address(t, test_page(t, 0));
    uint64_t slot = paging_level_bytes(t->space->cpu.levels);
    for (unsigned i = 0; i < t->slots.count; i++, start.value += slot)
        (void)!paging_unmap_range(t->space, start, slot, t->source);
    (void)!paging_unmap_range(t->space, test_address(t, test_upper_page(t, 0)), slot, t->source);
    (void)!paging_unmap_range(t->space, heap_default_start(t->space->cpu.levels), slot, t->source);
}

void stop_test_run(struct selftest_run *t, void (*run)(struct selftest_run *t))
{
    stopped_at = 0;
    running = t;
    stop_test_call(&stop_point, run, t);
    running = NULL;
    if (stopped_at)
        print("# stopped this test: page fault at %016lx, where it could not map a page\n", stopped_at);
    if (t->failed)
        unmap_test_pages(t);
}
