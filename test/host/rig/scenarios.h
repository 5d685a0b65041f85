/*
 * scenarios.h - what every operation may meet, in one table for all machines.
 *
 * A scenario prepares a space, and then one call is watched. Positions are counted in pages from a place
 * where a 1 GiB page could begin and another end, so that -1 and 0 share no table below the P3. The page at
 * position p is mapped to frame p of a stretch of memory that is aligned alike; MAP_AS_2M shifts it, so that
 * no 1 GiB page fits.
 */
#ifndef HOST_RIG_SCENARIOS_H
#define HOST_RIG_SCENARIOS_H

#include "rig/rig_spaces.h"

enum action {
    NOTHING,
    MAP,    /* one page of 4 KiB */
    MAP_2M, /* one, of that size */
    MAP_1G,
    MAP_OWNED,
    MAP_RANGE, /* with the largest pages that fit */
    MAP_AS_2M, /* with 2 MiB pages at most */
    MAP_ALLOC,
    HUGE_PAGES, /* 2 MiB pages from -1 GiB to 0, and from there one of 1 GiB, which is dirty */
    UNMAP,
    UNMAP_RANGE,
    PROTECT, /* set and clear flags in a range */
    SPLIT,
    MERGE,
    RESERVE,
    UNRESERVE,
    WRITE, /* an access, so that the page is dirty */
    LEND,  /* and all below: spaces. What follows CREATE_AND_OPEN is done to the foreign space, */
    UNLEND,
    CREATE,
    CREATE_AND_OPEN,
    OPEN,
    USE_LIVE, /* what follows this to the live one again */
    CLOSE,
    ACTIVATE,
    DESTROY
};

struct step {
    enum action action;
    int64_t at, pages;
    uint64_t flags; /* of a leaf; of PROTECT: those it sets */
    uint64_t clear;
};

/* Add to a position: it counts from the first place of the upper half that the core does not keep. */
#define UPPER ((int64_t)1 << 60)

/*
 * Done beside four neighbours, that share the P1 with position 0, or the P2, the P3, or nothing: it has 0, 1,
 * 2 or all tables to make or to take.
 */
#define EACH_DEPTH     8u
/* What is special about a scenario. */
#define IN_1G          1u /* a 1 GiB page goes or comes, together with smaller ones below it (watch.h) */
#define SEEN_BY_NOBODY 2u /* no translation changes, but those of tables that come or go with a page */
#define MANY_STORES    4u /* 130,000: that takes too long where each is a trap */

struct scenario {
    const char *name;
    struct step prepare[8]; /* up to the first NOTHING */
    struct step watched;
    unsigned special;
};

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

/* The page a position stands for. */
uint64_t scenario_page(int64_t at);
/* Call the core's operation through the rig. */
enum paging_status scenario_step(const struct step *step);

#endif
