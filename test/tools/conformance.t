#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test/conformance: what is read out of a report, and the page that is made of it."""

import contextlib
import importlib.machinery
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path

import tap

loader = importlib.machinery.SourceFileLoader("conformance", str(tap.ROOT / "test/conformance/run"))
conformance = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance", loader))
loader.exec_module(conformance)

CASE = ["# differs: ring 0, read of a 4 KiB page at 0000648240200000",
        "#   P1 entry 0000000000200005: present user; afterwards 0, should be 1", "#   predicted: no fault"]
TEXT = "\n".join(["# smallest: of 7 cases, deviation_reserved", *CASE, "ok 1 - something",
                  "# smallest: of 2 cases, allowed instead of refused; SDM 3A 4.6.1", CASE[0], CASE[2],
                  "# x=1"])
FACTS = {"matrix_4k": "cases=1000 faults=900 cycles=5 accepted=7",
         "differences_4k": "allowed=2 refused=0 error_code=0 address=0 marks=0 word=0",
         "matrix_keys": "cases=500 faults=10 cycles=5 accepted=0",
         "differences_keys": "allowed=0 refused=1 error_code=0 address=0 marks=0 word=0",
         "deviation_reserved": "cases=7 in QEMU 7.2, against SDM 3A 4.7: the code lacks PRESENT",
         "deviation_implicit": "cases=0 in QEMU 7.2, against SDM 3A 4.6.1: something",
         "processor": "A processor", "levels": "4", "physical_bits": "40", "has_no_execute": "1",
         "has_1g_pages": "0", "smep": "1", "smap": "0", "firmware": "A firmware"}


def tried(**facts):
    return conformance.Tried("name", "QEMU emulator version 7.2.22", FACTS | facts, TEXT)


class Conformance(unittest.TestCase):
    def test_counts(self):
        """conformance: cases are summed over the groups, and deviations are those that were met"""
        self.assertEqual(tried().total("cases"), 1500)
        self.assertEqual(tried().total("allowed"), 2)
        self.assertEqual(tried().total("refused"), 1)
        self.assertEqual(list(tried().groups), ["4k", "keys"])
        self.assertEqual(tried().deviations, {"reserved": (7, "4.7", "the code lacks PRESENT")})

    def test_examples(self):
        """conformance: the smallest cases are read with all of their lines, and nothing else"""
        found = conformance.access_report.examples(TEXT)
        self.assertEqual([e.about for e in found], ["of 7 cases, deviation_reserved",
                                                    "of 2 cases, allowed instead of refused; SDM 3A 4.6.1"])
        self.assertEqual([len(e.lines) for e in found], [3, 2])
        self.assertEqual(found[0].lines[0], "differs: ring 0, read of a 4 KiB page at 0000648240200000")

    def test_checks(self):
        """conformance: an unknown difference, another version of the emulator and too few cases fail"""
        class Found:
            passed, contradictions, sentence = True, [], ""

        def failed(processor, one):
            return [what for what, holds, _ in conformance.checks_of(processor, one, Found) if not holds]
        processors = conformance.configparser.ConfigParser()
        processors.read_string("[a]\nversion = 7.2\ncases = 1500\n[b]\nversion = 7.1\ncases = 1501\n")
        good = {"differences_4k": "allowed=0 refused=0 error_code=0 address=0 marks=0 word=0"}
        good["differences_keys"] = good["differences_4k"]
        self.assertEqual(failed(processors["a"], tried(**good)), [])
        self.assertEqual(failed(processors["a"], tried()), ["no case differs in a way that is not known"])
        self.assertEqual(failed(processors["b"], tried(**good)), ["the emulator is of version 7.1",
                                                                  "1501 cases at least"])
        for name in conformance.CLASSES:
            words = " ".join(f"{other}={int(other == name)}" for other in conformance.CLASSES)
            self.assertEqual(len(failed(processors["a"], tried(**good | {"differences_4k": words}))), 1, name)

    def test_page(self):
        """conformance: a page has processor, numbers, deviations with their cases, and unknown differences"""
        page = "\n".join(conformance.page_of(tried()))
        self.assertIn("# A processor on QEMU emulator version 7.2.22\n", page)
        self.assertIn("\n| 4 KiB pages | 1,000 | 900 | 7 | 2 | 0 | 0 | 0 | 0 | 0 |\n", page)
        self.assertIn("; no-execute, SMEP, protection keys. Firmware: A firmware.\n", page)
        self.assertIn("\n## reserved: the code lacks PRESENT\n\n7 cases. SDM 3A, 4.7, says otherwise.", page)
        self.assertIn("\n    differs: ring 0, read of a 4 KiB page at 0000648240200000\n", page)
        self.assertIn("\n## Not known: of 2 cases, allowed instead of refused; SDM 3A 4.6.1\n", page)
        self.assertNotIn("implicit", page)

    def test_summary(self):
        """conformance: the table has a line for each page that is there, in the order of the list"""
        names = conformance.read_processors().sections()
        with tempfile.TemporaryDirectory() as folder:
            for name in (names[3], names[1]):
                one = conformance.Tried(name, "version", FACTS, TEXT)
                Path(folder, f"{name}.md").write_text("\n".join(conformance.page_of(one)), encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                conformance.write_summary(Path(folder))
            lines = Path(folder, "processors.md").read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines if line.startswith("| [")]
        self.assertEqual([row.split("](")[1].split(")")[0] for row in rows],
                         [f"{names[1]}.md", f"{names[3]}.md"])
        self.assertIn("| version | 4 | 1,500 | 2 | 1 | 0 | 0 | 0 | 0 | reserved 7 |", rows[0])

    def test_processors(self):
        """conformance: each processor of the list says all that is needed, under a name with the version"""
        for name, processor in conformance.read_processors().items():
            if name != "DEFAULT":
                self.assertIn(processor["version"], name)
                self.assertGreater(processor.getint("cases"), 0)


tap.main()
