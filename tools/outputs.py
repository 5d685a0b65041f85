# SPDX-License-Identifier: MIT
"""outputs.py - writes a verdict down for programs: JSON, JUnit's XML, TAP.

The log comes from the machine under test and may be cut off or hold any bytes, and the boot may end in any
way: what is written is well-formed all the same, and says why there is no more. Each format holds the tests
that the guest has reported and, as one test more, the verdict on the boot as a whole, so that a run that hung
after its last good test is not taken for a pass.
"""

import json
import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

import verdict

FORMAT = 1  # of the JSON; a change that readers could trip over makes it 2
LAST_LINES = 100
NOT_TRIED = "not-tried"  # the boot could not even begin: beside the kinds in verdict.py
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Run:
    """What is written: the verdict, on what, and how long it took."""
    found: verdict.Verdict
    machine: dict = field(default_factory=dict)
    seconds: float = 0.0
    arrivals: list = field(default_factory=list)  # when the report began, and each result came


def not_tried(sentence, machine):
    """A run of which there is nothing but the reason."""
    return Run(verdict.Verdict(NOT_TRIED, sentence), machine)


def tests_of(run):
    """The guest's tests, in the order in which they came."""
    report, tests = run.found.report, []
    spent = [after - before for before, after in zip(run.arrivals, run.arrivals[1:])]
    for (passed, number, name), notes in zip(report.results, report.notes):
        name, *reason = verdict.SKIPPED.split(name, 1)
        result = "fail" if not passed else "skip" if reason else "pass"
        tests.append({"number": number, "name": name or f"number {number}", "result": result})
        if reason or notes:
            tests[-1]["reason"] = reason[0] if reason else "\n".join(notes)
    if len(spent) == len(tests):
        for test, seconds in zip(tests, spent):
            test["seconds"] = round(seconds, 3)
    return tests


def counts_of(run, tests):
    """How many tests ended how. A report that is read off the screen may have scrolled away: its summary
    counts then."""
    report = run.found.report
    counted = {word: sum(test["result"] == result for test in tests)
               for word, result in (("passed", "pass"), ("failed", "fail"), ("skipped", "skip"))}
    planned = report.plans[0] if report.plans else None
    if planned is None and report.summaries:
        _, planned, *numbers = report.summaries[-1]
        counted = dict(zip(counted, numbers))
    missing = max(0, planned - sum(counted.values())) if planned is not None else None
    return {"planned": planned, **counted, "missing": missing}


def to_json(run):
    found, tests = run.found, tests_of(run)
    whole = {
        "format": FORMAT,
        "verdict": {"kind": found.kind, "passed": found.passed, "sentence": found.sentence},
        "machine": run.machine,
        "seconds": round(run.seconds, 3),
        "counts": counts_of(run, tests),
        "facts": found.facts,
        "tests": tests,
        "last_lines": [] if found.passed else verdict.last_lines(found.text, LAST_LINES),
    }
    return json.dumps(whole, indent=2) + "\n"  # ASCII only, whatever the log holds


# ---- JUnit ----

def _xml_text(text):
    return _NOT_XML.sub("\ufffd", str(text))


def _element(parent, kind, text=None, **attributes):
    element = xml.SubElement(parent, kind, {key: _xml_text(value) for key, value in attributes.items()})
    if text is not None:
        element.text = _xml_text(text)
    return element


def _junit_case(suite, test):
    seconds = {"time": f"{test['seconds']:.3f}"} if "seconds" in test else {}
    case = _element(suite, "testcase", classname="selfmap.guest", name=test["name"], **seconds)
    reason = test.get("reason", "")
    if test["result"] == "fail":
        _element(case, "failure", reason, message=reason.split("\n")[0] or "not ok")
    elif test["result"] == "skip":
        _element(case, "skipped", message=reason)


def to_junit(run):
    found, tests = run.found, tests_of(run)
    broken = found.kind == NOT_TRIED  # an error, as JUnit calls it, and not a failure
    counts = {
        "tests": len(tests) + 1,
        "failures": sum(test["result"] == "fail" for test in tests) + (not found.passed and not broken),
        "errors": int(broken),
        "skipped": sum(test["result"] == "skip" for test in tests),
        "time": f"{run.seconds:.3f}",
    }
    root = xml.Element("testsuites")
    suite = _element(root, "testsuite", name="selfmap", **counts)
    properties = _element(suite, "properties")
    for group, pairs in (("machine", run.machine), ("fact", found.facts)):
        for key, value in pairs.items():
            _element(properties, "property", name=f"{group}.{key}", value=value)
    for test in tests:
        _junit_case(suite, test)
    case = _element(suite, "testcase", classname="selfmap.boot", name="verdict", time=f"{run.seconds:.3f}")
    if not found.passed:
        _element(case, "error" if broken else "failure", message=found.sentence, type=found.kind)
    _element(suite, "system-out", "\n".join(verdict.last_lines(found.text, LAST_LINES)))
    xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


# ---- TAP ----

def _tap_text(text):
    return " ".join(text.replace("\\", "\\\\").replace("#", "\\#").split())


def _tap_lines(number, passed, name, directive="", remarks=()):
    yield f"{'ok' if passed else 'not ok'} {number} - {_tap_text(name)}{directive}"
    for remark in remarks:
        yield f"# {remark}"


def to_tap(run):
    """Version 13. Numbered by what is there, since the guest may have left some out."""
    found, tests = run.found, tests_of(run)
    lines = ["TAP version 13", f"1..{len(tests) + 1}"]
    for number, test in enumerate(tests, 1):
        reason = test.get("reason", "")
        skips = test["result"] == "skip"
        lines += _tap_lines(number, test["result"] != "fail", test["name"],
                            f" # SKIP {_tap_text(reason)}".rstrip() if skips else "",
                            reason.split("\n") if test["result"] == "fail" and reason else ())
    last = [] if found.passed else ["the last lines of the log:", *verdict.last_lines(found.text, 10)]
    lines += _tap_lines(len(tests) + 1, found.passed, f"verdict: {found.kind}", "", [found.sentence, *last])
    return "\n".join(lines) + "\n"


WRITERS = {"json": to_json, "junit": to_junit, "tap": to_tap}
