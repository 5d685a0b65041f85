/* SPDX-License-Identifier: MIT */
/*
 * heap_rig.h - a heap on the machine whose MMU is the host's: what the heap reads and writes are real
 * accesses.
 */
#ifndef HOST_KERNEL_HEAP_RIG_H
#define HOST_KERNEL_HEAP_RIG_H

#include "kernel/heap/heap.h"
#include "rig/rig.h"
#include <string.h>

enum { HEAP_RIG_FRAMES = 3000, HEAP_RIG_FINDINGS = 16 };

static struct heap heap;
static struct heap_finding found[HEAP_RIG_FINDINGS];
static unsigned found_count;

static inline void note_finding(void *context, const struct heap_finding *finding)
{
    assert_ptr_equal(context, &heap);
    assert_true(found_count < HEAP_RIG_FINDINGS);
    found[found_count++] = *finding;
}

static inline void assert_heap(enum heap_status got, enum heap_status expected)
{
    if (got != expected)
        fail_msg("status is \"%s\", expected \"%s\"", heap_status_name(got), heap_status_name(expected));
}

static inline struct heap_setup heap_setup(uint64_t limit, bool debug)
{
    return (struct heap_setup){.space = &rig.space,
                               .frames = machine_frames(),
                               .start = {PLACE},
                               .limit = limit,
                               .debug = debug,
                               .found = note_finding,
                               .context = &heap};
}

/* Opens a machine with frames enough for a few MiB. */
static inline void heap_machine_open(void)
{
    struct machine_setup setup = rig_setup();
    setup.frames = HEAP_RIG_FRAMES;
    rig_open_on(setup);
    found_count = 0;
}

/* Makes a heap on the machine that is open. */
static inline void heap_begin(uint64_t limit, bool debug)
{
    const struct heap_setup setup = heap_setup(limit, debug);
    assert_heap(heap_create(&heap, &setup), HEAP_OK);
}

static inline void heap_open(uint64_t limit, bool debug)
{
    heap_machine_open();
    heap_begin(limit, debug);
}

/* Ends the heap: everything it has taken is back, and the space is empty. */
static inline void heap_is_gone(void)
{
    assert_heap(heap_destroy(&heap), HEAP_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

/* As above, after nothing was found. */
static inline void heap_close(void)
{
    assert_heap(heap_check(&heap), HEAP_OK);
    assert_int_equal(found_count, 0);
    heap_is_gone();
}

static inline void *block_of_bytes(uint64_t bytes)
{
    void *block = NULL;
    assert_heap(heap_allocate(&heap, bytes, &block), HEAP_OK);
    assert_non_null(block);
    return block;
}

/* Returns how many pages for blocks there are. */
static inline unsigned mapped_pages(void)
{
    return (unsigned)(heap_statistics(&heap).mapped_bytes / PAGING_PAGE_BYTES);
}

static inline void assert_faults(uintptr_t address)
{
    assert_true(machine_access(address, WALK_READ).faulted);
    assert_true(machine_access(address, WALK_WRITE).faulted);
}

static inline void assert_accessible(uintptr_t address)
{
    assert_false(machine_access(address, WALK_READ).faulted);
    assert_false(machine_access(address, WALK_WRITE).faulted);
}

/* Returns the last finding, which must be this one. */
static inline struct heap_finding last_finding(enum heap_status kind)
{
    assert_true(found_count > 0);
    assert_heap(found[found_count - 1].kind, kind);
    return found[found_count - 1];
}

/* Asserts that a return address lies in a function, of which it knows where it begins. */
static inline void assert_in_function(uintptr_t address, uintptr_t function)
{
    assert_in_range(address, function, function + 512);
}

#endif
