/*
 * explore - visit every memory image that the core can make in a toy geometry, and try everything from each.
 *
 *   explore LEVELS SCOPE [FRAMES]
 *
 * Breadth first, from the empty space: from each image every step of the scope (steps.h) is taken, with every
 * number of frames left in the source, from none up to where it makes no difference any more. Before each,
 * the TLB holds every page that can be reached, the windows' included, and every path to it; and after every
 * store the processor looks at all of it again (stores.h). The rig judges each step, as it judges the operations
 * of all tests. With FRAMES no space ever has more than so many frames, tables and owned pages together,
 * beside the root; without, the exploration is closed: there is no image that was left out.
 *
 * The geometry is the toy's: two entries in a table, and only one slot of the root is kept. Built with four
 * entries there is a scratch page, and a alternate slot: then the space can be one that is not live but open
 * through it (scope `foreign`), beside a live one that maps other things at the same places. Three bits, for
 * all slots and one to lend, are too many to explore.
 *
 * If a step fails, the shortest way to it is printed, as lines that can be pasted into a test on `toy`.
 */
#include "image.h"
#include "known.h"
#include "rig/rig_spaces.h"
#include "steps.h"
#include "stores.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct scope scopes[] = {
    {.name = "pages", .shifted = true, .reserved = true},
    {.name = "kinds", .owned = true, .reserved = true, .shifted = true, .ranges = true},
    {.name = "owned", .owned = true, .ranges = true},
    {.name = "foreign", .owned = true, .ranges = true, .foreign = true},
    {.name = "rights", .rights = true, .ranges = true},
    {.name = "both", .rights = true, .owned = true, .ranges = true},
};
static const struct scope *scope;
static unsigned most_frames; /* 0: as many as it takes */
static unsigned others;      /* frames that are out when the space is empty */

/* The step at hand, to be printed if it fails. */
static struct {
    bool busy, unchanged;
    uint32_t image;
    unsigned step, left;
} now;

/* Only a core that was built for it looks here (chosen.h). The empty space is always made by a whole one. */
extern unsigned chosen_mutant;
unsigned chosen_mutant;

static uint64_t transitions, refused;

/* A space beside the live one, in which there is something at the same places, is opened. */
static void open_foreign(void)
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
    if (scope->foreign)
        open_foreign();
    machine_fill_tlb();
    image_open();
    others = machine_frames_out();
    struct image empty = image_take();
    known_add(&empty, 0, 0, 0);
}

/* After a step that was refused the rig has seen that all is as it was, so there is nothing to restore. */
static void prepare(void)
{
    if (!now.unchanged) {
        image_restore(&known_at(now.image)->image);
        machine_fill_tlb();
        watch_begin();
    }
    machine_unlimit_huge();
}

/* Everything that can be asked of an image without changing it. */
static void look_around(void)
{
    uint64_t all = paging_level_pages(rig.model.levels) * PAGING_TABLE_ENTRIES;
    now.unchanged = false;
    prepare();
    rig_check();
    for (uint64_t page = 0; page < all; page++)
        rig_translate(rig_address(page));
}

/* One step with so many frames left. Answers whether with more it could end otherwise. */
static bool try_step(unsigned number, unsigned left)
{
    const struct step *step = step_at(number);
    now.step = number;
    now.left = left;
    prepare();
    machine_limit_frames(left);
    enum paging_status status = step_take(step);
    watch_end();
    transitions++;
    now.unchanged = status != PAGING_OK;
    if (status != PAGING_OK) {
        refused++;
        return status == PAGING_NO_FRAMES;
    }
    struct image image = image_take();
    known_add(&image, now.image, number, left);
    return false;
}

static void try_every_step(unsigned count)
{
    look_around();
    unsigned used = machine_frames_out() - others;
    unsigned most = most_frames ? most_frames - used : machine_frames_left();
    for (unsigned step = 0; step < count; step++) {
        unsigned left = step_takes_frames(step_at(step)) ? 0 : most;
        while (try_step(step, left) && left < most)
            left++;
    }
}

static void explore(void **state)
{
    struct timespec start, end;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    open_empty();
    unsigned count = steps_make(scope, rig_levels);
    now.busy = true;
    chosen_mutant = (unsigned)rig_environment("MUTANT", 0);
    for (now.image = 0; now.image < known_count(); now.image++)
        try_every_step(count);
    now.busy = false;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    print_message("# %u images, %lu steps of %u kinds, %lu of them refused, in %.1f s\n", known_count(),
                  (unsigned long)transitions, count, (unsigned long)refused,
                  (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    if (most_frames)
        print_message("# bound: %u frames beside the root\n", most_frames);
    else
        print_message("# closed: no image was left out\n");
}

static void print_way(uint32_t number)
{
    const struct known *known = known_at(number);
    if (number == 0)
        return;
    print_way(known->from);
    step_print(step_at(known->step));
}

/* Also when the test has failed. */
static int finish(void **state)
{
    if (now.busy) {
        print_message("# after %lu steps from %u images; the shortest way there:\n",
                      (unsigned long)transitions, now.image);
        print_message("rig_levels = %u;\nrig_open();\n%s", rig_levels,
                      scope->foreign ? "open_foreign(); /* of explore.c */\n" : "");
        print_way(now.image);
        print_message("machine_fill_tlb();\nmachine_observe(machine_fill_tlb);\n");
        print_message("machine_limit_frames(%u);\n", now.left);
        step_print(step_at(now.step));
    }
    known_forget();
    return rig_close(state);
}

int main(int count, char **arguments)
{
    rig_levels = count > 1 ? (unsigned)arguments[1][0] - '0' : 3;
    for (unsigned i = 0; count > 2 && i < sizeof(scopes) / sizeof(*scopes); i++)
        if (strcmp(arguments[2], scopes[i].name) == 0)
            scope = &scopes[i];
    most_frames = count > 3 ? (unsigned)atoi(arguments[3]) : 0;
    if (!scope) {
        (void)fprintf(stderr, "explore LEVELS SCOPE [FRAMES]\n");
        return 2;
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "explore: %s, %u levels", scope->name, rig_levels);
    const struct CMUnitTest tests[] = {{name, explore, NULL, finish, NULL}};
    return cmocka_run_group_tests_name("explore", tests, NULL, NULL);
}
