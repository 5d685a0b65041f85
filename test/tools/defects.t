#!/usr/bin/env python3
"""The lists of defects: what a line replaces is there, so that none is out of date before anybody looks."""

import unittest

import tap


def rows(table):
    lines = (tap.ROOT / table).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split(" ~ ")] for line in lines
            if line.strip() and not line.startswith("#")]


class Defects(unittest.TestCase):
    def judge(self, table, column, folders):
        """A line names its file in this column, and ends with the text and what it becomes."""
        found = rows(table)
        self.assertGreater(len(found), 10)
        for row in found:
            with self.subTest(row=row):
                self.assertEqual(len(row), 4)
                places = [tap.ROOT / folder / row[column] for folder in folders]
                text = next(place for place in places if place.exists()).read_text(encoding="utf-8")
                self.assertEqual(text.count(row[2]), 1)
                self.assertNotEqual(row[2], row[3])

    def test_proof(self):
        """proof-defects: what a line replaces stands there once"""
        self.judge("test/proof/defects", 1, ("paging", "kernel"))

    def test_frama(self):
        """frama-defects: what a line replaces stands there once"""
        self.judge("test/frama/defects", 0, ("kernel",))


tap.main()
