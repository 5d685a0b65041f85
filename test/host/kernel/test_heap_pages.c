/* SPDX-License-Identifier: MIT */
/* heap_pages: the heap grows and shrinks, its neighbours fault, and it is refused frames and addresses. */
#include "kernel/heap_rig.h"

enum { LIMIT = 16 << 20 };

/* ---- growing and shrinking ---- */

static void pages_are_data(void **state)
{
    heap_open(LIMIT, false);
    uint8_t *block = block_of_bytes(100000);
    struct paging_translation seen = {0};
    for (unsigned i = 0; i < 2; i++) {
        paging_virt_t address = {i == 0 ? (uintptr_t)block : heap.notes};
        assert_status(paging_translate(&rig.space, address, &seen), PAGING_OK);
        assert_true(seen.owned);
        assert_int_equal(seen.flags & (PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_USER | PAGING_GLOBAL),
                         PAGING_WRITABLE | PAGING_NO_EXECUTE);
    }
    assert_true(machine_access((uintptr_t)block, WALK_FETCH).faulted);
    heap_close();
}

static void guards_fault(void **state)
{
    heap_open(LIMIT, false);
    void *block = block_of_bytes(1);
    const uint64_t guards[] = {PLACE, heap.blocks - PAGING_PAGE_BYTES,
                               PLACE + heap_address_bytes(LIMIT, false) - PAGING_PAGE_BYTES};
    assert_int_equal(heap.blocks + LIMIT, guards[2]);
    for (unsigned i = 0; i < 3; i++) {
        struct paging_walk_result walk;
        assert_faults(guards[i]);
        assert_faults(guards[i] + PAGING_PAGE_BYTES - 8);
        assert_status(paging_walk_address(&rig.space, (paging_virt_t){guards[i]}, &walk), PAGING_MARKED);
        assert_int_equal(paging_marker_value(walk.entries[walk.level]), HEAP_GUARD_MARKER);
    }
    for (unsigned i = 0; i < 20; i++) { /* wherever the end is, behind it nothing is mapped */
        assert_accessible(heap.blocks + heap.bytes - 8);
        assert_faults(heap.blocks + heap.bytes);
        assert_faults(heap.notes + heap.notes_mapped);
        assert_heap(heap_resize(&heap, (i + 1) * 50000 % 900001, &block), HEAP_OK);
    }
    assert_accessible(heap.notes);
    heap_close();
}

static void grows_and_shrinks(void **state)
{
    void *blocks[64];
    heap_open(LIMIT, false);
    unsigned empty = machine_frames_out();
    for (unsigned i = 0; i < 64; i++)
        blocks[i] = block_of_bytes(30000);
    unsigned full = mapped_pages();
    assert_in_range(full, 64 * 30000 / 4096, 64 * 30000 / 4096 + 17);
    struct heap_statistics now = heap_statistics(&heap);
    assert_in_range(machine_frames_out() - empty, full + now.notes_bytes / 4096,
                    full + now.notes_bytes / 4096 + 4);
    for (unsigned i = 0; i < 64; i++)
        assert_heap(heap_free(&heap, blocks[i]), HEAP_OK);
    now = heap_statistics(&heap);
    assert_int_equal(now.mapped_bytes, HEAP_GROW_BYTES);
    assert_int_equal(now.notes_bytes, PAGING_PAGE_BYTES);
    assert_int_equal(now.peak_mapped_bytes, full * PAGING_PAGE_BYTES);
    assert_in_range(machine_frames_out() - empty, 17, 18);
    heap_close();
}

/* To and fro below the limit for giving back, nothing is mapped or unmapped. */
static void end_does_not_flutter(void **state)
{
    heap_open(LIMIT, false);
    void *wall = block_of_bytes(10);
    void *block = block_of_bytes(HEAP_SHRINK_BYTES - 2 * HEAP_GROW_BYTES);
    uint64_t grown = heap_statistics(&heap).grown;
    machine_reset_log();
    for (unsigned i = 0; i < 10; i++) {
        assert_heap(heap_free(&heap, block), HEAP_OK);
        block = block_of_bytes(HEAP_SHRINK_BYTES - 2 * HEAP_GROW_BYTES);
    }
    assert_int_equal(heap_statistics(&heap).grown, grown);
    assert_int_equal(heap_statistics(&heap).shrunk, 0);
    assert_int_equal(machine_flushes() + machine_full_flushes() + machine_stores(), 0);
    assert_heap(heap_free(&heap, wall), HEAP_OK);
    heap_close();
}

/* ---- too little ---- */

/* Allocates with every number of frames that is too small, and then with one that is enough. */
static void out_of_frames(void **state)
{
    heap_open(LIMIT, false);
    void *first = block_of_bytes(300000), *block = &heap;
    memset(first, 3, 300000);
    struct heap_statistics before = heap_statistics(&heap);
    unsigned out = machine_frames_out(), left = 0;
    enum heap_status status = HEAP_NO_FRAMES;
    for (; status != HEAP_OK; left++) {
        machine_limit_frames(left);
        status = heap_allocate(&heap, 500000, &block);
        if (status == HEAP_OK)
            break;
        assert_heap(status, HEAP_NO_FRAMES);
        assert_int_equal(machine_frames_out(), out);
        assert_ptr_equal(block, &heap);
        before.refused++;
        struct heap_statistics now = heap_statistics(&heap);
        assert_memory_equal(&now, &before, sizeof now);
        assert_heap(heap_check(&heap), HEAP_OK);
        void *moved = first; /* it is the last block, and cannot grow either */
        assert_heap(heap_resize(&heap, 800000, &moved), HEAP_NO_FRAMES);
        before.refused++;
        assert_ptr_equal(moved, first);
    }
    /* Just what is needed: the pages, those for notes, and what is reserved for a table. */
    assert_in_range(left, 500000 / 4096 - 16, 500000 / 4096 + 4);
    for (unsigned i = 0; i < 300000; i++)
        assert_int_equal(((const uint8_t *)first)[i], 3);
    machine_unlimit_frames();
    heap_close();
}

static void out_of_addresses(void **state)
{
    void *blocks[40], *block = NULL;
    unsigned count = 0;
    heap_open(256 << 10, false);
    while (heap_allocate(&heap, 10000, &block) == HEAP_OK)
        blocks[count++] = block;
    assert_int_equal(count, (256 << 10) / 10032);
    assert_heap(heap_allocate(&heap, 10000, &block), HEAP_NO_ADDRESSES);
    assert_int_equal(mapped_pages(), 64);
    assert_faults(heap.blocks + heap.bytes); /* the guard behind the limit */
    assert_heap(heap_free(&heap, blocks[7]), HEAP_OK);
    assert_ptr_equal(block_of_bytes(10000), blocks[7]);
    heap_close();
}

static bool refuse(struct paging_frame_source *source, const struct paging_space *space,
                   enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    return machine_frames_out() < rig.base_frames + 50 &&
           machine_frames()->allocate(machine_frames(), space, use, size, frame);
}

/* What a source that breaks its promise leaves mapped is unmapped again. */
static void broken_source(void **state)
{
    heap_open(LIMIT, false);
    struct paging_frame_source source = *machine_frames();
    source.allocate = refuse;
    heap.setup.frames = &source;
    void *block = block_of_bytes(1000); /* so that there is a table for the pages behind */
    unsigned out = machine_frames_out();
    assert_in_range(out, 1, rig.base_frames + 40);
    assert_heap(heap_allocate(&heap, 200000, &block), HEAP_REFUSED);
    assert_int_equal(heap.refusal, PAGING_BROKEN_SOURCE);
    assert_int_equal(machine_frames_out(), out);
    assert_heap(heap_free(&heap, block), HEAP_OK);
    heap.setup.frames = machine_frames();
    heap_close();
}

/* Somebody else has mapped a page in the heap's range: it cannot grow over that. */
static void grows_over_nothing(void **state)
{
    heap_open(LIMIT, false);
    uint64_t other = heap.blocks + 20 * PAGING_PAGE_BYTES;
    assert_status(paging_map(&rig.space, rig_page(other), PAGING_WRITABLE, machine_frames()), PAGING_OK);
    void *block;
    assert_heap(heap_allocate(&heap, 100000, &block), HEAP_REFUSED);
    assert_int_equal(heap.refusal, PAGING_ALREADY_MAPPED);
    (void)block_of_bytes(60000);
    assert_heap(heap_allocate(&heap, 60000, &block), HEAP_REFUSED);
    (void)block_of_bytes(10000); /* up to the page, though not by HEAP_GROW_BYTES */
    heap_close();
}

/* To give back a part of a huge page, a table is needed. Without a frame for it, nothing is given back. */
static void huge_pages_may_stay(void **state)
{
    heap_open(LIMIT, false);
    void *block = block_of_bytes(8 << 20);
    struct paging_translation seen = {0};
    assert_status(paging_translate(&rig.space, (paging_virt_t){heap.blocks + (2 << 20)}, &seen), PAGING_OK);
    assert_int_equal(seen.size, PAGING_2M);
    unsigned pages = mapped_pages();
    machine_limit_frames(0);
    assert_heap(heap_resize(&heap, 3 << 20, &block), HEAP_OK);
    assert_int_equal(heap.refusal, PAGING_NO_FRAMES);
    assert_int_equal(mapped_pages(), pages);
    assert_heap(heap_check(&heap), HEAP_OK);
    machine_unlimit_frames();
    assert_heap(heap_resize(&heap, (3 << 20) - 100, &block), HEAP_OK); /* asks again */
    assert_int_equal(mapped_pages(), ((3 << 20) + HEAP_GROW_BYTES) / PAGING_PAGE_BYTES);
    heap_close();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("heap: its pages are writable, not executable, the supervisor's, and owned", pages_are_data),
    RIG_TEST("heap: the pages before, between and behind fault", guards_fault),
    RIG_TEST("heap: it grows for blocks, and gives pages back at its end", grows_and_shrinks),
    RIG_TEST("heap: the end does not go to and fro", end_does_not_flutter),
    RIG_TEST("heap: out of frames at any number, nothing has changed", out_of_frames),
    RIG_TEST("heap: it grows up to its limit", out_of_addresses),
    RIG_TEST("heap: a source that breaks its promise leaves nothing mapped", broken_source),
    RIG_TEST("heap: it does not grow over what others have mapped", grows_over_nothing),
    RIG_TEST("heap: a huge page that cannot be split stays", huge_pages_may_stay),
};

RIG_MAIN("heap_pages", tests)
