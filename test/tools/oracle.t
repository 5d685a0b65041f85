#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The oracle of booted machines: each promise of the tables, broken on purpose, must be noticed."""

import sys
import unittest

import tap

sys.path.insert(0, str(tap.ROOT / "test" / "boot"))
import oracle  # noqa: E402
import tables  # noqa: E402
import tree  # noqa: E402

NX = tables.NO_EXECUTE
ROOT, LOW, P2, P1 = 0x10000, 0x11000, 0x12000, 0x13000
SCRATCH_P3, SCRATCH_P2, SCRATCH_P1 = 0x14000, 0x15000, 0x16000
FLAGS = tree.TABLE_FLAGS
OWNED_PAGE, GIB = 0x80000, 1 << 30


def counting(entries):
    """What an entry says about a table with N used entries."""
    return (entries - 1 & 0x7f) << 52 | (entries - 1 >> 7) << 9


class Memory:
    """Physical memory with a space in it: a page of each size, an owned one, and a marker."""

    def __init__(self):
        self.frames = {}
        slot = tree.reserved_slot_flags(tables.Processor())
        self.put(ROOT, 511, ROOT | slot)
        self.put(ROOT, 509, SCRATCH_P3 | slot)
        self.put(SCRATCH_P3, 0, SCRATCH_P2 | FLAGS)
        self.put(SCRATCH_P2, 0, SCRATCH_P1 | FLAGS)
        self.put(SCRATCH_P1, 0, 0)
        self.put(ROOT, 3, LOW | FLAGS | counting(2))
        self.put(LOW, 0, P2 | FLAGS | counting(2))
        self.put(LOW, 5, 7 * GIB | 0x81)
        self.put(P2, 0, P1 | FLAGS | counting(3) | tree.BIT_11)
        self.put(P2, 511, 0x600000 | 0x83 | NX)
        self.put(P1, 1, OWNED_PAGE | 0x7 | tree.OWNED)
        self.put(P1, 2, 0x5000 | 0x1b)
        self.put(P1, 9, 0xee)

    def put(self, table, index, entry):
        self.frames.setdefault(table, [0] * 512)[index] = entry

    def table(self, address):
        return tuple(self.frames.get(address, [0] * 512))


class Promises(unittest.TestCase):
    def setUp(self):
        self.memory = Memory()

    def complaints(self):
        found = tree.Tree(self.memory, ROOT, tables.Processor(physical_bits=40))
        return [*found.slots(), *found.table_entries(), *found.leaves(), *tree.overlaps([found])]

    def broken(self, table, index, entry, words):
        """With this entry instead, there are complaints that hold these words."""
        self.memory.put(table, index, entry)
        found = self.complaints()
        self.assertTrue(any(words in sentence for sentence in found), found)

    def test_whole(self):
        """oracle: tables that keep every promise"""
        self.assertEqual(self.complaints(), [])
        found = tree.Tree(self.memory, ROOT, tables.Processor())
        self.assertEqual(len(found.table_frames()), 7)
        self.assertEqual(found.owned(), [(OWNED_PAGE, OWNED_PAGE + 4096)])

    def test_self(self):
        """oracle: a recursive slot that leads elsewhere, or lost its no-execute"""
        self.broken(ROOT, 511, LOW | tree.reserved_slot_flags(tables.Processor()), "slot 511")
        self.broken(ROOT, 511, ROOT | 0x63, "slot 511")

    def test_alternate(self):
        """oracle: an alternate slot that was not cleared"""
        self.broken(ROOT, 510, 0x99000 | tree.reserved_slot_flags(tables.Processor()), "slot 510")

    def test_scratch(self):
        """oracle: a scratch page that is still mapped, or for user mode"""
        self.broken(SCRATCH_P1, 0, 0x99063, "scratch")
        self.broken(ROOT, 509, SCRATCH_P3 | 0x67 | NX, "slot 509")

    def test_rights(self):
        """oracle: an entry that points to a table and denies a right, or is global"""
        entry = LOW | FLAGS | counting(2)
        for bad in (entry & ~tables.WRITABLE, entry & ~tables.USER, entry & ~tables.DIRTY, entry | NX,
                    entry | tables.GLOBAL, entry | 1 << 60, entry | tree.BIT_11):
            self.broken(ROOT, 3, bad, "flags")

    def test_counts(self):
        """oracle: a count of used entries that is one too high, or too low"""
        self.broken(ROOT, 3, LOW | FLAGS | counting(3), "it counts 3 entries, 2 are used")
        self.broken(ROOT, 3, LOW | FLAGS | counting(1), "it counts 1 entries, 2 are used")

    def test_full_table(self):
        """oracle: a full table counts 512"""
        for index in range(512):
            self.memory.put(P1, index, 0x100000 | index << 12 | 1)
        self.memory.put(P2, 0, P1 | FLAGS | counting(512))
        self.assertEqual(self.complaints(), [])

    def test_empty_table(self):
        """oracle: an empty table that was not given back"""
        self.memory.put(P1, 1, 0)
        self.memory.put(P1, 2, 0)
        self.broken(P1, 9, 0, "0 are used")

    def test_owned_below(self):
        """oracle: an owned page below an entry that says there is none"""
        self.broken(P2, 0, P1 | FLAGS | counting(3), "owned")

    def test_leaves(self):
        """oracle: a leaf may have PAT and a key, but no bit of the core's; global only in the upper half"""
        for table, index, good in ((P1, 2, 0x509b), (P2, 511, 0x601083), (P1, 2, 0x5003 | 0xf << 59)):
            self.memory.put(table, index, good)
            self.assertEqual(self.complaints(), [])
            self.memory = Memory()
        for bit in (53, 58):
            self.broken(P1, 2, 0x5003 | 1 << bit, "bits that no leaf has")
            self.memory = Memory()
        self.broken(P1, 2, 0x5103, "global")
        self.broken(P1, 2, 1 << 40 | 3, "reserved")

    def test_owners(self):
        """oracle: a table linked twice, a frame owned twice, an owned frame that is a table"""
        self.broken(P1, 3, OWNED_PAGE | 0x3 | tree.OWNED, "belongs to two")
        self.memory = Memory()
        self.broken(P1, 1, P2 | 0x3 | tree.OWNED, "belongs to two")
        self.memory = Memory()
        self.broken(P2, 7, P1 | FLAGS | counting(3), "belongs to two")
        self.memory = Memory()
        self.broken(LOW, 5, 0x81 | tree.OWNED, "belongs to two")

    def test_shared(self):
        """oracle: a shared table belongs to the owner alone; a sharer's own are its own"""
        half = 0x20000 | FLAGS | tree.BIT_11
        self.memory.put(ROOT, 300, half)
        other = Memory()
        other.frames = {frame + 0x100000: list(entries) for frame, entries in other.frames.items()}
        sharer = {ROOT + 0x100000: [0] * 512}
        sharer[ROOT + 0x100000][300] = half
        self.memory.frames.update(sharer)
        processor = tables.Processor()
        trees = [tree.Tree(self.memory, root, processor) for root in (ROOT, ROOT + 0x100000)]
        self.assertEqual(list(tree.overlaps(trees)), [])
        self.memory.put(ROOT + 0x100000, 3, LOW | FLAGS | counting(2))
        trees[1] = tree.Tree(self.memory, ROOT + 0x100000, processor)
        self.assertNotEqual(list(tree.overlaps(trees)), [])


class FakeMonitor:
    """QEMU's monitor in front of the memory above, or of another one."""

    def __init__(self, memory, processor=tables.Processor()):
        self.met = list(tables.walk(memory, ROOT, processor))
        self.processor, self.lies = processor, {}

    def ask(self, line):
        if line in self.lies:
            return self.lies[line]
        if line == "info tlb":
            return "\r\n".join(oracle.info_tlb(self.met)) + "\r\n"
        if line == "info mem":
            return "".join(f"{start:016x}-{end:016x} {end - start:016x} {letters}\r\n"
                           for start, end, letters in oracle.info_mem(self.met, self.processor))
        to = oracle.lookup(self.met, self.processor)(int(line.removeprefix("gva2gpa "), 16))
        return "Unmapped\r\n" if to is None else f"gpa: {to:#x}\r\n"


class Comparison(unittest.TestCase):
    def setUp(self):
        self.memory = Memory()
        self.processor = tables.Processor(physical_bits=40)

    def failed(self, monitor=None, space=None):
        findings = oracle.Findings()
        found = tree.Tree(self.memory, ROOT, self.processor)
        oracle.compare_space(findings, space or self.space(), found, own=False)
        met = list(tables.walk(self.memory, ROOT, self.processor))
        oracle.compare_monitor(findings, monitor or FakeMonitor(self.memory), met, self.processor, seed=1)
        return [name for name, holds, _ in findings.checks if not holds]

    def space(self):
        """What a guest that tells the truth says."""
        found = tree.Tree(self.memory, ROOT, self.processor)
        return tables.Space("active", ROOT, 7, tables.runs_of(found.met), oracle.markers(found.met))

    def assert_one(self, failed, words):
        self.assertEqual(len(failed), 1, failed)
        self.assertIn(words, failed[0])

    def test_agree(self):
        """oracle: nothing to complain about when all agree"""
        self.assertEqual(self.failed(), [])

    def test_missing(self):
        """oracle: a page that the guest does not list, one that it makes up, one with another right"""
        whole = self.space().runs
        other = whole[0]._replace(flags=whole[0].flags ^ tables.WRITABLE)
        made_up = whole[-1]._replace(start=whole[-1].end, end=whole[-1].end + GIB)
        for runs in (whole[1:], whole[:-1], [*whole, made_up], [other, *whole[1:]]):
            space = self.space()
            space.runs = runs
            self.assert_one(self.failed(space=space), "paging_for_each")

    def test_markers(self):
        """oracle: a marker that the guest does not list"""
        space = self.space()
        space.markers = [(space.markers[0][0], 1, 0xec)]
        self.assert_one(self.failed(space=space), "the markers")

    def test_tables(self):
        """oracle: a table too many"""
        space = self.space()
        space.tables = 8
        self.assert_one(self.failed(space=space), "as many tables")

    def test_monitor(self):
        """oracle: each of QEMU's walkers is listened to"""
        monitor = FakeMonitor(self.memory)
        for line, words in (("info tlb", "info tlb"), ("info mem", "info mem")):
            monitor.lies = {line: monitor.ask(line).replace("w", "-").replace("W", "-")}
            self.assert_one(self.failed(monitor), words)
        page = self.space().runs[0].start
        for lie in ("Unmapped\r\n", "gpa: 0x6123000\r\n", "", "gpa: 0\r\n"):
            monitor.lies = {f"gva2gpa 0x{page:x}": lie}
            self.assert_one(self.failed(monitor), "gva2gpa")
        monitor.lies = {f"gva2gpa 0x{page - 1:x}": "gpa: 0x1000\r\n"}
        self.assert_one(self.failed(monitor), "gva2gpa")

    def test_windows(self):
        """oracle: the windows show every table as a page, never for user mode or to execute"""
        windows = [m for m in tables.walk(self.memory, ROOT, self.processor, [511]) if m.kind == tables.PAGE]
        shown = {m.to for m in windows}
        self.assertTrue(shown >= {ROOT, LOW, P2, P1, SCRATCH_P3, SCRATCH_P2, SCRATCH_P1})
        self.assertTrue(all(m.rights & (tables.USER | NX) == NX for m in windows))
        self.assertEqual(windows[-1].address, 0xfffffffffffff000)


tap.main()
