#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One configuration for all files of a program: its defaults, and that another one does not link."""

import itertools
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

INCLUDE = f"-I{tap.ROOT}/paging/include"
ENTRIES, NONE = 512, 512
# What the linker must name, and what refuses a value.
NAME = "paging_config_bits9_recursive{:03}_alternate{:03}_scratch{:03}"
CALLS = '#include <selfmap/status.h>\n#include <selfmap/translate.h>\n' \
        'const char *ask(enum paging_status status) { return paging_status_name(status); }\n'
INLINE = '#include <selfmap/entry.h>\n#include <selfmap/window.h>\n' \
         'uint64_t ask(uint64_t page);\n' \
         'uint64_t ask(uint64_t page) { return page << PAGING_INDEX_BITS; }\n'
# A program's other file, and the core's sources that it needs.
MAIN = "int main(void) { return 0; }\n"
CORE = ("config.c", "status.c")
# Compiler, flags for both, flags of the linker.
WAYS = [(compiler, flags, linker)
        for compiler in ("gcc", "clang")
        for flags, linker in (((), ()), (("-ffunction-sections", "-fdata-sections"), ("-Wl,--gc-sections",)),
                              (("-flto",), ()), (("-flto",), ("-Wl,--gc-sections",)))]
WAYS += [("gcc", (), ("-fuse-ld=gold", "-Wl,--gc-sections")),
         ("clang", (), ("-fuse-ld=lld", "-Wl,--gc-sections")),
         ("clang", ("-flto",), ("-fuse-ld=lld", "-Wl,--gc-sections"))]
ARCHIVERS = {"gcc": "gcc-ar", "clang": "llvm-ar"}


def there(*command):
    """Whether this machine has what the command needs; gold and lld need not be there."""
    return subprocess.run(command, capture_output=True, check=False, timeout=tap.PATIENCE).returncode == 0


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          timeout=tap.PATIENCE, **options)


def preprocess(text, *flags):
    return run("gcc", "-E", "-P", INCLUDE, *flags, "-", input=text)


def slots(*flags):
    """(bits, recursive, alternate, scratch) as the name of the symbol has them."""
    result = preprocess("#include <selfmap/config.h>\nPAGING_CONFIG_SYMBOL\n", *flags)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return tuple(map(int, re.findall(r"\d+", result.stdout.splitlines()[-1])))


class Defaults(unittest.TestCase):
    def test_application(self):
        """config: without a word the slots are 511, 510 and 509"""
        self.assertEqual(slots(), (9, 511, 510, 509))

    def test_recursive_alone(self):
        """config: wherever the recursive slot is, the others are in its half, and not at address 0"""
        for slot in (*range(6), *range(6, ENTRIES, 23), *range(252, 262), *range(506, ENTRIES)):
            bits, recursive, alternate, scratch = slots(f"-DPAGING_RECURSIVE_SLOT={slot}")
            self.assertEqual((bits, recursive), (9, slot))
            self.assertEqual(len({recursive, alternate, scratch}), 3, slot)
            self.assertEqual({recursive // 256, alternate // 256, scratch // 256}, {slot // 256}, slot)
            self.assertLessEqual(max(abs(alternate - slot), abs(scratch - slot)), 2, slot)
            self.assertGreater(scratch, 0)

    def test_examples(self):
        """config: the table in config.h is true"""
        text = (tap.ROOT / "paging/include/selfmap/config.h").read_text(encoding="utf-8")
        rows = [re.search(rf"^ \*   {name} slot +([\d ]+)$", text, re.M)[1].split()
                for name in ("recursive", "alternate", "scratch")]
        self.assertEqual({len(row) for row in rows}, {10})
        for recursive, alternate, scratch in zip(*rows):
            self.assertEqual(slots(f"-DPAGING_RECURSIVE_SLOT={recursive}"),
                             (9, *map(int, (recursive, alternate, scratch))))

    def test_values(self):
        """config: a value may be any number or expression, and the same value has the same name"""
        for text in ("0x1fe", "510u", "(PAGING_TABLE_ENTRIES-2)", "(500+10)"):
            self.assertEqual(slots(f"-DPAGING_RECURSIVE_SLOT={text}"), (9, 510, 509, 508))
        self.assertEqual(slots("-DPAGING_ALTERNATE_SLOT=7", "-DPAGING_SCRATCH_SLOT=PAGING_TABLE_ENTRIES"),
                         (9, 511, 7, NONE))

    def test_processors(self):
        """config: the number of processors is part of the name if there are several"""
        self.assertEqual(slots("-DPAGING_PROCESSORS=1"), (9, 511, 510, 509))
        self.assertEqual(slots("-DPAGING_PROCESSORS=16"), (9, 511, 510, 509, 16))

    def test_header(self):
        """config: PAGING_CONFIG_HEADER names a header with the values"""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "my.h").write_text("#define PAGING_RECURSIVE_SLOT 256\n", encoding="utf-8")
            for name in ('"my.h"', "<my.h>"):
                self.assertEqual(slots(f"-DPAGING_CONFIG_HEADER={name}", f"-I{folder}"), (9, 256, 257, 258))
            self.assertNotEqual(preprocess("#include <selfmap/config.h>", '-DPAGING_CONFIG_HEADER="no.h"'
                                           ).returncode, 0)

    def test_access(self):
        """config: the header may name those with the functions that touch the machine"""
        with tempfile.TemporaryDirectory() as folder:
            names = {"ACCESS": "access", "PROCESSOR": "processor_access"}
            for name, header in names.items():
                Path(folder, "my.h").write_text(f'#define PAGING_{name}_HEADER "mine.h"\n', encoding="utf-8")
                Path(folder, "mine.h").write_text(f"int my_{name};\n", encoding="utf-8")
                result = preprocess(f"#include <selfmap/{header}.h>\n", '-DPAGING_CONFIG_HEADER="my.h"',
                                    f"-I{folder}")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"int my_{name};", result.stdout)
                self.assertNotIn("volatile(", result.stdout)

    def test_toys(self):
        """config: in tables of 2 to 16 entries the slots differ or are not there"""
        for bits in (1, 2, 3, 4):
            for slot in range(1 << bits):
                _, *all_three = slots(f"-DPAGING_INDEX_BITS={bits}", f"-DPAGING_RECURSIVE_SLOT={slot}")
                used = [number for number in all_three if number < 1 << bits]
                self.assertEqual(len(used), len(set(used)))


class Linking(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)

    def compile(self, compiler, source, name, flags):
        """An object from a source of the project (a path) or from a text (C, or C++ for ++)."""
        if isinstance(source, str):
            path = self.place / (name + (".cpp" if compiler.endswith("++") else ".c"))
            path.write_text(source, encoding="utf-8")
            source = path
        result = run(compiler, "-O2", "-ffreestanding", INCLUDE, *flags, "-c", source, "-o",
                     self.place / name)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.place / name

    def library(self, compiler, flags):
        path = self.place / "core.a"
        path.unlink(missing_ok=True)
        objects = [self.compile(compiler, tap.ROOT / "paging/src" / name, name + ".o", flags)
                   for name in CORE]
        result = run(ARCHIVERS[compiler], "rcs", path, *objects)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    def link(self, compiler, linker, *files):
        return run(compiler, *linker, *files, "-o", self.place / "program")

    def check(self, compiler, flags, linker, text, front=None):
        """The same configuration links, another one does not, and the message names it."""
        front = front or compiler
        main = self.compile(compiler, MAIN, "main.o", flags)
        archive = self.library(compiler, flags)
        for slot in (511, 300):
            user = self.compile(front, text, "user.o", (*flags, f"-DPAGING_RECURSIVE_SLOT={slot}"))
            result = self.link(compiler, (*flags, *linker), main, user, archive)
            what = f"{front} {flags} {linker} {slot}: {result.stderr}"
            self.assertEqual(result.returncode == 0, slot == 511, what)
            if slot != 511:
                self.assertIn(NAME.format(300, 299, 298), result.stderr, what)

    def test_other_slot(self):
        """config: a file with another slot does not link: at -O2, with LTO, with gc-sections, and says why"""
        for (compiler, flags, linker), text in itertools.product(WAYS, (CALLS, INLINE)):
            lld = [flag for flag in linker if flag.startswith("-fuse-ld")]
            if lld and not there(compiler, *lld, "-Wl,--version", "-nostdlib", "-o", "/dev/null"):
                continue
            with self.subTest(f"{compiler} {flags} {linker}"):
                self.check(compiler, flags, linker, text)

    def test_cplusplus(self):
        """config: nor does a C++ file, whether it calls the core or not"""
        for compiler, front in (("gcc", "g++"), ("clang", "clang++")):
            for text in (CALLS, INLINE):
                self.check(compiler, (), ("-Wl,--gc-sections",), text, front)

    def test_headers_only(self):
        """config: a program without the library links only if it says PAGING_HEADERS_ONLY"""
        for compiler in ("gcc", "clang"):
            main = self.compile(compiler, MAIN, "main.o", ())
            user = self.compile(compiler, INLINE, "user.o", ("-DPAGING_HEADERS_ONLY",))
            self.assertEqual(self.link(compiler, (), main, user).returncode, 0)
            user = self.compile(compiler, INLINE, "user.o", ())
            self.assertIn(NAME.format(511, 510, 509), self.link(compiler, (), main, user).stderr)

    def test_cost(self):
        """config: the reference costs one pointer a file, and no instruction"""
        sizes = {}
        for flags in ((), ("-DPAGING_HEADERS_ONLY",)):
            user = self.compile("gcc", INLINE, "user.o", ("-fno-pic", "-ffreestanding", *flags))
            lines = run("size", "-A", user).stdout.splitlines()
            rows = [line.split() for line in lines if line.startswith((".text", ".rodata", ".data"))]
            sizes[flags] = (sum(int(row[1]) for row in rows if row[0].startswith(".text")),
                            sum(int(row[1]) for row in rows if not row[0].startswith(".text")))
        (text, data), (least_text, least_data) = sizes.values()
        self.assertEqual((text, data), (least_text, least_data + 8))


tap.main()
