#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checker of the rooms notices every include that does not run down."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

FILES = {
    "test/rooms.txt": "kernel/low :\nkernel/high : kernel/low # upper floor\nefi : kernel/high/high.h\n",
    "kernel/low/low.h": "#include <stdint.h>\n",
    "kernel/high/high.h": '#include "low/low.h"\n',
    "kernel/high/other.h": "",
    "efi/main.c": '#include <efi.h>\n#include "kernel/high/high.h"\n',
}


class Rooms(unittest.TestCase):
    def check(self, **changes):
        """What the checker says about the tree above with some files changed."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**FILES, **changes}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            result = subprocess.run([str(tap.ROOT / "test/rooms"), folder], capture_output=True, text=True,
                                    timeout=tap.PATIENCE, check=False)
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.returncode, 1 if result.stdout else 0)
        return result.stdout.splitlines()

    def refused(self, words, file, text):
        lines = self.check(**{file: text})
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(words, lines[0])

    def test_clean(self):
        """rooms: a tree whose includes run down is accepted"""
        self.assertEqual(self.check(), [])

    def test_tree(self):
        """rooms: this tree is accepted"""
        self.assertEqual(subprocess.run([str(tap.ROOT / "test/rooms")], check=False).returncode, 0)

    def test_up(self):
        """rooms: an include of a higher floor is named with its file and line"""
        self.refused("kernel/low/more.c:2: kernel/low may not include kernel/high/other.h",
                     "kernel/low/more.c", '\n#include "high/other.h"\n')

    def test_single_header(self):
        """rooms: a room that may include one header may not include its neighbour"""
        self.refused("efi may not include kernel/high/other.h", "efi/more.c",
                     '#include "kernel/high/other.h"\n')

    def test_circle(self):
        """rooms: headers that include each other are a circle, within a room too"""
        lines = self.check(**{"kernel/high/other.h": '#include "high/more.h"\n',
                              "kernel/high/more.h": '#include "high/other.h"\n'})
        self.assertEqual(lines, ["a circle: kernel/high/more.h -> kernel/high/other.h -> kernel/high/more.h"])

    def test_unknown_room(self):
        """rooms: a file in a room that the table does not have"""
        self.refused("the file belongs to no room", "kernel/new/new.c", "#include <stdint.h>\n")

    def test_system_headers(self):
        """rooms: a header that a freestanding compiler does not have, and a firmware's in the kernel"""
        self.refused("stdio.h is not a freestanding header", "kernel/low/more.c", "#include <stdio.h>\n")
        self.refused("efi.h is not a freestanding header", "kernel/low/more.c", "#include <efi.h>\n")

    def test_not_found(self):
        """rooms: a header beside the file, or by its path from the root, is not found from the kernel"""
        self.refused("low.h is not found", "kernel/low/more.c", '#include "low.h"\n')
        self.refused("kernel/low/low.h is not found", "kernel/low/more.c", '#include "kernel/low/low.h"\n')

    def test_quotes(self):
        """rooms: a public header of the core in quotes"""
        table = FILES["test/rooms.txt"] + "paging/include :\nkernel/top : paging/include\n"
        lines = self.check(**{"test/rooms.txt": table, "paging/include/selfmap/map.h": "",
                              "kernel/top/top.c": '#include "selfmap/map.h"\n'})
        self.assertEqual(lines, ["kernel/top/top.c:1: selfmap/map.h has the wrong kind of quotes"])

    def test_table(self):
        """rooms: an arrow up in the table, an arrow that nothing uses, a room that is not there"""
        up = FILES["test/rooms.txt"].replace("kernel/low :", "kernel/low : kernel/high")
        self.assertIn("kernel/low lists kernel/high, which does not stand above it",
                      self.check(**{"test/rooms.txt": up})[0])
        unused = FILES["test/rooms.txt"].replace("efi :", "efi : kernel/low")
        self.refused("efi lists kernel/low, and no file of it includes that", "test/rooms.txt", unused)
        unknown = FILES["test/rooms.txt"].replace("efi :", "efi : kernel/gone")
        self.assertIn("efi lists kernel/gone, which is not a room and not a header",
                      self.check(**{"test/rooms.txt": unknown})[0])


tap.main()
