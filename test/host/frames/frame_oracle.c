/* SPDX-License-Identifier: MIT */
/* frame_oracle.c - the owner of every frame, one by one. */
#include "frames/frame_oracle.h"
#include <string.h>

unsigned char owners[ORACLE_FRAMES];
static uint32_t busy_in_block[ORACLE_FRAMES / BLOCK]; /* taken or foreign frames */
static uint32_t busy_in_superblock[ORACLE_FRAMES / SUPERBLOCK];
uint64_t free_frames;

unsigned char taken_as(enum paging_size size)
{
    return (unsigned char)(TAKEN_4K + (size - PAGING_4K));
}

void oracle_clear(void)
{
    memset(owners, FOREIGN, sizeof owners);
    for (uint64_t i = 0; i < ORACLE_FRAMES / BLOCK; i++)
        busy_in_block[i] = BLOCK;
    for (uint64_t i = 0; i < ORACLE_FRAMES / SUPERBLOCK; i++)
        busy_in_superblock[i] = SUPERBLOCK;
    free_frames = 0;
}

void oracle_set(uint64_t start, uint64_t count, unsigned char first, unsigned char rest)
{
    for (uint64_t frame = start; frame < start + count; frame++) {
        unsigned char owner = frame == start ? first : rest;
        uint32_t step = (uint32_t)(owner != FREE) - (uint32_t)(owners[frame] != FREE);
        free_frames -= (uint64_t)(int64_t)(int32_t)step;
        busy_in_block[frame / BLOCK] += step;
        busy_in_superblock[frame / SUPERBLOCK] += step;
        owners[frame] = owner;
    }
}

bool oracle_has(enum paging_size size)
{
    if (size == PAGING_4K)
        return free_frames > 0;
    const uint32_t *busy = size == PAGING_2M ? busy_in_block : busy_in_superblock;
    for (uint64_t i = 0; i < ORACLE_FRAMES / pages_of(size); i++)
        if (busy[i] == 0)
            return true;
    return false;
}

enum frames_status oracle_free_status(enum paging_size size, uint64_t frame)
{
    if (frame % pages_of(size) != 0)
        return FRAMES_MISALIGNED;
    uint64_t busy = 0;
    for (uint64_t i = 0; i < pages_of(size); i++) {
        if (frame + i >= ORACLE_FRAMES || owners[frame + i] == FOREIGN)
            return FRAMES_FOREIGN;
        busy += owners[frame + i] != FREE;
    }
    if (busy == 0)
        return FRAMES_DOUBLE_FREE;
    return owners[frame] == taken_as(size) ? FRAMES_OK : FRAMES_WRONG_SIZE;
}

enum frames_status oracle_split_status(enum paging_size size, uint64_t frame)
{
    return size == PAGING_4K ? FRAMES_WRONG_SIZE : oracle_free_status(size, frame);
}

enum frames_status oracle_join_status(enum paging_size size, uint64_t frame)
{
    enum frames_status status = oracle_split_status(size, frame);
    if (status == FRAMES_OK)
        return FRAMES_WRONG_SIZE;
    if (status != FRAMES_WRONG_SIZE || size == PAGING_4K || owners[frame] == TAKEN_1G)
        return status;
    uint64_t part = pages_of(size - 1);
    uint64_t same = 0, inside = 0;
    for (uint64_t i = 0; i < pages_of(size); i++) {
        same += i % part == 0 && owners[frame + i] == taken_as(size - 1);
        inside += owners[frame + i] == TAKEN_INSIDE;
    }
    if (inside == pages_of(size)) /* of a larger run */
        return FRAMES_WRONG_SIZE;
    return same == BLOCK ? FRAMES_OK : FRAMES_INCOMPLETE;
}
