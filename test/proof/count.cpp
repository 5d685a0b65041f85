/* SPDX-License-Identifier: MIT */
/*
 * count.cpp - the number of used entries of a table, in the entry that points to that table.
 *
 * Nine bits, 52-58 and 9-10, hold 1 to 512 as 0 to 511. All other bits have other meanings.
 */
#include "core.h"

static const char *const ENTRY = "entry";

/* Returns all bits except those of the count. */
static uint64_t others(paging_entry_t entry)
{
    return entry.bits & ~(((uint64_t)0x7f << 52) | ((uint64_t)3 << 9));
}

static unsigned any_count(int least, int most)
{
    unsigned count = anything32("count");
    assume(count >= least);
    assume(count <= most);
    return count;
}

/* Returns an entry as the core makes it, with any count. Bits 59 to 62, where a carry goes, are clear. */
static paging_entry_t any_table_entry()
{
    paging_frame_t table = {anything("table")};
    assume(table.number < (uint64_t)1 << 40);
    paging_entry_t entry = entry_to_table(table, any_count(1, 512));
    if (one_of(0, 1) == 1) /* PAGING_OWNED_BELOW, PAGING_SHARED_TABLE */
        entry.bits |= (uint64_t)1 << 11;
    return entry;
}

THEOREM("count: 1 to 512 are read as they were stored, in any entry")
{
    unsigned count = any_count(1, 512);
    claim(entry_count(entry_with_count({anything(ENTRY)}, count)) == count);
}
FALLACY("count: 0 is read as it was stored")
{
    claim(entry_count(entry_with_count({anything(ENTRY)}, 0)) == 0);
}
FALLACY("count: 513 is read as it was stored")
{
    claim(entry_count(entry_with_count({anything(ENTRY)}, 513)) == 513);
}

THEOREM("count: every entry has a count of 1 to 512, and storing the same count changes nothing")
{
    paging_entry_t entry = {anything(ENTRY)};
    unsigned count = entry_count(entry);
    claim(count >= 1 && count <= 512);
    claim(entry_with_count(entry, count).bits == entry.bits);
}

THEOREM("count: storing it changes no other bit: not the frame, the protection key or no-execute")
{
    paging_entry_t entry = {anything(ENTRY)};
    paging_entry_t after = entry_with_count(entry, anything32("count"));
    claim(others(after) == others(entry));
    claim(paging_entry_frame(after).number == paging_entry_frame(entry).number);
    claim(bits_from_to(after.bits, 59, 63) == bits_from_to(entry.bits, 59, 63));
    claim(paging_entry_is_present(after) == paging_entry_is_present(entry));
}

THEOREM("count: its bits have no other meaning")
{
    claim((PAGING_COUNT_MASK &
           (PAGING_FRAME_MASK | PAGING_TABLE_FLAGS | PAGING_TABLE_CHECK | PAGING_OWNED_BELOW)) == 0);
    claim(others({PAGING_COUNT_MASK}) == 0);
    claim((PAGING_COUNT_MASK & bits_from_to(~(uint64_t)0, 0, 8)) == 0);
}

THEOREM("entry_to_table: the entry has the frame, the count, and the flags that all such entries have")
{
    paging_frame_t table = {anything("table")};
    unsigned count = any_count(1, 512);
    assume(table.number < (uint64_t)1 << 40);
    paging_entry_t entry = entry_to_table(table, count);
    claim(paging_entry_frame(entry).number == table.number);
    claim(entry_count(entry) == count);
    claim(bits_from_to(entry.bits, 0, 8) == 0x67); /* present, writable, user, accessed, dirty; not huge */
    claim(bits_from_to(entry.bits, 59, 63) == 0);
    claim(bits_from_to(entry.bits, 11, 11) == 0);
}

THEOREM("count_steps_up: if it succeeds, the count is one more, and no other bit has changed")
{
    paging_entry_t before = any_table_entry(), after = before;
    assume(entry_count(before) < 512);
    if (count_steps_up(&after)) {
        claim(entry_count(after) == entry_count(before) + 1);
        claim(others(after) == others(before));
    }
}
THEOREM("count_steps_up: it fails exactly if a carry leaves the low seven bits")
{
    paging_entry_t before = any_table_entry(), after = before;
    claim(count_steps_up(&after) == (entry_count(before) % 128 != 0));
}
FALLACY("count_steps_up: it succeeds for every table that is not full")
{
    paging_entry_t entry = any_table_entry();
    assume(entry_count(entry) < 512);
    claim(count_steps_up(&entry));
}

THEOREM("count_steps_down: if it succeeds, the count is one less, and no other bit has changed")
{
    paging_entry_t before = any_table_entry(), after = before;
    if (count_steps_down(&after)) {
        claim(entry_count(before) > 1);
        claim(entry_count(after) == entry_count(before) - 1);
        claim(others(after) == others(before));
    }
}
THEOREM("count_steps_down: it fails exactly if the low seven bits borrow, as for the last entry of a table")
{
    paging_entry_t before = any_table_entry(), after = before;
    claim(count_steps_down(&after) == (entry_count(before) % 128 != 1));
}
FALLACY("count_steps_down: it succeeds for the last entry of a table")
{
    paging_entry_t entry = any_table_entry();
    assume(entry_count(entry) == 1);
    claim(count_steps_down(&entry));
}

THEOREM("count_steps_up, count_steps_down: one after the other changes nothing")
{
    paging_entry_t before = any_table_entry(), after = before;
    assume(count_steps_up(&after));
    claim(count_steps_down(&after));
    claim(after.bits == before.bits);
}
