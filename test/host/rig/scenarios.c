/* SPDX-License-Identifier: MIT */
/* The table of scenarios, and how an operation of one is done. */
#include "rig/scenarios.h"
#include "rig/gather_program.h"
#include "rig/page_list.h"

#define WC PAGING_CACHE_WRITE_COMBINING

/* Positions and lengths, in pages of 2 MiB and 1 GiB. */
#define L2(n) ((int64_t)(n)*PAGING_TABLE_ENTRIES)
#define L3(n) (L2(n) * PAGING_TABLE_ENTRIES)
#define LAST  ((int64_t)PAGING_TABLE_ENTRIES - 1)

#define MARKER(position)              AT(SET_MARKER, position, 1, .value = 0x5e1f)
#define MARKERS(position, pages, ...) AT(SET_MARKER_RANGE, position, pages, .value = 0x77, ##__VA_ARGS__)
#define LARGE_MARKERS                 MARKERS(L3(-1), L3(2))
#define OVER                          PAGING_REPLACE_MARKER
#define IN_1G_OF_TOYS                 (PAGING_TABLE_ENTRIES == 2 ? IN_1G : 0) /* where four pages are 1 GiB */
#define WRITE(position)               AT(ACCESS, position, 1, .value = WALK_WRITE)
#define MAP_2M(position, ...)         AT(MAP_SIZED, position, L2(1), .size = PAGING_2M, __VA_ARGS__)
#define MAP_1G(position, ...)         AT(MAP_SIZED, position, L3(1), .size = PAGING_1G, __VA_ARGS__)

/* The pages of a list (page_list.h), which reaches over this many. */
#define LIST(operation, position, pages, list, ...) \
    AT(operation, position, pages, .value = (list), ##__VA_ARGS__)

/* 2 MiB pages from -1 GiB to 0, and from there one of 1 GiB, which is dirty. */
#define HUGE_PAGES(number)                                                     \
    AT(MAP_RANGE, L3(-1), L3(1), .flags = RW, .to = L2(1), .space = (number)), \
        AT(MAP_RANGE, 0, L3(1), .flags = RW | PAGING_DIRTY, .space = (number))

/* Space 0 is active, space 1 is its sibling. */
#define SHARE     AT(SHARE_UPPER_HALF, 0, 0)
#define UNSHARE   AT(UNSHARE_UPPER_HALF, 0, 0)
#define CREATE    AT(CREATE_SIBLING, 0, 0, .space = 1)
#define ATTACH    AT(ATTACH, 0, 0, .other = 1)
#define DETACH    AT(DETACH, 0, 0, .other = 1)
#define SWITCH_TO AT(SWITCH_TO, 0, 0, .other = 1)
#define DESTROY   AT(DESTROY, 0, 0, .space = 1)
#define CLONE     AT(CLONE_LOWER_HALF, 0, 0, .other = 1)

/* What a row does not say is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

const struct scenario scenarios[] = {
    {"map: a page", {{0}}, AT(MAP_TO, 0, 1, .flags = RW | US), EACH_DEPTH},
    {"map: an owned page", {{0}}, AT(MAP, 0, 1, .flags = NX), EACH_DEPTH},
    {"map_owned: a page with a frame that is filled already",
     {{0}},
     AT(MAP_OWNED, 0, 1, .size = PAGING_4K, .flags = RW),
     EACH_DEPTH},
    {"unmap: a page", {AT(MAP_TO, 0, 1, .flags = RW), WRITE(0)}, AT(UNMAP, 0, 1), EACH_DEPTH},
    {"unmap: an owned page", {AT(MAP, 0, 1, .flags = RW)}, AT(UNMAP, 0, 1), EACH_DEPTH},
    {"remap: a page gets another frame",
     {AT(MAP_TO, 0, 1, .flags = RW), WRITE(0)},
     AT(REMAP, 0, 1, .to = 7, .flags = RW | NX),
     EACH_DEPTH},
    {"remap: copy-on-write is broken, with the first owned frame of the P1",
     {AT(MAP_TO, 0, 1)},
     AT(REMAP, 0, 1, .value = FRAME_TAKEN, .flags = RW)},
    {"remap: an owned page moves in memory",
     {AT(MAP, 0, 1, .flags = RW), WRITE(0)},
     AT(REMAP, 0, 1, .value = FRAME_TAKEN, .flags = RW)},
    {"remap: a dirty page gets other rights, its frame stays",
     {AT(MAP, 0, 1, .flags = RW), WRITE(0)},
     AT(REMAP, 0, 1, .value = FRAME_SAME, .flags = NX)},
    {"remap: a 2 MiB page", {HUGE_PAGES(0)}, AT(REMAP, L2(-1), L2(1), .to = L2(3), .flags = RW | US)},
    {"remap: a 1 GiB page", {HUGE_PAGES(0)}, AT(REMAP, 0, L3(1), .to = L3(1), .flags = NX)},
    {"set_marker: a page", {{0}}, MARKER(0), EACH_DEPTH | NO_CHANGE},
    {"clear_marker: a page", {MARKER(0)}, AT(CLEAR_MARKER, 0, 1), EACH_DEPTH | NO_CHANGE},
    {"map: over a marker", {MARKER(0)}, AT(MAP_TO, 0, 1, .flags = RW | PAGING_REPLACE_MARKER)},

    {"set_marker: a range of 4K|2M|1G|4K", {{0}}, MARKERS(L2(-1) - 1, L2(1) + L3(1) + 2), ONLY_TABLES},
    {"set_marker: values of a part", {LARGE_MARKERS}, MARKERS(1, L2(1), .flags = OVER), ONLY_TABLES},
    {"clear_marker: a page of a larger one", {LARGE_MARKERS}, AT(CLEAR_MARKER, 5, 1), ONLY_TABLES},
    {"map: a page in a larger marker", {LARGE_MARKERS}, AT(MAP_TO, 5, 1, .flags = RW | OVER)},
    {"map: a 2 MiB page in a larger marker", {LARGE_MARKERS}, MAP_2M(L2(1), .flags = RW | OVER)},
    {"map: a range in larger markers", {LARGE_MARKERS}, AT(MAP_RANGE, -1, L2(1) + 3, .flags = RW | OVER)},
    {"unmap: a part of larger markers", {LARGE_MARKERS}, AT(UNMAP_RANGE, -1, L2(1) + 3), ONLY_TABLES},

    {"map: a 2 MiB page, with all tables", {{0}}, MAP_2M(0, .flags = RW)},
    {"map: a 2 MiB page next to another", {MAP_2M(L2(1), .flags = RW)}, MAP_2M(0, .flags = NX)},
    {"map: a 1 GiB page", {{0}}, MAP_1G(0, .flags = RW)},
    {"unmap: a 2 MiB page, with all tables", {MAP_2M(0, .flags = RW)}, AT(UNMAP, 0, 1)},
    {"unmap: a 1 GiB page", {MAP_1G(0, .flags = RW), AT(MAP_TO, -1, 1, .flags = RW)}, AT(UNMAP, 0, 1)},

    {"map: a range within a P1", {AT(MAP_TO, 1, 1)}, AT(MAP_RANGE, 2, LAST - 2, .flags = RW)},
    {"map: a range over P1s", {AT(MAP_TO, 1, 1)}, AT(MAP_RANGE, L2(1) - 1, L2(1) + 2, .flags = RW)},
    {"map: a range over two P2s", {{0}}, AT(MAP_RANGE, -1, 2, .flags = RW)},
    {"map: a range of 4K|2M|1G|4K pages", {{0}}, AT(MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, .flags = RW)},
    {"map: a range that may be 2 MiB pages, in 4K pages",
     {{0}},
     AT(MAP_RANGE, L2(1) - 1, L2(1) + 2, .flags = RW | PAGING_LARGEST_4K)},
    {"map: owned pages within a P1", {{0}}, AT(MAP_RANGE_ALLOC, 1, LAST - 2, .flags = RW)},
    {"map: owned pages of 4K|2M|4K", {{0}}, AT(MAP_RANGE_ALLOC, L2(1) - 1, L2(1) + 2, .flags = RW)},

    {"protect: a page",
     {AT(MAP_TO, 0, 1, .flags = RW), WRITE(0)},
     AT(PROTECT, 0, 1, .flags = NX, .clear = RW)},
    {"protect: a 2 MiB page", {HUGE_PAGES(0)}, AT(PROTECT, L2(-1), L2(1), .flags = WC, .clear = RW)},
    {"protect: a 1 GiB page", {HUGE_PAGES(0)}, AT(PROTECT, 0, L3(1), .flags = NX, .clear = RW)},
    {"protect: pages within a P1",
     {AT(MAP_RANGE, 2, LAST - 2, .flags = RW)},
     AT(PROTECT_RANGE, 2, LAST - 2, .flags = NX, .clear = RW)},
    {"protect: few pages",
     {AT(MAP_RANGE, 2, 3, .flags = RW), WRITE(3)},
     AT(PROTECT_RANGE, 2, 3, .flags = NX, .clear = RW)},
    {"protect: 4K|2M|1G|4K pages",
     {AT(MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, .flags = RW)},
     AT(PROTECT_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, .flags = NX, .clear = RW)},
    {"protect: the memory type",
     {AT(MAP_RANGE, -1, L2(1) + 3, .flags = RW)},
     AT(PROTECT_RANGE, -1, L2(1) + 3, .flags = WC)},
    {"protect: pages that are dirty, in both directions",
     {AT(MAP_RANGE, -3, L2(1) + 6, .flags = RW), WRITE(-1), WRITE(5)},
     AT(PROTECT_RANGE, -3, L2(1) + 6, .flags = US | NX, .clear = RW)},
    {"protect: global pages",
     {AT(MAP_RANGE, UPPER + 1, LAST, .flags = RW | PAGING_GLOBAL)},
     AT(PROTECT_RANGE, UPPER + 1, LAST, .clear = PAGING_GLOBAL)},
    {"protect: a range with holes",
     {AT(MAP_TO, 1, 1, .flags = RW), AT(MAP_TO, L2(1), 1, .flags = RW), AT(MAP_TO, -1, 1, .flags = US)},
     AT(PROTECT_RANGE, L3(-1), L3(2), .flags = NX, .clear = RW | US)},
    {"protect: one page of a 2 MiB page",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, L3(-1) + 1, 1, .flags = NX, .clear = RW)},
    {"protect: the halves of two 2 MiB pages",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, L2(-3) / 2, L2(1), .flags = NX, .clear = RW)},
    {"protect: a 2 MiB page in a 1 GiB page",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, L2(1), L2(1), .flags = NX, .clear = RW),
     IN_1G},
    {"protect: small pages in a 1 GiB page",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, L2(1) + 1, 2, .flags = NX, .clear = RW),
     IN_1G},
    {"protect: a 1 GiB page except its ends",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, 1, L3(1) - 2, .flags = NX, .clear = RW),
     IN_1G},
    {"protect: where 2 MiB and 1 GiB pages meet",
     {HUGE_PAGES(0)},
     AT(PROTECT_RANGE, -1, 2, .flags = NX, .clear = RW),
     IN_1G},

    {"unmap: pages within a P1", {AT(MAP_RANGE, 2, LAST - 2, .flags = RW)}, AT(UNMAP_RANGE, 2, LAST - 2)},
    {"unmap: pages that stay on both sides",
     {AT(MAP_RANGE, 0, LAST, .flags = RW)},
     AT(UNMAP_RANGE, 2, LAST - 4)},
    {"unmap: 4K|2M|1G|4K pages",
     {AT(MAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2, .flags = RW)},
     AT(UNMAP_RANGE, L2(-1) - 1, L2(1) + L3(1) + 2)},
    {"unmap: owned pages of 4K|2M|4K",
     {AT(MAP_RANGE_ALLOC, L2(1) - 1, L2(1) + 2, .flags = RW)},
     AT(UNMAP_RANGE, L2(1) - 1, L2(1) + 2)},
    {"unmap: a hole in an owned 2 MiB page",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW)},
     AT(UNMAP_RANGE, L2(1) + 1, 2)},
    {"unmap: tables of all levels at once",
     {AT(MAP, -1, 1, .flags = RW), AT(MAP, 5, 1, .flags = RW), MAP_2M(L2(1), .flags = RW), MARKER(9)},
     AT(UNMAP_RANGE, L3(-1), L3(2))},
    {"unmap: one page of a 2 MiB page", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, L3(-1) + 1, 1)},
    {"unmap: the halves of two 2 MiB pages", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, L2(-3) / 2, L2(1))},
    {"unmap: a 2 MiB page in a 1 GiB page", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, L2(1), L2(1)), IN_1G},
    {"unmap: small pages in a 1 GiB page", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, L2(1) + 1, 2), IN_1G},
    {"unmap: a 1 GiB page except its ends", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, 1, L3(1) - 2), IN_1G},
    {"unmap: where 2 MiB and 1 GiB pages meet", {HUGE_PAGES(0)}, AT(UNMAP_RANGE, -1, 2), IN_1G},

    {"map: a list of pages in one P1", {AT(MAP_TO, 1, 1)}, LIST(MAP_LIST, 2, 9, 0x155, .flags = RW)},
    {"map: a list of pages, with tables of all levels",
     {{0}},
     LIST(MAP_LIST, -5, 10, 0x211, .flags = RW | US)},
    {"map: a list of pages in several P1s",
     {AT(MAP_TO, 1, 1)},
     LIST(MAP_LIST, 2, L2(3), LIST_EACH(4, PAGING_INDEX_BITS), .flags = RW)},
    {"map: a list of pages over markers",
     {MARKER(1), MARKER(3)},
     LIST(MAP_LIST, 0, 6, 0x2f, .flags = RW | PAGING_REPLACE_MARKER)},
    {"map: a list of owned pages", {AT(MAP, 1, 1)}, LIST(MAP_LIST_ALLOC, -4, 8, 0xc7, .flags = RW)},
    {"unmap: a list of pages in one P1",
     {AT(MAP_RANGE, 0, LAST, .flags = RW), WRITE(4)},
     LIST(UNMAP_LIST, 2, 9, 0x155)},
    {"unmap: a list of all pages, with all tables",
     {LIST(MAP_LIST, -5, 10, 0x211, .flags = RW), WRITE(-1)},
     LIST(UNMAP_LIST, -5, 10, 0x211)},
    {"unmap: a list of owned pages, of which some P1s stay",
     {LIST(MAP_LIST_ALLOC, -4, 8, 0xff, .flags = RW), AT(MAP, 9, 1, .flags = RW), WRITE(2)},
     LIST(UNMAP_LIST, -4, 8, 0xff)},
    {"unmap: a list of a 2 MiB page and small ones",
     {MAP_2M(0, .flags = RW), AT(MAP_TO, -1, 1, .flags = RW), WRITE(0)},
     LIST(UNMAP_LIST, -1, 2, 3)},
    {"unmap: a list of more pages than are flushed by themselves",
     {AT(MAP_RANGE, -20, 60, .flags = RW), WRITE(3)},
     LIST(UNMAP_LIST, -20, 40, LIST_OF(40))},

    {"gather: single pages, of which some are owned, and their tables",
     {AT(MAP_RANGE_ALLOC, 0, 3, .flags = RW), AT(MAP_TO, 3, 1, .flags = RW), WRITE(1)},
     AT(GATHER, 0, 1,
        .value = GATHER_STEP(0, GATHER_UNMAP, 1) | GATHER_STEP(1, GATHER_UNMAP, 3) |
                 GATHER_STEP(2, GATHER_UNMAP, 0) | GATHER_STEP(3, GATHER_UNMAP, 2))},
    {"gather: a range with a 2 MiB page, and rights beside it",
     {AT(MAP_RANGE, L2(-1) - 1, L2(1) + 12, .flags = RW)},
     AT(GATHER, L2(-1) - 1, L2(1) + 3,
        .value = GATHER_STEP(0, GATHER_UNMAP_RANGE, 0) | GATHER_STEP(1, OUTSIDE_TRANSLATE, 1)),
     IN_1G_OF_TOYS},
    {"gather: a page, and another one that takes its P1",
     {AT(MAP, 0, 1, .flags = RW), AT(MAP_TO, 1, 1, .flags = RW)},
     AT(GATHER, 0, 1, .value = GATHER_STEP(0, GATHER_UNMAP, 0) | GATHER_STEP(1, OUTSIDE_UNMAP, 1))},
    {"gather: a list of pages in two P1s, and one of its neighbours",
     {LIST(MAP_LIST_ALLOC, -3, 6, 0x3f, .flags = RW), AT(MAP_TO, 3, 1, .flags = RW), WRITE(-2)},
     AT(GATHER, -3, 7, .value = GATHER_STEP(0, GATHER_UNMAP, 1) | GATHER_STEP(1, GATHER_UNMAP_LIST, 2))},
    {"gather: rights of two pages",
     {AT(MAP_RANGE, 0, 4, .flags = RW), WRITE(2)},
     AT(GATHER, 0, 1,
        .value = GATHER_STEP(0, GATHER_PROTECT_RANGE, 0) | GATHER_STEP(1, GATHER_PROTECT_RANGE, 2)),
     IN_1G_OF_TOYS},

    {"test_and_clear: small and huge pages, one of them in part",
     {AT(MAP_RANGE, L2(-3) - 5, L2(3) + 5, .flags = RW), MAP_1G(0, .flags = RW), WRITE(L2(-3) - 1),
      WRITE(-1)},
     AT(TEST_AND_CLEAR, L2(-3) - 5, L2(3) + 8, .flags = TOUCHED),
     NO_CHANGE | CLEARS},
    {"move: a page to another table",
     {AT(MAP, 0, 1, .flags = RW), WRITE(0)},
     AT(MOVE_RANGE, 0, 1, .to = L2(2) + 7),
     EACH_DEPTH},
    {"move: pages to the next pages, with a marker",
     {AT(MAP_RANGE, 0, 3, .flags = RW), MARKER(3), WRITE(1)},
     AT(MOVE_RANGE, 0, 4, .to = 4)},
    {"move: whole tables and what is beside them",
     {AT(MAP_RANGE, L2(-1) - 2, L2(2) + 4, .flags = RW | PAGING_LARGEST_4K), WRITE(L2(-1))},
     AT(MOVE_RANGE, L2(-1) - 2, L2(2) + 4, .to = L2(5))},
    {"move: huge pages, backwards", {HUGE_PAGES(0)}, AT(MOVE_RANGE, 0, L3(1), .to = -2 * L3(1)), IN_1G},
    {"split: a 2 MiB page", {HUGE_PAGES(0), WRITE(-1)}, AT(SPLIT, -1, 1)},
    {"split: a 1 GiB page", {HUGE_PAGES(0)}, AT(SPLIT, 0, 1)},
    {"split: an owned page",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW | US), WRITE(L2(1))},
     AT(SPLIT, L2(1) + 1, 1)},
    {"merge: small pages, one of them dirty",
     {HUGE_PAGES(0), AT(SPLIT, L2(-1), 1), WRITE(-1)},
     AT(MERGE_RANGE, L2(-2), L2(2))},
    {"merge: 2 MiB pages",
     {AT(MAP_RANGE, 0, L3(1), .flags = NX), AT(SPLIT, 0, 1)},
     AT(MERGE_RANGE, 0, L3(1))},
    {"merge: small pages up to 1 GiB",
     {AT(MAP_RANGE, 0, L3(1), .flags = RW), AT(SPLIT, 0, 1), AT(SPLIT, 0, 1), WRITE(1)},
     AT(MERGE_RANGE, 0, L3(1)),
     IN_1G},
    {"merge: owned pages",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW), AT(SPLIT, L2(1), 1)},
     AT(MERGE_RANGE, L2(1), L2(1))},

    {"attached: a page is mapped, with all tables",
     {CREATE, ATTACH},
     AT(MAP_TO, 0, 1, .flags = RW, .space = 1)},
    {"attached: a page goes where the active space has another",
     {AT(MAP_TO, 0, 1, .flags = RW), CREATE, ATTACH, AT(MAP_TO, 0, 1, .flags = NX, .space = 1)},
     AT(UNMAP, 0, 1, .space = 1)},
    {"attached: a 2 MiB page gets another frame",
     {CREATE, ATTACH, HUGE_PAGES(1)},
     AT(REMAP, L2(-1), L2(1), .to = L2(3), .flags = RW, .space = 1)},
    {"attached: a page gets other rights",
     {CREATE, ATTACH, HUGE_PAGES(1)},
     AT(PROTECT, L2(-1), L2(1), .flags = NX, .clear = RW, .space = 1)},
    {"attached: a range is mapped",
     {CREATE, ATTACH},
     AT(MAP_RANGE, L2(-1) - 1, L2(1) + 3, .flags = RW, .space = 1)},
    {"attached: rights change",
     {CREATE, ATTACH, HUGE_PAGES(1)},
     AT(PROTECT_RANGE, L2(-1), 1, .flags = NX, .clear = RW, .space = 1)},
    {"attached: a huge page is split", {CREATE, ATTACH, HUGE_PAGES(1)}, AT(SPLIT, 0, 1, .space = 1)},
    {"attached: small pages are merged",
     {CREATE, ATTACH, HUGE_PAGES(1), AT(SPLIT, -1, 1, .space = 1)},
     AT(MERGE_RANGE, L2(-1), L2(1), .space = 1)},
    {"attached: everything is unmapped",
     {CREATE, ATTACH, AT(MAP, -1, 1, .flags = RW, .space = 1), AT(MAP, 5, 1, .flags = RW, .space = 1),
      MAP_2M(L2(1), .flags = RW, .space = 1)},
     AT(UNMAP_RANGE, L3(-1), L3(2), .space = 1)},
    {"shared: a page comes, for two spaces",
     {SHARE, CREATE, ATTACH},
     AT(MAP_TO, UPPER, 1, .flags = RW | PAGING_GLOBAL)},
    {"shared: a page goes with its tables",
     {SHARE, CREATE, ATTACH, AT(MAP, UPPER, 1, .flags = RW)},
     AT(UNMAP, UPPER, 1)},
    {"shared: a 2 MiB page gets another frame",
     {SHARE, CREATE, ATTACH, MAP_2M(UPPER, .flags = RW)},
     AT(REMAP, UPPER, L2(1), .to = L2(1), .flags = RW)},
    {"shared: a 2 MiB page is split",
     {SHARE, CREATE, ATTACH, MAP_2M(UPPER, .flags = RW), WRITE(UPPER)},
     AT(SPLIT, UPPER, 1)},

    {"clone: pages in tables of all levels, writable and read-only, and a marker",
     {AT(MAP, -1, 1, .flags = RW), AT(MAP_RANGE_ALLOC, 1, 3, .flags = RW), AT(MAP, 5, 1, .flags = NX),
      AT(MAP_TO, 6, 1, .flags = RW), MARKER(9), CREATE, ATTACH},
     CLONE},
    {"clone: an owned 2 MiB page, which is dirty",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW), WRITE(L2(1)), CREATE, ATTACH},
     CLONE},
    {"unshare: a page can be written again",
     {AT(MAP, 0, 1, .flags = RW), CREATE, ATTACH, CLONE, DETACH, DESTROY},
     AT(UNSHARE_PAGE, 0, 1)},
    {"unshare: a 2 MiB page can be written again",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW), CREATE, ATTACH, CLONE, DETACH, DESTROY},
     AT(UNSHARE_PAGE, L2(1) + 1, 1)},
    {"shared: the first write gets a copy",
     {AT(MAP, 0, 1, .flags = RW), CREATE, ATTACH, CLONE},
     AT(REMAP, 0, 1, .value = FRAME_TAKEN, .flags = RW)},
    {"shared: one owner unmaps a part of a 2 MiB page",
     {AT(MAP_RANGE_ALLOC, L2(1), L2(1), .flags = RW), CREATE, ATTACH, CLONE},
     AT(UNMAP_RANGE, L2(1) + 1, 2)},

    {"share: tables come for all of the upper half",
     {AT(MAP_TO, UPPER, 1, .flags = RW)},
     SHARE,
     NO_CHANGE | MANY_STORES},
    {"unshare: the empty tables go", {AT(MAP_TO, UPPER, 1, .flags = RW), SHARE}, UNSHARE, NO_CHANGE},
    {"attach: the alternate windows come", {AT(MAP_TO, 0, 1, .flags = RW), CREATE}, ATTACH},
    {"detach: the alternate windows go", {CREATE, ATTACH, AT(MAP_TO, 0, 1, .flags = RW, .space = 1)}, DETACH},
    {"switch_to: neither space changes",
     {AT(MAP_TO, 0, 1, .flags = RW), CREATE, ATTACH, AT(MAP_TO, 0, 1, .flags = NX, .space = 1), DETACH},
     SWITCH_TO,
     NO_CHANGE},
    {"create_sibling: the active space does not change", {AT(MAP_TO, 0, 1, .flags = RW)}, CREATE, NO_CHANGE},
    {"destroy: a space with pages",
     {AT(MAP_TO, 0, 1, .flags = RW), CREATE, ATTACH, AT(MAP, 0, 1, .flags = RW, .space = 1), DETACH},
     DESTROY,
     NO_CHANGE},
};
const unsigned scenario_count = sizeof(scenarios) / sizeof(*scenarios);

/* ---- doing them ---- */

/* Memory that is not the source's, and aligned for a 1 GiB page. */
#define FIRST_OF_FRAMES (PAGING_TABLE_ENTRIES == 512 ? FRAME_1G : (uint64_t)640)

uint64_t scenario_page(int64_t position)
{
    unsigned levels = rig.model.levels;
    if (position > UPPER / 2)
        return rig_page(rig_upper_place()).number + (uint64_t)(position - UPPER);
    uint64_t place = PAGING_TABLE_ENTRIES == 512 ? PLACE / PAGING_PAGE_BYTES + paging_level_pages(PAGING_1G)
                                                 : (levels > 3 ? paging_level_pages(PAGING_1G) : 0);
    return (place + (uint64_t)position) % (paging_level_pages(levels) * PAGING_TABLE_ENTRIES);
}

bool scenario_leaves_out(const struct operation *operation)
{
    return rig_by_direct_map && (operation->kind == OP_ATTACH || operation->kind == OP_DETACH);
}

enum paging_status scenario_do(const struct operation *operation)
{
    struct operation placed = *operation;
    if (scenario_leaves_out(operation))
        return PAGING_OK;
    int64_t position = (int64_t)operation->address;
    placed.frames = placed.huge = OP_NO_LIMIT;
    placed.address = rig_address(scenario_page(position));
    placed.bytes *= PAGING_PAGE_BYTES;
    placed.to += FIRST_OF_FRAMES + (uint64_t)(position > UPPER / 2 ? position - UPPER : position);
    placed.to *= PAGING_PAGE_BYTES;
    if (operation_takes(operation, ARG_TARGET))
        placed.to = rig_address(scenario_page(position + (int64_t)operation->to));
    return operation_do(&placed);
}
