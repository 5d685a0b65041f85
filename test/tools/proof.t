#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test/proof/prove: it proves no theorem that is false, empty or undefined."""

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
#include <selfmap/access.h>
THEOREM("p + 65536") { paging_entry_load((const volatile paging_entry_t *)anything("p") + 65536); }
"""
STORE = """
#include "core.h"
#include <selfmap/access.h>
THEOREM("a store") { paging_entry_store((volatile paging_entry_t *)anything("p"), {0}); }
"""


class Prove(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(dir=tap.ROOT / "build")
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def built(self, text):
        """Build the text as a theme, under the name of an existing one. Return the program."""
        (self.place / "entry.cpp").write_text(text)
        place = self.place.relative_to(tap.ROOT)
        result = subprocess.run(["make", "--no-print-directory", "-s", f"PROOF_B={place}",
                                 f"PROOF_SOURCES={place}", "PROOF_WARNINGS=-w", f"{place}/entry"],
                                cwd=tap.ROOT, check=False, capture_output=True, text=True,
                                timeout=tap.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.place / "entry"

    def test_verdicts(self):
        """prove: a theorem that is false, empty or undefined is not ok, nor a fallacy that is true"""
        result = subprocess.run([tap.ROOT / "test/proof/prove", self.built(THEME)], capture_output=True,
                                text=True, check=False, timeout=tap.PATIENCE)
        verdicts = dict((name, word) for word, name in
                        re.findall(r"^((?:not )?ok) \d+ - (?:refuted: )?(.*?)  #", result.stdout, re.M))
        self.assertEqual(result.returncode, 1)
        self.assertEqual(verdicts, {"false": "not ok", "true": "ok", "empty": "not ok",
                                    "no fallacy": "not ok", "undefined shift": "not ok",
                                    "undefined division": "not ok"})
        self.assertIn("x = #x0000000000000005", result.stdout)
        self.assertIn("no path reaches its end", result.stdout)

    def test_no_value(self):
        """prove: a word without a value ends the program"""
        result = subprocess.run([self.built(NO_VALUE)], capture_output=True, text=True, check=False,
                                timeout=tap.PATIENCE)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("has no value", result.stderr)

    def test_moved_pointer(self):
        """prove: a symbolic pointer that was moved by 512 KiB ends the program"""
        result = subprocess.run([self.built(MOVED_POINTER)], capture_output=True, text=True, check=False,
                                timeout=tap.PATIENCE)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("not a symbolic address", result.stderr)

    def test_store(self):
        """prove: a theorem that stores to symbolic memory is not ok"""
        result = subprocess.run([tap.ROOT / "test/proof/prove", self.built(STORE)], capture_output=True,
                                text=True, check=False, timeout=tap.PATIENCE)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not ok 1 - a store", result.stdout)


tap.main()
