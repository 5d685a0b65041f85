/* SPDX-License-Identifier: MIT */
/* heap_findings: what a program does wrong is told, with the address and the callers, and does no harm. */
#include "kernel/heap/chunk_map.h"
#include "kernel/heap_rig.h"

enum { LIMIT = 4 << 20, CHUNK_OF_500 = (16 + 500 + 8 + 15) / 16 * 16 };

/* Calls that return into a function of their own, so that a finding names it. */
static __attribute__((noinline)) void *allocated_here(uint64_t bytes)
{
    void *block = NULL;
    enum heap_status status = heap_allocate(&heap, bytes, &block);
    assert_heap(status, HEAP_OK);
    return block;
}

static __attribute__((noinline)) enum heap_status freed_here(void *block)
{
    enum heap_status status = heap_free(&heap, block);
    __asm__ volatile("");
    return status;
}

/* Asserts that nothing has changed, and that a whole block can still be had and freed. */
static void assert_unharmed(struct heap_statistics before, unsigned findings)
{
    struct heap_statistics now = heap_statistics(&heap);
    before.findings += findings;
    assert_memory_equal(&now, &before, sizeof now);
    void *block = block_of_bytes(2000);
    memset(block, 0, 2000);
    assert_heap(heap_free(&heap, block), HEAP_OK);
}

/* ---- bytes around a block ---- */

/* One byte behind a block, whatever its length and whatever is written. */
static void overrun_is_told(void **state)
{
    heap_open(LIMIT, false);
    for (unsigned bytes = 1; bytes < 70; bytes++)
        for (unsigned distance = 0; distance < 8; distance++) {
            uint8_t *block = allocated_here(bytes), *end = block + bytes + distance, kept = *end;
            struct heap_statistics before = heap_statistics(&heap);
            *end = distance % 2 ? 0 : 'A';
            found_count = 0;
            assert_heap(freed_here(block), HEAP_OVERRUN);
            assert_int_equal(found_count, 1);
            struct heap_finding told = last_finding(HEAP_OVERRUN);
            assert_int_equal(told.address, (uintptr_t)end);
            assert_int_equal(told.block, (uintptr_t)block);
            assert_int_equal(told.bytes, bytes);
            assert_in_function(told.allocated_by, (uintptr_t)allocated_here);
            assert_in_function(told.caller, (uintptr_t)freed_here);
            assert_unharmed(before, 1);
            *end = kept; /* with the byte as it was, it is a block like any other */
            assert_heap(freed_here(block), HEAP_OK);
        }
    found_count = 0;
    heap_close();
}

/* A block whose neighbour has run over its header: both are told. */
static void underrun_is_told(void **state)
{
    heap_open(LIMIT, false);
    for (unsigned byte = 1; byte <= 16; byte++) {
        uint8_t *before = allocated_here(24), *block = allocated_here(24);
        assert_ptr_equal(block, before + 48);
        uint8_t kept = block[-(int)byte];
        block[-(int)byte] ^= 0x10;
        found_count = 0;
        assert_heap(heap_check(&heap), HEAP_UNDERRUN);
        assert_heap(freed_here(block), HEAP_UNDERRUN);
        struct heap_finding told = last_finding(HEAP_UNDERRUN);
        assert_int_equal(told.block, (uintptr_t)block);
        assert_int_equal(told.address, (uintptr_t)block - 16);
        assert_int_equal(found_count, 2);
        uint64_t red_zone = *(uint64_t *)(before + 24); /* on the way to the header */
        memset(before + 24, 'x', 8);
        assert_heap(freed_here(block), HEAP_UNDERRUN);
        assert_int_equal(found_count, 4);
        assert_int_equal(found[2].kind, HEAP_OVERRUN);
        assert_int_equal(found[2].address, (uintptr_t)before + 24);
        assert_in_function(found[2].allocated_by, (uintptr_t)allocated_here);
        void *old = block;
        assert_heap(heap_resize(&heap, 100, (void **)&block), HEAP_UNDERRUN);
        assert_ptr_equal(block, old);
        block[-(int)byte] = kept;
        assert_heap(freed_here(block), HEAP_OK);
        assert_heap(freed_here(before), HEAP_OVERRUN);
        *(uint64_t *)(before + 24) = red_zone;
        assert_heap(freed_here(before), HEAP_OK);
    }
    found_count = 0;
    heap_close();
}

/* A chunk whose header was made zeroes, or that of another one, is not believed. */
static void forged_headers_are_told(void **state)
{
    heap_open(LIMIT, false);
    uint64_t *one = allocated_here(100), *other = allocated_here(100), kept[2] = {other[-2], other[-1]};
    other[-2] = other[-1] = 0;
    assert_heap(heap_free(&heap, other), HEAP_UNDERRUN);
    other[-2] = one[-2], other[-1] = one[-1];
    assert_heap(heap_free(&heap, other), HEAP_UNDERRUN);
    other[-2] = kept[0], other[-1] = kept[1];
    assert_heap(heap_free(&heap, other), HEAP_OK);
    found_count = 0;
    heap_close();
}

/* ---- addresses that are no blocks ---- */

static void double_free_is_told(void **state)
{
    heap_open(LIMIT, false);
    void *one = allocated_here(100), *two = allocated_here(200), *three = allocated_here(300);
    void *const order[] = {two, one, three}; /* by itself, joined with what is behind, with what is before */
    for (unsigned i = 0; i < 3; i++) {
        assert_heap(freed_here(order[i]), HEAP_OK);
        for (unsigned n = 0; n <= i; n++) {
            struct heap_statistics before = heap_statistics(&heap);
            found_count = 0;
            assert_heap(freed_here(order[n]), HEAP_DOUBLE_FREE);
            struct heap_finding told = last_finding(HEAP_DOUBLE_FREE);
            assert_int_equal(told.address, (uintptr_t)order[n]);
            assert_in_function(told.caller, (uintptr_t)freed_here);
            assert_in_function(told.freed_by, (uintptr_t)freed_here);
            assert_heap(heap_resize(&heap, 7, (void *[]){order[n]}), HEAP_DOUBLE_FREE);
            struct heap_statistics now = heap_statistics(&heap);
            before.findings += 2;
            assert_memory_equal(&now, &before, sizeof now);
        }
    }
    assert_int_equal(heap_statistics(&heap).free_chunks, 1);
    found_count = 0;
    heap_close();
}

static void foreign_free_is_told(void **state)
{
    heap_open(LIMIT, false);
    uint8_t *block = allocated_here(1000);
    uint64_t local[4] = {0};
    const uintptr_t foreign[] = {(uintptr_t)&local[2],
                                 PLACE,
                                 PLACE - 16,
                                 heap.notes,
                                 heap.blocks - 16,
                                 heap.blocks + heap.bytes,
                                 heap.blocks + heap.bytes + 16,
                                 heap.blocks + LIMIT,
                                 heap.end + 64,
                                 1,
                                 UINTPTR_MAX};
    for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct heap_statistics before = heap_statistics(&heap);
        found_count = 0;
        assert_heap(freed_here((void *)foreign[i]), HEAP_FOREIGN);
        struct heap_finding told = last_finding(HEAP_FOREIGN);
        assert_int_equal(told.address, foreign[i]);
        assert_in_function(told.caller, (uintptr_t)freed_here);
        assert_unharmed(before, 1);
    }
    assert_heap(heap_free(&heap, block), HEAP_OK);
    found_count = 0;
    heap_close();
}

/* Each address from the header to the end of the red zone, also if what lies there looks like a header. */
static void inside_is_told(void **state)
{
    heap_open(LIMIT, false);
    uint8_t *block = allocated_here(2000);
    for (unsigned i = 0; i < 2000; i += 16)
        memcpy(block + i, block - 16, 16);
    for (int i = -16; i < 2008; i += i < 48 ? 1 : 16) {
        struct heap_statistics before = heap_statistics(&heap);
        if (i == 0)
            continue;
        found_count = 0;
        assert_heap(freed_here(block + i), HEAP_INSIDE_BLOCK);
        struct heap_finding told = last_finding(HEAP_INSIDE_BLOCK);
        assert_int_equal(told.address, (uintptr_t)block + (uintptr_t)i);
        assert_int_equal(told.block, (uintptr_t)block);
        assert_int_equal(told.bytes, 2000);
        assert_in_function(told.allocated_by, (uintptr_t)allocated_here);
        assert_unharmed(before, 1);
    }
    assert_heap(heap_free(&heap, block), HEAP_OK);
    found_count = 0;
    heap_close();
}

/* ---- writing to what is free ---- */

/* Three free chunks, of one class, with blocks between them. */
static void make_free_chunks(uint8_t *blocks[3])
{
    void *walls[3];
    for (unsigned i = 0; i < 3; i++) {
        blocks[i] = allocated_here(500);
        walls[i] = allocated_here(20);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_heap(heap_free(&heap, blocks[i]), HEAP_OK);
    (void)walls;
}

/*
 * Whatever was written to the words that a free chunk needs, the next call that meets them tells, and the
 * heap is as good as before: all its free memory can be had.
 */
static void assert_recovers(unsigned chunk, unsigned word, uint64_t value, bool by_joining)
{
    uint8_t *blocks[3];
    heap_open(LIMIT, false);
    make_free_chunks(blocks);
    uint64_t *words = (uint64_t *)(blocks[chunk] - 16) + word;
    if (*words != value) {
        *words = value;
        assert_heap(heap_check(&heap), HEAP_USE_AFTER_FREE);
        unsigned told = found_count;
        if (by_joining)
            assert_heap(heap_free(&heap, blocks[chunk] + CHUNK_OF_500), HEAP_OK); /* the wall behind it */
        void *again[4];
        for (unsigned i = 0; i < 4; i++)
            again[i] = block_of_bytes(490);
        if (found_count <= told)
            fail_msg("chunk %u word %u value %lx joining %d", chunk, word, value, by_joining);
        assert_heap(last_finding(HEAP_USE_AFTER_FREE).kind, HEAP_USE_AFTER_FREE);
        for (unsigned i = 0; i < 4; i++)
            assert_heap(heap_free(&heap, again[i]), HEAP_OK);
        assert_heap(heap_check(&heap), HEAP_OK);
    }
    found_count = 0;
    heap_is_gone();
}

static void written_after_free(void **state)
{
    static const uint64_t values[] = {0, UINT64_MAX, 0x4141414141414141, 0x2000000020, 1};
    const unsigned last = CHUNK_OF_500 / 8 - 1;
    const unsigned words[] = {0, 1, 2, last};
    for (unsigned chunk = 0; chunk < 3; chunk++)
        for (unsigned word = 0; word < 4; word++)
            for (unsigned value = 0; value < 5; value++)
                for (unsigned joining = 0; joining < 2; joining++)
                    assert_recovers(chunk, words[word], values[value], joining);
}

/* A write to a free chunk's size that would make it as long as two. */
static void larger_than_it_is(void **state)
{
    uint8_t *blocks[3];
    heap_open(LIMIT, false);
    make_free_chunks(blocks);
    *(uint32_t *)(blocks[2] - 16) = 5000;
    void *block;
    assert_heap(heap_allocate(&heap, 500, &block), HEAP_OK);
    struct heap_finding told = last_finding(HEAP_USE_AFTER_FREE);
    assert_int_equal(told.block, (uintptr_t)blocks[2]);
    found_count = 0;
    heap_close();
}

/* ---- notes, and explanations ---- */

static void notes_are_compared(void **state)
{
    heap_open(LIMIT, false);
    uint8_t *blocks[3];
    make_free_chunks(blocks);
    uint32_t unit = (uint32_t)(((uintptr_t)blocks[1] - 16 - heap.blocks) / 16);
    uint32_t wall = unit + chunk_at(&heap, unit)->units;
    map_word(&heap, wall - 1)->free ^= map_bit(wall - 1); /* one end of a free chunk */
    assert_heap(heap_check(&heap), HEAP_BAD_NOTES);
    map_word(&heap, wall - 1)->free ^= map_bit(wall - 1);
    assert_heap(heap_check(&heap), HEAP_OK);
    unit = wall;
    map_forget_live(&heap, unit);
    assert_heap(heap_check(&heap), HEAP_BAD_NOTES);
    map_note_live(&heap, unit);
    heap.statistics.live_blocks++;
    assert_heap(heap_check(&heap), HEAP_BAD_NOTES);
    heap.statistics.live_blocks--;
    uint32_t rows = heap.rows;
    heap.rows = 0; /* the lists have forgotten everything */
    assert_heap(heap_check(&heap), HEAP_BAD_NOTES);
    heap.rows = rows;
    found_count = 0;
    heap_close();
}

static void addresses_are_explained(void **state)
{
    struct heap_finding told;
    heap_open(LIMIT, false);
    uint8_t *block = allocated_here(100), *gone = allocated_here(100);
    (void)allocated_here(1);
    assert_heap(freed_here(gone), HEAP_OK);
    assert_false(heap_explain(&heap, PLACE - 1, &told));
    assert_false(heap_explain(&heap, heap.end, &told));
    assert_true(heap_explain(&heap, PLACE, &told));
    assert_int_equal(told.kind, HEAP_FOREIGN);
    assert_true(heap_explain(&heap, heap.end - 1, &told));
    assert_int_equal(told.kind, HEAP_FOREIGN);
    assert_true(heap_explain(&heap, (uintptr_t)block + 99, &told));
    assert_int_equal(told.kind, HEAP_INSIDE_BLOCK);
    assert_int_equal(told.block, (uintptr_t)block);
    assert_true(heap_explain(&heap, (uintptr_t)gone, &told));
    assert_int_equal(told.kind, HEAP_USE_AFTER_FREE);
    assert_in_function(told.freed_by, (uintptr_t)freed_here);
    assert_int_equal(found_count, 0);
    heap_close();
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("heap: a byte behind a block is told, with who allocated it and who found out", overrun_is_told),
    RIG_TEST("heap: a header that was overwritten is told, with the block that did it", underrun_is_told),
    RIG_TEST("heap: a header that was forged is told", forged_headers_are_told),
    RIG_TEST("heap: a double free is told, with who freed it first", double_free_is_told),
    RIG_TEST("heap: a foreign free is told", foreign_free_is_told),
    RIG_TEST("heap: an address inside a block is told", inside_is_told),
    RIG_TEST("heap: what is written to free memory is told, and does no harm", written_after_free),
    RIG_TEST("heap: a free chunk is not believed to be longer than it is", larger_than_it_is),
    RIG_TEST("heap: its own notes are compared", notes_are_compared),
    RIG_TEST("heap: an address is explained", addresses_are_explained),
};

RIG_MAIN("heap_findings", tests)
