#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The dependency step: silent when nothing is missing, one apt-get call when something is."""

import shutil
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tap

SHELL_TOOLS = ("cat", "sort", "tr")


class Deps(unittest.TestCase):
    """A machine with nothing on it but the shell's helpers, an `id`, and an apt-get that takes notes."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.bin = self.root / "bin"
        self.bin.mkdir()
        for name in SHELL_TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.calls = self.root / "calls"
        self.program("id", "echo 0")
        self.program("apt-get", 'echo "$DEBIAN_FRONTEND $*" >>"$DEPS_ROOT/calls"')

    def program(self, name, body="exit 0"):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def file(self, path):
        path = self.root / path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def have_everything_for_build(self):
        for name in ("gcc", "ld", "objcopy", "readelf", "python3", "gunzip"):
            self.program(name)
        for path in ("/usr/include/stdio.h", "/usr/include/efi/efi.h",
                     "/usr/share/consolefonts/Lat15-VGA16.psf.gz",
                     "/usr/lib/x86_64-linux-gnu/libqrcodegen.a"):
            self.file(path)

    def deps(self, *groups):
        # The script adds /usr/sbin to the path, so only programs that are never there can be missing here.
        environment = {"PATH": str(self.bin), "DEPS_ROOT": str(self.root)}
        return tap.run_tool("deps", *groups, env=environment)

    def noted(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def test_nothing_missing(self):
        """deps: with nothing missing it is silent and calls nothing"""
        self.have_everything_for_build()
        result = self.deps("build")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(self.noted(), [])

    def test_installs(self):
        """deps: root gets what is missing in one call, each package once"""
        self.have_everything_for_build()
        for name in ("ld", "objcopy", "gcc"):
            (self.bin / name).unlink()
        self.program("apt-get", '''echo "$DEBIAN_FRONTEND $*" >>"$DEPS_ROOT/calls"
for name in ld objcopy gcc; do
    echo >"$DEPS_ROOT/bin/$name"
    /bin/chmod +x "$DEPS_ROOT/bin/$name"
done''')
        result = self.deps("build")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("installing binutils gcc", result.stdout)
        self.assertEqual(self.noted(), ["noninteractive update -q",
                                        "noninteractive install -y --no-install-recommends binutils gcc"])

    def test_still_missing(self):
        """deps: says by name what is missing although apt-get was content"""
        self.have_everything_for_build()
        (self.root / "usr/include/efi/efi.h").unlink()
        result = self.deps("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/usr/include/efi/efi.h is still missing although gnu-efi", result.stderr)

    def test_apt_fails(self):
        """deps: fails when apt-get fails"""
        self.program("apt-get", "exit 100")
        result = self.deps("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("apt-get failed", result.stderr)

    def test_not_root(self):
        """deps: who is not root gets the command, and nothing is called"""
        self.have_everything_for_build()
        (self.bin / "gcc").unlink()
        self.program("id", "echo 1000")
        result = self.deps("build")
        self.assertEqual(result.returncode, 1)
        command = "'apt-get update && apt-get install -y --no-install-recommends gcc'"
        self.assertIn(f"    su -c {command}\n", result.stderr)
        self.program("sudo")
        self.assertIn(f"    sudo sh -c {command}\n", self.deps("build").stderr)
        self.assertEqual(self.noted(), [])

    def test_at_once(self):
        """deps: two that are called at once, by a parallel make, do not get into each other's way"""
        flock = shutil.which("flock")
        if not flock:
            self.skipTest("flock is not installed")
        (self.bin / "flock").symlink_to(flock)
        (self.bin / "sleep").symlink_to(shutil.which("sleep"))
        self.have_everything_for_build()
        (self.bin / "gcc").unlink()
        self.program("apt-get", '''echo begins >>"$DEPS_ROOT/calls"
sleep 1
echo >"$DEPS_ROOT/bin/gcc"
/bin/chmod +x "$DEPS_ROOT/bin/gcc"
echo ends >>"$DEPS_ROOT/calls"''')
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(lambda _: self.deps("build").returncode, range(2)))
        self.assertEqual(results, [0, 0])
        self.assertEqual(self.noted(), ["begins", "ends"] * 2)  # update and install, once

    def test_no_debian(self):
        """deps: without apt-get it names the packages"""
        self.have_everything_for_build()
        (self.bin / "apt-get").unlink()
        (self.bin / "gcc").unlink()
        result = self.deps("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("gcc", result.stderr)

    def test_groups(self):
        """deps: refuses unknown groups; several groups are one call"""
        self.assertEqual(self.deps().returncode, 2)
        self.assertEqual(self.deps("build", "fun").returncode, 2)
        self.assertEqual(self.noted(), [])
        result = self.deps("build", "test")
        self.assertIn("libcmocka-dev", result.stdout)
        self.assertIn("gnu-efi", result.stdout)
        self.assertEqual(len(self.noted()), 2)

    def test_every_name(self):
        """deps: every package of the table is asked for when nothing is there"""
        self.deps("build", "run", "bochs", "newer", "iso", "sign", "test", "ways", "bench", "proof", "framac",
                  "check", "verify", "fuzz")
        for package in ("binutils", "console-setup-linux", "mtools", "ovmf", "u-boot-qemu",
                        "bochs", "bochs-sdl", "mmdebstrap",
                        "cppcheck", "perl", "valgrind", "z3", "cvc5", "xorriso", "sbsigntool",
                        "openssl", "grub-efi-amd64-bin", "systemd-boot-efi", "shim-signed",
                        "gcovr", "libclang-rt-14-dev"):
            self.assertIn(f" {package}", self.noted()[-1])


tap.main()
