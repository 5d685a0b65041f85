#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test/boot/machines: which machines there are, and what is expected of one."""

import importlib.machinery
import importlib.util
import sys
import unittest
from itertools import combinations

import tap

loader = importlib.machinery.SourceFileLoader("machines", str(tap.ROOT / "test/boot/machines"))
machines = importlib.util.module_from_spec(importlib.util.spec_from_loader("machines", loader))
sys.modules["machines"] = machines  # where dataclasses look for it
loader.exec_module(machines)

FACTS = {"firmware": "EDK II", "levels": "4", "framebuffer": "800x600", "screen": "800x600 stride 800",
         "frames_usable": "120000", "has_no_execute": "1", "has_1g_pages": "1"}


class Found:
    """A verdict on a machine that passed."""
    passed, contradictions, sentence, facts = True, [], "", {}


def failed(facts, **values):
    named = {name: known[0] for name, known in machines.PROPERTIES.items()} | values
    Found.facts = FACTS | facts
    kind = machines.Kind(tuple(named.values()))
    return [what for what, holds, _ in machines.checks_of(kind, Found) if not holds]


class Machines(unittest.TestCase):
    def test_pairs(self):
        """machines: any two properties meet in one unless a reason is named; no machine is impossible"""
        self.assertEqual(machines.pairs_missing(), [])
        for kind in machines.kinds():
            named = list(zip(machines.PROPERTIES, kind.values))
            for one, other in combinations(named, 2):
                self.assertEqual(machines.reason_against(*one, *other), "", kind.name)

    def test_not_the_machine(self):
        """machines: one that passes, but is not what was wanted, fails"""
        self.assertEqual(failed({}), [])
        self.assertEqual(failed({"levels": "4"}, levels="5"), ["levels: 5"])
        self.assertEqual(failed({"firmware": "Das U-Boot"}), ["firmware: EDK II"])
        self.assertEqual(failed({"framebuffer": "none", "screen": "none: why"}), ["screen: yes"])
        self.assertEqual(failed({}, display="none"), ["screen: no, with a reason"])
        self.assertEqual(failed({"framebuffer": "none", "screen": "none: why"}, display="none"), [])
        self.assertEqual(failed({"frames_usable": "60000"}), ["most of 512M can be used"])
        self.assertEqual(failed({"frames_usable": "x"}), ["most of 512M can be used"])
        self.assertEqual(failed({}, cpu="max,nx=off"), ["no no-execute bit"])
        self.assertEqual(failed({}, cpu="max,pdpe1gb=off"), ["no pages of 1 GiB"])


tap.main()
