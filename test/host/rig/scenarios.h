/* SPDX-License-Identifier: MIT */
/*
 * scenarios.h - what every operation may meet, in one table for all machines.
 *
 * A scenario prepares a space, and then one operation is watched. In its operations `address` and `bytes`
 * are positions and lengths in pages. Positions count from a place where a 1 GiB page could begin and
 * another end, so that -1 and 0 have no table below the P3 in common. The page at position p is mapped to
 * frame p of a stretch of memory that is aligned alike; `to` is added to p. Where pages move, `to` is how
 * far.
 */
#ifndef HOST_RIG_SCENARIOS_H
#define HOST_RIG_SCENARIOS_H

#include "rig/rig.h"

/* An operation at a position, for a number of pages; members of struct operation may follow. */
#define AT(operation, position, pages, ...)                                                                \
    {                                                                                                      \
        .kind = OP_##operation, .address = (uint64_t)(position), .bytes = (uint64_t)(pages), ##__VA_ARGS__ \
    }

/* Added to a position: it counts from the first place of the upper half that is not reserved. */
#define UPPER ((int64_t)1 << 60)

/*
 * Repeated next to four neighbours, which have the P1 in common with position 0, or the P2, the P3, or
 * nothing. So there are 0, 1, 2 or all tables to make or to give back.
 */
#define EACH_DEPTH  8u
/* What is special about a scenario. */
#define IN_1G       1u  /* a 1 GiB page goes or comes, together with smaller ones below it (watch.h) */
#define NO_CHANGE   2u  /* no translation changes, except those of tables that come or go with a page */
#define CLEARS      16u /* accessed and dirty bits, which is not to lose them */
#define ONLY_TABLES 32u /* tables come or go, and with them what windows show, where there are any */
#define MANY_STORES 4u  /* 130,000: that takes too long where each is a trap */

struct scenario {
    const char *name;
    struct operation prepare[8]; /* up to the first OP_NONE */
    struct operation watched;
    unsigned special;
};

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

/* The page a position stands for. */
uint64_t scenario_page(int64_t position);
/* By direct map no space is attached: a step that does that or undoes it is left out. */
bool scenario_leaves_out(const struct operation *operation);
/* Puts the operation in its place and does it. */
enum paging_status scenario_do(const struct operation *operation);

#endif
