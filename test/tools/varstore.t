#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Variables are put into OVMF's store as the firmware would read them."""

import struct
import unittest
from pathlib import Path

import tap
import machine
import varstore

HEADER = 72  # of the made-up volume
CAPACITY = 400


def made_up_store(content=b""):
    """A volume whose header says how long it is, a store, its variables, and space."""
    volume = bytearray(HEADER)
    struct.pack_into("<H", volume, 48, HEADER)
    head = varstore.STORE_GUID.bytes_le + struct.pack("<IBBHI", CAPACITY, 0x5A, 0xFE, 0, 0)
    return bytes(volume) + head + content.ljust(CAPACITY - len(head), b"\xff") + b"behind"


def variables_of(store):
    """(name, attributes, data) of each variable, read by the layout in the specification."""
    at, found = HEADER + 28, []
    while store[at:at + 2] == b"\xaa\x55":
        attributes, name_size, data_size = struct.unpack_from("<I28xII", store, at + 4)
        name = store[at + 60:at + 60 + name_size].decode("utf-16-le")
        data = store[at + 60 + name_size:at + 60 + name_size + data_size]
        found.append((name.rstrip("\0"), attributes, data))
        at += (60 + name_size + data_size + 3) // 4 * 4
    return found


class Store(unittest.TestCase):
    def test_adds(self):
        """varstore: new variables stand behind the old ones, each aligned, and nothing else changes"""
        first = varstore.add(made_up_store(), [varstore.Variable("Odd", varstore.GLOBAL, b"abc")])
        second = varstore.add(first, [varstore.Variable("B", varstore.SHIM, b"d", 3),
                                      varstore.Variable("C", varstore.SHIM, b"")])
        self.assertEqual(variables_of(second), [("Odd", 7, b"abc"), ("B", 3, b"d"), ("C", 7, b"")])
        self.assertEqual((len(second), second[-6:]), (len(first), b"behind"))
        self.assertEqual(varstore.add(second, []), second)
        self.assertEqual(varstore.add(b"of another firmware", []), b"of another firmware")

    def test_full(self):
        """varstore: a store without space, and what is none, are refused"""
        with self.assertRaisesRegex(varstore.StoreError, "no space for the variable Big"):
            varstore.add(made_up_store(), [varstore.Variable("Big", varstore.GLOBAL, bytes(CAPACITY))])
        for data in (b"", bytes(4096), made_up_store()[:80]):
            with self.assertRaisesRegex(varstore.StoreError, "not a variable store"):
                varstore.add(data, [varstore.Variable("A", varstore.GLOBAL, b"")])

    def test_ovmf(self):
        """varstore: OVMF's stores take a certificate and a boot entry"""
        for path in (machine.OVMF_VARS, *machine.OVMF_SECURE_VARS.values()):
            if not Path(path).is_file():
                self.skipTest(f"{path} is not there")
            store = Path(path).read_bytes()
            new = varstore.machine_owner_keys(bytes(900)) + varstore.boot_from("http://a/b")
            added = varstore.add(store, new)
            self.assertEqual(len(added), len(store))
            for variable in new:
                self.assertEqual(added.count(variable.packed()), 1)

    def test_machine_owner_keys(self):
        """varstore: the certificate stands in a signature list of one, which only boot services may read"""
        (variable,) = varstore.machine_owner_keys(b"DER")
        kind, size, header, entry = struct.unpack_from("<16sIII", variable.data)
        self.assertEqual((kind, size, header, entry), (varstore.CERTIFICATE.bytes_le, 28 + 19, 0, 19))
        self.assertEqual((variable.data[28 + 16:], variable.attributes), (b"DER", 3))


tap.main()
