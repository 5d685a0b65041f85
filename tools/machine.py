# SPDX-License-Identifier: MIT
"""machine.py - boot an image on a virtual machine and bring back what it left behind.

On an emulator, which has a class here (Qemu) or in a file of its own (bochs.py); EMULATORS lists them. QEMU
emulates in software, with OVMF on q35 or U-Boot on pc. The image is never written to. verdict.py judges the
outcome.
"""

import fcntl
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
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import bochs
import child
import machine_time
import media
import screen
import varstore
import verdict

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
OVMF_SECURE_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
# Whose signature the firmware asks for: that of Debian's key for tests, or Microsoft's, as most machines do.
OVMF_SECURE_VARS = {"snakeoil": "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd",
                    "microsoft": "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"}
UBOOT_ROM = "/usr/lib/u-boot/qemu-x86_64/u-boot.rom"
FIRST_WORDS = re.compile(rb"\n(?:KTAP version 1|# [a-z_]+=)")  # of the application, after the firmware's
OWN_MEMORY = ",memory-backend=ram"  # see _memory
MAX_LOG = 8 << 20
MAX_ERRORS = 64 << 10

MEDIA = media.MEDIA
_doubled = media.doubled

VGA = {
    "std": ["-vga", "std"],
    "cirrus": ["-vga", "cirrus"],
    "virtio": ["-vga", "none", "-device", "virtio-gpu-pci"],  # only the firmware can draw on it
    "none": ["-vga", "none"],
    "ramfb": ["-vga", "none", "-device", "ramfb"],  # pixels in memory that the firmware has taken
    "bochs": ["-vga", "none", "-device", "bochs-display"],
}


class MachineError(Exception):
    """The boot could not even be tried."""


@dataclass
class Machine:
    """What to boot, and on what."""
    image: str  # a file; with a medium of media.NETWORK a folder
    firmware: str = "ovmf"  # or uboot, or the path of an image
    firmware_vars: str = ""  # the path of the variable store that belongs to that image, if it has one
    emulator: str = "qemu"  # one of EMULATORS
    program: str = ""  # its program; the emulator's usual one if empty
    secure_boot: str = ""  # one of OVMF_SECURE_VARS; without, OVMF starts what nobody has signed
    machine: str = ""  # q35 with OVMF, pc with U-Boot
    cpu: str = ""  # a model of the emulator's; its usual one if empty
    memory: str = "512M"
    smp: int = 1
    medium: str = ""  # one of the emulator's; its first one if empty
    serial: bool = True
    port: str = "com1"  # where the serial line is: com1 or com2
    acpi_table: bytes = b""  # one more than the machine has
    vga: str = "std"
    screen: str = ""  # WIDTHxHEIGHT; what the firmware prefers by itself if empty
    options: str = ""
    screenshot: str = ""
    icount: bool = False  # the time stamp counter counts instructions; with U-Boot it always does
    inspect: Callable | None = None  # gets a Monitor, a folder for files, the log, once it halts
    variables: list = field(default_factory=list)  # varstore.Variables that the firmware finds in its store
    bare: bool = False  # no options by fw_cfg: the application shows its menu, as to a person
    keys: list = field(default_factory=list)  # (what the log must show next, what is typed then), in order
    kernel: str = ""  # an EFI program that the firmware starts instead of a disk
    append: str = ""  # its command line, in LoadOptions
    served: str = ""  # a folder that a server in the machine's network offers, beside the medium
    disk: str = "unwritten"  # what becomes of writes to the image: unwritten, written, read-only
    debug_exit: bool = True  # without it the application cannot end QEMU, as on a real machine
    starts: tuple = ()  # how each start of several in one machine ends; see Restarter
    commands: list = field(default_factory=list)  # (what the log must show next, a line for QEMU's monitor)
    between: Callable | None = None  # gets a Monitor and how many starts there were, before each further one

    def __post_init__(self):
        self.changed = [f.name for f in fields(self) if getattr(self, f.name) !=
                        (f.default if f.default is not MISSING else [])]
        self.program = self.program or self.kind.PROGRAM
        self.cpu = self.cpu or self.kind.CPU
        self.medium = self.medium or self.kind.MEDIA[0]

    @property
    def kind(self):
        if self.emulator not in EMULATORS:
            raise MachineError(f"no emulator is called {self.emulator}; there are {', '.join(EMULATORS)}")
        return EMULATORS[self.emulator]

    @property
    def watches_screen(self):
        """The machine halts at the end, and we end it once the screen shows the summary."""
        return bool(self.screenshot) or not self.serial

    @property
    def all_options(self):
        halts = self.watches_screen or self.inspect or not self.kind.ENDS_BY_ITSELF
        return f"{self.options} end=halt".strip() if halts else self.options

    @property
    def passes_options(self):
        """Even none: their presence says that a program started the machine, and nobody waits for a menu."""
        return bool(self.all_options) or not self.bare


def _firmware_files(machine):
    """(firmware image, its variable store or "")"""
    if machine.firmware == "uboot":
        return UBOOT_ROM, ""
    if machine.firmware != "ovmf":
        return machine.firmware, machine.firmware_vars
    if machine.secure_boot:
        return OVMF_SECURE_CODE, OVMF_SECURE_VARS[machine.secure_boot]
    return OVMF_CODE, OVMF_VARS


def _firmware(machine, work, http_port):
    if machine.firmware == "uboot":
        return ["-machine", (machine.machine or "pc") + OWN_MEMORY, "-bios", UBOOT_ROM]
    board = ["-machine", (machine.machine or "q35") + OWN_MEMORY + ",smm=on" * bool(machine.secure_boot)]
    code, store = _firmware_files(machine)
    variables = [*machine.variables, *media.variables(machine.medium, http_port)]
    if not store:
        return [*board, "-bios", code]
    own_vars = work / "vars.fd"
    try:
        own_vars.write_bytes(varstore.add(Path(store).read_bytes(), variables))
    except varstore.StoreError as error:
        raise MachineError(f"{store}: {error}") from error
    line = [*board, "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={_doubled(code)}",
            "-drive", f"if=pflash,format=raw,unit=1,file={_doubled(own_vars)}"]
    if machine.secure_boot:  # the store can be written in system management mode only
        line += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    return line


def _display(machine):
    """A display whose monitor asks for the size that is wanted, at a rate that EDID can tell for 4K."""
    if not machine.screen:
        return VGA[machine.vga]
    width, height = machine.screen.split("x")
    return ["-vga", "none", "-device", f"VGA,xres={width},yres={height},refresh_rate=50000,vgamem_mb=64"]


def _memory(machine):
    """Memory that is reserved only when touched, so that a machine may have more than its host."""
    return ["-m", machine.memory, "-object", f"memory-backend-ram,id=ram,size={machine.memory},reserve=off"]


class Events:
    """What QEMU tells by its machine protocol without being asked, over a pair of pipes: it lies there until
    somebody reads it, even when QEMU has gone."""

    ROOM = 1 << 20  # bytes; a second of watching the screen takes some hundreds

    def __init__(self, work):
        self._pipes = []
        for end in ("in", "out"):
            os.mkfifo(work / f"events.{end}")
            self._pipes.append(os.open(work / f"events.{end}", os.O_RDWR | os.O_NONBLOCK))
        fcntl.fcntl(self._pipes[1], fcntl.F_SETPIPE_SZ, self.ROOM)
        os.write(self._pipes[0], b'{"execute": "qmp_capabilities"}\n')

    @staticmethod
    def options(work):
        return ["-chardev", f"pipe,id=events,path={_doubled(work / 'events')}",
                "-mon", "chardev=events,mode=control"]

    def shutdown_reason(self):
        """Why QEMU ended, in its words: guest-shutdown, guest-reset, guest-panic, host-signal; or ""."""
        text = b""
        with suppress(BlockingIOError):
            text = os.read(self._pipes[1], self.ROOM)
        for line in text.splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    return event["data"]["reason"]
        return ""

    def close(self):
        for pipe in self._pipes:
            os.close(pipe)


def command(machine, work, http_port=0):
    """QEMU's command line; its files go to the folder work. The port is that of media.file_server."""
    line = [machine.program, "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none",
            "-monitor", "none", "-accel", "tcg", *_firmware(machine, work, http_port),
            "-cpu", machine.cpu, *_memory(machine), "-smp", str(machine.smp), *_display(machine),
            "-d", "cpu_reset", "-D", str(work / "reset.log"),
            "-qmp", f"unix:{_doubled(work / 'qmp')},server=on,wait=off",
            *media.options(machine.medium, machine.image, machine.disk)]
    if machine.served:
        line += media.network(machine.served, media.SCRIPT)
    if machine.debug_exit:
        line += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    if machine.starts:
        line += ["-no-shutdown"]  # a reset stops the machine, and does not end QEMU
    if machine.icount or machine.firmware == "uboot":
        line += ["-icount", "shift=7,sleep=off"]  # time as the guest sees it: 128 ns an instruction
    if machine.serial:
        first = ["-serial", "null"] if machine.port == "com2" else []
        line += ["-chardev", "stdio,id=line,signal=off", *first, "-serial", "chardev:line"]
    if machine.acpi_table:
        (work / "acpi").write_bytes(machine.acpi_table)
        line += ["-acpitable", f"file={_doubled(work / 'acpi')}"]
    if machine.kernel:
        line += ["-kernel", machine.kernel, "-append", machine.append]
    if machine.passes_options:
        line += ["-fw_cfg", f"name=opt/selfmap,string={_doubled(machine.all_options or ' ')}"]
    return line


class Qemu:
    """A machine on QEMU. An emulator's class has these members."""

    NAME = "QEMU"  # for sentences
    PROGRAM = "qemu-system-x86_64"
    CPU = "max"
    MEDIA = tuple(sorted(media.MEDIA, key=lambda name: name != "virtio"))  # the usual one comes first
    VGA = VGA
    ENDS_BY_ITSELF = True  # the application can end it, with a status

    def __init__(self, machine, work):
        self._machine, self._work = machine, work
        self._events = Events(work)
        self.line = None  # the serial line, once it runs: a file with a descriptor

    @staticmethod
    def refusal(machine, _changed):
        """Why there is no such machine, or "". `changed`: the members of it that somebody has set."""
        if machine.firmware != "ovmf" and machine.secure_boot:
            return "Secure Boot needs OVMF"
        if machine.firmware == "uboot" and machine.medium in media.NOT_WITH_UBOOT:
            return "U-Boot has no driver for xHCI: take --medium usb-ehci (USB 2)"
        if machine.firmware == "uboot" and machine.watches_screen:
            return "U-Boot shows nothing on QEMU's screen: read the report from the serial port"
        if not _firmware_files(machine)[1] and (machine.variables or machine.medium == "http"):
            return "variables and HTTP boot need firmware with a variable store"
        return ""

    @staticmethod
    def files(machine):
        """What must be there beside the image."""
        return [*filter(None, _firmware_files(machine)), *[screen.FONT] * machine.watches_screen]

    def start(self, http_port, errors):
        """The process. What the emulator says itself goes to the file `errors`."""
        # The overlay that keeps the image unwritten goes where everything goes that is removed at the end.
        line = [*command(self._machine, self._work, http_port), *Events.options(self._work)]
        process = child.start(line, stdout=subprocess.PIPE, stderr=errors,
                              stdin=subprocess.PIPE if self._machine.keys else subprocess.DEVNULL,
                              env={**os.environ, "TMPDIR": str(self._work)})
        self.line = process.stdout
        return process

    def is_over(self):
        """Has the guest come to an end after which the emulator goes on? (This one does not.)"""
        return False

    def what_happened(self):
        """Members of verdict.Outcome, once it has ended."""
        return {"reset_log": _first_bytes(self._work / "reset.log", MAX_LOG),
                "reason": self._events.shutdown_reason()}

    def close(self):
        self._events.close()
        if self.line:
            self.line.close()


EMULATORS = {"qemu": Qemu, "bochs": bochs.Bochs}


class Monitor:
    """QEMU's machine protocol, and through it the monitor for people."""

    def __init__(self, path, patience=300):
        """patience: seconds to wait for an answer, on a busy host; QEMU that has died closes the socket."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(patience)
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


def _ends_with_summary(log):
    """Has the log come to the summary, as a whole line?"""
    return verdict.has_summary(verdict.clean(bytes(log[-1024:])).split("\n")[:-1])


class ScreenWatcher:
    """Looks at the screen now and then, until it shows the summary, and the log (if there is one) has it too:
    what was sent last may still be on its way when it stands on the screen."""

    PERIOD = 0.5
    PATIENCE = 10  # seconds of the machine's time for the log; it may have no such port as we listen to

    def __init__(self, work, screenshot, has_log, inspect=None):
        self._work, self._screenshot, self._has_log, self._inspect = work, screenshot, has_log, inspect
        self._reader = screen.Reader(screen.Font.load())
        self._monitor = None
        self._next = 0.0
        self._shown_at = None  # since when the screen shows it
        self.clock = time.monotonic  # the machine's time, once there is a machine
        self.lines = []

    def sees_summary(self, log):
        if self._shown_at is None and self._is_on_screen():
            self._shown_at = self.clock()
        if self._shown_at is None:
            return False
        late = self.clock() > self._shown_at + self.PATIENCE
        return not self._has_log or _ends_with_summary(log) or late

    def _is_on_screen(self):
        if time.monotonic() < self._next:
            return False
        # QEMU may be ending this very moment; how it ended is then told by its status.
        with suppress(OSError, ValueError, screen.ScreenError):
            self._monitor = self._monitor or Monitor(self._work / "qmp")
            # The pages turn by themselves. A machine that is stopped still shows at the end what was read.
            self._monitor.run("stop")
            self._look()
            if self._has_log or not verdict.has_summary(self.lines):
                self._monitor.run("cont")
        self._next = time.monotonic() + self.PERIOD
        return verdict.has_summary(self.lines)

    def _look(self):
        picture = self._work / "screen.ppm"
        with suppress(screen.ScreenError):
            self._monitor.run("screendump", filename=str(picture))
            self.lines = self._reader.read(picture.read_bytes())

    def close(self):
        """Keep the last picture; a machine that has ended has none any more but the one seen last."""
        with suppress(OSError, ValueError, MachineError):
            if self._screenshot and self._monitor:
                self._monitor.run("stop")
            if self._screenshot.endswith(".png"):
                self._monitor.run("screendump", filename=os.path.abspath(self._screenshot), format="png")
            elif self._screenshot:
                shutil.copyfile(self._work / "screen.ppm", self._screenshot)
        if self._inspect and self._shown_at is not None:
            self._inspect(self._monitor, self._work, b"")
        if self._monitor:
            self._monitor.close()


class Inspector:
    """Lets somebody look into the machine when its report is complete, and it halts."""

    def __init__(self, work, inspect):
        self._work, self._inspect = work, inspect
        self._log = None

    def sees_summary(self, log):
        if _ends_with_summary(log):
            self._log = bytes(log)
        return self._log is not None

    def close(self):
        """A machine that never came so far is told about by the verdict."""
        if self._log is not None:
            monitor = Monitor(self._work / "qmp")
            monitor.run("stop")
            self._inspect(monitor, self._work, self._log)
            monitor.close()


class Ender:
    """Ends a machine that cannot end itself, when its report is complete, or the guest has come to an end."""

    PERIOD = 0.5

    def __init__(self, emulator):
        self._emulator = emulator
        self._next = 0.0

    def sees_summary(self, log):
        if _ends_with_summary(log):
            return True
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self.PERIOD
        return self._emulator.is_over()

    def close(self):
        """Nothing is left to be looked at."""


class Typist:
    """Types on the serial line, each time the log shows what it waits for."""

    def __init__(self, keys, keyboard):
        self._keys = [(re.compile(pattern.encode(), re.M), text.encode()) for pattern, text in keys]
        self._keyboard = keyboard
        self._seen = 0  # of the log

    def hears(self, log):
        while self._keys and (found := self._keys[0][0].search(log, self._seen)):
            self._seen = found.end()
            _, text = self._keys.pop(0)
            with suppress(OSError):  # QEMU may have ended
                self._keyboard.write(text)
                self._keyboard.flush()


class Operator:
    """Gives commands to QEMU's monitor for people, each once the log shows what it waits for."""

    def __init__(self, commands, work):
        self._commands = [(re.compile(pattern.encode(), re.M), line) for pattern, line in commands]
        self._work = work
        self._monitor = None
        self._seen = 0  # of the log

    def hears(self, log):
        while self._commands and (found := self._commands[0][0].search(log, self._seen)):
            self._seen = found.end()
            _, line = self._commands.pop(0)
            self._monitor = self._monitor or Monitor(self._work / "qmp")
            if said := self._monitor.ask(line):
                raise MachineError(f"QEMU refused {line}: {said.strip()}")

    def close(self):
        if self._monitor:
            self._monitor.close()


class Restarter:
    """Resets the machine at the end of a start, with its memory as it is, and ends it after the last one.

    A start ends when its part of the log matches a regular expression, or, for None, when the machine asks
    for a reset. QEMU runs with -no-reboot, so that no start is repeated without being asked for: the reset
    is done from here."""

    PERIOD = 0.2

    def __init__(self, work, starts, between=None):
        self._work, self._ends, self._between = work, starts, between
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
            self._restart(len(self._from))
            self._from.append(len(log))
        return False

    def _restart(self, starts):
        self._monitor.run("stop")
        if self._between:
            self._between(self._monitor, starts)
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
    """One run of an emulator, followed until it ends or has to be ended."""

    def __init__(self, process, line, watcher, time_limit, idle_limit, on_output, listeners):
        self._process, self._line, self._watcher, self._on_output = process, line, watcher, on_output
        self._listeners = listeners
        self.time = machine_time.MachineTime(process.pid)
        self._time_limit, self._idle_limit = time_limit, idle_limit
        self._began = self.time.moment()
        self._heard = None  # when the report last said something
        self._log = bytearray()
        self.flooded = self.timed_out = False

    @property
    def log(self):
        return bytes(self._log)

    def _late(self):
        if self._idle_limit and self._heard and self.time.is_over(self._heard, self._idle_limit):
            return True
        return self.time.is_over(self._began, self._time_limit)

    def _hear(self, chunk):
        self._log += chunk
        self._on_output(chunk)
        for listener in self._listeners:
            listener.hears(self._log)
        if self._heard or FIRST_WORDS.search(self._log, max(0, len(self._log) - len(chunk) - 16)):
            self._heard = self.time.moment()

    def _is_over(self):
        """Asked only while the firmware has the word, so a report never ends the run by what it quotes."""
        return not self._heard and verdict.nothing_will_follow(bytes(self._log[-4096:]))

    def _watch(self, selector):
        """Until the end of output; True if the emulator has to be ended."""
        while True:
            if selector.select(timeout=0.1):
                chunk = os.read(self._line.fileno(), 1 << 16)
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
        """The emulator's exit status, or None if it was ended from here."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            if self._watch(selector):
                return None
        while self._process.poll() is None:  # it says nothing more, but has not ended
            if self._late():
                self.timed_out = True
                return None
            time.sleep(0.01)
        return self._process.returncode


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()


def _first_bytes(path, count):
    with suppress(OSError), open(path, "rb") as file:
        return file.read(count)
    return b""


def _watcher_of(machine, emulator, work):
    """What decides that the machine has done all it will do, and is ended from here; or None."""
    if machine.starts:
        return Restarter(work, machine.starts, machine.between)
    if machine.inspect and machine.serial:
        return Inspector(work, machine.inspect)
    if machine.watches_screen:  # without a serial line, the screen alone tells when to look into the machine
        return ScreenWatcher(work, machine.screenshot, machine.serial,
                             None if machine.serial else machine.inspect)
    return None if emulator.ENDS_BY_ITSELF else Ender(emulator)


def _boot_in(work, machine, http_port, time_limit, idle_limit, on_output):
    emulator = machine.kind(machine, work)
    watcher = _watcher_of(machine, emulator, work)
    with open(work / "errors", "wb") as errors:
        process = emulator.start(http_port, errors)
    operator = Operator(machine.commands, work)
    run = _Run(process, emulator.line, watcher, time_limit, idle_limit, on_output,
               (Typist(machine.keys, process.stdin), operator))
    if isinstance(watcher, ScreenWatcher):
        watcher.clock = run.time.now
    try:
        status = run.follow()
        if watcher:
            watcher.close()
    finally:
        operator.close()
        _end(process)
        happened = emulator.what_happened()
        emulator.close()
    happened.setdefault("status", status)
    return verdict.Outcome(
        log=run.log, timed_out=run.timed_out, flooded=run.flooded,
        errors=_first_bytes(work / "errors", MAX_ERRORS), emulator=emulator.NAME,
        screen=None if machine.serial else watcher.lines,
        starts=watcher.logs(run.log) if machine.starts else [run.log], **happened)


def _check(machine):
    """Raises MachineError with the reason if there is no such machine, or a file is not there."""
    kind = machine.kind
    if not shutil.which(machine.program):
        raise MachineError(f"{machine.program} is not installed, or is not a program")
    if machine.medium not in kind.MEDIA:
        raise MachineError(f"{kind.NAME} has no medium {machine.medium}: take {' or '.join(kind.MEDIA)}")
    if machine.vga not in kind.VGA:
        raise MachineError(f"{kind.NAME} has no display {machine.vga}: take {' or '.join(kind.VGA)}")
    if refused := kind.refusal(machine, machine.changed):
        raise MachineError(refused)
    if machine.medium in media.NETWORK and not Path(machine.image, media.BOOT_FILE).is_file():
        raise MachineError(f"{machine.image} is not a folder with {media.BOOT_FILE} in it")
    for path in [machine.image] * (machine.medium not in media.NETWORK) + kind.files(machine):
        if not Path(path).is_file():
            raise MachineError(f"{path} is not there")


def boot(machine, time_limit=120.0, idle_limit=0.0, on_output=lambda chunk: None):
    """Boot until the emulator ends, the summary is seen (if the machine halts then), the machine has had
    time_limit seconds, or the report has been silent for idle_limit seconds of them (0: never). These are
    seconds of the machine's time (machine_time.py). on_output gets each piece of the log."""
    _check(machine)
    with tempfile.TemporaryDirectory(prefix="selfmap-boot.", ignore_cleanup_errors=True) as work, \
            media.file_server(machine.medium, machine.image) as http_port:
        return _boot_in(Path(work), machine, http_port, time_limit, idle_limit, on_output)
