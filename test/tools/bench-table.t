#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A log's measurements become a table, or a sentence that says why not."""

import tempfile
import unittest
from pathlib import Path

import tap

LINES = """\
BdsDxe: starting
# levels=4
KTAP version 1
# bench_counter=instructions scale=128
# bench_step_find_our_image=instructions=1000 console=900 find our image
# bench_step_cross_over=instructions=50 console=0 cross over
# bench_entry=instructions=1050 console=900
# bench_empty=calls=100 instructions=905
# bench_map_to=calls=100 pages=100 instructions=4250 flushes=5 full_flushes=0 tables=10
# bench_unmap_range=calls=1 pages=16384 instructions=4096 flushes=40 full_flushes=1 tables=-34
"""


class BenchTable(unittest.TestCase):
    def print(self, text):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            log.write_bytes(text.replace("\n", "\r\n").encode())
            return tap.run_tool("bench-table", log)

    def refused(self, sentence, text):
        result = self.print(text)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(sentence, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def row(self, text, name):
        return [line.removeprefix(name).split() for line in text.splitlines() if line.startswith(name + " ")]

    def test_table(self):
        """bench-table: each operation per call and per page, with its flushes and tables"""
        result = self.print(LINES)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.row(result.stdout, "map_to"),
                         [["100", "1", "42.5", "42.50", "0.050", "0.00", "+10"]])
        self.assertEqual(self.row(result.stdout, "unmap_range"),
                         [["1", "16384", "4096.0", "0.25", "40.000", "1.00", "-34"]])
        self.assertIn("9.05 instructions per call", result.stdout)

    def test_way(self):
        """bench-table: the steps from the entry to our own tables, with and without the console"""
        text = self.print(LINES).stdout
        self.assertEqual(self.row(text, "find our image"), [["1000", "900", "100"]])
        self.assertEqual(self.row(text, "cross over"), [["50", "0", "50"]])
        self.assertIn("1050 instructions, 150 without the console", text)

    def test_cycles(self):
        """bench-table: cycles are never called instructions"""
        result = self.print(LINES.replace("scale=128", "scale=0").replace("instructions", "cycles"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("cycles/call", result.stdout)
        self.assertNotIn("instructions", result.stdout)

    def test_nothing(self):
        """bench-table: a log without measurements, or with none of an operation, is refused"""
        self.refused("no measurements in this log", "")
        self.refused("no measurements in this log", "KTAP version 1\n# levels=4\n")
        self.refused("no operation was measured", "".join(LINES.splitlines(keepends=True)[:7]))

    def test_garbled(self):
        """bench-table: lines that are cut off or disagree about the unit are refused, by name"""
        self.refused("bench_map_to: not understood", LINES.replace(" flushes=5", ""))
        self.refused("bench_map_to: not understood", LINES.replace("flushes=5", "flushes=many"))
        self.refused("bench_map_to: not understood", LINES.replace("instructions=4250", "cycles=4250"))
        self.refused("bench_map_to: measured nothing", LINES.replace("calls=100 pages", "calls=0 pages"))
        self.refused("bench_step_cross_over: not understood", LINES.replace("instructions=50 ", ""))
        self.refused("bench_entry: not understood", LINES.replace("# bench_entry", "# entry"))

    def test_no_log(self):
        """bench-table: a log that is not there"""
        result = tap.run_tool("bench-table", "/none-such")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("none-such", result.stderr)


tap.main()
