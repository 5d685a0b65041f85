/* SPDX-License-Identifier: MIT */
/*
 * Tests the table of operations (operation_table.h): it lists every operation of the core, random tests draw
 * each, the explorer takes it, and a random case is the same after it was written down and read again.
 */
#include "fuzz/draw.h"
#include "fuzz/test_case.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/*
 * They have judges of their own: the first ones in rig.c, rig_translate.c and judge_for_each.c. Gathers are
 * one operation of the tests (rig_gather.c).
 */
static const char *const not_in_the_table[] = {"create",
                                               "create_direct",
                                               "walk_address",
                                               "for_each",
                                               "for_each_in",
                                               "count",
                                               "count_in",
                                               "check_access",
                                               "gather_begin",
                                               "gather_unmap",
                                               "gather_unmap_list",
                                               "gather_unmap_range",
                                               "gather_protect_range",
                                               "find_hole"};

static bool is_listed(const char *name)
{
    for (unsigned i = 0; i < sizeof(not_in_the_table) / sizeof(*not_in_the_table); i++)
        if (strcmp(name, not_in_the_table[i]) == 0)
            return true;
    for (unsigned kind = OP_NONE + 1; kind < OP_KINDS; kind++)
        if (strcmp(name, operation_rows[kind].name) == 0)
            return (operation_rows[kind].traits & IS_CORES) != 0;
    return false;
}

/* Returns the number of functions that the header declares. */
static unsigned check_header(const char *path)
{
    static char text[65536];
    static const char declaration[] = "PAGING_MUST_CHECK enum paging_status", prefix[] = "paging_";
    unsigned count = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    for (char *at = text; (at = strstr(at, declaration)); count++) {
        at = strstr(at + strlen(declaration), prefix) + strlen(prefix);
        at[strcspn(at, "(")] = 0;
        if (!is_listed(at))
            fail_msg("paging_%s has no row in operation_table.c", at);
        at += strlen(at) + 1;
    }
    return count;
}

static void every_operation_has_a_row(void **state)
{
    unsigned count = 0;
    glob_t headers;
    assert_int_equal(glob("paging/include/selfmap/*.h", 0, NULL, &headers), 0); /* from the top folder */
    for (size_t i = 0; i < headers.gl_pathc; i++)
        count += check_header(headers.gl_pathv[i]);
    globfree(&headers);
    for (unsigned kind = OP_NONE + 1; kind < OP_KINDS; kind++)
        count -= (operation_rows[kind].traits & IS_CORES) != 0;
    assert_int_equal(count, sizeof(not_in_the_table) / sizeof(*not_in_the_table));
}

/* Translating is asked of every image anyway, and spaces come and go in random tests only. */
static void every_operation_is_tried(void **state)
{
    for (unsigned kind = OP_NONE + 1; kind < OP_KINDS; kind++) {
        const struct operation_row *row = &operation_rows[kind];
        unsigned weight = 0;
        for (unsigned situation = 0; situation < SITUATIONS; situation++)
            weight += row->weight[situation];
        if ((row->traits & IS_CORES) && weight == 0)
            fail_msg("%s is never drawn", row->name);
        if ((row->traits & IS_CORES) && !row->explored && kind != OP_TRANSLATE &&
            row->arguments[0] != ARG_SPACE)
            fail_msg("%s is never explored", row->name);
    }
}

static void written_and_read(void **state)
{
    static struct test_case drawn, read;
    for (unsigned seed = 1; seed <= 8; seed++) {
        char *text = NULL;
        size_t size = 0;
        (void)draw_from(draw_source_of_seed(seed));
        case_draw(&drawn, rig_levels, CASE_ANY_LIFE);
        FILE *file = open_memstream(&text, &size);
        case_write(file, &drawn);
        fclose(file);
        file = fmemopen(text, size, "r");
        assert_int_equal(case_read(file, &read), 0);
        fclose(file);
        free(text);
        assert_int_equal(read.count, drawn.count);
        assert_memory_equal(&read.options, &drawn.options, sizeof(read.options));
        for (unsigned i = 0; i < read.count; i++) {
            assert_int_equal(read.steps[i].kind, drawn.steps[i].kind);
            assert_memory_equal(&read.steps[i].space, &drawn.steps[i].space,
                                sizeof(read.steps[i]) - offsetof(struct operation, space));
        }
        case_do(&read);
        assert_int_equal(read.operations, drawn.operations);
    }
}

static void what_is_not_understood(void **state)
{
    static struct test_case read;
    static const char *const lines[] = {"open other=1\n", "map address\n", "map adress=0x1000\n",
                                        "map address=0x10q\n", "attach other=4\n"};
    for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "machine levels=4\n\nmap address=0x1000 # 0.0.0.1\n%s", lines[i]);
        FILE *file = fmemopen(text, strlen(text), "r");
        assert_int_equal(case_read(file, &read), 4);
        fclose(file);
    }
}

static const struct CMUnitTest tests[] = {
    RIG_TEST("table: every operation of the core has a row", every_operation_has_a_row),
    RIG_TEST("table: every operation of the core is drawn, and explored", every_operation_is_tried),
    RIG_TEST("case: written down, read and done again it is the same", written_and_read),
    RIG_TEST("case: the first line that is not understood is told", what_is_not_understood),
};

RIG_MAIN("operation table", tests)
