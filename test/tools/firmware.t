#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The judge of hostile firmware notices what is wrong: on made-up records, and on machines that end badly."""

import struct
import sys
import unittest

import tap

sys.path.insert(0, str(tap.ROOT / "test/firmware"))
import casetable
import judge
import snapshot
import tables

MIB = 1 << 20
RUNTIME = judge.RUNTIME_BIT
FACTS = {"physical_bits": "40", "cr3": "600000", "screen": "none"}


def descriptor(kind, start, end, attributes=0):
    return judge.Descriptor(kind, start, (end - start) // judge.PAGE, attributes)


def record(descriptors, blocks=((6 * MIB, 7 * MIB),), sums=()):
    """Image from 5 to 6 MiB, page tables from 6 to 7."""
    return judge.Record(5 * MIB, MIB, 1, descriptors, list(blocks), list(sums), 64 * MIB)


def page(address, rights=tables.WRITABLE | tables.NO_EXECUTE, kind=tables.PAGE):
    return tables.Met(kind, 1, address, address | rights | 1, 0, 0, rights)


class Memory:
    """Zeroes, except where something is written."""

    def __init__(self, **written):
        self._written = {int(at[1:], 16): data for at, data in written.items()}

    def read(self, start, count):
        data = bytearray(count)
        for at, piece in self._written.items():
            if start <= at < start + count:
                data[at - start:at - start + len(piece)] = piece
        return bytes(data)


class Frames(unittest.TestCase):
    def usable(self, said, *descriptors, **facts):
        return list(judge.count_usable(record(descriptors), {**FACTS, "frames_usable": str(said), **facts}))

    def test_counted(self):
        """firmware: usable frames are counted anew, without the first MiB, image and blocks"""
        free = descriptor(7, 0, 16 * MIB)
        self.assertEqual(self.usable(13 * 256 + 256, free), [])
        self.assertEqual(len(self.usable(13 * 256 + 257, free)), 1)
        self.assertEqual(len(self.usable(13 * 256 + 255, free)), 1)

    def test_overlapped(self):
        """firmware: what any descriptor restricts is not usable"""
        free = descriptor(7, 0, 16 * MIB)
        for kind in (0, 1, 5, 8, 9, 14, 15, 99):
            self.assertEqual(self.usable(12 * 256 + 256, free, descriptor(kind, 8 * MIB, 9 * MIB)), [])
        for bit in (judge.SPECIAL_BIT, RUNTIME):
            self.assertEqual(self.usable(12 * 256 + 256, free, descriptor(7, 8 * MIB, 9 * MIB, bit)), [])

    def test_ragged(self):
        """firmware: usable memory shrinks to whole frames, other memory grows; what wraps is a lie"""
        free = judge.Descriptor(7, 8 * MIB + 1, 16, 0)
        self.assertEqual(self.usable(15 + 256, free), [])
        self.assertEqual(self.usable(13 + 256, free, judge.Descriptor(0, 8 * MIB + 0x1800, 1, 0)), [])
        self.assertEqual(self.usable(256, judge.Descriptor(7, 8 * MIB, 1 << 52, 0)), [])
        self.assertEqual(self.usable(15 + 256, free, judge.Descriptor(0, 8 * MIB + 0x1800, 0, 0)), [])

    def test_screen(self):
        """firmware: the pages of the screen are not usable"""
        free, screen = descriptor(7, 0, 16 * MIB), "640x400 stride 640 at 800800"
        self.assertEqual(self.usable(13 * 256 + 256 - 251, free, screen=screen), [])

    def test_tables_elsewhere(self):
        """firmware: a root that lies in no block is noticed"""
        self.assertRegex(self.usable(0, descriptor(7, 0, 16 * MIB), cr3="900000")[0], "in 0 blocks")


class Tables(unittest.TestCase):
    def test_runtime(self):
        """firmware: a runtime region that is not mapped is noticed, whatever lies over it"""
        found = record([descriptor(5, 8 * MIB, 8 * MIB + 0x2000), descriptor(0, 8 * MIB, 9 * MIB)])
        both = [page(8 * MIB), page(8 * MIB + 0x1000)]
        self.assertEqual(list(judge.runtime_is_mapped(found, both, FACTS)), [])
        self.assertEqual(len(list(judge.runtime_is_mapped(found, both[:1], FACTS))), 1)

    def test_else(self):
        """firmware: a page that is mapped and need not be is noticed"""
        found = record([descriptor(7, 0, 16 * MIB), descriptor(6, 8 * MIB, 9 * MIB)])
        self.assertEqual(list(judge.nothing_else_is_mapped(found, [page(5 * MIB), page(8 * MIB)], FACTS)), [])
        self.assertEqual(len(list(judge.nothing_else_is_mapped(found, [page(9 * MIB)], FACTS))), 1)
        self.assertEqual(len(list(judge.nothing_else_is_mapped(found, [page(8 * MIB)], FACTS, False))), 1)

    def test_rights(self):
        """firmware: memory that can be written and executed is noticed, except runtime code"""
        found = record([descriptor(5, 8 * MIB, 9 * MIB)])
        good = [page(8 * MIB, tables.WRITABLE), page(5 * MIB)]
        self.assertEqual(list(judge.writable_code(found, good)), [])
        self.assertEqual(len(list(judge.writable_code(found, [page(5 * MIB, tables.WRITABLE)]))), 1)
        self.assertEqual(len(list(judge.writable_code(found, good, False))), 1)

    def test_place(self):
        """firmware: a page table in memory that is not free is noticed"""
        found = record([descriptor(7, 0, 16 * MIB), descriptor(0, 8 * MIB, 9 * MIB)])
        good, bad = page(6 * MIB, kind=tables.TABLE), page(8 * MIB, kind=tables.TABLE)
        self.assertEqual(list(judge.tables_are_ours(found, [good], FACTS)), [])
        self.assertEqual(len(list(judge.tables_are_ours(found, [good, bad], FACTS))), 1)


class Sums(unittest.TestCase):
    def test_written(self):
        """firmware: a page that was written although nobody may is noticed"""
        found = record([], sums=[(8 * MIB, 0), (8 * MIB + 0x1000, 7)])
        seven = struct.pack("<Q", 7)
        self.assertEqual(list(judge.sums_hold(found, Memory(m801000=seven))), [])
        self.assertRegex(list(judge.sums_hold(found, Memory(m801008=seven, m800010=b"1")))[0], "800000")

    def test_given_back(self):
        """firmware: blocks are given back in pieces, and what is left is told"""
        taken, part = (8 * MIB, 16, 2, 1), (8 * MIB + 0x4000, 4, 0, 0)
        self.assertEqual(judge._blocks([taken, (8 * MIB, 16, 0, 0)]), [])
        self.assertEqual(judge._blocks([taken, part]),
                         [(8 * MIB, 8 * MIB + 0x4000), (8 * MIB + 0x8000, 8 * MIB + 0x10000)])
        self.assertEqual(len(list(judge.given_back(record([], [(1, 2)])))), 1)


class Ends(unittest.TestCase):
    """Of runs, on U-Boot, which starts in a second."""

    def run_with(self, options, words="", **more):
        if not snapshot.SHIM.is_file():
            self.skipTest("the shim is not built")
        return snapshot.run(snapshot.MACHINES["uboot"], options=options, words=words, **more)

    def test_triple_fault(self):
        """firmware: a triple fault is told"""
        self.assertEqual(self.run_with("crash=triple").end, "triple-fault")

    def test_hang(self):
        """firmware: a hang is told by the processor's time"""
        run = self.run_with("crash=loader", cpu_limit=3)
        self.assertEqual(run.end, "hang")
        self.assertGreater(run.seconds, 3)

    def test_crash(self):
        """firmware: an exception is not a sentence"""
        run = self.run_with("crash=page-fault")
        self.assertEqual(run.end, "fail")
        self.assertTrue(list(casetable._stopped(run)))

    def test_not_tried(self):
        """firmware: words that the shim does not know are told"""
        self.assertEqual(self.run_with("", "map=nonsense:1").end, "not-tried")
        self.assertEqual(self.run_with("", "stack=nowhere").end, "not-tried")


if __name__ == "__main__":
    tap.main()
