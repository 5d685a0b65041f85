#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gate on instruction counts: it lets through what it should, and nothing else."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tap

BENCH = tap.ROOT / "test" / "bench"
sys.path.insert(0, str(BENCH))
import bench  # noqa: E402

DUMPS = """\
version: 1
creator: callgrind
positions: line
events: Ir
summary: 3600

part: 1
desc: Timerange: Basic block 0 - 100
desc: Trigger: Client Request: map/offset4/core
events: Ir
fn=loop
0 40
cfn=map
calls=10 0
0 560
fn=map
0 100
+3 -0
cfn=bench_table_zero
calls=4 0
0 460
fn=bench_table_zero
0 460
totals: 600

part: 2
desc: Trigger: Client Request: map/offset4/limit
events: Ir
fn=loop
0 30
totals: 30

part: 3
desc: Trigger: Program termination
events: Ir
totals: 0
"""


class Gate(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.counts, self.compiler = bench.read_counts(BENCH / "counts")
        self.key = ("map-1g", "window4")

    def file(self, name, counts, compiler=None):
        path = self.root / name
        path.write_text(bench.format_counts(counts, compiler or self.compiler), encoding="utf-8")
        return path

    def check(self, changes=None, without=None, compiler=None):
        """The gate with the file changed: {key: (factor of instructions, factor of zeroed tables)}."""
        allowed = {key: tuple(a * b for a, b in zip(counts, (changes or {}).get(key, (1, 1))))
                   for key, counts in self.counts.items() if key != without}
        return subprocess.run([str(BENCH / "bench.py"), "check", "--allowed",
                               str(self.file("allowed", allowed, compiler)), "--measured",
                               str(self.file("measured", self.counts))], capture_output=True, text=True,
                              timeout=tap.PATIENCE, check=False)

    def failures(self, result):
        return [line for line in result.stdout.splitlines() if line.startswith("not ok")]

    def test_same(self):
        """bench: equal counts pass, a line for each row"""
        result = self.check()
        self.assertEqual((result.returncode, self.failures(result)), (0, []))
        self.assertEqual(result.stdout.count("\nok "), len(self.counts))
        self.assertNotIn("now less", result.stdout)

    def test_more(self):
        """bench: 4 percent more instructions than the file allows fail, 2 percent pass"""
        result = self.check({self.key: (1 / 1.04, 1)})
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(self.failures(result)), 1)
        self.assertIn("instructions: map-1g window4", self.failures(result)[0])
        self.assertEqual(self.check({self.key: (1 / 1.02, 1)}).returncode, 0)

    def test_every_row(self):
        """bench: no row may grow unnoticed"""
        result = self.check({key: (0.96, 1) for key in self.counts})
        self.assertEqual(len(self.failures(result)), len(self.counts))

    def test_zeroed(self):
        """bench: more zeroed tables fail too, also where there were none"""
        self.assertEqual(self.check({self.key: (1, 0.5)}).returncode, 1)
        zeroes = {key: (counts[0], 0) for key, counts in self.counts.items()}
        self.assertGreater(self.counts[self.key][1], 0)
        self.assertIn(False, [good for good, _, _ in bench.judge(zeroes, self.counts)])

    def test_less(self):
        """bench: 4 percent less is named and passes"""
        result = self.check({self.key: (1 / 0.96, 1)})
        self.assertEqual(result.returncode, 0)
        self.assertIn("# map-1g window4: now less: renew the file with make bench-counts", result.stdout)

    def test_rows(self):
        """bench: a row that is missing on either side fails"""
        result = self.check(without=self.key)
        self.assertEqual((result.returncode, len(self.failures(result))), (1, 1))
        self.assertIn("is not in the file", result.stdout)
        judged = [what for good, what, _ in bench.judge({**self.counts, ("x", "y"): (1, 0)}, self.counts)
                  if not good]
        self.assertEqual(judged, ["x y"])

    def test_compiler(self):
        """bench: another compiler than the file's is named"""
        self.assertIn("# the file was counted with gcc 1, this is", self.check(compiler="gcc 1").stdout)

    def test_bad_file(self):
        """bench: a file with a bad or doubled line is an error of its own, not a pass"""
        for text in ("map-1g window4 1\n", "a b 1 0\na b 1 0\n", "a b x 0\n"):
            path = self.root / "bad"
            path.write_text(text, encoding="utf-8")
            result = subprocess.run([str(BENCH / "bench.py"), "check", "--allowed", str(path), "--measured",
                                     str(BENCH / "counts")], capture_output=True, text=True,
                                    timeout=tap.PATIENCE,
                                    check=False)
            self.assertEqual((result.returncode, result.stdout), (2, ""))

    def test_dumps(self):
        """bench: callgrind's dumps are added up without the zeroing"""
        dumps = bench.parse_dumps(DUMPS)
        self.assertEqual(dumps["map/offset4/core"], 140)
        self.assertEqual(dumps["map/offset4/limit"], 30)
        with self.assertRaises(bench.BenchError):
            bench.parse_dumps(DUMPS.replace("totals: 600", "totals: 601"))

    def test_verdict(self):
        """bench: a row is over by its ratio, its instructions without the loop, or its tables"""
        row = {"world": "window4", "most_percent": 120, "most_instructions": 44, "permille": 1200,
               "tables": 3, "minimum": 3}
        counts = {"core": 54, "loop": 10}
        self.assertEqual(bench.verdict(row, counts), ("1.20 44 i", "ok"))
        self.assertEqual(bench.verdict({**row, "permille": 1201}, counts)[1], "over")
        self.assertEqual(bench.verdict(row, {**counts, "core": 54.1})[1], "over")
        self.assertEqual(bench.verdict({**row, "world": "offset5"}, {**counts, "core": 99})[1], "ok")
        self.assertEqual(bench.verdict({**row, "tables": 4}, counts)[1], "over")
        self.assertEqual(bench.verdict({**row, "most_percent": 0, "most_instructions": 0}, counts), ("", ""))


tap.main()
