#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The screen reader reads what was drawn."""

import unittest

import tap
import screen


def draw(font, lines, width, height, ink=(255, 255, 255), paper=(0, 0, 0), scale=1):
    """A screen as the application draws it."""
    pixels = bytearray(bytes(paper) * (width * height))
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            bitmap = font.bitmap(character)
            for y in range(font.height * scale):
                for x in range(font.width * scale):
                    if bitmap[y // scale * font.width + x // scale]:
                        at = ((row * font.height * scale + y) * width + column * font.width * scale + x) * 3
                        pixels[at:at + 3] = bytes(ink)
    return bytes(pixels)


class Reader(unittest.TestCase):
    LINES = ["KTAP version 1", "ok 1 - unmap: the next access faults", "",
             "# selfmap: PASS tests=12 passed=11 failed=0 skipped=1",
             "".join(map(chr, range(0x21, 0x7f)))]

    def setUp(self):
        self.font = screen.Font.load()

    def test_font(self):
        """screen: the console font has all of ASCII, in different shapes"""
        self.assertEqual((self.font.width, self.font.height), (8, 16))
        shapes = {self.font.bitmap(chr(code)) for code in range(0x20, 0x7f)}
        self.assertEqual(len(shapes), 0x7f - 0x20)

    def test_reads(self):
        """screen: reads back every ASCII character"""
        read = screen.read_screen(self.font, 800, 600, draw(self.font, self.LINES, 800, 600))
        self.assertEqual(read[:len(self.LINES)], self.LINES)
        self.assertEqual(set(read[len(self.LINES):]), {""})
        self.assertEqual(len(read), 600 // 16)

    def test_colours(self):
        """screen: any bright colour on any dark one"""
        for ink, paper in (((170, 0, 0), (0, 0, 0)), ((0, 255, 0), (40, 40, 60)),
                           ((170, 170, 170), (0, 0, 64))):
            read = screen.read_screen(self.font, 803, 90, draw(self.font, self.LINES, 803, 90, ink, paper))
            self.assertEqual(read, self.LINES)

    def test_bands(self):
        """screen: white on dark green, beside grey on black"""
        top = draw(self.font, ["PASS: all is well"], 400, 16, paper=(0, 104, 32))
        read = screen.read_screen(self.font, 400, 64, top + draw(self.font, ["ok", "", "$"], 400, 48))
        self.assertEqual(read, ["PASS: all is well", "ok", "", "$"])

    def test_scales(self):
        """screen: text of two or three times the size, on screens with many pixels"""
        for scale in (2, 3, 5):
            width, height = 60 * 8 * scale, 5 * 16 * scale
            pixels = draw(self.font, self.LINES[:4], width, height, scale=scale)
            self.assertEqual(screen.read_screen(self.font, width, height, pixels), self.LINES[:4] + [""])

    def test_larger_words(self):
        """screen: larger text between ordinary text becomes U+FFFD"""
        pixels = draw(self.font, ["PASS"], 800, 48, scale=3) + draw(self.font, self.LINES, 800, 80)
        read = screen.read_screen(self.font, 800, 128, pixels)
        self.assertEqual(read[3:], self.LINES)
        self.assertLessEqual(set("".join(read[:3])), {" ", "\ufffd"})

    def test_unknown(self):
        """screen: a cell that is not a glyph becomes U+FFFD and spoils nothing else"""
        pixels = bytearray(draw(self.font, ["abc"], 80, 16))
        pixels[9 * 3] ^= 255  # in the empty first row of the b
        self.assertEqual(screen.read_screen(self.font, 80, 16, bytes(pixels)), ["a\ufffdc"])

    def test_again(self):
        """screen: a picture that has not changed is not read again, and one that has is"""
        one, two = (b"P6 80 16 255\n" + draw(self.font, [text], 80, 16) for text in ("one", "two"))
        reader = screen.Reader(self.font)
        first = reader.read(one)
        self.assertEqual(first, ["one"])
        self.assertIs(reader.read(bytes(one)), first)
        for _ in range(2):
            with self.assertRaises(screen.ScreenError):
                reader.read(one[:-1])
        self.assertIs(reader.read(one), first)
        self.assertEqual((reader.read(two), reader.read(one)), (["two"], ["one"]))

    def test_ppm(self):
        """screen: PPM headers with comments; refuses other and truncated pictures"""
        self.assertEqual(screen.read_ppm(b"P6\n# x\n2 1\n255\nabcdef"), (2, 1, b"abcdef"))
        for bad in (b"P5 2 1 255 abcdef", b"P6 2 1 255\nabc", b"P6 2", b"", b"P6 2 1 65535\nabcdefabcdef"):
            with self.assertRaises(screen.ScreenError):
                screen.read_ppm(bad)

    def test_psf2(self):
        """screen: version 2 fonts, with wide glyphs and character sequences"""
        words = (0, 32, 1, 2, 4, 2, 12)
        header = b"\x72\xb5\x4a\x86" + b"".join(word.to_bytes(4, "little") for word in words)
        glyphs = bytes(4) + b"\xff\xf0\x80\x10"
        font = screen.Font(header + glyphs + " \xff".encode("latin-1") + "\u20ac".encode() + b"\xfeab\xff")
        self.assertEqual(screen.read_screen(font, 24, 2, draw(font, [" \u20ac"], 24, 2)), [" \u20ac"])

    def test_bad_font(self):
        """screen: refuses what is not a font"""
        for bad in (b"", b"MZ", b"\x36\x04\x00\x10" + bytes(100)):
            with self.assertRaises(screen.ScreenError):
                screen.Font(bad)


tap.main()
