# SPDX-License-Identifier: MIT
"""bochs.py - how a machine runs on Bochs: its settings, what it cannot do there, and what it leaves behind.

Bochs has no channel for options, no way to end itself with a status, and no protocol to talk to. So the
options go into selfmap.cfg on a copy of the image, the application halts at the end, and the machine is ended
once the log has the summary. Its display draws into memory (SDL's driver `dummy`), so no X server is needed.
machine.py says what an emulator's class has.
"""

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import child

OVMF = "/usr/share/ovmf/OVMF.fd"
VGA_ROMS = {"std": "/usr/share/seabios/vgabios-stdvga.bin", "cirrus": "/usr/share/seabios/vgabios-cirrus.bin"}
# Settings of a display. OVMF has a driver for the Cirrus only, so `std` is dark.
VGA = {"std": ("slot1=pcivga", "vga: extension=vbe"), "cirrus": ("slot1=cirrus", "vga: extension=cirrus"),
       "none": ("", "vga: extension=none")}
PARTITION = 1 << 20  # where the ESP of an image by mkimage begins
MIBS_OF_HOST = 1024  # of the machine's memory, what is kept in the host's; Bochs takes 2048 at most
MOST_MIBS = 8192
# What the guest's time is made of: instructions per second. The host's time has nothing to do with it.
INSTRUCTIONS_PER_SECOND = 20_000_000
# What of a machine.Machine there is on Bochs.
HONOURED = {"image", "emulator", "program", "firmware", "cpu", "memory", "medium", "vga", "options", "bare"}
TRIPLE_FAULT = re.compile(rb"exception with no resolution")
RESET = re.compile(rb"bx_pc_system_c::Reset\(HARDWARE\) called")
# What Bochs cannot go on from ends it. Its processor can: 3.0 calls it a panic if a write that CR0.WP allows
# sets the dirty bit of a page that is read-only, if the model has shadow stacks.
PANICS = ("panic: action=fatal, cpu0=report",)
UNITS = {"": 1, "M": 1, "G": 1024}
MODEL_LIMIT = 600  # seconds for Bochs to list its models, on however busy a host


def mibs_of(memory):
    """How many MiB that is, 512M or 2G; None if it makes no sense."""
    match = re.fullmatch("([1-9][0-9]{0,6})([MG]?)", memory)
    return int(match[1]) * UNITS[match[2]] if match else None


def models(program):
    """The processors that it knows."""
    try:
        told = subprocess.run([program, "--help", "cpu"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              timeout=MODEL_LIMIT).stdout
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{program} does not list its processors") from error
    return re.findall(r"^([a-z0-9]+(?:_[a-z0-9]+)*)$", told, re.M)


def model_of(program, name):
    """The model that is called so or, alone, has that in its name: (model, "") or ("", why not)."""
    known = models(program)
    found = [model for model in known if model == name] or \
        [model for model in known if name.lower().replace("-", "_") in model]
    if len(found) == 1:
        return found[0], ""
    if found:
        return "", f"Bochs has several processors {name}: {', '.join(found)}"
    return "", f"Bochs has no processor {name}; it has {', '.join(known) or 'none that it would tell'}"


class Bochs:
    """A machine on Bochs."""

    NAME = "Bochs"
    PROGRAM = "bochs"
    CPU = "corei7_haswell_4770"
    MEDIA = ("ide",)
    VGA = VGA
    ENDS_BY_ITSELF = False

    def __init__(self, machine, work):
        self._machine, self._work = machine, work
        self.line = None

    @staticmethod
    def refusal(machine, changed):
        """Why there is no such machine, or "". `changed`: the members of it that somebody has set."""
        if others := sorted(set(changed) - HONOURED):
            return f"there is no way yet to set {', '.join(others)} on Bochs"
        if machine.firmware == "uboot":
            return "U-Boot is not for Bochs: take OVMF"
        if not mibs_of(machine.memory) or mibs_of(machine.memory) > MOST_MIBS:
            return f"memory = {machine.memory}: give it as 512M or 2G, at most {MOST_MIBS}M"
        return model_of(machine.program, machine.cpu)[1]

    @staticmethod
    def files(machine):
        firmware = OVMF if machine.firmware == "ovmf" else machine.firmware
        return [firmware, VGA_ROMS.get(machine.vga, VGA_ROMS["std"])]

    def _own_image(self):
        """A copy of the image with the options at the end of its selfmap.cfg."""
        image = self._work / "image"
        copied = subprocess.run(["cp", "--sparse=always", self._machine.image, image], capture_output=True,
                                check=False)
        if copied.returncode:
            raise OSError(copied.stderr.decode(errors="replace").strip())
        esp = ["-i", f"{image}@@{PARTITION}"]
        alone = {**os.environ, "MTOOLSRC": "/dev/null"}
        had = subprocess.run(["mtype", *esp, "::/selfmap.cfg"], capture_output=True, check=False, env=alone)
        words = ["menu=no"] * (not self._machine.bare) + [self._machine.options, "end=halt"]
        text = had.stdout.rstrip(b"\r\n") + "".join(f"\n{line}" for line in words).encode() + b"\n"
        done = subprocess.run(["mcopy", "-o", *esp, "-", "::/selfmap.cfg"], input=text, capture_output=True,
                              check=False, env=alone)
        if done.returncode:
            raise OSError(f"{self._machine.image}: the options cannot be written to it: "
                          f"{done.stderr.decode(errors='replace').strip()}")
        return image

    def settings(self, image, port):
        """The lines of bochsrc. `port` is a file descriptor that the serial line is written to."""
        machine = self._machine
        slot, extension = VGA[machine.vga]
        mibs = mibs_of(machine.memory)
        firmware, rom = self.files(machine)
        return [
            "display_library: sdl2",
            f"memory: guest={mibs}, host={min(mibs, MIBS_OF_HOST)}",
            f"romimage: file=\"{firmware}\", address=0",
            f"vgaromimage: file=\"{rom}\"", extension,
            "pci: " + ", ".join(filter(None, ["enabled=1, chipset=i440fx", slot])),
            f"ata0-master: type=disk, path=\"{image}\", mode=flat", "boot: disk",
            f"com1: enabled=1, mode=file, dev=/dev/fd/{port}",
            "clock: sync=none",  # as fast as the host can, and the same in every run
            f"cpu: model={model_of(machine.program, machine.cpu)[0]}, ips={INSTRUCTIONS_PER_SECOND},"
            " reset_on_triple_fault=0, ignore_bad_msrs=1",
            f"log: \"{self._work / 'bochs.log'}\"", *PANICS, "error: action=report",
            "info: action=report, cpu0=ignore", "debug: action=ignore",
        ]

    def start(self, _http_port, errors):
        """The process. Its serial line is self.line; what Bochs says itself goes to the file `errors`."""
        image = self._own_image()
        reads, writes = os.pipe()
        self.line = os.fdopen(reads, "rb")
        try:
            settings = "".join(f"{line}\n" for line in self.settings(image, writes))
            (self._work / "bochsrc").write_text(settings, encoding="utf-8")
            (self._work / "commands").write_text("c\n", encoding="utf-8")  # for the debugger: go on
            return child.start(
                [self._machine.program, "-q", "-f", "bochsrc", "-rc", "commands"], cwd=self._work,
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, pass_fds=[writes],
                env={**os.environ, "SDL_VIDEODRIVER": "dummy", "TMPDIR": str(self._work)})
        finally:
            os.close(writes)

    def _log(self):
        with suppress(OSError):
            return Path(self._work, "bochs.log").read_bytes()
        return b""

    def is_over(self):
        """Has the guest reset the machine, or come to a triple fault? (There is one reset at the start.)"""
        log = self._log()
        return len(RESET.findall(log)) > 1 or TRIPLE_FAULT.search(log) is not None

    def what_happened(self):
        """Members of verdict.Outcome."""
        log = self._log()
        if TRIPLE_FAULT.search(log):
            return {"reset_log": b"Triple fault"}
        return {"reason": "guest-reset", "status": 0} if self.is_over() else {}

    def close(self):
        if self.line:
            self.line.close()
