# SPDX-License-Identifier: MIT
"""media.py - where a machine boots from: disks, CDs, the network."""

import http.server
import threading
from contextlib import contextmanager

import varstore

BOOT_FILE = "EFI/BOOT/BOOTX64.EFI"
SCRIPT = "script.ipxe"  # the boot file of a network beside another medium
HOST = "10.0.2.2"  # this host, as the machine sees it in QEMU's own network

XHCI = ["-device", "qemu-xhci", "-device", "usb-storage,id=stick,drive=disk"]
EHCI = ["-device", "usb-ehci,id=ehci", "-device", "usb-storage,bus=ehci.0,drive=disk"]
AHCI = ["-device", "ich9-ahci,id=sata", "-device"]
CARD = ["-device", "virtio-net-pci,netdev=net,romfile="]  # the firmware's own driver, not that of a ROM
MEDIA = {
    "virtio": ["-device", "virtio-blk-pci,drive=disk"],
    "usb": XHCI,
    "usb-ehci": EHCI,  # USB 2; U-Boot of Debian 12 has a driver for no other
    "ahci": [*AHCI, "ide-hd,bus=sata.0,drive=disk"],
    "nvme": ["-device", "nvme,serial=selfmap,drive=disk"],
    # For other firmware: neither OVMF nor U-Boot of Debian 12 has a driver for it.
    "sd": ["-device", "sdhci-pci", "-device", "sd-card,drive=disk"],
    "cd": [*AHCI, "ide-cd,bus=sata.0,drive=disk"],
    "usb-cd": XHCI,
    "pxe": CARD,
    "http": CARD,
}
CDS = ("cd", "usb-cd")
NOT_WITH_UBOOT = ("usb", "usb-cd")
NETWORK = ("pxe", "http")  # the image is a folder then, whose files the firmware can fetch


def doubled(text):
    """Commas separate QEMU's options, unless they are doubled."""
    return str(text).replace(",", ",,")


DISKS = {"unwritten": "snapshot=on", "written": "snapshot=off", "read-only": "snapshot=off,readonly=on"}


def options(medium, image, disk="unwritten"):
    """QEMU's options for a medium with this image. `disk` is one of DISKS: what becomes of writes to it."""
    if medium == "pxe":
        return network(image, BOOT_FILE)
    if medium == "http":
        return ["-netdev", "user,id=net", *MEDIA[medium]]
    kind = ",media=cdrom" * (medium in CDS)
    return ["-drive", f"if=none,id=disk,format=raw,{DISKS[disk]}{kind},file={doubled(image)}", *MEDIA[medium]]


def network(folder, boot_file):
    """QEMU's options for a network beside the medium, whose server offers the files of a folder."""
    files = f"tftp={doubled(folder)},bootfile={doubled(boot_file)}"
    return ["-netdev", f"user,id=net,restrict=on,{files}", *CARD]


def variables(medium, port):
    """What the firmware must find in its variables. QEMU's DHCP server cannot announce a URI, so a boot entry
    names it."""
    return varstore.boot_from(f"http://{HOST}:{port}/{BOOT_FILE}") if medium == "http" else []


@contextmanager
def file_server(medium, image):
    """Serves the files of the image over HTTP to a machine that boots so; the port."""
    if medium != "http":
        yield 0
        return

    class Handler(http.server.SimpleHTTPRequestHandler):
        """Says nothing: the log is the machine's."""

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=image)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
