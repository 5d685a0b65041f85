# SPDX-License-Identifier: MIT
"""tables.py - read x86-64 page tables as the manual describes them (SDM 3A, 4.5), and lists of pages.

Nothing here knows how the application makes its tables: it is what the application is compared with. Memory
is anything with table(address), which answers the 512 entries at a physical address.
"""

import re
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

PRESENT, WRITABLE, USER, PWT, PCD, ACCESSED, DIRTY, SIZE, GLOBAL = (1 << bit for bit in range(9))
SYSTEM = 7 << 9
NO_EXECUTE = 1 << 63
PAT = SIZE  # as a flag; in the entry of a larger page it is bit 12
KEY_SHIFT = 59
KEY = 15 << KEY_SHIFT
ADDRESS = (1 << 52) - (1 << 12)
PAGING_LEAF_FLAGS = (PRESENT | WRITABLE | USER | PWT | PCD | ACCESSED | DIRTY | PAT | GLOBAL | SYSTEM | KEY |
                     NO_EXECUTE)
RIGHTS = WRITABLE | USER | NO_EXECUTE
SIZE_NAMES = {1: "4K", 2: "2M", 3: "1G"}
ENTRIES = 512

PAGE, TABLE, NOT_PRESENT, REFUSED = "page", "table", "not present", "refused"


class TablesError(Exception):
    """What was given cannot be read."""


@dataclass(frozen=True)
class Processor:
    """What decides how tables are read."""
    levels: int = 4
    physical_bits: int = 52
    no_execute: bool = True  # EFER.NXE
    gib_pages: bool = True

    @property
    def bits(self):
        """Of a virtual address that are translated."""
        return 12 + 9 * self.levels

    def canonical(self, address):
        top = 1 << (self.bits - 1)
        return (((address & (2 * top - 1)) ^ top) - top) & ((1 << 64) - 1)

    def reserved(self, entry, level):
        """The bits of this present entry that must be zero (tables 4-15 to 4-20) and are not."""
        mask = ((1 << 52) - (1 << self.physical_bits)) | (0 if self.no_execute else NO_EXECUTE)
        if level > 3 or (level == 3 and not self.gib_pages):
            mask |= SIZE
        elif level > 1 and entry & SIZE:
            mask |= span(level) - (1 << 13)  # bit 12 is PAT
        return entry & mask


class Met(NamedTuple):
    """An entry that is not zero, as a walk meets it."""
    kind: str
    level: int    # of the table that holds it, 1 for the last
    address: int  # the first it is for, canonical
    entry: int
    table: int    # physical address of the table that holds it
    index: int
    rights: int   # RIGHTS, of all levels down to here together

    @property
    def to(self):
        """Where the page or the table is."""
        if self.kind == PAGE:
            return self.entry & ADDRESS & ~(span(self.level) - 1)
        return self.entry & ADDRESS

    @property
    def flags(self):
        """Of a page, as they take effect."""
        own = self.entry & PAGING_LEAF_FLAGS & ~RIGHTS
        if self.level > 1:
            own = (own & ~PAT) | (PAT if self.entry & 1 << 12 else 0)
        return own | self.rights


def span(level):
    """Bytes that one entry of a table of this level is for."""
    return 1 << (3 + 9 * level)


def kind_of(processor, entry, level):
    if not entry & PRESENT:
        return NOT_PRESENT
    if processor.reserved(entry, level):
        return REFUSED
    return PAGE if level == 1 or entry & SIZE else TABLE


def together(rights, entry):
    """A level more: it may be written and used if all levels allow it, not executed if one forbids it."""
    return (rights & entry & (WRITABLE | USER)) | ((rights | entry) & NO_EXECUTE)


def walk(memory, root, processor, slots=range(ENTRIES)):
    """Every entry that is not zero, below these slots of the root, in the order of the addresses."""
    yield from _walk(memory, processor, root, processor.levels, 0, WRITABLE | USER, slots)


def _walk(memory, processor, table, level, first, rights, indices):
    entries = memory.table(table)
    for index in indices:
        entry = entries[index]
        if not entry:
            continue
        start = first + index * span(level)
        below = together(rights, entry)
        kind = kind_of(processor, entry, level)
        yield Met(kind, level, processor.canonical(start), entry, table, index, below)
        if kind == TABLE:
            yield from _walk(memory, processor, entry & ADDRESS, level - 1, start, below, range(ENTRIES))


def path(memory, root, processor, address):
    """The entries that a walk to this address meets, the last of which leads no further. One that is zero is
    met as well."""
    table, rights, met = root, WRITABLE | USER, []
    for level in range(processor.levels, 0, -1):
        index = address // span(level) % ENTRIES
        entry = memory.table(table)[index]
        rights = together(rights, entry)
        start = processor.canonical(address // span(level) * span(level))
        met.append(Met(kind_of(processor, entry, level), level, start, entry, table, index, rights))
        if met[-1].kind != TABLE:
            break
        table = entry & ADDRESS
    return met


class FileMemory:
    """A piece of physical memory in a file, from the address base on."""

    def __init__(self, path, base=0):
        self._path, self._base = path, base

    def table(self, address):
        with open(self._path, "rb") as file:
            if address >= self._base:
                file.seek(address - self._base)
                data = file.read(8 * ENTRIES)
                if len(data) == 8 * ENTRIES:
                    return struct.unpack(f"<{ENTRIES}Q", data)
        raise TablesError(f"the dump does not hold the table at {address:x}")


# ---- lists of pages ----

class Run(NamedTuple):
    """Neighbouring pages of one size with the same flags, whose frames follow each other."""
    start: int
    end: int  # not included; where a half ends, the address after it all the same
    level: int
    to: int
    flags: int


def joined(runs):
    """The same pages in as few runs as can be. A run never goes on in another half."""
    found = []
    for run in runs:
        last = found[-1] if found else None
        if last and (last.end, last.level, last.flags) == (run.start, run.level, run.flags) and \
                last.to + (last.end - last.start) == run.to:
            found[-1] = last._replace(end=run.end)
        else:
            found.append(run)
    return found


def rights(flags):
    letters = [("r", True), ("w", flags & WRITABLE), ("x", not flags & NO_EXECUTE),
               ("u", flags & USER), ("g", flags & GLOBAL)]
    cache = "-tcm4567"[(flags >> 3) & 3 | (4 if flags & PAT else 0)]  # entries of the PAT
    return "".join(letter if on else "-" for letter, on in letters) + cache


def amount(count):
    """Bytes, with the largest unit that fits."""
    for shift, unit in ((40, "T"), (30, "G"), (20, "M"), (10, "K")):
        if count and count % (1 << shift) == 0:
            return f"{count >> shift}{unit}"
    return str(count)


def line_of(run):
    notes = [f"-> {run.to:x}" if run.to != run.start else "identity"]
    if run.flags & SYSTEM:
        notes.append(f"system={(run.flags & SYSTEM) >> 9}")
    if run.flags & KEY:
        notes.append(f"key={(run.flags & KEY) >> KEY_SHIFT}")
    if run.flags & WRITABLE and not run.flags & NO_EXECUTE:
        notes.append("W+X")
    end = run.end & ((1 << 64) - 1)
    return (f"{run.start:016x}..{end:016x} {amount(run.end - run.start):>6}"
            f"  {SIZE_NAMES[run.level]}  {rights(run.flags)}  {' '.join(notes)}")


def runs_of(met, ignored=ACCESSED | DIRTY):
    """The pages among what a walk met."""
    return joined(Run(m.address, m.address + span(m.level), m.level, m.to, m.flags & ~ignored)
                  for m in met if m.kind == PAGE)


@dataclass
class Space:
    """What the log says about an address space (kernel/report/dump.h)."""
    name: str
    root: int
    tables: int
    runs: list = field(default_factory=list)
    markers: list = field(default_factory=list)  # (address, level, bits)


_SPACE = re.compile(r"# dump (active|second) root=([0-9a-f]+) tables=([0-9]+)")
_MAPS = re.compile(r"# maps ([0-9a-f]+) ([0-9a-f]+) (4K|2M|1G) ([0-9a-f]+) ([0-9a-f]+)")
_MARKER = re.compile(r"# marker ([0-9a-f]+) ([0-9]) ([0-9a-f]+)")
_END = re.compile(r"# dump end lines=([0-9]+)")


def read_dump(text):
    """The spaces in a log of a run with dump=yes."""
    spaces, lines = [], 0
    levels = {name: level for level, name in SIZE_NAMES.items()}
    for line in map(str.rstrip, text.split("\n")):
        if match := _SPACE.fullmatch(line):
            spaces.append(Space(match[1], int(match[2], 16), int(match[3])))
        elif spaces and (match := _MAPS.fullmatch(line)):
            start, end, to, flags = (int(match[n], 16) for n in (1, 2, 4, 5))
            spaces[-1].runs.append(Run(start, end or 1 << 64, levels[match[3]], to, flags))
            lines += 1
        elif spaces and (match := _MARKER.fullmatch(line)):
            spaces[-1].markers.append((int(match[1], 16), int(match[2]), int(match[3], 16)))
            lines += 1
        elif match := _END.fullmatch(line):
            if lines != int(match[1]):
                raise TablesError(f"the dump has {lines} lines and says that it has {match[1]}")
            return spaces
    raise TablesError("the log holds no complete dump; boot with dump=yes")
