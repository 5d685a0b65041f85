#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reading tables as the processor does, and showing them to people."""

import re
import struct
import tempfile
import unittest
from pathlib import Path

import tap
import tables
from tables import NO_EXECUTE, Processor, Run

LOG = """KTAP version 1
# dump active root=1f801000 tables=57
# maps 1000 a0000 4K 1000 8000000000000003
# maps a0000 a1000 4K a1000 3
# maps a1000 a2000 4K a2000 3\r
# maps ffff800000000000 ffff800040000000 1G 80000000 1d
# marker ffff810000004000 1 ee
# dump second root=1f7c3000 tables=4
# dump end lines=5
"""


class Frames:
    """Physical memory: the entries that are not zero, by table and index."""

    def __init__(self, entries):
        self._entries = entries

    def table(self, address):
        return tuple(self._entries.get((address, index), 0) for index in range(512))

    def image(self, frames):
        return b"".join(struct.pack("<512Q", *self.table(frame << 12)) for frame in range(frames))


def walk(entries, root=0x1000, **processor):
    return list(tables.walk(Frames(entries), root, Processor(**processor)))


class Reading(unittest.TestCase):
    def test_sizes(self):
        """tables: a page of each size, where it leads, and where the next one begins"""
        met = walk({(0x1000, 1): 0x2007, (0x2000, 2): 0x4000_0087, (0x2000, 3): 0x3007,
                    (0x3000, 4): 0x60_0087, (0x3000, 5): 0x4007, (0x4000, 6): 0x5007})
        pages = [(m.address, m.level, m.to) for m in met if m.kind == tables.PAGE]
        base = 1 << 39
        self.assertEqual(pages, [(base + (2 << 30), 3, 0x4000_0000),
                                 (base + (3 << 30) + (4 << 21), 2, 0x60_0000),
                                 (base + (3 << 30) + (5 << 21) + (6 << 12), 1, 0x5000)])

    def test_rights(self):
        """tables: writable and user if all levels say so, no-execute if one does"""
        for level in range(4):
            chain = [(0x1000, 0x2007), (0x2000, 0x3007), (0x3000, 0x4007), (0x4000, 0x5007)]
            for bit, expected in ((2, tables.USER), (4, tables.WRITABLE)):
                entries = {(table, 0): entry ^ bit * (number == level)
                           for number, (table, entry) in enumerate(chain)}
                self.assertEqual(walk(entries)[-1].rights, expected)
            entries = {(table, 0): entry | NO_EXECUTE * (number == level)
                       for number, (table, entry) in enumerate(chain)}
            self.assertEqual(walk(entries)[-1].rights, 6 | NO_EXECUTE)

    def test_pat_and_key(self):
        """tables: PAT is a flag of pages of every size, and shown with the key"""
        key = 5 << tables.KEY_SHIFT
        chain = [0x2007, 0x3007, 0x4007]
        for level, pat in ((1, 0x80), (2, 0x1000), (3, 0x1000)):
            for has_pat in (False, True):
                leaf = key | 0x4000_0007 | (0x80 if level > 1 else 0) | pat * has_pat
                entries = dict(zip([(0x1000 * n, 0) for n in range(1, 6)], chain[:4 - level] + [leaf]))
                run, = tables.runs_of(walk(entries))
                self.assertEqual((run.level, run.to), (level, 0x4000_0000))
                self.assertEqual(run.flags, key | 7 | 0x80 * has_pat)
                self.assertIn(f"rwxu-{'4' if has_pat else '-'}  -> 40000000 key=5 W+X", tables.line_of(run))

    def test_canonical(self):
        """tables: the upper half is sign extended, with four levels and with five"""
        self.assertEqual(walk({(0x1000, 256): 2})[0].address, 0xffff_8000_0000_0000)
        self.assertEqual(walk({(0x1000, 255): 2})[0].address, 255 << 39)
        self.assertEqual(walk({(0x1000, 256): 2}, levels=5)[0].address, 0xff00_0000_0000_0000)
        deep = walk({(0x1000, 0): 0x2007, (0x2000, 256): 2}, levels=5)
        self.assertEqual((deep[-1].level, deep[-1].address), (4, 256 << 39))

    def refused(self, entries, **processor):
        return [m.kind for m in walk(entries, **processor)][-1] == tables.REFUSED

    def test_reserved(self):
        """tables: every reserved bit is refused, and only where it is one"""
        huge = {(0x1000, 0): 0x2007, (0x2000, 0): 0x4000_0087}
        self.assertTrue(self.refused({(0x1000, 0): 0x2087}))
        self.assertTrue(self.refused({(0x1000, 0): 1 << 40 | 7}, physical_bits=40))
        self.assertFalse(self.refused({(0x1000, 0): 0x2007 | 1 << 39}, physical_bits=40))
        self.assertTrue(self.refused({(0x1000, 0): 0x2007 | NO_EXECUTE}, no_execute=False))
        self.assertTrue(self.refused(huge, gib_pages=False))
        self.assertFalse(self.refused(huge))
        for bit in range(12, 30):
            entries = {**huge, (0x2000, 0): 0x4000_0087 | 1 << bit}
            self.assertEqual(self.refused(entries), bit > 12, bit)
        for bit in range(12, 21):
            entries = {(0x1000, 0): 0x2007, (0x2000, 0): 0x3007, (0x3000, 0): 0x20_0087 | 1 << bit}
            self.assertEqual(self.refused(entries), bit > 12, bit)

    def test_owners(self):
        """tables: an entry that is not present is that and no more, whatever else it holds"""
        met = walk({(0x1000, 7): NO_EXECUTE | 0xffe})
        self.assertEqual([(m.kind, m.entry) for m in met], [("not present", NO_EXECUTE | 0xffe)])

    def test_joined(self):
        """tables: runs are joined only if address, size, frame and flags all go on"""
        first = Run(0x1000, 0x3000, 1, 0x8000, 3)
        self.assertEqual(tables.joined([first, Run(0x3000, 0x4000, 1, 0xa000, 3)]),
                         [Run(0x1000, 0x4000, 1, 0x8000, 3)])
        for other in (Run(0x4000, 0x5000, 1, 0xa000, 3), Run(0x3000, 0x4000, 1, 0xb000, 3),
                      Run(0x3000, 0x4000, 1, 0xa000, 1), Run(0x3000, 0x203000, 2, 0xa000, 3)):
            self.assertEqual(tables.joined([first, other]), [first, other])

    def test_dump(self):
        """tables: the dump in a log, whole or not at all"""
        spaces = tables.read_dump(LOG)
        self.assertEqual([(s.name, s.root, s.tables, len(s.runs), s.markers) for s in spaces],
                         [("active", 0x1f801000, 57, 4, [(0xffff810000004000, 1, 0xee)]),
                          ("second", 0x1f7c3000, 4, 0, [])])
        self.assertEqual(spaces[0].runs[3], Run(0xffff800000000000, 0xffff800040000000, 3, 0x80000000, 0x1d))
        lines = LOG.splitlines(keepends=True)
        for number in (2, 6, 8):  # a page, a marker, the end
            with self.assertRaises(tables.TablesError):
                tables.read_dump("".join(lines[:number] + lines[number + 1:]))


class Showing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "file"

    def show(self, *arguments):
        return tap.run_tool("pagetables", *arguments)

    def test_log(self):
        """pagetables: a log as a list: rights, cache, notes, runs joined"""
        self.path.write_text(LOG)
        result = self.show(self.path)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = [re.sub(r" +", " ", line) for line in result.stdout.splitlines()]
        self.assertEqual(lines, [
            "# active: root at 1f801000, 57 tables",
            "0000000000001000..00000000000a0000 636K 4K rw---- identity",
            "00000000000a0000..00000000000a2000 8K 4K rwx--- -> a1000 W+X",
            "ffff800000000000..ffff800040000000 1G 1G r-xu-m -> 80000000",
            "ffff810000004000.. not present marker: ee",
            "3 runs, 1049220K in all; 1 markers",
            "# second: root at 1f7c3000, 4 tables",
            "0 runs, 0 in all; 0 markers"])

    def test_memory(self):
        """pagetables: the same from a piece of memory and CR3, wherever the piece begins"""
        memory = Frames({(0x1000, 0): 0x2007, (0x2000, 1): 0x4000_0187 | NO_EXECUTE, (0x1000, 511): 0x1063,
                         (0x2000, 9): 0xabc})
        self.path.write_bytes(memory.image(3))
        result = self.show("--memory", self.path, "--cr3", "1018")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(len(result.stdout.splitlines()), 3)
        self.assertRegex(result.stdout, r"0000000040000000\.\.0000000080000000 +1G +1G  rw-ug-  identity\n")
        self.assertRegex(result.stdout, r"0000000240000000\.\. +not present +marker: abc\n")
        windows = self.show("--memory", self.path, "--cr3", "1000", "--windows")
        self.assertIn("fffffffffffff000", windows.stdout)
        self.path.write_bytes(memory.image(3)[0x1000:])
        moved = self.show("--memory", self.path, "--cr3", "1000", "--base", "1000")
        self.assertEqual(moved.stdout, result.stdout)

    def test_reserved_bits(self):
        """pagetables: an entry that the processor refuses is shown, and is an error"""
        self.path.write_bytes(Frames({(0x1000, 2): 1 << 45 | 1}).image(2))
        result = self.show("--memory", self.path, "--cr3", "1000", "--physical-bits", 40)
        self.assertEqual(result.returncode, 1)
        self.assertIn("0000010000000000: level 4 entry 200000000001: reserved bits", result.stdout)

    def test_not_there(self):
        """pagetables: a table outside the dump, a log without one, no file: a sentence and status 2"""
        self.path.write_bytes(Frames({(0x1000, 0): 0x7007}).image(2))
        for arguments in (("--memory", self.path, "--cr3", "1000"), ("--memory", self.path, "--cr3", "9000"),
                          (self.path,), (self.path / "none",)):
            result = self.show(*arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertRegex(result.stderr, r"^pagetables: .*\n$")
        for arguments in ((), ("--memory", self.path), (self.path, "--cr3", "1000"),
                          (self.path, "--memory", self.path, "--cr3", "1000")):
            self.assertEqual(self.show(*arguments).returncode, 2)


tap.main()
