"""listed.py - lists of exceptions: mutants that no test can notice, branches that no test can reach.

A reason begins at the margin; below it, indented by four, stand the keys that it holds for, as the reports
show them. What is indented by eight continues the line above it.
"""

import re


def spelled(key):
    """Keys are compared without regard to how lines were broken."""
    return re.sub(r"\s+", " ", key).strip()


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
            pairs.append((line, reason))
            fresh = True
        elif depth == 8 and pairs:
            pairs[-1] = (f"{pairs[-1][0]} {line}", pairs[-1][1])
        else:
            errors.append(f"line {number}: neither a reason, nor a key below one, nor its continuation")
    return [(spelled(key), why) for key, why in pairs], errors


def check(keys, text):
    """From key to reason. An entry that fits no key there is, or stands there twice, is an error."""
    pairs, errors = parse(text)
    known = {spelled(key): key for key in keys}
    found = {}
    for key, why in pairs:
        if key not in known:
            errors.append(f"there is no such place: {key}")
        elif known[key] in found:
            errors.append(f"stands there twice: {key}")
        else:
            found[known[key]] = why
    return found, errors


def read(keys, path):
    """The same for a file."""
    found, errors = check(keys, path.read_text())
    return found, [f"{path.parent.name}/{path.name}: {error}" for error in errors]
