# SPDX-License-Identifier: MIT
"""ctokens.py - a C file as tokens, and the functions and macros in it as statements and expressions.

It is not a compiler: it knows as much of C as the sources of this tree use, in the form that clang-format
gives them. What it reads wrongly shows as a mutant that does not compile, and the report counts those.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""
    (?P<space>\s+|\\\n|/\*.*?\*/|//[^\n]*)
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>\.?[0-9](?:[0-9a-zA-Z_.]|[eEpP][+-])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|.)
""", re.X | re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|/\*.*?\*/)*", re.M | re.S)
DEFINE = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?")
TYPE_WORDS = {"struct", "enum", "union", "const", "volatile", "static", "register", "inline", "void", "bool",
              "char", "short", "int", "long", "unsigned", "signed", "float", "double", "_Static_assert"}
KEYWORDS = {"return", "sizeof", "case", "goto", "else", "do", "if", "while", "for", "switch", "default",
            "break", "continue", "_Generic"}
PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass
class Token:
    kind: str  # name, number, text, sign
    text: str
    start: int
    end: int


@dataclass
class Statement:
    kind: str  # expression, declaration, return, jump
    first: int  # tokens [first, last), without the semicolon
    last: int
    under_if: bool  # it is all that an if or else governs


@dataclass
class Part:
    """A function or a macro: where its expressions are."""

    name: str
    returns: str  # type of a function, as written
    is_macro: bool
    tokens: list
    statements: list = field(default_factory=list)
    conditions: list = field(default_factory=list)  # (first, last, keyword)
    expressions: list = field(default_factory=list)  # (first, last), all of the above included
    mate: dict = field(default_factory=dict)  # from a bracket to its partner, both ways


def tokens_of(text, start=0, end=None):
    """The tokens in a piece of text, without white space, comments and directives."""
    found = []
    at, end = start, len(text) if end is None else end
    while at < end:
        match = TOKEN.match(text, at, end)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), at, match.end()))
        at = match.end()
    return found


def mates(tokens):
    """Which bracket belongs to which."""
    mate, open_ones = {}, []
    for i, token in enumerate(tokens):
        if token.text in PAIRS:
            open_ones.append(i)
        elif token.text in PAIRS.values() and open_ones:
            mate[i] = open_ones.pop()
            mate[mate[i]] = i
    return mate


def is_type(tokens):
    """Do these words name a type, as between the parentheses of a cast?"""
    words = [token for token in tokens if token.text != "*"]
    return bool(words) and all(
        token.text in TYPE_WORDS or token.text.endswith("_t") or
        (i > 0 and words[i - 1].text in ("struct", "enum"))
        for i, token in enumerate(words))


class StatementReader:
    """Walks over a function's body and notes what stands in it."""

    def __init__(self, part):
        self.part = part
        self.tokens = part.tokens

    def text(self, i):
        return self.tokens[i].text if i < len(self.tokens) else ""

    def expression(self, first, last):
        if first < last:
            self.part.expressions.append((first, last))

    def end_of(self, i):
        """The semicolon that ends what begins at i."""
        while i < len(self.tokens) and self.text(i) != ";":
            i = self.part.mate.get(i, i) + 1 if self.text(i) in PAIRS else i + 1
        return i

    def read(self, i, under_if=False):
        """Read one statement; answer where the next one begins."""
        word = self.text(i)
        if word == "{":
            close = self.part.mate[i]
            i += 1
            while i < close:
                i = self.read(i)
            return close + 1
        if word in ("if", "while", "switch", "for"):
            return self.governed(i, word)
        if word == "else":
            return self.read(i + 1, True)
        if word == "do":
            return self.read(self.read(i + 1))
        if word in ("case", "default"):
            while self.text(i) != ":":
                i += 1
            return i + 1
        return self.simple(i, under_if)

    def governed(self, i, word):
        close = self.part.mate[i + 1]
        if word == "for":
            first = i + 2
            for place in ("start", "while", "step"):
                last = self.end_of(first) if place != "step" else close
                if place == "while" and first < last:
                    self.part.conditions.append((first, last, "for"))
                self.expression(first, last)
                first = last + 1
        else:
            if word != "switch":
                self.part.conditions.append((i + 2, close, word))
            self.expression(i + 2, close)
        return self.read(close + 1, word == "if")

    def simple(self, i, under_if):
        end = self.end_of(i)
        word = self.text(i)
        names = i + 1 < end and self.tokens[i].kind == self.tokens[i + 1].kind == "name"
        kind = "expression"
        if word == "return":
            kind = "return"
            self.expression(i + 1, end)
        elif word in ("break", "continue", "goto"):
            kind = "jump"
        elif word in TYPE_WORDS or word.endswith("_t") or names:
            kind = "declaration"
            self.initialisers(i, end)
        elif word not in ("__asm__", "asm"):
            self.expression(i, end)
        if i < end and word not in ("__asm__", "asm"):
            self.part.statements.append(Statement(kind, i, end, under_if))
        return end + 1

    def initialisers(self, i, end):
        """What stands behind the equals signs of a declaration, as one expression."""
        if self.text(i) == "_Static_assert":
            return
        while i < end and self.text(i) != "=":
            i = self.part.mate.get(i, i) + 1 if self.text(i) in PAIRS else i + 1
        self.expression(i + 1, end)


def without_directives(text):
    """The text with spaces where directives stand, so that every place keeps its number."""
    return DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def functions(text):
    """The functions whose bodies stand in the text, directives blanked out."""
    tokens = tokens_of(without_directives(text))
    mate = mates(tokens)
    i, begin = 0, 0
    while i < len(tokens):
        if tokens[i].text == ";" or (tokens[i].text == "}" and i in mate):
            begin = i + 1
        elif tokens[i].text == "{" and i > 0 and tokens[i - 1].text == ")":
            opened = mate[i - 1]
            returns = " ".join(token.text for token in tokens[begin:opened - 1])
            part = Part(tokens[opened - 1].text, returns, False, tokens[i:mate[i] + 1])
            part.mate = mates(part.tokens)
            StatementReader(part).read(0)
            yield part
            i = mate[i]
            begin = i + 1
        elif tokens[i].text in PAIRS:
            i = mate[i]
        i += 1


def declarations(text, name):
    """The tokens of each declaration outside functions of a variable, type, enum or constant so named."""
    tokens = tokens_of(without_directives(text))
    mate = mates(tokens)
    i, begin, names = 0, 0, set()
    while i < len(tokens):
        token = tokens[i]
        if token.text == "{" and "enum" in names:
            names |= {inner.text for inner in tokens[i:mate[i]]}
        if token.text == "{" and i > 0 and tokens[i - 1].text == ")":  # a function
            i = mate[i]
            begin, names = i + 1, set()
        elif token.text in PAIRS:
            i = mate[i]
        elif token.text == ";":
            if name in names:
                yield tokens[begin:i + 1]
            begin, names = i + 1, set()
        elif token.kind == "name" and tokens[i + 1].text != "(":
            names.add(token.text)
        i += 1


def macros(text):
    """The macros that stand for something; their text is read as one expression."""
    for directive in DIRECTIVE.finditer(text):
        define = DEFINE.match(directive.group())
        if not define:
            continue
        tokens = tokens_of(text, directive.start() + define.end(), directive.end())
        if tokens:
            yield Part(define.group(1), "", True, tokens, [], [], [(0, len(tokens))], mates(tokens))


def parts(text):
    """Functions and macros, in the order in which they stand in the file."""
    return sorted([*functions(text), *macros(text)], key=lambda part: part.tokens[0].start)
