# SPDX-License-Identifier: MIT
"""spcr.py - makes the ACPI table SPCR that a scenario gives its machine.

    table("address=2f8")                                   COM2, 115200 baud
    table("space=0 address=fe032000 bits=20 access=3")     32-bit registers in memory

All numbers are hexadecimal. The fields and what they are without a word of their own: FIELDS.
"""

import struct

FIELDS = {"revision": 2, "type": 0, "space": 1, "bits": 8, "access": 1, "address": 0x3f8, "baud": 7,
          "clock": 0, "precise": 0}


def table(words):
    """The table as bytes. (A wrong checksum would be of no use: QEMU corrects it.)"""
    given = dict(word.split("=", 1) for word in words.split())
    if unknown := set(given) - set(FIELDS):
        raise ValueError(f"spcr: no field is called {', '.join(sorted(unknown))}")
    value = {**FIELDS, **{name: int(number, 16) for name, number in given.items()}}
    body = struct.pack("<B3xBBBBQ", value["type"], value["space"], value["bits"], 0, value["access"],
                       value["address"])
    body += struct.pack("<BBIBBBBBB", 0, 0, 0, value["baud"], 0, 1, 0, 3, 0)  # no interrupts; ANSI terminal
    body += struct.pack("<HHBBBIBI", 0xffff, 0xffff, 0, 0, 0, 0, 0, value["clock"])  # not a PCI device
    if value["revision"] >= 4:
        body += struct.pack("<IHH2s", value["precise"], 2, 88, b".\0")
    header = struct.pack("<4sIBB6s8sI4sI", b"SPCR", 36 + len(body), value["revision"], 0, b"SELFMP",
                         b"SCENARIO", 1, b"TEST", 1)
    whole = bytearray(header + body)
    whole[9] = -sum(whole) & 0xff
    return bytes(whole)
