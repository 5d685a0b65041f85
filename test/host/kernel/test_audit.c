/* SPDX-License-Identifier: MIT */
/* audit: each kind of mapping that breaks a rule is found, whatever the sizes of its pages, and no other. */
#include "kernel/audit_rig.h"

/* ---- what is no finding ---- */

static void a_kernel_is_clean(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, 0);                     /* text */
    map(PLACE + 4 * KIB, DEVICE_FRAME + 1, NX);      /* constants */
    map(PLACE + 8 * KIB, DEVICE_FRAME + 2, RW | NX); /* data */
    map(OTHER, DEVICE_FRAME + 2, RW | NX);           /* the same, with the same face */
    map_sized(PLACE + 2 * MIB, FRAME_2M, PAGING_2M, RW | NX | PAGING_CACHE_WRITE_COMBINING);
    look();
    assert_int_equal(found_count, 0);
    assert_int_equal(audit.pages, 4 + paging_level_pages(PAGING_2M));
    assert_int_equal(audit.tables, paging_counted(&rig.space).tables);
    char text[96];
    struct text_sink sink = text_sink(text, sizeof text);
    audit_describe_extent(&audit, &sink.sink);
    assert_non_null(strstr(text, " tables of 1 space, 516 pages in "));
    assert_null(strstr(text, "without"));
}

/* Every table is known, those of the scratch page and of the way there too: each one, mapped, is found. */
static void every_table_is_known(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, RW | NX);
    collect(NULL, 0);
    uint64_t known = 0;
    for (size_t i = 0; i < audit.run_count; i++)
        known += runs[i].is_table ? runs[i].frames.end - runs[i].frames.start : 0;
    assert_int_equal(known, paging_counted(&rig.space).tables);
}

/* ---- each kind ---- */

static void writable_and_executable(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, RW);
    map(PLACE + 4 * KIB, DEVICE_FRAME + 1, RW);
    look();
    assert_found(AUDIT_WRITABLE_EXECUTABLE, PLACE, DEVICE_FRAME, 2);
    assert_words(rig_levels == 4 ? "0000410000000000 rwx write-back, frames 3000..3002, can be written and "
                                   "executed"
                                 : "0000410000000000 rwx write-back, frames 3000..3002, can be written and "
                                   "executed");
}

static void user_page(void **state)
{
    (void)state;
    open();
    map_sized(PLACE, FRAME_2M, PAGING_2M, RW | NX | US);
    look();
    assert_found(AUDIT_USER, PLACE, FRAME_2M, paging_level_pages(PAGING_2M));
    assert_words("0000410000000000 rw- user write-back, frames 8000..8200, can be reached from ring 3");
}

/* A 4 KiB page in the middle of a huge one, in both orders of their addresses. */
static void other_memory_type(void **state)
{
    (void)state;
    for (unsigned swapped = 0; swapped < 2; swapped++) {
        uint64_t huge = swapped ? OTHER : PLACE, small = swapped ? PLACE : OTHER;
        open();
        map_sized(huge, FRAME_2M, PAGING_2M, RW | NX);
        map(small, FRAME_2M + 5, RW | NX | PAGING_CACHE_WRITE_COMBINING);
        look();
        assert_found(AUDIT_OTHER_TYPE, small, FRAME_2M + 5, 1);
        assert_other(huge + 20 * KIB, RW | NX);
        rig_close(state);
    }
}

static void memory_type_in_words(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, NX | PAGING_CACHE_UNCACHED);
    map(OTHER, DEVICE_FRAME, NX);
    look();
    assert_int_equal(found_count, 1);
    assert_int_equal(found[0].kind, AUDIT_OTHER_TYPE);
    assert_words(rig_address(found[0].page.number) == PLACE
                     ? "0000410000000000 r-- uncached, frame 3000, is mapped with another memory type as "
                       "well: 0000410100000000 r-- write-back"
                     : "0000410100000000 r-- write-back, frame 3000, is mapped with another memory type as "
                       "well: 0000410000000000 r-- uncached");
}

/* Two entries of the PAT that say the same are the same type. */
static void entries_of_the_pat_are_types(void **state)
{
    (void)state;
    open();
    map(PLACE, DEVICE_FRAME, NX | PAGING_CACHE_ENTRY(0));
    map(OTHER, DEVICE_FRAME, NX | PAGING_CACHE_ENTRY(4));
    look();
    assert_int_equal(found_count, 0);
}

/* The finding names the wider one, whichever comes first, and the other one with its own address. */
static void wider_rights(void **state)
{
    (void)state;
    for (unsigned swapped = 0; swapped < 2; swapped++) {
        uint64_t text = swapped ? OTHER : PLACE, data = swapped ? PLACE : OTHER;
        open();
        map(text, DEVICE_FRAME, NX);
        map(data, DEVICE_FRAME, RW | NX);
        look();
        assert_found(AUDIT_WIDER_RIGHTS, data, DEVICE_FRAME, 1);
        assert_other(text, NX);
        rig_close(state);
    }
}

/* Code that can be changed through another address: neither is the wider one, and both are named. */
static void code_with_a_writable_alias(void **state)
{
    (void)state;
    open();
    map_sized(PLACE, FRAME_2M, PAGING_2M, 0);
    map(OTHER, FRAME_2M + 511, RW | NX);
    look();
    assert_found(AUDIT_WIDER_RIGHTS, OTHER, FRAME_2M + 511, 1);
    assert_other(PLACE + 511 * 4 * KIB, 0);
}

static void gibibyte_with_aliases(void **state)
{
    (void)state;
    open();
    map_sized(PLACE, FRAME_1G, PAGING_1G, RW | NX);
    map_sized(OTHER, FRAME_1G + 3 * AUDIT_HUGE_PAGES, PAGING_2M, NX);
    look();
    assert_found(AUDIT_WIDER_RIGHTS, PLACE + 3 * 2 * MIB, FRAME_1G + 3 * AUDIT_HUGE_PAGES, AUDIT_HUGE_PAGES);
    assert_other(OTHER, NX);
}

static void mapped_tables(void **state)
{
    (void)state;
    open();
    map(PLACE, rig.space.root.number, NX);
    look();
    assert_found(AUDIT_TABLE, PLACE, rig.space.root.number, 1);
    assert_false(found[0].has_other);
    struct paging_walk_result walk;
    assert_status(paging_walk_address(&rig.space, (paging_virt_t){PLACE}, &walk), PAGING_OK);
    for (unsigned level = 2; level <= rig_levels; level++) {
        uint64_t table = paging_entry_frame(walk.entries[level]).number;
        rig_close(state);
        open();
        map(PLACE, table, NX);
        look();
        assert_found(AUDIT_TABLE, PLACE, table, 1);
    }
}

/* The tables below the scratch page's slot, which paging_for_each does not show. */
static void mapped_scratch_tables(void **state)
{
    (void)state;
    open();
    struct paging_walk_result walk;
    uint64_t scratch = rig_address(PAGING_SCRATCH_SLOT * paging_level_pages(rig_levels));
    (void)!paging_walk_address(&rig.space, (paging_virt_t){scratch}, &walk);
    for (unsigned level = 2; level <= rig_levels; level++) {
        uint64_t address = PLACE + level * 4 * KIB, table = paging_entry_frame(walk.entries[level]).number;
        map(address, table, NX);
        look();
        assert_found(AUDIT_TABLE, address, table, 1);
        assert_status(rig_unmap(address), PAGING_OK);
    }
}

static void free_frames(void **state)
{
    (void)state;
    paging_frame_t taken;
    open();
    map_sized(PLACE, FRAME_2M, PAGING_2M, RW | NX);
    look();
    assert_int_equal(found_count, 0);
    paging_frame_t start = {FRAME_2M + 7}, end = {FRAME_2M + 9};
    assert_int_equal(frames_add_free(&frames, start, end), FRAMES_OK);
    look();
    assert_found(AUDIT_FREE_FRAME, PLACE + 7 * 4 * KIB, FRAME_2M + 7, 1);
    assert_words("0000410000007000 rw- write-back, frame 8007, is free, and may be handed out");
    assert_int_equal(frames_allocate(&frames, PAGING_4K, &taken), FRAMES_OK);
    look();
    assert_found(AUDIT_FREE_FRAME, PLACE + 8 * 4 * KIB, FRAME_2M + 8, 1);
    assert_int_equal(frames_allocate(&frames, PAGING_4K, &taken), FRAMES_OK);
    look();
    assert_int_equal(found_count, 0);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("audit: a kernel's mappings are clean, and counted", a_kernel_is_clean),
    RIG_TEST("audit: every table is known", every_table_is_known),
    RIG_TEST("audit: a page that can be written and executed", writable_and_executable),
    RIG_TEST("audit: a user page", user_page),
    RIG_TEST("audit: an alias of another memory type, inside a huge page", other_memory_type),
    RIG_TEST("audit: memory types in words", memory_type_in_words),
    RIG_TEST("audit: entries of the PAT that say the same are one type", entries_of_the_pat_are_types),
    RIG_TEST("audit: an alias with wider rights", wider_rights),
    RIG_TEST("audit: code with a writable alias", code_with_a_writable_alias),
    RIG_TEST("audit: 2 MiB of a 1 GiB page with other rights", gibibyte_with_aliases),
    RIG_TEST("audit: a page table of any level that is mapped", mapped_tables),
    RIG_RECURSIVE_TEST("audit: the tables of the scratch page too", mapped_scratch_tables),
    RIG_TEST("audit: a free frame that is mapped", free_frames),
};

RIG_MAIN("audit", tests)
