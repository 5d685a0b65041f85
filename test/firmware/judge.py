# SPDX-License-Identifier: MIT
"""judge.py - looks into a machine that ran a case, and says what is wrong.

The shim's record (record.c) tells which memory map was presented last, which memory the loader took, and a
sum of each page that nobody may write. None of the code that is judged is used here: what is free is counted
anew, page tables are read by tools/tables.py.
"""

import re
import struct
import sys
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import snapshot

sys.path.insert(0, str(snapshot.ROOT / "test/boot"))
import oracle  # noqa: E402
import tables  # noqa: E402
import verdict  # noqa: E402

PAGE = 4096
FIRST = 256  # frames below 1 MiB are never used
LOCAL_APIC = (0xfee00, 0xfee01)
SHOWN = 3

# ---- memory map ----

FREE, RUNTIME = (3, 4, 7), (5, 6)
RUNTIME_BIT, SPECIAL_BIT = 1 << 63, 1 << 18


@dataclass(frozen=True)
class Descriptor:
    """As it was presented."""
    type: int
    start: int
    pages: int
    attributes: int

    @property
    def end(self):
        return self.start + self.pages * PAGE

    @property
    def is_usable(self):
        return self.type in FREE and not self.attributes & (RUNTIME_BIT | SPECIAL_BIT)

    @property
    def is_runtime(self):
        return self.type in RUNTIME or bool(self.attributes & RUNTIME_BIT)

    def frames(self):
        """What it covers completely if it is usable, and what it touches if not; nothing without a page."""
        if self.pages == 0:
            return 0, 0
        if self.is_usable:
            return -(-self.start // PAGE), self.end // PAGE if self.end < 1 << 64 else 0
        return self.start // PAGE, -(-self.end // PAGE)


class Frames:
    """A set of frames, as sorted runs that do not touch."""

    def __init__(self, runs=()):
        self.runs = []
        for start, end in sorted(tuple(run) for run in runs if run[0] < run[1]):
            if self.runs and start <= self.runs[-1][1]:
                self.runs[-1][1] = max(self.runs[-1][1], end)
            else:
                self.runs.append([start, end])

    def __len__(self):
        return sum(end - start for start, end in self.runs)

    def __contains__(self, frame):
        at = bisect_right(self.runs, [frame, 1 << 64]) - 1
        return at >= 0 and self.runs[at][0] <= frame < self.runs[at][1]

    def minus(self, other):
        kept = []
        for start, end in self.runs:
            for cut_start, cut_end in other.runs:
                if cut_end <= start or cut_start >= end:
                    continue
                kept.append((start, cut_start))
                start = cut_end
            kept.append((start, end))
        return Frames(kept)

    def within(self, start, end):
        return Frames((max(start, s), min(end, e)) for s, e in self.runs)


# ---- the record ----

@dataclass
class Record:
    """What the shim noted (struct record)."""
    image_base: int
    image_bytes: int
    map_reads: int
    map: list
    blocks: list  # (start, end) in bytes, of memory that the loader still had
    sums: list    # (page, sum of its words)
    start: int


class Memory:
    """Memory of a stopped machine."""

    def __init__(self, monitor, folder):
        self._monitor, self._path = monitor, folder / "memory"

    def read(self, start, count):
        self._monitor.run("pmemsave", val=start, size=count, filename=str(self._path))
        return self._path.read_bytes()


def _blocks(words):
    """The blocks that were taken and not given back: parts can be."""
    live = []
    for start, pages, _, taken in words:
        end = start + pages * PAGE
        if taken:
            live.append((start, end))
        else:
            parts = [(s, min(e, start)) for s, e in live] + [(max(s, end), e) for s, e in live]
            live = [(s, e) for s, e in parts if s < e]
    return live


def read_record(memory, address):
    """The record at this address, which the shim told."""
    head = memory.read(address, 2 * PAGE + PAGE)
    name, base, image_bytes, map_bytes, stride, reads, blocks, sums, _skipped = \
        struct.unpack_from("<8s8Q", head)
    if name != b"SHIMREC1":
        raise ValueError(f"there is no record at {address:x}: somebody wrote over it")
    words = [struct.unpack_from("<4Q", head, PAGE + 32 * n) for n in range(blocks)]
    found = Record(base, image_bytes, reads, [], _blocks(words), [], address)
    if sums:
        pairs = memory.read(address + 0x4000, 16 * sums)
        found.sums = list(struct.iter_unpack("<QQ", pairs))
    if stride and map_bytes:
        raw = memory.read(address + 0x100000, min(map_bytes, 3 << 20))
        raw += bytes(40)
        for at in range(0, map_bytes - stride + 1, stride):
            kind, start, _, pages, bits = struct.unpack_from("<I4xQQQQ", raw, at)
            found.map.append(Descriptor(kind, start, pages, bits))
    return found


# ---- what must hold ----

@dataclass
class Look:
    """Everything that was read of a machine, and what is wrong."""
    wrong: list = field(default_factory=list)
    done: list = field(default_factory=list)  # names of the checks

    def check(self, name, sentences):
        self.done.append(name)
        bad = list(sentences)
        if bad:
            more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
            self.wrong.append(f"{name}: {'; '.join(bad[:SHOWN])}{more}")


def _around(start, end):
    return (start // PAGE, -(-end // PAGE))


def own_frames(record):
    """Image and blocks of the loader's."""
    image = (record.image_base, record.image_base + record.image_bytes)
    return Frames(_around(*run) for run in [image, *record.blocks])


def screen_frames(facts):
    """What the screen takes, if it is used."""
    match = re.fullmatch(r"[0-9]+x([0-9]+) stride ([0-9]+) at ([0-9a-f]+)(?:, as there .*)?",
                         facts.get("screen", ""))
    if not match:
        return Frames()
    lines, stride, start = int(match[1]), int(match[2]), int(match[3], 16)
    return Frames([_around(start, start + lines * stride * 4)])


def usable_frames(record, facts):
    """The frames that may be handed out: usable whatever descriptor one looks at, and not ours."""
    limit = 1 << (int(facts["physical_bits"]) - 12)
    usable = Frames(d.frames() for d in record.map if d.is_usable)
    others = Frames(d.frames() for d in record.map if not d.is_usable)
    usable = usable.within(FIRST, limit).minus(others)
    return usable.minus(own_frames(record)).minus(screen_frames(facts))


def count_usable(record, facts):
    """frames_usable counts the frames that may be handed out, and the block with the page tables."""
    said, root = int(facts["frames_usable"]), int(facts["cr3"], 16)
    arena = [run for run in record.blocks if run[0] <= root < run[1]]
    if len(arena) != 1:
        yield f"the root {root:x} lies in {len(arena)} blocks of the loader's"
        return
    free = len(usable_frames(record, facts)) - int(facts.get("boot_memory_quarantined", "0"))
    tables_block = len(Frames([_around(*arena[0])]).within(FIRST, 1 << 52))
    if said != free + tables_block:
        yield f"{said} frames are said to be usable, but the map has {free}, and {tables_block} hold tables"


def runtime_frames(record):
    """What runtime services need. What is the loader's they do not need, whatever the map says."""
    return Frames(d.frames() for d in record.map if d.is_runtime).minus(own_frames(record))


def runtime_is_mapped(record, leaves, facts):
    """Each frame that runtime services need leads to itself."""
    limit = 1 << (int(facts["physical_bits"]) - 12)
    mapped = Frames((m.address // PAGE, (m.address + tables.span(m.level)) // PAGE)
                    for m in leaves if m.to == m.address)
    for start, end in runtime_frames(record).within(0, limit).minus(mapped).runs:
        yield f"{start * PAGE:x}..{end * PAGE:x} is a runtime region and is not mapped"


def nothing_else_is_mapped(record, leaves, facts, runtime=True):
    """What leads to itself is ours, the screen, the local APIC; in the runtime space, a runtime region."""
    allowed = Frames([*own_frames(record).runs, *screen_frames(facts).runs,
                      *(runtime_frames(record).runs if runtime else []), LOCAL_APIC])
    mapped = Frames((m.address // PAGE, (m.address + tables.span(m.level)) // PAGE) for m in leaves)
    for start, end in mapped.minus(allowed).runs:
        yield f"{start * PAGE:x}..{end * PAGE:x} is mapped, and is neither ours nor a runtime region"


def writable_code(record, leaves, runtime=True):
    """What can be written and executed is runtime code, in the runtime space."""
    allowed = runtime_frames(record) if runtime else Frames([])
    for m in leaves:
        if m.rights & tables.WRITABLE and not m.rights & tables.NO_EXECUTE and m.to // PAGE not in allowed:
            yield f"{m.address:x} can be written and executed"


def tables_are_ours(record, met, facts):
    """Page tables lie in memory of the loader's or in usable frames."""
    allowed = Frames([*own_frames(record).runs, *usable_frames(record, facts).runs])
    for m in met:
        if m.kind == tables.TABLE and m.to // PAGE not in allowed:
            yield f"the table for {m.address:x} lies at {m.to:x}"


def sums_hold(record, memory):
    """Pages that nobody may write hold what they held at the exit."""
    sums = dict(record.sums)
    for start, end in Frames((page // PAGE, page // PAGE + 1) for page in sums).runs:
        data = memory.read(start * PAGE, (end - start) * PAGE)
        for n in range(end - start):
            now = sum(struct.unpack_from("<512Q", data, n * PAGE)) & ((1 << 64) - 1)
            if now != sums[(start + n) * PAGE]:
                yield f"{(start + n) * PAGE:x} was written"


def code_is_whole(record, memory, image):
    """The code of the image is that of the file."""
    data = Path(image).read_bytes()
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    count, optional = struct.unpack_from("<H12xH", data, pe + 6)
    for n in range(count):
        used, start, stored, at, flags = struct.unpack_from("<8xIIII12xI", data, pe + 24 + optional + 40 * n)
        if flags >> 29 & 1:
            size = min(used, stored)
            if memory.read(record.image_base + start, size) != data[at:at + size]:
                yield f"the code at {record.image_base + start:x} is not that of the file"


def given_back(record):
    """An image that returns has no memory any more."""
    for start, end in record.blocks:
        yield f"{start:x}..{end:x} was not given back"


class Inspector:
    """Looks into the machine; `skip` names checks that do not hold by the nature of a case."""

    def __init__(self, image, skip=()):
        self._image, self._skip = image, skip

    def __call__(self, monitor, folder, log):
        look, text = Look(), verdict.clean(log)
        memory = Memory(monitor, folder)
        address = re.search(r"\(record ([0-9a-f]+)\)", text)
        try:
            record = read_record(memory, int(address[1], 16))
            self._look(look, record, memory, oracle.GuestMemory(monitor, folder), monitor, text)
        except (ValueError, TypeError, tables.TablesError, KeyError) as error:
            look.wrong.append(f"the machine could not be looked into: {error!r}")
        return look

    def _look(self, look, record, memory, table_memory, monitor, text):
        def check(name, sentences):
            if name not in self._skip:
                look.check(name, sentences)
        if re.search(r"^shim: the image returned", text, re.M):
            check("memory is given back", given_back(record))
            return
        report = verdict.read_report(text.split("\n"))
        facts = report.facts
        if "frames_usable" not in facts or not report.summaries:
            return
        check("forbidden memory", sums_hold(record, memory))
        check("code", code_is_whole(record, memory, self._image))
        if report.stopped:
            return
        check("usable frames", count_usable(record, facts))
        root, processor = oracle.ask_processor(monitor)
        for runtime, start in ((False, root), (True, int(facts["runtime_cr3"], 16))):
            met = list(tables.walk(table_memory, start, processor, range(tables.ENTRIES // 2)))
            leaves = [m for m in met if m.kind == tables.PAGE]
            if runtime:
                check("runtime regions are mapped", runtime_is_mapped(record, leaves, facts))
            check("nothing else is mapped", nothing_else_is_mapped(record, leaves, facts, runtime))
            check("no writable code", writable_code(record, leaves, runtime))
            check("tables", tables_are_ours(record, met, facts))
