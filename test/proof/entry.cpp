/* SPDX-License-Identifier: MIT */
/*
 * entry.cpp - every bit of an entry is where SDM 3A, tables 4-15 to 4-20, has it.
 *
 * The numbers here come from the manual, not from entry.h.
 */
#include "core.h"

static bool is_a_bit(uint64_t flag, int place)
{
    return flag == (uint64_t)1 << place;
}

THEOREM("entry: each flag is the bit to which the manual gives this meaning")
{
    claim(is_a_bit(PAGING_PRESENT, 0) && is_a_bit(PAGING_WRITABLE, 1) && is_a_bit(PAGING_USER, 2));
    claim(is_a_bit(PAGING_WRITE_THROUGH, 3) && is_a_bit(PAGING_NO_CACHE, 4) && is_a_bit(PAGING_ACCESSED, 5));
    claim(is_a_bit(PAGING_DIRTY, 6) && is_a_bit(PAGING_HUGE, 7) && is_a_bit(PAGING_GLOBAL, 8));
    claim(is_a_bit(PAGING_NO_EXECUTE, 63));
}

THEOREM("entry: a frame of 40 bits and the flags are read as they were stored")
{
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags");
    assume(frame.number < (uint64_t)1 << 40);
    assume(bits_from_to(flags, 12, 51) == 0);
    paging_entry_t entry = paging_entry_make(frame, flags);
    claim(paging_entry_frame(entry).number == frame.number);
    claim(paging_entry_flags(entry) == flags);
}
FALLACY("entry: a frame of 41 bits is read as it was stored")
{
    paging_frame_t frame = {anything("frame")};
    assume(frame.number < (uint64_t)1 << 41);
    claim(paging_entry_frame(paging_entry_make(frame, 0)).number == frame.number);
}

THEOREM("entry: the frame never changes a bit of the flags, and the flags never one of the frame")
{
    paging_frame_t frame = {anything("frame")}, other = {anything("other frame")};
    uint64_t flags = anything("flags"), other_flags = anything("other flags");
    uint64_t entry = paging_entry_make(frame, flags).bits;
    claim(bits_from_to(entry, 12, 51) == bits_from_to(paging_entry_make(frame, other_flags).bits, 12, 51));
    claim(bits_from_to(entry, 0, 11) == bits_from_to(paging_entry_make(other, flags).bits, 0, 11));
    claim(bits_from_to(entry, 52, 63) == bits_from_to(paging_entry_make(other, flags).bits, 52, 63));
}

THEOREM("entry: every word consists of a frame and flags, and nothing else")
{
    paging_entry_t entry = {anything("entry")};
    claim(paging_entry_make(paging_entry_frame(entry), paging_entry_flags(entry)).bits == entry.bits);
    claim(paging_entry_frame(entry).number == bits_from_to(entry.bits, 12, 51));
    claim((paging_entry_flags(entry) & ~bits_from_to(~(uint64_t)0, 0, 11)) >> 52 ==
          bits_from_to(entry.bits, 52, 63));
}

THEOREM("entry: it is unused exactly if it is zero, and present exactly if bit 0 is set")
{
    paging_entry_t entry = {anything("entry")};
    claim(paging_entry_is_unused(entry) == (entry.bits == 0));
    claim(paging_entry_is_present(entry) == (entry.bits % 2 == 1));
}

THEOREM("leaf: it is present, huge above the P1s, and has the frame and the flags as given")
{
    unsigned level = one_of(1, 2, 3);
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags");
    assume(frame.number < (uint64_t)1 << 40);
    assume(frame.number % paging_level_pages(level) == 0);
    assume((flags & ~PAGING_LEAF_FLAGS) == 0);
    paging_entry_t leaf = paging_entry_leaf(level, frame, flags);
    claim(paging_entry_is_present(leaf));
    claim(!paging_entry_is_table(leaf, level));
    claim(bits_from_to(leaf.bits, 7, 7) == (level > 1 ? (uint64_t)1 : bits_from_to(flags, 7, 7)));
    claim(paging_leaf_frame(leaf, level).number == frame.number);
    claim(paging_leaf_flags(leaf, level) == (flags | PAGING_PRESENT));
    claim(bits_from_to(leaf.bits, 59, 63) == bits_from_to(flags, 59, 63));
    claim((leaf.bits & 0xf7e) == (flags & 0xf7e));
}

THEOREM("leaf: of any leaf, flags and frame are read so that they make the same leaf")
{
    unsigned level = one_of(1, 2, 3);
    paging_entry_t leaf = {anything("leaf")};
    assume(bits_from_to(leaf.bits, 0, 0) == 1);
    assume(level == 1 || bits_from_to(leaf.bits, 7, 7) == 1);
    assume(level == 1 || bits_from_to(leaf.bits, 13, level == 2 ? 20 : 29) == 0);
    paging_entry_t again =
        paging_entry_leaf(level, paging_leaf_frame(leaf, level), paging_leaf_flags(leaf, level));
    claim(again.bits == leaf.bits);
}

THEOREM("leaf: flags are the same in leaves of every size, so that a split and a merge keep them")
{
    unsigned level = one_of(2, 3);
    uint64_t flags = anything("flags");
    assume((flags & ~PAGING_LEAF_FLAGS) == 0);
    paging_frame_t frame = {anything("frame")};
    assume(frame.number < (uint64_t)1 << 40);
    assume(frame.number % paging_level_pages(level) == 0);
    paging_entry_t huge = paging_entry_leaf(level, frame, flags);
    paging_entry_t part = paging_entry_leaf(level - 1, frame, paging_leaf_flags(huge, level));
    claim(paging_leaf_flags(part, level - 1) == paging_leaf_flags(huge, level));
    claim(paging_flags_in_leaf(level, flags) ==
          (huge.bits & ~(frame.number << 12) & ~(uint64_t)0x81) + (flags & 1));
}

THEOREM("leaf: a caller's flags include neither a frame nor a bit of the core's")
{
    uint64_t flags = anything("flags");
    assume((flags & ~PAGING_LEAF_FLAGS) == 0);
    claim(bits_from_to(flags, 12, 58) == 0);
}

THEOREM("leaf: kinds of caching are entries 0 to 7 of the PAT: PWT, PCD and PAT, bit 7 or 12")
{
    const uint64_t kinds[] = {PAGING_CACHE_WRITE_BACK,     PAGING_CACHE_WRITE_THROUGH,
                              PAGING_CACHE_UNCACHED_MINUS, PAGING_CACHE_WRITE_COMBINING,
                              PAGING_CACHE_ENTRY(4),       PAGING_CACHE_ENTRY(5),
                              PAGING_CACHE_ENTRY(6),       PAGING_CACHE_UNCACHED};
    unsigned level = one_of(1, 2, 3);
    paging_frame_t frame = {anything("frame")};
    assume(frame.number < (uint64_t)1 << 40);
    assume(frame.number % paging_level_pages(level) == 0);
    unsigned index = 0;
    for (uint64_t kind : kinds) {
        paging_entry_t leaf = paging_entry_leaf(level, frame, kind);
        uint64_t pat = level == 1 ? bits_from_to(leaf.bits, 7, 7) : bits_from_to(leaf.bits, 12, 12);
        claim(pat * 4 + bits_from_to(leaf.bits, 3, 4) == index++);
    }
}

THEOREM("leaf: PAT of a huge leaf is not part of its frame, and bit 7 of a leaf in a P1 is not a page size")
{
    unsigned level = one_of(2, 3);
    paging_entry_t leaf = {anything("leaf")};
    paging_entry_t with_pat = {leaf.bits ^ (uint64_t)1 << 12};
    claim(paging_leaf_frame(leaf, level).number == paging_leaf_frame(with_pat, level).number);
    claim(paging_leaf_frame(leaf, level).number == bits_from_to(leaf.bits, 12 + 9 * (level == 2 ? 1 : 2), 51)
                                                       << 9 * (level == 2 ? 1 : 2));
    claim(!paging_entry_is_table(leaf, 1));
    claim(paging_leaf_frame(leaf, 1).number == bits_from_to(leaf.bits, 12, 51));
}

THEOREM("entry: it points to a table exactly if it is above the P1s, present, and not huge")
{
    unsigned level = one_of(1, 2, 3);
    paging_entry_t entry = {anything("entry")};
    bool present = bits_from_to(entry.bits, 0, 0) == 1, huge = bits_from_to(entry.bits, 7, 7) == 1;
    claim(paging_entry_is_table(entry, level) == (level != 1 && present && !huge));
}
