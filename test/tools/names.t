#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The names in PROPERTIES.md and the READMEs: what does not exist is found."""

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

import tap

LOADER = importlib.machinery.SourceFileLoader("names", str(tap.ROOT / "test" / "names"))
names = importlib.util.module_from_spec(importlib.util.spec_from_loader("names", LOADER))
LOADER.exec_module(names)
TREE = names.Tree(tap.ROOT)


class Names(unittest.TestCase):
    def row(self, *cells):
        return list(names.table_faults(TREE, f"| {' | '.join(cells)} |"))

    def text(self, line):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "README.md"
            path.write_text(f"{line}\n", encoding="utf-8")
            return [fault for _, fault in names.faults(TREE, path)]

    def test_good_row(self):
        """names: a row with tests and defects that exist is right"""
        self.assertEqual(self.row("a", "`unmap`, `boot:ovmf-max`", "test", "NO_PAGE_FLUSH, generated"), [])
        self.assertEqual(self.row("a", "`proof:entry`", "test", "frame-not-masked"), [])
        self.assertEqual(self.row("a", '"access matrix: keys"', "test", "wp-always"), [])

    def test_bad_row(self):
        """names: an empty cell, a long property, a test or a defect that does not exist"""
        self.assertIn("none is empty", self.row("a", "", "test", "once")[0])
        self.assertIn("15 words", self.row("a " * 16, "`unmap`", "test", "once")[0])
        for name in ("unmap_all", "boot:none", "proof:none", "tools:none", "explore:plain:9:all"):
            self.assertEqual(self.row("a", f"`{name}`", "test", "once"), [f"no test is called {name}"])
        self.assertEqual(self.row("a", "`unmap`", "test", "NO_SUCH"), ["no defect is called NO_SUCH"])
        self.assertEqual(self.row("a", "`unmap`", "test", "no-such"), ["no defect is called no-such"])

    def test_not_noticed(self):
        """names: a defect that no test of the row must notice"""
        for cell, defect in (("`split`", "NO_PAGE_LIMIT"), ("`unmap`", "wp-always"),
                             ("`proof:count`", "gap-accepted")):
            self.assertIn(f"{defect} need not be noticed", self.row("a", cell, "test", defect)[0])

    def test_text(self):
        """names: a quoted test, a word in capitals, a file and a link that do not exist"""
        for good in ('"unmap: the next access faults"', '"unmap: the next ..."', "NO_PAGE_FLUSH PAGING_OK",
                     "`map.c` `rig/rig.h` `test/boot/tree.py`"):
            self.assertEqual(self.text(good), [])
        for bad in ('"unmap: nothing"', "NO_SUCH_" + "DEFECT", "`no_such.c`", "[text](no-such.md)"):
            self.assertEqual(len(self.text(bad)), 1, bad)


tap.main()
