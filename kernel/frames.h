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
 * Each item has a link: TAKEN, or the number of the next free item. Items from `touched` on were never handed
 * out, and their links never written. So bookkeeping memory may hold junk, adding a zone takes the same time
 * whatever its size, and every free can tell what it was given: a frame that is free already, that belongs to
 * a run of another size, or that is not ours at all. Bookkeeping takes about two bytes per frame, for frames
 * that exist; holes between zones cost nothing.
 *
 * Allocate and free take constant time but for the search for a zone. Both are inline up to the point where a
 * cluster fills up, opens or closes. One processor at a time; the caller locks.
 */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include "memory_map.h"
#include "paging/frame_source.h"

#define CLUSTER_ITEMS 512u
#define FRAME_TIERS   3u

_Static_assert(ENTRY_COUNT == CLUSTER_ITEMS, "runs are the processor's page sizes");

enum frames_status {
    FRAMES_OK,
    FRAMES_NONE,        /* no run of this size is free */
    FRAMES_DOUBLE_FREE, /* the frame is free already */
    FRAMES_FOREIGN,     /* the run is not, or not as a whole, in a zone */
    FRAMES_MISALIGNED,  /* the frame is no multiple of the size */
    FRAMES_WRONG_SIZE,  /* the frame was handed out, but in runs of another size */
    FRAMES_OVERLAP,     /* part of the run is in a zone already */
    FRAMES_NO_SPACE,    /* too little bookkeeping memory is left */
    FRAMES_TOO_HIGH,    /* the run ends beyond 2^52 bytes */
    FRAMES_CORRUPT,     /* a free list holds a frame that is handed out: somebody wrote to our memory */
    FRAMES_STATUS_COUNT
};

/* The name as it stands above, without the prefix: "double free". Never NULL. */
const char *frames_status_name(enum frames_status status);

/*
 * 512 items. The free list begins at head and ends at touched, the first item that was never handed out; if
 * head is touched, the list is empty; if head is limit, there is no free item at all. Such a full cluster has
 * touched = 0, so that the first free takes the long way, which puts it on the list of open clusters again.
 * A cluster of all zeroes is closed: the item it is made of is free, or handed out as one.
 */
struct cluster {
    uint16_t head;
    uint16_t touched;
    uint16_t limit;
    uint16_t taken; /* how many items are handed out or split */
};

/* The neighbours in a tier's list of open clusters that have a free item. Junk while not on it. */
struct cluster_neighbours {
    uint32_t before;
    uint32_t after;
};

struct frame_tier {
    uint64_t first;                        /* number of the item that links[0] is for; a multiple of 512 */
    uint16_t *links;                       /* per item */
    struct cluster *clusters;              /* per 512 items */
    struct cluster_neighbours *neighbours; /* per cluster */
    uint32_t cluster_count;
    uint32_t open; /* first cluster with a free item */
};

struct frame_zone {
    uint64_t start; /* frames */
    uint64_t end;
    uint64_t learned; /* number of the first superblock whose clusters may still be junk */
    uint64_t known;   /* so many frames from tiers[0].first on have clusters that are not junk */
    struct frame_tier tiers[FRAME_TIERS];
};

/* Must not be moved once initialised. Everything but the source is the allocator's own. */
struct frames {
    struct frame_source source; /* hand &frames->source to the paging core */
    struct {
        struct cluster *cluster;
        uint16_t *links;
        uint64_t first;
    } current; /* the block single frames come from */
    struct {
        uint64_t first;
        uint64_t known;
        struct cluster *clusters;
        uint16_t *links;
    } nearby; /* what a free needs of the zone used last */
    uint64_t free_count;
    uint64_t total;
    uint64_t refused_releases; /* frees by way of the source that were refused. Stays 0 */
    struct frame_zone *zones;  /* sorted; they grow up from the start of the bookkeeping memory, */
    unsigned char *top;        /* and what belongs to them grows down from its end */
    uint32_t zone_count;
    uint32_t hints[FRAME_TIERS]; /* the zone where something was found last */
    struct cluster none;         /* stands for a block when there is no current one: always full */
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
MUST_CHECK enum frames_status frames_add_free(struct frames *frames, frame_t start, frame_t end);

/*
 * The same for a run in use, as the loader's arena: every frame of it counts as handed out as 4 KiB, and may
 * be freed one by one. Takes time in proportion to the run.
 */
MUST_CHECK enum frames_status frames_add_taken(struct frames *frames, frame_t start, frame_t end);

/*
 * Add every usable region of a normalised map (conventional and boot services memory), neighbours as one
 * zone.
 * Statuses as for frames_add_free; on each of them no region was added.
 */
MUST_CHECK enum frames_status frames_add_usable(struct frames *frames, const struct memory_region *regions,
                                                size_t count);

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

/* The long ways of the two inline functions at the end. */
MUST_CHECK enum frames_status frames_allocate_slow(struct frames *frames, enum page_size size,
                                                   frame_t *frame);
MUST_CHECK enum frames_status frames_free_slow(struct frames *frames, enum page_size size, frame_t frame);
void frames_close_block(struct frames *frames, frame_t frame);

#define LINK_TAKEN ((uint16_t)0xffff)

/* What head becomes when it is handed out. Beyond limit: the link of a free item says TAKEN. */
static inline uint16_t cluster_next(const struct cluster *cluster, const uint16_t *links)
{
    return cluster->head == cluster->touched ? (uint16_t)(cluster->head + 1) : links[cluster->head];
}

static inline uint16_t cluster_pop(struct cluster *cluster, uint16_t *links, uint16_t next)
{
    uint16_t item = cluster->head;
    if (item == cluster->touched)
        cluster->touched = next;
    links[item] = LINK_TAKEN;
    cluster->head = next;
    cluster->taken++;
    return item;
}

static inline void cluster_push(struct cluster *cluster, uint16_t item, uint16_t *link)
{
    *link = cluster->head;
    cluster->head = item;
    cluster->taken--;
}

/*
 * Hand out a run of this size, aligned to it. It holds junk.
 *
 *   FRAMES_NONE, FRAMES_CORRUPT
 * On each of them nothing has changed.
 */
MUST_CHECK static inline enum frames_status frames_allocate(struct frames *frames, enum page_size size,
                                                            frame_t *frame)
{
    struct cluster *cluster = frames->current.cluster;
    uint16_t *links = frames->current.links;
    uint16_t next = cluster_next(cluster, links);
    if (size != PAGE_4K || next >= cluster->limit)
        return frames_allocate_slow(frames, size, frame);
    frame->number = frames->current.first + cluster_pop(cluster, links, next);
    frames->free_count--;
    return FRAMES_OK;
}

/*
 * Take back a run that was handed out with this size; a larger run may not come back in pieces.
 *
 *   FRAMES_DOUBLE_FREE, FRAMES_FOREIGN, FRAMES_MISALIGNED, FRAMES_WRONG_SIZE
 * On each of them nothing has changed.
 */
MUST_CHECK static inline enum frames_status frames_free(struct frames *frames, enum page_size size,
                                                        frame_t frame)
{
    uint64_t offset = frame.number - frames->nearby.first;
    if (size != PAGE_4K || offset >= frames->nearby.known)
        return frames_free_slow(frames, size, frame);
    struct cluster *cluster = &frames->nearby.clusters[offset / CLUSTER_ITEMS];
    uint16_t *link = &frames->nearby.links[offset];
    uint16_t item = (uint16_t)(offset % CLUSTER_ITEMS);
    if (item >= cluster->touched || *link != LINK_TAKEN)
        return frames_free_slow(frames, size, frame);
    frames->free_count++;
    cluster_push(cluster, item, link);
    if (cluster->taken == 0)
        frames_close_block(frames, frame);
    return FRAMES_OK;
}

#endif
