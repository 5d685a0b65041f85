#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The boot runner asks QEMU for the right machine, and survives every machine. QEMU is a small script."""

import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from unittest import mock

import tap
import machine
import machine_time
import media
import varstore

PASSING = "KTAP version 1\n# levels=4\n1..1\nok 1 - it runs\n" \
          "# selfmap: PASS tests=1 passed=1 failed=0 skipped=0\n"


class CommandLine(unittest.TestCase):
    def words(self, **settings):
        with tempfile.TemporaryDirectory() as work:
            return machine.command(machine.Machine(image="a,b.img", **settings), Path(work))

    def setUp(self):
        for path in (machine.OVMF_VARS,):
            if not Path(path).is_file():
                self.skipTest(f"{path} is not there")

    def after(self, words, option):
        return [words[at + 1] for at, word in enumerate(words[:-1]) if word == option]

    def test_defaults(self):
        """boot: OVMF on q35 without network, screen window or reboot; the image is never written"""
        words = self.words()
        self.assertEqual(self.after(words, "-machine"), ["q35,memory-backend=ram"])
        self.assertEqual(self.after(words, "-nic"), ["none"])
        self.assertEqual(self.after(words, "-display"), ["none"])
        self.assertIn("-no-reboot", words)
        code, own_vars, disk = self.after(words, "-drive")
        self.assertIn("readonly=on", code)
        self.assertNotIn(machine.OVMF_VARS, own_vars)
        self.assertIn("snapshot=on,file=a,,b.img", disk)
        self.assertIn("isa-debug-exit,iobase=0xf4,iosize=0x04", self.after(words, "-device"))

    def test_starts(self):
        """boot: several starts stop the machine at a reset; a disk may be written to, or read only"""
        words = self.words(starts=(None, b"x"), disk="written", debug_exit=False)
        self.assertIn("-no-reboot", words)
        self.assertIn("-no-shutdown", words)
        self.assertIn("snapshot=off,file=a,,b.img", self.after(words, "-drive")[-1])
        self.assertNotIn("isa-debug-exit,iobase=0xf4,iosize=0x04", self.after(words, "-device"))
        self.assertNotIn("-no-shutdown", self.words())
        drive = self.after(self.words(disk="read-only"), "-drive")[-1]
        self.assertIn("snapshot=off,readonly=on,file=", drive)

    def test_uboot(self):
        """boot: U-Boot on pc, counting instructions"""
        words = self.words(firmware="uboot")
        self.assertEqual(self.after(words, "-machine"), ["pc,memory-backend=ram"])
        self.assertEqual(self.after(words, "-icount"), ["shift=7,sleep=off"])
        self.assertEqual(self.after(words, "-bios"), [machine.UBOOT_ROM])

    def test_secure_boot(self):
        """boot: Secure Boot has firmware and keys of its own, and a store that is written in SMM only"""
        for whose, store in machine.OVMF_SECURE_VARS.items():
            words = self.words(secure_boot=whose)
            self.assertEqual(self.after(words, "-machine"), ["q35,memory-backend=ram,smm=on"])
            self.assertEqual(self.after(words, "-global"), ["driver=cfi.pflash01,property=secure,value=on"])
            code, own_vars, _ = self.after(words, "-drive")
            self.assertIn(machine.OVMF_SECURE_CODE, code)
            self.assertNotIn(store, own_vars)

    def test_variables(self):
        """boot: the machine's own copy of the store has the variables that are asked for"""
        variables = varstore.machine_owner_keys(b"certificate")
        with tempfile.TemporaryDirectory() as work:
            machine.command(machine.Machine(image="a", variables=variables), Path(work))
            self.assertIn(variables[0].packed(), (Path(work) / "vars.fd").read_bytes())
        self.assertNotIn(b"certificate", Path(machine.OVMF_VARS).read_bytes())

    def test_media(self):
        """boot: a CD is one, and over the network the firmware gets a folder, not a disk"""
        for medium in media.MEDIA:
            words = self.words(medium=medium)
            drives = self.after(words, "-drive")[2:]
            self.assertEqual(len(drives), medium not in media.NETWORK)
            self.assertEqual("media=cdrom" in "".join(drives), medium in ("cd", "usb-cd"))
            self.assertEqual("snapshot=on" in "".join(drives), bool(drives))
        self.assertEqual(self.after(self.words(medium="pxe"), "-netdev"),
                         ["user,id=net,restrict=on,tftp=a,,b.img,bootfile=EFI/BOOT/BOOTX64.EFI"])

    def test_http(self):
        """boot: over HTTP the boot entry names this host, which serves the folder and nothing else"""
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever http_proxy says
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "file").write_bytes(b"content")
            with media.file_server("http", folder) as port:
                entry, order = media.variables("http", port)
                self.assertIn(f"http://10.0.2.2:{port}/EFI/BOOT/BOOTX64.EFI".encode(), entry.data)
                self.assertEqual((entry.name, order.name, order.data), ("Boot0000", "BootOrder", b"\0\0"))
                with directly.open(f"http://127.0.0.1:{port}/file") as answer:
                    self.assertEqual(answer.read(), b"content")
                with self.assertRaises(urllib.error.HTTPError):
                    directly.open(f"http://127.0.0.1:{port}/../../etc/passwd")
            with self.assertRaises(urllib.error.URLError):
                directly.open(f"http://127.0.0.1:{port}/file")

    def test_impossible(self):
        """boot: what U-Boot cannot do, and a network without a folder, are refused"""
        for settings, sentence in (({"firmware": "uboot", "secure_boot": "snakeoil"}, "needs OVMF"),
                                   ({"firmware": "uboot", "medium": "http"}, "need .* a variable store"),
                                   ({"medium": "pxe"}, "is not a folder with EFI/BOOT/BOOTX64.EFI in it")):
            with self.assertRaisesRegex(machine.MachineError, sentence):
                machine.boot(machine.Machine(image="/dev/null", **settings))

    def test_icount(self):
        """boot: OVMF counts instructions only if asked to"""
        self.assertEqual(self.after(self.words(), "-icount"), [])
        self.assertEqual(self.after(self.words(icount=True), "-icount"), ["shift=7,sleep=off"])

    def test_screen(self):
        """boot: a monitor that asks for a size takes the place of the usual one; other sizes are refused"""
        self.assertEqual(self.after(self.words(), "-vga"), ["std"])
        words = self.words(screen="2560x1600")
        self.assertEqual(self.after(words, "-vga"), ["none"])
        devices = " ".join(self.after(words, "-device"))
        self.assertRegex(devices, r"(^| )VGA,xres=2560,yres=1600,")
        for bad in ("2560", "x1600", "2560x1600x", "99x99", "800x600,vgamem_mb=1"):
            result = tap.run_tool("boot", "x", "--screen", bad)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"--screen {bad}: give it as 1280x800", result.stderr)
        result = tap.run_tool("boot", "x", "--screen", "800x600", "--vga", "none")
        self.assertIn("needs a display", result.stderr)

    def test_options(self):
        """boot: commas in options are doubled; a screen that is read makes the machine halt"""
        self.assertEqual(self.after(self.words(options="tests=a,b"), "-fw_cfg"),
                         ["name=opt/selfmap,string=tests=a,,b"])
        self.assertEqual(self.after(self.words(serial=False, options="tests=a"), "-fw_cfg"),
                         ["name=opt/selfmap,string=tests=a end=halt"])
        self.assertEqual(self.after(self.words(), "-fw_cfg"), ["name=opt/selfmap,string= "])
        self.assertEqual(self.after(self.words(bare=True), "-fw_cfg"), [])
        self.assertEqual(self.after(self.words(bare=True, options="menu=1"), "-fw_cfg"),
                         ["name=opt/selfmap,string=menu=1"])
        self.assertEqual(self.after(self.words(kernel="x.efi", append="a b"), "-append"), ["a b"])
        self.assertNotIn("-serial", self.words(serial=False))


class MadeUpMachine(unittest.TestCase):
    """tools/boot with a qemu-system-x86_64 that does what a test says."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "image").write_bytes(b"image")
        (self.folder / "log").write_text(PASSING)
        for path in (machine.OVMF_CODE, machine.OVMF_VARS):
            if not Path(path).is_file():
                self.skipTest(f"{path} is not there")

    def boot(self, body, *options):
        qemu = self.folder / "qemu-system-x86_64"
        qemu.write_text(f"#!/bin/sh\necho $$ >{self.folder}/pid\nlog={self.folder}/log\n{body}\n")
        qemu.chmod(0o755)
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}",
                       "TMPDIR": str(self.folder)}
        result = tap.run_tool("boot", self.folder / "image", *options, env=environment)
        self.assertEqual(list(self.folder.glob("selfmap-boot.*")), [], "the working folder is left behind")
        pid = int((self.folder / "pid").read_text())
        with self.assertRaises(ProcessLookupError, msg="QEMU is left behind"):
            os.kill(pid, 0)
        return result

    def expect(self, status, sentence, body, *options):
        result = self.boot(body, *options)
        last = result.stdout.rstrip("\n").split("\n")[-1]
        self.assertIn(sentence, last)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stderr, "")
        return result

    def test_pass(self):
        """boot: passes, shows the log, and the verdict comes last"""
        result = self.expect(0, "PASS: 1 of 1 tests passed, 0 failed, 0 skipped.", "cat $log; exit 33")
        self.assertEqual(result.stdout, PASSING + "PASS: 1 of 1 tests passed, 0 failed, 0 skipped.\n")

    def test_quiet(self):
        """boot: --quiet shows the verdict only, --log keeps the raw bytes"""
        kept = self.folder / "kept"
        result = self.expect(0, "PASS", "printf '\\033[2J\\000'; cat $log; exit 33", "--quiet", "--log", kept)
        self.assertEqual(len(result.stdout.splitlines()), 1)
        self.assertEqual(kept.read_bytes(), b"\x1b[2J\0" + PASSING.encode())

    def test_shutdown(self):
        """boot: a whole report and status 0 is not a pass"""
        self.expect(1, "shut down or reset by itself", "cat $log; exit 0")

    def test_triple_fault(self):
        """boot: finds the triple fault in QEMU's own log"""
        self.expect(1, "triple fault", '''cat $log
while [ "$1" != -D ]; do shift; done
echo "Triple fault" >"$2"; exit 0''')

    def test_hang(self):
        """boot: a machine that hangs is ended at the time limit, with its last lines"""
        result = self.expect(1, "hang", "echo last words; exec sleep 50", "--time-limit", "1")
        self.assertIn("    last words", result.stdout)

    def test_deaf(self):
        """boot: a machine that hangs and does not listen to SIGTERM is ended too"""
        self.expect(1, "hang", "trap '' TERM; while :; do sleep 1; done", "--time-limit", "1")

    def test_closed(self):
        """boot: a machine that closes its serial port and hangs"""
        self.expect(1, "hang", "cat $log; exec >&-; exec sleep 50", "--time-limit", "1")

    def test_idle(self):
        """boot: a report that falls silent is a hang, a silent firmware is not"""
        self.expect(1, "hang", "echo; head -3 $log; exec sleep 50", "--idle-limit", "1")
        self.expect(0, "PASS", "sleep 2; echo; cat $log; exit 33", "--idle-limit", "1")

    def test_halts(self):
        """boot: a machine that wants no processor any more is a hang as soon as one that loops"""
        for body in ("echo; head -3 $log; exec sleep 50", "echo; head -3 $log; while :; do :; done"):
            self.expect(1, "hang", body, "--idle-limit", "1")

    def test_held_back(self):
        """boot: a machine that nobody gives a processor is waited for, however long that takes"""
        held = "{ sleep 3; kill -CONT $$; } & echo; head -2 $log; kill -STOP $$; tail -n +3 $log; exit 33"
        self.expect(0, "PASS", held, "--idle-limit", "1", "--time-limit", "2")

    def test_flood(self):
        """boot: a machine that writes without end is ended"""
        self.expect(1, "without end", "cat $log; exec cat /dev/zero", "--quiet")
        self.expect(1, "without end", "exec yes ok", "--quiet")

    def test_not_started(self):
        """boot: QEMU's words when it does not start"""
        self.expect(1, "QEMU could not run the machine (status 1): no such cpu",
                    "echo no such cpu >&2; exit 1")
        self.expect(1, "QEMU could not run the machine (status -9)", "kill -9 $$")

    def test_no_image(self):
        """boot: without an image it says so, with status 2"""
        result = tap.run_tool("boot", self.folder / "none")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("none is not there", result.stderr)
        self.assertEqual(tap.run_tool("boot").returncode, 2)
        self.assertEqual(tap.run_tool("boot", "x", "--vga", "none", "--serial", "off").returncode, 2)
        self.assertEqual(tap.run_tool("boot", "x", "--vga", "virtio", "--serial", "off").returncode, 2)

    def test_no_report(self):
        """boot: options that send the report where it is not read are refused"""
        for word in ("serial=off", "console=off", "console=com2"):
            result = tap.run_tool("boot", "x", "--options", word)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"{word}: the report is read from the serial port COM1", result.stderr)


class MadeUpBochs(unittest.TestCase):
    """tools/boot with a bochs that does what a test says."""

    REPORT = "cat $log >$line"  # on the serial line
    SUMMARY = "PASS: 1 of 1 tests passed, 0 failed, 0 skipped."

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        esp = self.folder / "esp/EFI/BOOT"
        esp.mkdir(parents=True)
        (esp / "BOOTX64.EFI").write_bytes(b"MZ")
        (self.folder / "esp/selfmap.cfg").write_text("# a comment\ntests=null\n")
        self.image = self.folder / "image.img"
        for tool in ("mformat", "mcopy", "sgdisk"):
            if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
                self.skipTest(f"{tool} is not there")
        tap.run_tool("mkimage", self.image, self.folder / "esp")
        self.original = self.image.read_bytes()
        (self.folder / "log").write_text(PASSING)

    def boot(self, body, *options):
        program = self.folder / "bochs"
        program.write_text(f"""#!/bin/sh
if [ "$*" = "--help cpu" ]; then printf 'Models:\\n\\nold_one\\nnew_one\\nother\\n' >&2; exit; fi
echo $$ >{self.folder}/pid
cp bochsrc commands {self.folder}
line=$(sed -n 's/^com1:.*dev=//p' bochsrc)
MTOOLSRC=/dev/null mtype -i "$(sed -n 's/^ata0.*path="\\(.*\\)",.*/\\1/p' bochsrc)@@1M" \
    ::/selfmap.cfg >{self.folder}/cfg
log={self.folder}/log
{body}
""")
        program.chmod(0o755)
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}",
                       "TMPDIR": str(self.folder)}
        result = tap.run_tool("boot", "--emulator", "bochs", "--cpu", "other",
                              "--firmware", self.folder / "log", self.image, *options, env=environment)
        self.assertEqual(list(self.folder.glob("selfmap-boot.*")), [], "the working folder is left behind")
        self.assertEqual(self.image.read_bytes(), self.original, "the image was written to")
        return result

    def expect(self, status, sentence, body, *options):
        result = self.boot(body, *options)
        self.assertIn(sentence, (result.stdout + result.stderr).rstrip("\n").split("\n")[-1])
        self.assertEqual(result.returncode, status)
        if status < 2:
            with self.assertRaises(ProcessLookupError, msg="Bochs is left behind"):
                os.kill(int((self.folder / "pid").read_text()), 0)
        return result

    def test_pass(self):
        """boot: Bochs is ended once the log has the summary; the application has its options, and halts"""
        self.expect(0, self.SUMMARY, f"{self.REPORT}; exec sleep 50", "--options", "soak=5s # for a while",
                    "--memory", "3G")
        self.assertEqual((self.folder / "cfg").read_text().splitlines()[-3:],
                         ["menu=no", "soak=5s # for a while", "end=halt"])
        self.assertTrue((self.folder / "cfg").read_text().startswith("# a comment\ntests=null\n"))
        settings = (self.folder / "bochsrc").read_text()
        self.assertIn("memory: guest=3072, host=1024\n", settings)
        self.assertIn("cpu: model=other,", settings)
        self.assertEqual((self.folder / "commands").read_text(), "c\n")

    def test_hang(self):
        """boot: a Bochs that hangs is ended at the time limit, one that is deaf too"""
        self.expect(1, "hang", "echo last words >$line; exec sleep 50", "--time-limit", "1")
        self.expect(1, "hang", "trap '' TERM; while :; do sleep 1; done", "--time-limit", "1")

    def test_endings(self):
        """boot: triple faults and resets are found in Bochs's own log"""
        self.expect(1, "triple fault", f"""head -2 $log >$line
echo '448p[CPU0  ] >>PANIC<< exception(): 3rd (13) exception with no resolution' >bochs.log; exit 1""")
        reset = "echo '1i[SYS   ] bx_pc_system_c::Reset(HARDWARE) called' >>bochs.log"
        self.expect(1, "reset by itself", f"{reset}; head -2 $log >$line; {reset}; exec sleep 50")
        self.expect(0, self.SUMMARY, f"{reset}; {self.REPORT}; exec sleep 50")

    def test_unknown(self):
        """boot: an emulator that nobody knows is refused"""
        with self.assertRaisesRegex(machine.MachineError, "emulator is called qmeu; there are qemu, bochs"):
            machine.Machine(image="/dev/null", emulator="qmeu")

    def test_not_started(self):
        """boot: Bochs's own words when it does not start"""
        self.expect(1, "Bochs could not run the machine (status 1): no such plugin",
                    "echo no such plugin >&2; exit 1")

    def test_refused(self):
        """boot: what there is not on Bochs is refused with a sentence, and nothing is started"""
        for options, sentence in ((("--cpu", "386"), "has no processor 386; it has old_one, new_one, other"),
                                  (("--cpu", "One"), "has several processors One: old_one, new_one"),
                                  (("--smp", "2"), "no way yet to set smp on Bochs"),
                                  (("--screenshot", "x.png"), "no way yet to set screenshot on Bochs"),
                                  (("--medium", "usb"), "Bochs has no medium usb: take ide"),
                                  (("--vga", "virtio"), "Bochs has no display virtio"),
                                  (("--memory", "lots"), "memory = lots: give it as 512M"),
                                  (("--firmware", "uboot"), "U-Boot is not for Bochs"),
                                  (("--program", "/none/bochs"), "/none/bochs is not installed")):
            self.expect(2, sentence, f"{self.REPORT}", *options)
            self.assertFalse((self.folder / "pid").exists(), sentence)


class MachineTime(unittest.TestCase):
    """The machine's time, with made-up looks at its process."""

    def passed(self, *looks, step=1.0):
        """What it has had after looks that are a second apart: (processor time used, whether it sleeps)."""
        clock = iter([step * number for number in range(len(looks) + 1)])
        answers = iter([(0.0, True), *looks])
        of = machine_time.MachineTime(0, lambda pid: next(answers), lambda: next(clock))
        return [of.now() for _ in looks]

    def test_busy_host(self):
        """machine time: a process that waits for a processor has had what it used; one that sleeps, all"""
        self.assertEqual(self.passed((0.25, False), (0.25, False), (0.75, False)), [0.25, 0.25, 0.75])
        self.assertEqual(self.passed((0.25, True), (0.25, True)), [1.0, 2.0])
        self.assertEqual(self.passed((3.0, False), (9.0, False)), [1.0, 2.0], "several processors")
        self.assertEqual(self.passed((0.5, False), (None, True), (None, True)), [0.5, 1.5, 2.5], "it ended")

    def test_cap(self):
        """machine time: a process that never gets a processor is given up in the end"""
        at = [0.0]
        of = machine_time.MachineTime(0, lambda pid: (0.0, False), lambda: at[0])
        began = of.moment()
        end = machine_time.CAP * 2
        for at[0], over in ((19.0, False), (end - 0.5, False), (end + 0.5, True)):
            self.assertEqual(of.is_over(began, 2), over, at[0])

    def test_processes(self):
        """machine time: a process that sleeps, one that loops and one that is stopped are told apart"""
        bodies = {"exec sleep 50": True, "while :; do :; done": False, "kill -STOP $$": False}
        for body, sleeps in bodies.items():
            with subprocess.Popen(["sh", "-c", body], stdout=subprocess.DEVNULL) as process:
                try:
                    self.wait_for(lambda pid=process.pid, sleeps=sleeps: machine_time.look(pid)[1] == sleeps)
                    if body.startswith("while"):
                        self.wait_for(lambda pid=process.pid: machine_time.look(pid)[0] > 0)
                finally:
                    process.kill()
        self.assertEqual(machine_time.look(process.pid), (None, True))

    def wait_for(self, holds):
        end = time.monotonic() + 50
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


class Watching(unittest.TestCase):
    """The screen is looked at, beside a log whose end may be late."""

    SUMMARY = PASSING.split("\n")[-2]

    def watcher(self, has_log):
        watcher = machine.ScreenWatcher(Path("none"), "", has_log)
        watcher.PERIOD = 0
        watcher._monitor = mock.Mock()
        watcher._look = lambda: None
        watcher.lines = ["KTAP version 1"]
        return watcher

    def test_log_is_late(self):
        """boot: the summary on the screen does not end a run whose log has not come to it"""
        watcher, whole = self.watcher(True), PASSING.encode()
        self.assertFalse(watcher.sees_summary(whole), "the screen does not show it yet")
        watcher.lines = [self.SUMMARY]
        for end in (0, len(whole) // 2, len(whole) - 1):
            self.assertFalse(watcher.sees_summary(whole[:end]), whole[:end])
        self.assertTrue(watcher.sees_summary(whole))
        watcher._monitor.run.assert_called_with("cont")

    def test_log_does_not_come(self):
        """boot: a log that does not come to the summary is not waited for without end"""
        watcher, had = self.watcher(True), [0.0]
        watcher.lines, watcher.clock = [self.SUMMARY], lambda: had[0]
        for had[0] in (0.0, watcher.PATIENCE):
            self.assertFalse(watcher.sees_summary(b""))
        had[0] += 1
        self.assertTrue(watcher.sees_summary(b""))

    def test_no_log(self):
        """boot: without a log the screen is enough, and stands still"""
        watcher = self.watcher(False)
        watcher.lines = [self.SUMMARY]
        self.assertTrue(watcher.sees_summary(b""))
        watcher._monitor.run.assert_called_once_with("stop")


class Restarting(unittest.TestCase):
    def test_between(self):
        """boot: what shall happen between two starts happens while the machine stands still, each time"""
        told, monitor = [], mock.Mock()
        monitor.run.side_effect = lambda name, **_: told.append(name) or {"status": "prelaunch"}
        restarter = machine.Restarter(Path("none"), (b"one", b"two", b"three"),
                                      lambda _, starts: told.append(starts))
        restarter.PERIOD, restarter._monitor = 0, monitor
        log = b""
        for word in (b"one", b"two", b"three"):
            log += word
            self.assertFalse(restarter.sees_summary(log))
            self.assertEqual(restarter.sees_summary(log), word == b"three")
        self.assertEqual([word for word in told if word in (1, 2, "stop", "system_reset")],
                         ["stop", 1, "system_reset", "stop", 2, "system_reset"])


class Typing(unittest.TestCase):
    def typed(self, keys, *logs):
        with tempfile.TemporaryFile() as keyboard:
            typist = machine.Typist(keys, keyboard)
            seen = []
            for log in logs:
                typist.hears(log)
                keyboard.seek(0)
                seen.append(keyboard.read())
            return seen

    def test_in_order(self):
        """boot: keys are typed one after the other, each when the log shows what it waits for"""
        keys = [("^first", "a"), ("second", "\x1b[B"), ("first", "c")]
        log = b"second\nfirst second first"
        self.assertEqual(self.typed(keys, *(log[:length] for length in (6, 10, 12, 19, 25))),
                         [b"", b"", b"a", b"a\x1b[B", b"a\x1b[Bc"])

    def test_once(self):
        """boot: a line of the log is answered once, though it is looked at again and again"""
        keys = [("key", "a"), ("key", "b")]
        self.assertEqual(self.typed(keys, b"key", b"key", b"key key"), [b"a", b"a", b"ab"])


class Scenarios(unittest.TestCase):
    def test_table(self):
        """boot: the table of scenarios can be read, and an unknown name is refused with the known ones"""
        runner = str(tap.ROOT / "test/boot/run")
        names = tap.run_tool(runner, "--list").stdout.split()
        for name in ("ovmf-max", "uboot-pc", "screen-640x480", "crash-triple"):
            self.assertIn(name, names)
        result = tap.run_tool(runner, "none-such")
        self.assertEqual(result.returncode, 2)
        self.assertIn("crash-triple", result.stderr)


tap.main()
