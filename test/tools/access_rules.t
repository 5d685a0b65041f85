#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules by which `why` judges, on tables that are made up. debug.t asks the processor."""

import re
import unittest

import tap
import access_rules as rules
import tables
from access_rules import State

P, W, U, A, D, PS, XD = 1, 2, 4, 32, 64, 128, 1 << 63
ROOT, LEAF = 0x1000, 0x7000
FULL = State(cr0=rules.CR0_PG | rules.CR0_WP, cr3=ROOT, efer=rules.EFER_LMA | rules.EFER_NXE,
             cr4=rules.CR4_PAE | rules.CR4_SMEP | rules.CR4_SMAP)
PROCESSOR = tables.Processor(physical_bits=40)


class Memory:
    """One table per level at 0x1000, 0x2000, ... with the given entry in slot 0."""

    def __init__(self, *entries):
        self._entries = entries

    def table(self, address):
        found = [0] * 512
        found[0] = self._entries[address // 0x1000 - 1]
        return found


def judge(leaf, access="r", user=False, above=P | W | U, processor=PROCESSOR, **changes):
    """The answer for a 4 KiB page at 0 whose upper entries are all alike."""
    state = State(**{**vars(FULL), **changes})
    memory = Memory(above | 0x2000, above | 0x3000, above | 0x4000, leaf)
    met = tables.path(memory, ROOT, processor, 0)
    return rules.judge(state, processor, met, 0, access, user)


class Rules(unittest.TestCase):
    def fails(self, code, reason, *arguments, **named):
        answer = judge(*arguments, **named)
        self.assertEqual((answer.fault, answer.error_code), ("#PF", code), answer.reasons)
        self.assertRegex("; ".join(answer.reasons), reason)
        return answer

    def succeeds(self, *arguments, **named):
        answer = judge(*arguments, **named)
        self.assertEqual((answer.fault, answer.error_code, answer.reasons), ("", 0, []))
        return answer

    def test_supervisor_page(self):
        """why: a supervisor page, for supervisor and user"""
        for access in "rwx":
            self.succeeds(P | W | LEAF, access)
        self.fails(3, r"R/W \(bit 1\) is 0", P | LEAF, "w")
        self.fails(0x11, r"XD \(bit 63\) is 1", P | XD | LEAF, "x")
        self.fails(5, r"P1.*U/S \(bit 2\) is 0", P | W | LEAF, "r", user=True)
        self.fails(7, "U/S", P | W | LEAF, "w", user=True)
        self.fails(0x15, "U/S", P | W | LEAF, "x", user=True)

    def test_write_protect(self):
        """why: without CR0.WP a supervisor may write what is read-only, a user may not"""
        answer = self.succeeds(P | LEAF, "w", cr0=rules.CR0_PG)
        self.assertRegex(answer.notes[0], "does not matter .* CR0.WP = 0")
        self.fails(7, "R/W", P | U | LEAF, "w", user=True, cr0=rules.CR0_PG)

    def test_upper_levels(self):
        """why: every entry that forbids the access is named"""
        answer = self.fails(3, "P4", P | LEAF, "w", above=P | U)
        self.assertEqual([reason[:2] for reason in answer.reasons], ["P4", "P3", "P2", "P1"])
        self.fails(0x11, "P4.*XD", P | LEAF, "x", above=P | W | U | XD)
        self.succeeds(P | U | W | LEAF, above=P | W)  # a supervisor page, since U/S is not 1 everywhere

    def test_smep_smap(self):
        """why: a supervisor on a user page: SMEP, SMAP, RFLAGS.AC"""
        page = P | W | U | LEAF
        self.fails(1, "SMAP", page, "r")
        self.fails(3, "SMAP", page, "w")
        self.fails(0x11, "SMEP", page, "x")
        self.fails(0x11, "SMEP", page, "x", rflags=rules.RFLAGS_AC)
        self.assertRegex(self.succeeds(page, "w", rflags=rules.RFLAGS_AC).notes[0], "RFLAGS.AC = 1")
        for access in "rwx":
            self.succeeds(page, access, cr4=rules.CR4_PAE)
            self.succeeds(page, access, user=True)

    def test_no_execute(self):
        """why: XD is a reserved bit without EFER.NXE, and fetches are then told apart only with SMEP"""
        old = tables.Processor(physical_bits=40, no_execute=False)
        self.fails(9, "EFER.NXE is 0", P | XD | LEAF, "r", efer=rules.EFER_LMA, processor=old)
        self.fails(0x10, "P .bit 0. is 0", LEAF, "x", efer=rules.EFER_LMA)
        self.fails(0, "P .bit 0. is 0", LEAF, "x", efer=rules.EFER_LMA, cr4=rules.CR4_PAE)

    def test_keys(self):
        """why: protection keys, of user pages and data only"""
        page, keys = P | W | U | 5 << 59 | LEAF, FULL.cr4 & ~rules.CR4_SMAP | rules.CR4_PKE
        for user in (False, True):
            self.fails(0x21 | 4 * user, "AD set for key 5", page, "r", user=user, cr4=keys, pkru=1 << 10)
            self.fails(0x23 | 4 * user, "WD set for key 5", page, "w", user=user, cr4=keys, pkru=2 << 10)
            self.succeeds(page, "r", user=user, cr4=keys, pkru=2 << 10)
            self.succeeds(page, "w", user=user, cr4=keys, pkru=3 << 8)
        self.succeeds(page, "w", cr4=keys, pkru=2 << 10, cr0=rules.CR0_PG)
        self.succeeds(page, "x", user=True, cr4=keys, pkru=1 << 10)
        self.succeeds(page & ~U, "w", cr4=keys, pkru=1 << 10)
        self.assertRegex(self.succeeds(page, "w", user=True, cr4=keys).notes[0], "could not be read.*key 5")

    def test_reserved(self):
        """why: each kind of reserved bit is told"""
        self.fails(9, r"beyond the 40 of MAXPHYADDR: 10000000000\b", P | W | 1 << 40 | LEAF)
        self.fails(9, "no page is as large", P | LEAF, above=P | W | U | PS)
        small = tables.Processor(physical_bits=40, gib_pages=False)
        met = tables.path(Memory(P | W | 0x2000, P | PS), ROOT, small, 0)
        answer = rules.judge(FULL, small, met, 0, "w", False)
        self.assertEqual(answer.error_code, 0xb)
        self.assertRegex(answer.reasons[0], "no 1 GiB pages")
        met = tables.path(Memory(P | W | 0x2000, P | W | 0x3000, P | PS | 1 << 14), ROOT, PROCESSOR, 0)
        self.assertRegex(rules.judge(FULL, PROCESSOR, met, 0, "r", False).reasons[0],
                         "not a multiple of its size: 4000 ")

    def test_not_canonical(self):
        """why: a #GP for an address that is not canonical, with four levels and with five"""
        for levels, first in ((4, 1 << 47), (5, 1 << 56)):
            processor = tables.Processor(levels=levels)
            for address, canonical in ((first - 1, True), (first, False), ((1 << 64) - first, True),
                                       ((1 << 64) - first - 1, False)):
                memory = Memory(*[0] * 5)
                met = tables.path(memory, ROOT, processor, address)
                answer = rules.judge(FULL, processor, met, address, "r", False)
                self.assertEqual(answer.fault, "#PF" if canonical else "#GP")

    def test_words(self):
        """pt-walk: flags by the manual's names"""
        def flags(level, entry):
            kind = tables.kind_of(PROCESSOR, entry, level)
            return rules.flags_of(tables.Met(kind, level, 0, entry, 0, 0, 7), PROCESSOR)
        self.assertEqual(flags(4, P | W | U | A | 0x2000), "P RW US A")
        self.assertEqual(flags(1, P | W | A | D | PS | 1 << 8 | XD | 3 << 59), "P RW A D G PAT XD key=3")
        self.assertEqual(flags(2, P | PS | 1 << 12 | 8 | 16), "P PWT PCD PS PAT")
        self.assertEqual(flags(1, P | 5 << 9 | 1 << 52), "P system=d")
        self.assertEqual(flags(3, 0), "not present")
        self.assertRegex(flags(1, 0x1230), "system's: 1230")
        self.assertRegex(flags(4, P | PS), "P PS RESERVED: PS")

    def test_unjudged(self):
        """why: says what it does not judge"""
        self.assertEqual(list(rules.unjudged(FULL)), [])
        said = list(rules.unjudged(State(0, 0, rules.CR4_CET | rules.CR4_PKS, 0)))
        self.assertEqual([bool(re.search("not judged", line)) for line in said], [True, True])


if __name__ == "__main__":
    tap.main()
