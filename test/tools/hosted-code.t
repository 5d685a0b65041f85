#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The functions that the kernel calls of a library for Linux do without what the kernel does not have."""

import re
import subprocess
import unittest

import tap

LIBRARY = "/usr/lib/x86_64-linux-gnu/libqrcodegen.a"
ENTRY = "qrcodegen_encodeBinary"
# What kernel/cpu has (memory_functions.c, hosted_code.c).
PROVIDED = {"memcpy", "memmove", "memset", "memcmp", "strlen", "strchr", "__memset_chk", "__stack_chk_fail",
            "__assert_fail"}
CALL = re.compile(r"\b(?:call|jmp) .*<([A-Za-z_]\w*)(?:\+0x[0-9a-f]+)?>")
RELOCATION = re.compile(r"R_X86_64_PLT32\s+(\w+)")
VECTORS = re.compile(r"%[xyz]mm[0-9]|%mm[0-7]|%st\b")
RED_ZONE = re.compile(r"-0x[0-9a-f]+\(%rsp")
THREAD = re.compile(r"%fs:(0x[0-9a-f]+)")


def functions(listing):
    """name -> its lines, of objdump -dr."""
    found, lines = {}, []
    for line in listing.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            lines = found.setdefault(match[1], [])
        else:
            lines.append(line)
    return found


def reached(all_functions, entry):
    """All functions that the entry leads to, and the names of those that are elsewhere."""
    inside, outside, left = set(), set(), [entry]
    while left:
        name = left.pop()
        if name not in all_functions:
            outside.add(name)
        elif name not in inside:
            inside.add(name)
            text = "\n".join(all_functions[name])
            left += [called for called in RELOCATION.findall(text) + CALL.findall(text)
                     if called not in inside]
    return inside, outside


class Library(unittest.TestCase):
    def setUp(self):
        done = subprocess.run(["objdump", "-dr", LIBRARY], capture_output=True, text=True, check=True)
        self.functions = functions(done.stdout)
        self.inside, self.outside = reached(self.functions, ENTRY)

    def lines_with(self, pattern, names):
        return [line for name in names for line in self.functions[name] if pattern.search(line)]

    def test_reached(self):
        """hosted code: the functions that make a code are found, and those that do not are left out"""
        self.assertIn("applyMask", self.inside)
        self.assertIn("reedSolomonMultiply", self.inside)
        self.assertNotIn("qrcodegen_makeNumeric", self.inside)

    def test_vectors(self):
        """hosted code: they use no vector register, though others of the library do"""
        self.assertEqual(self.lines_with(VECTORS, self.inside), [])
        self.assertNotEqual(self.lines_with(VECTORS, self.functions), [])

    def test_red_zone(self):
        """hosted code: they use nothing below the stack pointer"""
        self.assertEqual(self.lines_with(RED_ZONE, self.inside), [])
        self.assertTrue(RED_ZONE.search("mov    %rax,-0x8(%rsp)"))

    def test_thread_block(self):
        """hosted code: of the thread's block they read the stack protector's secret, and nothing else"""
        lines = self.lines_with(re.compile("%fs|%gs"), self.inside)
        self.assertTrue(lines)
        self.assertEqual({THREAD.search(line)[1] for line in lines if THREAD.search(line)}, {"0x28"})
        self.assertTrue(all(THREAD.search(line) for line in lines))

    def test_calls(self):
        """hosted code: they call nothing that the kernel does not have, and nothing by a pointer"""
        self.assertEqual(self.outside - PROVIDED, set())
        self.assertEqual(self.lines_with(re.compile(r"\bcall +\*"), self.inside), [])

    def test_relocations(self):
        """hosted code: it can lie anywhere: all its relocations are relative, those of its jump tables too"""
        done = subprocess.run(["objdump", "-r", LIBRARY], capture_output=True, text=True, check=True)
        kinds = set(re.findall(r"R_X86_64_\w+", done.stdout))
        self.assertLessEqual(kinds, {"R_X86_64_PC32", "R_X86_64_PLT32"})


tap.main()
