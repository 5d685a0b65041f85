#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command, and end it with all its descendants when it has used up its time, or we are ended.

    test/mutants/bounded.py CPU-SECONDS COMMAND...

The time is the processor's, so that a busy machine changes nothing: of the command and all that it started. A
command that waits for something that will not come uses none: it is given IDLE seconds of the clock without
progress, in which even a starved process would have got its share. The status is that of the command, or 124.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

IDLE = 30  # seconds
PROGRESS = 0.3  # seconds of processor time that count as life: QEMU's timers tick even where the guest halts
PERIOD = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
SIGNALS = []  # those that have asked us to end


def processor_time(session):
    """What the live processes of a session, and their dead children, have used."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="latin-1").rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def processes(session):
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="latin-1").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            yield int(path.parent.name)


def end(session):
    """Ends every process of a session: first those that can clean up, such as a test with files."""
    for number, wait in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        for process in processes(session):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        until = time.monotonic() + wait
        while time.monotonic() < until and any(processes(session)):
            time.sleep(0.02)


def follow(process, limit):
    """The status of the command, or None if it had to be ended."""
    used, since = 0.0, time.monotonic()
    while True:
        try:
            return process.wait(PERIOD)
        except subprocess.TimeoutExpired:
            pass
        now = processor_time(process.pid)
        if now > limit or SIGNALS:
            return None
        if now > used + PROGRESS:
            used, since = now, time.monotonic()
        if time.monotonic() > since + IDLE:
            return None


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    # Only noted: an exception could come while the command is started, and then nobody would know its number.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: SIGNALS.append(number))
    # Whoever started us may be killed; then nobody waits for the command.
    starter = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != starter:  # it has ended before that call
        return 124
    process = subprocess.Popen(command, start_new_session=True)  # pylint: disable=consider-using-with
    try:
        status = follow(process, limit)
    finally:
        end(process.pid)
        process.wait()
    return 124 if status is None else status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
