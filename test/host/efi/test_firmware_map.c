/* SPDX-License-Identifier: MIT */
/*
 * test_firmware_map.c - what the firmware says about its memory map is checked at every call; and what is
 * ours is ours whatever it says.
 */
#include "efi/firmware.h"
#include "kernel/boot/memory_regions.h"
#include "kernel/console/log.h"

/* ---- maps that are believed ---- */

static void every_size_of_descriptors_is_read(void **state)
{
    static const UINTN strides[] = {40, 48, 56, 64, 128, 4096, 65536};
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        (void)begin(state);
        firmware.stride = strides[i];
        add_descriptor(EfiRuntimeServicesData, 0x7000000, 3, 1ull << 63);
        assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
        assert_int_equal(memory_regions_find(loader.handoff, &loader.memory_count), MEMORY_MAP_OK);
        assert_int_equal(region_at(0x7002fff)->needs, MEMORY_NEEDS_DATA);
        assert_null(region_at(0x7003000));
        assert_int_equal(region_at(MEMORY + 0x80000)->kind, MEMORY_CONVENTIONAL);
    }
}

static void many_descriptors_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EXTRA_LIMIT; i++)
        add_descriptor(EfiReservedMemoryType, 0x100000000 - i * 0x2000ull, 1, 0);
    assert_int_equal(run_up_to(exit_boot_services), EFI_SUCCESS);
    assert_true(loader.handoff->descriptor_count > EXTRA_LIMIT);
}

/* It says how large its descriptors are at each call, and they are that large. */
static void other_descriptors_at_the_exit(unsigned call, UINTN *bytes, UINTN *stride, UINT8 *buffer,
                                          EFI_STATUS *status)
{
    (void)call, (void)bytes, (void)stride, (void)buffer, (void)status;
    if (call == 4)
        firmware.stride = 56;
}

static void another_size_is_believed_if_there_are_descriptors(void **state)
{
    (void)state;
    firmware.lie = other_descriptors_at_the_exit;
    loader.handoff->options.stale_map_key = true;
    loader.handoff->options.store = STORE_NO;
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    firmware.map_calls = 3;
    assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
    assert_int_equal(loader.map.stride, 56);
    assert_int_equal(loader.handoff->exit_tries, 2);
}

/* ---- maps that contradict themselves ---- */

static struct lie {
    const char *what, *sentence;
    UINTN stride, bytes; /* said; 0: the truth */
    bool is_said_at_first, at_least_the_truth;
    EFI_STATUS status;
    unsigned unwritten; /* descriptors that are said to be there, and are not */
} lie;
static unsigned lying_call; /* of GetMemoryMap; 0: each */

static void do_lie(unsigned call, UINTN *bytes, UINTN *stride, UINT8 *buffer, EFI_STATUS *status)
{
    if (lying_call != 0 && call != lying_call)
        return;
    if (lie.stride != 0 || lie.bytes != 0) {
        *stride = lie.stride == 1 ? 0 : lie.stride != 0 ? lie.stride : *stride;
        *bytes = lie.bytes != 0 ? lie.bytes : *bytes;
    }
    if (buffer && lie.unwritten)
        *bytes += lie.unwritten * *stride;
    if (lie.status)
        *status = lie.status;
}

/* 1 as a stride stands for 0. */
static const struct lie lies[] = {
    {.what = "no stride", .stride = 1, .sentence = "descriptors of 0 bytes, but 40 are the least"},
    {.what = "a small stride", .stride = 8, .sentence = "descriptors of 8 bytes, but 40 are the least"},
    {.what = "a stride of 39", .stride = 39, .sentence = "descriptors of 39 bytes, but 40 are the least"},
    {.what = "a huge stride", .stride = ~0ull, .sentence = "in descriptors of 18446744073709551615 bytes"},
    {.what = "a huge map",
     .bytes = ~0ull - 7,
     .sentence = "18446744073709551608 bytes, in descriptors of 48 bytes"},
    {.what = "an error", .status = EFI_ACCESS_DENIED, .sentence = "access denied"},
};

/* Runs the loader, which must stop with a sentence that names the numbers, and give everything back. */
static void expect_refusal(unsigned call, const char *sentence)
{
    unsigned free = pages_of_type(FREE);
    lying_call = call;
    firmware.lie = do_lie;
    loader.handoff->options.store = STORE_NO; /* the first call is the one that asks for the size */
    EFI_STATUS status;
    if (exit_stops_processor(&status))
        fail_msg("%s at call %u: it does not return to the firmware", lie.what, call);
    assert_true(EFI_ERROR(status));
    expect_console("  the memory map cannot be used: ");
    expect_console(sentence);
    assert_int_equal(firmware.exit_calls, 0);
    loader_give_back(&loader);
    assert_int_equal(pages_of_type(FREE), free);
}

/* The first call asks for the size, the second reads the map, the third is the last map. */
static void a_map_that_contradicts_itself_is_refused_at_each_call(void **state)
{
    for (unsigned call = 1; call <= 3; call++)
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            (void)begin(state);
            lie = lies[i];
            expect_refusal(call, lie.sentence);
        }
}

static void a_map_larger_than_its_buffer_is_refused(void **state)
{
    for (unsigned call = 2; call <= 3; call++) {
        (void)begin(state);
        lie = (struct lie){.what = "a map larger than the buffer", .bytes = 48 * 10000};
        expect_refusal(call, "480000 bytes in a buffer of ");
    }
}

static void more_descriptors_than_there_is_room_for_are_refused(void **state)
{
    for (unsigned call = 2; call <= 3; call++) {
        (void)begin(state);
        firmware.stride = 4096;
        lie = (struct lie){.what = "small descriptors", .stride = 40};
        expect_refusal(call, " descriptors of 40 bytes, but room for ");
    }
}

/* 48 bytes apart, but said to be 40 or 56: what is read is no descriptor. */
static void descriptors_of_another_size_than_they_have_are_refused(void **state)
{
    static const UINTN strides[] = {40, 44, 56, 64, 52};
    for (unsigned call = 2; call <= 3; call++)
        for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
            char sentence[64];
            (void)begin(state);
            lie = (struct lie){.what = "another stride", .stride = strides[i]};
            snprintf(sentence, sizeof sentence, "descriptors of %lu bytes, 48 at first: number ", strides[i]);
            expect_refusal(call, sentence);
        }
}

static void descriptors_that_were_not_written_are_refused(void **state)
{
    for (unsigned call = 2; call <= 3; call++)
        for (unsigned unwritten = 1; unwritten < 20; unwritten += 6) {
            (void)begin(state);
            lie = (struct lie){.what = "unwritten descriptors", .unwritten = unwritten};
            expect_refusal(call, " descriptors, but only ");
        }
}

/* The same after a first call of ExitBootServices: nobody can go back, so the sentence is the last one. */
static void after_a_first_exit_the_processor_stops_with_the_sentence(void **state)
{
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        (void)begin(state);
        lie = lies[i];
        lying_call = 4;
        firmware.lie = do_lie;
        loader.handoff->options.store = STORE_NO;
        loader.handoff->options.stale_map_key = true;
        EFI_STATUS status;
        if (!exit_stops_processor(&status))
            fail_msg("%s: it goes on", lie.what);
        expect_console("Selfmap: stopped before leaving the firmware: the memory map cannot be used: ");
        expect_console(lie.sentence);
        expect_console(" after 1 calls of ExitBootServices\n");
    }
}

/* The middle of free memory is looked for in a map, too, when no fixed address can be had. */
static void a_map_for_the_log_is_checked_too(void **state)
{
    for (unsigned call = 1; call <= 2; call++)
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            struct kept_block blocks[KEPT_BLOCK_LIMIT];
            unsigned count;
            (void)begin(state);
            lie = lies[i];
            lying_call = call;
            firmware.lie = do_lie;
            loader.handoff->options.store = STORE_HINT;
            assert_int_equal(take_kept_blocks(&loader, blocks, &count), EFI_SUCCESS);
            assert_int_equal(firmware.map_calls, call);
            assert_int_equal(pages_of_type(EfiLoaderData), 64);
        }
}

static void the_log_lies_in_the_middle_of_the_largest_free_range(void **state)
{
    (void)state;
    struct kept_block blocks[KEPT_BLOCK_LIMIT];
    unsigned count;
    loader.handoff->options.store = STORE_HINT;
    assert_int_equal(take_kept_blocks(&loader, blocks, &count), EFI_SUCCESS);
    UINT64 first = TABLES_PAGE + 400, middle = first + (PAGES - first - 64) / 2;
    assert_int_equal(loader.handoff->own[0].start.number, MEMORY / EFI_PAGE_SIZE + middle);
}

/* ---- what is ours ---- */

/* Calls all that is ours something else in the last map: the image, and what AllocatePages gave. */
static void call_ours(UINT32 type)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (firmware.owner[i] == EfiLoaderData || firmware.owner[i] == EfiLoaderCode)
            firmware.owner[i] = type;
}

static void expect_own(UINT64 start, UINT64 end)
{
    for (UINT64 at = start; at < end; at += EFI_PAGE_SIZE)
        if (region_at(at) == NULL || region_at(at)->kind != MEMORY_OWN)
            fail_msg("%lx is not ours", at);
}

static void what_is_ours_is_ours_whatever_the_map_says(void **state)
{
    for (UINT32 type = 0; type <= 16; type++) {
        (void)begin(state);
        assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
        struct handoff *handoff = loader.handoff;
        UINT64 arena = paging_frame_start(handoff->arena.start).value;
        UINT64 arena_end = paging_frame_start(handoff->arena.end).value;
        call_ours(type);
        assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
        assert_int_equal(memory_regions_find(handoff, &loader.memory_count), MEMORY_MAP_OK);
        expect_own(IMAGE, IMAGE_END);
        expect_own(handoff->stack_guard, handoff->stack_top);
        expect_own((UINTN)loader.map.buffer, (UINTN)handoff->memory);
        expect_own((UINTN)handoff->bookkeeping, (UINTN)handoff->bookkeeping + handoff->bookkeeping_bytes);
        expect_own(arena, arena_end);
        expect_own((UINTN)log_text(), (UINTN)log_text() + 1);
    }
}

static void what_is_ours_is_ours_though_the_map_leaves_it_out(void **state)
{
    (void)state;
    assert_int_equal(run_up_to(check_fresh_tables), EFI_SUCCESS);
    firmware.extra_only = true;
    add_descriptor(EfiConventionalMemory, 0x100000, 5000, 0);
    assert_int_equal(exit_boot_services(&loader), EFI_SUCCESS);
    assert_int_equal(memory_regions_find(loader.handoff, &loader.memory_count), MEMORY_MAP_OK);
    expect_own(IMAGE, IMAGE_END);
    expect_own(loader.handoff->stack_guard, loader.handoff->stack_top);
}

/* ---- devices ---- */

static void a_framebuffer_takes_the_pages_that_it_touches_and_no_other(void **state)
{
    static const struct {
        UINT64 start, bytes, pages;
    } screens[] = {{0x88000, 0x1000, 1}, {0x88000, 0xfff, 1}, {0x88000, 0x1001, 2}, {0x88001, 0x1000, 2},
                   {0x88fff, 1, 1},      {0x88fff, 2, 2},     {0x88800, 0x800, 1},  {0x88004, 0x2ffc, 3}};
    for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
        (void)begin(state);
        loader.handoff->framebuffer = (struct framebuffer){
            .address = {MEMORY + screens[i].start}, .bytes = screens[i].bytes, .width = 1, .height = 1};
        assert_int_equal(run_up_to(take_memory), EFI_SUCCESS);
        const struct memory_region *region = region_at(MEMORY + screens[i].start);
        assert_int_equal(region->kind, MEMORY_MMIO);
        assert_int_equal(region->start.number, MEMORY / EFI_PAGE_SIZE + 0x88);
        assert_int_equal(region->end.number - region->start.number, screens[i].pages);
    }
}

/* Registers of serial ports in memory, the last page of each included; ports at I/O addresses take none. */
static void registers_of_serial_ports_are_devices(void **state)
{
    (void)state;
    struct handoff *handoff = loader.handoff;
    assert_int_equal(run_up_to(find_image_sections), EFI_SUCCESS);
    handoff->serial[0] = (struct uart){.is_mmio = true, .stride = 4, .address = MEMORY + 0x3000ff0};
    handoff->serial[1] = (struct uart){.is_mmio = true, .stride = 1, .address = MEMORY + 0x3005000};
    handoff->serial_count = 2;
    assert_int_equal(take_memory(&loader), EFI_SUCCESS);
    static const struct {
        UINT64 page;
        bool is_device;
    } pages[] = {{0x2fff000, false}, {0x3000000, true}, {0x3001000, true},
                 {0x3002000, false}, {0x3005000, true}, {0x3006000, false}};
    for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++)
        assert_int_equal(region_at(MEMORY + pages[i].page)->kind == MEMORY_MMIO, pages[i].is_device);
    handoff->serial[0].is_mmio = false;
    assert_int_equal(find_memory_regions(&loader), EFI_SUCCESS);
    assert_int_equal(region_at(MEMORY + 0x3000000)->kind, MEMORY_CONVENTIONAL);
    char line[96];
    snprintf(line, sizeof line, "  %lu descriptors of 48 bytes make %zu regions\n", map_count(&loader.map),
             loader.memory_count);
    expect_console(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("map: descriptors of every size are read", every_size_of_descriptors_is_read),
        EFI_TEST("map: many descriptors are read", many_descriptors_are_read),
        EFI_TEST("map: another size of descriptors is believed if they have it",
                 another_size_is_believed_if_there_are_descriptors),
        EFI_TEST("map: one that contradicts itself is refused at each call, with the numbers",
                 a_map_that_contradicts_itself_is_refused_at_each_call),
        EFI_TEST("map: one larger than its buffer is refused", a_map_larger_than_its_buffer_is_refused),
        EFI_TEST("map: more descriptors than there is room for are refused",
                 more_descriptors_than_there_is_room_for_are_refused),
        EFI_TEST("map: descriptors of another size than they have are refused",
                 descriptors_of_another_size_than_they_have_are_refused),
        EFI_TEST("map: descriptors that were not written are refused",
                 descriptors_that_were_not_written_are_refused),
        EFI_TEST("map: after a first exit the processor stops with the sentence",
                 after_a_first_exit_the_processor_stops_with_the_sentence),
        EFI_TEST("map: the one for the log is checked, too", a_map_for_the_log_is_checked_too),
        EFI_TEST("map: the log lies in the middle of the largest free range",
                 the_log_lies_in_the_middle_of_the_largest_free_range),
        EFI_TEST("map: what is ours is ours, whatever the map says",
                 what_is_ours_is_ours_whatever_the_map_says),
        EFI_TEST("map: what is ours is ours, though the map leaves it out",
                 what_is_ours_is_ours_though_the_map_leaves_it_out),
        EFI_TEST("map: registers of serial ports are devices", registers_of_serial_ports_are_devices),
        EFI_TEST("map: a framebuffer takes the pages that it touches, and no other",
                 a_framebuffer_takes_the_pages_that_it_touches_and_no_other),
    };
    return cmocka_run_group_tests_name("firmware map", tests, NULL, NULL);
}
