# SPDX-License-Identifier: MIT
"""expected.py - sums in a report that must agree, and the whole of it compared with that of another image.

A fact that no scenario asks for may be wrong for years. So the report of a changed image (test/mutants) is
compared with that of the unchanged one, which boots first and leaves it in the folder $REPORTS, with what
varies replaced: addresses by @1, @2, ... in the order in which they come, so that it still shows which are
the same; what follows from the size of the image or from the compiler by a #. Results that say ok are left
out: the verdict judges them. Sums that must agree are checked in what was not replaced, and without
$REPORTS too.
"""

import difflib
import os
import re
from pathlib import Path

BEGIN = re.compile(r"^Selfmap [0-9.]+$", re.M)
ADDRESS = re.compile(r"\b[0-9a-f]{7,16}\b")
RAM = range(1 << 20, 1 << 29)  # where the addresses are that depend on what the firmware does with its memory
LEFT_OUT = re.compile(r"ok [0-9]+ (?!.*# SKIP)|1\.\.[0-9]+$|.*\b(cycles|instructions)\b.*\baddresses\b")
REPLACED = [
    (re.compile(r"(?<=build_id=)[0-9a-f]{40}"), "#"),
    (re.compile(r"^(Selfmap|# version=) ?[0-9]+\.[0-9]+\.[0-9]+"), r"\1 #"),
    (re.compile(r"^(ok) [0-9]+"), r"\1"),
    (re.compile(r"^ {2}[0-9]+ (?=descriptors of)"), "  # "),  # OVMF's variables are among them
    # What follows from the size of the image, which has more pages when there is more of it.
    (re.compile(r"^(# (?:frames_usable|frames_free|pages_mapped_4k|bookkeeping_bytes|"
                r"boot_memory_(?:pages|audited)))=[0-9]+"), r"\1=#"),
    (re.compile(r"^(# stack_used)=[0-9]+"), r"\1=#"),
    (re.compile(r"\b(instructions|cycles|tests|passed|skipped)=[0-9]+"), r"\1=#"),
]


# Of the regions that the loader lists, those that the kernel does not keep in its own space.
NOT_KEPT = ("(in the runtime space)", "(for the start only)")
GUARDED_STACKS = 5


def span(line):
    """First and last page of a region in the loader's list or of a line of the dump; (0, 0): neither."""
    match = re.match(r" {2}([0-9a-f]{12})\.\.([0-9a-f]{12}) ", line) or \
        re.match(r"# maps ([0-9a-f]+) ([0-9a-f]+) ", line)
    return (int(match[1], 16) >> 12, int(match[2], 16) >> 12) if match else (0, 0)


def together(lines):
    """How many pages the lines are about; regions may overlap."""
    count = end = 0
    for first, last in sorted(map(span, lines)):
        count += max(0, last - max(first, end))
        end = max(end, last)
    return count


class Labels:
    """A name for each address, in the order in which they come."""

    def __init__(self):
        self._known = {}

    def __call__(self, match):
        value = int(match[0], 16)
        if value not in RAM:
            return match[0]
        return f"@{self._known.setdefault(value, len(self._known) + 1)}"


def masked(text):
    """The lines of a report that must stay the same."""
    begin = BEGIN.search(text)
    label = Labels()
    for line in text[begin.start() if begin else 0:].splitlines():
        line = line.rstrip()
        if not line or LEFT_OUT.match(line):
            continue
        first, last = span(line)
        size = last - first if "image:" not in line and not line.startswith("#") else 0
        for pattern, new in REPLACED:
            line = pattern.sub(new, line)
        yield ADDRESS.sub(label, line) + (f" ({size} pages)" if size else "")


def totals(text):
    """(what, holds, what was seen instead): sums that must agree, whatever the size of the image."""
    lines = text.splitlines()
    asked = together(line for line in lines if line.startswith("  ") and not line.endswith(NOT_KEPT))
    dumped = together(line for line in lines if line.startswith("# maps "))
    facts = {key: [int(number) for number in re.findall(r"[0-9]+", value)]
             for key, value in re.findall(r"^# ([a-z0-9_]+)=([0-9][0-9a-z ]*)$", text, re.M)}

    def number(key):
        return facts.get(key, [-1])[0]

    counted = sum(number(f"pages_mapped_{size}") << shift
                  for size, shift in (("4k", 0), ("2m", 9), ("1g", 18)))
    # The watchdog maps the registers of the local APIC, which the loader does not ask for; the page below
    # each stack in the image goes.
    asked += ("\n# watchdog=yes\n" in text) - GUARDED_STACKS
    yield "as many pages are mapped as were asked for", asked == counted == dumped, \
        f"asked for {asked}, counted {counted}, dumped {dumped}"
    usable, free, *tables = map(number, ("frames_usable", "frames_free", "tables_used", "runtime_tables"))
    yield "each frame is free or a table", usable - free == sum(tables) and min(tables) > 0, \
        f"{usable} usable, {free} free, {tables} tables"
    used, size = (facts.get("stack_used", []) + [0, 0])[:2]
    yield "at most half of the stack was used", 1024 < used <= size // 2, f"{used} of {size} bytes"


def compared(path, text):
    """(what, holds, explanation) of the comparison: the first report is what later ones must be."""
    found = list(masked(text))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in found), encoding="utf-8")
    wanted = path.read_text(encoding="utf-8").splitlines()
    difference = difflib.unified_diff(wanted, found, "expected", "found", n=0, lineterm="")
    return "the whole report is as expected", wanted == found, "; ".join(difference)


def checks(name, text):
    """(what, holds, explanation) for the report of a scenario."""
    if folder := os.environ.get("REPORTS"):
        yield compared(Path(folder, name), text)
    yield from totals(text)
