#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compile_commands.json has a command for each source, and clang accepts it."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

TOOL = tap.TOOLS / "compile-commands"
SAMPLE = ("paging/src/map.c", "kernel/cpu/exceptions.c", "kernel/cpu/exception_entries.S", "efi/main.c",
          "test/host/rig/rig.c", "test/host/kernel/test_stack_trace.c", "test/explore/explore.c",
          "test/bench/rows.c")


class CompileCommands(unittest.TestCase):
    def convert(self, text):
        return subprocess.run([TOOL], input=text, capture_output=True, text=True, check=False, cwd="/")

    def test_from_make(self):
        """compile-commands: the first command for each source, without what clang refuses"""
        run = self.convert("mkdir -p x\ngcc -O2 -MMD -MP -c a/b.c -o x/b.o\ngcc -O0 -c a/b.c -o y/b.o\n"
                           "it's not whole\n  printf 'gcc -c no.c'\n"
                           "gcc -nostdinc -isystem /gcc -DX='\"1 2\"' -c c.c -o c.o\n"
                           "gcc b.o -o program\n")
        self.assertEqual(run.returncode, 0, run.stderr)
        first, second = json.loads(run.stdout)
        self.assertEqual({key: first[key] for key in ("directory", "file", "output")},
                         {"directory": "/", "file": "a/b.c", "output": "x/b.o"})
        self.assertEqual(first["arguments"][:5], ["gcc", "-O2", "-c", "a/b.c", "-o"])
        self.assertEqual(second["arguments"][:4], ["gcc", "-nostdlibinc", '-DX="1 2"', "-c"])

    def test_nothing(self):
        """compile-commands: input without a command is refused"""
        for text in ("", "make: *** No rule\n"):
            run = self.convert(text)
            self.assertEqual((run.returncode, run.stdout), (2, ""))
            self.assertIn("nothing is compiled", run.stderr)

    def test_repository(self):
        """compile_commands.json: every source of this Makefile that must compile"""
        path = tap.ROOT / "compile_commands.json"
        existed = path.exists()
        environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        run = subprocess.run(["make", "-s", "--no-print-directory", "compile_commands.json"], cwd=tap.ROOT,
                             env=environment, capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        found = {entry["file"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}
        if not existed:
            path.unlink()
        sources = {str(source.relative_to(tap.ROOT)) for folder in ("paging", "kernel", "efi", "test")
                   for source in (tap.ROOT / folder).rglob("*.c")
                   if not {"reject", "users"} & set(source.parts)}
        self.assertEqual(sources - set(found), set())
        for source in SAMPLE:
            entry = found[source]
            with tempfile.TemporaryDirectory() as folder:
                words = ["clang", *entry["arguments"][1:]]
                words[words.index("-o") + 1] = str(Path(folder) / "out.o")
                run = subprocess.run([*words, "-fsyntax-only"], cwd=entry["directory"], capture_output=True,
                                     text=True, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""), source)


if __name__ == "__main__":
    tap.main()
