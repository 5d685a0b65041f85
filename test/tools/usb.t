#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stick writer refuses everything but a stick, and touches nothing when it refuses."""

import errno
import os
import pty
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from contextlib import contextmanager, redirect_stderr
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import StringIO
from pathlib import Path
from unittest import mock

import tap

LOADER = SourceFileLoader("usb", str(tap.TOOLS / "usb"))
usb = module_from_spec(spec_from_loader("usb", LOADER))
LOADER.exec_module(usb)

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
                       "CONFIRM": str(self.disk), **environment}
        return tap.run_tool("usb", *arguments, env=environment)

    def refused(self, sentence, device=None, **environment):
        result = self.usb(self.image, device or self.disk, **environment)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(self.disk.read_bytes(), b"\xa5" * DISK_BYTES)

    def refused_even_by_force(self, sentence):
        self.refused(sentence)
        self.refused(sentence, FORCE="1")

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

    def test_loop(self):
        """usb: refuses a disk on which a loop device stands"""
        self.put("sys/class/block/loop0/loop/backing_file", "/home/someone/sdx")
        self.put("sys/class/block/loop3/loop/backing_file", "/dev/sdx1")
        self.refused_even_by_force("/dev/sdx1 is used by /dev/loop3")
        self.put("sys/class/block/loop3/loop/backing_file", "/dev/sdy")
        self.written()

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
        """usb: refuses a fixed disk without FORCE=1"""
        self.put("sys/class/block/sdx/removable", 0)
        self.refused("not removable")
        self.refused("not removable", FORCE="yes")
        (self.sys / "removable").unlink()
        self.refused("not removable")

    def test_sectors(self):
        """usb: refuses a disk whose sectors have 4096 bytes, for which the image is not made"""
        self.put("sys/class/block/sdx/queue/logical_block_size", 4096)
        self.refused_even_by_force("sectors of 4096 bytes")

    def test_kernel_refuses(self):
        """usb: refuses a disk that the kernel does not give exclusively"""
        taken = OSError(errno.EBUSY, "busy")
        with self.in_process(), mock.patch.object(usb.os, "open", side_effect=taken) as opened:
            self.assertIn("is in use, says the kernel", self.said_by_main())
        self.assertTrue(opened.call_args[0][1] & os.O_EXCL)

    @contextmanager
    def in_process(self):
        """The tool's own functions in this process, on this machine."""
        with mock.patch.object(usb, "ROOT", str(self.root)), \
                mock.patch.object(sys, "argv", ["usb", str(self.image), str(self.disk)]), \
                mock.patch.dict(os.environ, CONFIRM=str(self.disk)):
            yield

    def said_by_main(self):
        said = StringIO()
        with redirect_stderr(said):
            self.assertEqual(usb.main(), 1)
        self.assertEqual(self.disk.read_bytes(), b"\xa5" * DISK_BYTES)
        return said.getvalue()


class Confirmation(MadeUpMachine):
    """The person is asked, and the answer must be the device's name."""

    def not_written(self, sentence, result):
        self.assertEqual(result.returncode, 1)
        self.assertIn(sentence, result.stderr)
        self.assertIn("Test Stick, 4 MiB, 1 partition.", result.stdout)
        self.assertEqual(self.disk.read_bytes(), b"\xa5" * DISK_BYTES)

    def test_nobody(self):
        """usb: nobody to be asked, or another name in CONFIRM: nothing is written"""
        self.not_written("nobody is there to be asked", self.usb(self.image, self.disk, CONFIRM=""))
        self.not_written("CONFIRM=/dev/sdy is not", self.usb(self.image, self.disk, CONFIRM="/dev/sdy"))

    def typed(self, answer):
        """The tool on a terminal of its own, at which a person types the answer."""
        leader, follower = pty.openpty()
        environment = {**os.environ, "USB_TEST_ROOT": str(self.root), "FORCE": "", "CONFIRM": ""}
        with subprocess.Popen([tap.TOOLS / "usb", self.image, self.disk], stdin=follower,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment) as process:
            os.write(leader, f"{answer}\n".encode())
            stdout, stderr = process.communicate(timeout=tap.PATIENCE)
        os.close(leader)
        os.close(follower)
        return subprocess.CompletedProcess([], process.returncode, stdout, stderr)

    def test_typed(self):
        """usb: asks for the device's name, and writes after that name alone"""
        for answer in ("", "y", "sdx", f"{self.disk}1"):
            self.not_written("that is another name", self.typed(answer))
        result = self.typed(self.disk)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"type {self.disk} to go on", result.stdout)
        self.assertEqual(self.disk.read_bytes()[:len(IMAGE)], IMAGE)


class Writing(MadeUpMachine):
    def test_writes(self):
        """usb: shows model, size and progress, writes the image and nothing after it"""
        result = self.written()
        for words in ("Test Stick, 4 MiB, 1 partition.", "writing: 100 %, 1 MiB",
                      "reading back: 100 %, 1 MiB"):
            self.assertIn(words, result.stdout)
        self.assertEqual(self.disk.read_bytes(), IMAGE + b"\xa5" * (DISK_BYTES - len(IMAGE)))

    def test_bad_stick(self):
        """usb: a stick that does not return what was written, or returns an error, is told"""
        pieces, file = [(0, IMAGE)], self.disk.open("r+b")
        self.addCleanup(file.close)
        with mock.patch.object(usb, "ROOT", str(self.root)):
            disk, progress = usb.Disk(str(self.disk)), mock.Mock()
            usb.write(file.fileno(), pieces, progress)
            usb.verify(disk, file.fileno(), pieces, progress)
            os.pwrite(file.fileno(), b"?", len(IMAGE) - 1)
            with self.assertRaisesRegex(usb.Refused, "does not return what was written"):
                usb.verify(disk, file.fileno(), pieces, progress)
            with self.assertRaisesRegex(usb.Refused, "writing .* failed: Bad file descriptor"):
                usb.put_on(disk, -1, IMAGE)

    def test_reads_from_the_stick(self):
        """usb: what the kernel remembers of a block device is dropped before it is read back"""
        pieces, file, calls = [(0, IMAGE)], self.disk.open("r+b"), mock.Mock()
        self.addCleanup(file.close)
        disk = mock.Mock(is_block=True)
        with mock.patch.object(usb.fcntl, "ioctl", calls.ioctl), \
             mock.patch.object(usb.os, "pread", calls.pread):
            calls.pread.side_effect = lambda _, count, at: IMAGE[at:at + count]
            usb.verify(disk, file.fileno(), pieces, mock.Mock())
        block_flush = 0x1261  # BLKFLSBUF of linux/fs.h
        self.assertEqual(calls.mock_calls[0], mock.call.ioctl(file.fileno(), block_flush))
        self.assertIn("pread", str(calls.mock_calls[1]))

    def test_exact_size(self):
        """usb: a disk of the image's size is large enough, and one with a sector less is not"""
        self.put("sys/class/block/sdx/size", len(IMAGE) // 512 - 1)
        self.refused_even_by_force("is smaller than the image")
        self.put("sys/class/block/sdx/size", len(IMAGE) // 512)
        self.written()

    def test_by_link(self):
        """usb: a link such as /dev/disk/by-id/... leads to the same checks"""
        link = self.root / "by-id"
        link.symlink_to(self.root / "dev/sdx1")
        self.refused("is a partition", link)

    def test_force(self):
        """usb: writes a fixed disk with FORCE=1"""
        self.put("sys/class/block/sdx/removable", 0)
        self.written(FORCE="1")
        self.assertEqual(self.disk.read_bytes()[:len(IMAGE)], IMAGE)

    def test_backup_table(self):
        """usb: the backup partition table stands at the end of the stick, and sgdisk finds nothing wrong"""
        sgdisk = shutil.which("sgdisk", path=f"{os.environ['PATH']}:/usr/sbin")
        if not sgdisk:
            self.skipTest("sgdisk is not installed")
        self.image.write_bytes(bytes(1 << 20))
        subprocess.run([sgdisk, "--new=1:64:1000", str(self.image)], check=True, capture_output=True)
        self.written()
        written = self.disk.read_bytes()
        self.assertEqual(written[-512:-504], b"EFI PART")
        told = subprocess.run([sgdisk, "--verify", "--print", str(self.disk)], check=True,
                              capture_output=True, text=True).stdout
        self.assertIn("No problems found", told)
        self.assertIn(f"last usable sector is {DISK_BYTES // 512 - 34}", told)
        # A disk of just the image's size: the two tables must not lie over each other.
        self.put("sys/class/block/sdx/size", len(IMAGE) // 512)
        self.written()
        self.assertEqual(self.disk.read_bytes()[:1 << 20], self.image.read_bytes())


class OnLoopDevice(unittest.TestCase):
    """A block device of the kernel's, where this machine lets us have one."""

    BYTES = DISK_BYTES

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "image").write_bytes(IMAGE)
        self.device = self.attached("disk")

    def tool(self, name):
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if not path:
            self.skipTest(f"{name} is not installed")
        return path

    def do(self, program, *arguments):
        """Does it, or skips the test with what it says: not every machine allows everything."""
        done = subprocess.run([self.tool(program), *map(str, arguments)], capture_output=True, text=True,
                              check=False, timeout=tap.PATIENCE)
        if done.returncode:
            self.skipTest(f"{program}: {done.stderr.strip()}")
        return done.stdout.strip()

    def undo(self, program, *arguments):
        self.addCleanup(subprocess.run, [self.tool(program), *map(str, arguments)], check=True)

    def attached(self, file, *options):
        """A loop device on a file in our folder, or on another device."""
        if os.geteuid():
            self.skipTest("loop devices need root")
        path = self.folder / file
        if not path.exists():
            path.write_bytes(b"\xa5" * self.BYTES)
        device = self.do("losetup", "--find", "--show", *options, path)
        self.undo("losetup", "--detach", device)
        if not Path("/sys/class/block", Path(device).name).is_dir():
            self.skipTest("loop devices need /sys")
        return device

    def usb(self, device):
        environment = {**os.environ, "USB_TEST_ROOT": "", "FORCE": "1", "CONFIRM": device}
        return tap.run_tool("usb", self.folder / "image", device, env=environment)

    def refused(self, sentence, device=None):
        before = self.boot_sector()
        result = self.usb(device or self.device)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(self.boot_sector(), before)

    def boot_sector(self):
        """To which a file system that is mounted does not write."""
        with open(self.device, "rb") as disk:
            return disk.read(512)

    def mount_folder(self):
        place = self.folder / "mounted"
        place.mkdir()
        return place


class LoopDevice(OnLoopDevice):
    def test_exclusive(self):
        """usb: a block device that somebody has is refused, and written when it is free"""
        holder = os.open(self.device, os.O_RDWR | os.O_EXCL)
        self.refused("in use, says the kernel")
        os.close(holder)
        self.assertEqual((self.folder / "disk").read_bytes(), b"\xa5" * DISK_BYTES)
        result = self.usb(self.device)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual((self.folder / "disk").read_bytes()[:len(IMAGE)], IMAGE)

    def test_large_sectors(self):
        """usb: a block device with sectors of 4096 bytes is refused"""
        self.refused("sectors of 4096 bytes", self.attached("disk", "--sector-size", "4096"))

    def test_loop_on_loop(self):
        """usb: a block device under a loop device is refused, also by another name than the kernel's"""
        for name in (self.device, self.folder / "node"):
            if name != self.device:
                os.mknod(name, 0o600 | stat.S_IFBLK, os.stat(self.device).st_rdev)
            upper = self.do("losetup", "--find", "--show", name)
            try:
                self.refused(f"{self.device} is used by {upper}")
            finally:
                subprocess.run([self.tool("losetup"), "--detach", upper], check=True)

    def test_swap(self):
        """usb: a block device with swap in use is refused"""
        self.do("mkswap", self.device)
        self.do("swapon", "--priority", "0", self.device)
        self.undo("swapoff", self.device)
        self.refused("is used as swap")

    def test_mounted_elsewhere(self):
        """usb: a block device that is mounted in another mount name space is refused"""
        self.do("mkfs.ext4", "-q", "-F", self.device)
        words = [self.tool("unshare"), "--mount", "sh", "-c", 'mount "$0" "$1" && echo mounted && read -r _',
                 self.device, str(self.mount_folder())]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as other:
            said = other.stdout.readline()
            if not said:
                self.skipTest(f"unshare or mount: {other.stderr.read().strip()}")
            self.assertNotIn(self.device, Path("/proc/self/mountinfo").read_text())
            self.refused("in use, says the kernel: mounted in another name space")
            other.communicate("\n")


class SecondMember(OnLoopDevice):
    """Of a file system on two devices the kernel names one as its source."""

    BYTES = 128 << 20

    def test_btrfs(self):
        """usb: the second member of a mounted btrfs is refused"""
        other, place = self.attached("other"), self.mount_folder()
        self.do("mkfs.btrfs", "-q", "-f", "-d", "raid0", "-m", "raid0", other, self.device)
        self.do("mount", "-t", "btrfs", "-o", f"device={other},device={self.device}", other, place)
        self.undo("umount", place)
        lines = Path("/proc/self/mountinfo").read_text().split("\n")
        sources = [line.split(" - ")[1].split()[1] for line in lines if f" {place} " in line]
        self.refused("in use, says the kernel" if sources == [other] else "is mounted on")


tap.main()
