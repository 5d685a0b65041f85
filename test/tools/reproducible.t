#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same sources give the same images and libraries, wherever and whenever they are built."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

OF_EDITORS = ("compile_commands.json*",)  # which comes and goes while another test makes it
MADE = ("selfmap.efi", "selfmap.img", "selfmap.iso", "library/libselfmap.a", "library/libselfmap_pic.a",
        "selfmap.c", "selfmap.h")


class Reproducible(unittest.TestCase):
    def test_same_bytes(self):
        """images, library: a build in another folder, time zone and umask gives the same bytes"""
        folder = tempfile.TemporaryDirectory(prefix="a folder with a longer name,")
        self.addCleanup(folder.cleanup)
        other = Path(folder.name) / "elsewhere"
        shutil.copytree(tap.ROOT, other,
                        ignore=shutil.ignore_patterns("build", ".git", "BOOTX64.EFI", *OF_EDITORS))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        result = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "image", "iso", "library"], cwd=other,
                                env={**environment, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}, umask=0o077,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in MADE:
            here, there = tap.ROOT / "build" / name, other / "build" / name
            self.assertEqual(here.read_bytes() == there.read_bytes(), True, f"{name} differs")


tap.main()
