/* SPDX-License-Identifier: MIT */
/* The steps of a scope: the rows of the table of operations, with all combinations of their arguments. */
#include "steps.h"
#include "rig/gather_program.h"
#include "rig/page_list.h"

#define MOST_STEPS 8192u
#define MARKER     5u

static struct {
    struct operation list[MOST_STEPS];
    unsigned count, largest;
    uint64_t end; /* of the pages that are mapped */
    const struct scope *scope;
} steps;

static bool has(unsigned scope)
{
    return (steps.scope->has & scope) == scope;
}

static void add(struct operation operation)
{
    assert_true(steps.count < MOST_STEPS);
    steps.list[steps.count++] = operation;
}

/* With as many huge frames in the source as there is room for, and with all smaller numbers. */
static void add_with_huge(struct operation operation, uint64_t page, uint64_t pages)
{
    unsigned room = 0;
    for (uint64_t at = page; at < page + pages; at++)
        room += at % PAGING_TABLE_ENTRIES == 0 && at + PAGING_TABLE_ENTRIES <= page + pages;
    for (operation.huge = 0; operation.huge <= room; operation.huge++)
        add(operation);
}

/* With each page size, and with frames that begin at the page's own number, or one later. */
static void add_with_sizes(struct operation operation, uint64_t page, uint64_t pages)
{
    bool takes_size = operation_takes(&operation, ARG_SIZE),
         is_identity = !operation_takes(&operation, ARG_ADDRESS);
    bool takes_frame = operation_takes(&operation, ARG_FRAME) || operation_takes(&operation, ARG_TO);
    unsigned shifts = takes_frame && !is_identity && has(EXPLORE_SHIFTED) ? 1 : 0;
    if (operation_is(&operation, TAKES_HUGE)) {
        add_with_huge(operation, page, pages);
        return;
    }
    unsigned least = !takes_size ? 0 : takes_frame ? PAGING_2M : PAGING_4K; /* map_to maps 4 KiB to a frame */
    for (unsigned shift = 0; shift <= shifts; shift++)
        for (unsigned size = least; size <= (takes_size ? steps.largest : 0); size++) {
            operation.to = (page + shift) * PAGING_PAGE_BYTES;
            operation.size = size;
            add(operation);
        }
}

/* With a frame of each owner. */
static void add_with_owners(struct operation operation, uint64_t page, uint64_t pages)
{
    unsigned owners = operation_takes(&operation, ARG_WHOSE) && has(EXPLORE_OWNED) ? FRAME_KINDS : 1;
    for (unsigned i = 0; i < owners; i++) {
        if (operation_takes(&operation, ARG_WHOSE))
            operation.value = i;
        add_with_sizes(operation, page, pages);
    }
}

/* To each place of the same length. */
static void add_with_targets(struct operation operation, uint64_t pages)
{
    for (uint64_t target = 0; target + pages <= steps.end; target++) {
        operation.to = rig_address(target);
        add(operation);
    }
}

/* For one of the two bits, and for both. */
static void add_with_touched(struct operation operation)
{
    operation.flags = PAGING_DIRTY;
    add(operation);
    operation.flags = TOUCHED;
    add(operation);
}

/* A marker where nothing is, and another one in the place of the first. */
static void add_with_markers(struct operation operation)
{
    add(operation);
    operation.value++;
    operation.flags = PAGING_REPLACE_MARKER;
    add(operation);
}

/* Changes of flags: rights taken away and given, and the kind of memory there and back. */
static void add_with_changes(struct operation operation, uint64_t page, uint64_t pages)
{
    operation.clear = RW;
    add_with_owners(operation, page, pages);
    if (has(EXPLORE_CACHING)) {
        operation.clear = PAGING_PAT;
        add_with_sizes(operation, page, pages);
        operation.clear = 0;
        operation.flags = PAGING_PAT;
        add_with_sizes(operation, page, pages);
    }
    operation.clear = 0;
    operation.flags = RW;
    add_with_owners(operation, page, pages);
}

static void add_with_flags(struct operation operation, uint64_t flags, uint64_t page, uint64_t pages)
{
    operation.flags = flags;
    add_with_owners(operation, page, pages);
}

/* New leaves: with each set of rights, of any size or only of smaller ones, and where markers give way. */
static void add_with_leaves(struct operation operation, uint64_t page, uint64_t pages)
{
    bool maps_anywhere = operation_is(&operation, MAPS) && operation_takes(&operation, ARG_ADDRESS);
    bool maps_range = maps_anywhere && operation_takes(&operation, ARG_BYTES);
    add_with_flags(operation, RW, page, pages);
    if (!maps_anywhere && !operation_takes(&operation, ARG_WHOSE))
        return;
    if (has(EXPLORE_RIGHTS))
        add_with_flags(operation, 0, page, pages);
    if (maps_range)
        add_with_flags(operation, RW | PAGING_LARGEST_4K, page, pages);
    if (maps_range && steps.largest == PAGING_1G)
        add_with_flags(operation, RW | PAGING_LARGEST_2M, page, pages);
    if (has(EXPLORE_CACHING))
        add_with_flags(operation, RW | PAGING_PAT, page, pages);
    if (maps_anywhere && has(EXPLORE_MARKERS))
        add_with_flags(operation, RW | PAGING_REPLACE_MARKER, page, pages);
}

/* With all combinations of the arguments that this kind takes. `value`: a list, or a program. */
static void add_for(unsigned kind, uint64_t page, uint64_t pages, uint64_t value)
{
    struct operation operation = operation_blank(kind);
    operation.space = has(EXPLORE_ALTERNATE);
    operation.address = rig_address(page);
    operation.bytes = pages * PAGING_PAGE_BYTES;
    operation.value = operation_takes(&operation, ARG_ACCESS) ? WALK_WRITE : MARKER;
    if (operation_takes(&operation, ARG_LIST) || operation_takes(&operation, ARG_PROGRAM))
        operation.value = value;
    if (operation_takes(&operation, ARG_TARGET))
        add_with_targets(operation, pages);
    else if (operation_takes(&operation, ARG_TOUCHED))
        add_with_touched(operation);
    else if (operation_takes(&operation, ARG_REPLACE))
        add_with_markers(operation);
    else if (operation_takes(&operation, ARG_CLEAR))
        add_with_changes(operation, page, pages);
    else if (operation_takes(&operation, ARG_FLAGS))
        add_with_leaves(operation, page, pages);
    else
        add_with_owners(operation, page, pages);
}

/*
 * What is done with a gather in a range. No page changes twice, and the last step is refused if the first one
 * has succeeded.
 */
static void add_gathers(uint64_t page, uint64_t pages)
{
    static const enum gather_step second[] = {GATHER_UNMAP,       GATHER_UNMAP_RANGE,  GATHER_PROTECT_RANGE,
                                              GATHER_UNMAP_LIST,  GATHER_UNMAP_BEYOND, OUTSIDE_UNMAP,
                                              OUTSIDE_UNMAP_RANGE};
    for (unsigned i = 0; i < sizeof(second) / sizeof(*second); i++) {
        if (second[i] == GATHER_PROTECT_RANGE && !has(EXPLORE_RIGHTS))
            continue;
        bool is_range = second[i] != GATHER_UNMAP && second[i] != OUTSIDE_UNMAP;
        uint64_t program = gather_program(0, 0, GATHER_UNMAP, 0);
        program = gather_program(program, 1, second[i], is_range ? 0 : pages - 1);
        program = gather_program(program, 2, OUTSIDE_TRANSLATE, 0);
        if (second[i] != OUTSIDE_UNMAP && second[i] != OUTSIDE_UNMAP_RANGE)
            program = gather_program(program, 3, OUTSIDE_MAP_TO, 0);
        add_for(OP_GATHER, page, pages, program);
    }
}

static bool is_explored(unsigned kind)
{
    unsigned explored = operation_rows[kind].explored;
    return explored && has(explored);
}

/* Returns whether it is about a page or a range, not about a whole space. */
static bool has_a_place(unsigned kind)
{
    enum argument first = operation_rows[kind].arguments[0];
    return first != ARG_SPACE && first != ARG_NONE;
}

/* All operations for one page, or all for a range. */
static void add_all(uint64_t page, uint64_t pages, bool is_range)
{
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        struct operation operation = operation_blank(kind);
        if (is_explored(kind) && has_a_place(kind) && !operation_takes(&operation, ARG_LIST) &&
            kind != OP_GATHER && operation_takes(&operation, ARG_BYTES) == is_range)
            add_for(kind, page, pages, 0);
    }
}

/* Longer lists take too long. These have pages of several tables on all levels. */
#define LONGEST_LIST 4u

/* All operations for all lists with this first and this last page; and for one that is out of order. */
static void add_lists(uint64_t page, uint64_t pages)
{
    uint64_t ends = 1 | (uint64_t)1 << (pages - 1);
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        struct operation operation = operation_blank(kind);
        if (!is_explored(kind) || !operation_takes(&operation, ARG_LIST) || pages > LONGEST_LIST)
            continue;
        for (uint64_t list = ends; list <= LIST_OF(pages); list += 2)
            add_for(kind, page, pages, list);
        if (pages == 2)
            add_for(kind, page, pages, LIST_OF(2) | LIST_TWICE);
    }
}

/* A child is attached while its lower half is cloned, unless all spaces are reached by direct map. */
static bool can_fork(void)
{
    return PAGING_HAS_ALTERNATE_SLOT || has(EXPLORE_DIRECT);
}

/* Space 0 is active, and space 1 is attached to it. */
static void add_for_spaces(void)
{
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        struct operation operation = operation_blank(kind);
        operation.other = 1;
        if (is_explored(kind) && !has_a_place(kind) && (kind != OP_FORK || can_fork()))
            add(operation);
    }
}

/*
 * With two entries in a table, all pages below the first slot are mapped; with more, those of two P1s. Then
 * come steps that are refused: the first page of a reserved slot (by direct map it is not reserved), a range
 * that reaches into it, an empty one.
 */
unsigned steps_make(const struct scope *scope, unsigned levels)
{
    steps.count = 0;
    steps.scope = scope;
    steps.largest = levels > 3 ? PAGING_1G : levels - 1;
    uint64_t reserved = paging_level_pages(levels); /* slot 1 */
    uint64_t end = PAGING_TABLE_ENTRIES == 2 ? reserved : 2 * PAGING_TABLE_ENTRIES;
    steps.end = end;
    for (uint64_t page = 0; page < end; page++)
        add_all(page, 1, false);
    add_all(reserved, 1, false);
    for (uint64_t page = 0; page < end; page++)
        for (uint64_t pages = 1; page + pages <= end; pages++) {
            add_all(page, pages, true);
            add_lists(page, pages);
            if (has(EXPLORE_RANGES))
                add_gathers(page, pages);
        }
    add_all(reserved - 1, 2, true);
    add_all(0, 0, true);
    add_lists(reserved - 1, 2);
    add_for_spaces();
    return steps.count;
}

const struct operation *step_at(unsigned number)
{
    return &steps.list[number];
}
