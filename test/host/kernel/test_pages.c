/* SPDX-License-Identifier: MIT */
/* pages: all sheets of all pages in one row, turned by keys and by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/display/pages.h"

static const struct canvas canvas;
static const struct canvas_area area = {0, 0, 640, 480};

static unsigned no_sheets(const struct display_page *page, const struct canvas *on, struct canvas_area in)
{
    (void)page, (void)on, (void)in;
    return 0;
}

static unsigned three_sheets(const struct display_page *page, const struct canvas *on, struct canvas_area in)
{
    assert_ptr_equal(on, &canvas);
    assert_int_equal(in.width, area.width);
    (void)page;
    return 3;
}

static const struct display_page single = {"single", NULL, NULL}, empty = {"empty", NULL, no_sheets},
                                 triple = {"triple", NULL, three_sheets}, last = {"last", NULL, NULL};

static void sheets_have_numbers(void **state)
{
    (void)state;
    static const struct display_page *const expected[] = {&single, &triple, &triple, &triple, &last};
    static const unsigned sheets[] = {0, 0, 1, 2, 0};
    display_add_page(&single);
    display_add_page(&empty);
    display_add_page(&triple);
    display_add_page(&last);
    display_add_page(&single); /* is there already */
    assert_int_equal(pages_count(&canvas, area), 5);
    for (unsigned i = 0; i < 5; i++) {
        struct page_place place = pages_find(&canvas, area, i);
        assert_ptr_equal(place.page, expected[i]);
        assert_int_equal(place.sheet, sheets[i]);
        assert_int_equal(place.sheets, i >= 1 && i <= 3 ? 3 : 1);
    }
    assert_null(pages_find(&canvas, area, 5).page);
}

static void more_pages_than_room(void **state)
{
    (void)state;
    static const struct display_page many[40];
    for (unsigned i = 0; i < 40; i++)
        display_add_page(&many[i]);
    assert_int_equal(pages_count(&canvas, area), 5 + 28);
}

static void keys_turn(void **state)
{
    (void)state;
    struct page_turner turner = {.count = 3, .turned_at = 1000, .period = 100};
    assert_false(page_turn(&turner, KEY_NONE, 1099));
    assert_true(page_turn(&turner, KEY_PAGE_DOWN, 1099) && turner.number == 1);
    assert_true(page_turn(&turner, KEY_PAGE_DOWN, 1099) && turner.number == 2);
    assert_true(page_turn(&turner, KEY_PAGE_DOWN, 1099) && turner.number == 0);
    assert_true(page_turn(&turner, KEY_PAGE_UP, 1099) && turner.number == 2);
    assert_true(page_turn(&turner, KEY_PAGE_UP, 1099) && turner.number == 1);
    assert_false(page_turn(&turner, KEY_OTHER, 1099));
    assert_false(page_turn(&turner, KEY_NONE, 99999)); /* a person has taken over */
}

static void time_turns(void **state)
{
    (void)state;
    struct page_turner turner = {.count = 2, .turned_at = UINT64_MAX - 10, .period = 100};
    assert_false(page_turn(&turner, KEY_NONE, UINT64_MAX - 5));
    assert_false(page_turn(&turner, KEY_NONE, 88)); /* the counter has wrapped */
    assert_true(page_turn(&turner, KEY_NONE, 89) && turner.number == 1);
    assert_false(page_turn(&turner, KEY_NONE, 188));
    assert_true(page_turn(&turner, KEY_NONE, 189) && turner.number == 0);
    assert_false(page_turn(&turner, KEY_OTHER, 1000) || page_turn(&turner, KEY_NONE, 2000));
    struct page_turner only = {.count = 1, .period = 1};
    assert_false(page_turn(&only, KEY_NONE, 100) || page_turn(&only, KEY_PAGE_DOWN, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"pages: the sheets of all pages are numbered", sheets_have_numbers, NULL, NULL, NULL},
        {"pages: what has no room in the list is left out", more_pages_than_room, NULL, NULL, NULL},
        {"pages: keys turn them, in a circle", keys_turn, NULL, NULL, NULL},
        {"pages: time turns them, until a key is pressed", time_turns, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
