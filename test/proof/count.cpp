/*
 * count.cpp - an entry that points to a table counts the used entries of that table.
 *
 * Nine bits, 52-58 and 9-10, hold 1 to 512 as 0 to 511; every other bit is somebody else's.
 */
#include "core.h"

static const char *const ENTRY = "entry";

/* All bits but those of the count. */
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

/* An entry as the core makes it, with some count: 59 to 62 are clear, as the count's carry goes there. */
static paging_entry_t any_table_entry()
{
    paging_frame_t table = {anything("table")};
    assume(table.number < (uint64_t)1 << 40);
    paging_entry_t entry = entry_to_table(table, any_count(1, 512));
    if (one_of(0, 1) == 1) /* PAGING_OWNED_BELOW, PAGING_SHARED_TABLE */
        entry.bits |= (uint64_t)1 << 11;
    return entry;
}

THEOREM("count: 1 to 512 come back as they went in, from any word")
{
    unsigned count = any_count(1, 512);
    claim(entry_count(entry_with_count({anything(ENTRY)}, count)) == count);
}
FALLACY("count: 0 comes back")
{
    claim(entry_count(entry_with_count({anything(ENTRY)}, 0)) == 0);
}
FALLACY("count: 513 comes back")
{
    claim(entry_count(entry_with_count({anything(ENTRY)}, 513)) == 513);
}

THEOREM("count: any word has a count of 1 to 512, and setting it to that changes nothing")
{
    paging_entry_t entry = {anything(ENTRY)};
    unsigned count = entry_count(entry);
    claim(count >= 1 && count <= 512);
    claim(entry_with_count(entry, count).bits == entry.bits);
}

THEOREM("count: whatever is stored, no other bit changes: not the frame's, not the key's, not no-execute")
{
    paging_entry_t entry = {anything(ENTRY)};
    paging_entry_t after = entry_with_count(entry, anything32("count"));
    claim(others(after) == others(entry));
    claim(paging_entry_frame(after).number == paging_entry_frame(entry).number);
    claim(bits_from_to(after.bits, 59, 63) == bits_from_to(entry.bits, 59, 63));
    claim(paging_entry_is_present(after) == paging_entry_is_present(entry));
}

THEOREM("count: the bits of the count are nobody else's")
{
    claim((PAGING_COUNT_MASK & (PAGING_FRAME_MASK | PAGING_TABLE_FLAGS | PAGING_TABLE_CHECK | PAGING_OWNED_BELOW)) == 0);
    claim(others({PAGING_COUNT_MASK}) == 0);
    claim((PAGING_COUNT_MASK & bits_from_to(~(uint64_t)0, 0, 8)) == 0);
}

THEOREM("count: an entry that points to a table has its frame, its count and the flags of all of them")
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

THEOREM("count: a step up that says it went well adds one, and changes nothing but the count")
{
    paging_entry_t before = any_table_entry(), after = before;
    assume(entry_count(before) < 512);
    if (count_steps_up(&after)) {
        claim(entry_count(after) == entry_count(before) + 1);
        claim(others(after) == others(before));
    }
}
THEOREM("count: a step up refuses just where a carry leaves the low seven bits")
{
    paging_entry_t before = any_table_entry(), after = before;
    claim(count_steps_up(&after) == (entry_count(before) % 128 != 0));
}
FALLACY("count: every step up of a table that is not full goes well")
{
    paging_entry_t entry = any_table_entry();
    assume(entry_count(entry) < 512);
    claim(count_steps_up(&entry));
}

THEOREM("count: a step down that says it went well takes one, and changes nothing but the count")
{
    paging_entry_t before = any_table_entry(), after = before;
    if (count_steps_down(&after)) {
        claim(entry_count(before) > 1);
        claim(entry_count(after) == entry_count(before) - 1);
        claim(others(after) == others(before));
    }
}
THEOREM("count: a step down refuses just where it would borrow, the table's last entry among them")
{
    paging_entry_t before = any_table_entry(), after = before;
    claim(count_steps_down(&after) == (entry_count(before) % 128 != 1));
}
FALLACY("count: a step down goes well for the last entry of a table")
{
    paging_entry_t entry = any_table_entry();
    assume(entry_count(entry) == 1);
    claim(count_steps_down(&entry));
}

THEOREM("count: up and down again is where it began")
{
    paging_entry_t before = any_table_entry(), after = before;
    assume(count_steps_up(&after));
    claim(count_steps_down(&after));
    claim(after.bits == before.bits);
}
