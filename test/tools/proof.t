#!/usr/bin/env python3
"""test/proof/prove: what is false, empty or undefined is never called proved."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

THEME = """
#include "core.h"
THEOREM("false") { claim(anything("x") != 5); }
THEOREM("true") { uint64_t x = anything("x"); claim((x ^ x) == 0); }
THEOREM("empty") { uint64_t x = anything("x"); assume(x < 1); assume(x > 1); claim(x == 7); }
FALLACY("no fallacy") { uint64_t x = anything("x"); claim((x & 1) < 2); }
THEOREM("undefined shift") { uint64_t x = anything("x"); claim(x >> x == x >> x); }
THEOREM("undefined division") { uint64_t x = anything("x"); claim(x / x == 1 || x == 0); }
"""
NO_VALUE = """
#include "core.h"
THEOREM("a word without a value") { uint64_t x; claim(x == x); }
"""
MOVED_POINTER = """
#include "core.h"
static inline paging_entry_t machine_load(uint64_t) { return {0}; }
static inline void machine_store(uint64_t, uint64_t) {}
static inline void machine_flush(uint64_t) {}
#include "access.h"
THEOREM("p + 1") { paging_entry_load((const volatile paging_entry_t *)anything("p") + 1); }
"""


class Prove(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(dir=tap.ROOT / "build")
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def built(self, text):
        """The theme as the Makefile builds one, under the name of a theme that there is."""
        (self.place / "entry.cpp").write_text(text)
        place = self.place.relative_to(tap.ROOT)
        subprocess.run(["make", "--no-print-directory", "-s", f"PROOF_B={place}", f"PROOF_SOURCES={place}",
                        "PROOF_WARNINGS=-w", f"{place}/entry"], cwd=tap.ROOT, check=True,
                       capture_output=True, timeout=60)
        return self.place / "entry"

    def test_verdicts(self):
        """prove: what is false, empty or undefined is not ok, a true fallacy neither; what is true is ok"""
        result = subprocess.run([tap.ROOT / "test/proof/prove", self.built(THEME)], capture_output=True,
                                text=True, check=False, timeout=60)
        verdicts = dict((name, word) for word, name in
                        re.findall(r"^((?:not )?ok) \d+ - (?:refuted: )?(.*?)  #", result.stdout, re.M))
        self.assertEqual(result.returncode, 1)
        self.assertEqual(verdicts, {"false": "not ok", "true": "ok", "empty": "not ok",
                                    "no fallacy": "not ok", "undefined shift": "not ok",
                                    "undefined division": "not ok"})
        self.assertIn("x = #x0000000000000005", result.stdout)
        self.assertIn("nothing reaches its end", result.stdout)

    def test_no_value(self):
        """prove: a word that was given no value ends the program"""
        result = subprocess.run([self.built(NO_VALUE)], capture_output=True, text=True, check=False,
                                timeout=9)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("has no value", result.stderr)

    def test_moved_pointer(self):
        """prove: a pointer that was moved without the engine's knowledge ends the program"""
        result = subprocess.run([self.built(MOVED_POINTER)], capture_output=True, text=True, check=False,
                                timeout=9)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("no address under proof", result.stderr)


tap.main()
