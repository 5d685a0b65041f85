# SPDX-License-Identifier: MIT
"""elf.py - what tools ask the linked program: its build id, symbols, functions and lines.

The addresses in build/selfmap.elf are offsets in the PE image: the ELF file is linked at 0 (efi/selfmap.lds).
"""

import re
import struct
import subprocess
from pathlib import Path

NOTE = "build_id_note"  # efi/selfmap.lds
SYMBOL_TABLE = 2


class ElfError(Exception):
    """The file is not there, or is not the linked program."""


class Elf:
    """The sections and symbols of a 64-bit file."""

    def __init__(self, path):
        self.path = Path(path)
        try:
            self._data = self.path.read_bytes()
        except OSError as error:
            raise ElfError(f"{path} cannot be read ({error.strerror}); `make` builds it") from error
        if self._data[:6] != b"\x7fELF\x02\x01":
            raise ElfError(f"{path} is not a 64-bit ELF file")
        try:
            self._sections = list(self._read_sections())
            self.symbols = dict(self._read_symbols())
        except (struct.error, ValueError, IndexError) as error:
            raise ElfError(f"{path} is a broken ELF file: {error}") from error
        self.build_id = self._read_build_id()

    def _read_sections(self):
        """(name offset, type, flags, address, file offset, bytes, link) of each section."""
        start, = struct.unpack_from("<Q", self._data, 0x28)
        size, count = struct.unpack_from("<HH", self._data, 0x3a)
        for number in range(count):
            yield struct.unpack_from("<IIQQQQI", self._data, start + number * size)

    def _read_symbols(self):
        for _, kind, _, _, offset, size, link in self._sections:
            if kind != SYMBOL_TABLE:
                continue
            names = self._sections[link][4]
            for at in range(offset, offset + size, 24):
                name, value = struct.unpack_from("<I4xQ", self._data, at)
                if name:
                    end = self._data.index(b"\0", names + name)
                    yield self._data[names + name:end].decode("ascii", "replace"), value

    def read(self, address, size):
        """The bytes that the program has at this address."""
        for _, kind, flags, start, offset, length, _ in self._sections:
            inside = start <= address and address + size <= start + length
            if flags & 2 and kind != 8 and inside:  # allocated, and not .bss
                return self._data[offset + address - start:offset + address - start + size]
        raise ElfError(f"{self.path} has nothing at {address:#x}")

    def symbol(self, name):
        if name not in self.symbols:
            raise ElfError(f"{self.path} has no symbol {name}: it is not Selfmap, or it is stripped")
        return self.symbols[name]

    def _read_build_id(self):
        at = self.symbol(NOTE)
        name, size, kind = struct.unpack("<III", self.read(at, 12))
        if (name, kind) != (4, 3):
            raise ElfError(f"{self.path} has no build id: link it with --build-id")
        return self.read(at + 16, size).hex()

    def is_code(self, address):
        return self.symbol("image_code_start") <= address < self.symbol("image_code_end")

    def places(self, addresses):
        """{address: [(function, file:line), ...]}, the inlined functions first."""
        asked = "".join(f"{address:#x}\n" for address in addresses)
        command = ["addr2line", "-a", "-f", "-i", "-e", str(self.path)]
        try:
            answer = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout
        except FileNotFoundError as error:
            raise ElfError("addr2line is not there; the package binutils has it") from error
        except subprocess.CalledProcessError as error:
            raise ElfError(f"addr2line: {error.stderr.strip()}") from error
        found, lines = {}, []
        for line in answer.splitlines():
            if re.fullmatch(r"0x[0-9a-f]+", line):
                lines = found.setdefault(int(line, 16), [])
            else:
                lines.append("_start" if line == "image_code_start" else line)  # two names for one place
        return {address: list(zip(lines[::2], map(_short, lines[1::2]))) for address, lines in found.items()}


def _short(place):
    """file:line without ./ and without what addr2line adds."""
    return re.sub(r"^\./| \(discriminator [0-9]+\)$", "", place)
