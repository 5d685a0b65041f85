#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The judge passes what is whole, and names what is not."""

import tempfile
import time
import unittest

import tap
from verdict import Outcome, clean, judge, nothing_will_follow

PASSING = ["KTAP version 1", "# firmware=EDK II", "1..3", "ok 1 - paging: maps", "# a remark",
           "ok 2 - paging: 1G pages # SKIP not on this processor", "ok 3 - unmap: the next access faults",
           "# levels=4", "# selfmap: PASS tests=3 passed=2 failed=0 skipped=1"]
FIRMWARE = b"\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r\n"


def log(lines, before=FIRMWARE):
    return before + "".join(line + "\r\n" for line in lines).encode()


def changed(*changes):
    """The passing report with lines replaced; None takes a line away."""
    lines = list(PASSING)
    for at, line in changes:
        lines[at] = line
    return [line for line in lines if line is not None]


class Judge(unittest.TestCase):
    def expect(self, kind, sentence="", **outcome):
        verdict = judge(Outcome(**outcome))
        self.assertEqual(verdict.kind, kind, verdict.sentence)
        self.assertIn(sentence, verdict.sentence)
        self.assertNotIn("\n", verdict.sentence)
        self.assertTrue(verdict.sentence.startswith("PASS: " if kind == "pass" else "FAIL: "))
        self.assertEqual(verdict.passed, kind == "pass")
        return verdict

    def test_pass(self):
        """verdict: a whole report and status 33 pass, and the facts are there"""
        verdict = self.expect("pass", "2 of 3 tests passed, 0 failed, 1 skipped", log=log(PASSING), status=33)
        self.assertEqual(verdict.facts, {"firmware": "EDK II", "levels": "4"})

    def test_halted(self):
        """verdict: a machine that we ended after its summary passes by its report"""
        self.expect("pass", log=log(PASSING), status=None)

    def test_status(self):
        """verdict: the best report does not pass with any other status"""
        for status, kind in ((0, "reset"), (35, "fail"), (1, "not-started"), (-9, "not-started"),
                             (37, "not-started")):
            self.expect(kind, log=log(PASSING), status=status)

    def test_failed(self):
        """verdict: failed tests are named, whatever status and summary say"""
        lines = changed((3, "not ok 1 - paging: maps"), (6, "not ok 3 - unmap"))
        for status in (33, 35):
            self.expect("fail", "2 tests failed: paging: maps; unmap", log=log(lines), status=status)
        self.expect("fail", "1 test failed: not ok 1 inner",
                    log=log(changed((4, "    not ok 1 inner"))), status=33)

    def test_contradiction(self):
        """verdict: a failed run whose summary or exit status says otherwise is told as such"""
        failed = (3, "not ok 1 - paging: maps")
        told = [("PASS tests=3 passed=2 failed=0 skipped=1", 33),
                ("PASS tests=3 passed=2 failed=0 skipped=1", 35),
                ("PASS tests=3 passed=1 failed=1 skipped=1", 35),
                ("FAIL tests=3 passed=2 failed=0 skipped=1", 35),
                ("FAIL tests=3 passed=1 failed=2 skipped=1", 35),
                ("FAIL tests=3 passed=1 failed=1 skipped=0", 35),
                ("FAIL tests=4 passed=1 failed=1 skipped=1", 35),
                ("FAIL tests=3 passed=1 failed=1 skipped=1", 33)]
        for summary, status in told:
            verdict = self.expect("fail", "1 test failed: paging: maps; but the ", status=status,
                                  log=log(changed(failed, (8, "# selfmap: " + summary))))
            self.assertTrue(verdict.contradictions)
        honest = changed(failed, (8, "# selfmap: FAIL tests=3 passed=1 failed=1 skipped=1"))
        for status in (35, None, 0):
            self.assertEqual(judge(Outcome(log=log(honest), status=status)).contradictions, [])
        self.expect("fail", "; but the exit status says that tests failed", log=log(PASSING), status=35)

    def test_contradiction_of_a_crash(self):
        """verdict: nor does a summary of PASS after a crash go unnoticed"""
        stopped = [*PASSING[:4], "# stopped: #PF page fault"]
        lies, honest = ("# selfmap: PASS tests=3 passed=1 failed=0 skipped=0",
                        "# selfmap: FAIL tests=3 passed=1 failed=0 skipped=0")
        self.assertTrue(judge(Outcome(log=log([*stopped, lies]), status=35)).contradictions)
        self.assertEqual(judge(Outcome(log=log([*stopped, honest]), status=35)).contradictions, [])
        self.assertEqual(judge(Outcome(log=log(stopped), status=35)).contradictions, [])

    def test_contradiction_on_screen(self):
        """verdict: on the screen a PASS below a failure is one, a list that has scrolled away is none"""
        failed = ["not ok 2 - b", "# selfmap: {} tests=9 passed=8 failed=1 skipped=0"]
        for word, count in (("PASS", 1), ("FAIL", 0)):
            lines = [line.format(word) for line in failed]
            self.assertEqual(len(judge(Outcome(screen=lines, status=None)).contradictions), count)

    def test_reported_failure(self):
        """verdict: a failure reported without a failed test"""
        summary = "# selfmap: FAIL tests=3 passed=2 failed=1 skipped=0"
        self.expect("fail", "failed=1", log=log(changed((8, summary))), status=35)
        self.expect("fail", "stopped: page fault", status=35, log=log(
            ["# levels=4", "# stopped: page fault at 0",
             "# selfmap: FAIL tests=0 passed=0 failed=0 skipped=0"]))
        self.expect("fail", "before its report was complete", log=log(PASSING[:4]), status=35)

    def test_stopped(self):
        """verdict: a run that an exception has stopped failed, whether the machine ended or halts"""
        stopped = ["#PF page fault, error code 2", "# stopped: #PF page fault",
                   "# selfmap: FAIL tests=0 passed=0 failed=0 skipped=0"]
        for status in (35, None):
            self.expect("fail", "the application stopped: #PF page fault", log=log(stopped), status=status)
            self.expect("fail", "stopped: #PF", log=log(PASSING[:4] + stopped), status=status)

    def test_triple_fault(self):
        """verdict: a triple fault is told from a reset"""
        reset_log = b"CPU Reset (CPU 0)\nTriple fault\nCPU Reset (CPU 0)\n"
        self.expect("triple-fault", "ok 1 - paging: maps", log=log(PASSING[:4]), status=0,
                    reset_log=reset_log)
        self.expect("triple-fault", log=log(PASSING), status=33, reset_log=reset_log)
        self.expect("reset", "by itself", log=log(PASSING[:4]), status=0, reset_log=b"CPU Reset (CPU 0)\n")

    def test_reason(self):
        """verdict: a machine that switched itself off is told from one that reset"""
        for reason, words in (("guest-shutdown", "the machine switched itself off; the last"),
                              ("guest-reset", "the machine reset by itself; the last"),
                              ("", "shut down or reset by itself"), ("host-signal", "shut down or reset")):
            self.expect("reset", words, log=log(PASSING), status=0, reason=reason)

    def test_hang(self):
        """verdict: a hang shows the last line, and a whole report does not excuse it"""
        self.expect("hang", "last line was: # a remark", log=log(PASSING[:5]), timed_out=True)
        self.expect("hang", log=log(PASSING), timed_out=True)
        self.expect("hang", "(nothing)", timed_out=True)

    def test_truncated(self):
        """verdict: every way to lose a part of the report"""
        self.expect("truncated", "no report", log=FIRMWARE, status=33)
        self.expect("truncated", "no report", log=b"", status=33)
        self.expect("truncated", "no report", log=log(PASSING[1:]), status=33)
        self.expect("truncated", "no report", log=log(PASSING[-1:]), status=33)
        self.expect("truncated", "no plan", log=log(changed((2, None))), status=33)
        self.expect("truncated", "2 of 3 results", log=log(changed((6, None))), status=33)
        self.expect("truncated", "no summary", log=log(PASSING[:-1]), status=33)
        for end in range(len(PASSING)):
            self.assertFalse(judge(Outcome(log=log(PASSING[:end]), status=33)).passed)

    def test_cut_anywhere(self):
        """verdict: a log cut at any byte before its end does not pass"""
        whole = log(PASSING).rstrip()
        for end in range(len(whole)):
            self.assertFalse(judge(Outcome(log=whole[:end], status=33)).passed, whole[:end][-40:])
        self.expect("pass", log=whole, status=33)

    def test_numbers(self):
        """verdict: numbers that do not agree"""
        summary = "# selfmap: PASS tests={} passed={} failed={} skipped={}"
        for numbers in ((4, 3, 0, 1), (3, 3, 0, 0), (3, 2, 1, 0), (3, 1, 0, 1), (0, 0, 0, 0)):
            self.expect("numbers", "do not agree", log=log(changed((8, summary.format(*numbers)))), status=33)
        self.expect("numbers", log=log(changed((8, PASSING[8].replace("PASS", "FAIL")))), status=33)
        self.expect("numbers", "numbered", log=log(changed((5, "ok 3 - x"), (6, "ok 2 - y"))), status=33)
        self.expect("numbers", "numbered", log=log(changed((5, "ok 1 - again"))), status=33)
        self.expect("numbers", "numbered", log=log(changed((3, "ok 0 - x"))), status=33)
        self.expect("numbers", "numbered", log=log(changed((7, "ok 4 - more than planned"))), status=33)
        self.expect("numbers", "2 plans", log=log(PASSING[:3] + PASSING[2:]), status=33)
        self.expect("numbers", "not the one last", log=log(PASSING + PASSING[-1:]), status=33)
        self.expect("numbers", "not the one last",
                    log=log(PASSING[:6] + PASSING[8:] + PASSING[6:7]), status=33)

    def test_empty(self):
        """verdict: a report without tests does not pass"""
        empty = log(["KTAP version 1", "1..0", "# selfmap: PASS tests=0 passed=0 failed=0 skipped=0"])
        self.expect("numbers", "no tests", log=empty, status=33)

    def test_restarted(self):
        """verdict: a machine that started over"""
        self.expect("restarted", "2 times", log=log(PASSING[:5] + PASSING), status=33)

    def test_not_started(self):
        """verdict: QEMU's own words when it does not start"""
        self.expect("not-started", "could not open disk", status=1, errors=b"qemu: could not open disk\n\xff")

    def test_nothing_to_boot(self):
        """verdict: firmware that found nothing to boot"""
        for words in (b"BdsDxe: No bootable option or device was found.\r\n",
                      b"UEFI Interactive Shell v2.2\r\n",
                      b"Hit any key to stop autoboot: 0\r\n=> "):
            self.expect("nothing-to-boot", log=words, timed_out=True)
        self.expect("hang", log=log(PASSING[:4], b"BdsDxe: failed to load Boot0001\r\n"), timed_out=True)

    def test_refused(self):
        """verdict: firmware, or shim, that refused to start what nobody has signed"""
        failed = b'BdsDxe: failed to %s Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x2,0x0): %s\r\n'
        end = b"BdsDxe: No bootable option or device was found.\r\n"
        shim = b"\xda\xc4 ERROR \xb3  Verification failed: (0x1A) Security Violation  \xb3"
        for words, why in ((failed % (b"load", b"Access Denied") + end, "Access Denied"),
                           (failed % (b"start", b"Security Violation") + end, "Security Violation"),
                           (shim, "Security Violation")):
            self.expect("refused", f"refused to start an image: {why} (Secure Boot)", log=words)
            self.expect("refused", why, log=words, timed_out=True)
            self.assertTrue(nothing_will_follow(words))
        self.expect("nothing-to-boot", log=failed % (b"load", b"Not Found") + end)
        self.expect("pass", log=failed % (b"load", b"Access Denied") + log(PASSING), status=33)

    def test_loader_stopped(self):
        """verdict: a loader that stopped before the exit, and why"""
        words = (b"  image: data: 1000 is not mapped\r\n"
                 b"Selfmap: stopped before leaving the firmware: load error\r\n=> ")
        self.expect("loader-stopped", "load error: image: data: 1000 is not mapped", log=words)
        self.assertTrue(nothing_will_follow(words))
        self.assertTrue(nothing_will_follow(b"Hit any key to stop autoboot: 0\r\n=> "))
        self.assertFalse(nothing_will_follow(words[:words.index(b"error") + 3]))
        self.assertFalse(nothing_will_follow(b"Selfmap: exit boot services\r\n"))

    def test_went_back(self):
        """verdict: a loader that went back to the firmware because somebody chose that"""
        words = b"Starts in 3 s\r\nSelfmap: back to the firmware: it boots on\r\n"
        self.expect("went-back", "it boots on", log=words)
        after = b"BdsDxe: No bootable option or device was found.\r\n"
        self.expect("went-back", "it boots on", log=words + after)
        self.assertTrue(nothing_will_follow(words))
        self.assertFalse(nothing_will_follow(words[:-4]))

    def test_flood(self):
        """verdict: a log without end"""
        self.expect("flood", "without end", log=log(PASSING) + b"x\n" * 9, flooded=True)

    def test_noise(self):
        """verdict: escapes, NULs and bytes that are not UTF-8 around the report are harmless"""
        noisy = b"\0\0\xff\xfe\x1b[6n" + log(PASSING).replace(
            b"# a remark", b"# \xc3(\x00\x1b[31mremark\x1b[0m\x07")
        self.expect("pass", log=noisy, status=33)
        self.assertEqual(clean(b"a\x1b[0;1mb\r\nc\x00d\x9b\x1b7"), "ab\ncd\ufffd")

    def test_lookalikes(self):
        """verdict: lines that only look like the report's do not count"""
        for fake in ("x ok 3 - y", "ok 3- y", " ok 3 - y", "ok three", "ok 3333333333333 - y", "OK 3 - y"):
            self.assertFalse(judge(Outcome(log=log(changed((6, fake))), status=33)).passed, fake)
        for fake in (PASSING[8] + " x", "x" + PASSING[8], PASSING[8].replace("=3", "=3.0"),
                     " ".join(PASSING[8])):
            self.expect("truncated", log=log(changed((8, fake))), status=33)

    def test_long_lines(self):
        """verdict: lines of megabytes are judged quickly and shown shortened"""
        began = time.process_time()
        for filler in (b"x", b"\x1b[", b"\x1b[0", b"\x1b[1;1", b"\0", b"\xff", b"not ", b"1"):
            long = filler * ((2 << 20) // len(filler))
            self.expect("pass", log=log(PASSING[:5], FIRMWARE) + long + b"\n" + log(PASSING[5:], b""),
                        status=33)
            self.assertLess(len(self.expect("hang", log=long, timed_out=True).sentence), 300)
        self.assertLess(time.process_time() - began, 20)

    def test_screen(self):
        """verdict: a screen passes by its summary, and only without visible failures"""
        self.expect("pass", "screen", screen=["", *PASSING[4:], ""])
        self.assertEqual(judge(Outcome(screen=PASSING[6:])).facts, {"levels": "4"})
        self.expect("truncated", "no summary", screen=PASSING[:-1])
        self.expect("truncated", screen=[])
        self.expect("fail", "not ok 1", screen=["not ok 1 - x", *PASSING[4:]])
        self.expect("fail", "failures: not ok 1 - x; but the summary says PASS",
                    screen=["not ok 1 - x", " not ok 1 - x", *PASSING[4:]])
        self.expect("fail", "FAIL", screen=[PASSING[8].replace("PASS", "FAIL")])
        self.expect("numbers", screen=[PASSING[8].replace("=2", "=1")])
        self.expect("numbers", screen=["# selfmap: PASS tests=0 passed=0 failed=0 skipped=0"])
        self.expect("hang", screen=PASSING[:6], timed_out=True)
        self.expect("reset", screen=PASSING, status=0)
        self.expect("triple-fault", screen=PASSING, status=0, reset_log=b"Triple fault")


class Program(unittest.TestCase):
    """tools/verdict, for machines that tools/boot does not start."""

    MATRIX = ["# matrix_4k=cases=1000 faults=9 cycles=5 accepted=0",
              "# differences_4k=allowed=2 refused=0 error_code=0 address=0 marks=0 word=0",
              "# smallest: of 2 cases, allowed instead of refused; SDM 3A 4.6.1",
              "# differs: ring 0, read of a 4 KiB page at 0000648240200000", "#   predicted: no fault"]

    def run_on(self, lines):
        with tempfile.NamedTemporaryFile() as file:
            file.write(log(lines))
            file.flush()
            return tap.run_tool("verdict", file.name)

    def test_log(self):
        """verdict: a log is judged by its report alone"""
        done = self.run_on(PASSING)
        self.assertEqual(done.stdout, "PASS: 2 of 3 tests passed, 0 failed, 1 skipped.\n")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.run_on(PASSING[:-1]).returncode, 1)

    def test_differences(self):
        """verdict: classes of differences are told, with the smallest case"""
        summary = "# selfmap: FAIL tests=3 passed=1 failed=1 skipped=1"
        done = self.run_on([*PASSING[:4], *self.MATRIX, "not ok 2 - access matrix",
                            PASSING[5].replace("ok 2", "ok 3"), summary])
        self.assertEqual(done.returncode, 1)
        self.assertIn("failed: access matrix\naccess matrix: 1,000 cases\n           2  allowed", done.stdout)
        self.assertIn("\nthe smallest of 2 cases, allowed instead of refused; SDM 3A 4.6.1\n"
                      "    differs: ring 0, read of a 4 KiB page at 0000648240200000\n"
                      "    predicted: no fault\nFAIL: ", done.stdout)

    def test_no_log(self):
        """verdict: a log that is not there is status 2"""
        done = tap.run_tool("verdict", "/nowhere/log")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere/log", done.stderr)


tap.main()
