# SPDX-License-Identifier: MIT
"""worlds.py - the host tests, built so that one changed source costs a compilation and one link.

What is tested is a shared library; the test programs are linked once, to the unchanged headers. A change in a
header is tried with all programs compiled anew when the library alone has not shown it. Compiled as the
application is, with -O2, so that a change that leaves the machine code as it was is known to change nothing.
"""

import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "build" / "mutate"
# What is mutated, and by which name its tests go. All else here and in `run` follows from this.
MUTATED = {"core": ["paging/**/*.[ch]"], "frames": ["kernel/frames/*.[ch]"],
           "application": ["efi/*.[ch]", "kernel/*/*.[ch]", "paging/src/processor.c"]}
# Not of the core or the allocator: the processor's instructions, for which host tests have their own; and
# what the application has beside them.
NOT_MUTATED = {"access.h", "processor.c", "processor_access.h", "config_name.h", "memory_map.c",
               "memory_map.h", "usable_memory.c", "usable_memory.h", "arena.c", "arena.h"}
# Of the self-tests only what runs them: what a test of a test would be is in test/defects.
RUNNERS = {"runner.c", "chosen_tests.c", "soak.c", "soak_run.c", "groups.c"}
LIBRARY = "libsubject.so"
# What nobody set holds a pattern, which may pass for an answer; the application's build refuses it.
UNINITIALISED = ["-Werror=uninitialized", "-Werror=maybe-uninitialized"]


class BuildFailed(Exception):
    """The compiler or the linker refused."""


def of_make(*names):
    """Values of variables of the Makefile's, as lists of words."""
    output = subprocess.run(["make", "--no-print-directory", "-s", *(f"print-{name}" for name in names)],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [shlex.split(line) for line in output.splitlines()]


def tracked():
    """The files of the repository, new ones included."""
    output = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout
    return [path for path in output.splitlines() if (ROOT / path).exists()]


def call(command, where):
    result = subprocess.run(command, cwd=where, capture_output=True, text=True, errors="replace",
                            stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        raise BuildFailed(result.stderr)


def matching(subject, root):
    return {path for pattern in MUTATED[subject] for path in root.glob(pattern)}


def mutated(subject, root=ROOT):
    """The files of one of MUTATED, below the root."""
    found = matching(subject, root)
    if subject == "application":
        found = {path for path in found if path.parent.name != "selftest" or path.name in RUNNERS}
        found -= {path for path in matching("frames", root) if path.name not in NOT_MUTATED}
    else:
        found = {path for path in found if path.name not in NOT_MUTATED}
    return sorted(str(path.relative_to(root)) for path in found)


def includes(path, folders, known=None):
    """The sources that a source includes, itself among them, however deep; folders are those of -I."""
    known = set() if known is None else known
    if path in known:
        return known
    known.add(path)
    for name in re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', (ROOT / path).read_text(), re.M):
        for folder in (Path(path).parent, *folders):
            if (ROOT / folder / name).exists():
                includes(os.path.normpath(folder / name), folders, known)
                break
    return known


class World:
    """One way to build and run tests. What the same change does in several worlds is asked one by one."""

    def __init__(self, name, subject, flags, sources, tests, parts, arguments):
        self.name, self.subject, self.flags = name, subject, flags
        self.sources = sources  # of the library
        self.parts = parts  # sources linked to every program
        self.tests = tests  # sources, one per program
        self.arguments = arguments  # each program is run once with each of these
        self.sanitized = any(flag.startswith("-fsanitize") for flag in flags)
        self.is_quick = not self.sanitized and name in ("soft", "frames", "frames-every-4")
        self.times = {}  # of each run, with nothing changed
        folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
        self.depends = {source: includes(source, folders) for source in [*sources, *parts, *tests]}

    def runs(self):
        return [(source, argument) for argument in self.arguments for source in self.tests]

    def run_name(self, run):
        source, argument = run
        return ":".join(filter(None, [self.name, Path(source).stem.removeprefix("test_"), argument]))

    def home(self):
        return BASE / "as-it-is" / self.name

    def compile(self, sources, where, out):
        """Compile in the folder `where`, which may hold changed copies of sources."""
        out.mkdir(parents=True, exist_ok=True)
        for source in sources:
            flags = self.flags
            if source in self.sources and not self.sanitized:
                flags = [flag for flag in flags if flag != "-w"] + UNINITIALISED
            call(["gcc", *flags, "-c", source, "-o", str(out / f"{Path(source).stem}.o")], where)

    def objects(self, sources, *places):
        """For each source the object in the first of the places that has one."""
        return [next(str(place / f"{Path(source).stem}.o") for place in places
                     if (place / f"{Path(source).stem}.o").exists()) for source in sources]

    def link_library(self, *places):
        call(["gcc", "-shared", *self.flags, "-o", str(places[0] / LIBRARY),
              *self.objects(self.sources, *places)], ROOT)

    def link_program(self, test, *places):
        libraries = ["-L", str(places[0]), "-l:" + LIBRARY, "-lcmocka"]
        call(["gcc", "-rdynamic", *self.flags, "-o", str(places[0] / Path(test).stem),
              *self.objects([test, *self.parts], *places), *libraries], ROOT)

    def build(self):
        """Everything unchanged, from nothing; and every test must pass."""
        shutil.rmtree(self.home(), ignore_errors=True)
        self.compile([*self.sources, *self.parts, *self.tests], ROOT, self.home())
        self.link_library(self.home())
        for test in self.tests:
            self.link_program(test, self.home())
        for run in self.runs():
            begin = time.monotonic()
            if not self.passes(run, self.home(), self.home()):
                raise BuildFailed(f"{self.run_name(run)} fails although nothing is changed")
            self.times[run] = time.monotonic() - begin

    def passes(self, run, programs, library):
        """Run one test program. Whatever is no success, a crash or a standstill too, is a failure."""
        source, argument = run
        limit = 10 * self.times[run] + 2 if run in self.times else 300
        environment = dict(os.environ, LD_LIBRARY_PATH=str(library), SEED="1", ASAN_OPTIONS="detect_leaks=0")
        try:
            command = [str(programs / Path(source).stem), *filter(None, [argument])]
            return subprocess.run(command, env=environment, cwd=library, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit,
                                  check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def same_code(self, sources, out):
        return all((out / f"{Path(source).stem}.o").read_bytes() ==
                   (self.home() / f"{Path(source).stem}.o").read_bytes() for source in sources)


def all_worlds():
    """The cheapest first. The frame allocator has its own."""
    names = ["HOST_FLAGS", "HOST_INCLUDE", "CORE", "CORE_TESTS", "TESTS_toy", "FRAMES", "FRAME_TESTS"]
    kinds = ("soft", "toy", "mmap")
    names += [f"{word}_{kind}" for kind in kinds for word in ("KIND", "PARTS")]
    names += ["EVERY_FLAGS", "EVERY_2", "EVERY_4"]
    make = dict(zip(names, of_make(*names)))
    strict = [flag for flag in make["HOST_FLAGS"] if not flag.startswith(("-W", "-g"))] + ["-w", "-fPIC"]
    plain = ["-O2" if flag == "-O1" else flag for flag in strict if "sanitize" not in flag]

    def test(name):
        return str(next((ROOT / "test/host").glob(f"*/test_{name}.c")).relative_to(ROOT))

    def core(name, kind, flags, tests, arguments):
        return World(name, "core", [*flags, *make["HOST_INCLUDE"], *make["KIND_" + kind]], make["CORE"],
                     [test(name) for name in tests], make["PARTS_" + kind], arguments)

    def frames(name, flags, tests):
        sources = [path for path in make["FRAMES"] if Path(path).name not in NOT_MUTATED]
        parts = [path for path in make["FRAMES"] if Path(path).name in NOT_MUTATED]
        parts += ["test/host/frames/frame_rig.c", "test/host/frames/frame_oracle.c"]
        flags = [*flags, *make["HOST_INCLUDE"], "-DPAGING_HEADERS_ONLY"]
        return World(name, "frames", flags, sources, [test(name) for name in tests], parts, [""])

    def every(entries):
        flags = [*plain, *make["EVERY_FLAGS"], *make["EVERY_" + entries]]
        return frames("frames-every-" + entries, flags, ["frames_every"])

    tests = [name for name in make["CORE_TESTS"] if name != "operation_table"]  # it reads the headers' text
    frame_tests = [*make["FRAME_TESTS"], "memory_audit"]
    return [core("soft", "soft", plain, tests, ["4", "4:direct", "5"]),
            core("toy", "toy", plain, make["TESTS_toy"], ["3", "4"]),
            core("mmap", "mmap", plain, tests, ["4"]), core("sanitized", "soft", strict, tests, ["4"]),
            frames("frames", plain, frame_tests), every("4"), every("2"),
            frames("frames-sanitized", strict, frame_tests)]
