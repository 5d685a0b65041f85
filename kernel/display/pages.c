/* SPDX-License-Identifier: MIT */
/* pages.c - the list of pages, and which sheet of which page comes next. */
#include "display/pages.h"

enum { PAGE_LIMIT = 32 };

static const struct display_page *pages[PAGE_LIMIT];
static unsigned page_count;

void display_add_page(const struct display_page *page)
{
    for (unsigned i = 0; i < page_count; i++)
        if (pages[i] == page)
            return;
    if (page_count < PAGE_LIMIT)
        pages[page_count++] = page;
}

static unsigned sheets_of(const struct display_page *page, const struct canvas *canvas,
                          struct canvas_area area)
{
    return page->sheets ? page->sheets(page, canvas, area) : 1;
}

unsigned pages_count(const struct canvas *canvas, struct canvas_area area)
{
    unsigned count = 0;
    for (unsigned i = 0; i < page_count; i++)
        count += sheets_of(pages[i], canvas, area);
    return count;
}

struct page_place pages_find(const struct canvas *canvas, struct canvas_area area, unsigned number)
{
    for (unsigned i = 0; i < page_count; i++) {
        unsigned sheets = sheets_of(pages[i], canvas, area);
        if (number < sheets)
            return (struct page_place){pages[i], number, sheets};
        number -= sheets;
    }
    return (struct page_place){0};
}

bool page_turn(struct page_turner *turner, enum key key, uint64_t now)
{
    bool timed = !turner->by_hand && key == KEY_NONE && now - turner->turned_at >= turner->period;
    turner->by_hand |= key != KEY_NONE;
    if (turner->count < 2 || !(timed || key == KEY_PAGE_UP || key == KEY_PAGE_DOWN))
        return false;
    unsigned step = key == KEY_PAGE_UP ? turner->count - 1 : 1;
    turner->number = (turner->number + step) % turner->count;
    turner->turned_at = now;
    return true;
}
