# SPDX-License-Identifier: MIT
"""varstore.py - puts variables into OVMF's variable store while no machine uses it.

The store begins behind the header of its firmware volume and is a row of variables, each with a header, name
and data; what follows the last one is all ones. (PI 1.7, vol. 3; EDK II, VariableFormat.h; UEFI 2.10, 3.1.3
and 32.4.1.)
"""

import struct
import uuid
from dataclasses import dataclass

VOLUME_HEADER_SIZE = 48  # where it says how long it is
STORE = struct.Struct("<16sIBBHI")
STORE_GUID = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
VARIABLE = struct.Struct("<HBBIQ16sIII16s")
VARIABLE_START, VARIABLE_ADDED = 0x55AA, 0x3F
NON_VOLATILE, BOOT_SERVICE, RUNTIME = 1, 2, 4

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SHIM = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23")
CERTIFICATE = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
NOBODY = uuid.UUID(int=0)
BOOT_ACTIVE = 1
MESSAGING, URI = 3, 24
END_OF_PATH = bytes((0x7F, 0xFF, 4, 0))


class StoreError(Exception):
    """The file is not such a store, or it is full."""


@dataclass
class Variable:
    """One variable, with the attributes that its name asks for."""
    name: str
    vendor: uuid.UUID
    data: bytes
    attributes: int = NON_VOLATILE | BOOT_SERVICE | RUNTIME

    def packed(self):
        name = self.name.encode("utf-16-le") + b"\0\0"
        header = VARIABLE.pack(VARIABLE_START, VARIABLE_ADDED, 0, self.attributes, 0, bytes(16), 0, len(name),
                               len(self.data), self.vendor.bytes_le)
        return header + name + self.data


def boot_from(uri):
    """The firmware's one boot entry: a file that it fetches over HTTP."""
    path = struct.pack("<BBH", MESSAGING, URI, 4 + len(uri)) + uri.encode("ascii") + END_OF_PATH
    entry = struct.pack("<IH", BOOT_ACTIVE, len(path)) + "Selfmap by HTTP\0".encode("utf-16-le") + path
    return [Variable("Boot0000", GLOBAL, entry), Variable("BootOrder", GLOBAL, bytes(2))]


def machine_owner_keys(certificate):
    """What MokManager stores when the owner enrols this certificate (DER); shim trusts it then."""
    entry = NOBODY.bytes_le + certificate
    header = CERTIFICATE.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry))
    return [Variable("MokList", SHIM, header + entry, NON_VOLATILE | BOOT_SERVICE)]


def add(store, variables):
    """The bytes of the store with these variables behind its own. Without any it may be of another kind."""
    if not variables:
        return bytes(store)
    store = bytearray(store)
    at = struct.unpack_from("<H", store, VOLUME_HEADER_SIZE)[0] if len(store) > VOLUME_HEADER_SIZE + 2 else 0
    if at + STORE.size > len(store) or store[at:at + 16] != STORE_GUID.bytes_le:
        raise StoreError("this is not a variable store of OVMF's")
    end = at + min(STORE.unpack_from(store, at)[1], len(store) - at)
    at += STORE.size
    while at + VARIABLE.size <= end and VARIABLE.unpack_from(store, at)[0] == VARIABLE_START:
        name_size, data_size = VARIABLE.unpack_from(store, at)[7:9]
        at = (at + VARIABLE.size + name_size + data_size + 3) & ~3
    for variable in variables:
        packed = variable.packed()
        if at + len(packed) > end or any(byte != 0xFF for byte in store[at:at + len(packed)]):
            raise StoreError(f"there is no space for the variable {variable.name}")
        store[at:at + len(packed)] = packed
        at = (at + len(packed) + 3) & ~3
    return bytes(store)
