# SPDX-License-Identifier: MIT
"""application.py - mutants of the loader and the kernel, tried on the host and booted.

Everything is read off the build as it is. `make -n` says how each object is compiled and what each program is
linked of, the dependency files say which objects a source goes into. Nothing is listed here that a renamed
file or a new test would make wrong.

A mutant is first tried by the host tests that compile the source. If none notices it, it is linked into the
application, and run by the tests that execute the function: which these are was seen when they ran with
nothing changed, by the code that QEMU translated (reached.py). What no test executes is not run. First come
cases of hostile firmware, among them plain ones: they go on from the snapshot of a machine, and cost a fifth
of a boot. Then it is booted. What a run prints is compared with what it printed with nothing changed.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ctokens
import reached
import worlds

HOST_TESTS = "build/host/"
ELF, EFI, IMAGE = "build/selfmap.elf", "build/selfmap.efi", "build/selfmap.img"
SHIM = "build/firmware/shim.img"
ON_STICK = "esp/EFI/BOOT/BOOTX64.EFI"
PARTITION = 1 << 20  # where the ESP of the image begins
# Tests of test/run that boot the image. Another disk, a network or a signature leads to the same code; and a
# machine that halts for a minute is no test for thousands of mutants.
BOOTS = re.compile(r"boot:(uboot-|crash-|screen-|ovmf-(max|pages|load-options|virtio-gpu|64m|exclude))|"
                   r"restart:|codes")
TOO_SLOW = re.compile(r"-1t|-2560|crash-(hang|triple)|switch-off|restart:ovmf-(menu|cut|reset)|"
                      r"restart:.*(hang|full|read-only|store-no|little-room)")
# Cases of test/firmware that `make test` runs, too.
CASE, RUN_CASES = "case:", "test/firmware/run"
# Of the unchanged image, which boots first: what the reports of the others are compared with.
REPORTS = worlds.BASE / "reports"
BOUNDED = str(Path(__file__).with_name("bounded.py"))
# Processor time of a mutant's test: a loop that ends all the same is not taken for a hang.
TIMES, SECONDS = 4, 10
# A mutant that survives was tried by this many cases and boots; and see run --seconds.
MOST_CASES, MOST_BOOTS = 6, 8


def commands(*targets):
    """How make builds the targets: ({object: words of the compiler}, {program: words of the linker})."""
    text = subprocess.run(["make", "-nB", "V=1", *targets], cwd=worlds.ROOT, capture_output=True, text=True,
                          check=True).stdout
    compiled, linked = {}, {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith(("gcc ", "ld ")) and " -o " in line:
            words = shlex.split(line)
            (compiled if "-c" in words else linked)[words[words.index("-o") + 1]] = words
    return compiled, linked


def dependencies(built):
    """The files of the repository that an object was made of, by its dependency file."""
    text = Path(worlds.ROOT, built).with_suffix(".d").read_text()
    words = text.split(":", 1)[1].replace("\\\n", " ").split("\n", 1)[0].split()
    return {os.path.relpath(Path(worlds.ROOT, word), worlds.ROOT) for word in words}


@dataclass
class Boot:
    """A test that boots, or goes on from a snapshot: what it costs, and the places that it executes."""
    name: str
    seconds: float
    lines: dict  # from the name of a file to line numbers

    @property
    def is_case(self):
        return self.name.startswith(CASE)


class Tests:
    """All that can notice a mutant of the application, as it is with nothing changed."""

    def __init__(self, jobs, most_seconds):
        self.most_seconds = most_seconds  # of the processor, for the boots of one mutant; 0: none
        programs, self.sections, kinds = worlds.of_make("HOST_PROGRAMS", "PE_SECTIONS", "KINDS")
        self.compiled, linked = commands(*programs, ELF)
        self.application = linked.pop(ELF)
        self.programs = {name: words for name, words in linked.items() if name.startswith(HOST_TESTS) and
                         (name.split("/")[2] not in kinds or self._tests_application(words))}
        subprocess.run(["make", "-s", "-j", str(jobs), *self.programs, IMAGE, ELF, SHIM],
                       cwd=worlds.ROOT, check=True, stdout=subprocess.DEVNULL)
        built = {word for words in [self.application, *self.programs.values()] for word in words}
        self.made_of = {word: dependencies(word) for word in built & set(self.compiled)
                        if not word.endswith(".S.o")}
        self.times, self.kills, self.lock = {}, Counter(), threading.Lock()
        self.bare = {}  # objects of the application without what is for debuggers
        self.boots = self._boots(jobs) if most_seconds else []
        self.functions = self._functions()

    def _tests_application(self, words):
        """Is a source of the loader or the kernel part of the program? Most test the core only."""
        return any(self.compiled[word][self.compiled[word].index("-c") + 1].startswith(("efi/", "kernel/"))
                   for word in words if word in self.compiled)

    def objects_of(self, path, words):
        """Those among the linker's words that the source goes into."""
        return [word for word in words if path in self.made_of.get(word, ())]

    def programs_with(self, path):
        """The host tests whose subject has the source in it: first what has noticed much in little time."""
        found = [name for name, words in self.programs.items() if self.objects_of(path, words)]
        return sorted(found, key=lambda name: (self.kills[path, name] + 0.2) / (self.seconds(name) + 1),
                      reverse=True)

    def _boots(self, jobs):
        """What each test that boots executes: kept with what it depends on."""
        def listed(*command):
            return subprocess.run(command, cwd=worlds.ROOT, capture_output=True, text=True,
                                  check=True).stdout.split()

        names = [CASE + name for name in listed(RUN_CASES, "--list", "--sample")]
        boots = listed("test/run", "--list") + listed("test/run", "--list", "verify-boot")
        names += [name for name in boots if BOOTS.match(name) and not TOO_SLOW.search(name)]
        kept = worlds.BASE / "reached.json"
        state = hashlib.sha256(b"".join(Path(worlds.ROOT, name).read_bytes()
                                        for name in (ELF, SHIM))).hexdigest()
        known = json.loads(kept.read_text()) if kept.exists() else {}
        if known.get("state") != state or not REPORTS.exists():
            known = {"state": state, "boots": {}}
            shutil.rmtree(REPORTS, ignore_errors=True)
        keys = {name: f"{name} {self._text_of(name)}" for name in names}
        reader = reached.Reader(worlds.ROOT / ELF)
        missing = [name for name in names if keys[name] not in known["boots"]]
        with ThreadPoolExecutor(jobs) as pool:
            for name, found in zip(missing, pool.map(lambda name: self._reached(name, reader), missing)):
                if found[1]:
                    known["boots"][keys[name]] = found
                kept.write_text(json.dumps(known))
        return [Boot(name, seconds, {path: set(lines) for path, lines in places.items()})
                for name in names if keys[name] in known["boots"]
                for seconds, places in [known["boots"][keys[name]]]]

    @staticmethod
    def _text_of(name):
        """A sum over what says how the test boots: its section, its table, or the program that it is in."""
        kind, _, scenario = name.partition(":")
        if name.startswith(CASE):
            return hashlib.sha256(Path(worlds.ROOT, "test/firmware/cases").read_bytes()).hexdigest()
        text = Path(worlds.ROOT, "test/boot", "scenarios" if kind == "boot" else kind).read_text()
        if kind == "boot":
            text = re.search(rf"^\[{re.escape(scenario)}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)[1]
        return hashlib.sha256(text.encode()).hexdigest()

    @staticmethod
    def command(name, image):
        """How the test is run: in a copy of the tree, except cases, which are of this one."""
        if name.startswith(CASE):
            return [str(worlds.ROOT / RUN_CASES), "--image", str(image), name.removeprefix(CASE)]
        return ["test/run", name]

    @staticmethod
    def _reached(name, reader):
        """Processor seconds, and from names of files to the lines that a test executes."""
        with reached.Recorder() as recorder, tempfile.TemporaryFile() as output:
            command = Tests.command(name, worlds.ROOT / EFI)
            run = subprocess.Popen([BOUNDED, "300", *command], cwd=worlds.ROOT, stdout=output,
                                   env={**recorder.environment, "REPORTS": str(REPORTS)}, stderr=output)
            _, status, used = os.wait4(run.pid, 0)
            if status:  # as what looks at QEMU's own log, which holds more here
                print(f"  {name} is left out: it fails with nothing changed, while it is recorded",
                      file=sys.stderr)
                return 0, {}
            lines = reader.lines(recorder.logs())
            return used.ru_utime + used.ru_stime, {path: sorted(found) for path, found in lines.items()}

    @staticmethod
    def run_of(program):
        return [program, "4"] if program.startswith((HOST_TESTS + "soft", HOST_TESTS + "mmap")) else [program]

    def seconds(self, program):
        """Processor seconds of a host test with nothing changed."""
        if program not in self.times:
            run = subprocess.Popen(self.run_of(program), cwd=worlds.ROOT, stdout=subprocess.DEVNULL,
                                   env={**os.environ, "SEED": "1"}, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(run.pid, 0)
            if status:
                raise worlds.BuildFailed(f"{program} fails although nothing is changed")
            self.times[program] = used.ru_utime + used.ru_stime
        return self.times[program]

    def _functions(self):
        """From (name of a file, function) and from a function's name alone to (name of a file, its lines)."""
        found = {}
        for path in worlds.mutated("application") + worlds.mutated("frames") + worlds.mutated("core"):
            text, name = Path(worlds.ROOT, path).read_text(), Path(path).name
            for part in ctokens.functions(text):
                lines = range(text.count("\n", 0, part.tokens[0].start) + 1,
                              text.count("\n", 0, part.tokens[-1].end) + 2)
                found[name, part.name] = found[part.name] = name, lines
        return found

    def boots_of(self, site):
        """
        Those that execute the function, cases before boots, and the most promising first: what executes the
        very line, or the most of the function and of those that it calls there, has noticed much, and costs
        little. Those that execute the same lines of these come after one that does not.
        """
        name = Path(site.path).name
        own = self.functions.get((name, site.function))
        text = Path(worlds.ROOT, site.path).read_text().splitlines()[site.line - 1:site.line + 2]
        words = set(re.findall(r"\w+", " ".join(text)))
        called = {self.functions[word] for word in words & self.functions.keys()}

        def executed(boot):
            return frozenset((path, line) for path, lines in {own, *called} if lines
                             for line in boot.lines.get(path, set()).intersection(lines))

        def executes(boot, first, last):
            return not boot.lines.get(name, set()).isdisjoint(range(first, last))

        reach = [boot for boot in self.boots
                 if (executes(boot, own[1].start, own[1].stop) if own else boot.lines.get(name))]
        own = own or (name, ())
        what = {boot.name: executed(boot) for boot in reach}
        most = max(map(len, what.values()), default=0) or 1

        def promise(boot):
            near = executes(boot, site.line, site.line + 2)
            kills = self.kills[site.path, boot.name]
            return (kills + 0.3 + 2 * near + 2 * len(what[boot.name]) / most) / (boot.seconds + 1)

        turn, order = Counter(), []
        for boot in sorted(reach, key=promise, reverse=True):
            order.append((turn[what[boot.name]], boot))
            turn[what[boot.name]] += 1
        order = [boot for _, boot in sorted(order, key=lambda pair: pair[0])]
        yield from [boot for boot in order if boot.is_case][:MOST_CASES]
        seconds, count = 0.0, 0
        for boot in order:
            fits = count == 0 or seconds + boot.seconds <= self.most_seconds
            if not boot.is_case and count < MOST_BOOTS and fits:
                yield boot
                seconds, count = seconds + boot.seconds, count + 1


class Bench:
    """A copy of the whole tree, in which one mutant at a time is built and tried."""

    def __init__(self, home, tests):
        self.home, self.tests = home, tests
        for name in ("selfmap.elf", "selfmap.img", "selfmap.iso", "font.psf", "font.o"):
            if Path(worlds.ROOT, "build", name).exists():
                (home / "build").mkdir(exist_ok=True)
                shutil.copy(Path(worlds.ROOT, "build", name), home / "build" / name)
        (home / "build" / "include").symlink_to(worlds.ROOT / "build" / "include")

    def try_mutant(self, site):
        """What became of it, and by what; the change is made in the sources of this copy already."""
        objects = self.tests.objects_of(site.path, self.tests.application)
        self._compile(objects)
        if objects and all(self._bare(self.home, word) == self._unchanged(word) for word in objects):
            return "same code", ""
        for program in self.tests.programs_with(site.path):
            if not self._host_test(site, program):
                return self._killed(site, program, program.removeprefix(HOST_TESTS))
        return self._boot(site, objects) if self.tests.most_seconds else ("survived", "host tests")

    def _killed(self, site, what, name):
        with self.tests.lock:
            self.tests.kills[site.path, what] += 1
        return "killed", name

    def _compile(self, objects):
        for word in objects:
            (self.home / word).parent.mkdir(parents=True, exist_ok=True)
            command = [flag.replace(str(worlds.ROOT), str(self.home)) for flag in self.tests.compiled[word]]
            worlds.call([flag for flag in command if flag not in ("-MMD", "-MP", "-Werror")], self.home)

    def _bare(self, where, word):
        bare = self.home / "build" / "bare.o"
        worlds.call(["objcopy", "-g", str(where / word), str(bare)], self.home)
        return bare.read_bytes()

    def _unchanged(self, word):
        if word not in self.tests.bare:
            self.tests.bare[word] = self._bare(worlds.ROOT, word)
        return self.tests.bare[word]

    def _linked(self, words, changed):
        """The linker's command, with this copy's objects where they were changed."""
        return [str(Path(worlds.ROOT, word)) if word.startswith("build/") and word.endswith(".o") and
                word not in changed else word for word in words]

    def _host_test(self, site, program):
        words = self.tests.programs[program]
        objects = self.tests.objects_of(site.path, words)
        self._compile(objects)
        (self.home / program).parent.mkdir(parents=True, exist_ok=True)
        worlds.call(self._linked(words, objects), self.home)
        return self._passes(self.tests.run_of(program), self.tests.seconds(program))

    def _passes(self, command, seconds):
        limit = str(TIMES * seconds + SECONDS)
        environment = dict(os.environ, SEED="1", ASAN_OPTIONS="detect_leaks=0", PYTHONDONTWRITEBYTECODE="1",
                           REPORTS=str(REPORTS))
        return subprocess.run([BOUNDED, limit, *command], cwd=self.home, env=environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def _boot(self, site, objects):
        boots = list(self.tests.boots_of(site))
        if not boots:
            return "survived", "no test executes it"
        self._make_program(objects)
        is_on_disk = False
        for boot in boots:
            if not boot.is_case and not is_on_disk:
                self._put_on_disk()
                is_on_disk = True
            if not self._passes(self.tests.command(boot.name, self.home / EFI), boot.seconds):
                return self._killed(site, boot.name, boot.name)
        cases = sum(boot.is_case for boot in boots)
        return "survived", f"{cases} cases, {len(boots) - cases} boots"

    def _make_program(self, objects):
        """As the Makefile does it."""
        worlds.call(self._linked(self.tests.application, objects), self.home)
        sections = [word for name in self.tests.sections for word in ("-j", name)]
        worlds.call(["objcopy", "-S", "--target=efi-app-x86_64", "--section-alignment=4096",
                     "--file-alignment=512", *sections, ELF, EFI], self.home)
        worlds.call(["tools/check-pe", "--set-nx-compat", EFI], self.home)

    def _put_on_disk(self):
        """As the Makefile makes the disk, but that the program alone is replaced there."""
        (self.home / ON_STICK).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.home / EFI, self.home / ON_STICK)
        worlds.call(["mcopy", "-D", "o", "-o", "-i", f"{IMAGE}@@{PARTITION}", EFI,
                     "::/EFI/BOOT/BOOTX64.EFI"], self.home)
