#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py - run the benchmark of the paging core and say what its figures mean.

  table [PATTERN]   time and instructions of every row whose "WORK WORLD" matches, beside the limit
  write             count instructions and write them to test/bench/counts
  check             count them again; TAP on stdout, "not ok" for each row that needs more than is allowed

Times are never a reason to fail: they belong to the machine. Instruction counts belong to the source and the
compiler. They are exact, but a few percent may come and go with the code around a function.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ROOT / "test" / "bench" / "counts"
PROGRAMS = [ROOT / "build" / "bench" / kind / "bench" for kind in ("plain", "fold")]
TOLERANCE = 0.03
ROUNDING = 0.001  # the last digit that the file keeps
ZERO = "bench_table_zero"  # its own instructions are left out; tables that it zeroed are counted instead
HEADER = """\
# Instructions per unit of work, and tables zeroed in all. `make test` allows {percent:.0f} percent more.
# Written by `make bench-counts`; a commit that changes it says why. README.md tells what is counted.
# compiler: {compiler}
"""


class BenchError(Exception):
    """The benchmark itself went wrong."""


def run(command):
    """Run a program of ours to its end and return what it printed."""
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=600, check=False)
    if result.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: status {result.returncode}\n{result.stderr}")
    return result.stdout


def compiler():
    return run([os.environ.get("CC", "gcc"), "--version"]).splitlines()[0]


# ---- what callgrind wrote ----------------------------------------------------------------------------------

def parse_dumps(text):
    """{name: instructions without those of ZERO} of callgrind's dumps, strings uncompressed.

    A cost line is a position and a number. The one after "calls=" is the callee's cost, which stands with the
    callee as well.
    """
    dumps = {}
    name = function = None
    own = zeroing = 0
    is_callees = False
    for line in text.splitlines():
        if line.startswith("desc: Trigger: "):
            name = line.rsplit(": ", 1)[1]
            own = zeroing = 0
        elif line.startswith("fn="):
            function = line[len("fn="):]
        elif line.startswith("calls="):
            is_callees = True
        elif re.match(r"[-+*0-9]", line):
            cost = 0 if is_callees else int(line.split()[1])
            own, zeroing = (own, zeroing + cost) if function == ZERO else (own + cost, zeroing)
            is_callees = False
        elif line.startswith("totals:"):
            if own + zeroing != int(line.split()[1]):
                raise BenchError(f"the costs of {name} do not add up to {line}")
            dumps[name] = own
    return dumps


def count_program(program):
    """The JSON rows of one program, each with "instructions": {side: per unit}."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dumps"
        printed = run(["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--compress-strings=no",
                       "--compress-pos=no", "--combine-dumps=yes", f"--callgrind-out-file={out}", program,
                       "--counts"])
        dumps = parse_dumps(out.read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in printed.splitlines()]
    for row in rows:
        prefix = f"{row['work']}/{row['world']}/"
        row["instructions"] = {name[len(prefix):]: counted / row["units"] for name, counted in dumps.items()
                               if name.startswith(prefix)}
        if "core" not in row["instructions"]:
            raise BenchError(f"callgrind has no dump of {prefix}core")
    return rows


def count_all():
    """{(work, world): the row as counted, with fewer units than the row that is timed}"""
    return {(row["work"], row["world"]): row for program in PROGRAMS for row in count_program(program)}


# ---- the file of counts ------------------------------------------------------------------------------------

def read_counts(path):
    """{(work, world): (instructions, zeroed tables)} and the compiler they were counted with."""
    counts, made_with = {}, ""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("# compiler: "):
            made_with = line[len("# compiler: "):]
        words = line.split()
        if line.startswith("#") or not words:
            continue
        key = tuple(words[:2])
        if len(words) != 4 or key in counts:
            raise BenchError(f"{path}: a line is wrong or there twice: {line}")
        counts[key] = (float(words[2]), float(words[3]))
    return counts, made_with


def format_counts(counts, made_with):
    lines = [f"{work:<16} {world:<8} {instructions:>11.3f} {zeroed:>6.0f}"
             for (work, world), (instructions, zeroed) in counts.items()]
    return HEADER.format(percent=TOLERANCE * 100, compiler=made_with) + "\n".join(lines) + "\n"


def judge(allowed, counted):
    """(good, what, remark) for each row there is on either side."""
    for key in list(allowed) + [key for key in counted if key not in allowed]:
        what = " ".join(key)
        if key not in counted:
            yield False, what, "is in the file but was not measured"
        elif key not in allowed:
            yield False, what, "is not in the file; make bench-counts puts it there"
        else:
            pairs = list(zip(("instructions", "zeroed tables"), allowed[key], counted[key]))
            more = [f"{now:.5g} {name} where {before:.5g} are allowed" for name, before, now in pairs
                    if now > before * (1 + TOLERANCE) + ROUNDING]
            less = [f"{now:.5g} {name}, were {before:.5g}" for name, before, now in pairs
                    if now < before * (1 - TOLERANCE) - ROUNDING]
            if less and not more:
                less.insert(0, "now less: renew the file with make bench-counts")
            yield not more, what, "; ".join(more + less)


def check(allowed, counted, made_with, now_with):
    """Print TAP; true if every row is good."""
    results = list(judge(allowed, counted))
    print(f"1..{len(results)}")
    if made_with != now_with:
        print(f"# the file was counted with {made_with or 'an unknown compiler'}, this is {now_with}")
    for number, (good, what, remark) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - instructions: {what}")
        if remark:
            print(f"# {what}: {remark}")
    return bool(results) and all(good for good, _, _ in results)


def core_counts(counts):
    return {key: (row["instructions"]["core"], row["zeroed"]) for key, row in counts.items()}


# ---- the table ---------------------------------------------------------------------------------------------

# Targets for instructions are for the accessor that the application uses; other walks have more steps.
COUNTED_WORLDS = ("window4", "any")
COLUMNS = ("work", "world", "core ns", "limit ns", "loop ns", "vector ns", "core i", "limit i", "loop i",
           "ratio", "target", "verdict", "tables", "minimum", "zeroed", "flushes")


def verdict(row, instructions):
    """The targets in words; and ok, over, or nothing where there is no target."""
    targets, over = [], row["tables"] != row["minimum"]
    if row["most_percent"]:
        targets.append(f"{row['most_percent'] / 100:.2f}")
        over |= row["permille"] > 10 * row["most_percent"]
    if row["most_instructions"] and row["world"] in COUNTED_WORLDS:
        targets.append(f"{row['most_instructions']} i")
        over |= instructions["core"] - instructions["loop"] > row["most_instructions"]
    return " ".join(targets), ("over" if over else "ok") if targets or over else ""


def line_of(row, counted):
    def time(side):
        return f"{row[side + '_ps'] / 1000:.3f}" if side + "_ps" in row else ""

    def instructions(side):
        return f"{counted[side]:.1f}" if side in counted else ""

    target, word = verdict(row, counted)
    flushes = str(row["page_flushes"]) + (f" + {row['full_flushes']} full" if row["full_flushes"] else "")
    return (row["work"], row["world"], time("core"), time("limit"), time("loop"), time("vector"),
            instructions("core"), instructions("limit"), instructions("loop"),
            f"{row['permille'] / 1000:.2f}" if "permille" in row else "", target, word, str(row["tables"]),
            str(row["minimum"]), str(row["zeroed"]), flushes)


def print_table(rows, titles):
    widths = [max(len(row[i]) for row in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
    for row in [COLUMNS, *rows]:
        print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print("\nns and i (instructions) are per unit, and have the loop in them. The ratio is of ns; targets in"
          "\ni are without the loop. Zeroing is in ns, not in i; how many tables were zeroed has a column."
          "\ntables, minimum, zeroed and flushes are for all units. test/bench/README.md says more.\n")
    for name, title in titles.items():
        print(f"  {name:<16} {title}")


def table(pattern, rounds):
    wanted = [(program, *line.split()) for program in PROGRAMS
              for line in run([program, "--list"]).splitlines() if re.search(pattern, line)]
    if not wanted:
        raise BenchError(f'no row matches "{pattern}"')
    counted = count_all()
    rows, titles = [], {}
    for done, (program, work, world) in enumerate(wanted, 1):
        print(f"\r{done} of {len(wanted)}: {work} {world}\033[K", end="", file=sys.stderr, flush=True)
        # Each in a process of its own: what one leaves in caches and page tables is not the next one's.
        row = json.loads(run([program, "--time", work, world, rounds]))
        titles[work] = f"{row['title']}, per {row['unit']}"
        rows.append(line_of(row, counted[row["work"], row["world"]]["instructions"]))
    print("\r\033[K", end="", file=sys.stderr)
    print_table(rows, titles)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("table", "write", "check"):
        command = commands.add_parser(name)
        if name == "table":
            command.add_argument("pattern", nargs="?", default="")
            command.add_argument("--rounds", type=int, default=31, help="how often; the median is shown")
        if name == "check":
            command.add_argument("--allowed", default=COUNTS, help="another file than test/bench/counts")
            command.add_argument("--measured", help="take the counts from this file instead of counting")
    arguments = parser.parse_args()
    try:
        if arguments.command == "table":
            table(arguments.pattern, arguments.rounds)
        elif arguments.command == "write":
            COUNTS.write_text(format_counts(core_counts(count_all()), compiler()), encoding="utf-8")
            print(f"{COUNTS.relative_to(ROOT)} is written")
        else:
            allowed, made_with = read_counts(arguments.allowed)
            counted, now_with = (read_counts(arguments.measured) if arguments.measured
                                 else (core_counts(count_all()), compiler()))
            return 0 if check(allowed, counted, made_with, now_with) else 1
    except (BenchError, OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
