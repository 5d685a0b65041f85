# SPDX-License-Identifier: MIT
"""access_report.py - what a report says of the access matrix: cases, classes of differences, examples."""

import re
from dataclasses import dataclass

# Groups of cases and classes of differences, as the report calls them (kernel/selftest/matrix), and in words.
GROUPS = {"4k": "4 KiB pages", "2m": "2 MiB pages", "1g": "1 GiB pages", "keys": "protection keys",
          "odd_bits": "ignored and reserved bits"}
CLASSES = {"allowed": "allowed instead of refused", "refused": "refused instead of allowed",
           "error_code": "another error code", "address": "another address in CR2",
           "marks": "other accessed or dirty bits", "word": "another word was read or written"}


@dataclass
class Example:
    """The smallest case of a class or a deviation, as the report prints it."""
    about: str
    lines: list


def examples(text):
    """All that the report prints as `# smallest: ...`, with the lines of the case."""
    found = []
    for line in text.splitlines():
        if match := re.fullmatch(r"# smallest: (.*)", line):
            found.append(Example(match[1], []))
        elif found and line.startswith("#   " if found[-1].lines else "# differs: "):
            found[-1].lines.append(line.removeprefix("#").strip())
        elif found and found[-1].lines:
            found.append(Example("", []))  # the case is over
    return [example for example in found if example.about]


def groups(facts):
    """By group that was tried: cases, faults, accepted, and the number of each class."""
    found = {}
    for group in GROUPS:
        if f"matrix_{group}" in facts and f"differences_{group}" in facts:
            words = f"{facts[f'matrix_{group}']} {facts[f'differences_{group}']}".split()
            pairs = (word.partition("=") for word in words)
            numbers = {name: int(number) for name, _, number in pairs if re.fullmatch("[0-9]+", number)}
            if {"cases", "faults", "accepted", *CLASSES} <= set(numbers):  # else the line is damaged
                found[group] = numbers
    return found


def deviations(facts):
    """By name, of those known deviations that were met: cases, clause, what is seen instead."""
    found = {}
    for fact, value in facts.items():
        match = re.fullmatch(r"cases=([0-9]+) in .*, against SDM 3A (\S+): (.*)", value)
        if fact.startswith("deviation_") and match and int(match[1]) > 0:
            found[fact.removeprefix("deviation_")] = (int(match[1]), match[2], match[3])
    return found


def differences(facts):
    """How many cases differ in a way that is not known."""
    return sum(numbers[name] for numbers in groups(facts).values() for name in CLASSES)


def told(facts, text):
    """Lines for people: each class, known deviations, smallest cases; nothing without an access matrix."""
    found = groups(facts)
    if not found:
        return
    yield f"access matrix: {sum(numbers['cases'] for numbers in found.values()):,} cases"
    for name, words in CLASSES.items():
        yield f"  {sum(numbers[name] for numbers in found.values()):>10,}  {words}"
    if accepted := sum(numbers["accepted"] for numbers in found.values()):
        yield f"  {accepted:>10,}  as this emulator is known to differ"
    for name, (count, clause, instead) in deviations(facts).items():
        yield f"    {count:,} {name}, SDM 3A {clause}: {instead}"
    for example in examples(text):
        yield f"the smallest {example.about}"
        yield from (f"    {line}" for line in example.lines)
