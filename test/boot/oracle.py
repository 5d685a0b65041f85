# SPDX-License-Identifier: MIT
"""oracle.py - what others say about the tables of a machine that halts, compared with what it said itself.

The guest printed what paging_for_each shows (dump=varied). QEMU is asked for CR3, and for the memory of each
table; these are read by tools/tables.py, and by QEMU's own walkers: `info tlb`, `info mem` and `gva2gpa`. All
must agree on every page, and the tables must keep the promises of tree.py.
"""

import random
import re
import struct
from bisect import bisect_right

import tables
import tree
from tables import PAGE

SAMPLES = 300
SHOWN = 5


class GuestMemory:
    """Physical memory of a stopped machine, read a chunk at a time, as tables often lie side by side."""

    CHUNK = 64 << 10

    def __init__(self, monitor, folder):
        self._monitor, self._path = monitor, folder / "chunk"
        self._chunks = {}

    def _chunk(self, start):
        if start not in self._chunks:
            self._monitor.run("pmemsave", val=start, size=self.CHUNK, filename=str(self._path))
            self._chunks[start] = self._path.read_bytes()
        return self._chunks[start]

    def table(self, address):
        offset = address % self.CHUNK
        return struct.unpack_from("<512Q", self._chunk(address - offset), offset)


def ask_processor(monitor):
    """(physical address of the root, Processor), as QEMU knows them."""
    registers = {name: int(value, 16) for name, value in
                 re.findall(r"\b(CR3|CR4|EFER)=([0-9a-f]+)", monitor.ask("info registers"))}
    path = monitor.run("query-cpus-fast")[0]["qom-path"]

    def has(name):
        return monitor.run("qom-get", path=path, property=name)
    levels = 5 if registers["CR4"] & 1 << 12 else 4
    processor = tables.Processor(levels, physical_bits=has("phys-bits"), gib_pages=has("pdpe1gb"),
                                 no_execute=bool(registers["EFER"] & 1 << 11))
    return registers["CR3"] & tables.ADDRESS, processor


# ---- QEMU's walkers ----

_TLB_FLAGS = [(63, "X"), (8, "G"), (7, "P"), (6, "D"), (5, "A"), (4, "C"), (3, "T"), (2, "U"), (1, "W")]


def tlb_line(met):
    """A page as `info tlb` writes it: the entry's own bits; P (it is huge) not in the last level, where that
    bit is PAT; and X if it must *not* be executed."""
    entry = met.entry & ~(tables.SIZE if met.level == 1 else 0)
    flags = "".join(letter if entry >> bit & 1 else "-" for bit, letter in _TLB_FLAGS)
    return f"{met.address:016x}: {met.to:016x} {flags}"


def info_tlb(met):
    return [tlb_line(m) for m in met if m.kind == PAGE]


def info_mem(met, processor):
    """(start, end, letters), without sign extension, as `info mem` joins pages: by rights alone."""
    found = []
    for m in met:
        if m.kind != PAGE:
            continue
        start = m.address & ((1 << processor.bits) - 1)
        letters = ("u" if m.rights & tables.USER else "-") + ("rw" if m.rights & tables.WRITABLE else "r-")
        if found and found[-1][1:] == (start, letters):
            start = found.pop()[0]
        found.append((start, (m.address & ((1 << processor.bits) - 1)) + tables.span(m.level), letters))
    return found


def read_info_mem(text, processor):
    mask = (1 << processor.bits) - 1
    lines = re.findall(r"([0-9a-f]+)-([0-9a-f]+) [0-9a-f]+ ([-urw]{3})", text)
    return [(int(start, 16) & mask, (int(end, 16) & mask) or mask + 1, letters)
            for start, end, letters in lines]


def samples(met, seed):
    """Addresses worth asking for: both ends of runs, what is next to them, and places inside."""
    choose = random.Random(seed)
    runs = tables.runs_of(met)
    found = set()
    for run in choose.sample(runs, min(len(runs), SAMPLES // 6)):
        found |= {run.start, run.end - 1, run.start - 1, run.end}
        found |= {choose.randrange(run.start, run.end) for _ in range(2)}
    return sorted(found)


def lookup(met, processor):
    """Answers where an address leads, or None."""
    pages = [m for m in met if m.kind == PAGE]
    starts = [m.address for m in pages]

    def to(address):
        page = pages[bisect_right(starts, address) - 1] if starts and address >= starts[0] else None
        inside = page and address - page.address < tables.span(page.level)
        return page.to + address - page.address if inside else None
    return lambda address: to(address) if processor.canonical(address) == address else None


def disagreements(monitor, met, processor, seed):
    """Addresses for which gva2gpa answers something else."""
    to = lookup(met, processor)
    for address in samples(met, seed):
        if not 0 <= address < 1 << 64 or processor.canonical(address) != address:
            continue  # QEMU cuts such addresses off
        answer = re.search(r"gpa: (?:0x)?([0-9a-f]+)|Unmapped", monitor.ask(f"gva2gpa 0x{address:x}"))
        said = int(answer[1], 16) if answer and answer[1] else None
        if not answer or said != to(address):
            yield f"{address:x}: gva2gpa says {answer and answer[0]}, the tables say {to(address)}"


# ---- the comparison ----

def differences(ours, theirs):
    """What only one of two lists holds; None if they are equal. Order counts."""
    if ours == theirs:
        return None
    mine, others = set(ours), set(theirs)
    only = [f"only here: {item}" for item in ours if item not in others][:SHOWN]
    only += [f"only there: {item}" for item in theirs if item not in mine][:SHOWN]
    return "; ".join(map(str, only or ["the order, or how often"]))


class Findings:
    """(name, holds, explanation), one after the other, as test/boot/run prints them."""

    def __init__(self):
        self.checks = []

    def equal(self, name, ours, theirs):
        found = differences(ours, theirs)
        holds = found is None and bool(ours)
        self.checks.append((f"{name} ({len(ours)})", holds, found or "there is nothing"))

    def none(self, name, sentences):
        bad = list(sentences)
        self.checks.append((name, not bad, "; ".join(bad[:SHOWN])))


def markers(met):
    return [(m.address, m.level, m.entry) for m in met if m.kind == tables.NOT_PRESENT]


def compare_space(findings, space, found, own):
    """One space of the log with the tree that its root leads to."""
    findings.equal(f"{space.name}: paging_for_each shows the very pages that the tables hold",
                   tables.joined(space.runs), tables.runs_of(found.met))
    findings.equal(f"{space.name}: and the markers", space.markers, markers(found.met))
    findings.none(f"{space.name}: the reserved root slots hold what they must", found.slots())
    findings.none(f"{space.name}: what points to a table allows everything, and counts right",
                  found.table_entries())
    findings.none(f"{space.name}: no leaf has a bit that none may have", found.leaves())
    count = len(found.table_frames(own))
    findings.none(f"{space.name}: there are as many tables as the core says",
                  [f"it says {space.tables}, there are {count}"] if count != space.tables else [])


def compare_monitor(findings, monitor, met, processor, seed):
    """The active tables, windows and all, with QEMU's three walkers."""
    lines = list(filter(None, monitor.ask("info tlb").replace("\r", "").split("\n")))
    findings.equal("info tlb shows the same pages, the windows' included", info_tlb(met), lines)
    if processor.levels == 4:  # with five, QEMU 7.2 never answers
        findings.equal("info mem grants the same rights", info_mem(met, processor),
                       read_info_mem(monitor.ask("info mem"), processor))
    findings.none("gva2gpa leads where the tables lead", disagreements(monitor, met, processor, seed))


def examine(monitor, folder, text, seed):
    """Everything there is to compare, once the machine has stopped. text is its log."""
    findings, memory = Findings(), GuestMemory(monitor, folder)
    root, processor = ask_processor(monitor)
    spaces = tables.read_dump(text)
    findings.none("CR3 holds the root of the active space",
                  [f"CR3 is {root:x}, the root {spaces[0].root:x}"] if root != spaces[0].root else [])
    trees = [tree.Tree(memory, space.root, processor) for space in spaces]
    for number, (space, found) in enumerate(zip(spaces, trees)):
        compare_space(findings, space, found, own=number > 0)
    for sharer in trees[1:]:
        half = slice(tree.UPPER, tree.SCRATCH)
        findings.equal("the upper half of both roots is the same", trees[0].root_entries[half],
                       sharer.root_entries[half])
    findings.none("each table, and each owned frame, has one owner", tree.overlaps(trees))
    compare_monitor(findings, monitor, list(tables.walk(memory, root, processor)), processor, seed)
    return findings.checks
