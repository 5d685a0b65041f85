#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make coverage` measures, and by which names it lists what is not reached."""

import importlib.machinery
import importlib.util
import unittest

import tap

LOADER = importlib.machinery.SourceFileLoader("coverage_run", str(tap.ROOT / "test/coverage/run"))
coverage = importlib.util.module_from_spec(importlib.util.spec_from_loader("coverage_run", LOADER))
LOADER.exec_module(coverage)

FILE = "kernel/frames/memory_map.c"


class Coverage(unittest.TestCase):
    def test_measured(self):
        """coverage: the core and all of kernel/frames are measured, and nothing of the application"""
        files = coverage.measured()
        rooms = {path.rsplit("/", 1)[0] for path in files}
        self.assertEqual(rooms, {"paging/include/selfmap", "paging/src", "kernel/frames"})
        self.assertIn("paging/src/map.c", files)
        self.assertIn(FILE, files)

    def test_runs(self):
        """coverage: by direct map those tests run that are about that life"""
        direct = [program.name for program, levels in coverage.runs() if levels == "4:direct"]
        self.assertIn("test_map", direct)
        self.assertNotIn("test_attach", direct)
        self.assertNotIn("test_page_fault", direct)

    def test_keys(self):
        """coverage: lines and branches are numbered within their function"""
        text = (tap.ROOT / FILE).read_text().splitlines()
        first = next(n for n, line in enumerate(text, 1) if line.startswith("static void sort_edges"))
        branches = [{"count": 3}, {"count": 0}]
        lines = [{"line_number": first + 2, "count": 1, "branches": branches, "gcovr/noncode": False},
                 {"line_number": first + 3, "count": 0, "branches": [], "gcovr/noncode": False},
                 {"line_number": 1, "count": 0, "branches": [], "gcovr/noncode": True}]
        found = coverage.keys_of({"files": [{"file": FILE, "lines": lines}]})
        self.assertEqual({key: reached for key, (reached, _) in found.items()},
                         {"memory_map.c sort_edges line 1": True, "memory_map.c sort_edges branch 1": True,
                          "memory_map.c sort_edges branch 2": False, "memory_map.c sort_edges line 2": False})


tap.main()
