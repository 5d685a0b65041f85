/*
 * frames.h - the frame allocator: who owns which 4 KiB of memory, and runs of 2 MiB and 1 GiB.
 *
 * Memory is a set of zones, each one run of usable frames without a hole. In a zone stands a hierarchy:
 *
 *   tier 0   a block       is a cluster of 512 frames        (2 MiB)
 *   tier 1   a superblock  is a cluster of 512 blocks        (1 GiB)
 *   tier 2   the top       are clusters of 512 superblocks   (512 GiB)
 *
 * The same code serves each tier: a cluster hands out its items, and an item of one tier that is split up is
 * a cluster of the tier below. A cluster that is free as a whole closes at once and becomes an item again, so
 * a 2 MiB or 1 GiB run can be had whenever one is free. The cut-off blocks and superblocks at the ends of a
 * zone never close.
 *
 * A cluster is a bit per item: set if it is free. While a cluster is closed, all its bits are clear, and that
 * is also how it looks when all its items are handed out. So splitting and joining what is handed out changes
 * one word, and every free can tell what it was given: a frame that is free already, that belongs to a run of
 * another size, or that is not ours at all. Bookkeeping memory may hold junk: it is put in order a superblock
 * at a time, when the first piece of that is handed out, so adding a zone takes the same time whatever its
 * size. Bookkeeping takes about a seventh of a byte per frame, for frames that exist; holes between zones
 * cost nothing.
 *
 * Allocate and free take constant time but for the search for a zone. Both are inline up to the point where a
 * word of 64 frames is empty, or becomes free as a whole. One processor at a time; the caller locks.
 */
#ifndef KERNEL_FRAMES_FRAMES_H
#define KERNEL_FRAMES_FRAMES_H

#include "frames/bits.h"
#include "frames/memory_map.h"
#include <selfmap/frame_source.h>

#define CLUSTER_ITEMS PAGING_TABLE_ENTRIES /* 512: runs are the processor's page sizes */
#define FRAME_TIERS   3u

/*
 * Items per word, whose other bits stay clear: 64. Host tests override it, and the entries of a table, to
 * visit every state that a few frames can reach.
 */
#ifndef FRAMES_WORD_ITEMS
#    define FRAMES_WORD_ITEMS 64u
#endif
#define WORD_ITEMS FRAMES_WORD_ITEMS
#define WORD_FULL  (UINT64_MAX >> (64 - WORD_ITEMS))

enum frames_status {
    FRAMES_OK,
    FRAMES_NONE,        /* no run of this size is free */
    FRAMES_DOUBLE_FREE, /* the frame is free already */
    FRAMES_FOREIGN,     /* not all of the run is in a zone, or it is in several and not all handed out */
    FRAMES_MISALIGNED,  /* the frame is no multiple of the size */
    FRAMES_WRONG_SIZE,  /* the frame was handed out, but in runs of another size */
    FRAMES_OVERLAP,     /* part of the run is in a zone already */
    FRAMES_NO_SPACE,    /* too little bookkeeping memory is left */
    FRAMES_TOO_HIGH,    /* the run ends beyond 2^52 bytes */
    FRAMES_INCOMPLETE,  /* not all 512 parts of the run are handed out, each by itself and as a whole */
    FRAMES_CORRUPT,     /* a list names a cluster that has nothing free: somebody wrote to our memory */
    FRAMES_STATUS_COUNT
};

/* The name as it stands above, without the prefix: "double free". Never NULL. */
const char *frames_status_name(enum frames_status status);

/*
 * 512 items. A tier's clusters that have a free item are in a list, and this is the place in it. With nothing
 * free, `after` is CLUSTER_FULL, or CLUSTER_CLOSED: the item it is made of is free, or handed out as one.
 */
struct cluster {
    uint32_t before; /* LIST_END at both ends */
    uint32_t after;
};

#define LIST_END       UINT32_MAX
#define CLUSTER_FULL   (UINT32_MAX - 1)
#define CLUSTER_CLOSED (UINT32_MAX - 2)

struct frame_tier {
    uint64_t first;           /* number of the item that bit 0 of free[0] is for; a multiple of 512 */
    uint64_t *free;           /* a bit per item, 8 words per cluster */
    struct cluster *clusters; /* per 512 items */
    uint32_t cluster_count;
    uint32_t open; /* the first cluster in the list */
};

struct frame_zone {
    uint64_t start; /* frames */
    uint64_t end;
    uint64_t learned; /* number of the first superblock whose clusters may still be junk */
    uint64_t known;   /* so many frames from start on have clusters that are not junk */
    struct frame_tier tiers[FRAME_TIERS];
};

/* Must not be moved once initialised. Everything but the source is the allocator's own. */
struct frames {
    struct paging_frame_source source; /* hand &frames->source to the paging core */
    struct {
        uint64_t *word; /* the 64 frames that single ones come from. Its cluster leaves the list late: */
        uint64_t first; /* when the next frame is asked for */
        uint64_t known; /* one of its frames that is in a zone */
    } current;
    struct { /* what a free needs of the zone used last */
        uint64_t start;
        uint64_t known;
        uintptr_t words;    /* where the word for frame 0 would be; it wraps */
        uintptr_t clusters; /* where the cluster of frame 0 would be */
    } nearby;
    uint64_t free_count;
    uint64_t total;
    uint64_t refused_releases; /* frees by way of the source that were refused. Stays 0 */
    uint64_t refused_cuts;     /* the same for splits and joins */
    struct frame_zone *zones;  /* sorted; they grow up from the start of the bookkeeping memory, */
    unsigned char *top;        /* and what belongs to them grows down from its end */
    uint32_t zone_count;
    uint32_t hints[FRAME_TIERS]; /* the zone where something was found last */
    uint64_t none;               /* stands for a word when there is no current one: nothing is free */
};

/*
 * How much bookkeeping memory the usable regions take as zones, and the loader's regions as zones of their
 * own.
 *
 * The map may be an earlier one of the same machine, if all that became usable since was usable or the
 * loader's then. Count two extra zones for each allocation or free in between, and for each run that is
 * adopted but is not a loader's region in this map.
 */
uint64_t frames_bookkeeping_bytes(const struct memory_region *regions, size_t count, uint64_t extra_zones);

/* Begin without any frame. The bookkeeping memory stays ours, and may hold anything. */
void frames_init(struct frames *frames, void *bookkeeping, uint64_t bytes);

/*
 * Add the free frames from start to end, end not included, as a zone. The first MiB is left out: real mode,
 * parked processors and firmware that miscounts live there. A run that is empty then is no error. Takes the
 * same time whatever the size of the run (but for one step per 512 GiB).
 *
 *   FRAMES_OVERLAP, FRAMES_NO_SPACE, FRAMES_TOO_HIGH
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_add_free(struct frames *frames, paging_frame_t start,
                                                     paging_frame_t end);

/*
 * The same for a run in use, as the loader's arena: every frame of it counts as handed out as 4 KiB, and may
 * be freed one by one. Takes time in proportion to the run.
 */
PAGING_MUST_CHECK enum frames_status frames_add_taken(struct frames *frames, paging_frame_t start,
                                                      paging_frame_t end);

/*
 * Add every usable region of a normalised map (conventional and boot services memory), neighbours as one
 * zone. Statuses as for frames_add_free, FRAMES_OVERLAP also if the map is not sorted; on each of them no
 * region was added.
 */
PAGING_MUST_CHECK enum frames_status frames_add_usable(struct frames *frames,
                                                       const struct memory_region *regions, size_t count);

/* All in frames of 4 KiB. */
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
 * A run that was handed out with this size, PAGING_2M or PAGING_1G, is from now on 512 runs of the next smaller
 * size, each to be freed by itself. Takes the same time for both, but for the first split in a superblock.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_FOREIGN, FRAMES_MISALIGNED, FRAMES_WRONG_SIZE
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK enum frames_status frames_split(struct frames *frames, enum paging_size size,
                                                  paging_frame_t frame);

/*
 * The reverse: 512 runs of the next smaller size, all handed out, whether together or one by one, are from
 * now on one run of this size. (Of a run that lies in neighbouring zones this is not remembered: it may come
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

/* The slow paths of the two inline functions at the end. */
PAGING_MUST_CHECK enum frames_status frames_allocate_slow(struct frames *frames, enum paging_size size,
                                                          paging_frame_t *frame);
PAGING_MUST_CHECK enum frames_status frames_free_slow(struct frames *frames, enum paging_size size,
                                                      paging_frame_t frame);

/*
 * Hand out a run of this size, aligned to it. It holds junk.
 *
 *   FRAMES_NONE, FRAMES_CORRUPT
 * On each of them nothing has changed.
 */
PAGING_MUST_CHECK static inline enum frames_status
frames_allocate(struct frames *frames, enum paging_size size, paging_frame_t *frame)
{
    uint64_t *word = frames->current.word;
    uint64_t free = *word;
    if (size != PAGING_4K || free == 0)
        return frames_allocate_slow(frames, size, frame);
    *word = without_lowest(free);
    frames->free_count--;
    frame->number = frames->current.first + lowest_bit(free);
    return FRAMES_OK;
}

/* The word of a frame, in the zone used last. */
static inline uint64_t *nearby_word(const struct frames *frames, paging_frame_t frame)
{
    return (uint64_t *)(frames->nearby.words + frame.number / WORD_ITEMS * sizeof(uint64_t));
}

/* What the item's bit was. As gcc has it, this takes three instructions more. */
static inline bool set_bit(uint64_t *word, uint64_t item)
{
    bool was_set;
    uint64_t number = WORD_ITEMS == 64 ? item : item % WORD_ITEMS; /* the instruction counts modulo 64 */
    __asm__("bts %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(number));
    return was_set;
}

/* A single frame comes back, and it is neither the first nor the last of its word to do so. */
static inline bool frames_free_fast(struct frames *frames, paging_frame_t frame)
{
    if (frame.number - frames->nearby.start >= frames->nearby.known)
        return false;
    uint64_t *word = nearby_word(frames, frame);
    uint64_t free = *word;
    if (free == 0 || set_bit(&free, frame.number) || free == WORD_FULL)
        return false;
    *word = free;
    frames->free_count++;
    return true;
}

/*
 * Take back a run that was handed out with this size; a larger run may not come back in pieces, unless it was
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

#endif
