#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tools/boot writes for programs: well-formed and true for every kind of verdict and for broken logs."""

import io
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

import tap
import machine
import outputs
import verdict
from verdict import Outcome

HEAD = ["KTAP version 1", "# firmware=EDK <II> & \"co\"", "1..3", "ok 1 - paging: maps"]
SKIP = "ok 2 - paging: 1G pages # SKIP not on this processor"
TAIL = ["ok 3 - unmap: #1 \\ faults", "# selfmap: PASS tests=3 passed=2 failed=0 skipped=1"]
BAD = ["# the page was still there", "    not ok 1 - inner", "not ok 3 - unmap: #1 \\ faults",
       "# selfmap: FAIL tests=3 passed=1 failed=1 skipped=1"]


def log(*lines):
    return "".join(line + "\r\n" for line in lines).encode()


WHOLE = log(*HEAD, SKIP, *TAIL)
KINDS = {
    "pass": Outcome(log=WHOLE, status=33),
    "fail": Outcome(log=log(*HEAD, SKIP, *BAD), status=35),
    "triple-fault": Outcome(log=log(*HEAD), status=0, reset_log=b"Triple fault"),
    "hang": Outcome(log=log(*HEAD), timed_out=True),
    "reset": Outcome(log=WHOLE, status=0),
    "truncated": Outcome(log=log(*HEAD), status=33),
    "numbers": Outcome(log=log(*HEAD, HEAD[3], SKIP, *TAIL), status=33),
    "restarted": Outcome(log=WHOLE + WHOLE, status=33),
    "loader-stopped": Outcome(log=log("  no memory", "Selfmap: stopped before leaving the firmware: error")),
    "went-back": Outcome(log=log("Selfmap: ask what to run", "Selfmap: back to the firmware: it boots on")),
    "refused": Outcome(log=log('BdsDxe: failed to load Boot0001 "Misc Device" from Pci(0x3): Access Denied')),
    "nothing-to-boot": Outcome(log=log("BdsDxe: No bootable option or device was found.")),
    "not-started": Outcome(status=1, errors=b"qemu: no such \xff machine <&>"),
    "flood": Outcome(log=WHOLE * 3, flooded=True),
}


class Read:
    """A run as a reader of each format sees it: [(name, result)], the verdict being the last."""

    def __init__(self, run):
        self.json = json.loads(outputs.to_json(run))
        self.suite = xml.fromstring(outputs.to_junit(run))[0]
        self.tap = outputs.to_tap(run)

    def of_json(self):
        return [(test["name"], test["result"]) for test in self.json["tests"]] + \
               [("verdict", "pass" if self.json["verdict"]["passed"] else "fail")]

    def of_junit(self):
        words = {"failure": "fail", "error": "fail", "skipped": "skip"}
        found = [(case.get("name"), words[case[0].tag] if len(case) else "pass")
                 for case in self.suite.iter("testcase")]
        results = [result for _, result in found]
        assert int(self.suite.get("tests")) == len(found)
        assert int(self.suite.get("failures")) + int(self.suite.get("errors")) == results.count("fail")
        assert int(self.suite.get("skipped")) == results.count("skip")
        return found

    def of_tap(self):
        version, plan, *lines = self.tap.split("\n")[:-1]
        assert version == "TAP version 13"
        found = []
        for line in lines:
            if line.startswith("#"):
                continue
            word, number, name = re.fullmatch(r"(ok|not ok) ([0-9]+) - (.*)", line).groups()
            name, *skip = re.split(r"(?<!\\) # SKIP", name, maxsplit=1)
            result = "fail" if word != "ok" else "skip" if skip else "pass"
            found.append((re.sub(r"\\(.)", r"\1", name), result))
            assert int(number) == len(found)
        assert plan == f"1..{len(found)}"
        return found[:-1] + [(found[-1][0].split(":")[0], found[-1][1])]


class Formats(unittest.TestCase):
    def read(self, outcome):
        run = outputs.Run(verdict.judge(outcome), {"cpu": "max,\x01<&>"}, 1.5)
        read = Read(run)
        fit_for_xml = [(name.replace("\ufffe", "\ufffd"), result) for name, result in read.of_json()]
        self.assertEqual(read.of_junit(), fit_for_xml)
        plain = [(" ".join(name.split()), result) for name, result in read.of_json()]
        self.assertEqual([(" ".join(name.split()), result) for name, result in read.of_tap()], plain)
        return read

    def test_kinds(self):
        """outputs: every kind of verdict can be told in every format, and only a pass has no failure"""
        self.assertEqual(tuple(KINDS), verdict.KINDS)
        for kind, outcome in KINDS.items():
            read = self.read(outcome)
            self.assertEqual(read.json["verdict"]["kind"], kind)
            self.assertEqual(read.of_json()[-1], ("verdict", "pass" if kind == "pass" else "fail"))
            last = list(read.suite.iter("testcase"))[-1]
            self.assertEqual([child.get("type") for child in last], [] if kind == "pass" else [kind])
            self.assertIn(f" - verdict: {kind}\n", read.tap)
            self.assertIn(f"# {read.json['verdict']['sentence']}\n", read.tap)

    def test_results(self):
        """outputs: each test with its result and reason, facts, and counts"""
        read = self.read(KINDS["fail"])
        self.assertEqual([test["result"] for test in read.json["tests"]], ["pass", "skip", "fail"])
        self.assertEqual(read.json["tests"][1]["reason"], "not on this processor")
        self.assertEqual(read.json["tests"][2]["reason"], "the page was still there\nnot ok 1 - inner")
        self.assertEqual(read.json["counts"],
                         {"planned": 3, "passed": 1, "failed": 1, "skipped": 1, "missing": 0})
        self.assertEqual(read.json["facts"], {"firmware": 'EDK <II> & "co"'})
        failure = read.suite.find(".//failure")
        self.assertEqual(failure.get("message"), "the page was still there")
        self.assertIn("# the page was still there\n", read.tap)
        self.assertIn("unmap: \\#1 \\\\ faults\n", read.tap)

    def test_missing(self):
        """outputs: tests that were planned and never came are counted"""
        self.assertEqual(self.read(KINDS["hang"]).json["counts"],
                         {"planned": 3, "passed": 1, "failed": 0, "skipped": 0, "missing": 2})
        self.assertIsNone(self.read(KINDS["not-started"]).json["counts"]["planned"])

    def test_screen(self):
        """outputs: a report that is read off the screen is counted by its summary"""
        counts = self.read(Outcome(screen=[*TAIL])).json["counts"]
        self.assertEqual(counts, {"planned": 3, "passed": 2, "failed": 0, "skipped": 1, "missing": 0})

    def test_times(self):
        """outputs: seconds per test, if every arrival is known"""
        found = verdict.judge(KINDS["pass"])
        times = [test.get("seconds") for test in
                 json.loads(outputs.to_json(outputs.Run(found, {}, 9, [1, 1.5, 3, 3.25])))["tests"]]
        self.assertEqual(times, [0.5, 1.5, 0.25])
        self.assertNotIn("seconds", outputs.tests_of(outputs.Run(found, {}, 9, [1, 2]))[0])

    def test_not_tried(self):
        """outputs: a boot that could not be tried is an error, not a failure"""
        read = Read(outputs.not_tried("no & such <file>", {}))
        self.assertEqual((read.suite.get("errors"), read.suite.get("failures")), ("1", "0"))
        self.assertEqual(read.json["verdict"]["kind"], outputs.NOT_TRIED)
        self.assertEqual(read.of_tap(), [("verdict", "fail")])

    def test_noise(self):
        """outputs: noise, and logs that are cut off anywhere, give well-formed files"""
        choose = random.Random(1)
        noise = bytes(range(256)) + "\ufffe\uffff\u2028\x85\U0010ffff".encode() + b"\xed\xa0\x80"
        for end in range(0, len(WHOLE), 7):
            self.read(Outcome(log=WHOLE[:end] + noise, timed_out=True))
            at = choose.randrange(end + 1)
            self.read(Outcome(log=WHOLE[:at] + choose.randbytes(40) + WHOLE[at:end], status=33))
        self.read(Outcome(log=log(*HEAD, "not ok 2 - \x0b\ufffe " + noise.decode("latin-1")), status=35))


class Boot(unittest.TestCase):
    """tools/boot with an emulator that is a small script."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("image", "firmware.fd", "vars.fd"):
            (self.folder / name).write_bytes(b"content")
        (self.folder / "log").write_bytes(WHOLE)
        self.emulator = self.folder / "emulator"
        self.emulator.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{self.folder}/words\n'
                                 f"cat {self.folder}/log\nexit ${{STATUS:-33}}\n")
        self.emulator.chmod(0o755)

    def boot(self, *options, status="33"):
        environment = {**os.environ, "STATUS": status, "TMPDIR": str(self.folder)}
        return tap.run_tool("boot", self.folder / "image", "--qemu", self.emulator, "--firmware",
                            self.folder / "firmware.fd", *options, env=environment)

    def test_files(self):
        """boot: writes all formats at once, and shows the log all the same"""
        files = {name: self.folder / f"result.{name}" for name in outputs.WRITERS}
        result = self.boot(*[word for name, path in files.items() for word in (f"--{name}", path)])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("ok 1 - paging: maps\n", result.stdout)
        self.assertTrue(json.loads(files["json"].read_text())["verdict"]["passed"])
        self.assertEqual(xml.parse(files["junit"]).getroot()[0].get("failures"), "0")
        self.assertEqual(files["tap"].read_text().split("\n")[1], "1..4")

    def test_standard_output(self):
        """boot: - is standard output, and nothing else goes there; one format only"""
        for status, expected in (("33", 0), ("0", 1)):
            result = self.boot("--json", "-", status=status)
            self.assertEqual(result.returncode, expected)
            self.assertEqual(json.load(io.StringIO(result.stdout))["verdict"]["passed"], expected == 0)
            self.assertRegex(result.stderr, "^(PASS|FAIL): .*\n$")
        self.assertEqual(self.boot("--json", "-", "--tap", "-").returncode, 2)

    def test_prove(self):
        """boot: prove reads its TAP"""
        (self.folder / "tap").write_text(self.boot("--tap", "-").stdout)
        run = subprocess.run(["prove", "-e", "cat", self.folder / "tap"], capture_output=True, text=True,
                             check=False)
        self.assertIn("Result: PASS", run.stdout)
        self.assertIn("Tests=4", run.stdout)

    def test_unwritable(self):
        """boot: a file that cannot be written is found before the boot, a full disk after the verdict"""
        result = self.boot("--json", self.folder / "none" / "result")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertFalse((self.folder / "words").exists(), "it was booted")
        if Path("/dev/full").exists():
            result = self.boot("--json", "/dev/full")
            self.assertEqual(result.returncode, 2)
            self.assertIn("PASS: ", result.stdout)
            self.assertIn("could not be written", result.stderr)

    def test_not_tried(self):
        """boot: an emulator that is not there is told in the file as well"""
        self.emulator.unlink()
        result = self.boot("--json", "-")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(json.loads(result.stdout)["verdict"]["kind"], "not-tried")
        self.assertIn("emulator is not installed", result.stderr)

    def test_firmware(self):
        """boot: another firmware is a ROM, or flash with a copy of its variables"""
        self.assertEqual(self.boot().returncode, 0)
        words = (self.folder / "words").read_text().split("\n")
        self.assertEqual(words[words.index("-bios") + 1], str(self.folder / "firmware.fd"))
        self.assertEqual(self.boot("--firmware-vars", self.folder / "vars.fd").returncode, 0)
        words = (self.folder / "words").read_text().split("\n")
        code, store = [word for word in words if word.startswith("if=pflash")]
        self.assertIn(f"readonly=on,file={self.folder / 'firmware.fd'}", code)
        self.assertNotIn(str(self.folder / "vars.fd") + ",", store + ",")
        self.assertIn(str(self.folder), store)  # TMPDIR
        self.assertNotIn("-bios", words)

    def test_wrong_firmware(self):
        """boot: a firmware that is not there, variables that are not there or belong to none"""
        self.assertEqual(self.boot("--firmware", "seabios").returncode, 2)
        self.assertIn("none is not there", self.boot("--firmware-vars", self.folder / "none").stderr)
        self.assertEqual(self.boot("--firmware", "ovmf", "--firmware-vars", machine.OVMF_VARS).returncode, 2)

    def test_documented(self):
        """boot: --help and CI.md name every exit status, and CI.md every kind of verdict"""
        page = (tap.ROOT / "CI.md").read_text(encoding="utf-8")
        told = tap.run_tool("boot", "--help").stdout
        for status in "012":
            self.assertRegex(told, rf"(?m)^  {status}  ")
            self.assertRegex(page, rf"(?m)^\| {status} \|")
        for kind in (*verdict.KINDS, outputs.NOT_TRIED):
            self.assertRegex(page, rf"(?m)^\| `{kind}` \|")


if __name__ == "__main__":
    tap.main()
