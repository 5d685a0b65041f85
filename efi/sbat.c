/* SPDX-License-Identifier: MIT */
/*
 * sbat.c - the section .sbat: shim starts nothing that lacks it, and refuses by it what was revoked.
 *
 * Each line: component, generation, vendor, package, version, where to ask. The generation grows by one when
 * an error is mended that let others past Secure Boot; all images with a smaller one can then be revoked.
 * (shim's SBAT.md, which the first line has to name.)
 */
static const char sbat[] __attribute__((section(".sbat"), used)) =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "selfmap,1,Selfmap,selfmap," SELFMAP_VERSION ",README.TXT beside the program\n";
