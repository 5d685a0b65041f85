#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No machine is left behind by a runner that is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import suppress
from pathlib import Path

import tap
import machine

# Says which process it is, and never ends.
EMULATOR = "#!/bin/sh\necho $$ >{}/pid.new\nmv {}/pid.new {}/pid\nexec sleep 1000\n"


def is_there(pid):
    with suppress(OSError):
        fields = Path("/proc", str(pid), "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        return fields[0] != "Z"
    return False


class Killed(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.emulator = self.folder / "emulator"
        self.emulator.write_text(EMULATOR.format(*[self.folder] * 3))
        self.emulator.chmod(0o755)
        (self.folder / "image").write_bytes(b"")

    def wait_for(self, holds):
        end = time.monotonic() + 50
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def assert_ends_with(self, line):
        """Starts a runner, kills it as nothing can be caught, and sees the emulator end."""
        with subprocess.Popen([str(word) for word in line], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as runner:
            self.wait_for((self.folder / "pid").exists)
            pid = int((self.folder / "pid").read_text())
            try:
                self.assertTrue(is_there(pid))
                runner.send_signal(signal.SIGKILL)
                runner.wait()
                self.wait_for(lambda: not is_there(pid))
            finally:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def test_boot(self):
        """killed: tools/boot leaves no emulator behind"""
        if not Path(machine.UBOOT_ROM).is_file():
            self.skipTest("U-Boot is not installed")
        self.assert_ends_with([tap.TOOLS / "boot", "--firmware", "uboot", "--qemu", self.emulator,
                               self.folder / "image"])

    def test_snapshot(self):
        """killed: a case of hostile firmware leaves no emulator behind"""
        program = "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import snapshot; " \
                  "snapshot._follow(sys.argv[2:3], pathlib.Path(sys.argv[3]), 1000, None)"
        self.assert_ends_with([sys.executable, "-B", "-c", program, tap.ROOT / "test/firmware",
                               self.emulator, self.folder])


if __name__ == "__main__":
    tap.main()
