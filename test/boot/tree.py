# SPDX-License-Identifier: MIT
"""tree.py - checks that the tables in a machine's memory keep the promises of the core.

`tables.py` reads entries as the processor does. Here is what the core promises beyond that (entry.h and
space.h in paging/include/selfmap): which bits its own entries have, that they count, and that tables and
owned frames have one owner each.
"""

import tables
from tables import ACCESSED, DIRTY, GLOBAL, NO_EXECUTE, PAGE, PRESENT, REFUSED, TABLE, USER, WRITABLE

SELF, ALTERNATE, SCRATCH = 511, 510, 509  # the reserved root slots
OURS = range(SCRATCH)
UPPER = 256  # the first slot of the upper half
TABLE_FLAGS = PRESENT | WRITABLE | USER | ACCESSED | DIRTY
COUNT = (0x7f << 52) | (3 << 9)
BIT_11 = 1 << 11  # below the root: pages further down may be owned; in the root: shared between spaces
OWNED = 1 << 52
LEAF_UNUSED = 0x3f << 53  # bits 59 to 62 are a protection key


def reserved_slot_flags(processor):
    return PRESENT | WRITABLE | ACCESSED | DIRTY | (NO_EXECUTE if processor.no_execute else 0)


def stored_count(entry):
    return ((entry >> 52 & 0x7f) | (entry >> 9 & 3) << 7) + 1


class Tree:
    """The tables below a root, walked once."""

    def __init__(self, memory, root, processor):
        self.memory, self.root, self.processor = memory, root, processor
        self.met = list(tables.walk(memory, root, processor, OURS))
        self.root_entries = memory.table(root)

    def is_shared(self, met):
        """Does the entry stand in the root, or in a table that spaces share?"""
        slot = (met.address >> (self.processor.bits - 9)) & 511
        return bool(self.root_entries[slot] & BIT_11)

    def links_shared_table(self, met):
        """Is it the entry of the root that points to a table which spaces share?"""
        return met.level == self.processor.levels and bool(met.entry & BIT_11)

    # ---- each yields sentences about what does not hold ----

    def slots(self):
        """The reserved root slots hold the root itself, nothing, and the tables of the scratch page."""
        entries, flags = self.root_entries, reserved_slot_flags(self.processor)
        if entries[SELF] != self.root | flags:
            yield f"slot {SELF} of the root is {entries[SELF]:x}, not {self.root | flags:x}"
        if entries[ALTERNATE]:
            yield f"slot {ALTERNATE} of the root is {entries[ALTERNATE]:x}, and no space is attached"
        if entries[SCRATCH] & ~tables.ADDRESS != flags:
            yield f"slot {SCRATCH} of the root is {entries[SCRATCH]:x}: other flags than {flags:x}"
        chain = [m for m in tables.walk(self.memory, self.root, self.processor, [SCRATCH])]
        plain = [m.kind == TABLE and m.entry & ~tables.ADDRESS == TABLE_FLAGS for m in chain[1:]]
        if len(chain) != self.processor.levels - 1 or not all(plain):
            yield f"the scratch page's tables are {[f'{m.entry:x}' for m in chain]}"

    def table_entries(self):
        """What points to a table allows everything, counts what is used, and has no bit besides."""
        for m in self.met:
            if m.kind != TABLE:
                continue
            where = f"level {m.level} entry {m.entry:x} for {m.address:x}"
            allowed = BIT_11 if m.level == 2 or (self.links_shared_table(m) and m.index >= UPPER) else 0
            if m.entry & ~(tables.ADDRESS | COUNT | allowed) != TABLE_FLAGS:
                yield f"{where}: flags"
            below = self.memory.table(m.to)
            used = sum(1 for entry in below if entry)
            if not self.links_shared_table(m) and used != stored_count(m.entry):
                yield f"{where}: it counts {stored_count(m.entry)} entries, {used} are used"
            owned = any(entry & PRESENT and entry & OWNED for entry in below)
            if m.level == 2 and owned and not m.entry & BIT_11:
                yield f"{where}: pages below are owned, and it does not say so"

    def leaves(self):
        """No bit that the core uses or avoids; global only what spaces may share; no reserved bit."""
        for m in self.met:
            if m.kind == REFUSED:
                yield f"level {m.level} entry {m.entry:x} for {m.address:x}: reserved bits"
            if m.kind == PAGE and m.entry & LEAF_UNUSED:
                yield f"leaf {m.entry:x} for {m.address:x}: bits that no leaf has"
            if m.kind == PAGE and m.entry & GLOBAL and not m.address >> 63:
                yield f"leaf {m.entry:x} for {m.address:x}: global in the lower half"

    def table_frames(self, own=False):
        """The frames of all tables (own: except those that spaces share), with those of the scratch page."""
        chain = tables.walk(self.memory, self.root, self.processor, [SCRATCH])
        shared = self.is_shared if own else lambda _: False
        return [self.root] + [m.to for m in chain if m.kind == TABLE] + \
               [m.to for m in self.met if m.kind == TABLE and not shared(m)]

    def owned(self, own=False):
        """(start, end) of all that unmapping gives back."""
        return [(m.to, m.to + tables.span(m.level)) for m in self.met
                if m.kind == PAGE and m.entry & OWNED and not (own and self.is_shared(m))]


def overlaps(trees):
    """One owner each: no table is linked twice, no owned frame is a table or owned twice. What spaces share
    belongs to the first tree."""
    pieces = []
    for number, tree in enumerate(trees):
        pieces += [(frame, frame + 4096) for frame in tree.table_frames(own=number > 0)]
        pieces += tree.owned(own=number > 0)
    pieces.sort()
    for (start, end), (following, _) in zip(pieces, pieces[1:]):
        if following < end:
            yield f"the frame {following:x} belongs to two, one of them from {start:x} on"

