# SPDX-License-Identifier: MIT
"""tap.py - run unittest cases and print TAP, so that prove can run every kind of test in this tree.

A test's name is the first line of its docstring: what holds, not what is called.
"""

import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
sys.path.insert(0, str(TOOLS))


# Seconds for a program that takes one or two: only a hang lasts as long, however busy the machine is.
PATIENCE = 600


def run_tool(name, *arguments, **options):
    """Run one of the tools to its end, and not without end; text in, text out."""
    return subprocess.run([str(TOOLS / name), *map(str, arguments)], capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, timeout=PATIENCE,
                          check=False, **options)


class _TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def _line(self, word, test, detail="", directive=""):
        self.count += 1
        name = (test.shortDescription() or test.id()).replace("#", "\\#")
        print(f"{word} {self.count} - {name}{directive}")
        for line in detail.splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    def addSuccess(self, test):
        self._line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("not ok", test, self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._line("not ok", test, self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        # A test with a failed part is not reported as a success, so each failed part is.
        if err is not None:
            self.addFailure(subtest, err)

    def addSkip(self, test, reason):
        self._line("ok", test, directive=f" # SKIP {reason}")


def main():
    """Run every test of the calling script."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = _TapResult()
    suite.run(result)
    print(f"1..{result.count}")
    sys.exit(0 if result.wasSuccessful() and result.count else 1)
