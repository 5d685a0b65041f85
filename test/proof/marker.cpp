/* SPDX-License-Identifier: MIT */
/*
 * marker.cpp - entries that are not present: markers, and detached entries.
 *
 * A processor with the flaw L1TF reads ahead from the address in bits 12 to 51 of an entry without PRESENT.
 * In all that the core makes bits 35 to 51 are ones: an address in the last 32 GiB of 4 PiB.
 */
#include "core.h"

static uint64_t any_value()
{
    uint64_t value = anything("value");
    assume(value < (uint64_t)1 << 43);
    return value;
}

static paging_frame_t any_frame()
{
    paging_frame_t frame = {anything("frame")};
    assume(frame.number < (uint64_t)1 << 40);
    return frame;
}

/* Returns whether the entry is not present, names no frame there may be, and leaves bits 59 and 60 free. */
static bool is_safe(paging_entry_t entry)
{
    return bits_from_to(entry.bits, 0, 0) == 0 && bits_from_to(entry.bits, 35, 51) == 0x1ffff &&
           bits_from_to(entry.bits, 59, 60) == 0;
}

THEOREM("marker: values have 43 bits")
{
    claim(PAGING_MARKER_LIMIT == ((uint64_t)1 << 43) - 1);
}

THEOREM("marker: every value is read as it was stored")
{
    uint64_t value = any_value();
    claim(paging_marker_value(paging_marker_entry(value)) == value);
}
FALLACY("marker: a value of 44 bits is read as it was stored")
{
    uint64_t value = anything("value");
    assume(value < (uint64_t)1 << 44);
    claim(paging_marker_value(paging_marker_entry(value)) == value);
}

THEOREM("marker: none names a frame that there may be, none has a lock's bits or is detached, none is unused")
{
    paging_entry_t entry = paging_marker_entry(anything("value"));
    claim(is_safe(entry));
    claim(!paging_entry_is_unused(entry));
    claim(!entry_is_detached(entry));
}

THEOREM("marker: of any entry, whoever has made it, the value has 43 bits")
{
    claim(paging_marker_value({anything("entry")}) < (uint64_t)1 << 43);
}

THEOREM("detached: an entry of any level that points to a table names it afterwards, and owned pages below")
{
    unsigned level = one_of(2, 3, 4, 5);
    paging_frame_t table = any_frame();
    bool owned = one_of(0, 1) == 1;
    unsigned count = anything32("count");
    assume(count >= 1 && count <= 512);
    paging_entry_t entry = entry_to_table(table, count);
    entry.bits |= owned ? (uint64_t)1 << 11 : 0;
    paging_entry_t detached = entry_to_detached(level, entry);
    claim(is_safe(detached));
    claim(entry_is_detached(detached));
    paging_entry_t again = entry_from_detached(detached);
    claim(paging_entry_is_table(again, level));
    claim(paging_entry_frame(again).number == table.number);
    claim(bits_from_to(again.bits, 11, 11) == (owned ? 1 : 0));
}

THEOREM("detached: a page of any size names its frames and whether it is owned, whatever its flags")
{
    unsigned level = one_of(1, 2, 3);
    paging_frame_t frame = any_frame();
    assume(frame.number % paging_level_pages(level) == 0);
    bool owned = one_of(0, 1) == 1;
    uint64_t flags = anything("flags") & ~PAGING_OWNED;
    paging_entry_t leaf = paging_entry_leaf(level, frame, flags | (owned ? PAGING_OWNED : 0));
    paging_entry_t detached = entry_to_detached(level, leaf);
    claim(is_safe(detached));
    claim(entry_is_detached(detached));
    paging_entry_t again = entry_from_detached(detached);
    claim(paging_entry_is_present(again) && !paging_entry_is_table(again, level));
    claim(paging_leaf_frame(again, level).number == frame.number);
    claim(((again.bits & PAGING_OWNED) != 0) == owned);
}
FALLACY("detached: the count of a table is kept")
{
    unsigned count = anything32("count");
    assume(count >= 1 && count <= 512);
    paging_entry_t detached = entry_to_detached(2, entry_to_table(any_frame(), count));
    claim(entry_count(entry_from_detached(detached)) == count);
}

THEOREM("detached: only an entry that is safe counts as one, and any names something present")
{
    paging_entry_t entry = {anything("entry")};
    if (entry_is_detached(entry))
        claim(is_safe(entry) && bits_from_to(entry.bits, 63, 63) == 1);
    claim(paging_entry_is_present(entry_from_detached(entry)));
}
