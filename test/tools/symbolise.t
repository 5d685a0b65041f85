#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""symbolise finds functions and lines in logs of the same build, and refuses those of another. The program is
the one that was built; the logs are made up around its symbols."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import tap
import elf

ELF = Path(__file__).resolve().parents[2] / "build" / "selfmap.elf"


def line_of(function):
    """The line with this function's opening brace, in kernel/boot/main.c."""
    source = (ELF.parents[1] / "kernel/boot/main.c").read_text(encoding="utf-8")
    return next(number for number, line in enumerate(source.split("\n"), 2)
                if re.search(rf"\b{function}\(struct", line))


class Symbolise(unittest.TestCase):
    def setUp(self):
        if not ELF.is_file():
            self.skipTest("the application is not built")
        self.program = elf.Elf(ELF)
        self.main = self.program.symbol("kernel_main")

    def run_on(self, text, *options):
        if isinstance(text, str):
            text = text.encode()
        return subprocess.run([sys.executable, tap.TOOLS / "symbolise", *options], input=text,
                              capture_output=True, check=False)

    def log(self, *lines):
        return "\n".join(["Selfmap", f"# build_id={self.program.build_id}", *lines, "the end"]) + "\n"

    def symbolised(self, *lines):
        run = self.run_on(self.log(*lines))
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.decode().split("\n")[2:-2]

    def assert_refused(self, words, run):
        self.assertEqual((run.returncode, run.stdout), (2, b""))
        self.assertRegex(run.stderr.decode(), f"^symbolise: .*{words}")
        self.assertEqual(run.stderr.count(b"\n"), 1)

    def test_addresses(self):
        """symbolise: the function and its line stand behind an offset, whoever wrote it down"""
        where = f"  kernel_main (kernel/boot/main.c:{line_of('kernel_main')})"
        for line in (f"# trace: image+0x{self.main:x} at 000000001e001234",
                     f"rip 000000001e001234  (image + {self.main:x})  cs 8  rflags 46"):
            self.assertEqual(self.symbolised(line), [line + where])

    def test_return_addresses(self):
        """symbolise: in a trace all addresses except the first are those of what comes after a call"""
        following = self.main  # as if a call were the last instruction of the function before
        first, second = self.symbolised(*[f"# trace: image+0x{following:x} at 1"] * 2)
        self.assertIn("kernel_main", first)
        self.assertNotIn("kernel_main", second)
        again = self.symbolised(f"# trace: image+0x{following:x} at 1", "# trace ends: x",
                                f"# trace: image+0x{following:x} at 1")
        self.assertIn("kernel_main", again[2])

    def test_not_code(self):
        """symbolise: an address that is not in the code is told to be none"""
        for offset in (0, 0xfff, self.program.symbol("image_code_end"), (1 << 64) - 1):
            self.assertIn("  not in the code", self.symbolised(f"# trace: image+0x{offset:x} at 1")[0])
        cut = ["# trace: image+0x", "image+xyz"]
        self.assertEqual(self.symbolised(*cut), cut)

    def test_other_lines(self):
        """symbolise: other lines stay as they are, and a log without addresses is told"""
        run = self.run_on(self.log("ok 1 all well"))
        self.assertEqual((run.returncode, run.stdout.decode()), (0, self.log("ok 1 all well")))
        self.assertIn(b"no address of the image in the log", run.stderr)

    def test_other_build(self):
        """symbolise: a log of another build is refused, --force takes it"""
        other = self.log(f"# trace: image+0x{self.main:x} at 1").replace("build_id=", "build_id=0")[:-1]
        other = re.sub(r"(build_id=.{40}).", r"\1", other)
        self.assert_refused("the log is of the build 0.*--force", self.run_on(other))
        self.assertIn(b"kernel_main", self.run_on(other, "--force").stdout)

    def test_two_builds(self):
        """symbolise: so is a log of two builds, one of which is another"""
        two = self.log() + f"# build_id={'ab' * 20}\n"
        self.assert_refused("the log is of the build abab", self.run_on(two))

    def test_no_build(self):
        """symbolise: so is one that names no build, empty, or noise"""
        for text in ("", f"# trace: image+0x{self.main:x} at 1\n", bytes(range(256)) * 100,
                     f"# build_id={self.program.build_id[:-1]}\n"):
            self.assert_refused("names no build", self.run_on(text))
        self.assertIn(b"kernel_main", self.run_on(f"(image + {self.main:x})", "--force").stdout)

    def test_noise(self):
        """symbolise: escapes, carriage returns and bytes of any kind around the lines do no harm"""
        noise = b"\x1b[2J\xff\xfe\0" + self.log(f"# trace: image+0x{self.main:x} at 1").replace(
            "\n", "\r\n").encode() + b"\x80# trace: image+0x"
        run = self.run_on(noise)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(b"kernel_main (kernel/boot/main.c", run.stdout)
        self.assertNotIn(b"\x1b", run.stdout)

    def test_program(self):
        """symbolise: a program that is not there, is no ELF file, cut off, or another one"""
        log = self.log()
        self.assert_refused("cannot be read", self.run_on(log, "--elf", "/nowhere/selfmap.elf"))
        self.assert_refused("is not a 64-bit ELF", self.run_on(log, "--elf", __file__))
        self.assert_refused("it is not Selfmap", self.run_on(log, "--elf", "/bin/true"))
        with tempfile.NamedTemporaryFile() as cut:
            for size in (70, 5000, ELF.stat().st_size - 40):
                cut.seek(0)
                cut.truncate()
                cut.write(ELF.read_bytes()[:size])
                cut.flush()
                self.assert_refused("broken ELF|no symbol|has nothing", self.run_on(log, "--elf", cut.name))

    def test_no_log(self):
        """symbolise: a log that is not there"""
        self.assert_refused("No such file", self.run_on("", "/nowhere/log"))


if __name__ == "__main__":
    tap.main()
