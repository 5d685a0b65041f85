/* SPDX-License-Identifier: MIT */
/* The table of operations, and how one of them is called. */
#include "rig/operation_table.h"
#include "rig/page_list.h"
#include "rig/rig.h"
#include <string.h>

/* A map this long is near its end: a single operation adds a few thousand leaves at most. */
#define MOST_LEAVES (MODEL_LEAVES / 2)

/* ---- what must be there ---- */

static bool is_there(uint64_t number)
{
    return rig.sides[number].space != NULL;
}

static struct rig_side *side_of(const struct operation *operation)
{
    return is_there(operation->space) ? &rig.sides[operation->space] : rig.active;
}

static bool has_size(const struct operation *operation)
{
    return operation->size >= PAGING_4K && operation->size <= PAGING_1G && operation->size < rig.model.levels;
}

/*
 * No frame of the source's, because a page would lead to the core's tables; and no long range of small pages.
 * What is not a range at all is for the core to refuse.
 */
static bool is_mappable(const struct operation *operation)
{
    bool is_range = operation_takes(operation, ARG_BYTES),
         has_address = operation_takes(operation, ARG_ADDRESS);
    uint64_t start = has_address ? operation->address : operation->to, pages = 1;
    if (is_range && model_range_refusals(side_of(operation)->model, start, operation->bytes))
        return true;
    if (operation_takes(operation, ARG_SIZE) && !has_size(operation))
        return false;
    if (operation_takes(operation, ARG_SIZE))
        pages = paging_level_pages((unsigned)operation->size);
    if (is_range)
        pages = operation->bytes / PAGING_PAGE_BYTES;
    bool is_long = PAGING_TABLE_ENTRIES == 512 && pages > 4 * paging_level_pages(PAGING_2M) && is_range;
    if (is_long && (operation->flags & PAGING_LARGEST_4K))
        return false;
    return !machine_is_the_sources(operation->to / PAGING_PAGE_BYTES, pages) &&
           !(is_long && (start - operation->to) % paging_level_bytes(PAGING_2M) != 0);
}

/* The same of a list. */
static bool is_mappable_list(const struct operation *operation)
{
    uint64_t offsets[MOST_LISTED], frame = operation->to / PAGING_PAGE_BYTES;
    unsigned count = list_offsets(operation->value, offsets);
    for (unsigned i = 0; i < count; i++)
        if (machine_is_the_sources(frame + offsets[i], 1))
            return false;
    return true;
}

static bool can_map_list(const struct operation *operation)
{
    return is_there(operation->space) && side_of(operation)->model->count < MOST_LEAVES &&
           is_mappable_list(operation);
}

static bool can_change(const struct operation *operation)
{
    bool has_frame = operation_takes(operation, ARG_TO) || operation_takes(operation, ARG_FRAME);
    return is_there(operation->space) && side_of(operation)->model->count < MOST_LEAVES &&
           (!has_frame || is_mappable(operation));
}

/* Of the frames that the leaf would map, none is the source's unless it was taken from there. */
static bool can_remap(const struct operation *operation)
{
    if (!is_there(operation->space) || operation->value != FRAME_GIVEN)
        return is_there(operation->space);
    const struct model *model = side_of(operation)->model;
    const struct model_leaf *leaf = model_overlap(model, rig_page(operation->address).number, 1);
    return !machine_is_the_sources(operation->to / PAGING_PAGE_BYTES,
                                   paging_level_pages(leaf && !leaf->marker ? leaf->size : PAGING_4K));
}

/* A gigabyte of small pages would be too many: there must be a frame for the whole. */
static bool can_allocate(const struct operation *operation)
{
    uint64_t pages = operation->bytes / PAGING_PAGE_BYTES, gigabyte = paging_level_pages(PAGING_1G);
    if (!can_change(operation))
        return false;
    if (PAGING_TABLE_ENTRIES < 512 || pages <= 4 * paging_level_pages(PAGING_2M))
        return true;
    return operation->bytes == paging_level_bytes(PAGING_1G) &&
           !(operation->flags & (PAGING_LARGEST_4K | PAGING_LARGEST_2M)) &&
           operation->address % paging_level_bytes(PAGING_1G) == 0 &&
           paging_is_canonical(rig.model.levels, (paging_virt_t){operation->address}) &&
           rig.active->space->cpu.has_1g_pages && machine_runs_left(PAGING_1G) > 0 &&
           operation->huge == OP_NO_LIMIT &&
           !model_overlap(side_of(operation)->model, rig_page(operation->address).number, gigabyte);
}

/* An unused entry of a table that exists, and that no other space can share. */
static bool can_plant(const struct operation *operation)
{
    unsigned level = (unsigned)operation->size;
    uint64_t page = rig_page(operation->address).number;
    return !rig_is_several() && has_size(operation) && !model_is_reserved_slot(&rig.model, page) &&
           model_has_table(&rig.model, level, page) &&
           !model_overlap(&rig.model, page & ~(paging_level_pages(level) - 1), paging_level_pages(level));
}

/* The steps of a gather are at pages, so its address is one. */
static bool can_gather(const struct operation *operation)
{
    paging_virt_t address = {operation->address};
    return can_change(operation) && paging_is_canonical(rig.model.levels, address);
}

static bool can_translate(const struct operation *operation)
{
    return is_there(operation->space) && rig_is_reachable(side_of(operation));
}

static bool can_create(const struct operation *operation)
{
    return rig_is_several() && !is_there(operation->space) && is_there(operation->other);
}

static bool can_use_space(const struct operation *operation)
{
    return rig_is_several() && is_there(operation->space) &&
           (!operation_takes(operation, ARG_OTHER) || is_there(operation->other));
}

/* The child of a fork has the last side. */
static bool can_fork(const struct operation *operation)
{
    return is_there(operation->space) && side_of(operation) == rig.active && !rig.attached &&
           !is_there(RIG_SPACES - 1) && (PAGING_HAS_ALTERNATE_SLOT || rig.active->model->by_direct_map);
}

static bool can_clone(const struct operation *operation)
{
    return can_use_space(operation) && side_of(operation)->model->count < MOST_LEAVES &&
           rig.sides[operation->other].model->count < MOST_LEAVES;
}

/* ---- the table ---- */

#define CALL_0(function)          .call.of_0 = (function)
#define CALL_1(function, a)       .arguments = {ARG_##a}, .call.of_1 = (function)
#define CALL_2(function, a, b)    .arguments = {ARG_##a, ARG_##b}, .call.of_2 = (function)
#define CALL_3(function, a, b, c) .arguments = {ARG_##a, ARG_##b, ARG_##c}, .call.of_3 = (function)
#define CALL_4(function, a, b, c, d) \
    .arguments = {ARG_##a, ARG_##b, ARG_##c, ARG_##d}, .call.of_4 = (function)
#define CALL_SIDE(function)  .arguments = {ARG_SPACE}, .call.of_side = (function)
#define CALL_SIDES(function) .arguments = {ARG_SPACE, ARG_OTHER}, .call.of_sides = (function)

/* The traits of most rows. */
#define CORES   IS_CORES
#define TAKING  (IS_CORES | TAKES_FRAMES)
#define MAPPING (IS_CORES | TAKES_FRAMES | MAPS)
#define OTHERS  0

#define ANYTHING NULL
#define NEVER    0

/* In the order of enum situation. */
#define WEIGHT(few, many, crowded, spaces) \
    {                                      \
        few, many, crowded, spaces         \
    }

/* What a row does not say is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const struct operation_row operation_rows[OP_KINDS] = {
    [OP_LOAD] = {"load", CALL_1(rig_load, ADDRESS), ANYTHING, OTHERS, NEVER, WEIGHT(295, 295, 295, 295)},
    [OP_FILL_TLB] = {"fill_tlb", CALL_0(rig_fill_tlb), ANYTHING, OTHERS, NEVER, WEIGHT(5, 5, 5, 5)},
    [OP_ACCESS] = {"access", CALL_2(rig_access, ADDRESS, ACCESS), ANYTHING, OTHERS, EXPLORE_RIGHTS,
                   WEIGHT(300, 300, 300, 300)},
    [OP_PLANT_MARKER] = {"plant_marker", CALL_3(rig_plant_marker, ADDRESS, LEVEL, ENTRY), can_plant, OTHERS,
                         NEVER, WEIGHT(14, 14, 0, 0)},
    [OP_FORK] = {"fork", CALL_0(rig_fork), can_fork, TAKES_FRAMES, EXPLORE_OWNED | EXPLORE_RIGHTS},
    [OP_REATTACH] = {"reattach", CALL_SIDES(rig_reattach), can_use_space, OTHERS, EXPLORE_ALTERNATE},
    [OP_TRANSLATE] = {"translate", CALL_1(rig_translate, ADDRESS), can_translate, CORES, NEVER,
                      WEIGHT(100, 100, 100, 100)},
    [OP_MAP] = {"map", CALL_2(rig_map, ADDRESS, FLAGS), can_change, MAPPING, EXPLORE_OWNED,
                WEIGHT(110, 0, 0, 0)},
    [OP_MAP_TO] = {"map_to", CALL_3(rig_map_to, ADDRESS, FRAME, FLAGS), can_change, MAPPING, EXPLORE_PAGES,
                   WEIGHT(110, 0, 0, 0)},
    [OP_MAP_SIZED] = {"map_sized", CALL_4(rig_map_sized, ADDRESS, FRAME, SIZE, FLAGS), can_change, MAPPING,
                      EXPLORE_PAGES, WEIGHT(165, 0, 0, 0)},
    [OP_MAP_OWNED] = {"map_owned", CALL_3(rig_map_owned, ADDRESS, SIZE, FLAGS), can_change, MAPPING,
                      EXPLORE_OWNED, WEIGHT(60, 0, 0, 0)},
    [OP_IDENTITY_MAP] = {"identity_map", CALL_2(rig_identity_map, FRAME, FLAGS), can_change, MAPPING,
                         EXPLORE_PAGES, WEIGHT(55, 0, 0, 0)},
    [OP_UNMAP] = {"unmap", CALL_1(rig_unmap, ADDRESS), can_change, CORES, EXPLORE_PAGES,
                  WEIGHT(0, 289, 0, 0)},
    [OP_REMAP] = {"remap", CALL_4(rig_remap, ADDRESS, FRAME, FLAGS, WHOSE), can_remap, TAKING, EXPLORE_PAGES,
                  WEIGHT(90, 90, 0, 0)},
    [OP_PROTECT] = {"protect", CALL_3(rig_protect, ADDRESS, FLAGS, CLEAR), can_change, CORES,
                    EXPLORE_PAGES | EXPLORE_RIGHTS, WEIGHT(60, 60, 0, 0)},
    [OP_UNSHARE_PAGE] = {"unshare_page", CALL_1(rig_unshare_page, ADDRESS), can_change, CORES,
                         EXPLORE_PAGES | EXPLORE_RIGHTS, WEIGHT(20, 20, 0, 20)},
    [OP_SET_MARKER] = {"set_marker", CALL_2(rig_set_marker, ADDRESS, VALUE), can_change, MAPPING,
                       EXPLORE_MARKERS, WEIGHT(22, 22, 0, 0)},
    [OP_CLEAR_MARKER] = {"clear_marker", CALL_1(rig_clear_marker, ADDRESS), can_change, TAKING,
                         EXPLORE_MARKERS, WEIGHT(0, 41, 0, 0)},
    [OP_SET_MARKER_RANGE] = {"set_marker_range", CALL_4(rig_set_marker_range, ADDRESS, BYTES, VALUE, REPLACE),
                             can_change, MAPPING, EXPLORE_RANGES | EXPLORE_MARKERS, WEIGHT(60, 20, 0, 0)},
    [OP_MAP_RANGE] = {"map_range", CALL_4(rig_map_range, ADDRESS, TO, BYTES, FLAGS), can_change, MAPPING,
                      EXPLORE_RANGES, WEIGHT(103, 0, 0, 0)},
    [OP_MAP_RANGE_ALLOC] = {"map_range_alloc", CALL_3(rig_map_range_alloc, ADDRESS, BYTES, FLAGS),
                            can_allocate, MAPPING | TAKES_HUGE, EXPLORE_RANGES | EXPLORE_OWNED,
                            WEIGHT(110, 0, 0, 0)},
    [OP_IDENTITY_MAP_RANGE] = {"identity_map_range", CALL_3(rig_identity_map_range, TO, BYTES, FLAGS),
                               can_change, MAPPING, EXPLORE_RANGES, WEIGHT(7, 0, 0, 0)},
    [OP_UNMAP_RANGE] = {"unmap_range", CALL_2(rig_unmap_range, ADDRESS, BYTES), can_change, TAKING,
                        EXPLORE_RANGES, WEIGHT(0, 330, 450, 0)},
    [OP_PROTECT_RANGE] = {"protect_range", CALL_4(rig_protect_range, ADDRESS, BYTES, FLAGS, CLEAR),
                          can_change, TAKING, EXPLORE_RANGES | EXPLORE_RIGHTS, WEIGHT(150, 150, 0, 0)},
    [OP_MOVE_RANGE] = {"move_range", CALL_3(rig_move_range, ADDRESS, TARGET, BYTES), can_change, TAKING,
                       EXPLORE_RANGES, WEIGHT(60, 60, 0, 0)},
    [OP_TEST_AND_CLEAR] = {"test_and_clear", CALL_3(rig_test_and_clear, ADDRESS, BYTES, TOUCHED), can_change,
                           CORES, EXPLORE_RANGES | EXPLORE_RIGHTS, WEIGHT(40, 40, 0, 0)},
    [OP_SPLIT] = {"split", CALL_1(rig_split, ADDRESS), can_change, TAKING, EXPLORE_PAGES,
                  WEIGHT(31, 31, 0, 0)},
    [OP_MERGE_RANGE] = {"merge_range", CALL_2(rig_merge_range, ADDRESS, BYTES), can_change, CORES,
                        EXPLORE_RANGES, WEIGHT(30, 30, 450, 0)},
    [OP_GATHER] = {"gather", CALL_3(rig_gather, ADDRESS, BYTES, PROGRAM), can_gather, OTHERS, EXPLORE_RANGES,
                   WEIGHT(20, 100, 60, 0)},
    [OP_NEXT_PIECE] = {"next_piece", CALL_3(rig_next_piece, ADDRESS, BYTES, LIMIT), can_translate, CORES,
                       EXPLORE_RANGES, WEIGHT(10, 10, 10, 0)},
    [OP_TRANSLATE_LIST] = {"translate_list", CALL_2(rig_translate_list, ADDRESS, LIST), can_translate, CORES,
                           EXPLORE_RANGES | EXPLORE_RIGHTS, WEIGHT(10, 10, 10, 10)},
    [OP_MAP_LIST] = {"map_list", CALL_4(rig_map_list, ADDRESS, FRAME, LIST, FLAGS), can_map_list, MAPPING,
                     EXPLORE_RANGES, WEIGHT(80, 0, 0, 0)},
    [OP_MAP_LIST_ALLOC] = {"map_list_alloc", CALL_3(rig_map_list_alloc, ADDRESS, LIST, FLAGS), can_change,
                           MAPPING, EXPLORE_RANGES | EXPLORE_OWNED, WEIGHT(60, 0, 0, 0)},
    [OP_UNMAP_LIST] = {"unmap_list", CALL_2(rig_unmap_list, ADDRESS, LIST), can_change, CORES, EXPLORE_RANGES,
                       WEIGHT(0, 150, 150, 0)},
    [OP_CREATE_SIBLING] = {"create_sibling", CALL_SIDES(rig_create_sibling), can_create, TAKING, NEVER,
                           WEIGHT(0, 0, 0, 180)},
    [OP_DESTROY] = {"destroy", CALL_SIDE(rig_destroy), can_use_space, CORES, NEVER, WEIGHT(0, 0, 0, 90)},
    [OP_ATTACH] = {"attach", CALL_SIDES(rig_attach), can_use_space, CORES, NEVER, WEIGHT(0, 0, 0, 180)},
    [OP_DETACH] = {"detach", CALL_SIDES(rig_detach), can_use_space, CORES, NEVER, WEIGHT(0, 0, 0, 90)},
    [OP_SWITCH_TO] = {"switch_to", CALL_SIDES(rig_switch_to), can_use_space, CORES, NEVER,
                      WEIGHT(0, 0, 0, 180)},
    [OP_CLONE_LOWER_HALF] = {"clone_lower_half", CALL_SIDES(rig_clone_lower_half), can_clone, TAKING, NEVER,
                             WEIGHT(0, 0, 0, 180)},
    [OP_SHARE_UPPER_HALF] = {"share_upper_half", CALL_SIDE(rig_share_upper_half), can_use_space, TAKING,
                             NEVER, WEIGHT(0, 0, 0, 90)},
    [OP_UNSHARE_UPPER_HALF] = {"unshare_upper_half", CALL_SIDE(rig_unshare_upper_half), can_use_space, CORES,
                               NEVER, WEIGHT(0, 0, 0, 90)},
};

/* ---- arguments ---- */

static const size_t members[ARGUMENTS] = {
    [ARG_SPACE] = offsetof(struct operation, space),     [ARG_OTHER] = offsetof(struct operation, other),
    [ARG_ADDRESS] = offsetof(struct operation, address), [ARG_TO] = offsetof(struct operation, to),
    [ARG_FRAME] = offsetof(struct operation, to),        [ARG_BYTES] = offsetof(struct operation, bytes),
    [ARG_SIZE] = offsetof(struct operation, size),       [ARG_LEVEL] = offsetof(struct operation, size),
    [ARG_FLAGS] = offsetof(struct operation, flags),     [ARG_CLEAR] = offsetof(struct operation, clear),
    [ARG_VALUE] = offsetof(struct operation, value),     [ARG_ENTRY] = offsetof(struct operation, value),
    [ARG_ACCESS] = offsetof(struct operation, value),    [ARG_WHOSE] = offsetof(struct operation, value),
    [ARG_LIST] = offsetof(struct operation, value),      [ARG_LIMIT] = offsetof(struct operation, value),
    [ARG_PROGRAM] = offsetof(struct operation, value),   [ARG_TOUCHED] = offsetof(struct operation, flags),
    [ARG_REPLACE] = offsetof(struct operation, flags),   [ARG_TARGET] = offsetof(struct operation, to),
};

uint64_t operation_argument(const struct operation *operation, enum argument argument)
{
    uint64_t value;
    memcpy(&value, (const char *)operation + members[argument], sizeof(value));
    return argument == ARG_FRAME ? value / PAGING_PAGE_BYTES : value;
}

bool operation_takes(const struct operation *operation, enum argument argument)
{
    for (const enum argument *taken = operation_rows[operation->kind].arguments; *taken != ARG_NONE; taken++)
        if (*taken == argument)
            return true;
    return false;
}

bool operation_is(const struct operation *operation, unsigned trait)
{
    return (operation_rows[operation->kind].traits & trait) != 0;
}

struct operation operation_blank(unsigned kind)
{
    return (struct operation){.kind = kind, .frames = OP_NO_LIMIT, .huge = OP_NO_LIMIT};
}

/* ---- calling ---- */

bool operation_can(const struct operation *operation)
{
    const struct operation_row *row = &operation_rows[operation->kind];
    return !row->can || row->can(operation);
}

static enum paging_status call(const struct operation *operation)
{
    const struct operation_row *row = &operation_rows[operation->kind];
    struct rig_side *side = &rig.sides[operation->space], *other = &rig.sides[operation->other];
    uint64_t a[MOST_ARGUMENTS];
    unsigned count = 0;
    for (; row->arguments[count] != ARG_NONE; count++)
        a[count] = operation_argument(operation, row->arguments[count]);
    if (row->arguments[0] == ARG_SPACE)
        return count == 1 ? row->call.of_side(side) : row->call.of_sides(side, other);
    switch (count) {
    case 0:
        return row->call.of_0();
    case 1:
        return row->call.of_1(a[0]);
    case 2:
        return row->call.of_2(a[0], a[1]);
    case 3:
        return row->call.of_3(a[0], a[1], a[2]);
    default:
        return row->call.of_4(a[0], a[1], a[2], a[3]);
    }
}

enum paging_status operation_do(const struct operation *operation)
{
    rig.at = side_of(operation);
    if (operation->frames != OP_NO_LIMIT)
        machine_limit_frames((unsigned)operation->frames);
    if (operation->huge != OP_NO_LIMIT)
        machine_limit_huge((unsigned)operation->huge);
    enum paging_status status = call(operation);
    machine_unlimit_frames();
    machine_unlimit_huge();
    return status;
}
