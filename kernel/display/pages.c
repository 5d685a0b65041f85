/* pages.c - the list of pages, and which sheet of which page comes next. */
#include "display/pages.h"

enum { PAGE_LIMIT = 32 };

static const struct display_page *pages[PAGE_LIMIT];
static unsigned page_count;

void display_add_page(const struct display_page *page)
{
    if (page_count < PAGE_LIMIT)
        pages[page_count++] = page;
}
