/* SPDX-License-Identifier: MIT */
/*
 * test_own_memory.c - the loader takes memory and gives all of it back; and nothing else gets what is ours, a
 * screen least of all.
 */
#include "efi/firmware.h"
#include "kernel/boot/memory_regions.h"
#include "kernel/boot/own_blocks.h"
#include "kernel/console/canvas.h"

static const char too_little[] = " pages to be had for ";

static void a_loader_that_returns_gives_every_page_back(void **state)
{
    static EFI_STATUS (*const steps[])(struct loader *) = {take_memory, find_runtime_regions,
                                                           build_fresh_tables, check_fresh_tables};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        (void)begin(state);
        unsigned free = pages_of_type(FREE), boot = pages_of_type(EfiBootServicesData);
        assert_int_equal(run_up_to(steps[i]), EFI_SUCCESS);
        assert_true(pages_of_type(FREE) < free);
        loader_give_back(&loader);
        assert_int_equal(pages_of_type(FREE), free);
        assert_int_equal(pages_of_type(EfiBootServicesData), boot);
        assert_int_equal(pages_of_type(EfiLoaderData), 0);
        assert_int_equal(loader.handoff->own_count, 0);
    }
}

/* The calls for a log at a fixed address may fail: there are others. */
static void each_allocation_that_fails_is_a_sentence_and_loses_nothing(void **state)
{
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    unsigned calls = firmware.allocations, sentences = 0;
    for (unsigned failing = 1; failing <= calls; failing++) {
        (void)begin(state);
        unsigned free = pages_of_type(FREE);
        firmware.failing_allocation = failing;
        EFI_STATUS status = run_up_to(check_fresh_tables);
        if (EFI_ERROR(status)) {
            expect_console(too_little);
            expect_console("out of resources");
            sentences++;
        }
        loader_give_back(&loader);
        assert_int_equal(pages_of_type(FREE), free);
    }
    assert_int_equal(sentences, 3); /* stack, bookkeeping, tables */
}

static void what_cannot_be_had_is_named_with_what_is_free(void **state)
{
    (void)state;
    assert_int_equal(run_up_to(find_runtime_regions), EFI_SUCCESS);
    for (unsigned i = 0, left = 7; i < PAGES; i++)
        if (firmware.owner[i] == FREE && (left == 0 || left-- == 0))
            firmware.owner[i] = EfiBootServicesData;
    assert_int_equal(find_memory_regions(&loader), EFI_SUCCESS);
    assert_true(EFI_ERROR(build_fresh_tables(&loader)));
    expect_console(" pages to be had for page tables: out of resources; 7 are free\n");
}

static void too_little_memory_is_refused_with_two_numbers(void **state)
{
    for (unsigned fewer = 0; fewer < 2; fewer++) {
        char sentence[96];
        (void)begin(state);
        for (unsigned i = 0; i < PAGES; i++)
            if (firmware.owner[i] == FREE)
                firmware.owner[i] = i < 256 || i >= PAGES - 2000 ? FREE : EfiReservedMemoryType;
        loader.handoff->options.store = STORE_NO;
        firmware.extra_only = true;
        add_descriptor(EfiConventionalMemory, MEMORY + 0x1000000, FRAMES_NEEDED - fewer - 1, 0);
        add_descriptor(EfiBootServicesData, MEMORY, 1, 0);
        EFI_STATUS status = run_up_to(take_memory);
        assert_int_equal(EFI_ERROR(status), fewer > 0);
        snprintf(sentence, sizeof sentence, "  too little memory: %d pages are free, %d are needed\n",
                 FRAMES_NEEDED - 1, FRAMES_NEEDED);
        assert_int_equal(console_shows(sentence), fewer > 0);
    }
}

#define LIMIT ((UINT64)1 << 47) /* of the addresses that the made-up processor has (firmware.c) */

/*
 * An address that is not a page, that the processor does not have, or that is in use: by the image, or given
 * a second time.
 */
static void memory_that_allocate_pages_cannot_have_given_is_refused(void **state)
{
    static const struct {
        UINT64 given;
        const char *sentence;
    } cases[] = {{MEMORY + 0x1800001, "which is not a page"},
                 {LIMIT, "which cannot be mapped to its own address"},
                 {LIMIT - EFI_PAGE_SIZE, "which cannot be mapped to its own address"},
                 {(UINT64)1 << 51, "which cannot be mapped to its own address"},
                 {0 - (UINT64)EFI_PAGE_SIZE, "which cannot be mapped to its own address"},
                 {IMAGE, "which is in use: image"},
                 {IMAGE_END - EFI_PAGE_SIZE, "which is in use: image"},
                 {MEMORY + 0x1800000, "which is in use: stack and hand-over"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin(state);
        loader.handoff->options.store = STORE_NO;
        assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
        firmware.given = cases[i].given;
        assert_int_equal(take_memory(&loader), EFI_DEVICE_ERROR);
        expect_console(cases[i].sentence);
    }
    (void)begin(state); /* the log's memory is taken before the image is looked at */
    firmware.given = IMAGE + 0x8000;
    loader.handoff->options.store = STORE_NO;
    assert_int_equal(run_up_to(find_image_sections), EFI_DEVICE_ERROR);
    expect_console("AllocatePages gave memory of our image at 40100000 for log\n");
}

static void a_block_is_aligned_and_the_rest_of_it_goes_back(void **state)
{
    (void)state;
    unsigned free = pages_of_type(FREE);
    for (UINT64 alignment = EFI_PAGE_SIZE; alignment <= 0x400000; alignment *= 2) {
        UINT64 start;
        assert_int_equal(take_pages(&loader, "a block", 3, alignment, &start), EFI_SUCCESS);
        assert_int_equal(start % alignment, 0);
        free -= 3;
        assert_int_equal(pages_of_type(FREE), free);
    }
}

static const struct handoff_region *region_named(const char *name)
{
    for (unsigned i = 0; i < loader.handoff->region_count; i++)
        if (strcmp(loader.handoff->regions[i].name, name) == 0)
            return &loader.handoff->regions[i];
    fail_msg("there is no region %s", name);
    return NULL;
}

/*
 * Guard page, stack, and buffers lie one behind the other, each with room for the descriptors of a map that
 * grows by 64, and with those that we add; all of the block except the guard page is mapped.
 */
static void stack_and_buffers_share_a_block(void **state)
{
    (void)state;
    const struct handoff *handoff = loader.handoff;
    assert_int_equal(run_up_to(take_memory), EFI_SUCCESS);
    const struct own_block *block = own_blocks_find(handoff, handoff->stack_guard, EFI_PAGE_SIZE);
    UINT64 start = paging_frame_start(block->start).value, end = paging_frame_start(block->end).value;
    UINT64 count = loader.map.room + ADDED_DESCRIPTORS, buffer = (UINTN)loader.map.buffer;
    assert_string_equal(block->name, "stack and hand-over");
    assert_int_equal(handoff->stack_guard, start);
    assert_int_equal(handoff->stack_top, start + 17 * EFI_PAGE_SIZE);
    assert_int_equal(buffer, handoff->stack_top);
    assert_in_range(loader.map.room, map_count(&loader.map) + 60, map_count(&loader.map) + 64);
    assert_int_equal(loader.map.capacity, loader.map.room * firmware.stride);
    UINT64 descriptors = (UINTN)handoff->descriptors, edges = (UINTN)handoff->edges,
           regions = (UINTN)handoff->memory;
    assert_in_range(descriptors, buffer + loader.map.capacity, buffer + loader.map.capacity + 15);
    assert_int_equal(descriptors % 16, 0);
    assert_int_equal(edges, descriptors + count * sizeof *handoff->descriptors);
    assert_int_equal(regions, edges + MEMORY_EDGES(count) * sizeof *handoff->edges);
    assert_int_equal(handoff->memory_capacity, HANDOFF_MEMORY_CAPACITY(count));
    UINT64 used = regions + handoff->memory_capacity * sizeof *handoff->memory;
    assert_in_range(end, used, used + EFI_PAGE_SIZE + 64);
    const UINT64 ends[] = {handoff->stack_top / EFI_PAGE_SIZE, regions / EFI_PAGE_SIZE, block->end.number};
    UINT64 first = block->start.number + 1; /* without the guard page */
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"stack", "memory map", "memory regions"};
        const struct handoff_region *region = region_named(names[i]);
        assert_int_equal(region->start.number, first);
        assert_int_equal(region->end.number, ends[i]);
        assert_int_equal(region->flags, PAGING_WRITABLE | PAGING_NO_EXECUTE);
        assert_true(region->exact);
        assert_int_equal(region->until_exit, i == 1);
        first = ends[i];
    }
}

static void bookkeeping_is_a_block_of_its_own(void **state)
{
    (void)state;
    const struct handoff *handoff = loader.handoff;
    assert_int_equal(run_up_to(take_memory), EFI_SUCCESS);
    const struct own_block *block = own_blocks_find(handoff, (UINTN)handoff->bookkeeping, EFI_PAGE_SIZE);
    const struct handoff_region *region = &handoff->regions[handoff->region_count - 1];
    assert_string_equal(block->name, "frame bookkeeping");
    assert_string_equal(region->name, "frame bookkeeping");
    assert_int_equal(paging_frame_start(block->start).value, (UINTN)handoff->bookkeeping);
    assert_int_equal(block->end.number - block->start.number, EFI_SIZE_TO_PAGES(handoff->bookkeeping_bytes));
    assert_true(region->start.number == block->start.number && region->end.number == block->end.number);
    assert_int_equal(region->flags, PAGING_WRITABLE | PAGING_NO_EXECUTE);
    assert_true(region->exact);
}

/* The kernel frees what the tables leave of it: a page more would be somebody else's. */
static void the_arena_is_the_block_that_was_taken_for_it(void **state)
{
    (void)state;
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    const struct arena *arena = &loader.handoff->arena;
    const struct own_block *block =
        own_blocks_find(loader.handoff, paging_frame_start(arena->start).value, EFI_PAGE_SIZE);
    assert_string_equal(block->name, "page tables");
    assert_int_equal(block->start.number, arena->start.number);
    assert_int_equal(block->end.number, arena->end.number);
}

static void more_blocks_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    unsigned free = pages_of_type(FREE);
    UINT64 start;
    for (unsigned i = 0; i < OWN_BLOCK_LIMIT; i++)
        assert_int_equal(take_pages(&loader, "a block", 1, EFI_PAGE_SIZE, &start), EFI_SUCCESS);
    assert_int_equal(take_pages(&loader, "one more", 1, EFI_PAGE_SIZE, &start), EFI_OUT_OF_RESOURCES);
    expect_console("no room for a block of memory of ours: one more");
    loader_give_back(&loader);
    assert_int_equal(pages_of_type(FREE), free);
}

/* ---- a screen ---- */

/* Of the smallest screen that has room for text. */
enum { LINE_BYTES = CANVAS_LEAST_WIDTH * 4, SMALLEST = LINE_BYTES * CANVAS_LEAST_HEIGHT };

/* Runs the loader with a framebuffer there, of whole lines. Returns whether it is used. */
static bool screen_is_used(UINT64 start, UINT64 bytes)
{
    const struct handoff *handoff = loader.handoff;
    firmware.screen.FrameBufferBase = start;
    firmware.screen.FrameBufferSize = bytes;
    firmware.screen_info.HorizontalResolution = firmware.screen_info.PixelsPerScanLine = CANVAS_LEAST_WIDTH;
    firmware.screen_info.VerticalResolution = (UINT32)(bytes / LINE_BYTES);
    assert_int_equal(find_framebuffer(&loader), EFI_SUCCESS);
    assert_int_equal(handoff->framebuffer.bytes, bytes);
    if (run_up_to(check_fresh_tables) != EFI_SUCCESS)
        fail_msg("a screen at %lx: %s", start, firmware.console);
    bool is_region = false;
    for (unsigned i = 0; i < handoff->region_count; i++)
        is_region |= strcmp(handoff->regions[i].name, "framebuffer") == 0;
    assert_int_equal(handoff->framebuffer.width != 0, is_region);
    return is_region;
}

#define ELSEWHERE (MEMORY + 0x2000000)

/* Where all that is ours lies with a screen that is not in the way. */
static unsigned find_blocks(void **state, struct own_block *blocks)
{
    (void)begin(state);
    assert_true(screen_is_used(ELSEWHERE, SMALLEST));
    memcpy(blocks, loader.handoff->own, sizeof loader.handoff->own);
    return loader.handoff->own_count;
}

/* First page, last page, and around all of it; of the arena that is also what no table has yet. */
static void a_screen_over_memory_of_ours_is_not_used(void **state)
{
    struct own_block blocks[OWN_BLOCK_LIMIT];
    unsigned count = find_blocks(state, blocks), seen = 0;
    static const char *const names[] = {"image", "stack and hand-over", "frame bookkeeping", "log",
                                        "page tables"};
    for (unsigned i = 0; i < count; i++) {
        UINT64 start = paging_frame_start(blocks[i].start).value,
               end = paging_frame_start(blocks[i].end).value;
        const UINT64 screens[][2] = {{start, SMALLEST},
                                     {end - 4, SMALLEST},              /* its first pixel */
                                     {start + 4 - SMALLEST, SMALLEST}, /* its last one */
                                     {start - EFI_PAGE_SIZE, end - start + SMALLEST}};
        for (unsigned n = 0; n < sizeof names / sizeof names[0]; n++)
            seen |= (unsigned)(strcmp(blocks[i].name, names[n]) == 0) << n;
        for (size_t at = 0; at < sizeof screens / sizeof screens[0]; at++) {
            char sentence[128];
            (void)begin(state);
            if (screen_is_used(screens[at][0], screens[at][1]))
                fail_msg("a screen at %lx, over our %s, is used", screens[at][0], blocks[i].name);
            snprintf(sentence, sizeof sentence,
                     "  no screen: its pixels at %lx lie over memory of ours: ", screens[at][0]);
            expect_console(sentence);
        }
    }
    assert_int_equal(seen, 0x1f);
}

/*
 * The arena is larger than its tables: what is left of it must not be drawn on either, as it is handed out.
 */
static void a_screen_over_the_unused_rest_of_the_arena_is_not_used(void **state)
{
    (void)begin(state);
    assert_true(screen_is_used(ELSEWHERE, SMALLEST));
    const struct arena arena = loader.handoff->arena;
    assert_true(arena.next.number + 1 + SMALLEST / EFI_PAGE_SIZE < arena.end.number);
    UINT64 rest = paging_frame_start(arena.next).value + EFI_PAGE_SIZE;
    (void)begin(state);
    assert_false(screen_is_used(rest, SMALLEST));
}

static void a_screen_beside_memory_of_ours_is_used(void **state)
{
    struct own_block blocks[OWN_BLOCK_LIMIT];
    unsigned count = find_blocks(state, blocks);
    for (unsigned i = 0; i < count; i++) {
        UINT64 places[] = {paging_frame_start(blocks[i].start).value - SMALLEST,
                           paging_frame_start(blocks[i].end).value};
        for (unsigned at = 0; at < 2; at++) {
            (void)begin(state);
            loader.handoff->own_count = count;
            memcpy(loader.handoff->own, blocks, sizeof blocks);
            bool is_taken = own_blocks_find(loader.handoff, places[at], SMALLEST) != NULL;
            loader.handoff->own_count = 0;
            assert_int_equal(screen_is_used(places[at], SMALLEST), !is_taken);
        }
    }
}

/* Frames under a screen in free memory are not handed out, and those beside it are. */
static void frames_under_a_screen_are_withheld(void **state)
{
    (void)state;
    const UINT64 screen = ELSEWHERE;
    assert_true(screen_is_used(screen, 0x9000));
    assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
    assert_int_equal(memory_regions_find(loader.handoff, &loader.memory_count), MEMORY_MAP_OK);
    assert_int_equal(region_at(screen)->kind, MEMORY_MMIO);
    assert_int_equal(region_at(screen + 0x8fff)->kind, MEMORY_MMIO);
    assert_int_equal(region_at(screen - 1)->kind, MEMORY_CONVENTIONAL);
    assert_int_equal(region_at(screen + 0x9000)->kind, MEMORY_CONVENTIONAL);
}

/* ---- the list ---- */

static void a_range_is_found_if_it_shares_a_page(void **state)
{
    (void)state;
    struct handoff *handoff = loader.handoff;
    assert_true(own_blocks_add(handoff, "a", 0x5800, 0x1000, false)); /* pages 5 and 6 */
    static const struct {
        UINT64 start, bytes;
        bool found;
    } cases[] = {{0x5000, 1, true},           {0x6fff, 1, true},          {0x7000, 1, false},
                 {0x4fff, 1, false},          {0x4fff, 2, true},          {0, UINT64_MAX, true},
                 {0x7000, UINT64_MAX, false}, {0x6fff, UINT64_MAX, true}, {0x5000, 0, false},
                 {UINT64_MAX, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(own_blocks_find(handoff, cases[i].start, cases[i].bytes) != NULL, cases[i].found);
    assert_false(own_blocks_add(handoff, "b", UINT64_MAX - 1, 2, false));
    assert_int_equal(handoff->own_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("memory: a loader that returns gives every page back",
                 a_loader_that_returns_gives_every_page_back),
        EFI_TEST("memory: each allocation that fails is a sentence, and loses nothing",
                 each_allocation_that_fails_is_a_sentence_and_loses_nothing),
        EFI_TEST("memory: what cannot be had is named, with what is free",
                 what_cannot_be_had_is_named_with_what_is_free),
        EFI_TEST("memory: too little of it is refused with two numbers",
                 too_little_memory_is_refused_with_two_numbers),
        EFI_TEST("memory: what AllocatePages cannot have given is refused",
                 memory_that_allocate_pages_cannot_have_given_is_refused),
        EFI_TEST("memory: a block is aligned, and the rest of it goes back",
                 a_block_is_aligned_and_the_rest_of_it_goes_back),
        EFI_TEST("memory: stack and buffers share a block", stack_and_buffers_share_a_block),
        EFI_TEST("memory: bookkeeping is a block of its own", bookkeeping_is_a_block_of_its_own),
        EFI_TEST("memory: the arena is the block that was taken for it",
                 the_arena_is_the_block_that_was_taken_for_it),
        EFI_TEST("memory: more blocks than there is room for are refused",
                 more_blocks_than_there_is_room_for_are_refused),
        EFI_TEST("screen: over memory of ours it is not used", a_screen_over_memory_of_ours_is_not_used),
        EFI_TEST("screen: over the unused rest of the arena it is not used",
                 a_screen_over_the_unused_rest_of_the_arena_is_not_used),
        EFI_TEST("screen: beside memory of ours it is used", a_screen_beside_memory_of_ours_is_used),
        EFI_TEST("screen: the frames under it are withheld, and no others",
                 frames_under_a_screen_are_withheld),
        EFI_TEST("own blocks: a range is found if it shares a page", a_range_is_found_if_it_shares_a_page),
    };
    return cmocka_run_group_tests_name("own memory", tests, NULL, NULL);
}
