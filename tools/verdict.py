# SPDX-License-Identifier: MIT
"""verdict.py - judge what a boot left behind: pure functions, no machine.

The report is KTAP: `KTAP version 1`, a plan `1..N`, `ok K name` or `not ok K name`, and at the end
`# selfmap: PASS tests=N passed=P failed=0 skipped=S` (or FAIL). Lines `# key=value` are facts, wherever they
stand; `# stopped: why` tells why a run ended early. A pass is only
what says so in every way there is: the plan, each result, the summary, and the status QEMU ends with. Status
0 is a shutdown, a reset and a triple fault alike, and so never a pass.

The log comes from the machine under test: it may hold any bytes.
"""

import re
from dataclasses import dataclass, field

# CI.md says what each means.
KINDS = ("pass", "fail", "triple-fault", "hang", "reset", "truncated", "numbers", "restarted",
         "loader-stopped", "went-back", "refused", "nothing-to-boot", "not-started", "flood")
EXIT_PASS = 33  # isa-debug-exit with 0x10: (value << 1) | 1
EXIT_FAIL = 35  # the same with 0x11
MAX_LINE = 4096

SKIPPED = re.compile(r"\s*# SKIP\b\s*", re.I)  # in the name of a result; the reason follows
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\^-~])")
_CONTROL = re.compile(r"[\x01-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]")
_RESULT = re.compile(r"(ok|not ok) ([0-9]{1,9})(?: (?:- )?(.*))?")
_PLAN = re.compile(r"1\.\.([0-9]{1,9})")
_SUMMARY = re.compile(r"# selfmap: (PASS|FAIL) tests=([0-9]{1,9}) passed=([0-9]{1,9})"
                      r" failed=([0-9]{1,9}) skipped=([0-9]{1,9})")
_FACT = re.compile(r"# ([a-z][a-z0-9_]*)=(.*)")
_STOPPED = re.compile(r"# stopped: (.*)")
_LOADER_STOPPED = re.compile(r"(.*)\n+Selfmap: stopped before leaving the firmware: (.*)\n")
_WENT_BACK = re.compile(r"\nSelfmap: back to the firmware: (.*)\n")
_GAVE_UP = re.compile(r"No bootable option or device was found|Verification failed: \(0x1A\)|^=> ?\Z", re.M)
_REFUSED = re.compile(r"failed to (?:load|start) Boot[0-9A-F]{4} .*: (Access Denied|Security Violation)|"
                      r"Verification failed: \(0x1A\) (Security Violation)")
_NOTHING_TO_BOOT = re.compile(r"No bootable option or device was found|UEFI Interactive Shell|"
                              r"failed to load Boot[0-9A-F]{4}|no bootable device|^=> ?$", re.M | re.I)


@dataclass
class Outcome:
    """What a boot left behind."""
    log: bytes = b""
    status: int | None = None  # QEMU's exit status; None if we ended it (after the summary, or at the limit)
    reset_log: bytes = b""     # QEMU's -d cpu_reset
    errors: bytes = b""        # QEMU's stderr
    reason: str = ""           # why QEMU ended, as its event SHUTDOWN says: guest-shutdown, guest-reset ...
    timed_out: bool = False
    flooded: bool = False      # the log went beyond what we keep
    starts: list = field(default_factory=list)  # the log of each start, if the machine was restarted
    emulator: str = "QEMU"      # what ran the machine, for sentences
    screen: list | None = None  # the last screen as lines of text, if the screen is the report


@dataclass
class Report:
    """The lines of a log that count, in the order in which they came."""
    starts: int = 0
    plans: list = field(default_factory=list)
    results: list = field(default_factory=list)    # (passed, number, name)
    notes: list = field(default_factory=list)      # for each result, the remarks that stand before it
    remarks: list = field(default_factory=list)    # since the last result
    summaries: list = field(default_factory=list)  # (word, tests, passed, failed, skipped)
    nested_failures: list = field(default_factory=list)
    after_summary: bool = False
    stopped: str = ""
    facts: dict = field(default_factory=dict)

    @property
    def failed_results(self):
        return [result for result in self.results if not result[0]]

    @property
    def failures(self):
        named = [name or f"number {number}" for ok, number, name in self.results if not ok]
        return named + self.nested_failures

    @property
    def skipped(self):
        return sum(1 for ok, _, name in self.results if ok and SKIPPED.search(name))


@dataclass
class Verdict:
    """One word, one sentence, and what the log said on the way."""
    kind: str
    sentence: str
    facts: dict = field(default_factory=dict)
    text: str = ""
    report: Report = field(default_factory=Report)
    contradictions: list = field(default_factory=list)  # what the run says of itself that its results deny

    @property
    def passed(self):
        return self.kind == "pass"


def clean(log):
    """Bytes of a serial line as text that is safe to show: no escapes, no control characters."""
    text = log.decode("utf-8", "replace").replace("\r", "").replace("\0", "")
    text = _CONTROL.sub("\ufffd", _ESCAPE.sub("", text))
    return "\n".join(line if len(line) <= MAX_LINE else line[:MAX_LINE] + "..." for line in text.split("\n"))


def last_lines(text, count):
    """The last lines that are not empty."""
    return [line for line in text.split("\n") if line.strip()][-count:]


def read_report(lines, began_before=False):
    """Find the report among the lines. Results count from its first line on, which may have scrolled away
    (began_before)."""
    report = Report(starts=int(began_before))
    for line in map(str.rstrip, lines):
        if line == "KTAP version 1":
            report.starts += 1
        elif match := _SUMMARY.fullmatch(line):
            report.summaries.append((match[1], *map(int, match.groups()[1:])))
        elif match := _FACT.fullmatch(line):
            report.facts[match[1]] = match[2]
        elif match := _STOPPED.fullmatch(line):
            report.stopped = match[1]
        elif report.starts:
            _read_result(report, line)
    return report


def _read_result(report, line):
    if match := _PLAN.fullmatch(line):
        report.plans.append(int(match[1]))
    elif match := _RESULT.fullmatch(line):
        report.results.append((match[1] == "ok", int(match[2]), match[3] or ""))
        report.notes.append(report.remarks)
        report.remarks = []
        report.after_summary |= bool(report.summaries)
    elif line.lstrip().startswith("not ok"):
        report.nested_failures.append(line.strip())
        report.remarks.append(line.strip())
    elif line.startswith("# "):
        report.remarks.append(line[2:])


def _shortened(names, limit=5):
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return "; ".join(names[:limit]) + more


def _judge_failures(report):
    count = len(report.failures)
    return "fail", f"{count} test{'s' * (count > 1)} failed: {_shortened(report.failures)}"


def _judge_report(report):
    """The report alone: complete, in order, all well, and in agreement with itself?"""
    if report.stopped:  # a machine that halts, and is looked at
        return _judge_failed_exit(report)
    if not report.starts:
        return "truncated", "the log is truncated: it has no report (no line \"KTAP version 1\")"
    if report.starts > 1:
        return "restarted", f"the report begins {report.starts} times: the machine started over"
    if report.failures:
        return _judge_failures(report)
    if not report.plans:
        return "truncated", "the log is truncated: it has no plan (1..N)"
    if len(report.plans) > 1:
        return "numbers", f"the numbers do not agree: there are {len(report.plans)} plans"
    planned, numbers = report.plans[0], [number for _, number, _ in report.results]
    expected = list(range(1, planned + 1))
    if numbers != expected:
        if numbers == expected[:len(numbers)]:
            return "truncated", f"the log is truncated: {len(numbers)} of {planned} results are there"
        return "numbers", f"the numbers do not agree: the results are not numbered 1 to {planned} in order"
    if not report.summaries:
        return "truncated", "the log is truncated: all results are there but no summary"
    return _judge_summary(report, planned)


def _all_well(tests, skipped):
    return f"{tests - skipped} of {tests} tests passed, 0 failed, {skipped} skipped"


def _judge_summary(report, planned):
    counted = ("PASS", planned, planned - report.skipped, 0, report.skipped)
    if len(report.summaries) > 1 or report.after_summary:
        return "numbers", "the numbers do not agree: the summary is not the one last line of the report"
    if report.summaries[0] != counted:
        said = "{} tests={} passed={} failed={} skipped={}".format(*report.summaries[0])
        return "numbers", (f"the numbers do not agree: the summary says {said}, the results are"
                           " {} tests={} passed={} failed={} skipped={}".format(*counted))
    if not planned:
        return "numbers", "the report holds no tests"
    return "pass", _all_well(planned, report.skipped)


def _judge_screen(lines):
    """The screen scrolls: only the end of the report can be asked for. A failure may stand there twice."""
    lines = [line.strip() for line in lines]
    failures = list(dict.fromkeys(line for line in lines if line.startswith("not ok")))
    summaries = [match for match in map(_SUMMARY.fullmatch, lines) if match]
    if failures:
        return "fail", f"the screen shows failures: {_shortened(failures)}"
    if not summaries:
        return "truncated", "the screen shows no summary"
    tests, passed, failed, skipped = map(int, summaries[-1].groups()[1:])
    if summaries[-1][1] != "PASS":
        return "fail", f"the screen says: {summaries[-1][0]}"
    if failed or tests != passed + skipped or not tests:
        return "numbers", f"the numbers do not agree: the screen says {summaries[-1][0]}"
    return "pass", f"{_all_well(tests, skipped)}, as the screen says"


def _contradictions(outcome, report, shown):
    """Sentences about a summary or an exit status that says other than the results. `shown`: only the end of
    the report is there, so nothing can be counted. A pass never has any."""
    if not report.summaries:
        return []
    said = "{} tests={} passed={} failed={} skipped={}".format(*report.summaries[-1])
    counts = {"passed": len(report.results) - report.skipped - len(report.failed_results),
              "failed": len(report.failed_results), "skipped": report.skipped}
    planned = sum(report.plans)
    well = not report.failures and not report.stopped and counts["passed"] + counts["skipped"] == planned
    found = []
    if not shown and report.summaries[-1][1:] != (planned, *counts.values()):
        numbers = f"tests={planned} " + " ".join(f"{key}={count}" for key, count in counts.items())
        found.append(f"the summary says {said}, the results are {numbers}")
    elif report.summaries[-1][0] == "PASS" and not (well or shown and not report.failures):
        found.append(f"the summary says {said}")
    if outcome.status == EXIT_PASS and (not well or report.summaries[-1][0] != "PASS"):
        found.append("the exit status says that all tests passed")
    if outcome.status == EXIT_FAIL and report.summaries[-1][0] == "PASS":
        found.append(f"the exit status says that tests failed, the summary says {said}")
    return found


def has_summary(lines):
    """Does the report end here?"""
    return any(_SUMMARY.fullmatch(line.strip()) for line in lines)


def _judge_failed_exit(report):
    if report.stopped:
        return "fail", f"the application stopped: {report.stopped[:160]}"
    if report.failures:
        return _judge_failures(report)
    if report.summaries:
        word, *_, failed, _ = report.summaries[-1]
        return "fail", f"the application reported failure (its summary: {word}, failed={failed})"
    return "fail", "the application reported failure before its report was complete"


def _judge_ending(outcome, text, report):
    """How the machine ended; None if it ended as it should and the report decides."""
    last = (last_lines(text, 1) or ["(nothing)"])[0].strip()[:160].rstrip(".")
    if outcome.flooded:
        return "flood", f"the machine wrote without end; the last line was: {last}"
    if b"Triple fault" in outcome.reset_log:
        return "triple-fault", f"triple fault: the processor gave up; the last line was: {last}"
    silent = not (report.starts or report.facts)
    if silent and (stopped := _LOADER_STOPPED.search(text)):
        return "loader-stopped", f"the loader stopped, {stopped[2].strip()}: {stopped[1].strip()[:160]}"
    if silent and (back := _WENT_BACK.search(text)):
        return "went-back", f"the loader went back to the firmware: {back[1].strip()[:160]}"
    if silent and not outcome.status and (refused := _REFUSED.search(text)):
        return "refused", f"the firmware refused to start an image: {refused[1] or refused[2]} (Secure Boot)"
    if silent and not outcome.status and _NOTHING_TO_BOOT.search(text):
        return "nothing-to-boot", "the firmware found nothing to boot on the image"
    if outcome.timed_out:
        return "hang", f"hang: the machine did not finish in time; the last line was: {last}"
    if outcome.status == 0:
        did = {"guest-shutdown": "switched itself off", "guest-reset": "reset by itself"}
        done = did.get(outcome.reason, "shut down or reset by itself")
        return "reset", f"the machine {done}; the last line was: {last}"
    if outcome.status == EXIT_FAIL:
        return _judge_failed_exit(report)
    if outcome.status not in (EXIT_PASS, None):
        said = " ".join(clean(outcome.errors).split())[-300:] or "it said nothing"
        who = outcome.emulator
        return "not-started", f"{who} could not run the machine (status {outcome.status}): {said}"
    return None


def nothing_will_follow(log):
    """Has the firmware got the machine back, or never given it away? Then no report will come."""
    text = clean(log)
    return (_LOADER_STOPPED.search(text) or _WENT_BACK.search(text) or _GAVE_UP.search(text)) is not None


def judge(outcome):
    """The verdict on a boot; its kind is one of KINDS."""
    on_screen = outcome.screen is not None
    text = "\n".join(outcome.screen) if on_screen else clean(outcome.log)
    report = read_report(text.split("\n"), began_before=on_screen)
    found = _judge_ending(outcome, text, report)
    if not found and on_screen:
        found = _judge_screen(outcome.screen)
    kind, sentence = found or _judge_report(report)
    contradictions = [] if kind in ("pass", "numbers") else _contradictions(outcome, report, on_screen)
    sentence = "; but ".join([sentence, *contradictions])
    return Verdict(kind, f"{'PASS' if kind == 'pass' else 'FAIL'}: {sentence}.", report.facts, text,
                   report, contradictions)
