#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The options are listed in options.h, in selfmap.cfg and in HACKING.md: all lists say the same."""

import re
import unittest

import tap

HEADER = re.sub(r"\|\n \* +", "|",  # a list of words goes on in the next line
                (tap.ROOT / "kernel/boot/options.h").read_text(encoding="utf-8"))
SOURCE = (tap.ROOT / "kernel/boot/options.c").read_text(encoding="utf-8")
CFG = (tap.ROOT / "esp/selfmap.cfg").read_text(encoding="utf-8")
HACKING = (tap.ROOT / "HACKING.md").read_text(encoding="utf-8")

# Key -> its words, the default first; of keys with other values, None.
WORDS = {key: re.findall(r'"([^"]+)"', words)
         for key, words in re.findall(r'\[[A-Z_]+\] = \{"([a-z-]+)",\s*\{([^}]*)\}\}', SOURCE)}
KEYS = WORDS | dict.fromkeys(re.findall(r'\{"([a-z-]+)", (?:set|add)_\w+, "', SOURCE))
OTHER_NAMES = {"serial": "console"}


def in_cfg():
    """Key -> (default, the comment above it)"""
    found = {}
    for block in CFG.split("\n\n"):
        for key, value in re.findall(r"^#?([a-z-]+)=(\S+)$", block, re.M):
            found[key] = value, " ".join(line for line in block.splitlines() if line.startswith("# "))
    return found


def in_hacking():
    """Key -> the words that the table lists"""
    found = {}
    for row in re.findall(r"^\| `([a-z-]+=.*?) \| ", HACKING, re.M):
        names = re.findall(r"[a-z0-9-]+(?:=[a-z0-9-]+)?", row)
        key = names[0].split("=")[0]
        found.setdefault(key, set()).update(name.split("=")[-1] for name in names)
    return found


class Options(unittest.TestCase):
    def test_reader(self):
        """options: this test reads the tables of options.c"""
        self.assertGreater(len(KEYS), 15)
        self.assertEqual(WORDS["bench"], ["no", "yes"])
        self.assertIsNone(KEYS["wait"])

    def test_header(self):
        """options: options.h has every key, with the same words in the same order"""
        listed = dict(re.findall(r"^ \*   ([a-z-]+)=(\S+)", HEADER, re.M))
        self.assertEqual(set(listed), set(KEYS) - set(OTHER_NAMES))
        for key, words in WORDS.items():
            if key in OTHER_NAMES:
                self.assertIn(f"{key}= is another name", HEADER)
                self.assertEqual(words, WORDS[OTHER_NAMES[key]])
            else:
                self.assertEqual(listed[key].split("|"), words)

    def test_documents(self):
        """options: selfmap.cfg or HACKING.md has every key and every word, and no others"""
        cfg, hacking = in_cfg(), in_hacking()
        self.assertEqual((set(cfg) | set(hacking)) | set(OTHER_NAMES), set(KEYS))
        for key, words in WORDS.items():
            told = hacking.get(key, set())
            self.assertLessEqual(told, set(words), key)
            if key in cfg:
                told = told | set(re.findall(r"[a-z0-9-]+", cfg[key][1])) | {cfg[key][0]}
            if key not in OTHER_NAMES:
                self.assertLessEqual(set(words[1:]), told, key)

    def test_readme(self):
        """options: README.TXT quotes the words with which firmware refuses a program"""
        told = " ".join((tap.ROOT / "esp/README.TXT").read_text(encoding="utf-8").split())
        refusals = set(re.findall(r"(?<=[(|])(Access Denied|Security Violation)",
                                  (tap.TOOLS / "verdict.py").read_text(encoding="utf-8")))
        self.assertEqual(len(refusals), 2)
        for words in refusals:
            self.assertIn(f'"{words}"', told)
        self.assertRegex(told, "64-bit UEFI firmware.* tablets have a 64-bit processor and 32-bit firmware")

    def test_defaults(self):
        """options: selfmap.cfg holds the defaults"""
        for key, (value, _) in in_cfg().items():
            if WORDS.get(key):
                self.assertEqual(value, WORDS[key][0], key)
        for key in ("wait", "watchdog"):
            self.assertRegex(HEADER, rf"OPTION_{key.upper()}_SECONDS = {in_cfg()[key][0]},?\n")


tap.main()
