/* SPDX-License-Identifier: MIT */
/*
 * areas: what the page fault handler does in an area. A test makes an access, gives its fault to the handler,
 * and makes the access again, as the processor does.
 */
#include "kernel/console/format.h"
#include "kernel/faults/areas.h"
#include "kernel/frames/frame_sharing.h"
#include "rig/rig.h"
#include <selfmap/clone.h>
#include <selfmap/share.h>
#include <selfmap/switch.h>
#include <stdio.h>
#include <string.h>

#define PAGE  PAGING_PAGE_BYTES
#define BLOCK paging_level_pages(PAGING_2M)
#define WORDS (PAGE / sizeof(uint64_t))

enum { COUNTED = 1 << 20 }; /* frames whose owners are counted: all of the source's */

/* ---- the bytes of pages ---- */

#ifdef MACHINE_MMAP
#    include "kernel/faults/page_words.c"
#else
/* Returns the memory behind a page that the processor can access like this; NULL where there is none. */
static uint64_t *bytes_behind(uint64_t address, unsigned access)
{
    assert_allowed(address, access);
    return machine_frame(walker_walk(machine_walker(), NULL, address, access, false).frame);
}

void page_words_clear(paging_virt_t to, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes; done += PAGE) {
        uint64_t *words = bytes_behind(to.value + done, WALK_WRITE);
        if (words)
            memset(words, 0, PAGE);
    }
}

void page_words_copy(paging_virt_t to, paging_virt_t from, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes; done += PAGE) {
        uint64_t *target = bytes_behind(to.value + done, WALK_WRITE);
        const uint64_t *source = bytes_behind(from.value + done, WALK_READ);
        if (target && source)
            memcpy(target, source, PAGE);
    }
}
#endif

/* ---- an address space with areas ---- */

static struct areas areas, *here; /* those of the active space */
static struct frames_sharing sharing;
static struct paging_frame_source *const frames = &sharing.source;
static uint16_t owners[COUNTED];
static unsigned tables_before;

static struct area area_at(const char *name, enum area_kind kind, uint64_t start, uint64_t pages,
                           uint64_t rights)
{
    uint64_t first = start / PAGE; /* of the lower half */
    return (struct area){
        .name = name, .kind = kind, .rights = rights, .start = {first}, .end = {first + pages}};
}

static void count_owners(void)
{
    frames_sharing_init(&sharing, machine_frames(), owners, (paging_frame_t){0}, (paging_frame_t){COUNTED});
    here = &areas;
}

static void open_areas(void)
{
    rig_open_large();
    count_owners();
    assert_status(areas_init(&areas, &rig.space, &sharing, rig_page(PLACE + SLOT_BYTES)), PAGING_OK);
    tables_before = (unsigned)paging_counted(&rig.space).tables;
}

/* Everything has gone back, and no translation was left behind. */
static void end_areas(void)
{
    assert_null(areas.first);
    assert_int_equal(paging_counted(&rig.space).tables, tables_before);
    assert_status(areas_end(&areas), PAGING_OK);
    machine_audit();
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

/* Makes an access; if it faults, asks the handler and makes it again. Returns the answer. */
static enum area_answer touch(uint64_t address, unsigned access)
{
    struct machine_access result = machine_access(address, access);
    if (!result.faulted)
        return AREA_FAULT_HANDLED;
    enum area_answer answer = areas_handle_fault(here, (paging_virt_t){address}, result.error);
    assert_int_equal(here->answer, answer);
    if (answer == AREA_FAULT_HANDLED)
        assert_allowed(address, access);
    machine_audit();
    return answer;
}

static uint64_t *words_at(uint64_t address)
{
    return machine_frame(walker_walk(machine_walker(), NULL, address, WALK_READ, false).frame);
}

static void write_word(uint64_t address, uint64_t value)
{
    assert_int_equal(touch(address, WALK_WRITE), AREA_FAULT_HANDLED);
    words_at(address)[address % PAGE / 8] = value;
}

static uint64_t read_word(uint64_t address)
{
    assert_int_equal(touch(address, WALK_READ), AREA_FAULT_HANDLED);
    return machine_access(address, WALK_READ).value;
}

static bool is_mapped(uint64_t address)
{
    return !walker_walk(machine_walker(), NULL, address, WALK_READ, false).faulted;
}

static void assert_explained(const char *words)
{
    char text[200];
    struct text_sink sink = text_sink(text, sizeof text);
    areas_explain(here, &sink.sink);
    assert_string_equal(text, words);
}

/* ---- pages on demand ---- */

static void touched_pages_are_filled(void **state)
{
    (void)state;
    struct area area = area_at("heap", AREA_ON_DEMAND, PLACE, 32 * BLOCK, RW | NX);
    static const uint64_t touched[] = {0, 3, 700, 32 * 512 - 1};
    open_areas();
    assert_status(areas_open(&areas, &area), PAGING_OK);
    assert_in_range(paging_counted(&rig.space).tables - tables_before, 1, 3);
    unsigned out = machine_frames_out() - (unsigned)paging_counted(&rig.space).tables;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t address = PLACE + touched[i] * PAGE;
        assert_int_equal(touch(address + 8 * i, i % 2 ? WALK_WRITE : WALK_READ), AREA_FAULT_HANDLED);
        for (unsigned word = 0; word < WORDS; word++)
            assert_int_equal(words_at(address)[word], 0);
        assert_false(is_mapped(address + (i == 3 ? -1ul : 1) * PAGE));
    }
    assert_explained(""); /* what was handled needs no words */
    assert_int_equal(area.filled, 4);
    assert_int_equal(machine_frames_out() - paging_counted(&rig.space).tables, out + 4);
    write_word(PLACE + 3 * PAGE, 77);
    assert_int_equal(read_word(PLACE + 3 * PAGE), 77);
    assert_int_equal(area.filled, 4);
    assert_status(areas_close(&areas, &area), PAGING_OK);
    end_areas();
}

/* Rights of the page are those of the area, and what it has not is refused before and after it is filled. */
static void rights_are_the_areas(void **state)
{
    (void)state;
    static const unsigned accesses[] = {WALK_READ,
                                        WALK_WRITE,
                                        WALK_FETCH,
                                        WALK_USER | WALK_READ,
                                        WALK_USER | WALK_WRITE,
                                        WALK_USER | WALK_FETCH};
    open_areas();
    for (unsigned bits = 0; bits < 8; bits++) {
        uint64_t rights = (bits & 1 ? RW : 0) | (bits & 2 ? US : 0) | (bits & 4 ? NX : 0);
        struct area area = area_at("some", AREA_ON_DEMAND, PLACE, 8, rights);
        assert_status(areas_open(&areas, &area), PAGING_OK);
        for (unsigned i = 0; i < 6; i++) {
            unsigned access = accesses[i];
            bool may = (!(access & WALK_WRITE) || (rights & RW)) &&
                       (!(access & WALK_USER) || (rights & US)) && (!(access & WALK_FETCH) || !(rights & NX));
            if (access & WALK_FETCH) /* zeroes are no code: the error code alone */
                assert_int_equal(areas_handle_fault(&areas, (paging_virt_t){PLACE + i * PAGE}, access),
                                 may ? AREA_FAULT_HANDLED : AREA_FAULT_FORBIDDEN);
            else
                assert_int_equal(touch(PLACE + i * PAGE, access),
                                 may ? AREA_FAULT_HANDLED : AREA_FAULT_FORBIDDEN);
            assert_int_equal(is_mapped(PLACE + i * PAGE), may);
        }
        if (!(rights & RW)) {
            assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_FORBIDDEN);
            assert_explained("area: some: the area does not have this right\n");
        }
        assert_status(areas_close(&areas, &area), PAGING_OK);
    }
    end_areas();
}

static void what_is_not_an_areas_is_refused(void **state)
{
    (void)state;
    struct area area = area_at("some", AREA_ON_DEMAND, PLACE + PAGE, 4, RW);
    open_areas();
    assert_status(areas_open(&areas, &area), PAGING_OK);
    assert_int_equal(touch(PLACE, WALK_READ), AREA_FAULT_ELSEWHERE);
    assert_explained("");
    assert_int_equal(touch(PLACE + 5 * PAGE, WALK_READ), AREA_FAULT_ELSEWHERE);
    assert_int_equal(touch(PLACE + 4 * PAGE, WALK_READ), AREA_FAULT_HANDLED);
    assert_status(paging_unmap(&rig.space, rig_page(PLACE + 4 * PAGE), frames, NULL), PAGING_OK);
    assert_int_equal(touch(PLACE + 4 * PAGE, WALK_READ), AREA_FAULT_ODD_ENTRY);
    assert_explained("area: some: the page is not as this area leaves it\n");
    assert_status(paging_set_marker(&rig.space, rig_page(PLACE + 4 * PAGE), AREA_MARKER + 1, frames),
                  PAGING_OK);
    assert_int_equal(touch(PLACE + 4 * PAGE, WALK_READ), AREA_FAULT_ODD_ENTRY);
    /* The frame of somebody else's is never written to, and a write that may be made does not come here. */
    assert_status(paging_map_to(&rig.space, rig_page(PLACE + 3 * PAGE), (paging_frame_t){DEVICE_FRAME},
                                PAGING_REPLACE_MARKER, frames),
                  PAGING_OK);
    assert_int_equal(touch(PLACE + 3 * PAGE, WALK_WRITE), AREA_FAULT_ODD_ENTRY);
    write_word(PLACE + 2 * PAGE, 1);
    static const uint64_t codes[] = {WALK_PRESENT | WALK_WRITE, WALK_PRESENT,
                                     WALK_PRESENT | WALK_WRITE | WALK_RESERVED, WALK_WRITE,
                                     WALK_PRESENT | WALK_WRITE | 0x20};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(areas_handle_fault(&areas, (paging_virt_t){PLACE + 2 * PAGE}, codes[i]),
                         AREA_FAULT_ODD_ENTRY);
    uint64_t gap = (uint64_t)1 << (paging_address_bits(rig_levels) - 1);
    assert_int_equal(areas_handle_fault(&areas, (paging_virt_t){gap}, 0), AREA_FAULT_ELSEWHERE);
    assert_status(areas_close(&areas, &area), PAGING_OK);
    assert_int_equal(touch(PLACE + PAGE, WALK_READ), AREA_FAULT_ELSEWHERE);
    end_areas();
}

static void a_guard_is_never_filled(void **state)
{
    (void)state;
    struct area guard = area_at("null", AREA_GUARD, PLACE, 2, RW | US);
    struct area after = area_at("data", AREA_ON_DEMAND, PLACE + 2 * PAGE, 2, RW);
    open_areas();
    assert_status(areas_open(&areas, &guard), PAGING_OK);
    assert_status(areas_open(&areas, &after), PAGING_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(touch(PLACE + i * PAGE, WALK_READ), AREA_FAULT_GUARD);
        assert_int_equal(touch(PLACE + i * PAGE + 8, WALK_WRITE), AREA_FAULT_GUARD);
        assert_explained("area: null: nothing may be accessed here, it is a guard\n");
        assert_false(is_mapped(PLACE + i * PAGE));
    }
    write_word(PLACE + 2 * PAGE, 1);
    assert_status(areas_close(&areas, &guard), PAGING_OK);
    assert_status(areas_close(&areas, &after), PAGING_OK);
    end_areas();
}

static void a_stack_grows_to_its_guard(void **state)
{
    (void)state;
    enum { PAGES = 6 };
    struct area stack = area_at("stack", AREA_STACK, PLACE, PAGES, RW | NX);
    open_areas();
    assert_status(areas_open(&areas, &stack), PAGING_OK);
    for (unsigned filled = 0; filled < PAGES - 1; filled++) {
        uint64_t next = PLACE + (PAGES - 1 - filled) * PAGE;
        for (uint64_t below = PLACE + PAGE; below < next; below += PAGE) {
            assert_int_equal(touch(below + PAGE - 8, WALK_WRITE), AREA_FAULT_BELOW_STACK);
            assert_false(is_mapped(below));
        }
        if (filled == 0)
            assert_explained(
                "area: stack: this stack grows by a page at a time, and this is not the next one\n");
        assert_int_equal(touch(PLACE + PAGE - 8, WALK_WRITE), AREA_FAULT_STACK_END);
        assert_int_equal(stack.filled, filled);
        write_word(next + PAGE - 8, filled);
        assert_int_equal(stack.lowest.number, rig_page(next).number);
    }
    assert_int_equal(touch(PLACE + PAGE - 8, WALK_WRITE), AREA_FAULT_STACK_END);
    assert_explained("area: stack: this stack is used up, the address is in its guard page\n");
    assert_false(is_mapped(PLACE));
    for (unsigned i = 0; i < PAGES - 1; i++)
        assert_int_equal(read_word(PLACE + (PAGES - i) * PAGE - 8), i);
    assert_status(areas_close(&areas, &stack), PAGING_OK);
    end_areas();
}

/* ---- copy-on-write ---- */

/* Clones of the space, with the same areas. */
static struct {
    struct paging_space space;
    struct areas areas;
    struct area area;
} clones[2];

static struct area heap;

/* An area with one page, which holds a word at its start and one at its end. */
static void open_heap(uint64_t pages)
{
    open_areas();
    heap = area_at("heap", AREA_ON_DEMAND, PLACE, pages, RW | NX);
    assert_status(areas_open(&areas, &heap), PAGING_OK);
    write_word(PLACE, 0x1111);
    write_word(PLACE + PAGE - 8, 0x2222);
}

static struct areas *open_clone(unsigned which)
{
    struct paging_space *space = &clones[which].space;
    assert_status(paging_create_sibling(space, &rig.space, frames), PAGING_OK);
    if (rig_has_windows())
        assert_status(paging_attach(&rig.space, space), PAGING_OK);
    assert_status(paging_clone_lower_half(&rig.space, space, frames), PAGING_OK);
    if (rig_has_windows())
        assert_status(paging_detach(&rig.space, space), PAGING_OK);
    machine_audit();
    assert_status(areas_inherit(&clones[which].areas, space, &areas, &clones[which].area), PAGING_OK);
    return &clones[which].areas;
}

static void go_to(struct areas *there)
{
    if (there == here)
        return;
    assert_status(paging_switch_to(here->space, there->space), PAGING_OK);
    here = there;
}

static void close_clone(unsigned which)
{
    go_to(&clones[which].areas);
    assert_status(areas_close(here, &clones[which].area), PAGING_OK);
    assert_null(here->first);
    assert_status(areas_end(here), PAGING_OK);
    go_to(&areas);
    assert_status(paging_destroy(&clones[which].space, frames), PAGING_OK);
}

static void close_heap(void)
{
    go_to(&areas);
    assert_status(areas_close(&areas, &heap), PAGING_OK);
    end_areas();
}

static uint64_t read_in(struct areas *there, uint64_t address)
{
    go_to(there);
    return read_word(address);
}

static void write_in(struct areas *there, uint64_t address, uint64_t value)
{
    go_to(there);
    write_word(address, value);
}

static void the_writer_gets_a_copy(void **state)
{
    (void)state;
    for (unsigned turn = 0; turn < 2; turn++) {
        open_heap(8);
        struct areas *clone = open_clone(0), *writer = turn ? &areas : clone, *other = turn ? clone : &areas;
        unsigned out = machine_frames_out();
        const uint64_t *kept = words_at(PLACE);
        assert_int_equal(read_in(clone, PLACE), 0x1111);
        assert_ptr_equal(words_at(PLACE), kept);
        assert_int_equal(read_in(&areas, PLACE), 0x1111);
        assert_int_equal(machine_frames_out(), out);
        write_in(writer, PLACE, 0x3333);
        assert_ptr_not_equal(words_at(PLACE), kept);
        assert_int_equal(machine_frames_out(), out + 1);
        assert_int_equal(read_word(PLACE + PAGE - 8), 0x2222);
        assert_refused(PLACE, WALK_FETCH, WALK_PRESENT | WALK_FETCH);
        assert_int_equal(writer->first->copied, 1);
        /* Who is left over keeps the frame, and may write to it again. */
        assert_int_equal(read_in(other, PLACE), 0x1111);
        assert_refused(PLACE, WALK_WRITE, WALK_PRESENT | WALK_WRITE);
        write_word(PLACE, 0x4444);
        assert_ptr_equal(words_at(PLACE), kept);
        assert_int_equal(machine_frames_out(), out + 1);
        assert_int_equal(other->first->copied, 0);
        assert_int_equal(other->first->unshared, 1);
        assert_int_equal(writer->first->unshared, 0);
        assert_int_equal(read_in(writer, PLACE), 0x3333);
        close_clone(0);
        close_heap();
    }
}

/* The other one has unmapped a page of it, and so has it in parts. */
static void a_huge_page_is_copied_whole(void **state)
{
    (void)state;
    open_heap(2 * BLOCK);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, 2 * MIB, frames), PAGING_OK);
    assert_status(paging_map_range_alloc(&rig.space, (paging_virt_t){PLACE}, 2 * MIB, RW | NX, frames),
                  PAGING_OK);
    assert_int_equal(rig_walk(PLACE).level, 2);
    write_word(PLACE + 5 * PAGE, 0x1111);
    write_word(PLACE + 99 * PAGE, 0x2222);
    struct areas *clone = open_clone(0);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE + 5 * PAGE}, PAGE, frames), PAGING_OK);
    unsigned out = machine_frames_out();
    go_to(clone);
    assert_int_equal(touch(PLACE + 77 * PAGE, WALK_WRITE), AREA_FAULT_HANDLED);
    assert_int_equal(machine_frames_out(), out + BLOCK - 1); /* of the old run one frame has gone back */
    assert_int_equal(walker_walk(machine_walker(), NULL, PLACE, WALK_READ, false).level, 2);
    assert_int_equal(read_word(PLACE + 5 * PAGE), 0x1111);
    write_word(PLACE + 99 * PAGE, 0x3333);
    assert_int_equal(clone->first->copied, 1);
    write_in(&areas, PLACE + 98 * PAGE, 0x4444);
    assert_int_equal(read_word(PLACE + 99 * PAGE), 0x2222);
    assert_int_equal(machine_frames_out(), out + BLOCK - 1);
    assert_int_equal(heap.unshared, 1);
    assert_int_equal(heap.copied, 0);
    close_clone(0);
    close_heap();
}

/* Nobody has as much memory to copy it to. */
static void a_gigabyte_is_not_copied(void **state)
{
    (void)state;
    open_heap(BLOCK * PAGING_TABLE_ENTRIES);
    assert_status(paging_unmap_range(&rig.space, (paging_virt_t){PLACE}, GIB, frames), PAGING_OK);
    assert_status(paging_map_range_alloc(&rig.space, (paging_virt_t){PLACE}, GIB, RW | NX, frames),
                  PAGING_OK);
    assert_int_equal(rig_walk(PLACE).level, 3);
    struct areas *clone = open_clone(0);
    assert_int_equal(touch(PLACE + 77 * PAGE, WALK_WRITE), AREA_FAULT_ODD_ENTRY);
    assert_status(areas_close(&areas, &heap), PAGING_OK);
    go_to(clone);
    assert_int_equal(touch(PLACE + 77 * PAGE, WALK_WRITE), AREA_FAULT_HANDLED);
    assert_int_equal(clone->first->unshared, 1);
    close_clone(0);
    end_areas();
}

static void many_owners_of_a_frame(void **state)
{
    (void)state;
    open_heap(8);
    struct areas *first = open_clone(0), *second = open_clone(1);
    write_in(first, PLACE, 1);
    write_in(&areas, PLACE, 2);
    assert_int_equal(first->first->copied + heap.copied, 2);
    assert_int_equal(read_in(second, PLACE), 0x1111);
    write_word(PLACE, 3);
    assert_int_equal(second->first->copied, 0);
    assert_int_equal(second->first->unshared, 1);
    assert_int_equal(read_in(first, PLACE), 1);
    assert_int_equal(read_in(&areas, PLACE), 2);
    close_clone(1);
    close_clone(0);
    close_heap();
}

static void what_is_closed_leaves_the_others_theirs(void **state)
{
    (void)state;
    open_heap(8);
    struct areas *clone = open_clone(0);
    close_clone(0);
    write_word(PLACE, 2);
    assert_int_equal(heap.unshared, 1);
    clone = open_clone(0);
    assert_status(areas_close(&areas, &heap), PAGING_OK);
    assert_int_equal(read_in(clone, PLACE), 2);
    write_word(PLACE, 3);
    assert_int_equal(clone->first->unshared, 1);
    close_clone(0);
    end_areas();
}

/* What may not be written stays as it is, whether others own the frame or not. */
static void what_may_not_be_written_is_not_copied(void **state)
{
    (void)state;
    open_areas();
    heap = area_at("heap", AREA_ON_DEMAND, PLACE, 8, NX);
    assert_status(areas_open(&areas, &heap), PAGING_OK);
    assert_int_equal(read_word(PLACE), 0);
    go_to(open_clone(0));
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_FORBIDDEN);
    close_clone(0);
    close_heap();
    open_heap(8);
    assert_status(paging_protect(&rig.space, rig_page(PLACE), 0, RW), PAGING_OK); /* not by the area */
    go_to(open_clone(0));
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_ODD_ENTRY);
    assert_int_equal(read_word(PLACE), 0x1111);
    close_clone(0);
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_ODD_ENTRY);
    assert_int_equal(heap.copied + heap.unshared, 0);
    close_heap();
}

/* Each fills its own pages from then on, and a stack grows from where it was. */
static void a_clone_goes_on_with_the_areas(void **state)
{
    (void)state;
    open_areas();
    heap = area_at("stack", AREA_STACK, PLACE, 6, RW | NX);
    assert_status(areas_open(&areas, &heap), PAGING_OK);
    write_word(PLACE + 5 * PAGE, 0x1111);
    struct areas *clone = open_clone(0);
    assert_string_equal(clone->first->name, "stack");
    assert_int_equal(clone->first->filled, 0);
    write_in(clone, PLACE + 4 * PAGE, 2);
    assert_int_equal(clone->first->filled, 1);
    assert_int_equal(heap.filled, 1);
    assert_int_equal(read_word(PLACE + 5 * PAGE), 0x1111);
    go_to(&areas);
    assert_false(is_mapped(PLACE + 4 * PAGE));
    assert_int_equal(touch(PLACE + 3 * PAGE, WALK_WRITE), AREA_FAULT_BELOW_STACK);
    write_word(PLACE + 4 * PAGE, 3);
    assert_int_equal(read_in(clone, PLACE + 4 * PAGE), 2);
    close_clone(0);
    close_heap();
}

/* The upper half is not cloned. */
static void areas_of_the_upper_half_are_not_inherited(void **state)
{
    (void)state;
    struct areas parent = {.space = &rig.space, .frames = &sharing}, clone = {.first = &heap};
    open_areas();
    struct area copy, lower = area_at("lower", AREA_ON_DEMAND, PLACE, 8, RW), upper = lower;
    upper.start.number = paging_page_limit(rig_levels) / 2;
    upper.end.number = upper.start.number + 1;
    parent.work = upper.start;
    assert_status(areas_inherit(&clone, &rig.space, &parent, &copy), PAGING_BAD_PAGE);
    parent.work = areas.work;
    parent.first = &lower;
    lower.next = &upper;
    upper.next = NULL;
    assert_status(areas_inherit(&clone, &rig.space, &parent, &copy), PAGING_BAD_PAGE);
    assert_ptr_equal(clone.first, &heap);
    lower.next = NULL;
    assert_status(areas_inherit(&clone, &rig.space, &parent, &copy), PAGING_OK);
    assert_ptr_equal(clone.first, &copy);
    end_areas();
}

/* ---- refusals ---- */

static void areas_that_are_refused(void **state)
{
    (void)state;
    struct area first = area_at("first", AREA_ON_DEMAND, PLACE, 4, RW), other = first;
    open_areas();
    assert_status(areas_open(&areas, &first), PAGING_OK);
    other.start.number += 3;
    other.end.number += 3;
    assert_status(areas_open(&areas, &other), PAGING_MARKED);
    other.start.number = other.end.number;
    assert_status(areas_open(&areas, &other), PAGING_EMPTY_RANGE);
    other.start.number++;
    assert_status(areas_open(&areas, &other), PAGING_EMPTY_RANGE);
    other = area_at("stack", AREA_STACK, PLACE + 8 * PAGE, 1, RW);
    assert_status(areas_open(&areas, &other), PAGING_EMPTY_RANGE);
    other = area_at("odd", AREA_ON_DEMAND, PLACE + 8 * PAGE, 1, PAGING_GLOBAL);
    assert_status(areas_open(&areas, &other), PAGING_BAD_FLAGS);
    other.rights = NX;
    rig.space.cpu.has_no_execute = false;
    assert_status(areas_open(&areas, &other), PAGING_NOT_SUPPORTED);
    rig.space.cpu.has_no_execute = true;
    assert_int_equal(touch(PLACE + 8 * PAGE, WALK_READ), AREA_FAULT_ELSEWHERE);
    assert_ptr_equal(areas.first, &first);
    assert_status(areas_close(&areas, &other), PAGING_NOT_MAPPED);
    assert_ptr_equal(areas.first, &first);
    assert_status(areas_close(&areas, &first), PAGING_OK);
    end_areas();
    struct areas more;
    paging_page_t odd = rig_page(PLACE + SLOT_BYTES + PAGE),
                  late = rig_page(PLACE + SLOT_BYTES + GIB - 4 * MIB);
    assert_status(areas_init(&more, &rig.space, &sharing, odd), PAGING_MISALIGNED);
    assert_status(areas_init(&more, &rig.space, &sharing, late), PAGING_MISALIGNED);
    late.number -= BLOCK;
    assert_status(areas_init(&more, &rig.space, &sharing, late), PAGING_OK);
    assert_status(areas_end(&more), PAGING_OK);
}

/* With every number of frames that is too small the fault is refused, and nothing has changed. */
static void out_of_frames(void **state)
{
    (void)state;
    struct area area = area_at("heap", AREA_ON_DEMAND, PLACE, 4 * BLOCK, RW);
    for (unsigned most = 0; most < 2; most++) {
        open_areas();
        assert_status(areas_open(&areas, &area), PAGING_OK);
        unsigned out = machine_frames_out();
        machine_limit_frames(most); /* it takes two: the page, and a P1 */
        assert_int_equal(touch(PLACE + 2 * MIB, WALK_WRITE), AREA_FAULT_NO_FRAME);
        assert_explained("area: heap: no frame is free for the page\n");
        assert_int_equal(machine_frames_out(), out);
        assert_int_equal(area.filled, 0);
        machine_unlimit_frames();
        write_word(PLACE + 2 * MIB, 1);
        assert_status(areas_close(&areas, &area), PAGING_OK);
        end_areas();
    }
    open_heap(8);
    go_to(open_clone(0));
    machine_limit_frames(0);
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_NO_FRAME);
    assert_int_equal(here->first->copied, 0);
    machine_unlimit_frames();
    assert_int_equal(read_word(PLACE), 0x1111);
    write_word(PLACE, 2);
    assert_int_equal(here->first->copied, 1);
    close_clone(0);
    close_heap();
}

/* A fault that interrupts the core, or the handler itself, must not change tables. */
static void in_the_middle_of_an_operation(void **state)
{
    (void)state;
    struct area area = area_at("heap", AREA_ON_DEMAND, PLACE, 4, RW);
    open_areas();
    assert_status(areas_open(&areas, &area), PAGING_OK);
    assert_true(frames->reserve(frames, &rig.space, 1, 1));
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_IN_OPERATION);
    assert_explained("area: heap: the page would be filled, but an operation of the core is in progress\n");
    assert_int_equal(touch(PLACE - PAGE, WALK_WRITE), AREA_FAULT_ELSEWHERE);
    frames->unreserve(frames, &rig.space);
    areas.is_busy = true;
    assert_int_equal(touch(PLACE, WALK_WRITE), AREA_FAULT_IN_OPERATION);
    areas.is_busy = false;
    assert_false(is_mapped(PLACE));
    write_word(PLACE, 1);
    assert_false(areas.is_busy);
    assert_status(areas_close(&areas, &area), PAGING_OK);
    end_areas();
}

/* ---- a second space ---- */

/* Faults are answered in the space that the areas belong to, once that one is active. */
static void in_a_second_space(void **state)
{
    (void)state;
    struct paging_space other;
    struct area area = area_at("heap", AREA_ON_DEMAND, PLACE, 4, RW);
    rig_open_large();
    count_owners();
    assert_status(paging_create_sibling(&other, &rig.space, machine_frames()), PAGING_OK);
    assert_status(paging_switch_to(&rig.space, &other), PAGING_OK);
    assert_status(areas_init(&areas, &other, &sharing, rig_page(PLACE + SLOT_BYTES)), PAGING_OK);
    assert_status(areas_open(&areas, &area), PAGING_OK);
    write_word(PLACE, 0x1111);
    assert_int_equal(read_word(PLACE), 0x1111);
    assert_int_equal(area.filled, 1);
    assert_status(paging_switch_to(&other, &rig.space), PAGING_OK);
    assert_false(is_mapped(PLACE));
    assert_status(paging_switch_to(&rig.space, &other), PAGING_OK);
    assert_int_equal(read_word(PLACE), 0x1111);
    assert_status(areas_close(&areas, &area), PAGING_OK);
    assert_status(areas_end(&areas), PAGING_OK);
    assert_status(paging_switch_to(&other, &rig.space), PAGING_OK);
    assert_status(paging_destroy(&other, machine_frames()), PAGING_OK);
    assert_int_equal(machine_frames_out(), rig.base_frames);
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("areas: of 64 MiB just the touched pages are filled, with zeroes, and take few tables",
             touched_pages_are_filled),
    RIG_TEST("areas: rights are those of the area", rights_are_the_areas),
    RIG_TEST("areas: what no area has put there is refused", what_is_not_an_areas_is_refused),
    RIG_TEST("areas: a guard is never filled", a_guard_is_never_filled),
    RIG_TEST("areas: a stack grows by a page at a time, and ends at its guard", a_stack_grows_to_its_guard),
    RIG_TEST("areas: copy-on-write, the writer gets a copy, and the last one keeps the frame",
             the_writer_gets_a_copy),
    RIG_TEST("areas: copy-on-write of a huge page copies all of it", a_huge_page_is_copied_whole),
    RIG_TEST("areas: copy-on-write of 1 GiB is refused as long as others own the frame",
             a_gigabyte_is_not_copied),
    RIG_TEST("areas: copy-on-write with many owners of a frame", many_owners_of_a_frame),
    RIG_TEST("areas: what is closed leaves shared frames to the others",
             what_is_closed_leaves_the_others_theirs),
    RIG_TEST("areas: what may not be written is not copied", what_may_not_be_written_is_not_copied),
    RIG_TEST("areas: a clone goes on with the areas, and fills pages of its own",
             a_clone_goes_on_with_the_areas),
    RIG_TEST("areas: those of the upper half are not inherited", areas_of_the_upper_half_are_not_inherited),
    RIG_TEST("areas: those that overlap or have no pages are refused", areas_that_are_refused),
    RIG_TEST("areas: out of frames a fault is refused, and nothing changes", out_of_frames),
    RIG_TEST("areas: a fault in the middle of an operation is refused", in_the_middle_of_an_operation),
    RIG_TEST("areas: in a second space, once it is active", in_a_second_space),
};

RIG_MAIN("areas", tests)
