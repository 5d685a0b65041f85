#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snapshot.py - machines that wait in the shim, and runs of an image that go on from there.

    machine = snapshot.MACHINES["uboot"]
    run = snapshot.run(machine, image="build/selfmap.efi", options="tests=frames", words="exit-fails=3")
    run.end, run.text, run.seconds

A machine boots once; its state is kept in a file, by the name of all that it depends on. Each run is a new
QEMU that goes on from that file. What the run is about (words, image, options, files) comes by fw_cfg, which
is not part of the state. Seconds are the processor's time: a busy host makes no run fail.
"""

import fcntl
import hashlib
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import child  # noqa: E402
import machine as machines  # noqa: E402
import media  # noqa: E402
import verdict  # noqa: E402

SHIM = ROOT / "build/firmware/shim.img"
STORE = ROOT / "build/firmware/snapshots"
IMAGE = ROOT / "build/selfmap.efi"
CPU_LIMIT = 60.0    # seconds of QEMU's processor time, after which a run hangs
WALL_LIMIT = 900.0  # for a QEMU that does not even use the processor
BOOT_LIMIT = 600.0
MAX_LOG = 8 << 20

# How a run ended.
ENDS = ("not-tried",     # the shim could not do what the words say
        "pass", "fail",  # the report is complete
        "returned",      # the image returned to the firmware
        "exception",     # in the firmware's handler
        "halted",        # the processor halts for ever, without a complete report
        "hang", "flood",
        "triple-fault", "reset", "quit")  # of QEMU, too
GONE = ENDS[-3:]


@dataclass(frozen=True)
class Kind:
    """A machine that waits in the shim."""
    name: str
    firmware: str
    memory: str = "512M"
    cpu: str = "max"
    arguments: tuple = ()

    @property
    def memory_end(self):
        """Where memory below 4 GiB ends at the latest: what lies below is memory."""
        size = int(self.memory[:-1]) << {"M": 20, "G": 30}[self.memory[-1]]
        return min(size, 0x80000000)


MACHINES = {kind.name: kind for kind in (
    Kind("ovmf", "ovmf"),
    Kind("uboot", "uboot"),
    Kind("ovmf-6g", "ovmf", memory="6G"),
    Kind("uboot-52", "uboot", cpu="max,phys-bits=52"),
    Kind("uboot-old", "uboot", memory="128M", cpu="qemu64"),
)}


@dataclass
class Run:
    """What a run left behind."""
    end: str
    log: bytes
    seconds: float  # of the processor
    inspected: object = None  # what `inspect` returned
    reset_log: bytes = b""
    errors: str = ""

    @property
    def text(self):
        return verdict.clean(self.log)


def _command(kind, work, disk):
    machine = machines.Machine(image=str(disk), firmware=kind.firmware, memory=kind.memory, cpu=kind.cpu,
                               bare=True)
    return [*machines.command(machine, work), *kind.arguments]


# ---- the snapshot ----

def _key(kind):
    """Names all that the state depends on."""
    digest = hashlib.sha256(SHIM.read_bytes())
    with tempfile.TemporaryDirectory(prefix="selfmap-shim.") as name:
        digest.update(repr(_command(kind, Path(name), SHIM)).replace(name, "").encode())
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, check=True)
    digest.update(version.stdout)
    return digest.hexdigest()[:16]


def _wait_for(process, pattern, limit):
    """Reads the log until it matches."""
    log, end = b"", time.monotonic() + limit
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not re.search(pattern, log, re.M):
            if time.monotonic() > end:
                raise machines.MachineError("the machine does not come to the shim")
            if selector.select(timeout=0.2):
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise machines.MachineError("QEMU ended before the machine came to the shim")
                log += chunk
    return log


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


def _make(kind, folder):
    """Boots the machine and keeps its state, its disk and its variables."""
    folder.mkdir(parents=True)
    disk = folder / "disk.img"
    shutil.copyfile(SHIM, disk)
    with tempfile.TemporaryDirectory(prefix="selfmap-shim.") as name:
        work = Path(name)
        process = child.start(_command(kind, work, disk), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, "TMPDIR": name})
        try:
            log = _wait_for(process, rb"^shim: waiting\r?$", BOOT_LIMIT)
            monitor = machines.Monitor(work / "qmp")
            monitor.ask(f"migrate \"exec:cat > '{folder / 'state'}'\"")
            while (status := monitor.run("query-migrate").get("status")) != "completed":
                if status == "failed":
                    raise machines.MachineError("QEMU cannot keep the machine's state")
                time.sleep(0.02)
            monitor.close()
        finally:
            _end(process)
        if (work / "vars.fd").exists():
            shutil.copyfile(work / "vars.fd", folder / "vars.fd")
    (folder / "log").write_bytes(log)


@contextmanager
def _locked(path):
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def of(kind):
    """The folder with the state of a machine, which is booted if need be."""
    if not SHIM.is_file():
        raise machines.MachineError(f"{SHIM} is not there: make {SHIM.relative_to(ROOT)}")
    STORE.mkdir(parents=True, exist_ok=True)
    with _locked(STORE / f"{kind.name}.lock"):
        folder = STORE / f"{kind.name}-{_key(kind)}"
        if not folder.exists():
            for old in STORE.glob(f"{kind.name}-*"):
                if re.fullmatch(r"-[0-9a-f]{16}(\.new)?", old.name[len(kind.name):]):
                    shutil.rmtree(old)
            new = folder.with_suffix(".new")
            _make(kind, new)
            new.rename(folder)
    return folder


# ---- a run ----

_EXCEPTION = re.compile(r"^!!!! X64 Exception Type - |^### ERROR ### Please RESET the board ###|"
                        r"^Exception handler|^Unhandled exception", re.M)
SUMMARY = re.compile(r"^# selfmap: (PASS|FAIL) tests=.*\n", re.M)


def _processor_time(pid):
    """Seconds that a process has used."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _halts(monitor):
    """Does the processor halt with interrupts off? Then nothing will follow."""
    registers = monitor.ask("info registers")
    flags = re.search(r"\bRFL=([0-9a-f]+)", registers)
    return " HLT=1" in registers and flags is not None and not int(flags[1], 16) & 0x200


def _ends_at(text):
    """The end that the log alone tells, if there is one."""
    if "shim: this case cannot be tried" in text:
        return "not-tried"
    if summary := SUMMARY.search(text):
        return summary[1].lower()
    if re.search(r"^shim: the image returned .*\n", text, re.M):
        return "returned"
    return "exception" if _EXCEPTION.search(text) else None


class _Follower:
    """Reads the log of a run until it ends."""

    PERIOD = 0.1

    def __init__(self, process, work, cpu_limit):
        self._process, self._work, self._cpu_limit = process, work, cpu_limit
        self._monitor = None
        self._wall_end = time.monotonic() + WALL_LIMIT
        self._still = False  # the processor halts for ever
        self.log = bytearray()

    def monitor(self):
        self._monitor = self._monitor or machines.Monitor(self._work / "qmp")
        return self._monitor

    def _is_still(self):
        with suppress(OSError, ValueError):  # QEMU may be ending this very moment
            return _halts(self.monitor())
        return False

    def _look(self, quiet):
        """The end, if it has come."""
        if len(self.log) > MAX_LOG:
            return "flood"
        if _processor_time(self._process.pid) > self._cpu_limit or time.monotonic() > self._wall_end:
            return "hang"
        if not quiet:
            return None
        told = _ends_at(verdict.clean(bytes(self.log)))
        if told or self._still:  # its last words have come, if there were any
            return told or "halted"
        self._still = self._is_still()
        return None

    def _ended(self):
        """QEMU has ended by itself."""
        with suppress(OSError):
            if b"Triple fault" in (self._work / "reset.log").read_bytes():
                return "triple-fault"
        return "reset" if self._process.wait() == 0 else "quit"

    def follow(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                quiet = not selector.select(timeout=self.PERIOD)
                if not quiet:
                    chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                    if not chunk:
                        return self._ended()
                    self.log += chunk
                if end := self._look(quiet):
                    return end

    def close(self):
        if self._monitor:
            self._monitor.close()


def _items(work, given):
    """QEMU's options for fw_cfg items."""
    line = []
    for number, (name, content) in enumerate(given.items()):
        path = work / f"item{number}"
        path.write_bytes(content)
        line += ["-fw_cfg", f"name={name},file={media.doubled(path)}"]
    return line


def run(kind, image=IMAGE, *, words="", options="", file=None, load_options=None, cpu_limit=CPU_LIMIT,
        inspect=None):
    """Runs an image (a path) from the snapshot of a machine.

    words: how the firmware behaves. options: what fw_cfg tells the application, besides end=halt. file: the
    content of selfmap.cfg; load_options: bytes. inspect gets a Monitor of the stopped machine, a folder, and
    the log, except after the ends in GONE; what it returns is in Run.inspected.
    """
    folder = of(kind)
    given = {"opt/selfmap": f"end=halt store=no {options}".encode(),
             "opt/shim/image": Path(image).read_bytes(),
             "opt/shim/words": f"memory-end={kind.memory_end:#x} {words}".encode()}
    if file is not None:
        given["opt/shim/file"] = file
    if load_options is not None:
        given["opt/shim/load-options"] = load_options
    with tempfile.TemporaryDirectory(prefix="selfmap-shim.", ignore_cleanup_errors=True) as name:
        work = Path(name)
        line = _command(kind, work, folder / "disk.img")
        if (folder / "vars.fd").exists():
            shutil.copyfile(folder / "vars.fd", work / "vars.fd")
        line += [*_items(work, given), "-incoming", f"exec:cat '{folder / 'state'}'"]
        return _follow(line, work, cpu_limit, inspect)


def _follow(line, work, cpu_limit, inspect):
    inspected = None
    with open(work / "errors", "wb") as errors:
        process = child.start(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                              env={**os.environ, "TMPDIR": str(work)})
    follower = _Follower(process, work, cpu_limit)
    try:
        end = follower.follow()
        seconds = _processor_time(process.pid)
        if inspect and end not in GONE:
            follower.monitor().run("stop")
            inspected = inspect(follower.monitor(), work, bytes(follower.log))
    finally:
        follower.close()
        _end(process)
    reset_log = b""
    with suppress(OSError):
        reset_log = (work / "reset.log").read_bytes()
    return Run(end, bytes(follower.log), seconds, inspected, reset_log,
               (work / "errors").read_text(encoding="utf-8", errors="replace"))


if __name__ == "__main__":  # snapshot.py MACHINE [WORDS [OPTIONS]]: one run, and its log
    found = run(MACHINES[sys.argv[1]], words=" ".join(sys.argv[2:3]), options=" ".join(sys.argv[3:4]))
    print(found.text)
    print(f"end={found.end} seconds={found.seconds:.2f} {found.errors}")
