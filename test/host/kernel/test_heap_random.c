/* SPDX-License-Identifier: MIT */
/*
 * heap_random: random calls against a model, which keeps what each block must hold. Frames run out now and
 * then, and all are back in the end.
 *
 * The same seed makes the same calls: SEED=n in the environment repeats a failure, OPERATIONS=n goes further.
 */
#include "kernel/heap_rig.h"
#include <stdio.h>

enum { MOST_BLOCKS = 120, CASE_CALLS = 600, CASES = 12 };

/* A block of the model. Its bytes follow from `seed`. */
struct model_block {
    uint8_t *block;
    uint64_t bytes, alignment;
    uint8_t seed;
};

static struct model_block blocks[MOST_BLOCKS];
static unsigned block_count;
static uint64_t live_bytes;
static unsigned refusals;

static uint8_t byte_of(uint8_t seed, uint64_t place)
{
    return (uint8_t)(seed + place * 7 + (place >> 8));
}

static void fill(struct model_block *block)
{
    block->seed = (uint8_t)rig_random(256);
    for (uint64_t i = 0; i < block->bytes; i++)
        block->block[i] = byte_of(block->seed, i);
}

static void assert_holds(const struct model_block *block, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        if (block->block[i] != byte_of(block->seed, i))
            fail_msg("byte %lu of the block %p of %lu bytes has changed", (unsigned long)i,
                     (void *)block->block, (unsigned long)block->bytes);
}

/* Small ones most of the time, and now and then one that takes many pages. */
static uint64_t random_bytes(void)
{
    uint64_t kind = rig_random(20);
    return 1 + rig_random(kind < 12 ? 200 : kind < 18 ? 5000 : kind < 19 ? 60000 : 700000);
}

static uint64_t random_alignment(void)
{
    return rig_random(3) == 0 ? (uint64_t)1 << rig_random(17) : HEAP_ALIGNMENT;
}

/* A call may be refused only if something was limited, and then nothing has changed. */
static bool is_refused(enum heap_status status, const struct heap_statistics *before)
{
    if (status == HEAP_OK)
        return false;
    assert_true(status == HEAP_NO_FRAMES || status == HEAP_NO_ADDRESSES);
    struct heap_statistics now = heap_statistics(&heap), expected = *before;
    expected.refused++;
    assert_memory_equal(&now, &expected, sizeof now);
    refusals++;
    return true;
}

static void allocate_one(void)
{
    struct model_block new = {.bytes = random_bytes(), .alignment = random_alignment()};
    struct heap_statistics before = heap_statistics(&heap);
    void *block;
    if (block_count == MOST_BLOCKS ||
        is_refused(heap_allocate_aligned(&heap, new.bytes, new.alignment, &block), &before))
        return;
    new.block = block;
    assert_int_equal((uintptr_t)block % new.alignment, 0);
    assert_true((uintptr_t)block >= heap.blocks && (uintptr_t)block + new.bytes <= heap.blocks + heap.bytes);
    fill(&new);
    blocks[block_count++] = new;
    live_bytes += new.bytes;
}

static void free_one(void)
{
    if (block_count == 0)
        return;
    struct model_block *old = &blocks[rig_random(block_count)];
    assert_holds(old, old->bytes);
    live_bytes -= old->bytes;
    assert_heap(heap_free(&heap, old->block), HEAP_OK);
    if (heap.setup.debug)
        assert_faults((uintptr_t)old->block);
    *old = blocks[--block_count];
}

static void resize_one(void)
{
    if (block_count == 0)
        return;
    struct model_block *block = &blocks[rig_random(block_count)];
    uint64_t bytes = random_bytes();
    struct heap_statistics before = heap_statistics(&heap);
    void *moved = block->block;
    if (is_refused(heap_resize_aligned(&heap, bytes, block->alignment, &moved), &before)) {
        assert_ptr_equal(moved, block->block);
        return;
    }
    live_bytes += bytes - block->bytes;
    block->block = moved;
    assert_int_equal((uintptr_t)moved % block->alignment, 0);
    assert_holds(block, bytes < block->bytes ? bytes : block->bytes);
    block->bytes = bytes;
    fill(block);
}

/* From now on there are few frames, or all of them again. */
static void ration(void)
{
    if (rig_random(2) == 0)
        machine_unlimit_frames();
    else
        machine_limit_frames((unsigned)rig_random(80));
}

static void call_once(void)
{
    uint64_t kind = rig_random(100);
    if (kind < 45)
        allocate_one();
    else if (kind < 75)
        free_one();
    else if (kind < 97)
        resize_one();
    else
        ration();
}

static void agree(void)
{
    struct heap_statistics now = heap_statistics(&heap);
    assert_heap(heap_check(&heap), HEAP_OK);
    assert_int_equal(now.live_blocks, block_count);
    assert_int_equal(now.live_bytes, live_bytes);
    assert_true(now.mapped_bytes >= live_bytes + now.free_bytes);
    machine_audit();
}

/* One life of a heap, from the first block until all are freed, or it is destroyed with what is left. */
static void one_case(bool debug)
{
    heap_begin(debug ? 8 << 20 : 6 << 20, debug);
    block_count = 0;
    live_bytes = 0;
    for (unsigned i = 0; i < CASE_CALLS; i++) {
        call_once();
        if (i % 50 == 0)
            agree();
    }
    agree();
    machine_unlimit_frames();
    for (bool all = rig_random(2) == 0; all && block_count > 0;)
        free_one();
    agree();
    for (unsigned i = 0; i < block_count; i++)
        assert_holds(&blocks[i], blocks[i].bytes);
    heap_close();
}

static void run(bool debug)
{
    uint64_t seed = rig_environment("SEED", 1);
    uint64_t calls = rig_environment("OPERATIONS", CASES * CASE_CALLS);
    refusals = 0;
    for (uint64_t done = 0; done < calls; done += CASE_CALLS, seed++) {
        printf("# SEED=%lu\n", (unsigned long)seed);
        heap_machine_open();
        rig.random = (seed + 1) * 0x9e3779b97f4a7c15;
        one_case(debug);
    }
    assert_true(refusals > 0 || calls < CASES * CASE_CALLS);
}

static void chunks(void **state)
{
    run(false);
}

static void whole_pages(void **state)
{
    run(true);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("heap: random calls agree with a model", chunks),
    RIG_TEST("heap: random calls in debug mode agree with a model", whole_pages),
};

RIG_MAIN("heap_random", tests)
