/* SPDX-License-Identifier: MIT */
/* test_image_sections.c - each section of our image gets its rights, or the image is refused. */
#include "efi/firmware.h"
#include "kernel/boot/own_blocks.h"

#define SECTION(i) (IMAGE + 0x80 + 24 + 0xf0 + 40 * (i))

static void put32(UINT64 address, UINT32 value)
{
    memcpy((void *)address, &value, sizeof value);
}

static void expect_region(unsigned index, UINT64 start, UINT64 end, UINT64 flags)
{
    const struct handoff_region *region = &loader.handoff->regions[index];
    assert_int_equal(paging_frame_start(region->start).value, start);
    assert_int_equal(paging_frame_start(region->end).value, end);
    assert_int_equal(region->flags, flags);
    assert_true(region->exact);
}

static void each_section_has_its_rights_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    assert_int_equal(loader.handoff->region_count, 5);
    expect_region(0, IMAGE, IMAGE + 0x1000, PAGING_NO_EXECUTE);
    expect_region(1, IMAGE + 0x1000, IMAGE + 0x3000, PAGING_NO_EXECUTE);
    expect_region(2, IMAGE + 0x3000, IMAGE + 0x8000, 0);
    expect_region(3, IMAGE + 0x8000, IMAGE + 0x9000, PAGING_WRITABLE | PAGING_NO_EXECUTE);
    expect_region(4, BSS_START, IMAGE_END, PAGING_WRITABLE | PAGING_NO_EXECUTE);
    assert_int_equal(loader.handoff->image_base, IMAGE);
    static const char *const names[] = {"image: headers", "image: read only", "image: code", "image: data",
                                        "image: data"};
    for (unsigned i = 0; i < 5; i++)
        assert_string_equal(loader.handoff->regions[i].name, names[i]);
}

/* Headers, and what only start-up code reads, are marked; a section of code with such a name is not. */
static void what_nobody_needs_after_the_exit_is_marked(void **state)
{
    (void)state;
    static const char *const names[] = {".rela", ".text", ".dynamic", ".bss"};
    static const bool until_exit[] = {true, true, false, true, false};
    for (unsigned i = 0; i < 4; i++)
        memcpy((void *)SECTION(i), names[i], strlen(names[i]) + 1);
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(loader.handoff->regions[i].until_exit, until_exit[i]);
}

static void a_name_that_only_begins_like_one_is_kept(void **state)
{
    (void)state;
    memcpy((void *)SECTION(0), ".relax\0", 8);
    memcpy((void *)SECTION(1), ".reloc\0", 8);
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    for (unsigned i = 1; i < 5; i++)
        assert_false(loader.handoff->regions[i].until_exit);
}

/* The numbers of sections and of bytes of the optional header have 16 bits, and others behind them. */
static void what_stands_behind_the_numbers_does_not_count(void **state)
{
    (void)state;
    put32(IMAGE + 0x80 + 6, 0xffff0004);
    put32(IMAGE + 0x80 + 20, 0xffff00f0);
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    assert_int_equal(loader.handoff->region_count, 5);
}

/* The image ends where the section ends that lies highest, whichever stands last. */
static void sections_may_stand_in_any_order(void **state)
{
    (void)state;
    char last[40];
    memcpy(last, (void *)SECTION(3), 40);
    memmove((void *)SECTION(1), (void *)SECTION(0), 3 * 40);
    memcpy((void *)SECTION(0), last, 40);
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    assert_non_null(own_blocks_find(loader.handoff, IMAGE_END - 1, 1));
    assert_null(own_blocks_find(loader.handoff, IMAGE_END, 1));
}

static void an_image_that_cannot_be_noted_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OWN_BLOCK_LIMIT; i++)
        assert_true(own_blocks_add(loader.handoff, "another", MEMORY + i * 0x1000, 0x1000, false));
    assert_int_equal(find_image_sections(&loader), EFI_OUT_OF_RESOURCES);
    expect_console("  no room for a block of memory of ours: image\n");
}

/* The made-up firmware does not count .bss in ImageSize. */
static void all_of_the_image_is_ours_whatever_its_size_is_called(void **state)
{
    static const UINT64 sizes[] = {0, 1, 0x9000, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        (void)begin(state);
        loader.loaded->ImageSize = sizes[i];
        assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
        const struct own_block *image = own_blocks_find(loader.handoff, IMAGE, 1);
        assert_ptr_equal(own_blocks_find(loader.handoff, IMAGE_END - 1, 1), image);
        assert_string_equal(image->name, "image");
        assert_false(image->is_taken);
        assert_null(own_blocks_find(loader.handoff, IMAGE_END, 1));
        assert_null(own_blocks_find(loader.handoff, IMAGE - 1, 1));
    }
}

static void a_section_that_is_writable_and_executable_is_refused(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        char sentence[96];
        UINT32 start;
        (void)begin(state);
        memcpy(&start, (void *)(SECTION(i) + 12), sizeof start);
        put32(SECTION(i) + 36, 0xe0000020);
        assert_int_equal(find_image_sections(&loader), EFI_LOAD_ERROR);
        snprintf(sentence, sizeof sentence, "  the section at %lx is both writable and executable\n",
                 IMAGE + start);
        expect_console(sentence);
    }
}

static void a_section_that_begins_inside_a_page_is_refused(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        (void)begin(state);
        put32(SECTION(i) + 12, 0x8200);
        assert_int_equal(find_image_sections(&loader), EFI_LOAD_ERROR);
        expect_console("  the section at 40108200 does not begin on a page\n");
    }
}

static void without_a_pe_header_it_is_refused(void **state)
{
    static const UINT64 places[] = {IMAGE, IMAGE + 1, IMAGE + 0x80, IMAGE + 0x81, IMAGE + 0x82, IMAGE + 0x83};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)begin(state);
        *(UINT8 *)places[i] ^= 1;
        assert_int_equal(find_image_sections(&loader), EFI_LOAD_ERROR);
        expect_console("  there is no PE header at the image base 40100000\n");
    }
    (void)begin(state);
    loader.loaded->ImageBase = NULL;
    assert_int_equal(find_image_sections(&loader), EFI_LOAD_ERROR);
    expect_console("  there is no PE header at the image base 0\n");
}

static void an_empty_section_is_left_out(void **state)
{
    (void)state;
    put32(SECTION(2) + 8, 0);
    assert_int_equal(find_image_sections(&loader), EFI_SUCCESS);
    assert_int_equal(loader.handoff->region_count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFI_TEST("image: each section has its rights, and no more", each_section_has_its_rights_and_no_more),
        EFI_TEST("image: what nobody needs after the exit is marked",
                 what_nobody_needs_after_the_exit_is_marked),
        EFI_TEST("image: a name that only begins like one of these, and code, are kept",
                 a_name_that_only_begins_like_one_is_kept),
        EFI_TEST("image: all of it is ours, whatever its size is called",
                 all_of_the_image_is_ours_whatever_its_size_is_called),
        EFI_TEST("image: a section that is writable and executable is refused",
                 a_section_that_is_writable_and_executable_is_refused),
        EFI_TEST("image: a section that begins inside a page is refused",
                 a_section_that_begins_inside_a_page_is_refused),
        EFI_TEST("image: without a PE header it is refused", without_a_pe_header_it_is_refused),
        EFI_TEST("image: what stands behind the numbers does not count",
                 what_stands_behind_the_numbers_does_not_count),
        EFI_TEST("image: sections may stand in any order", sections_may_stand_in_any_order),
        EFI_TEST("image: one that cannot be noted is refused", an_image_that_cannot_be_noted_is_refused),
        EFI_TEST("image: an empty section is left out", an_empty_section_is_left_out),
    };
    return cmocka_run_group_tests_name("image sections", tests, NULL, NULL);
}
