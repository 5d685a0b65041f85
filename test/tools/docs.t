#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The headers' comments become pages without a warning, and say what a caller has to know."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

HEADERS = [*sorted((tap.ROOT / "paging/include/selfmap").glob("*.h")), tap.ROOT / "kernel/frames/frames.h",
           tap.ROOT / "kernel/frames/frame_sharing.h"]
SOURCES = [*sorted((tap.ROOT / "paging/src").glob("*.c")), *sorted((tap.ROOT / "kernel/frames").glob("*.c"))]
STATUS_TYPES = {"paging_status": "status.h", "frames_status": "frames.h"}
# A comment, and the declaration behind it.
DECLARATION = re.compile(r"/\*((?:(?!\*/).)*)\*/\n(?:#if[^\n]*\n)?((?:PAGING_MUST_CHECK )?(?:static inline )?"
                         r"(?:const )?(?:enum |struct )?\w+[ *\n]+(\w+)\(([^;{]*)\))(?:;|\n\{)", re.S)
NUMBER = re.compile(r"\b(?:uint64_t|uint32_t|uintptr_t|size_t|unsigned) (\w+)$")
# It says that another comment holds for it, too.
REFERS = re.compile(r"(?:[Ss]tatuses (?:are those of|as for)|the same|in the same way|the reverse|slow path)")
# What only the processor's manual defines.
OF_MANUAL = re.compile(r"\b(?:CR[034]|EFER|CPUID|TLB|MAXPHYADDR|RFLAGS|PKRU|INVLPG|INVPCID|PAT)\b")


def plain(comment):
    return " ".join(re.sub(r"^ \*", "", line).strip() for line in comment.split("\n")).strip()


class Header:
    """A header's comments: the first one, and by function its own and its parameters."""

    def __init__(self, path):
        self.name = path.name
        text = re.sub(r"\A/\* SPDX-.*\n", "", path.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", text)
        self.about = plain(re.search(r"/\*(.*?)\*/", text, re.S)[1])
        self.functions = {name: (plain(comment), " ".join(head.split()), " ".join(arguments.split()))
                          for comment, head, name, arguments in DECLARATION.findall(text)}
        body = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        self.declared = re.findall(r"^(?:PAGING_MUST_CHECK )?(?:const )?(?:enum |struct )?\w+[ *\n]+(\w+)"
                                   r"\([^;{}]*\);", body, re.M)


HEADER = {path.name: Header(path) for path in HEADERS}


def statuses(of):
    text = next(path for path in HEADERS if path.name == STATUS_TYPES[of]).read_text(encoding="utf-8")
    body = re.search(rf"enum {of} \{{(.*?)\}};", text, re.S)[1]
    return set(re.findall(r"^ *([A-Z]\w+)", re.sub(r"/\*.*?\*/", "", body), re.M))


def comment_of(name):
    return next(header.functions[name][0] for header in HEADER.values() if name in header.functions)


class Comments(unittest.TestCase):
    def each(self):
        for header in HEADER.values():
            for name, (comment, head, arguments) in header.functions.items():
                yield header, name, comment, head, arguments

    def test_there(self):
        """docs: each function that a source defines has a comment of its own that begins with a verb"""
        count = 0
        for header in HEADER.values():
            for name in header.declared:
                count += 1
                self.assertIn(name, header.functions, f"{header.name}: {name} has no comment")
                self.assertRegex(header.functions[name][0], r"^(?:[A-Z][a-z]+s|The slow paths?) ", name)
        self.assertGreater(count, 40)

    def test_statuses(self):
        """docs: what returns a status names those that it may be, or says where they stand"""
        known = {of: statuses(of) for of in STATUS_TYPES}
        for header, name, comment, head, _ in self.each():
            of = re.match(r"(?:PAGING_MUST_CHECK )?(?:static inline )?enum (\w+_status) ", head)
            if not of or of[1] not in known:
                continue
            named = set(re.findall(r"\b(?:PAGING|FRAMES)_[A-Z_0-9]+\b", comment)) & known[of[1]]
            of_all = known[of[1]] & set(re.findall(r"\w+", header.about))
            said = named or of_all or REFERS.search(comment)
            self.assertTrue(said, f"{header.name}: {name} names no status")
            for other in re.findall(r"[Ss]tatuses as for (\w+)", comment):
                self.assertTrue(comment_of(other), name)

    def test_numbers(self):
        """docs: each number that is passed is named in the comment, with what it counts"""
        for header, name, comment, head, arguments in self.each():
            if head.startswith("static inline"):
                continue
            for argument in arguments.split(","):
                number = NUMBER.search(argument.strip())
                if number and not REFERS.search(comment):
                    said = re.search(rf"\b{number[1]}\b", comment + " " + header.about)
                    self.assertTrue(said, f"{header.name}: {name}: nothing is said about {number[1]}")

    def test_flushes(self):
        """docs: what flushes says so, in the function's comment or in the header's"""
        flushing = 0
        for source in SOURCES:
            text = source.read_text(encoding="utf-8")
            if not re.search(r"\b(?:flush_page|paging_flush_\w+|paging_tlb_flush\w*)\(", text):
                continue
            for header, name, comment, _, _ in self.each():
                if re.search(rf"^[\w ]*\b{name}\([^;{{}}]*\)\n\{{", text, re.M):
                    flushing += 1
                    if not REFERS.search(comment):
                        self.assertRegex(comment + header.about, r"[Ff]lush", f"{header.name}: {name}")
        self.assertGreater(flushing, 5)

    def test_manual(self):
        """docs: a header that speaks of the processor says where the manual does"""
        for header in HEADER.values():
            comments = [header.about, *(comment for comment, _, _ in header.functions.values())]
            if OF_MANUAL.search(" ".join(comments)):
                self.assertRegex(header.text, r"\bSDM (?:\d|[1-4][A-D]?)", header.name)


class Pages(unittest.TestCase):
    def make(self, include, folder):
        return subprocess.run([str(tap.TOOLS / "docs"), str(include), folder], capture_output=True, text=True,
                              check=False, timeout=tap.PATIENCE)

    def test_no_warning(self):
        """docs: pages are made without a warning, and each function is on one"""
        with tempfile.TemporaryDirectory() as folder:
            result = self.make(tap.ROOT / "build/library/include", folder)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
            index = "".join(path.read_text(encoding="utf-8") for path in Path(folder).glob("*_8h.html"))
            for header in HEADER.values():
                for name in header.functions:
                    self.assertRegex(index, rf"memname\">[^<]*(?:<a [^>]*>[^<]*</a>[^<]*)?\b{name}\b", name)
            self.assertIn("The frame stays the caller", index)
            self.assertIn("Using Selfmap", (Path(folder) / "index.html").read_text(encoding="utf-8"))

    def test_warning(self):
        """docs: a comment that Doxygen does not understand is an error"""
        with tempfile.TemporaryDirectory() as folder:
            include = Path(folder, "include/selfmap")
            include.mkdir(parents=True)
            (include / "one.h").write_text("/*\n * one.h - a header.\n */\n\n/* Shows @this <and> that. */\n"
                                           "void paging_one(int one);\n", encoding="utf-8")
            self.assertEqual(self.make(include.parent, folder + "/good").returncode, 0)
            (include / "bad.md").write_text("# A page\n\n@ref nothing\n", encoding="utf-8")
            self.assertNotEqual(self.make(include.parent, folder + "/bad").returncode, 0)


tap.main()
