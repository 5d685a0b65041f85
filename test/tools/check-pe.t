#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The PE checker accepts a sound image and refuses it with any one thing wrong."""

import struct
import tempfile
import unittest
from contextlib import redirect_stdout, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import StringIO
from pathlib import Path

import tap

LOADER = SourceFileLoader("checker", str(tap.TOOLS / "check-pe"))
checker = module_from_spec(spec_from_loader("checker", LOADER))
LOADER.exec_module(checker)

PE = 0x40
OPTIONAL = PE + 24
TABLE = OPTIONAL + 240
RX, RO, RW = 0x60000020, 0x40000040, 0xC0000040
TEXT, DATA, RELOC, SBAT = range(4)
RELOCATIONS = OPTIONAL + 112 + 8 * 5
BLOCK = 0x800
ROWS = 0xA00
SBAT_TEXT = b"sbat,1,SBAT Version,sbat,1,https://a.b\nselfmap,3,Selfmap,selfmap,0.1,there\n"


def sound_image():
    """Four sections (.text, .data, .reloc, .sbat), one relocated place."""
    image = bytearray(0xC00)
    image[0:2] = b"MZ"
    struct.pack_into("<I", image, 0x3C, PE)
    struct.pack_into("<4sHHIIIHH", image, PE, b"PE\0\0", 0x8664, 4, 0, 0, 0, 240, 0x2E)
    struct.pack_into("<H14xI", image, OPTIONAL, 0x20B, 0x1000)
    struct.pack_into("<II", image, OPTIONAL + 32, 0x1000, 0x200)
    struct.pack_into("<IIIHH", image, OPTIONAL + 56, 0x5000, 0x400, 0, 10, 0x140)
    struct.pack_into("<I", image, OPTIONAL + 108, 16)
    struct.pack_into("<II", image, RELOCATIONS, 0x3000, 12)
    for index, (name, start, at, flags) in enumerate((
            (b".text", 0x1000, 0x400, RX), (b".data", 0x2000, 0x600, RW), (b".reloc", 0x3000, BLOCK, RO),
            (b".sbat", 0x4000, ROWS, RO))):
        struct.pack_into("<8sIIII12xI", image, TABLE + 40 * index, name, 0x100, start, 0x200, at, flags)
    struct.pack_into("<IIHH", image, BLOCK, 0x2000, 12, 10 << 12 | 8, 0)
    image[ROWS:ROWS + len(SBAT_TEXT)] = SBAT_TEXT
    return image


def section(index, field):
    fields = {"size": 8, "start": 12, "file_size": 16, "file_start": 20, "flags": 36}
    return TABLE + 40 * index + fields[field]


class CheckPe(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "image.efi"

    def check(self, image, *options):
        self.path.write_bytes(image)
        return tap.run_tool("check-pe", *options, self.path)

    def refused(self, sentence, *changes):
        """Changes: (offset, struct layout, value)."""
        image = sound_image()
        for at, layout, value in changes:
            struct.pack_into(layout, image, at, value)
        self.refused_bytes(sentence, image)

    def refused_bytes(self, sentence, image):
        result = self.check(image)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_sound(self):
        """check-pe: a sound image passes and its sections are shown"""
        result = self.check(sound_image())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 place relocated", result.stdout)
        for line in ("R-X 00001000-00001200 .text", "RW- 00002000-00002200 .data",
                     "R-- 00003000-00003200 .reloc", ".sbat: selfmap,3,Selfmap,selfmap,0.1,there"):
            self.assertIn(line, result.stdout)

    def test_no_image(self):
        """check-pe: refuses what is not a PE image"""
        self.refused("begin with MZ", (0, "<H", 0))
        self.refused("PE signature", (PE, "<I", 0))
        self.refused("PE32+", (OPTIONAL, "<H", 0x10B))
        self.refused_bytes("MZ", b"")

    def test_headers(self):
        """check-pe: refuses another machine, another subsystem, or missing flags"""
        self.refused("not x86-64", (PE + 4, "<H", 0x14C))
        self.refused("not an EFI application", (OPTIONAL + 68, "<H", 3))
        self.refused("executable image", (PE + 22, "<H", 0x2C))
        self.refused("NX_COMPAT", (OPTIONAL + 70, "<H", 0x40))
        self.refused("DYNAMIC_BASE", (OPTIONAL + 70, "<H", 0x100))
        self.refused("section alignment", (OPTIONAL + 32, "<I", 0x200))
        self.refused("section alignment", (OPTIONAL + 32, "<I", 0))
        self.refused("beyond the headers", (OPTIONAL + 60, "<I", 0x100))
        self.refused("out of all reason", (OPTIONAL + 56, "<I", 0xFFFFFFFF))

    def test_sections(self):
        """check-pe: refuses sections that are unaligned, overlapping, empty, outside, or share the headers"""
        self.refused("not aligned", (section(DATA, "start"), "<I", 0x2200))
        self.refused("overlaps", (section(DATA, "start"), "<I", 0x1000))
        self.refused("overlaps section .text", (section(TEXT, "size"), "<I", 0x1001))
        self.refused("overlaps the headers", (section(TEXT, "start"), "<I", 0))
        self.refused("is empty", (section(DATA, "size"), "<I", 0), (section(DATA, "file_size"), "<I", 0))
        self.refused("beyond the image size", (OPTIONAL + 56, "<I", 0x4100))
        self.refused("headers as its content", (section(DATA, "file_start"), "<I", 0x200))
        self.refused("no sections", (PE + 6, "<H", 0))

    def test_rights(self):
        """check-pe: refuses a section that is writable and executable, and an entry point in data"""
        self.refused(".text is both writable and executable", (section(TEXT, "flags"), "<I", RX | 1 << 31))
        self.refused(".data is both writable and executable", (section(DATA, "flags"), "<I", RW | 1 << 29))
        self.refused("not readable", (section(DATA, "flags"), "<I", RW & ~(1 << 30)))
        self.refused("entry point", (OPTIONAL + 16, "<I", 0x2000))
        self.refused("entry point", (OPTIONAL + 16, "<I", 0x6000))

    def test_relocations(self):
        """check-pe: refuses missing, stripped and malformed relocations"""
        self.refused("stripped", (PE + 22, "<H", 0x2F))
        self.refused("no base relocation directory", (RELOCATIONS, "<Q", 0))
        self.refused("no base relocation directory", (OPTIONAL + 108, "<I", 5))
        self.refused("in no section", (RELOCATIONS, "<I", 0x9000))
        self.refused("not in the file", (section(RELOC, "file_size"), "<I", 8))
        for size in (0, 4, 10, 16, 0xFFFFFFFC):
            self.refused("bad size", (BLOCK + 4, "<I", size))
        self.refused("type 7", (BLOCK + 8, "<H", 7 << 12))
        self.refused("in no section", (BLOCK, "<I", 0x8000))

    def test_truncated(self):
        """check-pe: refuses the image cut at any length, with one sentence"""
        whole = sound_image()
        for length in (0, 1, 0x3C, 0x41, OPTIONAL + 1, OPTIONAL + 100, TABLE + 1,
                       TABLE + 100, 0x3FF, 0x500, 0x9FF, 0xBFF):
            self.refused_bytes(f"{self.path}: ", whole[:length])
        self.refused_bytes("truncated: the content of section .reloc", whole[:0x9FF])
        self.refused_bytes("truncated: the content of section .sbat", whole[:0xBFF])

    def refused_sbat(self, sentence, text):
        image = sound_image()
        image[ROWS:ROWS + 0x100] = text.ljust(0x100, b"\0")
        self.refused_bytes(sentence, image)

    def test_sbat(self):
        """check-pe: refuses an image that shim would not start: .sbat missing, writable or malformed"""
        first, own = SBAT_TEXT.splitlines(keepends=True)
        self.refused("no section .sbat", (TABLE + 40 * SBAT, "<8s", b".sbad"))
        self.refused(".sbat is writable", (section(SBAT, "flags"), "<I", RW))
        self.refused_sbat("not ASCII", first + own.replace(b"there", b"th\xe9re"))
        self.refused_sbat("not 6 fields: 'selfmap,3,Selfmap,selfmap,0.1'",
                          first + own.replace(b",there", b""))
        self.refused_sbat("not 6 fields", first + own.replace(b"Selfmap", b""))
        self.refused_sbat("generation of selfmap is '0'", first + own.replace(b"3", b"0"))
        self.refused_sbat("generation of selfmap is 'x'", first + own.replace(b"3", b"x"))
        self.refused_sbat("does not begin with sbat,1", own + first)
        self.refused_sbat("does not begin with sbat,1", first.replace(b",1,", b",2,", 1) + own)
        self.refused_sbat("does not begin", b"")
        self.refused_sbat("no line for selfmap", first)

    def test_wild_numbers(self):
        """check-pe: header fields of all ones give a sentence, never a traceback"""
        for at in range(PE, TABLE + 120, 4):
            image = sound_image()
            image[at:at + 4] = b"\xff" * 4
            self.path.write_bytes(image)
            with self.subTest(offset=hex(at)), redirect_stdout(StringIO()), suppress(checker.BadImage):
                checker.check(str(self.path))

    def test_set_nx_compat(self):
        """check-pe: --set-nx-compat sets the two bits and changes nothing else"""
        image = sound_image()
        struct.pack_into("<H", image, OPTIONAL + 70, 0)
        result = self.check(image, "--set-nx-compat")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.path.read_bytes(), bytes(sound_image()))
        result = self.check(b"no image", "--set-nx-compat")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.path.read_bytes(), b"no image")

    def test_checksum(self):
        """check-pe: --set-nx-compat keeps an existing checksum right"""
        image = sound_image()
        struct.pack_into("<I", image, OPTIONAL + 64, 1)
        self.check(image, "--set-nx-compat")
        words = struct.unpack(f"<{len(image) // 2}H", sound_image())
        total = sum(words)
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        written, = struct.unpack_from("<I", self.path.read_bytes(), OPTIONAL + 64)
        self.assertEqual(written, total + len(image))


tap.main()
