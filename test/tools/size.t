#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the core takes: built for one world 6 KiB for all operations on single pages, and little stack."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

EXAMPLE = tap.ROOT / "test/host/operations/example.c"  # it runs in each world
LIMIT = 6 << 10  # bytes, whichever compiler makes them
WORLDS = ("recursive", "direct")
BUILT = tap.ROOT / "build/size"  # COMPILER/WORLD, where test/users.mk builds the library for each
ALL_WORLDS = tap.ROOT / "build/library"
# A program that does everything with single pages, in an address space of its own.
SOURCE = """
#include <selfmap/paging.h>
struct paging_frame_source source;
struct paging_space space;
volatile int answer;
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes) { (void)from, (void)bytes; return to; }
void *memset(void *to, int value, size_t bytes) { (void)value, (void)bytes; return to; }
void _start(void);
void _start(void)
{
    struct paging_cpu cpu = {.levels = 4, .physical_bits = 40, .has_no_execute = true};
    struct paging_translation found;
    struct paging_unmapped gone;
    paging_page_t page = {5};
    paging_frame_t frame = {7};
    answer = paging_create(&space, cpu, 0, &source);
    paging_mark_active(&space);
    answer = paging_map_to(&space, page, frame, PAGING_WRITABLE, &source);
    answer = paging_map(&space, page, PAGING_WRITABLE, &source);
    answer = paging_unmap(&space, page, &source, &gone);
    answer = paging_translate(&space, paging_page_start(4, page), &found);
}
"""
# In the linker's map: a section that was kept, its size and the member of the archive.
KEPT = re.compile(r"^ \.(?:text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*\.a\((\S+)\)$", re.M)


def run(*command):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=tap.ROOT,
                          env=environment, timeout=tap.PATIENCE, stdin=subprocess.DEVNULL)


class Size(unittest.TestCase):
    def good(self, *command):
        result = run(*command)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stdout}{result.stderr}")

    def linked(self, place, archive):
        """Bytes of the archive that the program is linked with, by member."""
        self.good("ld", "-static", "--gc-sections", "-Map", place / "map", place / "main.o", archive, "-o",
                  place / "main")
        text = (place / "map").read_text(encoding="utf-8").partition("Linker script and memory map")[2]
        sizes = {}
        for size, member in KEPT.findall(text):
            sizes[member] = sizes.get(member, 0) + int(size, 16)
        return sizes

    def measure(self, compiler, library):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "main.c").write_text(SOURCE, encoding="utf-8")
            archive = library / "libselfmap.a"
            self.good(compiler, "-std=c17", "-O2", "-ffreestanding", "-fno-pic", "-mcmodel=kernel",
                      f"-I{library}/include", "-c", place / "main.c", "-o", place / "main.o")
            self.good(compiler, "-std=c17", "-static", "-fno-pic", f"-I{library}/include",
                      EXAMPLE, archive, "-o", place / "example")
            self.good(place / "example")
            return self.linked(place, archive)

    def test_one_world(self):
        """size: create, map, unmap, translate take at most 6 KiB, by either compiler and in either life"""
        for compiler in ("gcc", "clang"):
            for world in WORLDS:
                sizes = self.measure(compiler, BUILT / compiler / world / "library")
                total = sum(sizes.values())
                print(f"# {compiler}, {world}: {total} bytes: {sizes}")
                self.assertLessEqual({"map.c.o", "unmap.c.o", "translate.c.o", "space.c.o"}, set(sizes))
                self.assertGreater(total, 2000)
                self.assertLessEqual(total, LIMIT, f"{compiler}, {world}")

    def test_all_worlds(self):
        """size: it is smaller than a build for all worlds by a third"""
        whole, small = (sum(self.measure("gcc", library).values())
                        for library in (ALL_WORLDS, BUILT / "gcc/recursive/library"))
        print(f"# gcc, all worlds: {whole} bytes")
        self.assertLess(small * 3, whole * 2)


class Stack(unittest.TestCase):
    """gcc says what each function takes, and whom it calls. What a frame source takes comes to that."""

    NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "[^"]*?(\d+) bytes '
                      r'\((?:static|dynamic,bounded)\)', re.M)
    EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', re.M)
    CALL = 8  # bytes, where to return to
    LEVELS = 5  # a function that calls itself does so for the next level of tables

    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run("gcc", "-std=c17", "-O2", "-ffreestanding", "-fno-pic", "-mcmodel=kernel",
                         "-mno-red-zone", "-mgeneral-regs-only", "-fno-stack-protector",
                         "-fcallgraph-info=su", "-c", tap.ROOT / "build/selfmap.c",
                         "-o", f"{folder}/selfmap.o")
            self.assertEqual(result.returncode, 0, result.stderr)
            graph = Path(folder, "selfmap.ci").read_text(encoding="utf-8")
        self.assertNotIn("bytes (dynamic)", graph)  # of no known size
        self.bytes = {name: int(size) for name, size in self.NODE.findall(graph)}
        self.called = {}
        for caller, called in self.EDGE.findall(graph):
            self.called.setdefault(caller, set()).add(called)

    def deepest(self, name, above=()):
        if above.count(name) == 2:
            return 0  # an operation may call itself once, with other arguments
        all_called = self.called.get(name, set())
        below = (self.deepest(called, (*above, name)) for called in all_called - {name})
        times = self.LEVELS if name in all_called else 1
        return times * (self.bytes.get(name, 0) + self.CALL) + max(below, default=0)

    def test_stack(self):
        """size: an operation takes less than 2 KiB of stack"""
        takes = {name: self.deepest(name) for name in self.bytes if name.startswith("paging_")}
        most = sorted(takes, key=takes.get)[-5:]
        print(f"# bytes of stack: {', '.join(f'{name} {takes[name]}' for name in reversed(most))}")
        self.assertLessEqual({"paging_map_owned", "paging_protect_range", "paging_clone_lower_half",
                              "paging_gather_end"}, set(takes))
        self.assertGreater(takes[most[-1]], 500)
        self.assertLess(takes[most[-1]], 2048)


tap.main()
