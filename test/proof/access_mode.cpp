/* SPDX-License-Identifier: MIT */
/*
 * access_mode.cpp - what may be changed in each access mode, by which path, and where the tables are reached.
 */
#include "core.h"

#include "space.c"

/* A space with any slots in any access mode; if shared, as the owner of its upper half or as a sharer. */
static struct paging_space any_space(struct paging_space *owner)
{
    struct paging_space space = {};
    space.cpu.levels = one_of(4, 5);
    space.shared_owner = one_of(0, 1) == 1 ? owner : nullptr;
    space.sharers = anything("sharers");
    space.mode =
        (enum paging_mode)one_of(PAGING_MODE_DIRECT, PAGING_MODE_DIRECT_ACTIVE, PAGING_MODE_RECURSIVE,
                                 PAGING_MODE_ALTERNATE, PAGING_MODE_UNREACHABLE);
    space.by_direct_map = one_of(0, 1) == 1;
    assume(!space.by_direct_map || space.mode == PAGING_MODE_DIRECT ||
           space.mode == PAGING_MODE_DIRECT_ACTIVE);
    for (uint64_t &pages : space.fast_pages)
        pages = anything("pages before");
    assume_slots();
    return space;
}

static unsigned any_level(const struct paging_space &space)
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    assume(level <= space.cpu.levels);
    return level;
}

/* ---- what may be changed through which space ---- */

static bool is_shared(const struct paging_space &space)
{
    return space.shared_owner != nullptr || space.sharers != 0;
}

static bool has_root_in_cr3(const struct paging_space &space)
{
    return space.mode == PAGING_MODE_RECURSIVE || space.mode == PAGING_MODE_DIRECT_ACTIVE;
}

THEOREM("shared half: it is changed through the active space only, the rest through any reachable space")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_page_t page = {anything("page")};
    bool shared = is_shared(space) && in_upper_half(&space, page);
    enum paging_status status = check_reach(&space, page);
    if (space.mode == PAGING_MODE_UNREACHABLE)
        claim(status == PAGING_UNREACHABLE);
    else
        claim(status == (shared && !has_root_in_cr3(space) ? PAGING_SHARED : PAGING_OK));
}

THEOREM("check_page: it refuses every number of 2^36 and more, 2^45 with five levels, before anything else")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_page_t page = {anything("page")};
    bool exists = space.cpu.levels == 4 ? page.number >> 36 == 0 : page.number >> 45 == 0;
    claim((check_page(&space, page) == PAGING_BAD_PAGE) == !exists);
}

THEOREM("check_page: it refuses a page below a reserved root slot, unless the space cannot be changed anyway")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_page_t page = {anything("page")};
    enum paging_status status = check_page(&space, page), reach = check_reach(&space, page);
    assume(status != PAGING_BAD_PAGE);
    if (reach == PAGING_OK)
        claim(status == (page_is_reserved(&space, page) ? PAGING_RESERVED_SLOT : PAGING_OK));
    else
        claim(status == reach);
}

/* ---- which fast path a space takes ---- */

/* Claims that the space takes exactly the fast path of its access mode and levels, if it has one. */
static void claim_fast_path(const struct paging_space &space, paging_page_t page)
{
    struct {
        enum paging_fast_path path;
        enum paging_mode mode, other;
        int levels;
    } const paths[] = {{PAGING_FAST_RECURSIVE_4, PAGING_MODE_RECURSIVE, PAGING_MODE_RECURSIVE, 4},
                       {PAGING_FAST_RECURSIVE_5, PAGING_MODE_RECURSIVE, PAGING_MODE_RECURSIVE, 5},
                       {PAGING_FAST_DIRECT_4, PAGING_MODE_DIRECT, PAGING_MODE_DIRECT_ACTIVE, 4},
                       {PAGING_FAST_DIRECT_5, PAGING_MODE_DIRECT, PAGING_MODE_DIRECT_ACTIVE, 5}};
    bool exists = page.number >> (space.cpu.levels == 4 ? 36 : 45) == 0;
    for (auto [path, mode, other, levels] : paths) {
        bool serves = (mode == space.mode || other == space.mode) && space.cpu.levels == levels &&
                      (has_root_in_cr3(space) || !is_shared(space));
        claim(takes_fast_path(&space, path, page) == (serves && exists));
    }
}

THEOREM("fast path: a space takes the one of its mode and levels, unless a shared half forbids it")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_set_mode(&space, space.mode);
    claim_fast_path(space, {anything("page")});
}

THEOREM("fast path: in direct-map mode the first sharer closes it, and it opens again after the last one")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_set_mode(&space, space.mode);
    uint64_t before = space.sharers;
    int change = one_of(0, 1) == 1 ? 1 : -1;
    paging_change_sharers(&space, change);
    claim(space.sharers == before + (uint64_t)change);
    claim_fast_path(space, {anything("page")});
}

THEOREM("fast path: with three levels there is none, nor for an attached or unreachable space")
{
    struct paging_space owner = {}, space = any_space(&owner);
    if (space.mode != PAGING_MODE_ALTERNATE && space.mode != PAGING_MODE_UNREACHABLE)
        space.cpu.levels = 3;
    paging_set_mode(&space, space.mode);
    for (int path = 0; path < PAGING_FAST_PATHS; path++)
        claim(!takes_fast_path(&space, (enum paging_fast_path)path, {anything("page")}));
}
FALLACY("fast path: every space takes one for its first page")
{
    struct paging_space owner = {}, space = any_space(&owner);
    paging_set_mode(&space, space.mode);
    bool takes = false;
    for (int path = 0; path < PAGING_FAST_PATHS; path++)
        takes |= takes_fast_path(&space, (enum paging_fast_path)path, {0});
    claim(takes);
}

/* ---- the two ways to live ---- */

THEOREM("two lives: a space becomes active and inactive in the modes of its own kind")
{
    struct paging_space owner = {}, space = any_space(&owner);
    bool by_direct_map = space.by_direct_map;
    paging_mark_active(&space);
    claim(space.mode == (by_direct_map ? PAGING_MODE_DIRECT_ACTIVE : PAGING_MODE_RECURSIVE));
    claim(is_active(&space) && is_reached_by_offset(&space) == by_direct_map);
    paging_mark_inactive(&space, anything("offset"));
    claim(space.mode == PAGING_MODE_DIRECT && !is_active(&space) && is_reached_by_offset(&space));
    claim(space.by_direct_map == by_direct_map);
}

/* ---- how the tables are reached ---- */

static struct paging_space space_of_levels(unsigned levels)
{
    struct paging_space space = {};
    space.cpu.levels = levels;
    space.cpu.physical_bits = 52;
    assume_slots();
    return space;
}

THEOREM("access mode: the windows of an active space, and of an attached one, begin where window.h has them")
{
    struct paging_space space = space_of_levels(one_of(4, 5));
    bool attached = one_of(0, 1) == 1;
    unsigned levels = space.cpu.levels;
    paging_set_mode(&space, attached ? PAGING_MODE_ALTERNATE : PAGING_MODE_RECURSIVE);
    for (unsigned level = 1; level <= levels; level++) {
        paging_virt_t own = paging_window_base(levels, PAGING_RECURSIVE_SLOT, level);
        paging_virt_t alternate = paging_alternate_window_base(levels, level);
        claim(space.windows[level] == (attached ? alternate.value : own.value));
    }
}

THEOREM("access mode: an entry is reached at its window address, or by its table's frame and its index")
{
    struct paging_space space = space_of_levels(one_of(4, 5));
    unsigned level = any_level(space);
    paging_page_t page = {anything("page")};
    paging_frame_t table = {anything("table")};
    paging_set_mode(&space, PAGING_MODE_RECURSIVE);
    claim(address_of(entry_slot(&space, level, page, table)) ==
          paging_window_entry(space.cpu.levels, PAGING_RECURSIVE_SLOT, level, page).value);
    paging_set_mode(&space, (enum paging_mode)one_of(PAGING_MODE_DIRECT, PAGING_MODE_DIRECT_ACTIVE));
    space.offset = anything("offset");
    claim(address_of(entry_slot(&space, level, page, table)) ==
          space.offset + table.number * 4096 + paging_page_index(page, level) * 8);
}

THEOREM("fast path: it reaches an entry at the same address as the slow path does")
{
    struct paging_space space = space_of_levels(one_of(4, 5));
    unsigned level = any_level(space);
    bool recursive = one_of(0, 1) == 1, active = one_of(0, 1) == 1;
    paging_page_t page = {anything("page")};
    paging_frame_t table = {anything("table")};
    space.offset = anything("offset");
    paging_set_mode(&space, recursive ? PAGING_MODE_RECURSIVE
                                      : (active ? PAGING_MODE_DIRECT_ACTIVE : PAGING_MODE_DIRECT));
    claim(address_of(fast_slot(&space, space.cpu.levels, recursive, level, page, table)) ==
          address_of(entry_slot(&space, level, page, table)));
}

THEOREM("scratch page: it lies below the scratch slot, and its entry is the one that maps it")
{
    struct paging_space space = space_of_levels(one_of(4, 5));
    assume(PAGING_HAS_SCRATCH_SLOT);
    derive(&space);
    paging_page_t page;
    uint64_t address = address_of(space.scratch);
    claim(paging_page_containing(space.cpu.levels, {address}, &page) == PAGING_OK);
    claim(page_is_reserved(&space, page) && paging_page_index(page, space.cpu.levels) == PAGING_SCRATCH_SLOT);
    claim(paging_window_entry(space.cpu.levels, PAGING_RECURSIVE_SLOT, 1, page).value ==
          address_of(space.scratch_entry));
}
