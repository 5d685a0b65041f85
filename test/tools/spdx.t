#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source names its licence, and one that does not is noticed."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

TOOL = tap.ROOT / "test/spdx"
LINE = "SPDX-License-Identifier: MIT"
FILES = {"a.c": "/* a.c - nothing. */\n", "b.h": "/*\n * b.h - nothing.\n */\n", "c.S": "nop\n",
         "d.py": '"""Nothing."""\n',
         "script": "#!/bin/sh\n# script - nothing.\n", "Makefile": "all:\n", "e.lds": "SECTIONS {}\n"}
OTHERS = {"README.md": "# Nothing\n", "data.txt": "1 2 3\n", "picture.png": "\x89"}


class Spdx(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        for name, text in {**FILES, **OTHERS}.items():
            (self.place / name).write_text(text, encoding="latin-1")

    def run_tool(self, *arguments):
        return subprocess.run([str(TOOL), *arguments, str(self.place)], capture_output=True, text=True,
                              check=False, timeout=tap.PATIENCE)

    def test_noticed(self):
        """spdx: each source without the line is named, and nothing else"""
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertEqual({line.split(":")[0] for line in result.stdout.splitlines()}, set(FILES))

    def test_added(self):
        """spdx: the line is added once, behind that of the interpreter, and the rest stays"""
        for _ in range(2):
            self.assertEqual(self.run_tool("--add").returncode, 0)
        for name, text in FILES.items():
            lines = (self.place / name).read_text(encoding="utf-8").splitlines(keepends=True)
            added = [number for number, line in enumerate(lines) if LINE in line]
            self.assertEqual(added, [1 if text.startswith("#!") else 0], name)
            self.assertEqual("".join(line for line in lines if LINE not in line), text)
        for name, text in OTHERS.items():
            self.assertEqual((self.place / name).read_text(encoding="latin-1"), text)
        self.assertEqual((self.run_tool().returncode, self.run_tool().stdout), (0, ""))

    def test_late(self):
        """spdx: further down than the second line it does not count"""
        (self.place / "f.c").write_text(f"\n\n/* {LINE} */\n", encoding="utf-8")
        self.assertIn("f.c: ", self.run_tool().stdout)


tap.main()
