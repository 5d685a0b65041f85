#!/usr/bin/env python3
"""The stick writer refuses everything but a stick, and touches nothing when it refuses."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

DISK_BYTES = 4 << 20
IMAGE = bytes(range(256)) * 4096  # 1 MiB


class MadeUpMachine(unittest.TestCase):
    """A machine with one free stick, sdx, that has one partition."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.sys = self.root / "sys/class/block/sdx"
        self.put("sys/class/block/sdx/size", DISK_BYTES // 512)
        self.put("sys/class/block/sdx/removable", 1)
        self.put("sys/class/block/sdx/ro", 0)
        self.put("sys/class/block/sdx/dev", "8:16")
        self.put("sys/class/block/sdx/device/model", "Test Stick")
        self.put("sys/class/block/sdx/device/type", 0)
        self.put("sys/class/block/sdx/sdx1/partition", 1)
        self.put("sys/class/block/sdx1/dev", "8:17")
        self.put("sys/class/block/sdx1/partition", 1)
        self.put("sys/class/block/sdx1/size", DISK_BYTES // 512)
        self.put("sys/class/block/sdx1/removable", 1)
        self.put("proc/self/mountinfo", "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw")
        self.put("proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1p3 partition 1 0 -2")
        self.put("dev/sdx1", "partition")
        self.disk = self.root / "dev/sdx"
        self.disk.write_bytes(b"\xa5" * DISK_BYTES)
        self.image = self.root / "image"
        self.image.write_bytes(IMAGE)

    def put(self, path, content):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")

    def usb(self, *arguments, **environment):
        environment = {**os.environ, "USB_TEST_ROOT": str(self.root), "FORCE": "",
                       "CONFIRM": "", **environment}
        return tap.run_tool("usb", *arguments, env=environment)

    def refused(self, sentence, device=None, **environment):
        result = self.usb(self.image, device or self.disk, **environment)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(self.disk.read_bytes(), b"\xa5" * DISK_BYTES)

    def refused_even_by_force(self, sentence):
        self.refused(sentence)
        self.refused(sentence, FORCE="1", CONFIRM=str(self.disk))

    def written(self, **environment):
        result = self.usb(self.image, self.disk, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.disk.stat().st_size, DISK_BYTES)
        return result


class Refusals(MadeUpMachine):
    def test_no_device(self):
        """usb: no device named"""
        for arguments in ([self.image], [self.image, ""], []):
            result = self.usb(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn("name the stick", result.stderr)

    def test_missing(self):
        """usb: refuses a device that does not exist"""
        self.refused("does not exist", self.root / "dev/sdy")

    def test_regular_file(self):
        """usb: refuses a regular file and a character device"""
        self.refused("not a block device", self.image)
        self.refused("not a block device", "/dev/null")

    def test_unknown(self):
        """usb: refuses a device the kernel does not know as a disk"""
        shutil.rmtree(self.sys)
        self.refused_even_by_force("knows no disk")

    def test_partition(self):
        """usb: refuses a partition"""
        self.refused("is a partition", self.root / "dev/sdx1")

    def test_optical(self):
        """usb: refuses an optical drive"""
        self.put("sys/class/block/sdx/device/type", 5)
        self.refused_even_by_force("not a disk")

    def test_mounted(self):
        """usb: refuses a mounted disk"""
        self.put("proc/self/mountinfo", "9 1 8:16 / /mnt rw - vfat /dev/whatever rw")
        self.refused_even_by_force("mounted on /mnt")

    def test_mounted_partition(self):
        """usb: refuses a disk with a mounted partition"""
        self.put("proc/self/mountinfo", "9 1 8:17 / /media/a\\040b rw shared:2 master:1 - vfat /dev/sdx1 rw")
        self.refused_even_by_force("/dev/sdx1 is mounted")

    def test_mounted_by_source(self):
        """usb: refuses a mounted partition whose file system has a device number of its own"""
        self.put("proc/self/mountinfo", "9 1 0:40 / /data rw shared:2 - btrfs /dev/sdx1 rw")
        self.refused_even_by_force("mounted on /data")

    def test_swap(self):
        """usb: refuses a disk with swap on it"""
        self.put("proc/swaps", "Filename Type Size Used Priority\n/dev/sdx1 partition 1 0 -2")
        self.refused_even_by_force("swap")

    def test_holders(self):
        """usb: refuses a disk or a partition that device mapper or RAID holds"""
        self.put("sys/class/block/sdx1/holders/dm-3", "")
        self.refused_even_by_force("/dev/sdx1 is held by dm-3")
        self.put("sys/class/block/sdx/holders/md0", "")
        self.refused_even_by_force("/dev/sdx is held by md0")

    def test_read_only(self):
        """usb: refuses a read-only disk"""
        self.put("sys/class/block/sdx/ro", 1)
        self.refused_even_by_force("read-only")

    def test_small(self):
        """usb: refuses a disk smaller than the image, and a reader without a card"""
        for sectors in (len(IMAGE) // 512 - 1, 0):
            self.put("sys/class/block/sdx/size", sectors)
            self.refused_even_by_force("smaller than the image")

    def test_image(self):
        """usb: refuses to write an image that is missing or empty"""
        for image in ("none", "/dev/null"):
            result = self.usb(image, self.disk)
            self.assertNotEqual(result.returncode, 0)
        self.image.write_bytes(b"")
        self.refused("is empty")

    def test_not_removable(self):
        """usb: refuses a fixed disk, with FORCE alone and with another name in CONFIRM too"""
        self.put("sys/class/block/sdx/removable", 0)
        self.refused("not removable")
        self.refused("not removable", CONFIRM=str(self.disk))
        self.refused("named twice", FORCE="1")
        self.refused("named twice", FORCE="1", CONFIRM="/dev/sdy")
        (self.sys / "removable").unlink()
        self.refused("not removable")


class Writing(MadeUpMachine):
    def test_writes(self):
        """usb: shows model and size, writes the image and nothing after it"""
        tools = self.root / "tools"  # no sgdisk here: this image has no partition table to move
        tools.mkdir()
        (tools / "sgdisk").write_text("#!/bin/sh\nexit 0\n")
        (tools / "sgdisk").chmod(0o755)
        result = self.written(PATH=f"{tools}:{os.environ['PATH']}")
        self.assertIn("Test Stick, 4 MiB", result.stdout)
        self.assertEqual(self.disk.read_bytes(), IMAGE + b"\xa5" * (DISK_BYTES - len(IMAGE)))

    def test_bad_stick(self):
        """usb: a stick that does not return what was written is told"""
        tools = self.root / "tools"
        tools.mkdir()
        (tools / "dd").write_text("#!/bin/sh\n")
        (tools / "dd").chmod(0o755)
        result = self.usb(self.image, self.disk, PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual(result.returncode, 1)
        self.assertIn("does not return what was written", result.stderr)

    def test_by_link(self):
        """usb: a link such as /dev/disk/by-id/... leads to the same checks"""
        link = self.root / "by-id"
        link.symlink_to(self.root / "dev/sdx1")
        self.refused("is a partition", link)

    def test_force(self):
        """usb: writes a fixed disk that was named twice, and moves the backup table to its end"""
        self.put("sys/class/block/sdx/removable", 0)
        sgdisk = shutil.which("sgdisk", path=f"{os.environ['PATH']}:/usr/sbin")
        if not sgdisk:
            self.skipTest("sgdisk is not installed")
        self.image.write_bytes(bytes(1 << 20))
        subprocess.run([sgdisk, "--new=1:64:1000", str(self.image)], check=True, capture_output=True)
        self.written(FORCE="1", CONFIRM=str(self.disk))
        written = self.disk.read_bytes()
        self.assertEqual(written[512:520], b"EFI PART")
        self.assertEqual(written[-512:-504], b"EFI PART")
        self.assertEqual(int.from_bytes(written[544:552], "little"), DISK_BYTES // 512 - 1)


tap.main()
