# SPDX-License-Identifier: MIT
"""debug_session.py - what debug.t does inside gdb. gdb_commands.py is loaded already, in the same namespace.

Answers go as JSON to the file $SESSION. $SCRIPT says which of the functions below runs.
"""

import json
import os

R_W, U_S, XD, BIT_51 = 1 << 1, 1 << 2, 1 << 63, 1 << 51


def said(command):
    """What a command prints, or the sentence with which it fails."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return f"error: {error}"


def walk(address):
    """pt-walk beside QEMU's own walker."""
    return {"pt-walk": said(f"pt-walk {address:#x}"), "gva2gpa": ask_monitor(f"gva2gpa {address:#x}")}


def write_entry(met, value):
    with physical_memory():
        gdb.selected_inferior().write_memory(met.table + 8 * met.index, struct.pack("<Q", value))


def entry_on_the_way(address, level):
    return next(met for met in Machine().path(address) if met.level == level)


def broken(address, level, change, question):
    """What `why` answers while an entry on the way is changed."""
    met = entry_on_the_way(address, level)
    write_entry(met, change(met.entry))
    try:
        return said(question)
    finally:
        write_entry(met, met.entry)


def places(frames, code):
    """Addresses to walk to: mapped ones, windows through the recursive slot, and such that lead nowhere."""
    return [frames, code, address_of("$rsp"), 0xffffff8000000000 + (code >> 9 & ~7), 0xfffffffffffff000,
            address_of("handoff->stack_guard"), 0, 0xffffff0000000000, 0xfffffe8000000000]


def frames_with_dirty_memory():
    """What `frames` says while the bookkeeping that is not initialised yet holds anything."""
    frames = allocator()
    zone = frames["zones"][int(frames["zone_count"]) - 1]
    dirty = []
    for number, items in ((0, 512 ** 2), (1, 512)):
        item = (int(zone["first_uninitialised"]) + 2) * items
        tier = zone["tiers"][number]
        dirty.append(int(tier["free"]) + (item - int(tier["first"])) // 64 * 8)
    for address in dirty:
        gdb.selected_inferior().write_memory(address, b"\x55" * 8)
    try:
        return said("frames")
    finally:
        for address in dirty:
            gdb.selected_inferior().write_memory(address, bytes(8))


def at_the_end():
    gdb.execute("break end_run")
    gdb.execute("continue")
    frames, code = address_of("&'kernel/boot/main.c'::frames"), address_of("kernel_main")
    page = code & ~0xfff
    wrong = ("pt-walk", "pt-walk nothing_like_this", "why", "pt-dump 1 2 3", "pt-dump 2 1", "frames 1",
             "guest-log x")
    return {
        "walks": [(address, walk(address)) for address in places(frames, code)],
        "dump": said("pt-dump"),
        "some": said(f"pt-dump {page:#x} {page + 4096:#x}"),
        "frames": said("frames"),
        "frames, dirty": frames_with_dirty_memory(),
        "allowed": said("why kernel_main x"),
        "read only": broken(frames, 1, lambda entry: entry & ~R_W, f"why {frames:#x} w"),
        "read only above": broken(frames, 2, lambda entry: entry & ~R_W, f"why {frames:#x} w"),
        "reserved": broken(frames, 1, lambda entry: entry | BIT_51, f"why {frames:#x} r"),
        "no execute": broken(code, 3, lambda entry: entry | XD, "why kernel_main x"),
        "not present": broken(code, 2, lambda entry: entry & ~1, "why kernel_main r"),
        "user page": broken(frames, 1, lambda entry: entry | U_S, f"why {frames:#x} w"),
        "errors": [said(command) for command in wrong],
        "log": said("guest-log 2"),
    }


def broken_for_good():
    """The allocator's bookkeeping becomes read-only. The processor must find the same as `why`."""
    gdb.execute("break selftest_run_all")
    gdb.execute("continue")
    address = int(allocator()["zones"][0]["tiers"][0]["free"])
    met = entry_on_the_way(address, 1)
    write_entry(met, met.entry & ~R_W)
    for change in ("| 8", "& ~8"):  # so that no older translation is left; gdb writes only what is new
        gdb.execute(f"set $cr3 = $cr3 {change}")
    answer = said(f"why {address:#x} w")
    gdb.execute("break report_crash")
    gdb.execute("continue")
    return {"why": answer, "page": address >> 12}


def frame_pointers():
    """The functions that the chain of frame pointers leads through, from inside an exception's handler."""
    gdb.execute("break report_crash")
    gdb.execute("continue")
    names, frame = [], register("rbp")
    while frame and len(names) < 20:
        frame, address = struct.unpack("<QQ", gdb.selected_inferior().read_memory(frame, 16))
        names.append(said(f"info symbol {address - 1}").split()[0])  # of the call
    return {"names": names}


def write_late(when):
    """Changes a byte of the first page that is compared at that time, as a device would. Its address."""
    gdb.execute("tbreak memory_audit_compare " + (f'if $_streq(noticed, "{when}")' if when else ""))
    gdb.execute("continue")
    address = int(gdb.parse_and_eval("run->frames.start")) << 12
    at = address + 4095
    byte = bytes(gdb.selected_inferior().read_memory(at, 1))
    gdb.selected_inferior().write_memory(at, bytes([byte[0] ^ 1]))
    return address


def late_writes():
    """Pages of boot services' memory change each time before they are compared; and who gets them then."""
    written = [write_late(when) for when in ("soon after the exit", "after the call of GetVariable")]
    gdb.execute("tbreak frames_init")
    gdb.execute("continue")
    gdb.execute("up")
    count = int(gdb.parse_and_eval("region_count"))
    regions = [gdb.parse_and_eval(f"handoff->memory[{number}]") for number in range(count)]
    kinds = [str(region["kind"]) for address in written for region in regions
             if int(region["start"]["number"]) <= address >> 12 < int(region["end"]["number"])]
    written.append(write_late("after the last self-test"))
    gdb.execute("tbreak end_run")
    gdb.execute("continue")
    return {"written": written, "kinds": kinds}


gdb.execute("set pagination off")
SCRIPTS = {"end": at_the_end, "broken": broken_for_good, "chain": frame_pointers, "late": late_writes}
with open(os.environ["SESSION"], "w", encoding="utf-8") as answers:
    json.dump(SCRIPTS[os.environ["SCRIPT"]](), answers)
