/* verbs.c - each verb, each status. */
#include "paging/mapper.h"
#include "paging/translate.h"
#include "probe.h"
#include "selftest.h"

enum { PATTERN_A = 0x1111, PATTERN_B = 0x2222 };

/* A frame from the allocator, not mapped anywhere. The caller gives it back. */
static frame_t take_frame(struct selftest_run *t)
{
    frame_t frame = {0};
    CHECK(frames_allocate(t->frames, PAGE_4K, &frame) == FRAMES_OK);
    return frame;
}

static void give_frame(struct selftest_run *t, frame_t frame)
{
    CHECK(frames_free(t->frames, PAGE_4K, frame) == FRAMES_OK);
}

static void unmap(struct selftest_run *t, page_t page)
{
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_OK);
}

static void map_picks_a_frame(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    struct paging_translation found;
    uint64_t free = frames_free_count(t->frames);
    if (!CHECK(paging_map(t->space, page, ENTRY_WRITABLE | no_execute(t), t->source) == PAGING_OK))
        return;
    CHECK(frames_free_count(t->frames) ==
          free - 1 - (t->space->cpu.levels - 1)); /* the page, and a table per level below the root */
    test_words(t, page)[0] = PATTERN_A;
    CHECK(test_words(t, page)[0] == PATTERN_A);
    CHECK(paging_translate(t->space, test_address(t, page), &found) == PAGING_OK);
    CHECK(found.owned && found.size == PAGE_4K && (found.flags & ENTRY_WRITABLE) &&
          !(found.flags & ENTRY_USER));
    unmap(t, page);
    CHECK(frames_free_count(t->frames) == free);
}

static void map_to_two_pages_one_frame(struct selftest_run *t)
{
    page_t one = test_page(t, 1), other = test_page(t, ENTRY_COUNT + 1);
    frame_t frame = take_frame(t);
    struct paging_unmapped gone;
    CHECK(paging_map_to(t->space, one, frame, ENTRY_WRITABLE, t->source) == PAGING_OK);
    CHECK(paging_map_to(t->space, other, frame, 0, t->source) == PAGING_OK);
    test_words(t, one)[7] = PATTERN_B;
    CHECK(test_words(t, other)[7] == PATTERN_B);
    unmap(t, one);
    CHECK(test_words(t, other)[7] == PATTERN_B);
    CHECK(paging_unmap(t->space, other, t->source, &gone) == PAGING_OK);
    CHECK(gone.frame.number == frame.number && gone.size == PAGE_4K && !gone.released);
    give_frame(t, frame);
}

static void identity_map_reads_itself(struct selftest_run *t)
{
    frame_t frame = take_frame(t);
    page_t page = {0};
    struct paging_translation found;
    virt_addr_t address = {frame_start(frame).value};
    CHECK(page_containing(t->space->cpu.levels, address, &page) == PAGING_OK);
    if (CHECK(paging_identity_map(t->space, frame, ENTRY_WRITABLE, t->source) == PAGING_OK)) {
        CHECK(paging_translate(t->space, (virt_addr_t){address.value + 5}, &found) == PAGING_OK);
        CHECK(found.address.value == address.value + 5);
        *(volatile uint64_t *)address.value = PATTERN_A;
        CHECK(*(volatile uint64_t *)address.value == PATTERN_A);
        unmap(t, page);
    }
    give_frame(t, frame);
}

static void first_and_last_pages(struct selftest_run *t)
{
    unsigned levels = t->space->cpu.levels;
    uint64_t pages = level_pages(levels) * ENTRY_COUNT; /* in both halves together */
    const page_t edges[] = {{0}, {pages / 2 - 1}, {pages / 2}};
    for (unsigned i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        if (!CHECK(paging_map(t->space, edges[i], ENTRY_WRITABLE, t->source) == PAGING_OK))
            continue;
        test_words(t, edges[i])[ENTRY_COUNT - 1] = i;
        CHECK(test_words(t, edges[i])[ENTRY_COUNT - 1] == i);
        unmap(t, edges[i]);
    }
    page_t last = {pages - 1}; /* that is the root itself */
    CHECK(paging_map(t->space, last, ENTRY_WRITABLE, t->source) == PAGING_RESERVED_SLOT);
}

static void translate_says_what_is_missing(struct selftest_run *t)
{
    struct paging_translation found;
    struct paging_path path;
    page_t page = test_page(t, 0);
    CHECK(paging_translate(t->space, test_address(t, page), &found) == PAGING_NOT_MAPPED);
    CHECK(paging_trace(t->space, test_address(t, page), &path) == PAGING_NOT_MAPPED);
    CHECK(path.level == path.top && entry_is_unused(path.entries[path.level]));
    CHECK(paging_map(t->space, page, 0, t->source) == PAGING_OK);
    page_t next = {page.number + 1};
    CHECK(paging_trace(t->space, test_address(t, next), &path) == PAGING_NOT_MAPPED && path.level == 1);
    unmap(t, page);
}

static void refusals_change_nothing(struct selftest_run *t)
{
    page_t page = test_page(t, 0), kept = {(uint64_t)PAGING_SCRATCH_SLOT * level_pages(t->space->cpu.levels)};
    frame_t frame = take_frame(t), high = {1ull << (t->space->cpu.physical_bits - PAGE_SHIFT)};
    struct paging_unmapped gone;
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_NOT_MAPPED);
    CHECK(paging_unmap(t->space, kept, t->source, &gone) == PAGING_RESERVED_SLOT);
    CHECK(paging_map_to(t->space, kept, frame, 0, t->source) == PAGING_RESERVED_SLOT);
    CHECK(paging_map_to(t->space, page, high, 0, t->source) == PAGING_FRAME_TOO_HIGH);
    CHECK(paging_map_to(t->space, page, frame, ENTRY_HUGE, t->source) == PAGING_BAD_FLAGS);
    CHECK(paging_map_to(t->space, page, frame, ENTRY_OWNED, t->source) == PAGING_BAD_FLAGS);
    CHECK(paging_map_to(t->space, page, frame, ENTRY_GLOBAL, t->source) == PAGING_BAD_FLAGS);
    CHECK(paging_map_sized(t->space, (page_t){page.number + 1}, (frame_t){ENTRY_COUNT}, PAGE_2M, 0,
                           t->source) == PAGING_MISALIGNED);
    CHECK(paging_map_to(t->space, page, frame, ENTRY_WRITABLE, t->source) == PAGING_OK);
    uint64_t free = frames_free_count(t->frames), flushes = t->space->flushes;
    CHECK(paging_map_to(t->space, page, frame, 0, t->source) == PAGING_ALREADY_MAPPED);
    CHECK(paging_map(t->space, page, 0, t->source) == PAGING_ALREADY_MAPPED);
    CHECK(frames_free_count(t->frames) == free && t->space->flushes == flushes);
    unmap(t, page);
    give_frame(t, frame);
}

static void sizes_and_halves(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    unsigned levels = t->space->cpu.levels;
    frame_t beyond = {UINT64_C(1) << (address_bits(levels) - 1 - PAGE_SHIFT)};
    CHECK(paging_identity_map(t->space, beyond, 0, t->source) == PAGING_NOT_CANONICAL);
    CHECK(paging_map_sized(t->space, page, (frame_t){0}, (enum page_size)0, 0, t->source) ==
          PAGING_NOT_SUPPORTED);
    CHECK(paging_map_sized(t->space, page, (frame_t){0}, (enum page_size)4, 0, t->source) ==
          PAGING_NOT_SUPPORTED);
    CHECK(paging_map(t->space, page, 0, t->source) == PAGING_OK);
    CHECK(paging_map_sized(t->space, page, (frame_t){0}, PAGE_2M, 0, t->source) == PAGING_ALREADY_MAPPED);
    unmap(t, page);
}

static void reserved_pages_fault(struct selftest_run *t)
{
    page_t page = test_page(t, 0);
    struct paging_translation found;
    struct paging_unmapped gone;
    struct paging_path path;
    uint64_t payload = 0;
    CHECK(paging_reserve(t->space, page, 0x1234567, t->source) == PAGING_OK);
    CHECK(paging_translate(t->space, test_address(t, page), &found) == PAGING_RESERVED);
    CHECK(paging_trace(t->space, test_address(t, page), &path) == PAGING_RESERVED);
    CHECK(path.level == 1 && entry_payload(path.entries[1]) == 0x1234567);
    struct probe probe = probe_read(test_address(t, page));
    CHECK(probe.faulted && probe.vector == 14 && probe.error_code == 0);
    CHECK(paging_map(t->space, page, 0, t->source) == PAGING_RESERVED);
    CHECK(paging_unmap(t->space, page, t->source, &gone) == PAGING_RESERVED);
    CHECK(paging_reserve(t->space, page, 5, t->source) == PAGING_RESERVED);
    CHECK(paging_unreserve(t->space, page, t->source, &payload) == PAGING_OK && payload == 0x1234567);
    CHECK(paging_unreserve(t->space, page, t->source, &payload) == PAGING_NOT_MAPPED);
    CHECK(paging_reserve(t->space, page, 0, t->source) == PAGING_BAD_FLAGS);
}

/* What four levels have no address for. */
static void beyond_48_bits(struct selftest_run *t)
{
    virt_addr_t address = {UINT64_C(3) << 50};
    page_t page = {0};
    struct paging_path path;
    CHECK(page_containing(4, address, &page) == PAGING_NOT_CANONICAL);
    if (t->space->cpu.levels == 4) {
        t->skip = "the tables have four levels";
        return;
    }
    if (!CHECK(page_containing(5, address, &page) == PAGING_OK) ||
        !CHECK(paging_map(t->space, page, ENTRY_WRITABLE, t->source) == PAGING_OK))
        return;
    *(volatile uint64_t *)address.value = PATTERN_B;
    CHECK(*(volatile uint64_t *)address.value == PATTERN_B);
    CHECK(paging_trace(t->space, address, &path) == PAGING_OK && path.top == 5 && path.level == 1);
    CHECK(entry_is_table(path.entries[5], 5));
    unmap(t, page);
    CHECK(probe_read(address).faulted);
}

static void empty_tables_come_back(struct selftest_run *t)
{
    page_t near = test_page(t, 3), far = test_page(t, 3 + level_pages(3));
    uint64_t tables = t->space->tables;
    CHECK(paging_map(t->space, near, 0, t->source) == PAGING_OK);
    CHECK(t->space->tables == tables + t->space->cpu.levels - 1);
    CHECK(paging_map(t->space, far, 0, t->source) == PAGING_OK);
    CHECK(t->space->tables == tables + t->space->cpu.levels - 1 + 2); /* P2 and P1; the P3 is shared */
    unmap(t, near);
    CHECK(t->space->tables == tables + t->space->cpu.levels - 1);
    unmap(t, far);
    CHECK(t->space->tables == tables);
}

const struct selftest verb_tests[] = {
    {"map: picks a frame, and unmap gives it back", map_picks_a_frame},
    {"map_to: two pages show one frame, which stays the caller's", map_to_two_pages_one_frame},
    {"identity_map: the frame is found at its own address", identity_map_reads_itself},
    {"map: the first and last pages of both halves", first_and_last_pages},
    {"translate: says at which level the walk ended", translate_says_what_is_missing},
    {"map, unmap: what is refused changes nothing", refusals_change_nothing},
    {"map, identity_map: sizes and addresses that do not exist are refused", sizes_and_halves},
    {"reserve: the page faults, keeps its payload, and is refused to others", reserved_pages_fault},
    {"five levels: a page beyond 48 bits is mapped, read and removed", beyond_48_bits},
    {"unmap: tables go back when their last page goes", empty_tables_come_back},
    {0},
};
