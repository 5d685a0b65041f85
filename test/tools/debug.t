#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/debug starts gdb with the right symbols, and gdb's commands tell the truth about a booted machine."""

import json
import os
import re
import shutil
import tempfile
import unittest
from contextlib import suppress
from pathlib import Path

import tap
import elf
import tables
import verdict

ESP = tap.ROOT / "esp"
ELF = tap.ROOT / "build" / "selfmap.elf"
SESSION = Path(__file__).with_name("debug_session.py")
NEEDED = ("gdb", "qemu-system-x86_64", "mformat", "sgdisk")


def command_lines():
    """Of all processes; those that end meanwhile are left out."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


class Session(unittest.TestCase):
    """tools/debug on U-Boot, which starts in a second."""

    def setUp(self):
        missing = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
        if missing or not ELF.is_file():
            self.skipTest(f"not there: {', '.join(missing) or ELF}")
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def debug(self, *arguments, gdb=(), **environment):
        run = tap.run_tool("debug", "--firmware", "uboot", "--log", self.folder / "log",
                           "--boot-limit", "250", "--time-limit", "250", "--gdb=-nx -batch",
                           *arguments, "--", *gdb,
                           env={**os.environ, "TMPDIR": str(self.folder), **environment})
        self.assertEqual(list(self.folder.glob("selfmap-debug.*")), [], "the working folder is left behind")
        self.assertEqual([line for line in command_lines() if str(self.folder) in line], [],
                         "QEMU is left behind")
        return run

    def run_script(self, script, options, *arguments):
        """(what the script found, the guest's log)"""
        found = self.folder / "session"
        run = self.debug("--options", f"{options} screen=off", *arguments, ESP, gdb=("-x", str(SESSION)),
                         SESSION=str(found), SCRIPT=script)
        self.assertTrue(found.exists() and found.stat().st_size, run.stdout + run.stderr)
        return json.loads(found.read_text()), verdict.clean((self.folder / "log").read_bytes())


class Debug(Session):
    def refused(self, words, *arguments, **environment):
        run = self.debug(*arguments, **environment)
        self.assertEqual(run.returncode, 2, run.stdout)
        self.assertRegex(run.stderr, f"(?m)^debug: .*{words}")

    def test_first_instruction(self):
        """debug: gdb begins at the application's first instruction, with symbols, and the run then passes"""
        run = self.debug("--options", "tests=switch", ESP, gdb=(
            "-ex", "x/i $rip", "-ex", "break kernel_main", "-ex", "continue", "-ex", "bt",
            "-ex", "break end_run", "-ex", "continue", "-ex", "p passed"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(run.stdout, r"=> 0x[0-9a-f]+ <_start>:\s+sub ")
        self.assertRegex(run.stdout, r"#0  kernel_main .*\n#1 .* in cross_over .*\nBreakpoint 2")
        self.assertIn("$1 = true", run.stdout)
        log = verdict.clean((self.folder / "log").read_bytes())
        base = re.search(r"loaded at 0x([0-9a-f]+)", run.stdout)[1]
        self.assertIn(f"# image_base={base}\n", log)
        self.assertIn("# selfmap: PASS", log)

    def test_exception(self):
        """debug: a backtrace leads through an exception's entry to the code that it has interrupted"""
        run = self.debug("--options", "crash=page-fault", ESP,
                         gdb=("-ex", "break report_crash", "-ex", "continue", "-ex", "bt"))
        calls = re.findall(r"^#\d+ +(?:0x\w+ in )?<?(\w+)", run.stdout, re.M)
        self.assertEqual(calls, ["report_crash", "crashed", "exception_report", "signal", "inject_fault",
                                 "kernel_main", "cross_over"])

    def test_frame_pointers(self):
        """debug: so does the chain of frame pointers, by which the kernel traces its stack"""
        found, _ = self.run_script("chain", "crash=page-fault")
        self.assertEqual(found["names"][-4:], ["common", "inject_fault", "kernel_main", "cross_over"])

    def test_refusals(self):
        """debug: says what is not there, or does not belong together"""
        other = self.folder / "other"
        shutil.copytree(ESP, other)
        loader = other / "EFI/BOOT/BOOTX64.EFI"
        loader.write_bytes(loader.read_bytes().replace(bytes.fromhex(elf.Elf(ELF).build_id), bytes(20)))
        self.refused("is not built from", other)
        self.refused("cannot be read", self.folder / "none")
        self.refused("is not a 64-bit ELF", "--elf", __file__, ESP)
        self.refused("did not start the application in time", "--boot-limit", "0", ESP)

    def test_time_limit(self):
        """debug: gdb and the machine are ended at the time limit"""
        run = self.debug("--time-limit", "3", "--options", "crash=hang", ESP, gdb=("-ex", "continue"))
        self.assertEqual(run.returncode, 2)
        self.assertIn("debug: gdb was ended after 3 seconds", run.stderr)

    def test_processor(self):
        """why: the processor faults as predicted at an entry that was broken on purpose"""
        found, log = self.run_script("broken", "tests=map")
        self.assertRegex(found["why"], r"fails: #PF with error code 3\n  because P1\[\d+\] = \w+: R/W ")
        self.assertIn("#PF page fault, error code 3\n", log)
        self.assertRegex(log, rf"page fault: supervisor write to {found['page']:013x}...: .* read-only")


class LateWrites(Session):
    def test_named(self):
        """firmware: who writes late to memory of boot services is noticed; the page is named and held back"""
        found, log = self.run_script("late", "tests=switch")
        first, second, third = found["written"]
        said = "# somebody has written to memory of boot services: "
        self.assertEqual(first, second, "both times the lowest page")
        for address, when in ((first, "soon after the exit"), (second, "after the call of GetVariable"),
                              (third, "after the last self-test")):
            self.assertIn(f"{said}{address:x}, 1 pages, noticed {when}\n", log)
        self.assertEqual(log.count(said), 3)
        self.assertEqual(found["kinds"], ["MEMORY_LOADER"] * 2)
        self.assertRegex(log, r"\nnot ok [0-9]+ firmware: nobody writes to memory of boot services ")
        self.assertIn("# selfmap: FAIL", log)


class Commands(Session):
    """One session at the end of a run, looked at from all sides."""

    found = None

    def setUp(self):
        super().setUp()
        if Commands.found is None:
            # So much that the frame allocator has initialised its bookkeeping only in part.
            Commands.found, Commands.log = self.run_script("end", "tests=switch dump=yes",
                                                           "--memory", "40100M")

    def test_walks(self):
        """pt-walk: leads where QEMU's own walker leads, windows included"""
        leads = []
        for address, walk in self.found["walks"]:
            ours = re.search(r"^leads to ([0-9a-f]+):", walk["pt-walk"], re.M)
            theirs = re.search(r"gpa: (?:0x)?([0-9a-f]+)", walk["gva2gpa"])
            self.assertEqual(ours and int(ours[1], 16), theirs and int(theirs[1], 16), (hex(address), walk))
            leads.append(ours is not None)
        self.assertEqual(leads, [True] * 5 + [False] * 4)

    def test_levels(self):
        """pt-walk: shows each level, what it holds, and the rights of all together"""
        data, code, *_, nowhere = [walk["pt-walk"] for _, walk in self.found["walks"]]
        lines = code.split("\n")
        self.assertEqual([line[:2] for line in lines[1:5]], ["P4", "P3", "P2", "P1"])
        self.assertRegex(lines[4], r"^P1\[ *\d+\] at [0-9a-f]{12} = [0-9a-f]{16}  P A$")
        self.assertRegex(lines[5], r"a 4K page at [0-9a-f]+, r-x, supervisor$")
        self.assertRegex(data, r"4K page at [0-9a-f]+, rw-, supervisor\n$")
        self.assertRegex(nowhere, r"leads nowhere: the P1 entry is not present\n$")

    def test_dump(self):
        """pt-dump: lists what the guest says that it has mapped, and folds the recursive slot"""
        header, *lines, total = self.found["dump"].rstrip("\n").split("\n")
        space = tables.read_dump(self.log)[0]
        self.assertEqual(header, f"CR3 = {space.root:x}, 4 levels")
        windows = [line for line in lines if "slot" in line]
        self.assertEqual(windows, ["ffffff8000000000..  slot 511: these tables as pages"])
        self.assertEqual([line for line in lines if line not in windows],
                         [tables.line_of(run) for run in tables.joined(space.runs)])
        self.assertRegex(total, rf"^{len(lines) - 1} runs, ")
        self.assertEqual(len(self.found["some"].rstrip("\n").split("\n")), 3)
        self.assertIn("r-x---", self.found["some"])

    def test_frames(self):
        """frames: counts as many free frames as the allocator, by its bits and by its counter"""
        facts = verdict.read_report(self.log.split("\n")).facts
        told = self.found["frames"]
        self.assertIn(f"{facts['frames_free']} of {facts['frames_usable']} frames are free", told)
        self.assertNotIn("the bits say", told)
        rows = [[int(n) for n in line.split()[1:]] for line in told.split("\n") if ".." in line]
        self.assertEqual(sum(row[0] for row in rows), int(facts["frames_usable"]))
        self.assertEqual(sum(a + 512 * b + 512 ** 2 * c for _, a, b, c in rows), int(facts["frames_free"]))
        self.assertGreater(sum(row[2] for row in rows), 100)
        self.assertEqual(self.found["frames, dirty"], told)

    def test_why(self):
        """why: names the level and the bit of an entry that was broken on purpose"""
        for what, fault, reason in (
                ("read only", "a supervisor write to .* fails: #PF with error code 3",
                 r"because P1\[\d+\] = \w+: R/W \(bit 1\) is 0; with CR0.WP = 1 .*4\.6\.1"),
                ("read only above", "fails: #PF with error code 3",
                 r"because P2\[\d+\] = \w+: R/W \(bit 1\) is 0"),
                ("reserved", "read from .* fails: #PF with error code 9",
                 r"because P1\[\d+\] = \w+: the address has bits beyond the 40 .*: 8000000000000 "),
                ("no execute", "fetch from .* fails: #PF with error code 11",
                 r"because P3\[\d+\] = \w+: XD \(bit 63\) is 1"),
                ("not present", "fails: #PF with error code 0", r"because P2\[\d+\] = \w+: P \(bit 0\) is 0"),
                ("user page", "fails: #PF with error code 3",
                 r"user page .* CR4.SMAP = 1 and RFLAGS.AC = 0 .*4\.6\.1")):
            answer = self.found[what]
            self.assertRegex(answer, fault)
            self.assertRegex(answer, reason)
            self.assertEqual(answer.count("because"), 1, answer)
        self.assertRegex(self.found["allowed"], "^a supervisor fetch from .* succeeds\n")

    def test_errors(self):
        """pt-walk, pt-dump, why, frames: wrong arguments are refused in a sentence"""
        for answer, words in zip(self.found["errors"], (
                "which address", "nothing_like_this", "which address", "END is not included",
                "range is empty", "no argument", "how many"), strict=True):
            self.assertRegex(answer, f"^error: .*{words}")
        self.assertIn("# selfmap: PASS", self.found["log"])


if __name__ == "__main__":
    tap.main()
