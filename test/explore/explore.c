/* SPDX-License-Identifier: MIT */
/*
 * explore - makes every possible memory image of a toy geometry, and tries everything from each.
 *
 *   explore LEVELS SCOPE [FRAMES]
 *
 * Breadth first, from the empty space: from each image every step of the scope (steps.h) is taken, with
 * every number of frames left in the source, from none up to where it makes no difference any more. Before
 * each step the TLB holds every page that can be reached, the windows' included, and every path to it; and
 * after every store the processor looks at all of it again (stores.h). The rig judges each step, as it
 * judges the operations of all tests. With FRAMES no space ever has more frames than that, tables and owned
 * pages together, in addition to the root. Without, the exploration is closed: no image is left out.
 *
 * The geometry is the toy's: two entries in a table, and one reserved slot in the root. Built with four
 * entries there is a scratch page, and an alternate slot: then the space can be an inactive one that is
 * attached through it (scope `alternate`), while the active space maps other things at the same places.
 * Three bits, for all reserved slots and one to share, are too many to explore.
 *
 * If a step fails, the shortest way to it is printed, as lines that can be pasted into a test on `toy`.
 */
#include "fuzz/test_case.h"
#include "image.h"
#include "rig/rig_internal.h"
#include "steps.h"
#include "stores.h"
#include "visited.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct scope scopes[] = {
    {"pages", EXPLORE_PAGES | EXPLORE_SHIFTED | EXPLORE_MARKERS},
    {"kinds", EXPLORE_PAGES | EXPLORE_OWNED | EXPLORE_MARKERS | EXPLORE_SHIFTED | EXPLORE_RANGES},
    {"owned", EXPLORE_PAGES | EXPLORE_OWNED | EXPLORE_RANGES},
    {"alternate", EXPLORE_PAGES | EXPLORE_OWNED | EXPLORE_RANGES | EXPLORE_ALTERNATE},
    {"direct",
     EXPLORE_PAGES | EXPLORE_OWNED | EXPLORE_MARKERS | EXPLORE_SHIFTED | EXPLORE_RANGES | EXPLORE_DIRECT},
    {"direct-rights", EXPLORE_PAGES | EXPLORE_RIGHTS | EXPLORE_RANGES | EXPLORE_DIRECT},
    {"rights", EXPLORE_PAGES | EXPLORE_RIGHTS | EXPLORE_RANGES},
    {"caching", EXPLORE_PAGES | EXPLORE_RIGHTS | EXPLORE_RANGES | EXPLORE_CACHING},
    {"shared", EXPLORE_PAGES | EXPLORE_RIGHTS | EXPLORE_OWNED | EXPLORE_DIRECT},
    {"both", EXPLORE_PAGES | EXPLORE_RIGHTS | EXPLORE_OWNED | EXPLORE_RANGES},
};
static const struct scope *scope;
static unsigned most_frames; /* 0: no limit */
static unsigned others;      /* frames that are out when the space is empty */

/* The step at hand. It is printed if it fails. */
static struct {
    bool opening, busy, unchanged;
    uint32_t image;
    unsigned step, left;
} now;

static uint64_t transitions, refused;

/* Attaches a space to the active one, in which other pages are mapped at the same places. */
static void open_attached(void)
{
    static struct model model;
    rig.sides[1].model = &model;
    assert_status(rig_map_to(0, 0, PAGING_WRITABLE), PAGING_OK);
    assert_status(rig_map_sized(paging_level_bytes(PAGING_2M), 0, PAGING_2M, 0), PAGING_OK);
    assert_status(rig_create_sibling(&rig.sides[1], &rig.sides[0]), PAGING_OK);
    assert_status(rig_attach(&rig.sides[0], &rig.sides[1]), PAGING_OK);
}

static void open_empty(void)
{
    struct machine_setup setup = rig_setup();
    setup.frames = 64;
    setup.apart = true;
    rig_open_on(setup);
    if (scope->has & EXPLORE_ALTERNATE)
        open_attached();
    machine_fill_tlb();
    image_open();
    others = machine_frames_out();
    struct image empty = image_take();
    visited_add(&empty, 0, 0, 0);
}

/* The rig has seen that a refused step has changed nothing, so there is nothing to restore after it. */
static void prepare(void)
{
    if (!now.unchanged) {
        image_restore(&visited_at(now.image)->image);
        machine_fill_tlb();
        stores_watch();
    }
}

/* Asks everything that can be asked without changing the image. */
static void look_around(void)
{
    uint64_t all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    now.unchanged = false;
    prepare();
    rig_check();
    for (uint64_t page = 0; page < all; page++)
        rig_translate(rig_address(page));
    for (uint64_t pages = 1; pages <= 3; pages++)
        for (uint64_t from = 0; from < 4; from++)
            (void)rig_find_hole(from * PAGING_PAGE_BYTES, 0, pages * PAGING_PAGE_BYTES,
                                (1 + (pages & 1)) * PAGING_PAGE_BYTES);
}

static struct operation step_with_limit(unsigned number, unsigned left)
{
    struct operation step = *step_at(number);
    step.frames = left;
    return step;
}

/* No image can contain pages that are far from their frames. */
static void move_back(const struct operation *moved)
{
    machine_observe(NULL);
    assert_status(rig_move_range(moved->to, moved->address, moved->bytes), PAGING_OK);
}

/*
 * Takes one step with this many frames left. Returns whether with more it could end otherwise. An access is
 * not an operation that is refused: the processor may make it or not, and no translation changes.
 */
static bool try_step(unsigned number, unsigned left)
{
    const struct operation step = step_with_limit(number, left);
    now.step = number;
    now.left = left;
    prepare();
    enum paging_status status = operation_do(&step);
    if (!operation_is(&step, IS_CORES)) {
        rig_check();
        status = status == PAGING_NO_FRAMES ? status : PAGING_OK;
    }
    stores_judge();
    if (step.kind == OP_MOVE_RANGE && status == PAGING_OK)
        move_back(&step);
    transitions++;
    now.unchanged = status != PAGING_OK && operation_is(&step, IS_CORES);
    if (status != PAGING_OK) {
        refused++;
        return status == PAGING_NO_FRAMES;
    }
    struct image image = image_take();
    visited_add(&image, now.image, number, left);
    return false;
}

static void try_every_step(unsigned count)
{
    look_around();
    unsigned used = machine_frames_out() - others;
    unsigned most = most_frames ? most_frames - used : machine_frames_left();
    for (unsigned step = 0; step < count; step++) {
        bool needs_more = step_at(step)->kind == OP_FORK; /* another space comes and goes meanwhile */
        unsigned enough = needs_more ? machine_frames_left() : most;
        unsigned left = operation_is(step_at(step), TAKES_FRAMES) ? 0 : enough;
        while (try_step(step, left) && left < enough)
            left++;
    }
}

static void explore(void **state)
{
    struct timespec start, end;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    now.opening = true;
    open_empty();
    now.opening = false;
    unsigned count = steps_make(scope, rig_levels);
    now.busy = true;
    for (now.image = 0; now.image < visited_count(); now.image++)
        try_every_step(count);
    now.busy = false;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    print_message("# %u images, %lu steps of %u kinds, %lu of them refused, in %.1f s\n", visited_count(),
                  (unsigned long)transitions, count, (unsigned long)refused,
                  (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    if (most_frames)
        print_message("# bound: %u frames in addition to the root\n", most_frames);
    else
        print_message("# closed: no image was left out\n");
}

static void print_way(uint32_t number)
{
    const struct visited *visited = visited_at(number);
    if (number == 0)
        return;
    print_way(visited->from);
    operation_print_call(step_at(visited->step));
}

/* Called when the test has failed, too. */
static int finish(void **state)
{
    if (now.opening)
        print_message("# after no step: the empty space cannot be made\n");
    if (now.busy) {
        print_message("# after %lu steps from %u images; the shortest way there:\n",
                      (unsigned long)transitions, now.image);
        print_message("rig_levels = %u;\n%srig_open();\n%s", rig_levels,
                      rig_by_direct_map ? "rig_by_direct_map = true;\n" : "",
                      scope->has & EXPLORE_ALTERNATE ? "open_attached(); /* of explore.c */\n" : "");
        print_way(now.image);
        print_message("machine_fill_tlb();\nmachine_observe(machine_fill_tlb);\n");
        const struct operation step = step_with_limit(now.step, now.left);
        operation_print_call(&step);
    }
    visited_forget();
    return rig_close(state);
}

int main(int count, char **arguments)
{
    rig_levels = count > 1 ? (unsigned)arguments[1][0] - '0' : 3;
    for (unsigned i = 0; count > 2 && i < sizeof(scopes) / sizeof(*scopes); i++)
        if (strcmp(arguments[2], scopes[i].name) == 0)
            scope = &scopes[i];
    most_frames = count > 3 ? (unsigned)atoi(arguments[3]) : 0;
    rig_by_direct_map = scope && (scope->has & EXPLORE_DIRECT);
    if (!scope) {
        (void)fprintf(stderr, "explore LEVELS SCOPE [FRAMES]\n");
        return 2;
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "explore: %s, %u levels", scope->name, rig_levels);
    const struct CMUnitTest tests[] = {{name, explore, NULL, finish, NULL}};
    return cmocka_run_group_tests_name("explore", tests, NULL, NULL);
}
