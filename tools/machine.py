"""machine.py - boot an image on a virtual machine and bring back what it left behind.

QEMU, by software emulation; OVMF on q35 or U-Boot on pc. The image is never written to. verdict.py judges the
outcome.
"""

import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import screen
import verdict

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
UBOOT_ROM = "/usr/lib/u-boot/qemu-x86_64/u-boot.rom"
FIRST_WORDS = re.compile(rb"\n(?:KTAP version 1|# [a-z_]+=)")  # of the application, after the firmware's
OWN_MEMORY = ",memory-backend=ram"  # see _memory
MAX_LOG = 8 << 20
MAX_ERRORS = 64 << 10

MEDIA = {
    "virtio": ["-device", "virtio-blk-pci,drive=disk"],
    "usb": ["-device", "qemu-xhci", "-device", "usb-storage,drive=disk"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=disk"],
    "nvme": ["-device", "nvme,serial=selfmap,drive=disk"],
}


class MachineError(Exception):
    """The boot could not even be tried."""


@dataclass
class Machine:
    """What to boot, and on what."""
    image: str
    firmware: str = "ovmf"
    machine: str = ""  # q35 with OVMF, pc with U-Boot
    cpu: str = "max"
    memory: str = "512M"
    smp: int = 1
    medium: str = "virtio"
    serial: bool = True
    vga: str = "std"
    screen: str = ""  # WIDTHxHEIGHT; what the firmware prefers by itself if empty
    options: str = ""
    screenshot: str = ""
    icount: bool = False  # the time stamp counter counts instructions; with U-Boot it always does
    inspect: Callable | None = None  # gets a Monitor, a folder for files, the log, once it halts
    disk: str = "unwritten"  # what becomes of writes to the image: unwritten, written, read-only
    debug_exit: bool = True  # without it the application cannot end QEMU, as on a real machine
    starts: tuple = ()  # how each start of several in one machine ends; see Restarter
    debugger: bool = False  # stopped at the first instruction, until gdb on port 1234 says otherwise

    @property
    def watches_screen(self):
        """The machine halts at the end, and we end it once the screen shows the summary."""
        return bool(self.screenshot) or not self.serial

    @property
    def all_options(self):
        halts = self.watches_screen or self.inspect
        return f"{self.options} end=halt".strip() if halts else self.options


def _doubled(text):
    """Commas separate QEMU's options, unless they are doubled."""
    return str(text).replace(",", ",,")


def _firmware(machine, work):
    if machine.firmware == "uboot":
        return ["-machine", (machine.machine or "pc") + OWN_MEMORY, "-bios", UBOOT_ROM]
    own_vars = work / "vars.fd"
    shutil.copyfile(OVMF_VARS, own_vars)
    return ["-machine", (machine.machine or "q35") + OWN_MEMORY,
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={_doubled(own_vars)}"]


def _display(machine):
    """A display whose monitor asks for the size that is wanted, at a rate that EDID can tell for 4K."""
    if not machine.screen:
        return ["-vga", machine.vga]
    width, height = machine.screen.split("x")
    return ["-vga", "none", "-device", f"VGA,xres={width},yres={height},refresh_rate=50000,vgamem_mb=64"]


def _memory(machine):
    """Memory that is reserved only when touched, so that a machine may have more than its host."""
    return ["-m", machine.memory, "-object", f"memory-backend-ram,id=ram,size={machine.memory},reserve=off"]


def _disk(machine):
    how = {"unwritten": "snapshot=on", "written": "snapshot=off", "read-only": "snapshot=off,readonly=on"}
    return ["-drive", f"if=none,id=disk,format=raw,{how[machine.disk]},file={_doubled(machine.image)}",
            *MEDIA[machine.medium]]


def command(machine, work):
    """QEMU's command line; its files go to the folder work."""
    line = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none",
            "-monitor", "none", "-accel", "tcg", *_firmware(machine, work),
            "-cpu", machine.cpu, *_memory(machine), "-smp", str(machine.smp), *_display(machine),
            "-d", "cpu_reset", "-D", str(work / "reset.log"),
            "-qmp", f"unix:{_doubled(work / 'qmp')},server=on,wait=off",
            *_disk(machine)]
    if machine.debug_exit:
        line += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    if machine.starts:
        line += ["-no-shutdown"]  # a reset stops the machine, and does not end QEMU
    if machine.icount or machine.firmware == "uboot":
        line += ["-icount", "shift=7,sleep=off"]  # time as the guest sees it: 128 ns an instruction
    if machine.debugger:
        line += ["-s", "-S"]
    if machine.serial:
        line += ["-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1"]
    if machine.all_options:
        line += ["-fw_cfg", f"name=opt/selfmap,string={_doubled(machine.all_options)}"]
    return line


class Monitor:
    """QEMU's machine protocol, and through it the monitor for people."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()  # the greeting
        self.run("qmp_capabilities")

    def run(self, name, **arguments):
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while line := self._lines.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise MachineError(f"QEMU refused {name}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]
        raise ConnectionError("QEMU has gone")

    def ask(self, line):
        """What the monitor for people answers."""
        return self.run("human-monitor-command", **{"command-line": line})

    def close(self):
        self._lines.close()
        self._socket.close()


class ScreenWatcher:
    """Looks at the screen now and then, until it shows the summary."""

    PERIOD = 0.5

    def __init__(self, work, screenshot):
        self._work, self._screenshot = work, screenshot
        self._font = screen.Font.load()
        self._monitor = None
        self._next = 0.0
        self.lines = []

    def sees_summary(self, _log):
        if time.monotonic() < self._next:
            return False
        # QEMU may be ending this very moment; how it ended is then told by its status.
        with suppress(OSError, ValueError, screen.ScreenError):
            self._monitor = self._monitor or Monitor(self._work / "qmp")
            # The pages turn by themselves. A machine that is stopped still shows at the end what was read.
            self._monitor.run("stop")
            self._look()
            if not verdict.has_summary(self.lines):
                self._monitor.run("cont")
        self._next = time.monotonic() + self.PERIOD
        return verdict.has_summary(self.lines)

    def _look(self):
        picture = self._work / "screen.ppm"
        with suppress(screen.ScreenError):
            self._monitor.run("screendump", filename=str(picture))
            self.lines = screen.read_screen(self._font, *screen.read_ppm(picture.read_bytes()))

    def close(self):
        """Keep the last picture; a machine that has ended has none any more but the one seen last."""
        with suppress(OSError, ValueError, MachineError):
            if self._screenshot.endswith(".png"):
                self._monitor.run("screendump", filename=os.path.abspath(self._screenshot), format="png")
            elif self._screenshot:
                shutil.copyfile(self._work / "screen.ppm", self._screenshot)
        if self._monitor:
            self._monitor.close()


class Inspector:
    """Lets somebody look into the machine when its report is complete, and it halts."""

    def __init__(self, work, inspect):
        self._work, self._inspect = work, inspect
        self._log = None

    def sees_summary(self, log):
        if verdict.has_summary(verdict.clean(bytes(log[-1024:])).split("\n")[:-1]):
            self._log = bytes(log)
        return self._log is not None

    def close(self):
        """A machine that never came so far is told about by the verdict."""
        if self._log is not None:
            monitor = Monitor(self._work / "qmp")
            monitor.run("stop")
            self._inspect(monitor, self._work, self._log)
            monitor.close()


class Restarter:
    """Resets the machine at the end of a start, with its memory as it is, and ends it after the last one.

    A start ends when its part of the log matches a regular expression, or, for None, when the machine asks
    for a reset. QEMU runs with -no-reboot, so that no start is repeated without being asked for: the reset
    is done from here."""

    PERIOD = 0.2

    def __init__(self, work, starts):
        self._work, self._ends = work, starts
        self._monitor = None
        self._next = 0.0
        self._from = [0]
        self._length = 0  # of the log, the last time that it was looked at

    def _is_over(self, log):
        wanted = self._ends[len(self._from) - 1]
        if wanted:
            return re.search(wanted, log[self._from[-1]:]) is not None
        return self._monitor.run("query-status")["status"] == "shutdown"

    def sees_summary(self, log):
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self.PERIOD
        with suppress(OSError, ValueError):  # QEMU may be ending this very moment
            self._monitor = self._monitor or Monitor(self._work / "qmp")
            quiet, self._length = len(log) == self._length, len(log)
            if not self._is_over(log) or not quiet:  # its last words may still be on the way
                return False
            if len(self._from) == len(self._ends):
                return True
            self._from.append(len(log))
            self._restart()
        return False

    def _restart(self):
        self._monitor.run("stop")
        self._monitor.run("set-action", reboot="reset")
        self._monitor.run("system_reset")
        while self._monitor.run("query-status")["status"] != "prelaunch":
            time.sleep(0.01)
        self._monitor.run("set-action", reboot="shutdown")
        self._monitor.run("cont")

    def logs(self, log):
        """The log, a piece for each start."""
        return [log[begin:end] for begin, end in zip(self._from, [*self._from[1:], len(log)])]

    def close(self):
        if self._monitor:
            self._monitor.close()


class _Run:
    """One run of QEMU, followed until it ends or has to be ended."""

    def __init__(self, process, watcher, time_limit, idle_limit, on_output):
        self._process, self._watcher, self._on_output = process, watcher, on_output
        self._idle_limit = idle_limit
        self._end = time.monotonic() + time_limit
        self._heard = None  # when the report last said something
        self._log = bytearray()
        self.flooded = self.timed_out = False

    @property
    def log(self):
        return bytes(self._log)

    def _late(self):
        now = time.monotonic()
        silent = self._idle_limit and self._heard and now > self._heard + self._idle_limit
        return bool(silent) or now > self._end

    def _hear(self, chunk):
        self._log += chunk
        self._on_output(chunk)
        if self._heard or FIRST_WORDS.search(self._log, max(0, len(self._log) - len(chunk) - 16)):
            self._heard = time.monotonic()

    def _is_over(self):
        """Asked only while the firmware has the word, so a report never ends the run by what it quotes."""
        return not self._heard and verdict.nothing_will_follow(bytes(self._log[-4096:]))

    def _watch(self, selector):
        """Until the end of output; True if QEMU has to be ended."""
        while True:
            if selector.select(timeout=0.1):
                chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                if not chunk:
                    return False
                self._hear(chunk)
            self.flooded = len(self._log) > MAX_LOG
            self.timed_out = self._late()
            if self.flooded or self.timed_out or (self._watcher and self._watcher.sees_summary(self._log)):
                return True
            if self._is_over():
                return True

    def follow(self):
        """QEMU's exit status, or None if it was ended from here."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if self._watch(selector):
                return None
        try:
            return self._process.wait(max(1.0, self._end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.timed_out = True
            return None


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    process.stdout.close()


def _first_bytes(path, count):
    with suppress(OSError), open(path, "rb") as file:
        return file.read(count)
    return b""


def _boot_in(work, machine, time_limit, idle_limit, on_output):
    watcher = ScreenWatcher(work, machine.screenshot) if machine.watches_screen else None
    if machine.inspect:
        watcher = Inspector(work, machine.inspect)
    if machine.starts:
        watcher = Restarter(work, machine.starts)
    with open(work / "errors", "wb") as errors:
        # The overlay that keeps the image unwritten goes where everything goes that is removed at the end.
        process = subprocess.Popen(command(machine, work), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=errors, env={**os.environ, "TMPDIR": str(work)})
    run = _Run(process, watcher, time_limit, idle_limit, on_output)
    try:
        status = run.follow()
        if watcher:
            watcher.close()
    finally:
        _end(process)
    return verdict.Outcome(
        log=run.log, status=status, timed_out=run.timed_out, flooded=run.flooded,
        reset_log=_first_bytes(work / "reset.log", MAX_LOG), errors=_first_bytes(work / "errors", MAX_ERRORS),
        screen=None if machine.serial else watcher.lines,
        starts=watcher.logs(run.log) if machine.starts else [run.log])


def boot(machine, time_limit=120.0, idle_limit=0.0, on_output=lambda chunk: None):
    """Boot until QEMU ends, the summary is seen (if the machine halts to be looked at), time_limit seconds
    have passed, or the report has been silent for idle_limit seconds (0: never). on_output gets each piece of
    the log."""
    needed = [machine.image] + ([UBOOT_ROM] if machine.firmware == "uboot" else [OVMF_CODE, OVMF_VARS])
    for path in needed + [screen.FONT] * machine.watches_screen:
        if not Path(path).is_file():
            raise MachineError(f"{path} is not there")
    if not shutil.which("qemu-system-x86_64"):
        raise MachineError("qemu-system-x86_64 is not installed")
    with tempfile.TemporaryDirectory(prefix="selfmap-boot.", ignore_cleanup_errors=True) as work:
        return _boot_in(Path(work), machine, time_limit, idle_limit, on_output)
