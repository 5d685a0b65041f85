/*
 * frames.c - frames are handed out and come back: which zone a frame is in, and which one to take from.
 */
#include "frames/zone.h"

uint32_t zones_up_to(const struct frames *frames, uint64_t frame)
{
    uint32_t low = 0;
    uint32_t high = frames->zone_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (frames->zones[middle].start <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct frame_zone *zone_of(const struct frames *frames, uint64_t frame)
{
    uint32_t count = zones_up_to(frames, frame);
    if (count == 0 || frame >= frames->zones[count - 1].end)
        return NULL;
    return &frames->zones[count - 1];
}

static void look_at(struct frames *frames, const struct frame_zone *zone)
{
    const struct frame_tier *tier = &zone->tiers[0];
    frames->nearby.start = zone->start;
    frames->nearby.known = zone->known;
    frames->nearby.words = (uintptr_t)tier->free - tier->first / WORD_ITEMS * sizeof(uint64_t);
    frames->nearby.clusters =
        (uintptr_t)tier->clusters - tier->first / CLUSTER_ITEMS * sizeof(struct cluster);
}

/*
 * Take single frames from the word of this one from now on. If its block closes, or is handed out as one,
 * there is nothing free in that word, and what frees something in it makes it good again.
 */
static void make_current(struct frames *frames, const struct frame_zone *zone, uint64_t frame)
{
    const struct frame_tier *tier = &zone->tiers[0];
    frames->current.word = &tier->free[(frame - tier->first) / WORD_ITEMS];
    frames->current.first = frame - frame % WORD_ITEMS;
    frames->current.known = frame;
}

static bool source_reserve(struct paging_frame_source *source, uint64_t count)
{
    return frames_free_count((struct frames *)source) >= count;
}

static bool source_allocate(struct paging_frame_source *source, enum paging_size size, paging_frame_t *frame)
{
    return frames_allocate((struct frames *)source, size, frame) == FRAMES_OK;
}

/* Apart, so that the fast path of a release saves no register. */
static __attribute__((noinline)) void release_slow(struct frames *frames, enum paging_size size,
                                                   paging_frame_t frame)
{
    if (frames_free_slow(frames, size, frame) != FRAMES_OK)
        frames->refused_releases++;
}

static void source_release(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    struct frames *frames = (struct frames *)source;
    if (size != PAGING_4K || !frames_free_fast(frames, frame))
        release_slow(frames, size, frame);
}

static void source_split(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    struct frames *frames = (struct frames *)source;
    if (frames_split(frames, size, frame) != FRAMES_OK)
        frames->refused_cuts++;
}

static void source_join(struct paging_frame_source *source, enum paging_size size, paging_frame_t frame)
{
    struct frames *frames = (struct frames *)source;
    if (frames_join(frames, size, frame) != FRAMES_OK)
        frames->refused_cuts++;
}

void frames_init(struct frames *frames, void *bookkeeping, uint64_t bytes)
{
    uintptr_t start = (uintptr_t)bookkeeping;
    uintptr_t skipped = (8 - start % 8) % 8;
    uintptr_t usable = bytes > skipped ? (bytes - skipped) / 8 * 8 : 0;
    *frames = (struct frames){.source = {.reserve = source_reserve,
                                         .allocate = source_allocate,
                                         .release = source_release,
                                         .split = source_split,
                                         .join = source_join}};
    frames->zones = (void *)(start + skipped);
    frames->top = (unsigned char *)(start + skipped + usable);
    frames->current.word = &frames->none;
}

/* The search begins where the last one ended. */
static struct frame_zone *zone_with_open(struct frames *frames, unsigned tier)
{
    uint32_t at = frames->hints[tier];
    for (uint32_t tried = 0; tried < frames->zone_count; tried++, at++) {
        if (at >= frames->zone_count)
            at = 0;
        frames->hints[tier] = at;
        if (frames->zones[at].tiers[tier].open != LIST_END)
            return &frames->zones[at];
    }
    return NULL;
}

/* Most often the block has more to give, only not in the same word. */
static bool move_on(struct frames *frames)
{
    if (frames->current.word == &frames->none)
        return false;
    uint64_t block = frames->current.first - frames->current.first % CLUSTER_ITEMS;
    uint64_t *words = frames->current.word - frames->current.first % CLUSTER_ITEMS / WORD_ITEMS;
    for (uint64_t at = 0; at < CLUSTER_WORDS; at++)
        if (words[at] != 0) {
            frames->current.word = &words[at];
            frames->current.first = block + at * WORD_ITEMS;
            return true;
        }
    zone_catch_up(zone_of(frames, frames->current.known), frames->current.known);
    return false;
}

/* Larger runs are split only when no zone has a piece left that is split already. */
enum frames_status frames_allocate_slow(struct frames *frames, enum paging_size size, paging_frame_t *frame)
{
    if (size < PAGING_4K || size > PAGING_1G)
        return FRAMES_WRONG_SIZE;
    if (size == PAGING_4K && move_on(frames))
        return frames_allocate(frames, size, frame);
    unsigned wanted = (unsigned)size - 1;
    unsigned tier = wanted;
    struct frame_zone *zone = zone_with_open(frames, tier);
    while (zone == NULL && tier < TOP_TIER)
        zone = zone_with_open(frames, ++tier);
    if (zone == NULL)
        return FRAMES_NONE;
    uint64_t item;
    enum frames_status status = zone_take(zone, tier, wanted, &item);
    if (status != FRAMES_OK)
        return status;
    for (unsigned split = wanted; split < tier; split++)
        frames->hints[split] = frames->hints[tier];
    frame->number = item * item_frames(wanted);
    frames->free_count -= item_frames(wanted);
    if (size == PAGING_4K)
        make_current(frames, zone, frame->number);
    look_at(frames, zone);
    return FRAMES_OK;
}

/* The zone a run of this size lies in as a whole. */
static enum frames_status find_run(const struct frames *frames, enum paging_size size, paging_frame_t frame,
                                   struct frame_zone **zone)
{
    if (size < PAGING_4K || size > PAGING_1G)
        return FRAMES_WRONG_SIZE;
    uint64_t count = paging_level_pages(size);
    if (frame.number % count != 0)
        return FRAMES_MISALIGNED;
    *zone = zone_of(frames, frame.number);
    if (*zone == NULL || count > (*zone)->end - frame.number)
        return FRAMES_FOREIGN;
    return FRAMES_OK;
}

static paging_frame_t part_of(enum paging_size size, paging_frame_t frame, uint64_t part)
{
    return (paging_frame_t){frame.number + part * paging_level_pages(size - 1)};
}

/*
 * Is the run handed out with this size, or, if is_split, in parts? One that lies in neighbouring zones counts
 * as both if its parts are handed out, and *zone is NULL: nothing is written down of it, but who got 512
 * frames one by one may join them wherever they are.
 */
static enum frames_status find_taken(const struct frames *frames, enum paging_size size, paging_frame_t frame,
                                     bool is_split, struct frame_zone **zone)
{
    enum frames_status status = find_run(frames, size, frame, zone);
    if (status == FRAMES_OK)
        return zone_check_taken(*zone, (unsigned)size - 1, is_split, frame.number);
    if (status != FRAMES_FOREIGN || size == PAGING_4K)
        return status;
    for (uint64_t part = 0; part < CLUSTER_ITEMS; part++)
        if (find_taken(frames, size - 1, part_of(size, frame, part), false, zone) != FRAMES_OK)
            return FRAMES_FOREIGN;
    *zone = NULL;
    return FRAMES_OK;
}

/* The first that comes back of 64 frames, or the last, in a block that has others free. */
static bool free_in_listed_block(struct frames *frames, paging_frame_t frame)
{
    if (frame.number - frames->nearby.start >= frames->nearby.known)
        return false;
    uint64_t block = frame.number / CLUSTER_ITEMS;
    const struct cluster *cluster =
        (struct cluster *)(frames->nearby.clusters + block * sizeof(struct cluster));
    uint64_t *word = nearby_word(frames, frame);
    if (!cluster_is_listed(cluster) || set_bit(word, frame.number))
        return false;
    frames->free_count++;
    if (*word == WORD_FULL &&
        words_are(nearby_word(frames, (paging_frame_t){block * CLUSTER_ITEMS}), WORD_FULL))
        zone_settle(zone_of(frames, frame.number), 0, frame.number);
    return true;
}

enum frames_status frames_free_slow(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K && free_in_listed_block(frames, frame))
        return FRAMES_OK;
    struct frame_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, false, &zone);
    if (status != FRAMES_OK)
        return status;
    if (zone == NULL) {
        for (uint64_t part = 0; part < CLUSTER_ITEMS; part++)
            status = frames_free(frames, size - 1, part_of(size, frame, part));
        return status;
    }
    uint64_t count = paging_level_pages(size);
    zone_give(zone, (unsigned)size - 1, frame.number / count);
    frames->free_count += count;
    look_at(frames, zone);
    return FRAMES_OK;
}

enum frames_status frames_split(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K)
        return FRAMES_WRONG_SIZE;
    struct frame_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, false, &zone);
    if (status == FRAMES_OK && zone != NULL)
        zone_split(zone, (unsigned)size - 1, frame.number / paging_level_pages(size));
    return status;
}

enum frames_status frames_join(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K)
        return FRAMES_WRONG_SIZE;
    struct frame_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, true, &zone);
    if (status == FRAMES_OK && zone != NULL)
        status = zone_join(zone, (unsigned)size - 1, frame.number / paging_level_pages(size));
    return status;
}

const char *frames_status_name(enum frames_status status)
{
    static const char *const names[FRAMES_STATUS_COUNT] = {
        [FRAMES_OK] = "ok",
        [FRAMES_NONE] = "none",
        [FRAMES_DOUBLE_FREE] = "double free",
        [FRAMES_FOREIGN] = "foreign",
        [FRAMES_MISALIGNED] = "misaligned",
        [FRAMES_WRONG_SIZE] = "wrong size",
        [FRAMES_OVERLAP] = "overlap",
        [FRAMES_NO_SPACE] = "no space",
        [FRAMES_TOO_HIGH] = "too high",
        [FRAMES_INCOMPLETE] = "incomplete",
        [FRAMES_CORRUPT] = "corrupt",
    };
    return (unsigned)status < FRAMES_STATUS_COUNT ? names[status] : "unknown";
}
