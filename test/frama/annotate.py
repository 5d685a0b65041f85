# SPDX-License-Identifier: MIT
"""annotate.py - writes the ACSL annotations beside this file into a copy of the frame allocator's sources.

The sources carry no ACSL. The files annotations/*.acsl hold it, in sections of this form:

    == FUNCTION: contract       before the definition of the function
    == FUNCTION: definitions    before that: predicates that it and the functions below it use
    == FUNCTION: loop N         before loop N of the function; every `for` and `while` counts, from 1
    == FUNCTION: statement N    behind the Nth semicolon of its body that is not inside parentheses; 0 is the
                                beginning of the body

A section ends where the next one begins, and becomes one comment. Several sections may have the same place;
they keep their order. Lines that begin with # are comments. A section whose place does not exist is an error.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ANNOTATIONS = Path(__file__).resolve().parent / "annotations"
SECTION = re.compile(r"^== (\w+): (?:(contract|definitions)|(loop|statement) (\d+))$")
DIRECTIVE = "\x01"  # stands for the end of a preprocessor directive in blanked text


class AnnotationError(Exception):
    """An annotation cannot be read, or the place it names does not exist."""


@dataclass
class Section:
    function: str
    place: str  # contract, definitions, loop or statement
    number: int
    text: str

    def name(self):
        return f"{self.function}: {self.place}" + (f" {self.number}" if self.number is not None else "")


def read_sections(path):
    """The sections of one file, in order."""
    sections = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = SECTION.match(line)
        if found:
            function, plain, counted, count = found.groups()
            sections.append(Section(function, plain or counted, int(count) if count else None, ""))
        elif line.startswith("=="):
            raise AnnotationError(f"{path.name}:{number}: no place is written like this: {line}")
        elif not line.startswith("#"):
            if sections:
                sections[-1].text += line + "\n"
            elif line.strip():
                raise AnnotationError(f"{path.name}:{number}: is before the first section")
    for section in sections:
        section.text = section.text.strip()
        if not section.text:
            raise AnnotationError(f"{path.name}: {section.name()} is empty")
    return sections


def all_sections():
    return [section for path in sorted(ANNOTATIONS.glob("*.acsl")) for section in read_sections(path)]


def blanked(text):
    """C source with comments, literals and directives blanked, and every character where it was."""
    def blank(match):
        found = match[0]
        spaces = re.sub(r"[^\n]", " ", found)
        return spaces[:-1] + DIRECTIVE if found.startswith("#") else spaces
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|^#(?:\\\n|[^\n])*", blank,
                  text, flags=re.S | re.M)


def matching(code, start, pair):
    """Where the bracket that opens at start is closed."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] == pair[0]) - (code[at] == pair[1])
        if depth == 0:
            return at
    raise AnnotationError("brackets do not match")


def find_definition(code, function):
    """(first character, opening brace, closing brace) of a function's definition, or None."""
    for found in re.finditer(rf"\b{function}\s*\(", code):
        behind = matching(code, found.end() - 1, "()") + 1
        brace = re.match(r"\s*\{", code[behind:])
        if not brace:
            continue
        before = max(code.rfind(mark, 0, found.start()) for mark in ";}" + DIRECTIVE) + 1
        first = before + len(code[before:]) - len(code[before:].lstrip())
        opening = behind + brace.end() - 1
        return first, opening, matching(code, opening, "{}")
    return None


def semicolons(code, start, end):
    """Where the semicolons between start and end are that no parentheses enclose."""
    depth = 0
    for at in range(start, end):
        depth += (code[at] == "(") - (code[at] == ")")
        if code[at] == ";" and depth == 0:
            yield at


def offset_of(section, code, definition):
    """Where in the source the section belongs."""
    first, opening, closing = definition
    if section.place in ("contract", "definitions"):
        return first
    if section.place == "loop":
        places = [match.start() for match in re.finditer(r"\b(?:for|while)\b", code[:closing])
                  if match.start() > opening]
        number = section.number - 1
    else:
        places = [opening + 1] + [at + 1 for at in semicolons(code, opening, closing)]
        number = section.number
    if not 0 <= number < len(places):
        raise AnnotationError(f"{section.name()}: there is no such place")
    return places[number]


def annotated(text, sections):
    """The source with those sections that are about functions defined in it, and these sections."""
    code = blanked(text)
    used, insertions = [], []
    for order, section in enumerate(sections):
        definition = find_definition(code, section.function)
        if definition:
            used.append(section)
            rank = ["definitions", "contract"].index(section.place) if section.number is None else 0
            insertions.append((offset_of(section, code, definition), rank, order, section.text))
    for offset, _, _, added in sorted(insertions, reverse=True):
        text = text[:offset] + f"\n/*@ {added} */\n" + text[offset:]
    return text, used


def annotate(folder):
    """Annotates every source in the folder, in place."""
    sections = all_sections()
    homeless = {id(section): section for section in sections}
    for path in sorted(folder.glob("*.[ch]")):
        text, used = annotated(path.read_text(), sections)
        path.write_text(text)
        for section in used:
            if homeless.pop(id(section), None) is None:
                raise AnnotationError(f"{section.function} is defined in two files")
    for section in homeless.values():
        raise AnnotationError(f"{section.name()}: no file in {folder} defines such a function")
