# SPDX-License-Identifier: MIT
"""sites.py - every place at which a source can be made wrong by a small change, and the change.

A site's key is the base name of its file, the function or macro, the operator, and a number: how many sites
of that operator there are in the function up to this one, in the order of the text. (There are two main.c:
their keys have the folder too.) Renaming what the function calls, breaking its lines elsewhere, or moving the
file leaves a key as it is.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import ctokens

# The operators, as the report and the list of equivalent mutants name them.
OPERATORS = {
    "delete": "a call, an assignment, a step, a jump, or a field of an initialiser is left out",
    "compare": "a comparison becomes its opposite, or differs at the border",
    "condition": "a condition is negated, or taken for true",
    "drop": "a term of a mask or of a condition is left out",
    "exchange": "an operator becomes another one",
    "constant": "a constant is one more, one less, or another of its kind",
    "off-by-one": "an index or a number that is returned is one more",
    "answer": "what is returned as true or false, and computed elsewhere, is its opposite",
    "swap": "two calls that follow one another change places",
}
COMPARE = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
           "==": ("!=",), "!=": ("==",)}
EXCHANGE = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
            "^": "|", "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "++": "--",
            "--": "++", "<<=": ">>=", ">>=": "<<=", "*=": "/=", "/=": "*="}
OTHER_CONSTANT = {"true": "false", "false": "true", "PAGING_4K": "PAGING_2M", "PAGING_2M": "PAGING_1G",
                  "PAGING_1G": "PAGING_2M", "PAGING_OK": "PAGING_MALFORMED", "FRAMES_OK": "FRAMES_CORRUPT",
                  "UINT64_MAX": "0", "UINT32_MAX": "0"}
PRECEDENCE = {"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, ">": 7, "<=": 7, ">=": 7,
              "==": 6, "!=": 6, "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1}
ENDS_TERM = {"?", ":", ",", ";", "=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "<<=", ">>=", "return", "\\"}
INTEGERS = re.compile(r"\b(unsigned|int|u?int\d+_t|uintptr_t|size_t)$")
STATUSES = {"paging_status": "paging/include/selfmap/status.h", "frames_status": "kernel/frames/frames.h"}
CONTEXT = 5  # tokens of the statement shown left and right of a change
LINE = 110  # characters in a line of the list, at most


def status_names():
    """The values of both enumerations, except the one that means success."""
    root = Path(__file__).resolve().parents[2]
    for name, path in STATUSES.items():
        values = re.search(rf"enum {name} {{(.*?)}}", (root / path).read_text(), re.S).group(1)
        yield from re.findall(r"^\s*(\w+)(?<!_OK)(?<!_COUNT)\b", values, re.M)


STATUS = set(status_names())


def file_of_key(path):
    """The name of a file as keys have it."""
    path = Path(path)
    return f"{path.parent.name}/{path.name}" if path.name == "main.c" else path.name


@dataclass
class Site:
    path: str
    function: str
    operator: str
    line: int
    edits: list  # (start, end, new text), in order
    shown: str  # the change as people read it
    number: int = 1  # among those of this operator in this function
    in_macro: bool = False

    @property
    def key(self):
        return f"{file_of_key(self.path)} {self.function} {self.operator} {self.number}"

    @property
    def named(self):
        """The key, and for people what is changed."""
        return f"{self.key}  # {self.shown}"

    @property
    def listed(self):
        """The same as a line for the list: what is too long is left out of its middle."""
        room = LINE - len(f"    {self.key}  # ")
        half = (room - len(" ... ")) // 2
        hint = self.shown if len(self.shown) <= room else f"{self.shown[:half]} ... {self.shown[-half:]}"
        return f"    {self.key}  # {hint}"

    def apply(self, text):
        for start, end, new in reversed(self.edits):
            text = text[:start] + new + text[end:]
        return text


def joined(text, tokens):
    """The tokens' text in one spelling, whatever the lines and the white space are."""
    if not tokens:
        return ""
    piece = text[tokens[0].start:tokens[-1].end]
    piece = re.sub(r"/\*.*?\*/|//[^\n]*|\\\n", " ", piece, flags=re.S)
    return re.sub(r"(?<=[(\[]) | (?=[)\]])", "", re.sub(r"\s+", " ", piece))


class PartSites:
    """The sites in one function or macro."""

    def __init__(self, path, text, part):
        self.path, self.text, self.part = path, text, part
        self.tokens = part.tokens
        self.found = []
        self.bounds = [(s.first, s.last) for s in part.statements] + [(c[0], c[1]) for c in part.conditions]
        self.bounds += part.expressions

    def surroundings(self, first, last):
        """The statement or expression around, a few tokens of it."""
        around = [bound for bound in self.bounds if bound[0] <= first and last <= bound[1]]
        low, high = max(around, key=lambda bound: bound[1] - bound[0], default=(first, last))
        return max(low, first - CONTEXT), min(high, last + CONTEXT)

    def joined(self, tokens):
        return joined(self.text, tokens)

    def add(self, operator, first, last, new):
        """Replace the tokens [first, last) by new text."""
        low, high = self.surroundings(first, last)
        old = self.joined(self.tokens[first:last])
        left, right = self.joined(self.tokens[low:first]), self.joined(self.tokens[last:high])
        self.note(operator, [(self.tokens[first].start, self.tokens[last - 1].end, new)],
                  f"{left} [{old} -> {new}] {right}".strip())

    def note(self, operator, edits, shown):
        line = self.text.count("\n", 0, edits[0][0]) + 1
        site = Site(self.path, self.part.name, operator, line, edits, shown, in_macro=self.part.is_macro)
        self.found.append(site)

    # ---- expressions ----

    def ends_cast(self, i):
        opened = self.part.mate.get(i)
        return opened is not None and ctokens.is_type(self.tokens[opened + 1:i])

    def is_binary(self, i, first):
        """Is the sign at i between two operands? Else it is a prefix."""
        if i <= first:
            return False
        before = self.tokens[i - 1]
        if self.tokens[i].text == "*" and ctokens.is_type([before]):
            return False
        if before.kind == "name":
            return before.text not in ctokens.KEYWORDS
        return before.kind in ("number", "text") or before.text == "]" or (
            before.text == ")" and not self.ends_cast(i - 1))

    def term_left(self, i, first, weakest):
        """Where the term that ends before i begins: signs weaker than this one end it."""
        j = i
        while j > first:
            token = self.tokens[j - 1]
            if token.text in (")", "]", "}"):
                j = self.part.mate[j - 1]
                continue
            if token.text in ctokens.PAIRS or token.text in ENDS_TERM:
                break
            if PRECEDENCE.get(token.text, 99) <= weakest and self.is_binary(j - 1, first):
                break
            j -= 1
        return j

    def term_right(self, i, last, weakest):
        j = i
        while j < last:
            token = self.tokens[j]
            if token.text in ctokens.PAIRS:
                j = self.part.mate[j] + 1
                continue
            if token.text in ctokens.PAIRS.values() or token.text in ENDS_TERM:
                break
            if PRECEDENCE.get(token.text, 99) <= weakest and self.is_binary(j, i):
                break
            j += 1
        return j

    def drop_terms(self, i, first, last):
        """Of a | b | c each term once: with the sign before it, the first one with the sign behind it."""
        sign = self.tokens[i].text
        weakest = PRECEDENCE[sign]
        left = self.term_left(i, first, weakest)
        right = self.term_right(i + 1, last, weakest)
        if left == first or self.tokens[left - 1].text != sign:
            self.add("drop", left, i + 1, "")
        if i + 1 < right:
            self.add("drop", i, right, "")

    def sign(self, i, first, last):
        text = self.tokens[i].text
        if text in ("!", "~") and i + 1 < last:
            self.add("drop", i, i + 1, "")
        if text in ("++", "--", "+=", "-=", "|=", "&=", "<<=", ">>=", "*=", "/="):
            self.add("exchange", i, i + 1, EXCHANGE[text])
        if not self.is_binary(i, first):
            return
        for other in COMPARE.get(text, ()):
            self.add("compare", i, i + 1, other)
        if text in PRECEDENCE and text in EXCHANGE:
            self.add("exchange", i, i + 1, EXCHANGE[text])
        if text in ("&", "|", "&&", "||"):
            self.drop_terms(i, first, last)
        if text == "?":
            self.negate(self.term_left(i, first, 0), i)

    def number(self, i):
        match = re.match(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)$", self.tokens[i].text)
        if not match:
            return
        value = int(match.group(1), 0)
        for other in (value + 1, value - 1):
            if other >= 0:
                self.add("constant", i, i + 1, f"{other}{match.group(2)}")

    def name(self, i, first, last):
        text = self.tokens[i].text
        if i > first and self.tokens[i - 1].text in ("==", "!="):
            return  # the comparison has a site of its own
        if text in OTHER_CONSTANT:
            self.add("constant", i, i + 1, OTHER_CONSTANT[text])
        elif text in STATUS and (i + 1 == last or self.tokens[i + 1].text in (";", ":", ")", ",")):
            self.add("constant", i, i + 1, text[:text.index("_")] + "_OK")

    def expression(self, first, last):
        for i in range(first, last):
            token = self.tokens[i]
            if token.kind == "number":
                self.number(i)
            elif token.kind == "name":
                self.name(i, first, last)
            elif token.kind == "sign":
                self.sign(i, first, last)
            if token.text == "[" and i > first:
                inside = self.tokens[i + 1:self.part.mate[i]]
                if inside and not all(inner.kind == "number" for inner in inside):
                    self.add("off-by-one", i + 1, self.part.mate[i], f"({self.joined(inside)}) + 1")
            if token.text == "." and self.tokens[i - 1].text in ("{", ","):
                self.field(i, last)

    def field(self, i, last):
        """A field of an initialiser, with the comma behind it."""
        end = i
        while end < last and self.tokens[end].text not in (",", "}"):
            end = self.part.mate[end] + 1 if self.tokens[end].text in ctokens.PAIRS else end + 1
        comma = end < last and self.tokens[end].text == ","
        self.add("delete", i, end + 1 if comma else end, "")

    # ---- conditions and statements ----

    def negate(self, first, last):
        inside = self.tokens[first:last]
        signs = {token.text for token in inside}
        if signs & {"&&", "||"} or not (signs & set(COMPARE) or inside[0].text == "!"):
            # else the one comparison, or the sign, has a site of its own
            self.add("condition", first, last, f"!({self.joined(inside)})")

    def condition(self, first, last, keyword):
        self.negate(first, last)
        if keyword == "if":
            self.add("condition", first, last, "true")

    def statement(self, statement):
        first, last = statement.first, statement.last
        if statement.kind in ("expression", "jump"):
            self.add("delete", first, last, "")
        if statement.kind == "return":
            if statement.under_if:
                self.add("delete", first, last, "")
            inside = self.tokens[first + 1:last]
            if INTEGERS.search(self.part.returns) and not all(token.kind == "number" for token in inside):
                self.add("off-by-one", first + 1, last, f"({self.joined(inside)}) + 1")
            signs = {token.text for token in inside} & ({"&&", "||", "!"} | set(COMPARE))
            if self.part.returns.endswith("bool") and len(inside) > 1 and not signs:
                self.add("answer", first + 1, last, f"!({self.joined(inside)})")

    def is_call(self, statement):
        first = statement.first + (3 if self.tokens[statement.first].text == "(" else 0)  # (void)
        return (statement.kind == "expression" and self.tokens[first].kind == "name" and
                self.part.mate.get(first + 1) == statement.last - 1)

    def swap(self, one, other):
        """Two calls, one directly after the other, in the same block."""
        if not (self.is_call(one) and self.is_call(other)) or other.first != one.last + 1 or one.under_if:
            return
        spans = [(self.tokens[s.first].start, self.tokens[s.last - 1].end) for s in (one, other)]
        texts = [self.text[start:end] for start, end in spans]
        shown = [self.joined(self.tokens[s.first:s.last]) for s in (one, other)]
        self.note("swap", [(*spans[0], texts[1]), (*spans[1], texts[0])], f"[{shown[0]} <-> {shown[1]}]")

    def all(self):
        for first, last in self.part.expressions:
            self.expression(first, last)
        for condition in self.part.conditions:
            self.condition(*condition)
        for statement in self.part.statements:
            self.statement(statement)
        for one, other in zip(self.part.statements, self.part.statements[1:]):
            self.swap(one, other)
        return sorted(self.found, key=lambda site: site.edits[0][:2])


def sites_of(path, text):
    """All sites of a file, in the order of the text."""
    counts, found = {}, []
    for part in ctokens.parts(text):
        for site in PartSites(path, text, part).all():
            kind = (site.function, site.operator)
            counts[kind] = counts.get(kind, 0) + 1
            site.number = counts[kind]
            found.append(site)
    return found
