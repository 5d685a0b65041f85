# SPDX-License-Identifier: MIT
"""child.py - starts a program that does not outlive the one that started it, however that one ends."""

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # before the fork: the child loads nothing


def start(line, **settings):
    """As subprocess.Popen. The child is killed when the thread that started it ends: that thread waits."""
    starter = os.getpid()

    def end_with_starter():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != starter:  # it has ended before that call
            os._exit(1)

    return subprocess.Popen(line, preexec_fn=end_with_starter, **settings)
