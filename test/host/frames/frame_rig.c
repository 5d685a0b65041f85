/* SPDX-License-Identifier: MIT */
/* frame_rig.c - what the tests of the frame allocator share. */
#include "frames/frame_rig.h"
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

void seed_random(uint64_t seed)
{
    random_state = seed;
}

uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

uint64_t pages_of(enum paging_size size)
{
    return size == PAGING_4K ? 1 : size == PAGING_2M ? BLOCK : SUPERBLOCK;
}

paging_frame_t frame_at(uint64_t number)
{
    return (paging_frame_t){number};
}

struct memory_region region(uint64_t start, uint64_t end, enum memory_kind kind)
{
    return (struct memory_region){.start = {start}, .end = {end}, .attributes = 0, .kind = kind};
}

struct frames frames;
uint64_t left_out;
static unsigned char *bookkeeping;

void begin_with(uint64_t bytes, enum junk junk)
{
    uint64_t unaligned = random_below(8);
    free(bookkeeping);
    bookkeeping = malloc(bytes + unaligned);
    assert_non_null(bookkeeping);
    memset(bookkeeping, junk == JUNK_ONES ? 0xff : 0, bytes + unaligned);
    for (uint64_t i = 0; junk == JUNK_RANDOM && i < bytes; i++)
        bookkeeping[unaligned + i] = (unsigned char)random_below(256);
    memset(&frames, 0xa5, sizeof frames);
    frames_init(&frames, bookkeeping + unaligned, bytes);
}

enum frames_status add_usable(const struct memory_region *regions, size_t count)
{
    left_out = UINT64_MAX;
    return frames_add_usable(&frames, regions, count, &left_out);
}

void begin(const struct memory_region *regions, size_t count, enum junk junk)
{
    begin_with(frames_bookkeeping_bytes(regions, count, 0), junk);
    assert_int_equal(add_usable(regions, count), FRAMES_OK);
    assert_int_equal(left_out, 0);
}

int end_test(void **state)
{
    (void)state;
    free(bookkeeping);
    bookkeeping = NULL;
    return 0;
}

void expect_allocate(enum paging_size size, paging_frame_t *frame)
{
    assert_int_equal(frames_allocate(&frames, size, frame), FRAMES_OK);
}

void expect_free(enum paging_size size, paging_frame_t frame)
{
    assert_int_equal(frames_free(&frames, size, frame), FRAMES_OK);
}

void expect_none(enum paging_size size)
{
    paging_frame_t frame = {77};
    assert_int_equal(frames_allocate(&frames, size, &frame), FRAMES_NONE);
    assert_int_equal(frame.number, 77);
}

void expect_refused(enum paging_size size, uint64_t number, enum frames_status status)
{
    uint64_t before = frames_free_count(&frames);
    assert_int_equal(frames_free(&frames, size, frame_at(number)), status);
    assert_int_equal(frames_free_count(&frames), before);
}

void expect_no_split(enum paging_size size, uint64_t number, enum frames_status status)
{
    uint64_t before = frames_free_count(&frames);
    assert_int_equal(frames_split(&frames, size, frame_at(number)), status);
    assert_int_equal(frames_free_count(&frames), before);
}

void expect_no_join(enum paging_size size, uint64_t number, enum frames_status status)
{
    uint64_t before = frames_free_count(&frames);
    assert_int_equal(frames_join(&frames, size, frame_at(number)), status);
    assert_int_equal(frames_free_count(&frames), before);
}
