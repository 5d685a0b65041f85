/* SPDX-License-Identifier: MIT */
/* The generator: the next operation is drawn, by what is mapped. */
#include "fuzz/draw.h"
#include "fuzz/draw_place.h"
#include "fuzz/test_case.h"
#include "rig/gather_program.h"
#include "rig/page_list.h"

#define REAL (PAGING_TABLE_ENTRIES == 512)

/* Mostly a processor with everything, and memory enough. */
void machine_options_draw(struct machine_options *options, unsigned levels, enum case_life life)
{
    unsigned least = REAL ? 4 : 3, memory_bits = REAL ? 21 : 10;
    bool is_mmap = PAGING_RECURSIVE_SLOT < PAGING_TABLE_ENTRIES / 2; /* a process has four levels */
    draw_begin();
    *options = (struct machine_options){.levels = levels, .frame_bits = 34};
    if (levels == 0)
        options->levels = is_mmap ? 4 : least + draw(PAGING_MAX_LEVELS + 1 - least);
    if (draw(4) == 0)
        options->frame_bits = draw(2) ? 40 : memory_bits;
    options->no_execute = draw(8) != 0;
    options->pages_1g = draw(4) != 0;
    options->invpcid = draw(2);
    options->direct = life == CASE_ANY_LIFE ? draw(2) : life == CASE_DIRECT;
    options->several = (options->direct || PAGING_HAS_ALTERNATE_SLOT) && draw(REAL ? 6 : 2) == 0;
    options->breaks = !options->several && draw(4) != 0;
    if (!options->several && draw(6) == 0)
        options->frames = 12 + draw(64);
}

/* ---- the next operation ---- */

/* A fetch runs what it finds: it is drawn only where a call does that instead. */
static uint64_t draw_access(void)
{
#ifdef MACHINE_MMAP
    static const unsigned accesses[] = {WALK_READ, WALK_WRITE, WALK_USER, WALK_USER | WALK_WRITE};
#else
    static const unsigned accesses[] = {
        WALK_READ, WALK_WRITE, WALK_USER, WALK_USER | WALK_WRITE, WALK_FETCH, WALK_USER | WALK_FETCH,
        WALK_READ, WALK_WRITE};
#endif
    return accesses[draw(sizeof(accesses) / sizeof(*accesses))];
}

/*
 * A list of pages, side by side or a table apart. Mostly those that the operation is not refused for: that
 * are free, or that are mapped; and some of them only.
 */
static uint64_t draw_list(const struct operation *operation, uint64_t page)
{
    bool maps = operation_is(operation, MAPS), is_sparse = draw(2), is_wrong = draw(8) == 0;
    uint64_t shift = draw(4) ? 0 : PAGING_INDEX_BITS * draw(rig.model.levels), list = 0;
    unsigned places = 1 + (unsigned)draw(draw(2) ? 8 : LIST_PLACES);
    for (unsigned i = 0; i < places; i++) {
        uint64_t at = page + ((uint64_t)i << (shift < LIST_MOST_SHIFT ? shift : LIST_MOST_SHIFT));
        bool is_free = !model_overlap(rig.at->model, at, 1), is_leaf = model_at(rig.at->model, at) != NULL;
        if ((maps ? is_free : is_leaf || operation->kind == OP_TRANSLATE_LIST) != (is_wrong && draw(8) == 0))
            list |= is_sparse && draw(3) == 0 ? 0 : (uint64_t)1 << i;
    }
    list |= shift << LIST_STEP_SHIFT;
    return list | (draw(64) == 0 ? LIST_TWICE : 0) | (draw(8) == 0 ? LIST_NO_ARRAY : 0);
}

/* Steps of a gather, mostly where a leaf is. */
static uint64_t draw_program(uint64_t page)
{
    uint64_t program = 0;
    for (unsigned i = 0, steps = 1 + (unsigned)draw(GATHER_STEPS); i < steps; i++) {
        uint64_t place = draw(draw(2) ? 8 : 32);
        for (unsigned tries = 0; tries < 4 && !model_at(rig.at->model, page + place); tries++)
            place = draw(draw(2) ? 8 : 32);
        program = gather_program(program, i, (enum gather_step)draw(GATHER_STEP_KINDS), place);
    }
    return program | (draw(4) ? 0 : PAGING_INDEX_BITS * draw(3)) << 56;
}

/* If the processor sets accessed bits meanwhile, nobody can tell what becomes of them: they are not named. */
static void draw_values(struct operation *operation, uint64_t page)
{
    uint64_t touched = operation->meanwhile ? PAGING_ACCESSED : 0;
    if (operation_takes(operation, ARG_FLAGS))
        operation->flags = operation_is(operation, MAPS) ? draw_map_flags(page) : draw_flags(page);
    if (operation_is(operation, MAPS) && operation_takes(operation, ARG_BYTES) && draw(3) == 0)
        operation->flags |= draw(2) ? PAGING_LARGEST_4K : PAGING_LARGEST_2M;
    if (operation_takes(operation, ARG_CLEAR)) {
        operation->clear = draw_flags(page) & (draw(40) ? ~operation->flags : ~0ull) & ~touched;
        operation->flags &= ~touched;
    }
    if (operation_takes(operation, ARG_TOUCHED)) {
        operation->flags = (draw(16) ? PAGING_DIRTY : draw_flags(page)) | (draw(2) ? PAGING_ACCESSED : 0);
        operation->flags &= ~touched;
    }
    if (operation_takes(operation, ARG_REPLACE))
        operation->flags = draw(30) ? (draw(2) ? PAGING_REPLACE_MARKER : 0) : draw_map_flags(page);
    if (operation_takes(operation, ARG_VALUE))
        operation->value = draw(32) ? 1 + draw((1ull << 43) + (1ull << 38)) : 0; /* some are too large */
    if (operation_takes(operation, ARG_ENTRY))
        operation->value = (2 + draw(1ull << 46) * 4) << 1;
    if (operation_takes(operation, ARG_WHOSE))
        operation->value = draw(FRAME_KINDS);
    if (operation_takes(operation, ARG_PROGRAM))
        operation->value = draw_program(page);
    if (operation_takes(operation, ARG_LIMIT))
        operation->value = draw(draw(2) ? 8 : 2 * PAGING_TABLE_ENTRIES);
    if (operation_takes(operation, ARG_LIST))
        operation->value = draw_list(operation, page);
    if (operation_takes(operation, ARG_ACCESS))
        operation->value = draw_access();
}

static void choose_side(void)
{
    rig.at = rig.active;
    if (rig_is_several() && draw(8) == 0)
        rig.at = &rig.sides[draw_side(true)];
    else if (rig.attached && draw(2))
        rig.at = rig.attached;
    else if (rig_is_several() && !rig_has_windows() && draw(2))
        rig.at = &rig.sides[draw_side(true)];
}

static unsigned count_spaces(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RIG_SPACES; i++)
        count += rig.sides[i].space != NULL;
    return count;
}

/* The number of pages swings, so that tables keep coming and going. */
static enum situation draw_situation(void)
{
    if (rig_is_several() && draw(count_spaces() < 3 ? 2 : 4) == 0)
        return WHEN_SPACES;
    if (draw_is_crowded())
        return WHEN_CROWDED;
    return draw(rig_is_several() || !REAL ? 12 : 48) > rig.at->model->count ? WHEN_FEW : WHEN_MANY;
}

static unsigned draw_kind(enum situation situation)
{
    unsigned all = 0, kind = 0;
    for (unsigned i = 0; i < OP_KINDS; i++)
        all += operation_rows[i].weight[situation];
    for (unsigned left = (unsigned)draw(all); left >= operation_rows[kind].weight[situation]; kind++)
        left -= operation_rows[kind].weight[situation];
    return kind;
}

void operation_draw(struct operation *operation)
{
    choose_side();
    enum situation situation = draw_situation();
    *operation = operation_blank(draw_kind(situation));
    operation->space = rig_number_of(rig.at);
    if (operation_is(operation, IS_CORES)) {
        if (draw(8) == 0)
            operation->frames = draw(draw(2) ? 2 : rig.model.levels + 2);
        if (draw(situation == WHEN_SPACES ? 3 : 4) == 0)
            operation->meanwhile = 1 + draw(1 << 16);
    }
    draw_values(operation, draw_place(operation));
}
