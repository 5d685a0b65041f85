/* SPDX-License-Identifier: MIT */
/* heap_test.c - the heap at its default place, under load, and misused. */
#include "console/console.h"
#include "cpu/safe_access.h"
#include "heap/heap.h"
#include "selftest/selftest.h"
#include <selfmap/check_access.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <selfmap/translate.h>

enum {
    LIMIT = 64 << 20,
    BLOCKS = 100,
    CALLS = 3000,
    LOAD_FRAMES = 1500, /* what the tests under load may take at a time */
    FINDINGS = 8
};

static struct heap heap;
static struct heap_finding found[FINDINGS];
static unsigned found_count;

static void note_finding(void *context, const struct heap_finding *finding)
{
    (void)context;
    if (found_count < FINDINGS)
        found[found_count] = *finding;
    found_count++;
}

/* Makes a heap, if there are frames enough for a test. If not, skips it. */
static bool begin(struct selftest_run *t, bool debug, uint64_t frames)
{
    const struct heap_setup setup = {
        .space = t->space,
        .frames = t->source,
        .start = heap_default_start(t->space->cpu.levels),
        .limit = LIMIT,
        .debug = debug,
        .found = note_finding,
    };
    found_count = 0;
    if (frames_free_count(t->frames) < frames) {
        test_skip(t, "it takes %lu frames, %lu are free", frames, frames_free_count(t->frames));
        return false;
    }
    return CHECK(heap_create(&heap, &setup) == HEAP_OK);
}

/* Ends the heap. The runner checks that all frames are back. */
static void end(struct selftest_run *t)
{
    CHECK(heap_check(&heap) == HEAP_OK);
    CHECK(heap_destroy(&heap) == HEAP_OK);
}

static void *allocate(struct selftest_run *t, uint64_t bytes)
{
    void *block = NULL;
    enum heap_status status = heap_allocate(&heap, bytes, &block);
    if (!CHECK(status == HEAP_OK))
        print("# the heap says \"%s\" to %lu bytes\n", heap_status_name(status), bytes);
    return block;
}

/* Returns whether the access ended in a page fault at the address with exactly this error code. */
static bool is_fault(struct safe_access access, uint64_t error_code, uintptr_t address)
{
    return access.faulted && access.error_code == error_code && access.address == address;
}

static bool faults(uintptr_t address)
{
    return is_fault(safe_read((paging_virt_t){address}), 0, address) &&
           is_fault(safe_write((paging_virt_t){address}, 0), PAGING_FAULT_WRITE, address);
}

/* ---- under load ---- */

static struct loaded_block {
    uint8_t *bytes;
    uint64_t count;
    uint8_t seed;
} blocks[BLOCKS];

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

static uint64_t random_bytes(void)
{
    uint64_t kind = random_below(16);
    return 1 + random_below(kind < 10 ? 256 : kind < 15 ? 5000 : 50000);
}

/* The first and last bytes of a block, and some in each page of it, follow from its seed. */
static uint64_t next_place(uint64_t place, uint64_t count)
{
    return place < 64 || place + 64 >= count ? place + 1 : place + 61;
}

static void fill(struct loaded_block *block)
{
    block->seed = (uint8_t)random_below(256);
    for (uint64_t i = 0; i < block->count; i = next_place(i, block->count))
        block->bytes[i] = (uint8_t)(block->seed + i);
}

static uint64_t wrong_bytes(const struct loaded_block *block)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < block->count; i = next_place(i, block->count))
        wrong += block->bytes[i] != (uint8_t)(block->seed + i);
    return wrong;
}

/* Allocates, frees or resizes one of the blocks. Returns whether what it held was still there. */
static bool call_once(struct selftest_run *t)
{
    struct loaded_block *block = &blocks[random_below(BLOCKS)];
    uint64_t wrong = block->bytes ? wrong_bytes(block) : 0, kind = random_below(3);
    if (block->bytes && kind == 0) {
        CHECK(heap_free(&heap, block->bytes) == HEAP_OK);
        block->bytes = NULL;
        return wrong == 0;
    }
    uint64_t count = random_bytes(), alignment = (uint64_t)16 << random_below(kind == 1 ? 10 : 1);
    void *bytes = block->bytes;
    uint8_t first = bytes ? block->bytes[0] : 0;
    if (!CHECK(heap_resize_aligned(&heap, count, alignment, &bytes) == HEAP_OK))
        return false;
    wrong += (uintptr_t)bytes % (block->bytes ? 16 : alignment) != 0;
    wrong += block->bytes && *(const uint8_t *)bytes != first;
    *block = (struct loaded_block){.bytes = bytes, .count = count};
    fill(block);
    return wrong == 0;
}

static void load(struct selftest_run *t, bool debug)
{
    uint64_t wrong = 0, live = 0, calls = debug ? CALLS / 2 : CALLS;
    if (!begin(t, debug, LOAD_FRAMES))
        return;
    __builtin_memset(blocks, 0, sizeof blocks);
    random_state = 0x5e1f3a9 + t->round;
    for (uint64_t i = 0; i < calls; i++)
        wrong += !call_once(t);
    CHECK(wrong == 0);
    CHECK(heap_check(&heap) == HEAP_OK && found_count == 0);
    for (unsigned i = 0; i < BLOCKS; i++)
        live += blocks[i].bytes != NULL;
    CHECK(heap_statistics(&heap).live_blocks == live);
    for (unsigned i = 0; i < BLOCKS; i++)
        CHECK(heap_free(&heap, blocks[i].bytes) == HEAP_OK);
    struct heap_statistics now = heap_statistics(&heap);
    CHECK(now.live_blocks == 0 && now.live_bytes == 0 && now.findings == 0);
    CHECK(now.mapped_bytes <= (debug ? 0 : HEAP_SHRINK_BYTES));
    end(t);
}

static void blocks_keep_their_bytes(struct selftest_run *t)
{
    load(t, false);
}

static void whole_pages_keep_their_bytes(struct selftest_run *t)
{
    load(t, true);
}

/* ---- pages ---- */

/* Behind its end, which moves, nothing is mapped; the guards at the ends of its range are markers. */
static void guards_fault(struct selftest_run *t)
{
    if (!begin(t, false, 600))
        return;
    uintptr_t start = heap_default_start(t->space->cpu.levels).value;
    void *block = NULL;
    for (uint64_t bytes = 1000; bytes < 1000000; bytes *= 3) {
        CHECK(heap_resize(&heap, bytes, &block) == HEAP_OK);
        CHECK(faults(heap.blocks + heap.bytes));
        CHECK(!safe_write((paging_virt_t){heap.blocks + heap.bytes - 8}, 1).faulted);
        CHECK(faults(heap.blocks - 8) && faults(start));
    }
    CHECK(faults(start + heap_address_bytes(LIMIT, false) - 8));
    CHECK(test_explains(safe_read((paging_virt_t){start}), "marked"));
    struct paging_translation page;
    CHECK(paging_translate(t->space, (paging_virt_t){(uintptr_t)block}, &page) == PAGING_OK);
    CHECK(page.owned && (page.flags & (PAGING_WRITABLE | PAGING_USER)) == PAGING_WRITABLE);
    CHECK((page.flags & PAGING_NO_EXECUTE) == no_execute(t));
    CHECK(!t->space->cpu.has_no_execute || safe_fetch((paging_virt_t){(uintptr_t)block}).faulted);
    CHECK(heap_free(&heap, block) == HEAP_OK);
    CHECK(heap_statistics(&heap).mapped_bytes == HEAP_GROW_BYTES);
    end(t);
}

/* ---- several spaces ---- */

static struct paging_space other;

/* Makes a space that shares the upper half, and in which the kernel can run. */
static bool create_twin(struct selftest_run *t)
{
    if (!CHECK_OK(paging_share_upper_half(t->space, t->source)) ||
        !CHECK_OK(paging_create_sibling(&other, t->space, t->source)))
        return false;
    CHECK_OK(paging_attach(t->space, &other));
    bool is_mapped = CHECK_OK(test_map_lower_half(t, &other, 0, t->source));
    CHECK_OK(paging_detach(t->space, &other));
    return is_mapped;
}

/* In the other space. Before that is said, pages cannot be mapped, but memory that is there can be had. */
static void use_heap_of_other(struct selftest_run *t, uint8_t *block, void **larger)
{
    CHECK(block[0] == 1 && block[999] == 2);
    CHECK(heap_allocate(&heap, 1000000, larger) == HEAP_REFUSED && heap.refusal == PAGING_UNREACHABLE);
    void *small = allocate(t, 100);
    CHECK(heap_free(&heap, small) == HEAP_OK);
    heap_use_space(&heap, &other);
    *larger = allocate(t, 1000000);
    if (*larger)
        ((uint8_t *)*larger)[999999] = 3;
    CHECK(heap_free(&heap, block) == HEAP_OK);
}

static void spaces_share_it(struct selftest_run *t)
{
    void *larger = NULL;
    if (!begin(t, false, 1000))
        return;
    uint8_t *block = allocate(t, 1000);
    if (!block)
        return;
    block[0] = 1;
    block[999] = 2;
    if (create_twin(t) && CHECK_OK(paging_switch_to(t->space, &other))) {
        use_heap_of_other(t, block, &larger);
        CHECK_OK(paging_switch_to(&other, t->space));
        heap_use_space(&heap, t->space);
        CHECK(larger && ((uint8_t *)larger)[999999] == 3);
        CHECK(heap_free(&heap, larger) == HEAP_OK && heap_statistics(&heap).mapped_bytes == HEAP_GROW_BYTES);
    }
    CHECK_OK(paging_destroy(&other, t->source));
    end(t);
    CHECK_OK(paging_unshare_upper_half(t->space, t->source));
}

/* ---- misuse ---- */

static __attribute__((noinline)) enum heap_status free_here(void *block)
{
    enum heap_status status = heap_free(&heap, block);
    __asm__ volatile("");
    return status;
}

/* Frees what must not be freed so, and checks what was told: once, of this address, by this call. */
static void free_is_told(struct selftest_run *t, uintptr_t address, enum heap_status kind, uintptr_t culprit)
{
    uintptr_t begin_of_call = (uintptr_t)free_here;
    found_count = 0;
    CHECK(free_here((void *)address) == kind);
    if (!CHECK(found_count == 1 && found[0].kind == kind && found[0].address == culprit))
        print("# told: %u, %s of %lx\n", found_count, heap_status_name(found[0].kind), found[0].address);
    CHECK(found[0].caller > begin_of_call && found[0].caller < begin_of_call + 64);
}

static void misuse_is_told(struct selftest_run *t)
{
    if (!begin(t, false, 100))
        return;
    uint8_t *block = allocate(t, 100), *gone = allocate(t, 100), *wall = allocate(t, 1);
    if (!block || !gone || !wall)
        return;
    CHECK(free_here(gone) == HEAP_OK);
    free_is_told(t, (uintptr_t)gone, HEAP_DOUBLE_FREE, (uintptr_t)gone);
    CHECK(found[0].freed_by > (uintptr_t)free_here && found[0].freed_by < (uintptr_t)free_here + 64);
    free_is_told(t, (uintptr_t)block + 16, HEAP_INSIDE_BLOCK, (uintptr_t)block + 16);
    free_is_told(t, (uintptr_t)&heap, HEAP_FOREIGN, (uintptr_t)&heap);
    uint8_t kept = block[100];
    block[100] = 0;
    free_is_told(t, (uintptr_t)block, HEAP_OVERRUN, (uintptr_t)block + 100);
    CHECK(found[0].bytes == 100 && found[0].allocated_by > (uintptr_t)allocate);
    block[100] = kept;
    ((uint64_t *)gone)[0] = 0x4141414141414141; /* where its links are now */
    found_count = 0;
    uint8_t *again = allocate(t, 100);
    CHECK(found_count == 1 && found[0].kind == HEAP_USE_AFTER_FREE && found[0].block == (uintptr_t)gone);
    CHECK(free_here(again) == HEAP_OK && free_here(wall) == HEAP_OK && free_here(block) == HEAP_OK);
    end(t);
}

/* The translations are cached when the blocks are freed. */
static void freed_blocks_fault(struct selftest_run *t)
{
    struct heap_finding told;
    if (!begin(t, true, 200))
        return;
    for (uint64_t bytes = 16; bytes < 100000; bytes = bytes * 5 + 16) {
        uint8_t *block = allocate(t, bytes);
        if (!block)
            return;
        uintptr_t behind = (uintptr_t)block + bytes;
        CHECK(behind % PAGING_PAGE_BYTES == 0 && faults(behind));
        block[0] = block[bytes - 1] = 1;
        CHECK(!safe_read((paging_virt_t){behind - 8}).faulted);
        CHECK(free_here(block) == HEAP_OK);
        CHECK(faults((uintptr_t)block) && faults(behind - 8));
        CHECK(heap_explain(&heap, behind - 8, &told) && told.kind == HEAP_USE_AFTER_FREE);
        CHECK(told.block == (uintptr_t)block && told.freed_by > (uintptr_t)free_here);
        free_is_told(t, (uintptr_t)block, HEAP_DOUBLE_FREE, (uintptr_t)block);
        CHECK(allocate(t, bytes) != block);
    }
    end(t);
}

const struct selftest heap_tests[] = {
    {"heap: blocks of many sizes keep their bytes, and all frames come back", blocks_keep_their_bytes},
    {"heap: the pages around it fault, and its own are data", guards_fault},
    {"heap: overruns, double and foreign frees are told, with the caller", misuse_is_told},
    {"heap: it is in all spaces that share the upper half, and grows in the active one", spaces_share_it},
    {"heap: in debug mode a freed block faults, and the page behind a block", freed_blocks_fault},
    {"heap: in debug mode blocks of many sizes keep their bytes", whole_pages_keep_their_bytes},
    {0},
};
