#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make install` installs: a program that is built from it alone runs."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

PUBLIC = tap.ROOT / "paging/include/selfmap"
EXAMPLE = tap.ROOT / "test/host/operations/example.c"
ARCHIVES = ("libselfmap.a", "libselfmap_pic.a")
# What a compiler may call by itself, and every kernel has.
OF_COMPILERS = {"memcpy", "memset", "memmove", "memcmp"}
PREFIXES = ("paging_", "frames_")
AS_KERNELS = ("-ffreestanding", "-mno-red-zone", "-mgeneral-regs-only")
KERNEL = """
#include <selfmap/paging.h>
#include <selfmap/frames.h>
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes) { (void)from, (void)bytes; return to; }
void *memset(void *to, int value, size_t bytes) { (void)value, (void)bytes; return to; }
static struct paging_space space;
static struct frames frames;
void _start(void);
void _start(void)
{
    struct paging_unmapped gone;
    paging_frame_t frame = {1};
    frames_init(&frames, &space, 8);
    struct paging_cpu cpu = {.levels = 4, .physical_bits = 40};
    if (paging_create(&space, cpu, 0, &frames.source) == PAGING_OK &&
        paging_map_to(&space, (paging_page_t){5}, frame, 0, &frames.source) == PAGING_OK)
        (void)!paging_unmap(&space, (paging_page_t){5}, &frames.source, &gone);
}
"""


def run(*command, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment.update(options.pop("env", {}))
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          env=environment, timeout=tap.PATIENCE, stdin=subprocess.DEVNULL, **options)


def files_of(place):
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)

    def good(self, *command, **options):
        result = run(*command, **options)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stdout}{result.stderr}")
        return result.stdout

    def make(self, *arguments, cwd=tap.ROOT):
        return self.good("make", "-s", "--no-print-directory", *arguments, cwd=cwd)

    def install(self, *arguments, prefix="/opt/a kernel's"):
        """The folder in which it is installed; what the tests build is what is installed."""
        self.make("install", f"DESTDIR={self.place}/root", f"PREFIX={prefix}", *arguments)
        return self.place / "root" / prefix.strip("/")

    def pkg_config(self, prefix, *arguments):
        return self.good("pkg-config", f"--define-variable=prefix={prefix}", *arguments,
                         env={"PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}).split()


class Library(Case):
    def test_files(self):
        """install: headers, archives, pkg-config files, amalgamation, documents; uninstall removes them"""
        place = self.install()
        names = files_of(place)
        headers = {f"include/selfmap/{path.name}" for path in PUBLIC.glob("*.h")}
        others = {*(f"include/selfmap/{name}" for name in ("frames.h", "frame_sharing.h")),
                  "lib/pkgconfig/selfmap.pc", "lib/pkgconfig/selfmap_pic.pc",
                  "share/doc/selfmap/LICENSE", "share/selfmap/selfmap.c", "share/selfmap/selfmap.h",
                  *(f"share/doc/selfmap/{name}" for name in ("README.md", "CAVEATS.md")),
                  *(f"lib/{name}" for name in ARCHIVES)}
        examples = {name for name in names if name.startswith("share/doc/selfmap/test/users/")}
        self.assertEqual(names - examples, headers | others)
        for name in names:
            self.assertEqual((place / name).stat().st_mode & 0o777, 0o644, name)
        (place / "lib/other.a").write_bytes(b"")
        self.make("uninstall", f"DESTDIR={self.place}/root", "PREFIX=/opt/a kernel's")
        self.assertEqual(files_of(place), {"lib/other.a"})
        self.assertFalse((place / "include/selfmap").exists())

    def test_examples(self):
        """install: what README.md says of users is installed, and they are built from there"""
        self.make("install", "DESTDIR=", f"PREFIX={self.place}")
        self.make("-C", self.place / "share/doc/selfmap/test/users", "direct", "linux", f"OUT={self.place}",
                  f"PKG_CONFIG_PATH={self.place}/lib/pkgconfig")
        self.assertIn("ok 1 ", self.good(self.place / "linux"))
        self.assertTrue((self.place / "direct.elf").exists())

    def test_relative_prefix(self):
        """install: a prefix that is not an absolute path is refused"""
        result = run("make", "-s", "install", "PREFIX=here", f"DESTDIR={self.place}", cwd=tap.ROOT)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("PREFIX=here is not an absolute path", result.stderr)

    def test_program(self):
        """install: a program built with what pkg-config says runs, with gcc and clang, with each archive"""
        place = self.install(prefix="/usr")
        version = (tap.ROOT / "VERSION").read_text(encoding="utf-8").strip()
        for package, *link in (("selfmap", "-static", "-fno-pic"), ("selfmap_pic", "-pie", "-fpic"),
                               ("selfmap_pic", "-static", "-fno-pic")):
            self.assertEqual(self.pkg_config(place, "--modversion", package), [version])
            flags = self.pkg_config(place, "--cflags", "--libs", package)
            for compiler in ("gcc", "clang"):
                program = self.place / "program"
                self.good(compiler, "-std=c17", EXAMPLE, *flags, *link, "-o", program, cwd=self.place)
                self.assertIn("ok - an address was mapped", self.good(program))

    def test_kernel(self):
        """install: a kernel links at -2 GiB and at 2 MiB, and with PIC anywhere"""
        source = self.place / "kernel.c"
        source.write_text(KERNEL, encoding="utf-8")
        library = tap.ROOT / "build/library"
        for archive, model, addresses in (
                ("libselfmap.a", ("-fno-pic", "-mcmodel=kernel"), (0xffffffff80000000, 0x200000)),
                ("libselfmap_pic.a", ("-fpic", "-fvisibility=hidden"), (0xffff900000000000, 0x200000))):
            for compiler in ("gcc", "clang"):
                self.good(compiler, "-std=c17", "-O2", *AS_KERNELS, *model, "-Wall", "-Wextra", "-Werror",
                          f"-I{library}/include", "-c", source, "-o", self.place / "kernel.o")
                for address in addresses:
                    self.good("ld", "-static", "--fatal-warnings", "-z", "noexecstack",
                              f"-Ttext={address:#x}", f"-Tdata={address + 0x100000:#x}",
                              f"-Trodata-segment={address + 0x200000:#x}", self.place / "kernel.o",
                              library / archive, "-o", self.place / "kernel")

    def test_symbols(self):
        """library: what it defines has a prefix, and it needs nothing that a kernel does not have"""
        for archive in ARCHIVES:
            lines = self.good("nm", "-g", tap.ROOT / "build/library" / archive).splitlines()
            rows = [line.split() for line in lines if line.strip() and not line.endswith(":")]
            defined = {row[-1] for row in rows if row[-2] != "U"}
            needed = {row[-1] for row in rows if row[-2] == "U"} - defined - {"_GLOBAL_OFFSET_TABLE_"}
            self.assertEqual({name for name in defined if not name.startswith(PREFIXES)}, set())
            self.assertLessEqual(needed, OF_COMPILERS)
            self.assertGreater(len(defined), 40)

    def test_registers(self):
        """library: no code uses vector registers or the red zone, and none is described for unwinding"""
        for archive in ARCHIVES:
            path = tap.ROOT / "build/library" / archive
            code = self.good("objdump", "-d", "--no-show-raw-insn", path)
            self.assertIsNone(re.search(r"%[xyz]mm|%st", code))
            # A leaf that stores below its stack pointer, without having moved it, uses the red zone.
            self.assertIsNone(re.search(r"mov\w* +[^,]+,-0x[0-9a-f]+\(%rsp\)", code))
            self.assertNotIn(".eh_frame", self.good("readelf", "-SW", path))

    def test_config(self):
        """install: CONFIG=header.h makes another configuration, and whoever says another one does not link"""
        place = tap.ROOT / "build/users/gcc/recursive"  # where test/users.mk has installed one, with CONFIG
        flags = self.pkg_config(place, "--cflags", "--libs", "selfmap_pic")
        program = self.place / "program"
        self.good("gcc", EXAMPLE, *flags, "-o", program)
        self.assertIn("ok - an address was mapped", self.good(program))
        self.assertIn("PAGING_RECURSIVE_SLOT 510", self.good(
            "gcc", "-E", "-dM", *flags[:1], "-include", "selfmap/config.h", "-x", "c", "-"))
        result = run("gcc", EXAMPLE, "-DPAGING_CONFIG_HEADER=<stdint.h>", *flags, "-o", program)
        self.assertIn("paging_config_bits9_recursive511_alternate510_scratch509", result.stderr)

    def test_config_name(self):
        """install: a configuration's file may have blanks in its name, and one that is not there is told"""
        config = self.place / "my config.h"
        config.write_text("#define PAGING_RECURSIVE_SLOT 300\n", encoding="utf-8")
        header = f"{self.place}/build/library/include/selfmap/installed_config.h"
        self.make(header, f"CONFIG={config}", f"B={self.place}/build")
        self.assertIn("#define PAGING_RECURSIVE_SLOT 300\n", Path(header).read_text(encoding="utf-8"))
        result = run("make", "-s", "library", f"CONFIG={self.place}/none.h", f"B={self.place}/build",
                     cwd=tap.ROOT)
        self.assertIn("none.h is not a file", result.stderr)

class Amalgamation(Case):
    def test_compiles(self):
        """amalgamation: selfmap.c compiles alone with gcc and clang, selfmap.h as C++ too"""
        source = tap.ROOT / "build/selfmap.c"
        for compiler in ("gcc", "clang"):
            for flags in (("-O0",), ("-O2", *AS_KERNELS)):
                self.good(compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", *flags, "-c", source, "-o",
                          self.place / "selfmap.o")
        lines = self.good("nm", "-g", "--defined-only", self.place / "selfmap.o").splitlines()
        names = {line.split()[-1] for line in lines}
        lines = self.good("nm", "-g", "--defined-only", tap.ROOT / "build/library/libselfmap.a").splitlines()
        self.assertEqual(names, {line.split()[-1] for line in lines if len(line.split()) == 3})
        text = self.place / "header.cpp"
        text.write_text('#include "selfmap.h"\n#include "selfmap.h"\n', encoding="utf-8")
        for compiler in ("g++", "clang++"):
            self.good(compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                      f"-I{source.parent}", text)

    def test_program_runs(self):
        """amalgamation: a program of two files, selfmap.c and its own, runs"""
        for name in ("selfmap.c", "selfmap.h"):
            shutil.copy(tap.ROOT / "build" / name, self.place)
        text = EXAMPLE.read_text(encoding="utf-8")
        text = re.sub(r"#include <selfmap/\w+\.h>", '#include "selfmap.h"', text)
        (self.place / "main.c").write_text(text, encoding="utf-8")
        for compiler in ("gcc", "clang"):
            self.good(compiler, "-std=c17", "-g", "-fsanitize=undefined,address", "main.c", "selfmap.c", "-o",
                      "program", cwd=self.place)
            self.assertIn("ok - an address was mapped", self.good(self.place / "program"))

    def test_collisions(self):
        """amalgamation: static names and macros that several sources have do not collide"""
        sources = self.place / "paging/src"
        sources.mkdir(parents=True)
        for name, value in (("one", 1), ("two", 2)):
            (sources / f"{name}.c").write_text(
                f"#define STEP {value}\nstruct own {{\n    int member[{value}];\n}};\n"
                "static int same(void)\n{\n    struct own own = {{STEP}};\n    return own.member[0];\n}\n"
                f"int paging_{name}(void);\nint paging_{name}(void)\n{{\n    return same();\n}}\n",
                encoding="utf-8")
        output = self.place / "out"
        self.good(tap.TOOLS / "amalgamate", tap.ROOT / "build/library/include", output, sources / "one.c",
                  sources / "two.c")
        (output / "main.c").write_text('#include "selfmap.c"\nint main(void) { return paging_one() * 10 + '
                                       "paging_two() - 12; }\n", encoding="utf-8")
        self.good("gcc", "-Wall", "-Wextra", "-Werror", "-DPAGING_HEADERS_ONLY", output / "main.c", "-o",
                  output / "main")
        self.good(output / "main")


tap.main()
