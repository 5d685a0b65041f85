# SPDX-License-Identifier: MIT
"""defects.py - defects on purpose: reads the lists beside this file, and puts a defect into the sources.

A test that cannot fail proves nothing. So each defect here is built now and then, and somebody must notice.
A list, *.txt, has paragraphs of this form:

    NAME: what is wrong with such a program, in one line
        noticed by: host map unmap; boot
        in: unmap.c unmap_express
        from: if (window)
        to: if (false)

* "noticed by" says who must notice, separated by semicolons: a kind, and its arguments. `heap` has the names
  of the heap's tests, `host` those of others, with `:direct` where spaces live through a direct map,
  `explore` those of scopes (as in `test/run --list`), `proof` those of themes, `firmware` those of cases
  (test/firmware/cases), `bochs` those of processors; `boot`, `matrix` and `frama` have none.
* "in" names a file, without its folder, and what in it: a function, a macro, or a variable, type or enum
  outside of functions; "-" is all of the file.
* There what stands behind "from" must occur once, token by token: white space, line breaks and comments do
  not matter. It becomes what stands behind "to".
* More pairs of "from" and "to" may follow, and more lines with "in". What is indented by more than four
  continues the line above it.
"""

import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("paging", "kernel", "efi")  # the folders that may have a defect
KINDS = ("host", "heap", "explore", "boot", "bochs", "firmware", "proof", "matrix", "frama")
sys.path.insert(0, str(ROOT / "test" / "mutants"))

import ctokens  # noqa: E402 pylint: disable=wrong-import-position


class DefectError(Exception):
    """A list cannot be read, or a defect does not fit the sources."""


@dataclass
class Change:
    file: str
    part: str
    old: str
    new: str


@dataclass
class Defect:
    name: str
    about: str
    noticed_by: dict = field(default_factory=dict)  # from kind to its arguments, a list
    changes: list = field(default_factory=list)


# ---- the lists ----

def lines_of(text):
    """The lines that say something, each with those that continue it; with the number of the first."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" " * 5) and found:
            found[-1][1] += " " + line.strip()
        else:
            found.append([number, line.rstrip()])
    return found


def add_line(defect, key, value):
    """Adds what one indented line says; false if it makes no sense there."""
    changes = defect.changes
    if key == "noticed by":
        groups = [group.split() for group in value.split(";")]
        defect.noticed_by = {group[0]: group[1:] for group in groups if group}
        return all(groups) and len(defect.noticed_by) == len(groups) and set(defect.noticed_by) <= set(KINDS)
    if key == "in" and len(value.split()) == 2:
        changes.append(Change(*value.split(), None, None))
    elif key == "from" and changes and value and changes[-1].old is None:
        changes[-1].old = value
    elif key == "from" and changes and value and changes[-1].new is not None:
        changes.append(Change(changes[-1].file, changes[-1].part, value, None))
    elif key == "to" and changes and changes[-1].old is not None and changes[-1].new is None:
        changes[-1].new = value
    else:
        return False
    return True


def parse(text, name):
    """The defects of one list; name is for what is said about errors."""
    found = []
    for number, line in lines_of(text):
        head = re.fullmatch(r"([A-Za-z0-9_-]+): (.+)", line)
        item = re.fullmatch(r"    ([a-z ]+): ?(.*)", line)
        if head:
            found.append(Defect(*head.groups()))
        elif not (item and found and add_line(found[-1], *item.groups())):
            raise DefectError(f"{name}:{number}: makes no sense here: {line.strip()}")
    for defect in found:
        if not (defect.noticed_by and defect.changes and all(c.new is not None for c in defect.changes)):
            raise DefectError(f"{name}: {defect.name}: needs \"noticed by\", \"in\", \"from\" and \"to\"")
    return found


def read():
    """All defects there are, in the order of the lists. No two have one name."""
    folder = Path(__file__).resolve().parent
    found = {}
    for path in sorted(folder.glob("*.txt")):
        for defect in parse(path.read_text(encoding="utf-8"), f"test/defects/{path.name}"):
            if defect.name in found:
                raise DefectError(f"test/defects/{path.name}: there is a second {defect.name}")
            found[defect.name] = defect
    return list(found.values())


def of_kind(kind):
    return [defect for defect in read() if kind in defect.noticed_by]


def named(name):
    for defect in read():
        if defect.name == name:
            return defect
    raise DefectError(f"no defect is called {name}")


# ---- putting one into the sources ----

def scopes(text, part):
    """The lists of tokens in which a change of this part is looked for."""
    if part == "-":
        return [ctokens.tokens_of(text)]
    inside = [found.tokens for found in ctokens.parts(text) if found.name == part]
    return inside or list(ctokens.declarations(text, part))


def path_of(change, root):
    """Where the file is, below the root; of several that are called so, the one that has the part."""
    paths = [path.relative_to(root) for folder in PRODUCT for path in (root / folder).rglob(change.file)]
    if len(paths) > 1 and change.part != "-":
        paths = [path for path in paths if scopes((root / path).read_text(encoding="utf-8"), change.part)]
    if len(paths) != 1:
        raise DefectError(f"{len(paths)} files are called {change.file} and have {change.part}, not one")
    return paths[0]


def place_of(text, change):
    """(start, end) of what is replaced in the text of a file."""
    wanted = [token.text for token in ctokens.tokens_of(change.old)]
    inside = scopes(text, change.part)
    if not inside:
        raise DefectError(f"{change.file} has no {change.part}")
    found = []
    for tokens in inside:
        words = [token.text for token in tokens]
        found += [(tokens[i].start, tokens[i + len(wanted) - 1].end)
                  for i in range(len(words) - len(wanted) + 1) if words[i:i + len(wanted)] == wanted]
    if len(found) != 1:
        raise DefectError(f"in {change.part} of {change.file} this stands {len(found)} times, not once: "
                          f"{change.old}")
    return found[0]


def changed_text(text, changes):
    """The text of one file with these changes made."""
    edits = sorted((*place_of(text, change), change.new) for change in changes)
    for (_, end, _), (start, _, new) in zip(edits, edits[1:]):
        if start < end:
            raise DefectError(f"changes overlap; one of them is to: {new}")
    after = text
    for start, end, new in reversed(edits):
        after = f"{after[:start]} {new} {after[end:]}"
    if [token.text for token in ctokens.tokens_of(after)] == [t.text for t in ctokens.tokens_of(text)]:
        raise DefectError("it changes nothing")
    return after


def changed(defect, root=ROOT):
    """From each path below the root that the defect changes to the text with the defect."""
    try:
        by_path = {}
        for change in defect.changes:
            by_path.setdefault(path_of(change, root), []).append(change)
        return {path: changed_text((root / path).read_text(encoding="utf-8"), changes)
                for path, changes in by_path.items()}
    except DefectError as error:
        raise DefectError(f"{defect.name}: {error}") from None


def tree(defect, place):
    """Makes a folder that looks like the project with the defect. What it does not change are links."""
    files = changed(defect)
    copied = {path.parts[0] for path in files}
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name in copied:
            shutil.copytree(path, place / path.name)
        elif path.name not in ("build", ".git"):
            (place / path.name).symlink_to(path)
    for path, text in files.items():
        (place / path).write_text(text, encoding="utf-8")
