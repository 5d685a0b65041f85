/*
 * rules.cpp - what the processor and the core accept: reserved bits, flags, reserved slots, counts.
 *
 * The rules are written down here as the manual has them (SDM 3A, 4.5, tables 4-15 to 4-20), for every
 * MAXPHYADDR from 13 to 52 bits, with and without no-execute and 1 GiB pages; derive() in space.c makes masks
 * of them, and the operations believe the masks.
 */
#include "core.h"

#include "space.c"

static inline paging_entry_t machine_load(uint64_t)
{
    return {0};
}
static inline void machine_store(uint64_t, uint64_t)
{
}
static inline void machine_flush(uint64_t)
{
}

/* A space for any processor. */
static struct paging_space any_space()
{
    struct paging_space space = {};
    space.cpu.levels = one_of(4, 5);
    space.cpu.physical_bits = anything32("MAXPHYADDR");
    space.cpu.has_no_execute = one_of(0, 1) == 1;
    space.cpu.has_1g_pages = one_of(0, 1) == 1;
    assume_slots();
    assume(cpu_is_sane(space.cpu));
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

/* Would the processor fault with "reserved bit" on this entry of a table of this level? */
static bool is_refused(const struct paging_space &space, paging_entry_t entry, unsigned level)
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

THEOREM("processor: MAXPHYADDR of 13 to 52 bits is accepted, and 4 and 5 levels")
{
    struct paging_cpu cpu = {};
    cpu.levels = anything32("levels");
    cpu.physical_bits = anything32("MAXPHYADDR");
    bool sane = (cpu.levels == 4 || cpu.levels == 5) && cpu.physical_bits >= 13 && cpu.physical_bits <= 52;
    claim(cpu_is_sane(cpu) == sane);
}

THEOREM("malformed: just the entries that the processor refuses")
{
    struct paging_space space = any_space();
    unsigned level = any_level(space);
    claim(entry_is_malformed(&space, any_entry(), level) == is_refused(space, any_entry(), level));
}

THEOREM("malformed: nothing that the core makes is, table or leaf")
{
    struct paging_space space = any_space();
    unsigned level = one_of(1, 2, 3);
    assume(level < 3 || space.cpu.has_1g_pages);
    paging_frame_t frame = {anything("frame")};
    uint64_t flags = anything("flags");
    assume(frame.number < space.frame_limit);
    assume(frame.number % paging_level_pages(level) == 0);
    assume(check_flags(&space, flags, one_of(0, 1) == 1) == PAGING_OK);
    claim(!is_refused(space, paging_entry_leaf(level, frame, flags), level));
    claim(!is_refused(space, paging_entry_leaf(level, frame, flags | PAGING_OWNED), level));
    claim(!is_refused(space, entry_to_table(frame, 512), level + 1));
    claim(!is_refused(space, paging_entry_make(frame, reserved_slot_flags(&space)), space.cpu.levels));
}

THEOREM("express: every entry to a table that the core makes passes the one comparison")
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

THEOREM("express: what passes is one that the core makes, but for bits that mean nothing there")
{
    struct paging_space space = any_space();
    paging_entry_t entry = any_entry();
    assume(entry_is_plain_table(&space, entry));
    uint64_t meaningless = PAGING_GLOBAL | PAGING_SYSTEM_11 | (uint64_t)15 << 59;
    claim(paging_entry_frame(entry).number < space.frame_limit);
    claim((entry.bits & ~meaningless) == entry_to_table(paging_entry_frame(entry), entry_count(entry)).bits);
}

THEOREM("express: what passes points to a table, at every level, and the processor walks through it")
{
    struct paging_space space = any_space();
    unsigned level = any_level(space);
    assume(level > 1);
    assume(entry_is_plain_table(&space, any_entry()));
    claim(paging_entry_is_table(any_entry(), level));
    claim(!is_refused(space, any_entry(), level));
    claim((any_entry().bits & (PAGING_WRITABLE | PAGING_USER)) == (PAGING_WRITABLE | PAGING_USER));
    claim((any_entry().bits & PAGING_NO_EXECUTE) == 0);
}
FALLACY("express: whatever points to a table passes")
{
    struct paging_space space = any_space();
    assume(paging_entry_is_table(any_entry(), 2));
    assume(!entry_is_malformed(&space, any_entry(), 2));
    claim(entry_is_plain_table(&space, any_entry()));
}

THEOREM("express: neither a huge leaf nor a reserved slot's entry passes, nor one that is not present")
{
    struct paging_space space = any_space();
    paging_frame_t frame = {anything("frame")};
    claim(!entry_is_plain_table(&space, paging_entry_leaf(one_of(2, 3), frame, anything("flags"))));
    claim(!entry_is_plain_table(&space, paging_entry_make(frame, reserved_slot_flags(&space))));
    claim(!entry_is_plain_table(&space, {anything("bits") & ~PAGING_PRESENT}));
}

THEOREM("express: the entry of a 4 KiB page passes just if it is present and the processor takes it")
{
    struct paging_space space = any_space();
    paging_entry_t entry = any_entry();
    bool passes = ((entry.bits ^ PAGING_PRESENT) & space.leaf_check) == 0; /* fast_is_page */
    claim(passes == (paging_entry_is_present(entry) && !is_refused(space, entry, 1)));
}

THEOREM(
    "flags: accepted are those of a leaf; global in the upper half, no-execute where there is such a thing")
{
    struct paging_space space = any_space();
    uint64_t flags = anything("flags");
    bool upper = one_of(0, 1) == 1;
    bool good = bits_from_to(flags, 7, 7) == 0 && bits_from_to(flags, 12, 62) == 0 &&
                (upper || bits_from_to(flags, 8, 8) == 0);
    bool lacks = bits_from_to(flags, 63, 63) == 1 && !space.cpu.has_no_execute;
    enum paging_status status = check_flags(&space, flags, upper);
    claim(status == (!good ? PAGING_BAD_FLAGS : lacks ? PAGING_NOT_SUPPORTED : PAGING_OK));
}

THEOREM(
    "slots: a reserved slot's entry is never user's nor global, and executable only where nothing else can be")
{
    struct paging_space space = any_space();
    paging_entry_t entry = paging_entry_make({anything("frame")}, reserved_slot_flags(&space));
    claim(bits_from_to(entry.bits, 0, 8) == 0x63); /* present, writable, accessed, dirty */
    claim(bits_from_to(entry.bits, 63, 63) == (space.cpu.has_no_execute ? 1 : 0));
}

THEOREM("slots: a page is kept just if its address has a reserved slot's index at the top")
{
    struct paging_space space = any_space();
    uint64_t address = anything("address");
    paging_page_t page;
    assume(paging_page_containing(space.cpu.levels, {address}, &page) == PAGING_OK);
    uint64_t top = space.cpu.levels == 4 ? bits_from_to(address, 39, 47) : bits_from_to(address, 48, 56);
    claim(page_is_reserved(&space, page) ==
          (top == PAGING_RECURSIVE_SLOT || top == PAGING_ALTERNATE_SLOT || top == PAGING_SCRATCH_SLOT));
    claim(in_upper_half(&space, page) == (address >> 63 == 1));
}

THEOREM("shared: what spaces share is changed through the live one only, what they do not share through any")
{
    struct paging_space space = any_space(), lender = {};
    space.shared_owner = one_of(0, 1) == 1 ? &lender : nullptr;
    space.sharers = one_of(0, 1);
    space.mode = (enum paging_mode)one_of(PAGING_MODE_DIRECT, PAGING_MODE_RECURSIVE, PAGING_MODE_ALTERNATE,
                                            PAGING_MODE_UNREACHABLE);
    paging_page_t page = {anything("page")};
    bool shares = (space.shared_owner != nullptr || space.sharers == 1) && in_upper_half(&space, page);
    enum paging_status status = check_reach(&space, page);
    if (space.mode == PAGING_MODE_UNREACHABLE)
        claim(status == PAGING_UNREACHABLE);
    else
        claim((status == PAGING_SHARED) == (shares && space.mode != PAGING_MODE_RECURSIVE));
    claim(status != PAGING_OK ||
          check_page(&space, page) == (page_is_reserved(&space, page) ? PAGING_RESERVED_SLOT : PAGING_OK));
}

/* ---- counts, as the operations change them ---- */

THEOREM("count: so many more or fewer, and not another bit; what is owned below is remembered above the P1s")
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

THEOREM("count: of a table that spaces share it never changes")
{
    struct paging_space space = any_space();
    paging_entry_t before = any_entry(), slot = before;
    assume(entry_is_shared(&space, space.cpu.levels, before));
    change_entry_count(&space, space.cpu.levels, &slot, one_of(0, 1) == 1 ? 1 : -1, anything("flags"));
    claim(slot.bits == before.bits);
}

/* ---- where the tables are reached ---- */

THEOREM("reach: the windows of a live space, and of one in the alternate slot, begin where window.h has them")
{
    struct paging_space space = any_space();
    bool foreign = one_of(0, 1) == 1;
    paging_set_mode(&space, foreign ? PAGING_MODE_ALTERNATE : PAGING_MODE_RECURSIVE);
    for (unsigned level = 1; level <= space.cpu.levels; level++)
        claim(space.windows[level] == (foreign ? paging_alternate_window_base(space.cpu.levels, level)
                                               : paging_window_base(space.cpu.levels, PAGING_RECURSIVE_SLOT, level))
                                          .value);
}

THEOREM("reach: an entry is at the window address of its page, or in its frame, at its index")
{
    struct paging_space space = any_space();
    unsigned level = any_level(space);
    paging_page_t page = {anything("page")};
    paging_frame_t table = {anything("table")};
    paging_set_mode(&space, PAGING_MODE_RECURSIVE);
    uint64_t address = uint64_t::of(proof::of_pointer(entry_slot(&space, level, page, table)));
    claim(address == paging_window_entry(space.cpu.levels, PAGING_RECURSIVE_SLOT, level, page).value);
    paging_set_mode(&space, PAGING_MODE_DIRECT);
    space.offset = anything("offset");
    address = uint64_t::of(proof::of_pointer(entry_slot(&space, level, page, table)));
    claim(address == space.offset + table.number * 4096 + paging_page_index(page, level) * 8);
}

THEOREM("scratch: its page and its entry are the two views of one place below the scratch slot")
{
    struct paging_space space = any_space();
    paging_page_t page;
    uint64_t address = uint64_t::of(proof::of_pointer(space.scratch));
    claim(paging_page_containing(space.cpu.levels, {address}, &page) == PAGING_OK);
    claim(page_is_reserved(&space, page) && paging_page_index(page, space.cpu.levels) == PAGING_SCRATCH_SLOT);
    claim(paging_window_entry(space.cpu.levels, PAGING_RECURSIVE_SLOT, 1, page).value ==
          uint64_t::of(proof::of_pointer(space.scratch_entry)));
}
