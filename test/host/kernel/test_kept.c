/* SPDX-License-Identifier: MIT */
/* kept: a block says what was written up to the last line, or nothing at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/kept.h"

enum { TEXT_BYTES = 512, BLOCK_BYTES = KEPT_HEAD_BYTES + TEXT_BYTES };

static _Alignas(64) uint8_t block[BLOCK_BYTES];
static char *const text = (char *)block + KEPT_HEAD_BYTES;
static struct kept_record found;

static bool read_block(void)
{
    return kept_read(block, sizeof block, &found);
}

static void grow_to(const char *whole)
{
    memcpy(text, whole, strlen(whole));
    kept_grow(text, strlen(whole));
}

static void assert_says(enum kept_state state, const char *step, const char *whole)
{
    assert_true(read_block());
    assert_int_equal(found.state, state);
    assert_string_equal(found.step, step);
    assert_int_equal(found.length, strlen(whole));
    assert_memory_equal(found.text, whole, found.length);
}

static void starts_empty(void **state)
{
    memset(block, 0x5a, sizeof block);
    assert_false(read_block());
    kept_start(block);
    assert_true(kept_is_on());
    assert_says(KEPT_IN_LOADER, "", "");
}

static void follows_the_run(void **state)
{
    kept_start(block);
    grow_to("first\n");
    kept_step("build tables");
    assert_says(KEPT_IN_LOADER, "build tables", "first\n");
    kept_set_state(KEPT_IN_KERNEL);
    grow_to("first\nsecond\n");
    assert_says(KEPT_IN_KERNEL, "build tables", "first\nsecond\n");
    kept_step("a");
    kept_set_state(KEPT_ENDED);
    assert_says(KEPT_ENDED, "a", "first\nsecond\n");
}

static void long_step_is_shortened(void **state)
{
    char step[2 * KEPT_STEP_LIMIT];
    memset(step, 's', sizeof step - 1);
    step[sizeof step - 1] = '\0';
    kept_start(block);
    kept_step(step);
    step[KEPT_STEP_LIMIT - 1] = '\0';
    assert_says(KEPT_IN_LOADER, step, "");
}

/*
 * One bit anywhere in what the newer slot says: the older one says all but the last line, or nothing is said.
 */
static void damage_is_noticed(void **state)
{
    uint8_t whole[BLOCK_BYTES];
    kept_start(block);
    grow_to("first\n");
    grow_to("first\nsecond\n");
    memcpy(whole, block, sizeof block);
    unsigned older = 0, none = 0, same = 0;
    for (unsigned bit = 0; bit < 8 * (KEPT_HEAD_BYTES + 13); bit++) {
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!read_block())
            none++;
        else if (found.length == 6 && memcmp(found.text, "first\n", 6) == 0)
            older++;
        else if (found.length == 13 && memcmp(found.text, "first\nsecond\n", 13) == 0)
            same++;
        else
            fail_msg("bit %u: a record of %zu bytes", bit, found.length);
        memcpy(block, whole, sizeof block);
    }
    assert_int_equal(same, 8 * KEPT_HEAD_BYTES / 2);       /* all bits of the older slot */
    assert_int_equal(older, 8 * KEPT_HEAD_BYTES / 2 + 56); /* of the newer slot, and of "second\n" */
    assert_int_equal(none, 48);                            /* of "first\n" */
}

/* What the text's owner writes without a line's end, when the run is cut off, is not part of the record. */
static void unfinished_line(void **state)
{
    kept_start(block);
    grow_to("first\n");
    memcpy(text + 6, "half a l", 8);
    assert_says(KEPT_IN_LOADER, "", "first\n");
}

static void foreign_length(void **state)
{
    kept_start(block);
    grow_to("first\nsecond\n");
    assert_true(kept_read(block, KEPT_HEAD_BYTES + 13, &found));
    assert_true(kept_read(block, KEPT_HEAD_BYTES + 12, &found)); /* the older slot: an empty text */
    assert_int_equal(found.length, 0);
    assert_false(kept_read(block, KEPT_HEAD_BYTES - 1, &found));
}

static void other_buffers_are_ignored(void **state)
{
    static char other[16];
    kept_start(block);
    grow_to("first\n");
    kept_grow(other, 12);
    assert_says(KEPT_IN_LOADER, "", "first\n");
}

static void forgets(void **state)
{
    kept_start(block);
    grow_to("first\n");
    assert_true(read_block());
    kept_forget(block);
    assert_false(read_block());
}

static void stops(void **state)
{
    kept_start(block);
    grow_to("first\n");
    kept_stop();
    assert_false(read_block());
    assert_false(kept_is_on());
    kept_step("ignored");
    kept_set_state(KEPT_ENDED);
    grow_to("first\nsecond\n");
    assert_false(read_block());
}

/* The checksum is the one of zip files: a block that another build wrote is read by this one. */
static void known_block(void **state)
{
    static const uint8_t crc_of_digits[] = {0x26, 0x39, 0xf4, 0xcb}; /* CRC-32 of "123456789" */
    kept_start(block);
    grow_to("123456789");
    bool seen = false;
    for (unsigned i = 0; i + 4 <= KEPT_HEAD_BYTES; i++)
        seen = seen || memcmp(block + i, crc_of_digits, 4) == 0;
    assert_true(seen);
    /* All bytes, so that each entry of the table counts: CRC-32 of 0 to 255. */
    static const uint8_t crc_of_all[] = {0x73, 0x8c, 0x05, 0x29};
    kept_start(block);
    for (unsigned i = 0; i < 256; i++)
        text[i] = (char)i;
    kept_grow(text, 256);
    assert_true(read_block());
    seen = false;
    for (unsigned i = 0; i + 4 <= KEPT_HEAD_BYTES; i++)
        seen = seen || memcmp(block + i, crc_of_all, 4) == 0;
    assert_true(seen);
    assert_memory_equal(block, "SLMTFKP1", 8); /* the first slot is the second that was written */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"kept: a fresh record is empty, and junk is none", starts_empty, NULL, NULL, NULL},
        {"kept: text, step and state are read back", follows_the_run, NULL, NULL, NULL},
        {"kept: a long step is shortened", long_step_is_shortened, NULL, NULL, NULL},
        {"kept: a bit that flipped costs at most a line, or is noticed", damage_is_noticed, NULL, NULL, NULL},
        {"kept: a line that is not complete is left out", unfinished_line, NULL, NULL, NULL},
        {"kept: a length beyond the block is not believed", foreign_length, NULL, NULL, NULL},
        {"kept: text elsewhere is not its text", other_buffers_are_ignored, NULL, NULL, NULL},
        {"kept: what was forgotten is not found", forgets, NULL, NULL, NULL},
        {"kept: a record that was stopped is gone, and takes nothing more", stops, NULL, NULL, NULL},
        {"kept: the checksum is CRC-32", known_block, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
