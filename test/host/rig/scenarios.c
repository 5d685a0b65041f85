/* The table of scenarios, and how a step of one is done. */
#include "rig/scenarios.h"

#define RW PAGING_WRITABLE
#define NX PAGING_NO_EXECUTE
#define US PAGING_USER
#define WC PAGING_CACHE_WRITE_COMBINING

/* Positions and lengths, in pages of 2 MiB and 1 GiB. */
#define L2(n) ((int64_t)(n)*PAGING_TABLE_ENTRIES)
#define L3(n) (L2(n) * PAGING_TABLE_ENTRIES)
#define LAST  ((int64_t)PAGING_TABLE_ENTRIES - 1)

/* What a line does not say is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const struct scenario scenarios[] = {
    {"map: a page", {{0}}, {MAP, 0, 1, RW | US}, EACH_DEPTH},
    {"map: an owned page", {{0}}, {MAP_OWNED, 0, 1, NX}, EACH_DEPTH},
    {"unmap: a page", {{MAP, 0, 1, RW}, {WRITE, 0, 1}}, {UNMAP, 0, 1}, EACH_DEPTH},
    {"unmap: an owned page", {{MAP_OWNED, 0, 1, RW}}, {UNMAP, 0, 1}, EACH_DEPTH},
    {"reserve: a page", {{0}}, {RESERVE, 0, 1}, EACH_DEPTH | SEEN_BY_NOBODY},
    {"unreserve: a page", {{RESERVE, 0, 1}}, {UNRESERVE, 0, 1}, EACH_DEPTH | SEEN_BY_NOBODY},
    {"map: over a reserved page", {{RESERVE, 0, 1}}, {MAP, 0, 1, RW | PAGING_REPLACE_MARKER}},

    {"map: a 2 MiB page, with all tables", {{0}}, {MAP_2M, 0, L2(1), RW}},
    {"map: a 2 MiB page beside another", {{MAP_2M, L2(1), L2(1), RW}}, {MAP_2M, 0, L2(1), NX}},
    {"map: a 1 GiB page", {{0}}, {MAP_1G, 0, L3(1), RW}},
    {"unmap: a 2 MiB page, with all tables", {{MAP_2M, 0, L2(1), RW}}, {UNMAP, 0, 1}},
    {"unmap: a 1 GiB page", {{MAP_1G, 0, L3(1), RW}, {MAP, -1, 1, RW}}, {UNMAP, 0, 1}},

    {"map: a range within a P1", {{MAP, 1, 1}}, {MAP_RANGE, 2, LAST - 2, RW}},
    {"map: a range over P1s", {{MAP, 1, 1}}, {MAP_RANGE, L2(1) - 1, L2(1) + 2, RW}},
    {"map: a range over two P2s", {{0}}, {MAP_RANGE, -1, 2, RW}},
    {"map: a range of 4K|2M|1G|4K pages", {{0}}, {MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, RW}},
    {"map: owned pages within a P1", {{0}}, {MAP_ALLOC, 1, LAST - 2, RW}},
    {"map: owned pages of 4K|2M|4K", {{0}}, {MAP_ALLOC, L2(1) - 1, L2(1) + 2, RW}},

    {"protect: pages within a P1", {{MAP_RANGE, 2, LAST - 2, RW}}, {PROTECT, 2, LAST - 2, NX, RW}},
    {"protect: few pages", {{MAP_RANGE, 2, 3, RW}, {WRITE, 3, 1}}, {PROTECT, 2, 3, NX, RW}},
    {"protect: 4K|2M|1G|4K pages",
     {{MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, RW}},
     {PROTECT, L2(-1) - 1, L2(1) + L3(1) + 2, NX, RW}},
    {"protect: the memory type", {{MAP_RANGE, -1, L2(1) + 3, RW}}, {PROTECT, -1, L2(1) + 3, WC}},
    {"protect: pages that are dirty, in both directions",
     {{MAP_RANGE, -3, L2(1) + 6, RW}, {WRITE, -1, 1}, {WRITE, 5, 1}},
     {PROTECT, -3, L2(1) + 6, US | NX, RW}},
    {"protect: global pages",
     {{MAP_RANGE, UPPER + 1, LAST, RW | PAGING_GLOBAL}},
     {PROTECT, UPPER + 1, LAST, 0, PAGING_GLOBAL}},
    {"protect: a range with holes",
     {{MAP, 1, 1, RW}, {MAP, L2(1), 1, RW}, {MAP, -1, 1, US}},
     {PROTECT, L3(-1), L3(2), NX, RW | US}},
    {"protect: one page of a 2 MiB page", {{HUGE_PAGES}}, {PROTECT, L3(-1) + 1, 1, NX, RW}},
    {"protect: the halves of two 2 MiB pages", {{HUGE_PAGES}}, {PROTECT, L2(-3) / 2, L2(1), NX, RW}},
    {"protect: a 2 MiB page in a 1 GiB page", {{HUGE_PAGES}}, {PROTECT, L2(1), L2(1), NX, RW}, IN_1G},
    {"protect: small pages in a 1 GiB page", {{HUGE_PAGES}}, {PROTECT, L2(1) + 1, 2, NX, RW}, IN_1G},
    {"protect: a 1 GiB page but for its ends", {{HUGE_PAGES}}, {PROTECT, 1, L3(1) - 2, NX, RW}, IN_1G},
    {"protect: where 2 MiB and 1 GiB pages meet", {{HUGE_PAGES}}, {PROTECT, -1, 2, NX, RW}, IN_1G},

    {"unmap: pages within a P1", {{MAP_RANGE, 2, LAST - 2, RW}}, {UNMAP_RANGE, 2, LAST - 2}},
    {"unmap: pages that stay on both sides", {{MAP_RANGE, 0, LAST, RW}}, {UNMAP_RANGE, 2, LAST - 4}},
    {"unmap: 4K|2M|1G|4K pages",
     {{MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, RW}},
     {UNMAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2}},
    {"unmap: owned pages of 4K|2M|4K",
     {{MAP_ALLOC, L2(1) - 1, L2(1) + 2, RW}},
     {UNMAP_RANGE, L2(1) - 1, L2(1) + 2}},
    {"unmap: a hole in an owned 2 MiB page", {{MAP_ALLOC, L2(1), L2(1), RW}}, {UNMAP_RANGE, L2(1) + 1, 2}},
    {"unmap: tables of all levels at once",
     {{MAP_OWNED, -1, 1, RW}, {MAP_OWNED, 5, 1, RW}, {MAP_2M, L2(1), L2(1), RW}, {RESERVE, 9, 1}},
     {UNMAP_RANGE, L3(-1), L3(2)}},
    {"unmap: one page of a 2 MiB page", {{HUGE_PAGES}}, {UNMAP_RANGE, L3(-1) + 1, 1}},
    {"unmap: the halves of two 2 MiB pages", {{HUGE_PAGES}}, {UNMAP_RANGE, L2(-3) / 2, L2(1)}},
    {"unmap: a 2 MiB page in a 1 GiB page", {{HUGE_PAGES}}, {UNMAP_RANGE, L2(1), L2(1)}, IN_1G},
    {"unmap: small pages in a 1 GiB page", {{HUGE_PAGES}}, {UNMAP_RANGE, L2(1) + 1, 2}, IN_1G},
    {"unmap: a 1 GiB page but for its ends", {{HUGE_PAGES}}, {UNMAP_RANGE, 1, L3(1) - 2}, IN_1G},
    {"unmap: where 2 MiB and 1 GiB pages meet", {{HUGE_PAGES}}, {UNMAP_RANGE, -1, 2}, IN_1G},

    {"split: a 2 MiB page", {{HUGE_PAGES}, {WRITE, -1, 1}}, {SPLIT, -1, 1}},
    {"split: a 1 GiB page", {{HUGE_PAGES}}, {SPLIT, 0, 1}},
    {"split: an owned page", {{MAP_ALLOC, L2(1), L2(1), RW | US}, {WRITE, L2(1), 1}}, {SPLIT, L2(1) + 1, 1}},
    {"merge: small pages, one of them dirty",
     {{HUGE_PAGES}, {SPLIT, L2(-1), 1}, {WRITE, -1, 1}},
     {MERGE, L2(-2), L2(2)}},
    {"merge: 2 MiB pages", {{MAP_RANGE, 0, L3(1), NX}, {SPLIT, 0, 1}}, {MERGE, 0, L3(1)}},
    {"merge: small pages up to 1 GiB",
     {{MAP_RANGE, 0, L3(1), RW}, {SPLIT, 0, 1}, {SPLIT, 0, 1}, {WRITE, 1, 1}},
     {MERGE, 0, L3(1)},
     IN_1G},
    {"merge: owned pages", {{MAP_ALLOC, L2(1), L2(1), RW}, {SPLIT, L2(1), 1}}, {MERGE, L2(1), L2(1)}},

    {"foreign: a page is mapped, with all tables", {{CREATE_AND_OPEN}}, {MAP, 0, 1, RW}},
    {"foreign: a page goes, that is another in the live space",
     {{MAP, 0, 1, RW}, {CREATE_AND_OPEN}, {MAP, 0, 1, NX}},
     {UNMAP, 0, 1}},
    {"foreign: a range is mapped", {{CREATE_AND_OPEN}}, {MAP_RANGE, L2(-1) - 1, L2(1) + 3, RW}},
    {"foreign: rights change", {{CREATE_AND_OPEN}, {HUGE_PAGES}}, {PROTECT, L2(-1), 1, NX, RW}},
    {"foreign: a huge page is split", {{CREATE_AND_OPEN}, {HUGE_PAGES}}, {SPLIT, 0, 1}},
    {"foreign: small pages are merged",
     {{CREATE_AND_OPEN}, {HUGE_PAGES}, {SPLIT, -1, 1}},
     {MERGE, L2(-1), L2(1)}},
    {"foreign: everything is unmapped",
     {{CREATE_AND_OPEN}, {MAP_OWNED, -1, 1, RW}, {MAP_OWNED, 5, 1, RW}, {MAP_2M, L2(1), L2(1), RW}},
     {UNMAP_RANGE, L3(-1), L3(2)}},
    {"shared: a page comes, for two spaces",
     {{LEND}, {CREATE_AND_OPEN}, {USE_LIVE}},
     {MAP, UPPER, 1, RW | PAGING_GLOBAL}},
    {"shared: a page goes with its tables",
     {{LEND}, {CREATE_AND_OPEN}, {USE_LIVE}, {MAP_OWNED, UPPER, 1, RW}},
     {UNMAP, UPPER, 1}},
    {"shared: a 2 MiB page is split",
     {{LEND}, {CREATE_AND_OPEN}, {USE_LIVE}, {MAP_2M, UPPER, L2(1), RW}, {WRITE, UPPER, 1}},
     {SPLIT, UPPER, 1}},

    {"lend: tables come for all of the upper half",
     {{MAP, UPPER, 1, RW}},
     {LEND},
     SEEN_BY_NOBODY | MANY_STORES},
    {"unlend: those that are empty go", {{MAP, UPPER, 1, RW}, {LEND}}, {UNLEND}, SEEN_BY_NOBODY},
    {"open: the foreign windows come", {{MAP, 0, 1, RW}, {CREATE}}, {OPEN}},
    {"close: the foreign windows go", {{CREATE_AND_OPEN}, {MAP, 0, 1, RW}}, {CLOSE}},
    {"activate: no space is another then",
     {{MAP, 0, 1, RW}, {CREATE_AND_OPEN}, {MAP, 0, 1, NX}, {CLOSE}},
     {ACTIVATE},
     SEEN_BY_NOBODY},
    {"create: a space beside the live one", {{MAP, 0, 1, RW}}, {CREATE}, SEEN_BY_NOBODY},
    {"destroy: a space with pages",
     {{MAP, 0, 1, RW}, {CREATE_AND_OPEN}, {MAP_OWNED, 0, 1, RW}, {CLOSE}},
     {DESTROY},
     SEEN_BY_NOBODY},
};
const unsigned scenario_count = sizeof(scenarios) / sizeof(*scenarios);

/* ---- doing them ---- */

/* Memory that is not the source's, and aligned for a 1 GiB page. */
#define FIRST_OF_FRAMES (PAGING_TABLE_ENTRIES == 512 ? FRAME_1G : (uint64_t)640)

uint64_t scenario_page(int64_t at)
{
    unsigned levels = rig.model.levels;
    if (at > UPPER / 2)
        return rig_page(rig_upper_place()).number + (uint64_t)(at - UPPER);
    uint64_t place = PAGING_TABLE_ENTRIES == 512 ? PLACE / PAGING_PAGE_BYTES + paging_level_pages(PAGING_1G)
                                                 : (levels > 3 ? paging_level_pages(PAGING_1G) : 0);
    return (place + (uint64_t)at) % (paging_level_pages(levels) * PAGING_TABLE_ENTRIES);
}

static uint64_t frame_of(const struct step *step)
{
    int64_t at = step->at > UPPER / 2 ? step->at - UPPER : step->at;
    return FIRST_OF_FRAMES + (uint64_t)at + (step->action == MAP_AS_2M ? paging_level_pages(PAGING_2M) : 0);
}

static enum paging_status map_huge_pages(void)
{
    const struct step steps[] = {{MAP_AS_2M, L3(-1), L3(1), RW}, {MAP_RANGE, 0, L3(1), RW | PAGING_DIRTY}};
    enum paging_status status = scenario_step(&steps[0]);
    return status == PAGING_OK ? scenario_step(&steps[1]) : status;
}

static enum paging_status create(bool open)
{
    enum paging_status status = rig_create_sibling(&rig.sides[1], &rig.sides[0]);
    return status == PAGING_OK && open ? rig_attach(&rig.sides[0], &rig.sides[1]) : status;
}

static enum paging_status step_of_spaces(enum action action)
{
    struct rig_side *live = &rig.sides[0], *other = &rig.sides[1];
    switch (action) {
    case LEND:
        return rig_share(live);
    case UNLEND:
        return rig_unshare(live);
    case CREATE:
    case CREATE_AND_OPEN:
        return create(action == CREATE_AND_OPEN);
    case OPEN:
        return rig_attach(live, other);
    case USE_LIVE:
        rig.at = rig.live;
        return PAGING_OK;
    case CLOSE:
        return rig_detach(live, other);
    case ACTIVATE:
        return rig_switch_to(live, other);
    default:
        return rig_destroy(other);
    }
}

static enum paging_status step_of_ranges(const struct step *step)
{
    uint64_t address = rig_address(scenario_page(step->at)),
             bytes = (uint64_t)step->pages * PAGING_PAGE_BYTES;
    switch (step->action) {
    case MAP_RANGE:
    case MAP_AS_2M:
        return rig_map_range(address, frame_of(step) * PAGING_PAGE_BYTES, bytes, step->flags);
    case MAP_ALLOC:
        return rig_map_range_alloc(address, bytes, step->flags);
    case HUGE_PAGES:
        return map_huge_pages();
    case UNMAP_RANGE:
        return rig_unmap_range(address, bytes);
    case PROTECT:
        return rig_protect_range(address, bytes, step->flags, step->clear);
    case SPLIT:
        return rig_split(address);
    case MERGE:
        return rig_merge_range(address, bytes);
    default:
        return step_of_spaces(step->action);
    }
}

enum paging_status scenario_step(const struct step *step)
{
    uint64_t address = rig_address(scenario_page(step->at));
    switch (step->action) {
    case MAP:
        return rig_map_to(address, frame_of(step), step->flags);
    case MAP_2M:
        return rig_map_sized(address, frame_of(step), PAGING_2M, step->flags);
    case MAP_1G:
        return rig_map_sized(address, frame_of(step), PAGING_1G, step->flags);
    case MAP_OWNED:
        return rig_map(address, step->flags);
    case UNMAP:
        return rig_unmap(address, NULL);
    case RESERVE:
        return rig_set_marker(address, 0x5e1f);
    case UNRESERVE:
        (void)rig_clear_marker(address, PAGING_OK);
        return PAGING_OK;
    case WRITE:
        return machine_access(address, WALK_WRITE).faulted ? PAGING_DENIED : PAGING_OK;
    default:
        return step_of_ranges(step);
    }
}
