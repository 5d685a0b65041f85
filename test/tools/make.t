#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a person says to make reaches the tools unchanged; and one command installs what a goal needs."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

# What a person may say, and the goals that listen.
SAID = ("OPTIONS", "EMULATOR", "CPU", "MEMORY", "SMP", "FIRMWARE", "MACHINE", "GDB", "ONLY", "SECONDS",
        "SEED", "SAMPLE", "JOBS", "LISTED", "DEVICE", "CONFIRM", "FORCE", "KEY", "CERT", "PASSPHRASE")
GOALS = ("run", "boot-test", "bench-boot", "debug", "usb", "sign", "fuzz", "mutants", "verify-mutants",
         "bench", "test")
SHELL_TOOLS = ("sh", "cat", "sort", "tr", "mkdir", "touch", "find", "nproc", "awk", "printf", "make")
# Goals, and a package of each group that they need.
PACKAGES = {"run": "gcc qemu-system-x86", "iso": "xorriso", "sign": "sbsigntool",
            "host-test": "libcmocka-dev", "check": "gcc clang-tidy",
            "test": "gcc qemu-system-x86 bochs libcmocka-dev z3",
            "bench": "valgrind", "library": "gcc binutils", "docs": "doxygen",
            "debug": "gcc gdb ovmf", "screenshot": "optipng mtools", "fuzz-libfuzzer": "libclang-rt-14-dev",
            "verify-boot": "shim-signed u-boot-qemu", "verify": "frama-c-base gcovr z3 shim-signed"}


def make(*arguments, **variables):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("MAKE") and name not in SAID}
    return subprocess.run(["make", "-s", "--no-print-directory", *map(str, arguments)], cwd=tap.ROOT,
                          env={**environment, **variables}, capture_output=True, text=True, check=False,
                          timeout=tap.PATIENCE, stdin=subprocess.DEVNULL)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.made = self.folder / "made"

    def program(self, name, body):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


class Said(Folder):
    def nasty(self):
        """Texts that make a file if make or a shell looks into them."""
        touch = f"touch {self.made}"
        return (f"'; {touch}; '", f'"; {touch}; "', f"$({touch})", f"`{touch}`", f"$(shell {touch})",
                f"$$({touch})", f"; {touch} #", f"a\n{touch}\n", f"-x '{touch}'", f"\\'; {touch}; \\'")

    def not_made(self, text):
        self.assertFalse(self.made.exists(), f"a shell ran what was said: {text}")

    def test_never_in_commands(self):
        """make: what is said stands in no command, but in the environment"""
        said = "".join(self.nasty())
        result = make("-n", *(f"{name}={said}" for name in SAID), *GOALS)
        self.assertEqual(result.returncode, 0, result.stderr[-2000:])
        self.assertNotIn(str(self.made), result.stdout)
        self.not_made(said)
        for tool in ("tools/boot", "tools/debug", "tools/usb", "tools/sign", "test/host/fuzz/run",
                     "test/run --all", "test/mutants/run", "test/bench/bench.py table"):
            self.assertIn(tool, result.stdout)

    def test_no_such_test(self):
        """make: nor does a test that is not there, or its kind, run anything"""
        text = "".join(self.nasty())
        for arguments in ((f"TEST={text}",), ("TEST=unmap", f"KIND={text}"),
                          ("TEST=unmap", f"LEVELS={text}")):
            self.assertEqual(make("host-test", *arguments).returncode, 2)
            self.not_made(text)

    def test_print(self):
        """make: a variable is printed as it is"""
        for text in self.nasty():
            self.assertEqual(make("print-OPTIONS", f"OPTIONS={text}").stdout, text + "\n")
            self.not_made(text)

    def test_device(self):
        """make usb: the device is named as it was given, whatever characters it has"""
        for text in self.nasty():
            for result in (make("usb", f"DEVICE={text}"), make("usb", DEVICE=text)):
                self.assertEqual(result.returncode, 2)
                self.assertIn(f"usb: {text} does not exist\n", result.stderr)
            self.not_made(text)

    def test_options(self):
        """make run: options reach the machine as they were given"""
        self.program("qemu-system-x86_64",
                     f'for word; do printf "%s\\0" "$word"; done >{self.folder}/words; exit 33')
        for text in ("tests=\"unmap: the next\" end=auto", *self.nasty()):
            path = f"{self.folder}:{os.environ['PATH']}"
            for goal in ("run", "boot-test"):
                make(goal, f"OPTIONS={text}", PATH=path)
                words = (self.folder / "words").read_text().split("\0")
                self.assertIn(f"name=opt/selfmap,string={text}", words)
                (self.folder / "words").unlink()
            self.not_made(text)

    def test_gdb(self):
        """debug: options of gdb in one text are split as a shell does it, and not run"""
        result = tap.run_tool("debug", "--gdb=-ex 'not closed", "none")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--gdb: No closing quotation", result.stderr)


class Needed(Folder):
    """A machine with nothing on it but make and the shell's helpers, and a person who is not root."""

    def setUp(self):
        super().setUp()
        for name in SHELL_TOOLS:
            if path := shutil.which(name):
                (self.folder / name).symlink_to(path)
        self.program("id", "echo 1000")
        self.program("apt-get", f"echo called >{self.made}")

    def command(self, *goals):
        """What make prints, which stops for it."""
        result = make(f"B={self.folder}/build", *goals, PATH=str(self.folder), DEPS_ROOT=str(self.folder))
        self.assertEqual(result.returncode, 2, result.stdout)
        commands = re.findall(r"apt-get install -y --no-install-recommends (.*)'", result.stderr)
        self.assertEqual(len(commands), 1, result.stderr)
        return commands[0].split()

    def test_one_command(self):
        """make: who is not root is told one command for all that the goals need"""
        for goal, packages in PACKAGES.items():
            arguments = ["TEST=unmap"] if goal == "host-test" else []
            self.assertLessEqual(set(packages.split()), set(self.command(goal, *arguments)), goal)
        self.assertLessEqual({"optipng", "xorriso"}, set(self.command("screenshot", "iso")))
        self.assertNotIn("libcmocka-dev", self.command("boot-test"))
        self.assertIn("u-boot-qemu", self.command("boot-test", "FIRMWARE=uboot"))
        self.assertNotIn("bochs", self.command("boot-test"))
        self.assertIn("bochs-sdl", self.command("boot-test", "EMULATOR=bochs"))
        self.assertFalse(self.made.exists(), "apt-get was called")

    def test_complete(self):
        """make: a goal asks at once for every group of packages that its recipes need"""
        for goal in ("run", "iso", "screenshot", "check", "bench", "debug"):
            told = make("-n", f"B={self.folder}/build", goal).stdout
            calls = re.findall(r"^tools/deps (.*)", told, re.M)
            self.assertTrue(calls, goal)
            stamps = set(re.findall(r"^touch \S+/build/deps-(\w+)$", told, re.M))
            self.assertLessEqual(stamps, set(calls[0].split()), goal)


tap.main()
