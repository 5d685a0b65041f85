/* SPDX-License-Identifier: MIT */
/*
 * operation_table.h - everything that can be done to a space, in one table for all tests.
 *
 * The core's operations have the judged functions below. Each calls the core's operation of the same name
 * and judges everything about it: the status, the frames it took and gave back, the pages it flushed, that
 * an error changed no byte, and afterwards the whole state (rig_check).
 *
 * What is generated, written down or repeated is a `struct operation`: a kind, and a value for each argument.
 * The table (operation_table.c) has a row per kind. Random tests, explorer and scenarios read it, and none of
 * them lists operations of its own.
 */
#ifndef HOST_RIG_OPERATION_TABLE_H
#define HOST_RIG_OPERATION_TABLE_H

#include <selfmap/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rig_side; /* a space and its map: rig.h */

/* ---- judged operations of the core, on the space at hand (rig.at) ---- */

enum paging_status rig_translate(uint64_t address); /* and walk_address */
enum paging_status rig_map(uint64_t address, uint64_t flags);
enum paging_status rig_map_to(uint64_t address, uint64_t frame, uint64_t flags);
enum paging_status rig_map_sized(uint64_t address, uint64_t frame, uint64_t size, uint64_t flags);
/* The frame is taken from the source beforehand. PAGING_NO_FRAMES without a call if there is none. */
enum paging_status rig_map_owned(uint64_t address, uint64_t size, uint64_t flags);
enum paging_status rig_identity_map(uint64_t frame, uint64_t flags);
enum paging_status rig_unmap(uint64_t address); /* result: rig.unmapped */
/* Whose frame a page gets: the one given; one taken from the source beforehand; the one that is there. */
enum { FRAME_GIVEN, FRAME_TAKEN, FRAME_SAME, FRAME_KINDS };
enum paging_status rig_remap(uint64_t address, uint64_t frame, uint64_t flags, uint64_t whose);
enum paging_status rig_protect(uint64_t address, uint64_t set, uint64_t clear);
enum paging_status rig_unshare_page(uint64_t address);
enum paging_status rig_set_marker(uint64_t address, uint64_t value);
enum paging_status rig_clear_marker(uint64_t address); /* result: rig.marker_value */
enum paging_status rig_set_marker_range(uint64_t start, uint64_t bytes, uint64_t value, uint64_t flags);
enum paging_status rig_map_range(uint64_t start, uint64_t to, uint64_t bytes, uint64_t flags);
enum paging_status rig_map_range_alloc(uint64_t start, uint64_t bytes, uint64_t flags);
enum paging_status rig_identity_map_range(uint64_t start, uint64_t bytes, uint64_t flags);
enum paging_status rig_unmap_range(uint64_t start, uint64_t bytes);
enum paging_status rig_protect_range(uint64_t start, uint64_t bytes, uint64_t set, uint64_t clear);
enum paging_status rig_move_range(uint64_t from, uint64_t to, uint64_t bytes);
enum paging_status rig_test_and_clear(uint64_t start, uint64_t bytes, uint64_t which);
enum paging_status rig_split(uint64_t address);
enum paging_status rig_merge_range(uint64_t start, uint64_t bytes);
/* A gather with all that is done until its end: gather_program.h. */
enum paging_status rig_gather(uint64_t start, uint64_t bytes, uint64_t program);
enum paging_status rig_next_piece(uint64_t start, uint64_t bytes, uint64_t limit); /* result: rig.piece */
/*
 * Lists of pages: page_list.h. Page i steps after the address is mapped to the frame i steps after `frame`.
 */
enum paging_status rig_translate_list(uint64_t address, uint64_t list);
enum paging_status rig_map_list(uint64_t address, uint64_t frame, uint64_t list, uint64_t flags);
enum paging_status rig_map_list_alloc(uint64_t address, uint64_t list, uint64_t flags);
enum paging_status rig_unmap_list(uint64_t address, uint64_t list);

/* ---- on whole spaces ---- */

enum paging_status rig_create_sibling(struct rig_side *side, struct rig_side *sibling);
enum paging_status rig_destroy(struct rig_side *side);
enum paging_status rig_attach(struct rig_side *active, struct rig_side *side);
enum paging_status rig_detach(struct rig_side *active, struct rig_side *side);
enum paging_status rig_switch_to(struct rig_side *active, struct rig_side *next);
enum paging_status rig_clone_lower_half(struct rig_side *source, struct rig_side *destination);
enum paging_status rig_share_upper_half(struct rig_side *side);
enum paging_status rig_unshare_upper_half(struct rig_side *side);

/* ---- not the core's: what the processor and the owner of a space do in between ---- */

enum paging_status rig_load(uint64_t address); /* a translation into the TLB, ahead of its use */
enum paging_status rig_fill_tlb(void);
/* An access (WALK_*), which must go as the tables say. PAGING_DENIED if it is refused. */
enum paging_status rig_access(uint64_t address, uint64_t access);
/* Writes an entry that is not present into the table of this level, and empties the TLB. */
enum paging_status rig_plant_marker(uint64_t address, uint64_t level, uint64_t entry);
/* Another space is made, gets a clone of the space at hand, and goes: one step for the explorer. */
enum paging_status rig_fork(void);
/* Detach, and attach again: one step for the explorer. */
enum paging_status rig_reattach(struct rig_side *active, struct rig_side *side);

/* ---- the table ---- */

enum operation_kind {
    OP_NONE, /* ends a list */
    OP_LOAD,
    OP_FILL_TLB,
    OP_ACCESS,
    OP_PLANT_MARKER,
    OP_FORK,
    OP_REATTACH,
    OP_TRANSLATE,
    OP_MAP,
    OP_MAP_TO,
    OP_MAP_SIZED,
    OP_MAP_OWNED,
    OP_IDENTITY_MAP,
    OP_UNMAP,
    OP_REMAP,
    OP_PROTECT,
    OP_UNSHARE_PAGE,
    OP_SET_MARKER,
    OP_CLEAR_MARKER,
    OP_SET_MARKER_RANGE,
    OP_MAP_RANGE,
    OP_MAP_RANGE_ALLOC,
    OP_IDENTITY_MAP_RANGE,
    OP_UNMAP_RANGE,
    OP_PROTECT_RANGE,
    OP_MOVE_RANGE,
    OP_TEST_AND_CLEAR,
    OP_SPLIT,
    OP_MERGE_RANGE,
    OP_GATHER,
    OP_NEXT_PIECE,
    OP_TRANSLATE_LIST,
    OP_MAP_LIST,
    OP_MAP_LIST_ALLOC,
    OP_UNMAP_LIST,
    OP_CREATE_SIBLING,
    OP_DESTROY,
    OP_ATTACH,
    OP_DETACH,
    OP_SWITCH_TO,
    OP_CLONE_LOWER_HALF,
    OP_SHARE_UPPER_HALF,
    OP_UNSHARE_UPPER_HALF,
    OP_KINDS
};

#define OP_NO_LIMIT UINT64_MAX

struct operation {
    unsigned kind;
    uint64_t space; /* number of the side it is about, */
    uint64_t other; /* and of the second one, if there is one */
    uint64_t address, to, bytes, size;
    uint64_t flags; /* to set, */
    uint64_t clear;
    uint64_t value;        /* of a marker; or a whole entry, a kind of access (WALK_*), FRAME_*,
                              a list of pages, a number of entries */
    uint64_t frames, huge; /* the source has no more frames of PAGING_4K, or runs of larger sizes */
    uint64_t meanwhile;    /* a seed: the processor loads pages after each store and flush. 0: it does not */
};

/* An argument of a judged function, and the member of struct operation that has its value. */
enum argument {
    ARG_NONE,
    ARG_SPACE, /* a side, by its number */
    ARG_OTHER,
    ARG_ADDRESS,
    ARG_TO,     /* a physical address */
    ARG_FRAME,  /* `to` as the number of a frame */
    ARG_TARGET, /* `to` as a virtual address */
    ARG_BYTES,
    ARG_SIZE,
    ARG_LEVEL, /* `size` as the level of a table */
    ARG_FLAGS,
    ARG_REPLACE, /* `flags` of an operation that sets markers */
    ARG_CLEAR,
    ARG_TOUCHED, /* `flags` as ACCESSED and DIRTY */
    ARG_VALUE,   /* of a marker */
    ARG_ENTRY,   /* `value` as a whole entry */
    ARG_ACCESS,  /* `value` as a kind of access */
    ARG_WHOSE,   /* `value` as FRAME_GIVEN, FRAME_TAKEN or FRAME_SAME */
    ARG_LIMIT,   /* `value` as a number of entries */
    ARG_LIST,    /* `value` as a list of pages (page_list.h) */
    ARG_PROGRAM, /* `value` as what is done with a gather (gather_program.h) */
    ARGUMENTS
};

#define MOST_ARGUMENTS 4u

/* What is special about an operation. */
#define IS_CORES     1u /* an operation of the core, not of the tests */
#define TAKES_FRAMES 2u /* it can end otherwise with fewer frames in the source */
#define MAPS         4u /* it makes pages where none are */
#define TAKES_HUGE   8u /* it asks the source for larger runs */

/* An operation is a step in those scopes of the explorer (test/explore) that have all of its bits. */
#define EXPLORE_PAGES     1u /* in every scope */
#define EXPLORE_RIGHTS    2u
#define EXPLORE_OWNED     4u
#define EXPLORE_MARKERS   8u
#define EXPLORE_SHIFTED   16u
#define EXPLORE_RANGES    32u
#define EXPLORE_ALTERNATE 64u
#define EXPLORE_DIRECT    128u /* of a scope only: the space lives through a direct map */
#define EXPLORE_CACHING   256u

/*
 * What a random test finds when it draws. Each operation has a weight for each situation: its probability is
 * its weight divided by the sum of that column.
 */
enum situation {
    WHEN_FEW,     /* there are few pages: more are mapped than unmapped */
    WHEN_MANY,    /* the other way round */
    WHEN_CROWDED, /* the space has many leaves, and every check is slow */
    WHEN_SPACES,  /* several spaces, and it is about them */
    SITUATIONS
};

struct operation_row {
    const char *name;                            /* of rig_NAME, and for the core's own of paging_NAME */
    enum argument arguments[MOST_ARGUMENTS + 1]; /* in the order of rig_NAME; ARG_NONE ends them */
    union {
        enum paging_status (*of_0)(void);
        enum paging_status (*of_1)(uint64_t);
        enum paging_status (*of_2)(uint64_t, uint64_t);
        enum paging_status (*of_3)(uint64_t, uint64_t, uint64_t);
        enum paging_status (*of_4)(uint64_t, uint64_t, uint64_t, uint64_t);
        enum paging_status (*of_side)(struct rig_side *);
        enum paging_status (*of_sides)(struct rig_side *, struct rig_side *);
    } call;
    /* Is everything there that the operation needs? Otherwise a random case leaves it out. NULL: always. */
    bool (*can)(const struct operation *operation);
    unsigned traits;                   /* IS_CORES, TAKES_FRAMES ... */
    unsigned explored;                 /* EXPLORE_*; 0: never */
    unsigned short weight[SITUATIONS]; /* in random tests; a row without weights is never drawn */
};

extern const struct operation_row operation_rows[OP_KINDS];

/* An operation of this kind, without limits, about the first space. */
struct operation operation_blank(unsigned kind);

/* Does it take this argument, has it this trait, and which value has the argument? */
bool operation_takes(const struct operation *operation, enum argument argument);
bool operation_is(const struct operation *operation, unsigned trait);
uint64_t operation_argument(const struct operation *operation, enum argument argument);
bool operation_can(const struct operation *operation);

/* Makes the operation's space the one at hand, sets its limits, and calls the judged function. */
enum paging_status operation_do(const struct operation *operation);

#endif
