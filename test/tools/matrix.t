#!/usr/bin/env python3
"""test/boot/matrix: how the cases of a report are counted."""

import importlib.machinery
import importlib.util
import unittest

import tap

loader = importlib.machinery.SourceFileLoader("matrix", str(tap.ROOT / "test/boot/matrix"))
matrix = importlib.util.module_from_spec(importlib.util.spec_from_loader("matrix", loader))
loader.exec_module(matrix)


class Matrix(unittest.TestCase):
    def test_count(self):
        """matrix: cases are summed over the products, and deviations by kind"""
        facts = {"matrix_4k": "cases=10 faults=9 cycles=5 accepted=6", "levels": "4",
                 "matrix_keys": "cases=5 faults=1 cycles=5 accepted=11",
                 "deviation_reserved": "cases=12 in QEMU", "deviation_implicit": "cases=5 in QEMU"}
        self.assertEqual(matrix.count(facts, "cases"), 15)
        self.assertEqual(matrix.count(facts, "accepted"), 17)
        self.assertEqual(matrix.deviations(facts), "12 reserved, 5 implicit")


tap.main()
