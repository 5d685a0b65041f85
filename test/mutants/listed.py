# SPDX-License-Identifier: MIT
"""listed.py - lists of exceptions: mutants that no test can notice, branches that no test can reach.

A reason begins at the margin; below it, indented by four, stand the keys that it holds for, one a line. What
follows a key after two spaces and a "#" is for people. Of mutants it is compared with the source, too: after
an edit a number may name another place.
"""

import re


def parse(text):
    """Pairs of key and reason, and what is wrong with the text."""
    pairs, errors, reason, fresh = [], [], "", True
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            reason, fresh = line if fresh else f"{reason} {line}", False
        elif depth == 4 and reason:
            pairs.append((re.sub(r"\s+# .*", "", line).strip(), reason))
            fresh = True
        else:
            errors.append(f"line {number}: neither a reason, nor a key below one")
    return pairs, errors


def check(keys, text):
    """From key to reason. An entry that fits no key there is, or stands there twice, is an error."""
    pairs, errors = parse(text)
    known, found = set(keys), {}
    for key, why in pairs:
        if key not in known:
            errors.append(f"there is no such place: {key}")
        elif key in found:
            errors.append(f"stands there twice: {key}")
        else:
            found[key] = why
    return found, errors


def stale(lines, text):
    """What is wrong with lines of the text that show something else than `lines`, from key to line, do."""
    for line in text.splitlines():
        key = re.sub(r"\s+# .*", "", line).strip()
        if line.startswith("    ") and line != lines.get(key, line):
            yield f"shows something else: {line.strip()}\n    now it is: {lines[key].strip()}"


def read(keys, path):
    """The same for a file."""
    found, errors = check(keys, path.read_text())
    return found, [f"{path.parent.name}/{path.name}: {error}" for error in errors]
