# SPDX-License-Identifier: MIT
"""gdb_commands.py - commands for gdb that explain page tables and the frame allocator of a stopped machine.

`make debug` loads it. Into another gdb that is connected to QEMU: source tools/gdb_commands.py

Tables are read from the machine's physical memory as the manual describes them (tables.py, access_rules.py),
with the registers of the processor that gdb has selected (`thread N`). Nothing here asks the application's
code; only `frames` looks at its data.
"""

import re
import struct
import sys
from contextlib import contextmanager
from pathlib import Path

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import access_rules  # noqa: E402
import tables  # noqa: E402

CLUSTER_ITEMS = 512
FULL_LINES = 10
NAMES = ("4 KiB", "2 MiB", "1 GiB")


# ---- the stopped machine ----

def packet(text):
    """Send a packet of the remote protocol; the answer."""
    said = gdb.execute(f"maintenance packet {text}", to_string=True)
    answer = re.search(r'received: "(.*)"', said)
    return answer[1] if answer else ""


@contextmanager
def physical_memory():
    """QEMU takes addresses for physical ones meanwhile."""
    if packet("Qqemu.PhyMemMode:1") != "OK":
        raise gdb.GdbError("physical memory cannot be read: gdb is not connected to QEMU (5.0 or later)")
    try:
        yield
    finally:
        packet("Qqemu.PhyMemMode:0")


class GdbMemory:
    """Physical memory, a table at a time."""

    def __init__(self):
        self._tables = {}

    def table(self, address):
        if address not in self._tables:
            with physical_memory():
                data = gdb.selected_inferior().read_memory(address, 8 * tables.ENTRIES)
            self._tables[address] = struct.unpack(f"<{tables.ENTRIES}Q", data)
        return self._tables[address]


def register(name):
    """The value, or None if there is no such register."""
    try:
        value = gdb.newest_frame().read_register(name)
    except ValueError:
        return None
    return int(value.format_string(format="x"), 16)  # flags, integers and pointers alike


def ask_monitor(line):
    try:
        return gdb.execute(f"monitor {line}", to_string=True).strip()
    except gdb.error:
        return ""


def read_state():
    if not gdb.selected_thread() or register("cr3") is None:
        raise gdb.GdbError("no machine: connect to QEMU first, or use `make debug`")
    state = access_rules.State(*(register(name) for name in ("cr0", "cr3", "cr4", "efer", "eflags")),
                               cpl=register("cs") & 3, pkru=register("pkru"))
    if not state.cr0 & access_rules.CR0_PG or not state.efer & access_rules.EFER_LMA:
        raise gdb.GdbError("the processor is not in 64-bit mode with paging"
                           f" (CR0 = {state.cr0:x}, EFER = {state.efer:x})")
    return state


def read_processor(state):
    """What decides how tables are read. What QEMU does not tell is taken as the manual's maximum."""
    processor = "/machine/unattached/device[0]"  # all are alike
    bits = ask_monitor(f"qom-get {processor} phys-bits")
    return tables.Processor(levels=5 if state.cr4 & access_rules.CR4_LA57 else 4,
                            physical_bits=int(bits) if bits.isdigit() else 52,
                            no_execute=bool(state.efer & access_rules.EFER_NXE),
                            gib_pages=ask_monitor(f"qom-get {processor} pdpe1gb") != "false")


class Machine:
    """Registers and tables of the selected processor, as they are now."""

    def __init__(self):
        self.state = read_state()
        self.processor = read_processor(self.state)
        self.memory = GdbMemory()
        self.root = self.state.cr3 & tables.ADDRESS

    def path(self, address):
        return tables.path(self.memory, self.root, self.processor, address)

    def root_line(self):
        return f"CR3 = {self.state.cr3:x}, {self.processor.levels} levels"


# ---- arguments ----

def address_of(text):
    """The address that an expression of gdb's means: a number, a pointer, or where an object is."""
    if not text:
        raise gdb.GdbError("which address? A number, a register, or any expression of gdb's")
    try:
        value = gdb.parse_and_eval(text)
    except gdb.error as error:
        raise gdb.GdbError(f"{text}: {error}") from error
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_FUNC):
        value = value.address
    try:
        return int(value) & (1 << 64) - 1
    except (gdb.error, ValueError, TypeError) as error:
        raise gdb.GdbError(f"{text} is not an address") from error


class Command(gdb.Command):
    """A command whose documentation is the class's, and that may be stopped by ^C."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        try:
            for line in self.lines(argument.strip()):
                gdb.write(line + "\n")
        except (gdb.MemoryError, tables.TablesError) as error:
            raise gdb.GdbError(f"the machine's memory cannot be read: {error}") from error

    def lines(self, argument):
        raise NotImplementedError


# ---- page tables ----

def path_lines(machine, address):
    """Each entry that a walk meets: where it is, its value, its flags."""
    for met in machine.path(address):
        yield (f"P{met.level}[{met.index:>3}] at {met.table + 8 * met.index:012x} = {met.entry:016x}"
               f"  {access_rules.flags_of(met, machine.processor)}")


class PtWalk(Command):
    """Walk the page tables to an address: pt-walk ADDRESS

Shows the entry of each level, with its physical address, its value and its flags by the manual's names, then
where the address leads, with the size of the page and the rights of all levels together."""

    def lines(self, argument):
        machine, address = Machine(), address_of(argument)
        yield f"{address:016x}: {machine.root_line()}"
        if machine.processor.canonical(address) != address:
            yield "the address is not canonical: an access is a #GP, and no walk is made"
            return
        yield from path_lines(machine, address)
        last = machine.path(address)[-1]
        if last.kind == tables.PAGE:
            size = tables.SIZE_NAMES[last.level]
            yield (f"leads to {last.to + address % tables.span(last.level):x}: a {size} page at {last.to:x},"
                   f" {access_rules.effective_rights(last, machine.processor)}")
        else:
            yield f"leads nowhere: the P{last.level} entry is {last.kind}" + \
                  (" (a reserved bit is set)" if last.kind == tables.REFUSED else "")


def has_own_root(memory, table):
    """The slot of a table that holds the table itself, or None."""
    found = [slot for slot, entry in enumerate(memory.table(table))
             if entry & tables.PRESENT and entry & tables.ADDRESS == table]
    return found[0] if found else None


class PtDump(Command):
    """List what is mapped: pt-dump [START END]

Neighbouring pages of one size with the same rights, whose frames follow each other, are one line, as in
tools/pagetables. A slot of the root that holds a root, through which tables appear as pages, is one line."""

    def lines(self, argument):
        words = re.split(r"\s*(?:\.\.|\s)\s*", argument) if argument else []
        if len(words) not in (0, 2):
            raise gdb.GdbError("pt-dump, or pt-dump START END: END is not included")
        start, end = (address_of(words[0]), address_of(words[1])) if words else (0, 1 << 64)
        if start >= end:
            raise gdb.GdbError("the range is empty: END must be greater than START")
        yield from self._range(Machine(), start, end)

    def _range(self, machine, start, end):
        yield machine.root_line()
        runs, folded, span = [], [], tables.span(machine.processor.levels)
        for slot, entry in enumerate(machine.memory.table(machine.root)):
            first = machine.processor.canonical(slot * span)
            to = entry & tables.ADDRESS
            if not entry & tables.PRESENT or first >= end or first + span <= start:
                continue
            if has_own_root(machine.memory, to) is not None:
                whose = "these tables" if to == machine.root else f"the tables below the root {to:x}"
                folded.append((first, f"{first:016x}..  slot {slot}: {whose} as pages"))
                continue
            met = list(tables.walk(machine.memory, machine.root, machine.processor, [slot]))
            runs += [run for run in tables.runs_of(met) if run.start < end and run.end > start]
            folded += [(m.address, f"{m.address:016x}..  P{m.level} entry {m.entry:x}: reserved bits are set")
                       for m in met if m.kind == tables.REFUSED and start <= m.address < end]
        runs = tables.joined(runs)
        for _, line in sorted([(run.start, tables.line_of(run)) for run in runs] + folded):
            yield line
        yield f"{len(runs)} runs, {tables.amount(sum(run.end - run.start for run in runs))} in all"


class Why(Command):
    """Say why an access fails or succeeds: why ADDRESS [r|w|x] [user|supervisor]

By the tables and the registers as they are now: CR0.WP, CR4.SMEP, CR4.SMAP, EFER.NXE, RFLAGS.AC, PKRU.
Without a word for it, the access is a read in the mode in which the processor is. Names each entry and bit
that forbids it, and the clause of the manual (Intel SDM, volume 3A)."""

    def lines(self, argument):
        words = argument.split()
        access, user = access_rules.READ, None
        while len(words) > 1 and words[-1] in ("r", "w", "x", "user", "supervisor"):
            word = words.pop()
            if word in access_rules.WORDS:
                access = word
            else:
                user = word == "user"
        machine, address = Machine(), address_of(" ".join(words))
        user = machine.state.cpl == 3 if user is None else user
        met = machine.path(address)
        answer = access_rules.judge(machine.state, machine.processor, met, address, access, user)
        return self._answer(machine, address, access, user, answer)

    def _answer(self, machine, address, access, user, answer):
        what = f"a {'user' if user else 'supervisor'} {access_rules.WORDS[access]} {address:016x}"
        if answer.fault:
            code = f" with error code {answer.error_code:x}" if answer.fault == "#PF" else ""
            yield f"{what} fails: {answer.fault}{code}"
        else:
            yield f"{what} succeeds"
        yield from (f"  because {reason}" for reason in answer.reasons)
        yield from (f"  note: {note}" for note in [*answer.notes, *access_rules.unjudged(machine.state)])
        if answer.fault != "#GP":
            yield from (f"  {line}" for line in path_lines(machine, address))
        yield "  by the tables in memory; a TLB entry that is older can answer otherwise (SDM 3A 4.10.2)"


# ---- the frame allocator ----

def allocator():
    """The variable `frames` of kernel/boot/main.c."""
    for symbol in gdb.lookup_static_symbols("frames"):
        if symbol.symtab.filename.endswith("kernel/boot/main.c"):
            return symbol.value()
    raise gdb.GdbError("the symbols of Selfmap are not loaded, or it has no frame allocator")


def initialised_clusters(zone, tier, number):
    """Ranges of clusters whose memory means something: those of the first superblocks, and of the last."""
    count = int(tier["cluster_count"])
    if number == len(NAMES) - 1:
        return [(0, count)]
    per_superblock = CLUSTER_ITEMS ** (1 - number)  # clusters of this tier
    first = int(tier["first"]) // CLUSTER_ITEMS
    last = (int(zone["end"]) - 1) // CLUSTER_ITEMS ** 2 * per_superblock - first
    end = int(zone["first_uninitialised"]) * per_superblock - first
    return [(0, min(max(end, 0), count)), (max(last, end, 0), count)]


def free_items(zone, number):
    """How many items of a tier are free."""
    tier = zone["tiers"][number]
    words, free = int(tier["free"]), 0
    for start, end in initialised_clusters(zone, tier, number):
        if start < end:
            data = gdb.selected_inferior().read_memory(words + start * 64, (end - start) * 64)
            free += int.from_bytes(data.tobytes(), "little").bit_count()
    return free


class Frames(Command):
    """Show the frame allocator: zones, and how many runs of each size are free."""

    def lines(self, argument):
        if argument:
            raise gdb.GdbError("frames takes no argument")
        frames = allocator()
        count = int(frames["zone_count"])
        if not count:
            yield "the frame allocator has no zone yet"
            return
        total = [0] * len(NAMES)
        yield f"{'zone':<30}{'frames':>10}" + "".join(f"{'free ' + name:>12}" for name in NAMES)
        for index in range(count):
            zone = frames["zones"][index]
            free = [free_items(zone, number) for number in range(len(NAMES))]
            total = [before + more for before, more in zip(total, free)]
            start, end = int(zone["start"]), int(zone["end"])
            columns = "".join(f"{items:>12}" for items in free)
            yield f"{start << 12:012x}..{end << 12:012x}    {end - start:>10}{columns}"
        yield from self._sums(frames, total)

    def _sums(self, frames, total):
        counted = sum(items * CLUSTER_ITEMS ** number for number, items in enumerate(total))
        known, free = int(frames["total"]), int(frames["free_count"])
        yield f"{free} of {known} frames are free, {known - free} are handed out"
        if counted != free:
            yield (f"the bits say {counted}, the counter {free}: an operation is under way,"
                   " or somebody wrote to the allocator's memory")
        for name in ("refused_releases", "refused_cuts"):
            if int(frames[name]):
                yield f"{name} = {int(frames[name])}: somebody gave back what is not theirs"


# ---- make debug ----

class Attach(Command):
    """Connect to the machine that tools/debug has stopped: selfmap-attach SOCKET BASE ELF BYTES LOG

The instruction at which the machine waits is put back: BYTES, in hexadecimal."""

    def lines(self, argument):
        socket, base, program, code, log = gdb.string_to_argv(argument)
        gdb.set_convenience_variable("selfmap_log", log)
        gdb.set_convenience_variable("image_base", int(base, 16))
        gdb.execute(f"symbol-file -o {base} {program}", to_string=True)
        gdb.execute(f"target remote {socket}", to_string=True)
        gdb.selected_inferior().write_memory(register("rip"), bytes.fromhex(code))
        yield f"The image is loaded at {base}; its first instruction is next. For example:"
        yield "  break kernel_main, continue, pt-walk ADDRESS, pt-dump, why ADDRESS w, frames, guest-log"


class GuestLog(Command):
    """Show the last lines of the machine's serial log: guest-log [LINES]"""

    def lines(self, argument):
        path = gdb.convenience_variable("selfmap_log")
        if path is None:
            raise gdb.GdbError("only `make debug` knows where the log is")
        if argument and not argument.isdigit():
            raise gdb.GdbError("guest-log LINES: how many")
        text = Path(path.string()).read_bytes().decode("utf-8", "replace").replace("\r", "")
        return text.rstrip("\n").split("\n")[-int(argument or FULL_LINES):]


for command, name in ((PtWalk, "pt-walk"), (PtDump, "pt-dump"), (Why, "why"), (Frames, "frames"),
                      (Attach, "selfmap-attach"), (GuestLog, "guest-log")):
    command(name)
