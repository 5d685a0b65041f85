# SPDX-License-Identifier: MIT
"""casetable.py - the table of cases (test/firmware/cases), and how one is run and judged."""

import configparser
import functools
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import judge
import snapshot
import verdict

TABLE = Path(__file__).with_name("cases")
KEYS = {"on", "each", "words", "options", "file", "load-options", "right", "log", "never", "facts", "skip",
        "sample", "cpu"}
MACHINES = ("uboot", "ovmf")  # where cases run unless they say otherwise
SENTENCE = r"^  \S.*\n(?:Selfmap: stopped before leaving the firmware: .*\n)?shim: the image returned "


@dataclass
class Case:
    """A row for one machine and one value."""
    name: str
    machine: str
    words: str = ""
    options: str = ""
    file: bytes | None = None
    load_options: bytes | None = None
    right: tuple = ("report",)
    log: list = field(default_factory=list)
    never: list = field(default_factory=list)
    facts: list = field(default_factory=list)
    skip: tuple = ()
    sample: bool = False
    cpu: float = snapshot.CPU_LIMIT


@functools.cache
def _symbols(image):
    """The offsets of functions and objects in an image, by the program beside it."""
    elf = str(Path(image).with_suffix(".elf"))
    listed = subprocess.run(["nm", elf], capture_output=True, text=True, check=True).stdout
    return {line[2]: int(line[0], 16) for line in map(str.split, listed.splitlines()) if len(line) == 3}


def _literal(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


def _content(text, value):
    """A literal of Python's, in which N*'text' repeats."""
    text = re.sub(r"(\d+)\*'([^']*)'", lambda m: m[2] * int(m[1]), text.replace("{}", value))
    return _literal(text)


def _lines(section, key, value):
    return [line.strip().replace("{}", value) for line in section.get(key, "").splitlines() if line.strip()]


def _tail(value, values):
    """What a value adds to the name of a case: itself, or its number if it is not made for that."""
    if not value:
        return ""
    return "-" + (value if re.fullmatch(r"[\w.,:+-]+", value) else f"number-{values.index(value) + 1}")


def _case(name, section, machine, value):
    def text(key):
        return section.get(key, "").replace("{}", value).replace("\n", " ").strip()
    load = _content(section["load-options"], value) if "load-options" in section else None
    sampled = section.get("sample", "").split()
    return Case(
        name=f"{machine}:{name}{_tail(value, section.get('each', '').split())}", machine=machine,
        words=text("words"), options=text("options"),
        file=_content(section["file"], value) if "file" in section else None,
        load_options=load.decode("latin-1").encode("utf-16-le") if load is not None else None,
        right=tuple(text("right").split()) or ("report",), log=_lines(section, "log", value),
        never=_lines(section, "never", value), facts=_lines(section, "facts", value),
        skip=tuple(_lines(section, "skip", value)),
        sample=bool({value or machine, f"{machine}:{value}"} & set(sampled)),
        cpu=section.getfloat("cpu", snapshot.CPU_LIMIT))


def _machines_and_values(section):
    values = section.get("each", "").split()
    if "on" in section:
        yield from ((machine, value) for machine in section["on"].split() for value in values or [""])
    elif values:
        yield from ((MACHINES[number % len(MACHINES)], value) for number, value in enumerate(values))
    else:
        yield from ((machine, "") for machine in MACHINES)


def read(path=TABLE):
    """All cases, in the order of the table."""
    table = configparser.ConfigParser(delimiters="=", comment_prefixes="#", interpolation=None,
                                      empty_lines_in_values=False)
    table.read_string(path.read_text(encoding="utf-8"), str(path))
    cases = []
    for name in table.sections():
        section = table[name]
        if unknown := set(section) - KEYS:
            raise ValueError(f"case {name}: unknown key {', '.join(sorted(unknown))}")
        wrong = set(section.get("right", "report").split()) - set(RIGHT)
        if wrong:
            raise ValueError(f"case {name}: unknown ends {', '.join(sorted(wrong))}")
        cases += [_case(name, section, machine, value) for machine, value in _machines_and_values(section)]
    return cases


# ---- judging ----

def _report(run):
    """A complete report in which all is well."""
    found = verdict.judge(verdict.Outcome(log=run.log, status=None))
    if run.end != "pass" or not found.passed:
        yield f"no right report: {run.end}: {found.sentence}"


def _returned(run):
    """A sentence, then the name of a status, and the firmware has the machine again."""
    if run.end != "returned":
        yield f"it did not return to the firmware: {run.end}"
    elif not re.search(SENTENCE, run.text, re.M):
        yield "it returned without a sentence"
    elif re.search(r"^shim: the image returned 0$", run.text, re.M):
        yield "it returned success"


def _halted(run):
    """The loader can neither go on nor return: a sentence, and the processor halts."""
    if run.end != "halted":
        yield f"it did not halt: {run.end}"
    elif not re.search(r"^Selfmap: stopped before leaving the firmware: ", run.text, re.M):
        yield "it halted without a sentence"


def _stopped(run):
    """The kernel stops with one sentence, and not by an exception."""
    report = verdict.read_report(run.text.split("\n"))
    if run.end != "fail" or not report.stopped:
        yield f"the kernel did not stop with a sentence: {run.end}"
    elif re.match(r"#[A-Z]{2} ", report.stopped) or re.search(r"^#[A-Z]{2} ", run.text, re.M):
        yield f"it stopped by an exception: {report.stopped}"


def _refused(run):
    """A whole report whose first test fails, because it was asked for something that it does not know."""
    report = verdict.read_report(run.text.split("\n"))
    names = [name for ok, _, name in report.results if not ok]
    if run.end != "fail" or report.stopped or names != ["options: every word was understood"]:
        yield f"the options were not refused: {run.end}, failed: {'; '.join(names) or 'nothing'}"


def _failed(run):
    """A whole report in which something failed; what, the case says."""
    report = verdict.read_report(run.text.split("\n"))
    if run.end != "fail" or report.stopped or not report.summaries:
        yield f"nothing failed: {run.end}"


RIGHT = {"report": _report, "failed": _failed, "returned": _returned, "halted": _halted, "stopped": _stopped,
         "refused": _refused}


def _fact_faults(case, facts):
    for line in case.facts:
        key, how, wanted = re.fullmatch(r"([a-z0-9_]+)([=~])(.*)", line).groups()
        seen = facts.get(key)
        if seen is None or (seen != wanted if how == "=" else not re.search(wanted, seen)):
            yield f"not {line}: the log says {seen}"


def faults(case, run):
    """Sentences about what is wrong with a run."""
    ends = [list(RIGHT[right](run)) for right in case.right]
    if all(ends):
        yield from (sentence for end in ends for sentence in end)
    for pattern in case.log:
        if not re.search(pattern, run.text, re.M):
            yield f"no line matches: {pattern}"
    for pattern in case.never:
        if re.search(pattern, run.text, re.M):
            yield f"a line matches: {pattern}"
    yield from _fact_faults(case, verdict.read_report(run.text.split("\n")).facts)
    if run.inspected:
        yield from run.inspected.wrong
    elif not all(ends):
        yield "the machine was not looked into"


def run_case(case, image=snapshot.IMAGE):
    """(Run, sentences about what is wrong with it)"""
    words = re.sub(r"\$(\w+)", lambda match: f"{_symbols(image)[match[1]]:#x}", case.words)
    run = snapshot.run(snapshot.MACHINES[case.machine], image, words=words, options=case.options,
                       file=case.file, load_options=case.load_options, cpu_limit=case.cpu,
                       inspect=judge.Inspector(image, case.skip))
    return run, list(faults(case, run))
