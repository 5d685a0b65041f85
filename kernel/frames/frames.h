/* SPDX-License-Identifier: MIT */
/*
 * frames.h - the frame allocator: owns free memory in frames of 4 KiB, and in runs of 2 MiB and 1 GiB.
 *
 * A zone is one run of usable frames without a hole. Over each zone stand three tiers. A cluster is 512 items
 * of a tier with a bit each, in 8 words of 64, set if the item is free:
 *
 *   tier 2   [ s s s s s s s s ... ]   an item is a superblock, 1 GiB; 512 GiB are a cluster
 *                  |
 *                  |  split: the superblock's bit is clear, and its cluster in the tier below takes its place
 *                  v
 *   tier 1   [ b b b b b b b b ... ]   an item is a block, 2 MiB; a superblock is a cluster
 *                |
 *                v
 *   tier 0   [ f f f f f f f f ... ]   an item is a frame, 4 KiB; a block is a cluster
 *
 * The same code serves each tier. A cluster whose items are all free closes at once and becomes an item of
 * the tier above again, so a run of 2 MiB or 1 GiB can be had whenever one is free. Blocks and superblocks
 * that an end of the zone cuts off never close:
 *
 *             start                                                  end
 *               |<------------------- a zone ------------------------>|
 *         ..|.......|.......|.......|.......|.......|.......|.......|...|...     blocks
 *           cut off   whole, may be handed out as 2 MiB                cut off
 *
 * A cluster is in one of these states, which struct frames_cluster notes:
 *
 *   listed   at least one item is free; the cluster is in its tier's list
 *   full     all items are handed out, or split; all bits are clear
 *   closed   the cluster as a whole is free, or is handed out as one; all bits are clear, too
 *
 * So splitting and joining what is handed out changes one word. Every free can tell what it was given: a
 * frame that is free already, that belongs to a run of another size, or that is not in any zone.
 *
 * Bookkeeping memory may hold anything at first. A superblock's part of it is initialised when the first
 * piece of the superblock is handed out, so that adding a zone takes the same time whatever its size.
 * Bookkeeping takes about a seventh of a byte per frame of a zone; holes between zones cost nothing.
 *
 * Allocate and free take constant time, except for the search for a zone. Both are inline up to the point
 * where a word of 64 frames has none free left, or all. They are for one processor at a time; the caller
 * locks.
 */
#ifndef SELFMAP_FRAMES_H
#define SELFMAP_FRAMES_H

#include <selfmap/frame_source.h>

PAGING_BEGIN_C

#define FRAMES_CLUSTER_ITEMS PAGING_TABLE_ENTRIES /* 512: runs are the processor's page sizes */
#define FRAMES_TIERS         3u

/*
 * Items per word: 64. The other bits of a word stay clear. Host tests override it, and the entries of a
 * table, to visit every state that a few frames can reach.
 */
#ifndef FRAMES_WORD_ITEMS
#    define FRAMES_WORD_ITEMS 64u
#endif
#define FRAMES_WORD_FULL (UINT64_MAX >> (64 - FRAMES_WORD_ITEMS))

enum frames_status {
    FRAMES_OK,
    FRAMES_NONE,        /* no run of this size is free */
    FRAMES_DOUBLE_FREE, /* the frame is free already */
    FRAMES_FOREIGN,     /* not all of the run is in a zone, or it is in several and not all handed out */
    FRAMES_MISALIGNED,  /* the frame is not a multiple of the size */
    FRAMES_WRONG_SIZE,  /* the frame was handed out, but in runs of another size */
    FRAMES_OVERLAP,     /* part of the run is in a zone already */
    FRAMES_NO_SPACE,    /* too little bookkeeping memory is left */
    FRAMES_TOO_HIGH,    /* the run ends beyond 2^52 bytes */
    FRAMES_REVERSED,    /* the run ends before it starts */
    FRAMES_INCOMPLETE,  /* not all 512 parts of the run are handed out, each by itself and as a whole */
    FRAMES_CORRUPT,     /* a list names a cluster that has nothing free: somebody wrote to our memory */
    FRAMES_STATUS_COUNT
};

/* Returns the name as it stands above, without the prefix: "double free". Never NULL. */
const char *frames_status_name(enum frames_status status);

/* The state of 512 items. A listed cluster has neighbours in the list of its tier. */
struct frames_cluster {
    uint32_t before; /* FRAMES_LIST_END at both ends */
    uint32_t after;  /* of one that is not listed, FRAMES_CLUSTER_FULL or FRAMES_CLUSTER_CLOSED */
};

#define FRAMES_LIST_END       UINT32_MAX
#define FRAMES_CLUSTER_FULL   (UINT32_MAX - 1)
#define FRAMES_CLUSTER_CLOSED (UINT32_MAX - 2)

struct frames_tier {
    uint64_t first;                  /* number of the item that bit 0 of free[0] is for; a multiple of 512 */
    uint64_t *free;                  /* a bit per item, 8 words per cluster */
    struct frames_cluster *clusters; /* one per 512 items */
    uint32_t cluster_count;
    uint32_t head; /* the first cluster in the list */
};

struct frames_zone {
    uint64_t start; /* frames */
    uint64_t end;
    uint64_t first_uninitialised; /* number of the first superblock whose clusters may hold anything */
    uint64_t initialised;         /* frames from start on whose clusters are initialised */
    struct frames_tier tiers[FRAMES_TIERS];
};

/* Must not be moved once initialised. Everything except the source is the allocator's own. */
struct frames {
    struct paging_frame_source source; /* hand &frames->source to the paging core */
    struct {
        uint64_t *word;   /* the 64 frames that single ones come from. Once all are taken, their block */
        uint64_t first;   /* stays listed until the next frame is asked for (frames_zone_sync_list) */
        uint64_t in_zone; /* one of the 64 that is in a zone; `first` need not be */
    } hot_word;
    struct { /* what a free needs of the zone used last */
        uint64_t start;
        uint64_t initialised;
        uintptr_t words;    /* where the word for frame 0 would be; it wraps */
        uintptr_t clusters; /* where the cluster of frame 0 would be */
    } hot_zone;
    uint64_t free_count;
    uint64_t total;
    uint64_t refused_releases; /* releases through the source that were refused. Stays 0 */
    uint64_t refused_cuts;     /* splits and joins through the source that were refused. Stays 0 */
    struct frames_zone *zones; /* sorted; zone_table.c has a drawing of the bookkeeping memory */
    unsigned char *bookkeeping_top;
    uint32_t zone_count;
    uint32_t hints[FRAMES_TIERS]; /* the zone where an item was found last */
    uint64_t empty_word;          /* the hot word when there is none: nothing is free in it */
};

/* The frames start to end, end not included. */
struct frames_run {
    paging_frame_t start;
    paging_frame_t end;
};

/*
 * Returns the bookkeeping memory, in bytes, that is needed to add these `count` runs, in any order, each
 * as a whole or in pieces. `pieces` counts the further ones: 0 if each run is added as a whole. Runs may
 * be empty, and need not be sorted.
 */
uint64_t frames_bytes_for_runs(const struct frames_run *runs, size_t count, uint64_t pieces);

/* Begins without any frame. The bookkeeping memory of `bytes` bytes may hold anything, and must stay. */
void frames_init(struct frames *frames, void *bookkeeping, uint64_t bytes);

/*
 * Adds the free frames from start to end, end not included, as a zone. The first MiB is left out: real mode,
 * parked processors and firmware that miscounts live there. A run that is empty, or empty then, adds nothing
 * and is not an error. Takes the same time whatever the size of the run (except for one step per 512 GiB).
 *
 *   FRAMES_OVERLAP, FRAMES_NO_SPACE, FRAMES_TOO_HIGH, FRAMES_REVERSED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_add_free(struct frames *frames, paging_frame_t start,
                                                     paging_frame_t end);

/*
 * Does the same for a run in use, as the loader's arena: every frame of it counts as handed out as 4 KiB, and
 * may be freed by itself. Takes time in proportion to the run.
 */
PAGING_MUST_CHECK enum frames_status frames_add_taken(struct frames *frames, paging_frame_t start,
                                                      paging_frame_t end);

/* These three count frames of 4 KiB. */
static inline uint64_t frames_total(const struct frames *frames)
{
    return frames->total;
}

static inline uint64_t frames_free_count(const struct frames *frames)
{
    return frames->free_count;
}

static inline uint64_t frames_handed_out(const struct frames *frames)
{
    return frames->total - frames->free_count;
}

/*
 * Finds the lowest frame of the run that is free, in whatever size it would be handed out, and stores it in
 * *frame. Returns false if none is, with *frame untouched; what is in no zone is not free. Takes a step for
 * each zone, each run that is handed out as one, and each 64 frames of the other blocks that it passes.
 */
PAGING_MUST_CHECK bool frames_first_free(const struct frames *frames, struct frames_run run,
                                         paging_frame_t *frame);

/*
 * Makes 512 runs of the next smaller size, each to be freed by itself, from a run that was handed out with
 * this size, PAGING_2M or PAGING_1G. Takes the same time for both, except for the first split in a
 * superblock.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_FOREIGN, FRAMES_MISALIGNED, FRAMES_WRONG_SIZE
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_split(struct frames *frames, enum paging_size size,
                                                  paging_frame_t frame);

/*
 * Does the reverse: makes one run of this size from 512 runs of the next smaller size that are all handed
 * out, together or one by one. (Of a run that lies in neighbouring zones this is not remembered: it may come
 * back either way.)
 *
 *   FRAMES_DOUBLE_FREE   all of it is free
 *   FRAMES_WRONG_SIZE    it is one run already, or part of one
 *   FRAMES_INCOMPLETE    a part of it is free, or was split again
 *   FRAMES_FOREIGN, FRAMES_MISALIGNED
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_join(struct frames *frames, enum paging_size size,
                                                 paging_frame_t frame);

/* The slow path of frames_allocate, with its statuses. */
PAGING_MUST_CHECK enum frames_status frames_allocate_slow(struct frames *frames, enum paging_size size,
                                                          paging_frame_t *frame);

/* The slow path of frames_free, with its statuses. */
PAGING_MUST_CHECK enum frames_status frames_free_slow(struct frames *frames, enum paging_size size,
                                                      paging_frame_t frame);

/*
 * Hands out a run of this size, aligned to it. It may hold anything.
 *
 *   FRAMES_NONE, FRAMES_CORRUPT
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK static inline enum frames_status
frames_allocate(struct frames *frames, enum paging_size size, paging_frame_t *frame)
{
    uint64_t *word = frames->hot_word.word;
    uint64_t free = *word;
    if (size != PAGING_4K || free == 0)
        return frames_allocate_slow(frames, size, frame);
    *word = free & (free - 1); /* without its lowest bit */
    frames->free_count--;
    frame->number = frames->hot_word.first + (unsigned)__builtin_ctzll(free);
    return FRAMES_OK;
}

/* Returns the word of a frame that is in the zone used last. */
static inline uint64_t *frames_hot_zone_word(const struct frames *frames, paging_frame_t frame)
{
    return (uint64_t *)(frames->hot_zone.words + frame.number / FRAMES_WORD_ITEMS * sizeof(uint64_t));
}

/* Sets an item's bit and returns what it was. In C, gcc takes three instructions more. */
static inline bool frames_set_bit(uint64_t *word, uint64_t item)
{
    bool was_set;
    uint64_t number =
        FRAMES_WORD_ITEMS == 64 ? item : item % FRAMES_WORD_ITEMS; /* the instruction counts modulo 64 */
    __asm__("bts %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(number));
    return was_set;
}

/*
 * Takes back a single frame that is neither the first nor the last of its word to come back. Returns false
 * for any other, with nothing changed.
 */
static inline bool frames_free_fast(struct frames *frames, paging_frame_t frame)
{
    if (frame.number - frames->hot_zone.start >= frames->hot_zone.initialised)
        return false;
    uint64_t *word = frames_hot_zone_word(frames, frame);
    uint64_t free = *word;
    if (free == 0 || frames_set_bit(&free, frame.number) || free == FRAMES_WORD_FULL)
        return false;
    *word = free;
    frames->free_count++;
    return true;
}

/*
 * Takes back a run that was handed out with this size. A larger run may come back in pieces only after it was
 * split.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_FOREIGN, FRAMES_MISALIGNED, FRAMES_WRONG_SIZE
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK static inline enum frames_status frames_free(struct frames *frames, enum paging_size size,
                                                               paging_frame_t frame)
{
    if (size == PAGING_4K && frames_free_fast(frames, frame))
        return FRAMES_OK;
    return frames_free_slow(frames, size, frame);
}

PAGING_END_C

#endif
