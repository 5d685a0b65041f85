/* SPDX-License-Identifier: MIT */
/*
 * Tests that after every single store each address translates as before the call or as after it, never torn.
 * Each scenario (scenarios.h) is a test.
 *
 * On the soft machines a store is a call of the accessors. On the host's MMU the tables are write-protected,
 * so a store is whatever instruction the compiler has made of the core.
 */
#include "rig/scenarios.h"
#include "rig/watch.h"
#include <stdio.h>

/* Each store is a trap, or is emulated twice. */
#if defined(MACHINE_MMAP) || defined(HOST_MEMCHECK)
#    define STORES_ARE_SLOW true
#else
#    define STORES_ARE_SLOW false
#endif

/* The frames that the operation is about are mapped here too, where nothing may happen. */
#define ALIASES_AT (PLACE + SLOT_BYTES)

static void map_aliases(void)
{
    static const uint64_t frames[] = {0, 1, 511, 512, 513};
    for (unsigned i = 0; PAGING_TABLE_ENTRIES == 512 && i < 5; i++)
        assert_status(rig_map_to(ALIASES_AT + i * PAGING_PAGE_BYTES, FRAME_1G + frames[i], PAGING_WRITABLE),
                      PAGING_OK);
}

/* Watches the neighbours of the page, in each page size. */
static void watch_around(const struct rig_side *side, int64_t position, bool p1_windows)
{
    uint64_t page = scenario_page(position);
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t span = paging_level_pages(level), start = page - page % span;
        watch_page(side, page + span, p1_windows);
        watch_page(side, page - span, p1_windows);
        watch_page(side, start - 1, p1_windows);
        watch_page(side, start, p1_windows);
        watch_page(side, start + span - 1, p1_windows);
        watch_page(side, start + span, p1_windows);
    }
}

static void watch_places_of(const struct rig_side *side, const struct operation *operation, bool p1_windows)
{
    int64_t position = (int64_t)operation->address, pages = (int64_t)operation->bytes;
    if (!operation_takes(operation, ARG_ADDRESS))
        return;
    watch_around(side, position, p1_windows);
    watch_around(side, position + pages, p1_windows);
    watch_page(side, scenario_page(position + pages / 2), p1_windows);
    if (!operation_takes(operation, ARG_TARGET))
        return;
    watch_around(side, position + (int64_t)operation->to, p1_windows);
    watch_around(side, position + (int64_t)operation->to + pages, p1_windows);
}

static void watch_scenario(const struct scenario *scenario)
{
    watch_nothing();
    for (unsigned i = 0; i < RIG_SPACES; i++) {
        const struct rig_side *side = &rig.sides[i];
        if (!side->space || (scenario->watched.kind == OP_DESTROY && side != rig.active))
            continue;
        watch_places_of(side, &scenario->watched, !(scenario->special & IN_1G));
        for (const struct operation *step = scenario->prepare; step->kind != OP_NONE; step++)
            watch_places_of(side, step, !(scenario->special & IN_1G));
        for (unsigned j = 0; PAGING_TABLE_ENTRIES == 512 && j < 6; j++)
            watch_page(side, ALIASES_AT / PAGING_PAGE_BYTES + j, true);
    }
    watch_start(scenario->special & CLEARS);
}

/* A toy has no room for all of them. There the judge says that what is refused is refused rightly. */
static bool is_done(const struct operation *operation)
{
    enum paging_status status = scenario_do(operation);
    if (PAGING_TABLE_ENTRIES == 512)
        assert_status(status, PAGING_OK);
    return status == PAGING_OK;
}

static bool is_prepared(const struct operation *neighbour, const struct operation *steps)
{
    rig_open_spaces();
    map_aliases();
    bool done = neighbour->kind == OP_NONE || is_done(neighbour);
    for (; done && steps->kind != OP_NONE; steps++)
        done = is_done(steps);
    return done;
}

/* A scenario, and how many tables position 0 shares with a neighbour. */
struct one {
    const struct scenario *scenario;
    unsigned depth;
    char name[128];
};

static const struct depth {
    const char *name;
    struct operation neighbour;
} depths[] = {
    {"", {0}},
    {", its P1 stays", AT(MAP_TO, 1, 1, .flags = PAGING_WRITABLE)},
    {", with its P1", AT(MAP_TO, PAGING_TABLE_ENTRIES, 1, .flags = PAGING_WRITABLE)},
    {", with its P1 and P2", AT(MAP_TO, -1, 1, .flags = PAGING_WRITABLE)},
    {", with all tables", {0}},
};

static unsigned done; /* tests whose machine had room for the scenario */

/* Tables that come or go change what their windows show, and split and merge change nothing else. */
static bool changes_a_translation(const struct one *one)
{
    unsigned kind = one->scenario->watched.kind;
    bool changes_pages = !(one->scenario->special & NO_CHANGE);
    if (rig_by_direct_map)
        return changes_pages && !(one->scenario->special & ONLY_TABLES) && kind != OP_SPLIT &&
               kind != OP_MERGE_RANGE;
    return changes_pages || one->depth > 1;
}

static void old_or_new(void **state)
{
    const struct one *one = *state;
    const struct scenario *scenario = one->scenario;
    if (!is_prepared(&depths[one->depth].neighbour, scenario->prepare))
        return;
    watch_scenario(scenario);
    if (!is_done(&scenario->watched))
        return;
    done++;
    unsigned changed = watch_judge();
    if (PAGING_TABLE_ENTRIES == 512)
        assert_true((changed > 0) ==
                    changes_a_translation(one)); /* otherwise the wrong places were watched */
}

static struct one all[256];
static unsigned count;

static void add(const struct scenario *scenario, unsigned depth)
{
    struct one *one = &all[count++];
    one->scenario = scenario;
    one->depth = depth;
    snprintf(one->name, sizeof(one->name), "%s%s", scenario->name, depths[depth].name);
}

int main(int arguments_count, char **arguments)
{
    static struct CMUnitTest tests[256];
    rig_read_arguments(arguments_count, arguments);
    for (unsigned i = 0; i < scenario_count; i++) {
        bool each_depth = scenarios[i].special & EACH_DEPTH;
        if ((STORES_ARE_SLOW && (scenarios[i].special & MANY_STORES)) ||
            scenario_leaves_out(&scenarios[i].watched))
            continue;
        for (unsigned depth = each_depth ? 1 : 0; depth <= (each_depth ? 4 : 0); depth++)
            add(&scenarios[i], depth);
    }
    for (unsigned i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){all[i].name, old_or_new, NULL, rig_close, &all[i]};
    int failed = _cmocka_run_group_tests("old or new (" RIG_BACK_END ")", tests, count, NULL, NULL);
    print_message("# %u scenarios, %lu stores, after them %lu looks\n", done, watch_totals().stores,
                  watch_totals().looks);
    return failed > 0 || done == 0;
}
