/* SPDX-License-Identifier: MIT */
/* heap: blocks keep their bytes, in whatever length and alignment; heaps are made and destroyed. */
#include "kernel/heap_rig.h"

enum { LIMIT = 16 << 20, SMALL_BLOCKS = 200 };

/* ---- blocks ---- */

static void blocks_are_apart(void **state)
{
    static uint8_t *blocks[SMALL_BLOCKS];
    heap_open(LIMIT, false);
    for (unsigned i = 0; i < SMALL_BLOCKS; i++) {
        blocks[i] = block_of_bytes(i + 1);
        assert_int_equal((uintptr_t)blocks[i] % HEAP_ALIGNMENT, 0);
        memset(blocks[i], (int)i, i + 1);
    }
    assert_heap(heap_check(&heap), HEAP_OK);
    for (unsigned i = 0; i < SMALL_BLOCKS; i++) {
        for (unsigned n = 0; n <= i; n++)
            assert_int_equal(blocks[i][n], i);
        assert_heap(heap_free(&heap, blocks[i]), HEAP_OK);
    }
    struct heap_statistics now = heap_statistics(&heap);
    assert_int_equal(now.live_blocks, 0);
    assert_int_equal(now.live_bytes, 0);
    assert_int_equal(now.peak_live_bytes, SMALL_BLOCKS * (SMALL_BLOCKS + 1) / 2);
    assert_int_equal(now.free_chunks, 1);
    assert_int_equal(now.free_bytes, now.mapped_bytes);
    heap_close();
}

/* A freed block of the very size is found, also where the classes that are asked first are of larger ones. */
static void freed_memory_is_used_again(void **state)
{
    static const uint64_t sizes[] = {1, 40, 1000, 5000, 70000, 1 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        heap_open(LIMIT, false);
        void *block = block_of_bytes(sizes[i]);
        if (heap_statistics(&heap).free_bytes > 0)
            (void)block_of_bytes(heap_statistics(&heap).free_bytes - 24); /* all that is left */
        assert_int_equal(heap_statistics(&heap).free_bytes, 0);
        for (unsigned n = 0; n < 3; n++) {
            assert_heap(heap_free(&heap, block), HEAP_OK);
            assert_ptr_equal(block_of_bytes(sizes[i]), block);
        }
        assert_int_equal(heap_statistics(&heap).grown, 1);
        heap_close();
    }
}

/* Of free chunks of many sizes one is taken that wastes little. */
static void fit_is_good(void **state)
{
    void *blocks[12], *walls[12];
    heap_open(LIMIT, false);
    for (unsigned i = 0; i < 12; i++) {
        blocks[i] = block_of_bytes((uint64_t)100 << i);
        walls[i] = block_of_bytes(1);
    }
    for (unsigned i = 0; i < 12; i++)
        assert_heap(heap_free(&heap, blocks[11 - i]), HEAP_OK);
    for (unsigned i = 0; i < 12; i++)
        assert_ptr_equal(block_of_bytes(((uint64_t)100 << i) - (6 << i)), blocks[i]);
    (void)walls;
    heap_close();
}

static void aligned_as_asked(void **state)
{
    heap_open(LIMIT, false);
    for (uint64_t alignment = 1; alignment <= 2 << 20; alignment *= 2)
        for (uint64_t bytes = 1; bytes < 100000; bytes = bytes * 7 + 3) {
            void *block;
            assert_heap(heap_allocate_aligned(&heap, bytes, alignment, &block), HEAP_OK);
            assert_int_equal((uintptr_t)block % alignment, 0);
            assert_int_equal((uintptr_t)block % HEAP_ALIGNMENT, 0);
            memset(block, 0xff, bytes);
            void *other = block_of_bytes(bytes);
            assert_heap(heap_check(&heap), HEAP_OK);
            assert_heap(heap_free(&heap, block), HEAP_OK);
            assert_heap(heap_free(&heap, other), HEAP_OK);
        }
    heap_close();
}

static void bad_requests_are_refused(void **state)
{
    void *block = &heap;
    heap_open(LIMIT, false);
    assert_heap(heap_allocate(&heap, 0, &block), HEAP_NO_BYTES);
    assert_heap(heap_allocate_aligned(&heap, 1, 0, &block), HEAP_BAD_ALIGNMENT);
    assert_heap(heap_allocate_aligned(&heap, 1, 24, &block), HEAP_BAD_ALIGNMENT);
    assert_heap(heap_allocate_aligned(&heap, 1, 2 * HEAP_ALIGNMENT_LIMIT, &block), HEAP_BAD_ALIGNMENT);
    assert_heap(heap_allocate_aligned(&heap, 1, HEAP_ALIGNMENT_LIMIT, &block), HEAP_NO_ADDRESSES);
    assert_heap(heap_allocate(&heap, LIMIT, &block), HEAP_NO_ADDRESSES);
    assert_heap(heap_allocate(&heap, UINT64_MAX, &block), HEAP_NO_ADDRESSES);
    assert_heap(heap_resize(&heap, 0, &block), HEAP_NO_BYTES);
    assert_ptr_equal(block, &heap);
    assert_int_equal(mapped_pages(), 0);
    assert_int_equal(heap_statistics(&heap).refused, 3);
    assert_heap(heap_free(&heap, NULL), HEAP_OK);
    heap_close();
}

/* ---- other lengths ---- */

static void assert_bytes(const uint8_t *block, uint64_t bytes, uint8_t value)
{
    for (uint64_t i = 0; i < bytes; i++)
        assert_int_equal(block[i], value);
}

static void resized_in_place(void **state)
{
    void *block = NULL;
    heap_open(LIMIT, false);
    assert_heap(heap_resize(&heap, 5000, &block), HEAP_OK); /* of no block: a new one */
    void *first = block, *wall = block_of_bytes(100);
    memset(block, 7, 5000);
    assert_heap(heap_resize(&heap, 200, &block), HEAP_OK);
    assert_ptr_equal(block, first);
    uint64_t free = heap_statistics(&heap).free_bytes;
    assert_heap(heap_resize(&heap, 4900, &block), HEAP_OK); /* into what it has left */
    assert_ptr_equal(block, first);
    assert_int_equal(heap_statistics(&heap).free_bytes, free - 4704);
    assert_bytes(block, 200, 7);
    assert_heap(heap_resize(&heap, 5100, &block), HEAP_OK); /* the wall is in the way */
    assert_ptr_not_equal(block, first);
    assert_bytes(block, 200, 7);
    assert_heap(heap_free(&heap, wall), HEAP_OK);
    first = block;
    assert_heap(heap_resize(&heap, 3 << 20, &block), HEAP_OK); /* it is the last: the heap grows */
    assert_ptr_equal(block, first);
    assert_bytes(block, 200, 7);
    assert_int_equal(heap_statistics(&heap).live_bytes, 3 << 20);
    assert_heap(heap_resize(&heap, 10, &block), HEAP_OK); /* and shrinks */
    assert_true(mapped_pages() < 64);
    assert_heap(heap_free(&heap, block), HEAP_OK);
    heap_close();
}

static void resized_with_alignment(void **state)
{
    void *block, *wall;
    heap_open(LIMIT, false);
    assert_heap(heap_allocate_aligned(&heap, 100, 4096, &block), HEAP_OK);
    memset(block, 9, 100);
    void *first = block;
    wall = block_of_bytes(5000); /* right behind it */
    assert_heap(heap_resize_aligned(&heap, 20000, 4096, &block), HEAP_OK);
    assert_ptr_not_equal(block, first);
    assert_int_equal((uintptr_t)block % 4096, 0);
    assert_bytes(block, 100, 9);
    first = block;
    assert_heap(heap_resize_aligned(&heap, 50, 1 << 20, &block), HEAP_OK); /* shorter, but elsewhere */
    assert_int_equal((uintptr_t)block % (1 << 20), 0);
    assert_bytes(block, 50, 9);
    assert_heap(heap_free(&heap, block), HEAP_OK);
    assert_heap(heap_free(&heap, wall), HEAP_OK);
    heap_close();
}

/* ---- making one ---- */

static void bad_setups(void **state)
{
    heap_machine_open();
    const struct heap_setup good = heap_setup(LIMIT, false);
    struct heap_setup bad[8];
    for (unsigned i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].space = NULL;
    bad[1].frames = NULL;
    bad[2].found = NULL;
    bad[3].start.value += 8;
    bad[4].limit += 8;
    bad[5].limit = 0;
    bad[6].limit = HEAP_LIMIT_BYTES + PAGING_PAGE_BYTES;
    bad[7].start.value = (1ull << 47) - (1 << 20); /* it runs into the gap */
    for (unsigned i = 0; i < 8; i++)
        assert_heap(heap_create(&heap, &bad[i]), i < 7 ? HEAP_BAD_SETUP : HEAP_PLACE_TAKEN);
    assert_int_equal(heap.refusal, PAGING_NOT_CANONICAL);
    if (rig_has_windows()) {
        bad[7].start.value = PAGING_RECURSIVE_SLOT * SLOT_BYTES - (1 << 20);
        assert_heap(heap_create(&heap, &bad[7]), HEAP_PLACE_TAKEN);
    }
    assert_int_equal(machine_frames_out(), rig.base_frames);
    rig_check();
}

static void taken_places(void **state)
{
    heap_machine_open();
    const struct heap_setup setup = heap_setup(LIMIT, false);
    uint64_t end = PLACE + heap_address_bytes(LIMIT, false);
    const uint64_t pages[] = {PLACE, PLACE + 5 * MIB, end - PAGING_PAGE_BYTES};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_map_to(pages[i], DEVICE_FRAME, RW), PAGING_OK);
        assert_heap(heap_create(&heap, &setup), HEAP_PLACE_TAKEN);
        assert_int_equal(heap.refusal, PAGING_NO_HOLE);
        assert_status(rig_unmap(pages[i]), PAGING_OK);
    }
    assert_status(rig_map_to(end, DEVICE_FRAME, RW), PAGING_OK);
    assert_heap(heap_create(&heap, &setup), HEAP_OK);
    assert_heap(heap_destroy(&heap), HEAP_OK);
    assert_status(rig_unmap(end), PAGING_OK);
}

static void made_without_frames(void **state)
{
    heap_machine_open();
    const struct heap_setup setup = heap_setup(HEAP_LIMIT_BYTES, false);
    enum heap_status status = HEAP_NO_FRAMES;
    unsigned left = 0;
    for (; left < 20 && status == HEAP_NO_FRAMES; left++) {
        machine_limit_frames(left);
        status = heap_create(&heap, &setup);
        if (status != HEAP_OK)
            rig_check();
    }
    assert_heap(status, HEAP_OK);
    assert_in_range(left, 6, 9);
    machine_unlimit_frames();
    heap_close();
}

/* All blocks go with it. */
static void gone_with_its_blocks(void **state)
{
    heap_open(HEAP_LIMIT_BYTES, false);
    for (unsigned i = 0; i < 300; i++)
        (void)block_of_bytes(i * 37 + 1);
    heap_close();
    assert_int_equal(heap.bytes, 0);
}

static void default_place(void **state)
{
    assert_int_equal(heap_default_start(4).value, 0xffffc00000000000);
    assert_int_equal(heap_default_start(5).value, 0xff80000000000000);
}

static void names(void **state)
{
    for (unsigned i = 0; i < HEAP_STATUS_COUNT; i++) {
        assert_true(strlen(heap_status_name((enum heap_status)i)) > 1);
        for (unsigned n = 0; n < i; n++)
            assert_string_not_equal(heap_status_name((enum heap_status)i),
                                    heap_status_name((enum heap_status)n));
    }
    assert_string_equal(heap_status_name(HEAP_DOUBLE_FREE), "double free");
    assert_string_equal(heap_status_name(HEAP_STATUS_COUNT), "unknown");
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("heap: blocks are apart, aligned, and keep their bytes", blocks_are_apart),
    RIG_TEST("heap: freed memory is used again, before the heap grows", freed_memory_is_used_again),
    RIG_TEST("heap: a good fit is taken", fit_is_good),
    RIG_TEST("heap: a block is aligned as was asked", aligned_as_asked),
    RIG_TEST("heap: bad requests are refused", bad_requests_are_refused),
    RIG_TEST("heap: a block gets longer or shorter where it is, if there is room", resized_in_place),
    RIG_TEST("heap: a block stays aligned when it moves", resized_with_alignment),
    RIG_TEST("heap: a bad setup is refused", bad_setups),
    RIG_TEST("heap: a range in which something is used is refused", taken_places),
    RIG_TEST("heap: out of frames at any number, it is not made", made_without_frames),
    RIG_TEST("heap: when it is destroyed, all frames are back", gone_with_its_blocks),
    RIG_TEST("heap: its default place is in the upper half", default_place),
    RIG_TEST("heap: each status has a name", names),
};

RIG_MAIN("heap", tests)
