#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header stands alone, as C17 and C++17, with gcc and clang, and shows prefixed names only."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

FOLDER = tap.ROOT / "build/library/include"  # where `make library` puts them
BESIDE = ("frames.h", "frame_sharing.h")  # an allocator, which the core does not need
PART_OF_CONFIG = "config_name.h"  # which nothing but config.h includes
HEADERS = [path for path in sorted((FOLDER / "selfmap").glob("*.h")) if path.name != PART_OF_CONFIG]
INCLUDES = "".join(f"#include <selfmap/{name}>\n" for name in ("paging.h", *BESIDE))
C = ("-std=c17", "-Wstrict-prototypes", "-Wmissing-prototypes")
COMPILERS = {"gcc": C, "clang": C, "g++": ("-std=c++17",), "clang++": ("-std=c++17",)}
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wundef", "-Werror")
# For kernels of all kinds: what they may be compiled with.
VARIANTS = ((), ("-O2", "-ffreestanding", "-mno-red-zone", "-mgeneral-regs-only", "-fno-pic",
                 "-mcmodel=kernel"))
# Of a declaration: the function's name, and that it is not the name of a type or of a member.
FUNCTION = re.compile(r"^(?:PAGING_MUST_CHECK )?(static inline )?[a-z][\w ]*?[ *\n](\w+)\(", re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
PREFIXES = ("paging_", "PAGING_", "frames_", "FRAMES_", "SELFMAP_")


def compile_text(compiler, text, *flags):
    language = "c++" if compiler.endswith("++") else "c"
    command = [compiler, *COMPILERS[compiler], *WARNINGS, f"-I{FOLDER}", *flags, "-x", language, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                          timeout=tap.PATIENCE)


def functions(header, inline=True):
    """The names of the functions that a header declares, with or without those that are inline."""
    text = COMMENT.sub("", header.read_text(encoding="utf-8"))
    return [name for is_inline, name in FUNCTION.findall(text) if inline or not is_inline]


class Headers(unittest.TestCase):
    def test_alone(self):
        """headers: each compiles alone and twice, as C17 and C++17, with gcc and clang, without a warning"""
        for header in HEADERS:
            name = header.relative_to(FOLDER)
            text = f"#include <{name}>\n#include <{name}>\nextern int not_empty;\n"
            for compiler in COMPILERS:
                for flags in VARIANTS:
                    result = compile_text(compiler, text, "-fsyntax-only", *flags)
                    self.assertEqual((result.returncode, result.stderr), (0, ""), f"{name}: {compiler}")

    def test_umbrella(self):
        """headers: selfmap/paging.h includes all of them"""
        text = compile_text("gcc", "#include <selfmap/paging.h>\n", "-M").stdout
        for header in HEADERS:
            self.assertEqual(f"selfmap/{header.name}" in text, header.name not in BESIDE, header.name)

    def test_linkage(self):
        """headers: in C++ every function has the name that it has in C"""
        names = sorted({name for header in HEADERS for name in functions(header, inline=False)})
        self.assertGreater(len(names), 25)
        text = INCLUDES + "extern const void *const all[];\nconst void *const all[] = {\n" + \
            "".join(f"    (const void *){name},\n" for name in names) + "};\n"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "all.o")
            for compiler in ("g++", "clang++"):
                result = compile_text(compiler, text, "-Wno-pedantic", "-c", "-o", str(file))
                self.assertEqual(result.returncode, 0, result.stderr)
                lines = subprocess.run(["nm", "-u", str(file)], capture_output=True, text=True, check=True,
                                       timeout=tap.PATIENCE).stdout.splitlines()
                symbols = {line.split()[-1] for line in lines}
                symbols = {name for name in symbols if not name.startswith("paging_config_")}
                self.assertEqual(symbols, set(names))

    def test_prefix(self):
        """headers: what they show of functions, types and macros begins with a prefix"""
        before = set(compile_text("gcc", "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n",
                                  "-dM", "-E").stdout.splitlines())
        after = set(compile_text("gcc", INCLUDES, "-dM", "-E").stdout.splitlines())
        macros = [line.split()[1] for line in after - before]
        self.assertGreater(len(macros), 60)
        self.assertEqual([name for name in macros if not name.startswith(PREFIXES)], [])
        for header in HEADERS:
            text = COMMENT.sub("", header.read_text(encoding="utf-8"))
            names = functions(header) + re.findall(r"^(?:struct|enum|union) (\w+)", text, re.M) + \
                re.findall(r"^} (\w+);", text, re.M) + re.findall(r"^extern .*?(\w+);", text, re.M)
            enumerators = [name for body in re.findall(r"^enum[^{;]*\{([^}]*)\}", text, re.M)
                           for name in re.findall(r"\b([A-Za-z_]\w*)\b\s*(?:=[^,]*)?(?:,|$)", body)]
            wrong = [name for name in names + enumerators if not name.startswith(PREFIXES)]
            self.assertEqual([name for name in wrong if name != "frames"], [], header.name)

    def test_version(self):
        """headers: the version is that of the file VERSION"""
        version = (tap.ROOT / "VERSION").read_text(encoding="utf-8").strip()
        major, minor, patch = map(int, version.split("."))
        text = compile_text("gcc", "#include <selfmap/version.h>\nPAGING_VERSION_TEXT PAGING_VERSION_MAJOR "
                            "PAGING_VERSION_MINOR PAGING_VERSION_PATCH\n", "-E", "-P").stdout
        self.assertEqual(text.split(), [f'"{version}"', str(major), str(minor), str(patch)])
        check = f"_Static_assert(PAGING_VERSION == {major * 10000 + minor * 100 + patch}, \"\");\n"
        result = compile_text("gcc", "#include <selfmap/version.h>\n" + check, "-fsyntax-only")
        self.assertEqual(result.stderr, "")


tap.main()
