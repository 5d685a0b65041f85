/* SPDX-License-Identifier: MIT */
/*
 * neighbours.c - finds what is mapped around an address.
 *
 * The search knows one question: which entry decides about this page, and how many pages does it cover? Where
 * nothing is mapped, the next page to ask about lies behind all of them, so that a hole costs at most the
 * entries of one table for each level.
 */
#include "cpu/page_walk.h"

enum direction { DOWN, UP };

/* Pages next to each other that are all mapped alike, or all not mapped. */
struct run {
    uint64_t first, end; /* half-open */
    bool mapped;
    uint64_t rights;
    const char *name;
    bool may_be_longer;
};

struct search {
    const struct paging_space *space;
    const char *(*name_at)(paging_virt_t address);
    unsigned steps; /* left */
};

static bool is_reserved(const struct paging_space *space, paging_page_t page)
{
    unsigned slot = paging_page_index(page, space->cpu.levels);
    return !space->by_direct_map &&
           (slot == PAGING_RECURSIVE_SLOT || slot == PAGING_ALTERNATE_SLOT || slot == PAGING_SCRATCH_SLOT);
}

/* Finds the pages that one entry decides about, this one among them. Returns false if it cannot. */
static bool ask(struct search *search, uint64_t number, struct run *run)
{
    const struct paging_space *space = search->space;
    paging_page_t page = {number};
    paging_virt_t address = paging_page_start(space->cpu.levels, page);
    struct paging_walk_result walk;
    if (search->steps == 0)
        return false;
    search->steps--;
    enum paging_status status = paging_walk_address(space, address, &walk);
    if (status == PAGING_UNREACHABLE)
        return false;
    bool is_window = is_reserved(space, page);
    uint64_t pages = paging_level_pages(is_window ? walk.top : walk.level);
    *run = (struct run){.first = number & ~(pages - 1), .mapped = status == PAGING_OK && !is_window};
    run->end = run->first + pages;
    if (run->mapped) {
        run->rights = page_walk_rights(&walk);
        run->name = search->name_at ? search->name_at(address) : NULL;
    }
    return true;
}

/* Finds what comes next in this direction. Returns false where the half ends. */
static bool ask_next(struct search *search, const struct run *run, enum direction direction, struct run *next)
{
    uint64_t half = paging_page_limit(search->space->cpu.levels) / 2;
    uint64_t edge = direction == UP ? run->end : run->first;
    return edge % half != 0 && ask(search, direction == UP ? edge : edge - 1, next);
}

/* Adds what is mapped alike in this direction. */
static void widen(struct search *search, struct run *run, enum direction direction)
{
    struct run next;
    search->steps = NEIGHBOUR_STEPS;
    while (ask_next(search, run, direction, &next) && next.mapped && next.rights == run->rights &&
           next.name == run->name)
        *(direction == UP ? &run->end : &run->first) = direction == UP ? next.end : next.first;
    run->may_be_longer |= search->steps == 0;
}

/* Replaces the run by the nearest one that is mapped in this direction. Returns false if there is none. */
static bool find_mapped(struct search *search, struct run *run, enum direction direction)
{
    struct run from = *run;
    search->steps = NEIGHBOUR_STEPS;
    do {
        if (!ask_next(search, &from, direction, run))
            return false;
        from = *run;
    } while (!run->mapped);
    widen(search, run, direction);
    return true;
}

static void write_run(struct format_sink *sink, const struct search *search, const char *where,
                      const struct run *run)
{
    uint64_t start = paging_page_start(search->space->cpu.levels, (paging_page_t){run->first}).value;
    format(sink, "%s: %s%s%lx..%lx%s, ", where, run->name ? run->name : "", run->name ? ", " : "", start,
           start + (run->end - run->first) * PAGING_PAGE_BYTES, run->may_be_longer ? " or more" : "");
    write_rights(sink, run->rights);
    format(sink, "\n");
}

void write_neighbours(struct format_sink *sink, const struct paging_space *space, paging_virt_t address,
                      const char *(*name_at)(paging_virt_t address))
{
    struct search search = {.space = space, .name_at = name_at, .steps = 1};
    struct run here, other;
    if (!paging_is_canonical(space->cpu.levels, address) ||
        !ask(&search, paging_page_at(space->cpu.levels, address).number, &here))
        return;
    if (here.mapped) {
        widen(&search, &here, DOWN);
        widen(&search, &here, UP);
    }
    other = here;
    if (find_mapped(&search, &other, DOWN))
        write_run(sink, &search, "below", &other);
    if (here.mapped)
        write_run(sink, &search, "here", &here);
    other = here;
    if (find_mapped(&search, &other, UP))
        write_run(sink, &search, "above", &other);
}
