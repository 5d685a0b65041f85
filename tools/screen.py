# SPDX-License-Identifier: MIT
"""screen.py - read the text on a screenshot, knowing the font it was drawn with.

The application draws text in cells from the upper left corner. A cell is as large as a glyph of the font, or
larger by a whole number on a screen with many pixels: each pixel of the glyph is a square then. Each cell of
two brightnesses is compared with the glyphs; one that equals none becomes U+FFFD, and so does larger text.
"""

import gzip
from pathlib import Path

FONT = "/usr/share/consolefonts/Lat15-VGA16.psf.gz"
LARGEST_SCALE = 6
UNKNOWN = "\ufffd"


class ScreenError(Exception):
    """The font or the picture is not what it should be."""


class Font:
    """A PC screen font: width, height, and bitmaps as strings of 0 and 1 bytes, one per pixel."""

    def __init__(self, data):
        if data[:2] == b"\x36\x04":
            glyph_bytes, self.width, self.height = data[3], 8, data[3]
            count = 512 if data[2] & 1 else 256
            start, self._wide, has_table = 4, False, bool(data[2] & 6)
        elif data[:4] == b"\x72\xb5\x4a\x86":
            words = [int.from_bytes(data[at:at + 4], "little") for at in range(4, 32, 4)]
            _, start, flags, count, glyph_bytes, self.height, self.width = words
            self._wide, has_table = True, bool(flags & 1)
        else:
            raise ScreenError("this is not a PSF font")
        table_at = start + count * glyph_bytes
        if not glyph_bytes or len(data) < table_at:
            raise ScreenError("the font is truncated")
        self.glyphs = [self._bitmap(data[at:at + glyph_bytes]) for at in range(start, table_at, glyph_bytes)]
        self.characters = self._read_table(data[table_at:]) if has_table else {
            chr(index): index for index in range(count)}
        self.by_bitmap = {}
        for character, index in sorted(self.characters.items(), reverse=True):
            self.by_bitmap[self.glyphs[index]] = character  # of equal glyphs the lowest character stays

    @classmethod
    def load(cls, path=FONT):
        data = Path(path).read_bytes()
        return cls(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)

    def bitmap(self, character):
        return self.glyphs[self.characters[character]]

    def _bitmap(self, rows):
        per_row = (self.width + 7) // 8
        pixels = bytearray()
        for at in range(0, per_row * self.height, per_row):
            bits = int.from_bytes(rows[at:at + per_row], "big") >> (per_row * 8 - self.width)
            pixels += bytes(bits >> (self.width - 1 - x) & 1 for x in range(self.width))
        return bytes(pixels)

    def _read_table(self, table):
        """Each glyph's characters up to a terminator; sequences of several characters are left out."""
        if self._wide:
            lists = [entry.split(b"\xfe")[0].decode("utf-8", "ignore") for entry in table.split(b"\xff")]
        else:
            entries = table.decode("utf-16-le", "ignore").split("\uffff")
            lists = [entry.split("\ufffe")[0] for entry in entries]
        return {character: index for index, entry in enumerate(lists[:len(self.glyphs)])
                for character in entry if character >= " "}


def read_ppm(data):
    """A binary PPM of 8 bits per colour: width, height, pixels."""
    fields, at = [], 0
    while len(fields) < 4:
        while data[at:at + 1].isspace():
            at += 1
        if data[at:at + 1] == b"#":
            at = data.index(b"\n", at)
            continue
        end = at
        while end < len(data) and not data[end:end + 1].isspace():
            end += 1
        if end == at:
            raise ScreenError("the picture is truncated")
        fields.append(data[at:end])
        at = end
    width, height = int(fields[1]), int(fields[2])
    pixels = data[at + 1:at + 1 + width * height * 3]
    if fields[0] != b"P6" or fields[3] != b"255" or len(pixels) != width * height * 3:
        raise ScreenError("the picture is not a complete binary PPM")
    return width, height, pixels


def _brightness(pixels):
    """One byte per pixel."""
    planes = (int.from_bytes(pixels[plane::3].translate(bytes(value // share for value in range(256))), "big")
              for plane, share in ((0, 4), (1, 2), (2, 8)))
    return sum(planes).to_bytes(len(pixels) // 3, "big")  # no byte overflows into its neighbour


def _read_cell(font, rows, scale):
    """The character in rows of pixels."""
    if any(row != rows[y - y % scale] for y, row in enumerate(rows)):
        return UNKNOWN
    cell = b"".join(rows[::scale])
    if any(cell[x::scale] != cell[::scale] for x in range(1, scale)):
        return UNKNOWN
    cell = cell[::scale]
    shades = sorted(set(cell))
    if len(shades) == 1:
        return " "
    if len(shades) > 2:
        return UNKNOWN
    for ink in reversed(shades):
        bitmap = bytes(int(pixel == ink) for pixel in cell)
        if bitmap in font.by_bitmap:
            return font.by_bitmap[bitmap]
    return UNKNOWN


def _read_at_scale(font, width, height, shades, scale):
    cell_width, cell_height = font.width * scale, font.height * scale
    lines = []
    for top in range(0, height - cell_height + 1, cell_height):
        rows = [shades[y * width:(y + 1) * width] for y in range(top, top + cell_height)]
        lines.append("".join(_read_cell(font, [row[x:x + cell_width] for row in rows], scale)
                             for x in range(0, width - cell_width + 1, cell_width)).rstrip())
    return lines


def read_screen(font, width, height, pixels):
    """The lines of text on the picture, without blanks at their ends: at the scale at which most is read."""
    shades = _brightness(pixels)
    best, best_count = None, -1
    for scale in range(1, LARGEST_SCALE + 1):
        if scale > 1 and (width < 16 * font.width * scale or height < 4 * font.height * scale):
            break
        lines = _read_at_scale(font, width, height, shades, scale)
        count = sum("!" <= character <= "~" for line in lines for character in line)
        if count > best_count:
            best, best_count = lines, count
    return best


class Reader:
    """Reads pictures of one screen that is looked at again and again: it reads those that have changed."""

    def __init__(self, font):
        self._font, self._picture, self._lines = font, b"", []

    def read(self, picture):
        """The lines of text on a binary PPM."""
        if picture != self._picture:
            self._lines, self._picture = read_screen(self._font, *read_ppm(picture)), picture
        return self._lines
