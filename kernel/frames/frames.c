/* SPDX-License-Identifier: MIT */
/*
 * frames.c - frames are handed out and come back: which zone to take from, and which one a run goes back to.
 */
#include "frames/zone_table.h"

/* ---- what the fast paths use: the zone of the last free, and the word of the last allocation ---- */

static void set_hot_zone(struct frames *frames, const struct frames_zone *zone)
{
    const struct frames_tier *tier = &zone->tiers[0];
    frames->hot_zone.start = zone->start;
    frames->hot_zone.initialised = zone->initialised;
    frames->hot_zone.words = (uintptr_t)tier->free - tier->first / WORD_ITEMS * sizeof(uint64_t);
    frames->hot_zone.clusters =
        (uintptr_t)tier->clusters - tier->first / CLUSTER_ITEMS * sizeof(struct frames_cluster);
}

/*
 * From now on single frames come from the word of this one. If its block closes, or is handed out as one, the
 * word is empty, and whatever frees something in it makes it good again.
 */
static void set_hot_word(struct frames *frames, const struct frames_zone *zone, uint64_t frame)
{
    const struct frames_tier *tier = &zone->tiers[0];
    frames->hot_word.word = &tier->free[(frame - tier->first) / WORD_ITEMS];
    frames->hot_word.first = frame - frame % WORD_ITEMS;
    frames->hot_word.in_zone = frame;
}

/* Finds another word of the same block that has a free frame. Most often there is one. */
static bool next_hot_word(struct frames *frames)
{
    if (frames->hot_word.word == &frames->empty_word)
        return false;
    uint64_t block = frames->hot_word.first - frames->hot_word.first % CLUSTER_ITEMS;
    uint64_t *words = frames->hot_word.word - frames->hot_word.first % CLUSTER_ITEMS / WORD_ITEMS;
    for (uint64_t at = 0; at < CLUSTER_WORDS; at++)
        if (words[at] != 0) {
            frames->hot_word.word = &words[at];
            frames->hot_word.first = block + at * WORD_ITEMS;
            return true;
        }
    frames_zone_sync_list(frames_zone_table_find(frames, frames->hot_word.in_zone), frames->hot_word.in_zone);
    return false;
}

/* ---- the frame source of the paging core ---- */

static bool source_reserve(struct paging_frame_source *source, const struct paging_space *space,
                           uint64_t tables, uint64_t pages)
{
    (void)space;
    return frames_free_count((struct frames *)source) >= tables + pages;
}

/* Nothing to do: there is nobody from whom the frames would have had to be held. */
static void source_unreserve(struct paging_frame_source *source, const struct paging_space *space)
{
    (void)source, (void)space;
}

static bool source_allocate(struct paging_frame_source *source, const struct paging_space *space,
                            enum paging_frame_use use, enum paging_size size, paging_frame_t *frame)
{
    (void)space, (void)use;
    return frames_allocate((struct frames *)source, size, frame) == FRAMES_OK;
}

/* A function of its own, so that the fast path of a release saves no register. */
static __attribute__((noinline)) void release_slow(struct frames *frames, enum paging_size size,
                                                   paging_frame_t frame)
{
    if (frames_free_slow(frames, size, frame) != FRAMES_OK)
        frames->refused_releases++;
}

static void source_release(struct paging_frame_source *source, const struct paging_space *space,
                           enum paging_frame_use use, enum paging_size size, paging_frame_t frame)
{
    (void)space, (void)use;
    struct frames *frames = (struct frames *)source;
    if (size != PAGING_4K || !frames_free_fast(frames, frame))
        release_slow(frames, size, frame);
}

static void source_split(struct paging_frame_source *source, const struct paging_space *space,
                         enum paging_size size, paging_frame_t frame)
{
    (void)space;
    struct frames *frames = (struct frames *)source;
    if (frames_split(frames, size, frame) != FRAMES_OK)
        frames->refused_cuts++;
}

static void source_join(struct paging_frame_source *source, const struct paging_space *space,
                        enum paging_size size, paging_frame_t frame)
{
    (void)space;
    struct frames *frames = (struct frames *)source;
    if (frames_join(frames, size, frame) != FRAMES_OK)
        frames->refused_cuts++;
}

/* ---- finding a zone to take from, and the zone that a run is in ---- */

/* Returns a zone with a free item of this tier, or NULL. The search begins where the last one ended. */
static struct frames_zone *zone_with_item(struct frames *frames, unsigned tier)
{
    uint32_t at = frames->hints[tier];
    for (uint32_t tried = 0; tried < frames->zone_count; tried++, at++) {
        if (at >= frames->zone_count)
            at = 0;
        frames->hints[tier] = at;
        if (frames->zones[at].tiers[tier].head != LIST_END)
            return &frames->zones[at];
    }
    return NULL;
}

/* Finds the zone that all of a run of this size lies in. */
static enum frames_status find_run(const struct frames *frames, enum paging_size size, paging_frame_t frame,
                                   struct frames_zone **zone)
{
    if (size < PAGING_4K || size > PAGING_1G)
        return FRAMES_WRONG_SIZE;
    uint64_t count = paging_level_pages(size);
    if (frame.number % count != 0)
        return FRAMES_MISALIGNED;
    *zone = frames_zone_table_find(frames, frame.number);
    if (*zone == NULL || count > (*zone)->end - frame.number)
        return FRAMES_FOREIGN;
    return FRAMES_OK;
}

static paging_frame_t part_of(enum paging_size size, paging_frame_t frame, uint64_t part)
{
    return (paging_frame_t){frame.number + part * paging_level_pages(size - 1)};
}

/*
 * Checks that the run is handed out with this size or, if is_split, in parts. A run that lies in neighbouring
 * zones counts as both if its parts are handed out, and *zone is NULL: nothing is noted about it, but whoever
 * got 512 frames one by one may join them wherever they are.
 */
static enum frames_status find_taken(const struct frames *frames, enum paging_size size, paging_frame_t frame,
                                     bool is_split, struct frames_zone **zone)
{
    enum frames_status status = find_run(frames, size, frame, zone);
    if (status == FRAMES_OK)
        return frames_zone_check_taken(*zone, (unsigned)size - 1, is_split, frame.number);
    if (status != FRAMES_FOREIGN || size == PAGING_4K)
        return status;
    for (uint64_t part = 0; part < CLUSTER_ITEMS; part++)
        if (find_taken(frames, size - 1, part_of(size, frame, part), false, zone) != FRAMES_OK)
            return FRAMES_FOREIGN;
    *zone = NULL;
    return FRAMES_OK;
}

/*
 * Takes back the first or the last of 64 frames, in a block that has others free. Returns false for any
 * other, with nothing changed.
 */
static bool free_in_listed_block(struct frames *frames, paging_frame_t frame)
{
    if (frame.number - frames->hot_zone.start >= frames->hot_zone.initialised)
        return false;
    uint64_t block = frame.number / CLUSTER_ITEMS;
    const struct frames_cluster *cluster =
        (struct frames_cluster *)(frames->hot_zone.clusters + block * sizeof(struct frames_cluster));
    uint64_t *word = frames_hot_zone_word(frames, frame);
    if (!cluster_is_listed(cluster) || frames_set_bit(word, frame.number))
        return false;
    frames->free_count++;
    if (*word == WORD_FULL &&
        words_are(frames_hot_zone_word(frames, (paging_frame_t){block * CLUSTER_ITEMS}), WORD_FULL))
        frames_zone_close_if_free(frames_zone_table_find(frames, frame.number), 0, frame.number);
    return true;
}

/* ---- what frames.h declares ---- */

void frames_init(struct frames *frames, void *bookkeeping, uint64_t bytes)
{
    *frames = (struct frames){.source = {.reserve = source_reserve,
                                         .unreserve = source_unreserve,
                                         .allocate = source_allocate,
                                         .release = source_release,
                                         .split = source_split,
                                         .join = source_join}};
    frames->hot_word.word = &frames->empty_word;
    frames_zone_table_init(frames, bookkeeping, bytes);
}

/* Larger runs are split only when no zone has a piece left that is split already. */
enum frames_status frames_allocate_slow(struct frames *frames, enum paging_size size, paging_frame_t *frame)
{
    if (size < PAGING_4K || size > PAGING_1G)
        return FRAMES_WRONG_SIZE;
    if (size == PAGING_4K && next_hot_word(frames))
        return frames_allocate(frames, size, frame);
    unsigned wanted = (unsigned)size - 1;
    unsigned tier = wanted;
    struct frames_zone *zone = zone_with_item(frames, tier);
    while (zone == NULL && tier < TOP_TIER)
        zone = zone_with_item(frames, ++tier);
    if (zone == NULL)
        return FRAMES_NONE;
    uint64_t item;
    enum frames_status status = frames_zone_take(zone, tier, wanted, &item);
    if (status != FRAMES_OK)
        return status;
    for (unsigned split = wanted; split < tier; split++)
        frames->hints[split] = frames->hints[tier];
    frame->number = item * item_frames(wanted);
    frames->free_count -= item_frames(wanted);
    if (size == PAGING_4K)
        set_hot_word(frames, zone, frame->number);
    set_hot_zone(frames, zone);
    return FRAMES_OK;
}

enum frames_status frames_free_slow(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K && free_in_listed_block(frames, frame))
        return FRAMES_OK;
    struct frames_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, false, &zone);
    if (status != FRAMES_OK)
        return status;
    if (zone == NULL) {
        for (uint64_t part = 0; part < CLUSTER_ITEMS; part++)
            status = frames_free(frames, size - 1, part_of(size, frame, part));
        return status;
    }
    uint64_t count = paging_level_pages(size);
    frames_zone_give(zone, (unsigned)size - 1, frame.number / count);
    frames->free_count += count;
    set_hot_zone(frames, zone);
    return FRAMES_OK;
}

enum frames_status frames_split(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K)
        return FRAMES_WRONG_SIZE;
    struct frames_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, false, &zone);
    if (status == FRAMES_OK && zone != NULL)
        frames_zone_split(zone, (unsigned)size - 1, frame.number / paging_level_pages(size));
    return status;
}

enum frames_status frames_join(struct frames *frames, enum paging_size size, paging_frame_t frame)
{
    if (size == PAGING_4K)
        return FRAMES_WRONG_SIZE;
    struct frames_zone *zone;
    enum frames_status status = find_taken(frames, size, frame, true, &zone);
    if (status == FRAMES_OK && zone != NULL)
        status = frames_zone_join(zone, (unsigned)size - 1, frame.number / paging_level_pages(size));
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
        [FRAMES_REVERSED] = "reversed",
        [FRAMES_INCOMPLETE] = "incomplete",
        [FRAMES_CORRUPT] = "corrupt",
    };
    return (unsigned)status < FRAMES_STATUS_COUNT ? names[status] : "unknown";
}
