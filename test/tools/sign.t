#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signing: what sbsign makes verifies, and whatever is wrong with key or certificate gets a sentence."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tap

IMAGE = tap.ROOT / "build" / "selfmap.efi"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Sign(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("openssl", "sbsign", "sbverify"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.keys = Path(folder.name)
        for name in ("own", "other"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", cls.keys / f"{name}.key",
                    "-out", cls.keys / f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
        openssl("pkcs8", "-topk8", "-in", cls.keys / "own.key", "-out", cls.keys / "protected.key",
                "-passout", "pass:open $esame'")
        openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", cls.keys / "curve.key")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name) / "signed.efi"

    def sign(self, key="own.key", certificate="own.pem", image=IMAGE, **environment):
        without = {name: value for name, value in os.environ.items() if name != "PASSPHRASE"}
        return tap.run_tool("sign", image, self.out, key and self.keys / key,
                            certificate and self.keys / certificate, env={**without, **environment})

    def signed(self, *arguments, **environment):
        result = self.sign(*arguments, **environment)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        verified = subprocess.run(["sbverify", "--cert", self.keys / "own.pem", self.out], check=False,
                                  capture_output=True)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertEqual(sorted(path.name for path in self.out.parent.iterdir()),
                         ["signed.efi", "signed.efi.cer"])

    def refused(self, sentence, *arguments, status=1, **environment):
        result = self.sign(*arguments, **environment)
        self.assertEqual((result.returncode, len(result.stderr.splitlines())), (status, 1), result.stderr)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(list(self.out.parent.iterdir()), [])

    def test_signs(self):
        """sign: the signature verifies, the image is still sound, and the certificate lies beside it"""
        self.signed()
        openssl("x509", "-inform", "DER", "-in", f"{self.out}.cer", "-noout")
        self.assertEqual(tap.run_tool("check-pe", self.out).returncode, 0)
        other = subprocess.run(["sbverify", "--cert", self.keys / "other.pem", self.out], check=False,
                               capture_output=True)
        self.assertNotEqual(other.returncode, 0)

    def test_forms(self):
        """sign: takes key and certificate as DER too"""
        openssl("pkey", "-in", self.keys / "own.key", "-outform", "DER", "-out", self.keys / "own.key.der")
        openssl("x509", "-in", self.keys / "own.pem", "-outform", "DER", "-out", self.keys / "own.der")
        self.signed("own.key.der", "own.der")

    def test_passphrase(self):
        """sign: a protected key is opened by its pass phrase; a wrong one and none are told apart"""
        self.signed("protected.key", PASSPHRASE="open $esame'")
        self.out.unlink()
        Path(f"{self.out}.cer").unlink()
        self.refused("the pass phrase does not open the key", "protected.key", PASSPHRASE="opensesame")
        self.refused("give its pass phrase in PASSPHRASE", "protected.key")

    def test_refusals(self):
        """sign: missing files, files that are something else, and a foreign certificate are named"""
        self.refused("none.key cannot be read: No such file", "none.key")
        self.refused("none.pem cannot be read: No such file", "own.key", "none.pem")
        self.refused("none.efi does not exist", image=self.keys / "none.efi")
        self.refused("own.pem is not a private key", "own.pem")
        self.refused("own.key is not a certificate", "own.key", "own.key")
        self.refused("is not an RSA key", "curve.key")
        self.refused("other.pem does not belong to the key", "own.key", "other.pem")
        self.refused("sbsign could not sign", image=self.keys / "own.pem")

    def test_nothing_named(self):
        """sign: without a key or a certificate it says how to name them"""
        self.refused("make sign KEY=FILE CERT=FILE", "", status=2)
        self.refused("make sign KEY=FILE CERT=FILE", "own.key", "", status=2)


tap.main()
