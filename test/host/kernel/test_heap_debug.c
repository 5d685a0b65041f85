/* SPDX-License-Identifier: MIT */
/* heap_debug: each block has its own pages; touching a freed block, or the page behind one, faults. */
#include "kernel/heap_rig.h"

enum { LIMIT = 4 << 20, LIMIT_PAGES = LIMIT >> 12 };

static __attribute__((noinline)) void *allocated_here(uint64_t bytes, uint64_t alignment)
{
    void *block = NULL;
    enum heap_status status = heap_allocate_aligned(&heap, bytes, alignment, &block);
    assert_heap(status, HEAP_OK);
    return block;
}

static __attribute__((noinline)) enum heap_status freed_here(void *block)
{
    enum heap_status status = heap_free(&heap, block);
    __asm__ volatile("");
    return status;
}

/* The processor has the translations cached when the block is freed. */
static void freed_memory_faults(void **state)
{
    heap_open(LIMIT, true);
    for (uint64_t bytes = 1; bytes < 30000; bytes = bytes * 3 + 1) {
        uint8_t *block = allocated_here(bytes, 16);
        memset(block, 5, bytes);
        machine_fill_tlb();
        unsigned out = machine_frames_out();
        assert_heap(freed_here(block), HEAP_OK);
        assert_true(machine_frames_out() <= out - (bytes + 4095) / 4096);
        for (uint64_t i = 0; i < bytes; i += i + 4096 < bytes ? 4096 : bytes)
            assert_faults((uintptr_t)block + i);
        assert_faults((uintptr_t)block + bytes - 1);
        struct heap_finding told;
        assert_true(heap_explain(&heap, (uintptr_t)block + bytes - 1, &told));
        assert_int_equal(told.kind, HEAP_USE_AFTER_FREE);
        assert_int_equal(told.block, (uintptr_t)block);
        assert_int_equal(told.bytes, bytes);
        assert_in_function(told.allocated_by, (uintptr_t)allocated_here);
        assert_in_function(told.freed_by, (uintptr_t)freed_here);
    }
    heap_close();
}

/* With every alignment the last bytes of the page behind the block are less than that away. */
static void ends_at_unmapped_page(void **state)
{
    heap_open(LIMIT, true);
    for (uint64_t alignment = 1; alignment <= 16384; alignment *= 2)
        for (uint64_t bytes = 1; bytes < 20000; bytes = bytes * 3 + 5) {
            uint8_t *block = allocated_here(bytes, alignment);
            assert_int_equal((uintptr_t)block % alignment, 0);
            uintptr_t end = ((uintptr_t)block + bytes + 4095) & ~4095ull;
            assert_true(end - (uintptr_t)block - bytes < alignment);
            memset(block, 6, bytes);
            assert_faults(end);
            assert_accessible(end - 8);
            struct heap_finding told;
            assert_true(heap_explain(&heap, end, &told));
            assert_int_equal(told.kind, HEAP_OVERRUN);
            assert_int_equal(told.block, (uintptr_t)block);
            assert_heap(heap_check(&heap), HEAP_OK);
            assert_heap(heap_free(&heap, block), HEAP_OK);
        }
    heap_close();
}

/* What does not reach the page behind, or lies before the block, is told when it is freed. */
static void bytes_around_are_told(void **state)
{
    heap_open(LIMIT, true);
    uint8_t *block = allocated_here(100, 16);
    uint8_t *const wrong[] = {block + 100, block + 111, block - 1, block - 3900};
    for (unsigned i = 0; i < 4; i++) {
        uint8_t kept = *wrong[i];
        *wrong[i] = 0;
        found_count = 0;
        assert_heap(heap_check(&heap), i < 2 ? HEAP_OVERRUN : HEAP_UNDERRUN);
        assert_heap(freed_here(block), i < 2 ? HEAP_OVERRUN : HEAP_UNDERRUN);
        assert_int_equal(found_count, 2);
        assert_int_equal(found[1].address, (uintptr_t)wrong[i]);
        assert_in_function(found[1].caller, (uintptr_t)freed_here);
        assert_in_function(found[1].allocated_by, (uintptr_t)allocated_here);
        *wrong[i] = kept;
    }
    assert_heap(freed_here(block), HEAP_OK);
    found_count = 0;
    heap_close();
}

static void wrong_frees_are_told(void **state)
{
    struct heap_finding told;
    heap_open(LIMIT, true);
    uint8_t *block = allocated_here(5000, 16), *gone = allocated_here(5000, 16);
    assert_heap(freed_here(gone), HEAP_OK);
    const struct {
        uintptr_t address;
        enum heap_status kind;
    } cases[] = {
        {(uintptr_t)gone, HEAP_DOUBLE_FREE},        {(uintptr_t)gone + 4096, HEAP_DOUBLE_FREE},
        {(uintptr_t)block + 16, HEAP_INSIDE_BLOCK}, {(uintptr_t)block - 16, HEAP_INSIDE_BLOCK},
        {(uintptr_t)block + 5008, HEAP_FOREIGN},    {(uintptr_t)gone + 5008, HEAP_FOREIGN},
        {heap.blocks + heap.bytes, HEAP_FOREIGN},   {heap.notes, HEAP_FOREIGN},
        {(uintptr_t)&heap, HEAP_FOREIGN},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        found_count = 0;
        assert_heap(freed_here((void *)cases[i].address), cases[i].kind);
        told = last_finding(cases[i].kind);
        assert_int_equal(told.address, cases[i].address);
        assert_in_function(told.caller, (uintptr_t)freed_here);
        if (told.kind == HEAP_DOUBLE_FREE)
            assert_in_function(told.freed_by, (uintptr_t)freed_here);
    }
    assert_heap(freed_here(block), HEAP_OK);
    found_count = 0;
    heap_close();
}

/* Every page is used once before one is used again; then those that were freed first. */
static void addresses_are_not_used_again(void **state)
{
    static uint8_t seen[LIMIT_PAGES];
    heap_open(LIMIT, true);
    memset(seen, 0, sizeof seen);
    uint8_t *stays = block_of_bytes(4096); /* page 0, and 1 behind it */
    uint8_t *first = block_of_bytes(4096);
    assert_heap(heap_free(&heap, first), HEAP_OK);
    for (unsigned i = 2; i < LIMIT_PAGES / 2; i++) {
        uint8_t *block = block_of_bytes(4096);
        uint64_t page = ((uintptr_t)block - heap.blocks) / 4096;
        assert_false(seen[page]);
        seen[page] = 1;
        assert_ptr_not_equal(block, first);
        assert_heap(heap_free(&heap, block), HEAP_OK);
        assert_faults((uintptr_t)block);
    }
    assert_ptr_equal(block_of_bytes(4096), first); /* the second lap, past the block that stays */
    assert_ptr_equal(block_of_bytes(3 * 4096), first + 2 * 4096);
    assert_ptr_equal(block_of_bytes(1 << 20), first + 6 * 4096);
    memset(stays, 1, 4096);
    heap_close();
}

/* The second lap passes over blocks that still live, and finds room behind them. */
static void live_blocks_stay(void **state)
{
    uint8_t *blocks[16];
    heap_open(LIMIT, true);
    for (unsigned i = 0; i < 16; i++) {
        blocks[i] = block_of_bytes(4096 * (i % 3 + 1));
        memset(blocks[i], (int)i, 4096);
    }
    for (unsigned i = 0; i < 16; i += 2)
        assert_heap(heap_free(&heap, blocks[i]), HEAP_OK);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t bytes = 1 + rig_random(20000), alignment = 1ull << rig_random(15);
        uint8_t *block = allocated_here(bytes, alignment);
        assert_int_equal((uintptr_t)block % alignment, 0);
        memset(block, 0xee, bytes);
        assert_heap(heap_free(&heap, block), HEAP_OK);
    }
    for (unsigned i = 1; i < 16; i += 2) {
        assert_int_equal(blocks[i][0], i);
        assert_heap(heap_free(&heap, blocks[i]), HEAP_OK);
    }
    heap_close();
}

static void resized_blocks_move(void **state)
{
    void *block = NULL;
    heap_open(LIMIT, true);
    assert_heap(heap_resize(&heap, 100, &block), HEAP_OK);
    memset(block, 4, 100);
    void *old = block;
    assert_heap(heap_resize(&heap, 6000, &block), HEAP_OK);
    assert_ptr_not_equal(block, old);
    assert_faults((uintptr_t)old);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(((uint8_t *)block)[i], 4);
    old = block;
    machine_limit_frames(1);
    assert_heap(heap_resize(&heap, 7000, &block), HEAP_NO_FRAMES);
    assert_ptr_equal(block, old);
    machine_unlimit_frames();
    assert_heap(heap_resize(&heap, 50, &block), HEAP_OK);
    assert_int_equal(((uint8_t *)block)[49], 4);
    assert_int_equal(heap_statistics(&heap).live_bytes, 50);
    assert_heap(heap_free(&heap, block), HEAP_OK);
    assert_int_equal(heap_statistics(&heap).mapped_bytes, 0);
    heap_close();
}

static void nothing_changes_without_frames(void **state)
{
    heap_open(HEAP_LIMIT_BYTES, true);
    void *block = &heap;
    unsigned out = machine_frames_out(), left = 0;
    struct heap_statistics before = heap_statistics(&heap);
    for (;; left++) {
        machine_limit_frames(left);
        enum heap_status status = heap_allocate(&heap, 70000, &block);
        if (status == HEAP_OK)
            break;
        assert_heap(status, HEAP_NO_FRAMES);
        assert_int_equal(machine_frames_out(), out);
        before.refused++;
        struct heap_statistics now = heap_statistics(&heap);
        assert_memory_equal(&now, &before, sizeof now);
    }
    assert_in_range(left, 19, 24);
    machine_unlimit_frames();
    assert_heap(heap_free(&heap, block), HEAP_OK);
    heap_close();
}

static void all_addresses_are_taken(void **state)
{
    void *block = NULL;
    heap_open(64 << 10, true);
    assert_heap(heap_allocate(&heap, 64 << 10, &block), HEAP_NO_ADDRESSES);
    assert_heap(heap_allocate(&heap, UINT64_MAX, &block), HEAP_NO_ADDRESSES);
    for (unsigned i = 0; i < 8; i++)
        block = block_of_bytes(1);
    void *more;
    assert_heap(heap_allocate(&heap, 1, &more), HEAP_NO_ADDRESSES);
    assert_heap(heap_free(&heap, block), HEAP_OK);
    assert_ptr_equal(block_of_bytes(1), block);
    heap.statistics.live_blocks++;
    assert_heap(heap_check(&heap), HEAP_BAD_NOTES);
    heap.statistics.live_blocks--;
    found_count = 0;
    heap_close();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("heap: in debug mode a freed block faults, and is explained", freed_memory_faults),
    RIG_TEST("heap: in debug mode a block ends at an unmapped page", ends_at_unmapped_page),
    RIG_TEST("heap: in debug mode bytes around a block are told", bytes_around_are_told),
    RIG_TEST("heap: in debug mode wrong frees are told", wrong_frees_are_told),
    RIG_TEST("heap: in debug mode addresses are not used again before all others",
             addresses_are_not_used_again),
    RIG_TEST("heap: in debug mode live blocks stay where they are", live_blocks_stay),
    RIG_TEST("heap: in debug mode a block moves when it is resized", resized_blocks_move),
    RIG_TEST("heap: in debug mode nothing changes without frames", nothing_changes_without_frames),
    RIG_TEST("heap: in debug mode all addresses may be taken", all_addresses_are_taken),
};

RIG_MAIN("heap_debug", tests)
