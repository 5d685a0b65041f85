/* SPDX-License-Identifier: MIT */
/*
 * rules.cpp - what the processor and the core accept: reserved bits, flags, reserved root slots, counts.
 *
 * The rules are written down here as the manual has them (SDM 3A, 4.5, tables 4-15 to 4-20), for every
 * MAXPHYADDR from 13 to 52 bits, with and without no-execute and 1 GiB pages. derive() in space.c turns them
 * into masks, and the operations use only the masks.
 */
#include "core.h"

#include "space.c"

/* A space on any processor, with any slots. */
static struct paging_space any_space()
{
    struct paging_space space = {};
    space.cpu.levels = one_of(4, 5);
    space.cpu.physical_bits = anything32("MAXPHYADDR");
    space.cpu.has_no_execute = one_of(0, 1) == 1;
    space.cpu.has_1g_pages = one_of(0, 1) == 1;
    assume_slots();
    assume(cpu_is_valid(space.cpu));
    derive(&space);
    return space;
}

static paging_entry_t any_entry()
{
    return {anything("entry")};
}

static unsigned any_level(const struct paging_space &space)
{
    unsigned level = one_of(1, 2, 3, 4, 5);
    assume(level <= space.cpu.levels);
    return level;
}

/* Returns whether the processor faults with "reserved bit" on this entry of a table of this level. */
static bool has_reserved_bit(const struct paging_space &space, paging_entry_t entry, unsigned level)
{
    uint64_t bits = entry.bits;
    if (bits % 2 == 0)
        return false;
    if ((bits & ~bits_from_to(~(uint64_t)0, 0, 11)) << 12 >> 12 >> space.cpu.physical_bits != 0)
        return true;
    if (bits >> 63 == 1 && !space.cpu.has_no_execute)
        return true;
    if (level == 1 || bits_from_to(bits, 7, 7) == 0)
        return false;
    if (level > 3 || (level == 3 && !space.cpu.has_1g_pages))
        return true;
    return level == 3 ? bits_from_to(bits, 13, 29) != 0 : bits_from_to(bits, 13, 20) != 0;
}

THEOREM("processor: the core accepts 4 and 5 levels, and MAXPHYADDR of 13 to 52 bits")
{
    struct paging_cpu cpu = {};
    cpu.levels = anything32("levels");
    cpu.physical_bits = anything32("MAXPHYADDR");
    bool valid = (cpu.levels == 4 || cpu.levels == 5) && cpu.physical_bits >= 13 && cpu.physical_bits <= 52;
    claim(cpu_is_valid(cpu) == valid);
}

THEOREM("malformed: exactly the entries that the processor refuses for a reserved bit")
{
    struct paging_space space = any_space();
    unsigned level = any_level(space);
    claim(entry_is_malformed(&space, any_entry(), level) == has_reserved_bit(space, any_entry(), level));
}

THEOREM("malformed: no entry that the core makes, whether it points to a table or is a leaf")
{
    struct paging_space space = any_space();
    unsigned level = one_of(1, 2, 3);
    assume(level < 3 || space.cpu.has_1g_pages);
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags");
    assume(frame.number < space.frame_limit);
    assume(frame.number % paging_level_pages(level) == 0);
    assume(check_flags(&space, flags, one_of(0, 1) == 1) == PAGING_OK);
    claim(!has_reserved_bit(space, paging_entry_leaf(level, frame, flags), level));
    claim(!has_reserved_bit(space, paging_entry_leaf(level, frame, flags | PAGING_OWNED), level));
    claim(!has_reserved_bit(space, entry_to_table(frame, 512), level + 1));
    claim(!has_reserved_bit(space, paging_entry_make(frame, reserved_slot_flags(&space)), space.cpu.levels));
}

THEOREM("fast path: it accepts every entry that the core makes to point to a table")
{
    struct paging_space space = any_space();
    paging_frame_t frame = {anything("frame")};
    unsigned count = anything32("count");
    assume(frame.number < space.frame_limit);
    paging_entry_t entry = entry_to_table(frame, count);
    claim(entry_is_plain_table(&space, entry));
    claim(entry_is_plain_table(&space, {entry.bits | PAGING_OWNED_BELOW}));
    claim(entry_is_plain_table(&space, {entry.bits | PAGING_SHARED_TABLE}));
}

THEOREM("fast path: an entry that it accepts is as the core makes it, except for meaningless bits")
{
    struct paging_space space = any_space();
    paging_entry_t entry = any_entry();
    assume(entry_is_plain_table(&space, entry));
    uint64_t meaningless = PAGING_GLOBAL | PAGING_SYSTEM_11 | (uint64_t)15 << 59;
    claim(paging_entry_frame(entry).number < space.frame_limit);
    claim((entry.bits & ~meaningless) == entry_to_table(paging_entry_frame(entry), entry_count(entry)).bits);
}

THEOREM("fast path: an entry that it accepts points to a table at every level, and restricts no rights")
{
    struct paging_space space = any_space();
    unsigned level = any_level(space);
    assume(level > 1);
    assume(entry_is_plain_table(&space, any_entry()));
    claim(paging_entry_is_table(any_entry(), level));
    claim(!has_reserved_bit(space, any_entry(), level));
    claim((any_entry().bits & (PAGING_WRITABLE | PAGING_USER)) == (PAGING_WRITABLE | PAGING_USER));
    claim((any_entry().bits & PAGING_NO_EXECUTE) == 0);
}
FALLACY("fast path: it accepts every entry that points to a table")
{
    struct paging_space space = any_space();
    assume(paging_entry_is_table(any_entry(), 2));
    assume(!entry_is_malformed(&space, any_entry(), 2));
    claim(entry_is_plain_table(&space, any_entry()));
}

THEOREM("fast path: it accepts no huge leaf, no entry of a reserved root slot, and none that is not present")
{
    struct paging_space space = any_space();
    paging_frame_t frame = {anything("frame")};
    claim(!entry_is_plain_table(&space, paging_entry_leaf(one_of(2, 3), frame, anything("flags"))));
    claim(!entry_is_plain_table(&space, paging_entry_make(frame, reserved_slot_flags(&space))));
    claim(!entry_is_plain_table(&space, {anything("bits") & ~PAGING_PRESENT}));
}

THEOREM("fast path: it accepts the entry of a 4 KiB page exactly if that is present and has no reserved bit")
{
    struct paging_space space = any_space();
    paging_entry_t entry = any_entry();
    struct fast_walk_result found = {};
    found.entry = entry;
    claim(fast_is_page(&space, &found) ==
          (paging_entry_is_present(entry) && !has_reserved_bit(space, entry, 1)));
}

THEOREM("flags: those of a leaf, GLOBAL only in the upper half, NO_EXECUTE only if the processor has it")
{
    struct paging_space space = any_space();
    uint64_t flags = anything("flags");
    bool upper = one_of(0, 1) == 1;
    bool good = bits_from_to(flags, 12, 58) == 0 && (upper || bits_from_to(flags, 8, 8) == 0);
    bool lacks = bits_from_to(flags, 63, 63) == 1 && !space.cpu.has_no_execute;
    enum paging_status status = check_flags(&space, flags, upper);
    claim(status == (!good ? PAGING_BAD_FLAGS : lacks ? PAGING_NOT_SUPPORTED : PAGING_OK));
}

THEOREM("slots: the entry of a reserved root slot is never user or global, and no-execute if that exists")
{
    struct paging_space space = any_space();
    paging_entry_t entry = paging_entry_make({anything("frame")}, reserved_slot_flags(&space));
    claim(bits_from_to(entry.bits, 0, 8) == 0x63); /* present, writable, accessed, dirty */
    claim(bits_from_to(entry.bits, 63, 63) == (space.cpu.has_no_execute ? 1 : 0));
}

THEOREM("slots: a page is reserved exactly if its address has the index of one, and never by direct map")
{
    struct paging_space space = any_space();
    space.by_direct_map = one_of(0, 1) == 1;
    uint64_t address = anything("address");
    paging_page_t page;
    assume(paging_page_containing(space.cpu.levels, {address}, &page) == PAGING_OK);
    uint64_t top = space.cpu.levels == 4 ? bits_from_to(address, 39, 47) : bits_from_to(address, 48, 56);
    bool is_slot =
        top == PAGING_RECURSIVE_SLOT || top == PAGING_ALTERNATE_SLOT || top == PAGING_SCRATCH_SLOT;
    claim(page_is_reserved(&space, page) == (is_slot && !space.by_direct_map));
    claim(in_upper_half(&space, page) == (address >> 63 == 1));
}

/* ---- used-entry counts, as the operations change them ---- */

THEOREM("count: the change is added; no other bit changes, except that a P2 entry notes owned pages")
{
    struct paging_space space = any_space();
    unsigned level = one_of(2, 3);
    int change = (int)one_of(1, 2, 64, 511);
    change = one_of(0, 1) == 1 ? change : -change;
    uint64_t flags = anything("flags");
    paging_entry_t before = any_entry(), slot = before;
    unsigned count = entry_count(before), after = count + unsigned(change);
    assume(entry_is_plain_table(&space, before));
    assume(bits_from_to(before.bits, 59, 62) == 0);
    assume(after >= 1 && after <= 512);
    change_entry_count(&space, level, &slot, change, flags);
    bool owned = level == 2 && bits_from_to(flags, 52, 52) == 1;
    claim(entry_count(slot) == after);
    claim((slot.bits & ~PAGING_COUNT_MASK) ==
          ((before.bits & ~PAGING_COUNT_MASK) | (owned ? (uint64_t)1 << 11 : uint64_t(0))));
}

THEOREM("count: that of a shared table never changes")
{
    struct paging_space space = any_space();
    paging_entry_t before = any_entry(), slot = before;
    assume(entry_is_shared(&space, space.cpu.levels, before));
    change_entry_count(&space, space.cpu.levels, &slot, one_of(0, 1) == 1 ? 1 : -1, anything("flags"));
    claim(slot.bits == before.bits);
}
