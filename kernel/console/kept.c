/* SPDX-License-Identifier: MIT */
/* kept.c - two slots that take turns, each with a checksum of the text and one of itself. */
#include "console/kept.h"

enum { LINE_BYTES = 64, SLOTS = 2, KEPT_VERSION = 1, NO_CRC = 0 };
#define KEPT_MAGIC UINT64_C(0x31504b46544d4c53) /* "SLMTFKP1" */

struct slot {
    uint64_t magic;
    uint32_t version, sequence;
    uint64_t length;
    uint32_t text_crc, state;
    char step[KEPT_STEP_LIMIT];
    uint32_t unused[7];
    uint32_t crc; /* of all before it */
};
_Static_assert(sizeof(struct slot) * SLOTS == KEPT_HEAD_BYTES, "the slots are the head");
_Static_assert(sizeof(struct slot) % LINE_BYTES == 0, "the slots share no line of the cache");

static struct slot *slots; /* NULL before kept_start */
static struct slot now;    /* what the next slot will say */

/*
 * CRC-32 as in zip files and in UEFI, four bits at a time. Continues from the checksum of what came before.
 */
static uint32_t crc32(uint32_t crc, const void *data, size_t bytes)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        crc = crc >> 4 ^ table[(crc ^ at[i]) & 15];
        crc = crc >> 4 ^ table[(crc ^ at[i] >> 4) & 15];
    }
    return ~crc;
}

/* Writes the lines of the cache that hold these bytes back to memory. Every 64-bit processor can. */
static void write_back(const void *start, size_t bytes)
{
    uintptr_t at = (uintptr_t)start & ~(uintptr_t)(LINE_BYTES - 1);
    for (; at < (uintptr_t)start + bytes; at += LINE_BYTES)
        __asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
    __asm__ volatile("mfence" : : : "memory");
}

static uint32_t crc_of_slot(const struct slot *slot)
{
    return crc32(NO_CRC, slot, offsetof(struct slot, crc));
}

static void write_slot(void)
{
    struct slot *slot = &slots[++now.sequence % SLOTS];
    now.crc = crc_of_slot(&now);
    *slot = now;
    write_back(slot, sizeof *slot);
}

void kept_start(void *block)
{
    kept_stop();
    kept_forget(block);
    slots = block;
    now = (struct slot){.magic = KEPT_MAGIC, .version = KEPT_VERSION, .state = KEPT_IN_LOADER};
    write_slot();
}

void kept_grow(const char *text, size_t length)
{
    if (!slots || text != (const char *)slots + KEPT_HEAD_BYTES || length <= now.length)
        return;
    const char *added = text + now.length;
    now.text_crc = crc32(now.text_crc, added, length - now.length);
    write_back(added, length - now.length);
    now.length = length;
    write_slot();
}

void kept_step(const char *step)
{
    size_t i = 0;
    if (!slots)
        return;
    for (; i < KEPT_STEP_LIMIT - 1 && step[i]; i++)
        now.step[i] = step[i];
    for (; i < KEPT_STEP_LIMIT; i++)
        now.step[i] = '\0';
    write_slot();
}

void kept_set_state(enum kept_state state)
{
    if (!slots)
        return;
    now.state = (uint32_t)state;
    write_slot();
}

bool kept_is_on(void)
{
    return slots != NULL;
}

static bool is_valid(const struct slot *slot, const char *text, size_t room)
{
    return slot->magic == KEPT_MAGIC && slot->version == KEPT_VERSION && slot->crc == crc_of_slot(slot) &&
           slot->state <= KEPT_ENDED && slot->step[KEPT_STEP_LIMIT - 1] == '\0' && slot->length <= room &&
           slot->text_crc == crc32(NO_CRC, text, slot->length);
}

bool kept_read(const void *block, size_t bytes, struct kept_record *found)
{
    const struct slot *slot = block, *newest = NULL;
    const char *text = (const char *)block + KEPT_HEAD_BYTES;
    if (bytes < KEPT_HEAD_BYTES)
        return false;
    for (unsigned i = 0; i < SLOTS; i++)
        if (is_valid(&slot[i], text, bytes - KEPT_HEAD_BYTES) &&
            (!newest || slot[i].sequence > newest->sequence))
            newest = &slot[i];
    if (!newest)
        return false;
    *found =
        (struct kept_record){.state = (enum kept_state)newest->state, .text = text, .length = newest->length};
    for (unsigned i = 0; i < KEPT_STEP_LIMIT; i++)
        found->step[i] = newest->step[i];
    return true;
}

void kept_stop(void)
{
    struct slot *block = slots;
    slots = NULL;
    if (block)
        kept_forget(block);
}

void kept_forget(void *block)
{
    struct slot *slot = block;
    for (unsigned i = 0; i < SLOTS; i++)
        slot[i].magic = 0;
    write_back(slot, KEPT_HEAD_BYTES);
}
