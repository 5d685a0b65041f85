# SPDX-License-Identifier: MIT
"""reached.py - which lines of the application a boot executes.

QEMU writes down each piece of code when it translates it, which it does when that is first executed (-d
in_asm). The addresses become lines by the debug information of the linked program. An optimised line is not
always where one looks for it; a function that was executed is.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

EMULATOR = "qemu-system-x86_64"
# Stands in for the emulator: has it write down the code too, and links that file to a place that stays.
WRAPPER = """#!/usr/bin/env python3
import os, sys
words = sys.argv[1:]
if "-D" in words:
    words[words.index("-d") + 1] += ",in_asm"
    log = words[words.index("-D") + 1]
    open(log, "wb").close()
    os.link(log, os.path.join({folder!r}, str(os.getpid())))
os.execv({emulator!r}, [{emulator!r}, *words])
"""
INSTRUCTION = re.compile(rb"^0x([0-9a-f]+):", re.M)
PAGE = 4096


class Recorder:
    """A folder in which the emulators of a command leave what they translated."""

    def __enter__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="reached."))
        for name in ("bin", "logs", "work"):  # in one file system, for the link
            (self._folder / name).mkdir()
        wrapper = self._folder / "bin" / EMULATOR
        wrapper.write_text(WRAPPER.format(folder=str(self._folder / "logs"), emulator=shutil.which(EMULATOR)))
        wrapper.chmod(0o755)
        self.environment = dict(os.environ, PATH=f"{wrapper.parent}:{os.environ['PATH']}",
                                TMPDIR=str(self._folder / "work"))
        return self

    def logs(self):
        return [path.read_bytes() for path in sorted((self._folder / "logs").iterdir())]

    def __exit__(self, *_):
        shutil.rmtree(self._folder, ignore_errors=True)


class Reader:
    """The linked program: what its addresses are."""

    def __init__(self, program):
        symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
        self._functions = {int(line.split()[0], 16) for line in symbols.splitlines()
                           if re.search(r" [tT] ", line)}
        self._lines = {}  # from an address to (name of a file, line)
        for address, place in self._line_table(program):
            self._lines.setdefault(address, set()).add(place)

    @staticmethod
    def _line_table(program):
        text = subprocess.run(["objdump", "--dwarf=decodedline", program], capture_output=True, text=True,
                              check=True).stdout
        for line in text.splitlines():
            if row := re.match(r"(\S+)\s+(\d+)\s+0x([0-9a-f]+)", line):
                yield int(row[3], 16), (row[1], int(row[2]))

    def _base(self, executed):
        """Where the image was loaded: the place at which the most functions begin that were entered."""
        offsets, places = {}, Counter()
        for function in self._functions:
            offsets.setdefault(function % PAGE, []).append(function)
        for address in executed:
            for function in offsets.get(address % PAGE, ()):
                places[address - function] += 1
        return places.most_common(1)[0][0] if places else 0

    def lines(self, logs):
        """From names of files to the lines that were executed."""
        found = {}
        for log in logs:
            executed = {int(match, 16) for match in INSTRUCTION.findall(log)}
            base = self._base(executed)
            for address in executed:
                for name, line in self._lines.get(address - base, ()):
                    found.setdefault(name, set()).add(line)
        return found
