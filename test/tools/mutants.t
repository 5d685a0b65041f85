#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The generator of mutants: what it changes, what it leaves alone, and how lists of exceptions are read."""

import os
import re
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter

import tap

sys.path.insert(0, str(tap.ROOT / "test" / "mutants"))
import application  # noqa: E402 pylint: disable=wrong-import-position
import bounded  # noqa: E402 pylint: disable=wrong-import-position
import ctokens  # noqa: E402 pylint: disable=wrong-import-position
import listed  # noqa: E402 pylint: disable=wrong-import-position
import reached  # noqa: E402 pylint: disable=wrong-import-position
import sites  # noqa: E402 pylint: disable=wrong-import-position
import worlds  # noqa: E402 pylint: disable=wrong-import-position


def mutants(body, before="static void f(int a)"):
    """Every mutant of a function with this body, as its body."""
    text = f"{before}\n{{\n    {body}\n}}\n"
    found = {}
    for site in sites.sites_of("paging/x.c", text):
        changed = re.search(r"\{\n    (.*)\n\}\n$", site.apply(text), re.S).group(1)
        found.setdefault(site.operator, []).append(changed)
    return found


def sources():
    """The files that make mutants changes."""
    return [tap.ROOT / path for subject in worlds.MUTATED for path in worlds.mutated(subject)]


class Mutants(unittest.TestCase):
    def test_statements(self):
        """mutants: calls, assignments, steps and jumps are deleted; calls side by side change places"""
        found = mutants("a = 1; f(a); g(a); a++; struct t b = h(a); while (a) break;")
        self.assertEqual(len(found["delete"]), 5)
        self.assertIn("a = 1; ; g(a); a++; struct t b = h(a); while (a) break;", found["delete"])
        self.assertEqual(found["swap"], ["a = 1; g(a); f(a); a++; struct t b = h(a); while (a) break;"])

    def test_conditions(self):
        """mutants: conditions are negated, taken for true, lose each of their terms, and what they govern"""
        found = mutants("if (a && b(1) && c) return;")
        self.assertEqual(found["drop"], ["if ( b(1) && c) return;", "if (a  && c) return;",
                                         "if (a && b(1) ) return;"])
        self.assertEqual(found["condition"], ["if (!(a && b(1) && c)) return;", "if (true) return;"])
        self.assertEqual(found["delete"], ["if (a && b(1) && c) ;"])
        self.assertEqual(found["constant"], ["if (a && b(2) && c) return;", "if (a && b(0) && c) return;"])

    def test_comparisons(self):
        """mutants: a comparison becomes its opposite, and differs at the border"""
        found = mutants("if (a < b) c = 0;")
        self.assertEqual(found["compare"], ["if (a <= b) c = 0;", "if (a >= b) c = 0;"])
        self.assertEqual(mutants("c = a == b;")["compare"], ["c = a != b;"])

    def test_answers(self):
        """mutants: a function that returns what another one says says the opposite"""
        self.assertEqual(mutants("return g(a);", "static bool f(int a)")["answer"], ["return !(g(a));"])
        self.assertNotIn("answer", mutants("return a < 1;", "static bool f(int a)"))

    def test_masks(self):
        """mutants: each term of a mask is dropped, whatever binds closer stays with it"""
        found = mutants("a = ONE | (b & TWO) | x << 3;")["drop"]
        self.assertEqual(sorted(found), ["a =  (b & TWO) | x << 3;", "a = ONE  | x << 3;",
                                         "a = ONE | ( TWO) | x << 3;",
                                         "a = ONE | (b & TWO) ;", "a = ONE | (b ) | x << 3;"])

    def test_no_operators(self):
        """mutants: casts and pointers are not arithmetic; text, comments and includes are not code"""
        found = mutants('const char *s = (char *)"a + b"; g(&a, *p, (uint64_t)-a); /* a + b */ // a - b')
        self.assertNotIn("exchange", found)
        self.assertEqual(sites.sites_of("x.h", '#ifndef X_H\n#define X_H\n#include "a-b.h"\n#endif\n'), [])

    def test_macros(self):
        """mutants: a macro's text is changed"""
        text = "#define MASK \\\n    (ONE | \\\n     TWO) /* three | four */\n"
        self.assertEqual([site.function for site in sites.sites_of("x.h", text) if site.operator == "drop"],
                         ["MASK", "MASK"])

    def test_brackets(self):
        """mutants: every change leaves the brackets of every source balanced"""
        for path in sources():
            text = path.read_text()
            for site in sites.sites_of(path.name, text):
                old = "".join(text[start:end] for start, end, _ in site.edits)
                new = "".join(piece for _, _, piece in site.edits)
                for brackets in ("()", "[]", "{}"):
                    surplus = [piece.count(brackets[0]) - piece.count(brackets[1]) for piece in (old, new)]
                    self.assertEqual(surplus, [0, 0], site.key)

    def test_every_function(self):
        """mutants: there are some in every function that computes or decides"""
        for path in sources():
            text = path.read_text()
            seen = {site.function for site in sites.sites_of(path.name, text)}
            for part in ctokens.functions(text):
                if "__asm__" in {token.text for token in part.tokens}:
                    continue
                if {"+", "<", "==", "&&", "=", "if", "for"} & {token.text for token in part.tokens}:
                    self.assertIn(part.name, seen, path.name)

    def test_deterministic(self):
        """mutants: each key names one site, and does not change when lines are added above"""
        for path in sources():
            text = path.read_text()
            keys = [site.key for site in sites.sites_of(path.name, text)]
            self.assertEqual(len(keys), len(set(keys)))
            self.assertEqual(keys, [site.key for site in sites.sites_of(path.name, "\n/* x */\n" + text)])

    def test_keys(self):
        """mutants: a key is file, function, operator and number; folders and names are not part of it"""
        text = "static int f(int a)\n{\n    g(a);\n    g(a);\n    return a;\n}\n"

        def keys(path, changed):
            return [site.key for site in sites.sites_of(path, changed)]

        self.assertEqual(keys("one/x.c", text), ["x.c f delete 1", "x.c f swap 1", "x.c f delete 2",
                                                 "x.c f off-by-one 1"])
        other = "#define G 1\n" + text.replace("g(a)", "other_name(\n/* why */ a)")
        self.assertEqual(keys("x.c", text), [key for key in keys("two/x.c", other) if " f " in key])

    def test_hints(self):
        """mutants: a line for the list fits into 110 characters, and reads as the key it was made of"""
        text = "static void f(void)\n{\n    " + "a_name_that_is_long(" * 9 + ")" * 9 + ";\n}\n"
        for site in sites.sites_of("x.c", text):
            self.assertLessEqual(len(site.listed), 110)
            self.assertEqual(listed.parse(f"why\n{site.listed}\n"), ([(site.key, "why")], []))

    def test_list(self):
        """mutants: an entry of a list that fits nothing, or stands there twice, is an error"""
        text = "why\nit is so\n    one 2\n    three  # a hint  # two\nanother why\n    four\n"
        found, errors = listed.check(["one 2", "three", "four"], text)
        self.assertEqual(found, {"one 2": "why it is so", "three": "why it is so", "four": "another why"})
        self.assertEqual(errors, [])
        self.assertIn("no such place: three", listed.check(["one 2", "four"], text)[1][0])
        self.assertIn("twice", listed.check(["a"], "why\n    a\n    a\n")[1][0])
        self.assertIn("line 1", listed.check(["a"], "    a\n")[1][0])

    def test_stale(self):
        """mutants: a line of the list that shows another change than its key names is an error"""
        lines = {"x.c f drop 1": "    x.c f drop 1  # [a | -> ] b"}
        text = "why\n" + lines["x.c f drop 1"] + "\n"
        self.assertEqual(list(listed.stale(lines, text)), [])
        self.assertIn("[a | -> ] b", "".join(listed.stale(lines, text.replace("a |", "a &"))))


BOUNDED = tap.ROOT / "test/mutants/bounded.py"


def is_there(pid):
    """Is the process there, and not only waited for?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Bounded(unittest.TestCase):
    def assert_ends(self, pid):
        end = time.monotonic() + 30
        while is_there(pid) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(is_there(pid), "a process was left behind")

    def test_status(self):
        """bounded: the status is that of the command, also of one that a signal ends"""
        for script, status in (("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)):
            run = subprocess.run([BOUNDED, "60", "sh", "-c", script], check=False)
            self.assertEqual(run.returncode, status, script)

    def test_processor_time(self):
        """bounded: a loop is ended by its processor time, with all that it started"""
        script = "(exec sleep 1000) & echo $!; while :; do :; done"
        run = subprocess.run([BOUNDED, "1", "sh", "-c", script], stdout=subprocess.PIPE, text=True,
                             check=False)
        self.assertEqual(run.returncode, 124)
        self.assert_ends(int(run.stdout))

    def test_standstill(self):
        """bounded: what uses no processor time for long is ended, and what uses some is not"""
        idle = bounded.IDLE
        bounded.IDLE = 1.0
        self.addCleanup(setattr, bounded, "IDLE", idle)
        with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
            self.assertIsNone(bounded.follow(process, 60))
            bounded.end(process.pid)
        self.assert_ends(process.pid)
        bounded.IDLE = idle
        with subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"],
                              start_new_session=True) as process:
            self.assertEqual(bounded.follow(process, 60), 0)

    def test_nobody_waits(self):
        """bounded: when its starter is killed, the command ends, with all that it started"""
        command = f"{BOUNDED} 60 sh -c 'sleep 1000 & echo $!; wait' & wait"
        with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, text=True) as starter:
            pid = int(starter.stdout.readline())
            self.assertTrue(is_there(pid))
            os.kill(starter.pid, signal.SIGKILL)
            self.assert_ends(pid)

    def test_ended_at_the_start(self):
        """bounded: a signal that comes while the command is started ends it, too"""
        script = """if True:
            import os, signal, subprocess, sys
            import bounded
            start = subprocess.Popen
            def popen(*arguments, **options):
                process = start(*arguments, **options)
                print(process.pid, flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
                return process
            subprocess.Popen = popen
            sys.argv = ["bounded", "60", "sleep", "100"]
            sys.exit(bounded.main())
            """
        with subprocess.Popen([sys.executable, "-B", "-c", script], cwd=BOUNDED.parent,
                              stdout=subprocess.PIPE, text=True) as starter:
            self.assert_ends(int(starter.stdout.readline()))
            self.assertEqual(starter.wait(), 124)


class Reached(unittest.TestCase):
    def test_lines(self):
        """reached: addresses become lines of files, wherever the image was loaded"""
        reader = reached.Reader.__new__(reached.Reader)
        reader._functions = {0x1000, 0x1080, 0x2040}  # pylint: disable=protected-access
        reader._lines = {0x1000: {("a.c", 3)}, 0x1080: {("a.c", 9), ("b.h", 1)},
                         0x2040: {("b.c", 2)}, 0x3000: {("b.c", 7)}}
        log = b"CPU Reset\n0x7fff0: firmware\nIN: \n0x45601000:  push\n0x45601080:  ret\n0x45602040:  nop\n"
        self.assertEqual(reader.lines([log]), {"a.c": {3, 9}, "b.h": {1}, "b.c": {2}})


class Boots(unittest.TestCase):
    """Which boots a mutant of one line is tried by."""

    def known(self, boots):
        tests = application.Tests.__new__(application.Tests)
        tests.kills, tests.boots, tests.most_seconds = Counter(), boots, 45
        tests.functions = {}
        return tests

    def names(self, tests, line=12):
        site = sites.Site("kernel/console/canvas.c", "f", "delete", line, [], "")
        tests.functions[("canvas.c", "f")] = ("canvas.c", range(1, 40))
        return [boot.name for boot in tests.boots_of(site)]

    def test_only_what_executes(self):
        """mutants: only boots that execute the function are tried, the line itself first"""
        boots = [application.Boot("other", 1.0, {"two.c": {1}}),
                 application.Boot("function", 1.0, {"canvas.c": {3}}),
                 application.Boot("line", 1.0, {"canvas.c": {3, 12}})]
        self.assertEqual(self.names(self.known(boots)), ["line", "function"])

    def test_variety(self):
        """mutants: of boots that execute the same lines, one comes before the rest"""
        boots = [application.Boot(f"same-{i}", 1.0, {"canvas.c": {12, 13}}) for i in range(20)]
        boots.append(application.Boot("odd", 30.0, {"canvas.c": {12, 14}}))
        self.assertIn("odd", self.names(self.known(boots))[:2])

    def test_limit(self):
        """mutants: a survivor costs a bounded number of boots, and of seconds"""
        boots = [application.Boot(f"{i}", 1.0, {"canvas.c": {12, 13 + i}}) for i in range(20)]
        self.assertEqual(len(self.names(self.known(boots))), application.MOST_BOOTS)
        boots = [application.Boot(f"{i}", 20.0, {"canvas.c": {12, 13 + i}}) for i in range(20)]
        self.assertEqual(len(self.names(self.known(boots))), 2)


tap.main()
