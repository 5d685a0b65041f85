/* SPDX-License-Identifier: MIT */
/*
 * tier.h - one tier of a zone: clusters of 512 items, and the list of those that have a free item.
 *
 * Private to this room. frames.h says what tiers, clusters and items are. A tier knows neither the other
 * tiers nor where its zone ends. All of it is inline, because zone.c calls most functions at one place, and a
 * call would cost each frame that is freed a tenth of an instruction.
 *
 * Plain arithmetic, and loops whose bounds are obvious, because test/frama proves the list and tier_take.
 */
#ifndef KERNEL_FRAMES_TIER_H
#define KERNEL_FRAMES_TIER_H

#include "frames/frames.h"
#include "frames/word_bits.h"

/* The names without the prefix that a public header needs. */
#define CLUSTER_ITEMS  FRAMES_CLUSTER_ITEMS
#define WORD_ITEMS     FRAMES_WORD_ITEMS
#define WORD_FULL      FRAMES_WORD_FULL
#define LIST_END       FRAMES_LIST_END
#define CLUSTER_FULL   FRAMES_CLUSTER_FULL
#define CLUSTER_CLOSED FRAMES_CLUSTER_CLOSED

#define CLUSTER_WORDS (CLUSTER_ITEMS / WORD_ITEMS)

/* ---- words and bits ---- */

/* Returns whether each word of a cluster has this value. */
static inline bool words_are(const uint64_t *words, uint64_t value)
{
    uint64_t differ = 0;
#pragma GCC unroll 8
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        differ = differences(differ, words[i], value);
    return differ == 0;
}

static inline void words_fill(uint64_t *words, uint64_t value)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        words[i] = value;
}

static inline uint64_t *cluster_words(const struct frames_tier *tier, uint32_t index)
{
    return tier->free + (uint64_t)index * CLUSTER_WORDS;
}

static inline uint64_t *item_word(const struct frames_tier *tier, uint64_t item)
{
    return &tier->free[(item - tier->first) / WORD_ITEMS];
}

static inline unsigned item_bit(uint64_t item)
{
    return (unsigned)(item % WORD_ITEMS);
}

/* Returns a word of which the lowest `count` bits are set, at most a full word. */
static inline uint64_t lowest_bits(unsigned count)
{
    return count < WORD_ITEMS ? ((uint64_t)1 << count) - 1 : WORD_FULL;
}

/* Returns the bits of the items below `end`, in the word that begins with item `first` of its cluster. */
static inline uint64_t bits_below(unsigned end, unsigned first)
{
    return end > first ? lowest_bits(end - first) : 0;
}

/* ---- the list of clusters that have a free item ---- */

/* Returns whether the cluster has a free item, so that it is in its tier's list. */
static inline bool cluster_is_listed(const struct frames_cluster *cluster)
{
    return cluster->after != CLUSTER_FULL && cluster->after != CLUSTER_CLOSED;
}

/* Lists a cluster that is not listed. */
static inline void list_add(struct frames_tier *tier, uint32_t index)
{
    struct frames_cluster *clusters = tier->clusters;
    uint32_t next = tier->head;
    clusters[index].before = LIST_END;
    clusters[index].after = next;
    if (next != LIST_END)
        clusters[next].before = index;
    tier->head = index;
}

/* Takes a cluster out of the list, if it is in it, and notes CLUSTER_FULL or CLUSTER_CLOSED instead. */
static inline void list_remove(struct frames_tier *tier, uint32_t index, uint32_t mark)
{
    struct frames_cluster *clusters = tier->clusters;
    bool was_listed = cluster_is_listed(&clusters[index]);
    uint32_t before = clusters[index].before;
    uint32_t after = clusters[index].after;
    clusters[index].after = mark;
    if (!was_listed)
        return;
    if (before == LIST_END)
        tier->head = after;
    else
        clusters[before].after = after;
    if (after != LIST_END)
        clusters[after].before = before;
}

/* ---- items ---- */

/* Returns the index of the cluster that an item is in. */
static inline uint32_t cluster_index(const struct frames_tier *tier, uint64_t item)
{
    return (uint32_t)((item - tier->first) / CLUSTER_ITEMS);
}

/* Returns whether the item is free. */
static inline bool tier_has(const struct frames_tier *tier, uint64_t item)
{
    return is_set(*item_word(tier, item), item_bit(item));
}

/*
 * Takes an item from the first listed cluster.
 *
 *   FRAMES_CORRUPT   the list names a cluster that does not exist or has nothing free; nothing has changed
 */
PAGING_MUST_CHECK static inline enum frames_status tier_take(struct frames_tier *tier, uint64_t *item)
{
    uint32_t index = tier->head;
    if (index >= tier->cluster_count)
        return FRAMES_CORRUPT;
    uint64_t *words = cluster_words(tier, index);
    uint64_t at = 0;
    while (at < CLUSTER_WORDS && words[at] == 0)
        at++;
    if (at == CLUSTER_WORDS)
        return FRAMES_CORRUPT;
    *item = tier->first + (uint64_t)index * CLUSTER_ITEMS + at * WORD_ITEMS + lowest_bit(words[at]);
    words[at] = without_lowest(words[at]);
    if (words_are(words, 0))
        list_remove(tier, index, CLUSTER_FULL);
    return FRAMES_OK;
}

/* Makes an item free, and lists its cluster. */
static inline void tier_put(struct frames_tier *tier, uint64_t item)
{
    uint32_t index = cluster_index(tier, item);
    uint64_t *word = item_word(tier, item);
    *word = with_bit(*word, item_bit(item));
    if (!cluster_is_listed(&tier->clusters[index]))
        list_add(tier, index);
}

/* ---- clusters ---- */

/* Returns whether all items of the cluster are free. */
static inline bool cluster_is_free(const struct frames_tier *tier, uint32_t index)
{
    return words_are(cluster_words(tier, index), WORD_FULL);
}

/* Returns whether no item of the cluster is free. */
static inline bool cluster_is_empty(const struct frames_tier *tier, uint32_t index)
{
    return words_are(cluster_words(tier, index), 0);
}

/* Makes a cluster closed whose memory may hold anything. */
static inline void tier_init_cluster(struct frames_tier *tier, uint32_t index)
{
    words_fill(cluster_words(tier, index), 0);
    tier->clusters[index].after = CLUSTER_CLOSED;
}

/* Makes all items of a closed cluster free, and lists it. */
static inline void tier_fill_cluster(struct frames_tier *tier, uint32_t index)
{
    words_fill(cluster_words(tier, index), WORD_FULL);
    list_add(tier, index);
}

/* Does the same for the items start to end of the cluster, end not included and at most 512. */
static inline void tier_fill_part(struct frames_tier *tier, uint32_t index, unsigned start, unsigned end)
{
    uint64_t *words = cluster_words(tier, index);
    for (unsigned i = 0; i < CLUSTER_WORDS; i++)
        words[i] = bits_below(end, i * WORD_ITEMS) & ~bits_below(start, i * WORD_ITEMS);
    list_add(tier, index);
}

/* Takes a listed cluster out of the list and closes it. */
static inline void tier_close_cluster(struct frames_tier *tier, uint32_t index)
{
    list_remove(tier, index, CLUSTER_CLOSED);
    words_fill(cluster_words(tier, index), 0);
}

#endif
