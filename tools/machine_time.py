# SPDX-License-Identifier: MIT
"""machine_time.py - how long a machine has had, which decides whether it hangs.

On a busy host a healthy machine may stand still for a long time by the clock, because nobody gives it a
processor. So the clock does not decide. What counts is the processor time of the process, and the time in
which it wanted none: a machine that halts for ever uses no processor time, but it sleeps.

The process is asked now and then (Linux, proc(5)). Between two looks passes what it has used; the rest counts
if all its threads sleep, and does not if one waits for a processor or a disk, or is held back. A machine that
gets nothing at all is given up in the end, too: by then the clock has shown CAP times as much as is allowed.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

CAP = 20  # how much more than the time allowed the clock may show
PERIOD = 0.05  # seconds between two looks
TICK = os.sysconf("SC_CLK_TCK")
SLEEPING = "SI"  # asleep until something happens, as vCPUs are that halt; idle


def _fields(path):
    """What follows the name of the program, which may hold anything, in a file called stat."""
    return path.read_text(encoding="latin-1").rpartition(")")[2].split()


def look(pid):
    """(seconds of processor time, whether all threads sleep); (None, True) for a process that has ended."""
    process = Path("/proc", str(pid))
    try:
        user, system = _fields(process / "stat")[11:13]
        states = set()
        for thread in (process / "task").iterdir():
            with suppress(OSError):  # it may have ended by now
                states.add(_fields(thread / "stat")[0])
    except (OSError, ValueError):
        return None, True
    return (int(user) + int(system)) / TICK, states <= set(SLEEPING)


class MachineTime:
    """Seconds that the process has used or slept away; its values only grow."""

    def __init__(self, pid, looked=look, clock=time.monotonic):
        self._pid, self._look, self._clock = pid, looked, clock
        self._began = self._at = clock()
        self._used, _ = looked(pid)
        self._had = 0.0

    def now(self):
        """The time that the machine has had so far."""
        at = self._clock()
        if at - self._at < PERIOD:
            return self._had
        used, sleeps = self._look(self._pid)
        passed = at - self._at
        if used is None or self._used is None or sleeps:
            self._had += passed
        else:  # several processors use more time than passes
            self._had += min(passed, used - self._used)
        self._at, self._used = at, used
        return self._had

    def is_over(self, since, limit):
        """Has it had more than the limit since then, or never got it? `since` is a Moment."""
        return self.now() > since.had + limit or self._clock() > since.clock + CAP * limit

    def moment(self):
        return Moment(self.now(), self._clock())


class Moment:
    """A point in time: of the machine's time, and of the clock's."""

    def __init__(self, had, clock):
        self.had, self.clock = had, clock
