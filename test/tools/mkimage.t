#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The images are such that firmware accepts them, and always the same."""

import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

PARTITION = 2048 * 512
SBIN = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}


class MakeImage(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.image = self.folder / "out.img"
        self.boot = self.tree("esp", ["README.TXT", "selfmap.cfg", "EFI/BOOT/BOOTX64.EFI"])

    def tree(self, name, files):
        for file in files:
            path = self.folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"content of {file}\r\n".encode() * 99)
        return self.folder / name

    def make(self, esp=None, out=None, **environment):
        return tap.run_tool("mkimage", out or self.image, esp or self.boot,
                            env={**os.environ, **environment})

    def made(self, *arguments, **environment):
        result = self.make(*arguments, **environment)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return self.image.read_bytes()

    def test_fat32(self):
        """mkimage: the file system is FAT32 by its number of clusters, and knows its label and place"""
        image = self.made()
        sector = image[PARTITION:PARTITION + 512]

        def number(at, size):
            return int.from_bytes(sector[at:at + size], "little")
        self.assertEqual((number(11, 2), sector[510:512]), (512, b"\x55\xaa"))
        reserved, fats, fat_sectors, total = number(14, 2), sector[16], number(36, 4), number(32, 4)
        clusters = (total - reserved - fats * fat_sectors) // sector[13]
        self.assertGreaterEqual(clusters, 65525)
        self.assertLessEqual(clusters * 4 + 8, fat_sectors * 512)
        self.assertEqual((number(17, 2), number(19, 2), number(22, 2)), (0, 0, 0))
        self.assertEqual((number(28, 4), total), (2048, 129023 - 2048 + 1))
        self.assertEqual((sector[71:82], sector[82:87]), (b"SELFMAP    ", b"FAT32"))

    def test_gpt(self):
        """mkimage: the partition table and its backup are sound, and the type is EFI system"""
        self.made()
        told = subprocess.run(["sgdisk", "--verify", "--info=1", str(self.image)], env=SBIN,
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("No problems found", told)
        self.assertIn("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", told)

    def test_same_bytes(self):
        """mkimage: same tree, same bytes, whatever the clock, the zone and the order of the folder say"""
        first = self.made()
        again = self.tree("again", ["EFI/BOOT/BOOTX64.EFI", "selfmap.cfg", "README.TXT"])
        os.utime(again / "selfmap.cfg", (1, 1))
        self.assertEqual(self.made(again, TZ="Asia/Tokyo", LC_ALL="C.UTF-8"), first)
        self.assertNotEqual(self.made(SOURCE_DATE_EPOCH="1000000000"), first)

    def test_order_of_a_folder(self):
        """mkimage: same tree, same bytes, in whatever order find gives out the names"""
        first = self.made()
        for order in ("sort", "sort -r"):
            find = self.folder / "bin" / "find"
            find.parent.mkdir(exist_ok=True)
            find.write_text(f'#!/bin/sh\n/usr/bin/find "$@" | {order}\n')
            find.chmod(0o755)
            self.assertEqual(self.made(PATH=f"{find.parent}:{os.environ['PATH']}"), first, order)

    def made_iso(self, *arguments, **environment):
        if not shutil.which("xorriso"):
            self.skipTest("xorriso is not installed")
        iso = self.folder / "out.iso"
        result = self.make(*arguments, out=iso, **environment)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return iso.read_bytes()

    def test_iso(self):
        """mkimage: the boot image of the ISO is a FAT with every file, and a partition of type EFI system"""
        iso = self.made_iso()
        catalog = iso[int.from_bytes(iso[0x8847:0x884B], "little") * 2048:][:64]
        self.assertEqual((iso[0x8001:0x8006], iso[0x8807:0x881E]), (b"CD001", b"EL TORITO SPECIFICATION"))
        self.assertEqual((catalog[0], catalog[1], catalog[32]), (1, 0xEF, 0x88))
        sectors, start = struct.unpack_from("<HI", catalog, 38)
        fat = self.folder / "fat"
        fat.write_bytes(iso[start * 2048:start * 2048 + sectors * 512])
        for file in ("README.TXT", "EFI/BOOT/BOOTX64.EFI"):
            read = subprocess.run(["mtype", "-i", str(fat), f"::/{file}"], capture_output=True, check=True)
            self.assertEqual(read.stdout, (self.boot / file).read_bytes())
        told = subprocess.run(["sgdisk", "--verify", "--info=2", str(self.folder / "out.iso")], env=SBIN,
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("No problems found", told)
        self.assertIn("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", told)
        self.assertIn(f"First sector: {start * 4} ", told)

    def test_same_iso(self):
        """mkimage: same tree, same ISO"""
        first = self.made_iso()
        again = self.tree("again", ["EFI/BOOT/BOOTX64.EFI", "selfmap.cfg", "README.TXT"])
        os.utime(again / "selfmap.cfg", (1, 1))
        os.utime(again / "EFI", (1, 1))
        self.assertEqual(self.made_iso(again, TZ="Asia/Tokyo", LC_ALL="C.UTF-8"), first)
        self.assertNotEqual(self.made_iso(SOURCE_DATE_EPOCH="1000000000"), first)

    def test_content(self):
        """mkimage: every file is there, with its content"""
        self.tree("esp", ["deep/er/a file with blanks"])
        self.made()
        for file in ("README.TXT", "EFI/BOOT/BOOTX64.EFI", "deep/er/a file with blanks"):
            read = subprocess.run(["mtype", "-i", f"{self.image}@@1M", f"::/{file}"],
                                  capture_output=True, check=True)
            self.assertEqual(read.stdout, (self.boot / file).read_bytes())

    def test_sound(self):
        """mkimage: fsck finds nothing to mend"""
        fsck = shutil.which("fsck.fat", path=SBIN["PATH"])
        if not fsck:
            self.skipTest("fsck.fat is not installed")
        self.made()
        part = self.folder / "part"
        part.write_bytes(self.image.read_bytes()[PARTITION:129024 * 512])
        result = subprocess.run([fsck, "-n", str(part)], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_refusals(self):
        """mkimage: without BOOTX64.EFI, or with too much to hold, nothing is made and nothing is left"""
        (self.boot / "big").write_bytes(bytes(63 << 20))
        self.image.write_bytes(b"the old one")
        self.assertIn("does not fit", self.make().stderr)
        (self.boot / "EFI/BOOT/BOOTX64.EFI").unlink()
        self.assertIn("BOOTX64.EFI is not there", self.make().stderr)
        self.assertIn("is not a directory", self.make(self.folder / "none").stderr)
        self.tree("esp", ["EFI/BOOT/BOOTX64.EFI"])
        self.assertIn("must end in .img or .iso", self.make(out=self.folder / "out.bin").stderr)
        self.assertIn("does not fit", self.make(out=self.folder / "out.iso").stderr)
        self.assertEqual(self.image.read_bytes(), b"the old one")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["esp", "out.img"])


tap.main()
