/* SPDX-License-Identifier: MIT */
/* A list that grows, and a hash table of its numbers with open addressing. */
#include "visited.h"
#include <stdlib.h>
#include <string.h>

static struct {
    struct visited *list;
    uint32_t *table; /* number + 1, or 0 */
    uint32_t count, room, places;
} all;

static uint32_t place_of(const struct image *image)
{
    uint64_t hash = 0, word;
    for (unsigned i = 0; i < IMAGE_BYTES; i += sizeof(word)) {
        memcpy(&word, image->bytes + i, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    return (uint32_t)hash & (all.places - 1);
}

static uint32_t *find(const struct image *image)
{
    uint32_t place = place_of(image);
    while (all.table[place] != 0 && memcmp(&all.list[all.table[place] - 1].image, image, sizeof(*image)) != 0)
        place = (place + 1) & (all.places - 1);
    return &all.table[place];
}

/* At least half of the places stay free. */
static void grow(void)
{
    all.room = all.room ? 2 * all.room : 1024;
    all.places = 2 * all.room;
    all.list = realloc(all.list, all.room * sizeof(*all.list));
    free(all.table);
    all.table = calloc(all.places, sizeof(*all.table));
    assert_true(all.list && all.table);
    for (uint32_t i = 0; i < all.count; i++)
        *find(&all.list[i].image) = i + 1;
}

void visited_add(const struct image *image, uint32_t from, unsigned step, unsigned left)
{
    if (all.count == all.room)
        grow();
    uint32_t *place = find(image);
    if (*place != 0)
        return;
    all.list[all.count] = (struct visited){*image, from, (uint16_t)step, (uint16_t)left};
    *place = ++all.count;
}

uint32_t visited_count(void)
{
    return all.count;
}

const struct visited *visited_at(uint32_t number)
{
    return &all.list[number];
}

void visited_forget(void)
{
    free(all.list);
    free(all.table);
    memset(&all, 0, sizeof(all));
}
