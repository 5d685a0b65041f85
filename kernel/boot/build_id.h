/* SPDX-License-Identifier: MIT */
/* build_id.h - names the build, so that addresses in a log can be matched with the right symbols. */
#ifndef KERNEL_BOOT_BUILD_ID_H
#define KERNEL_BOOT_BUILD_ID_H

/*
 * Returns the SHA-1 that the linker has made of the whole program, with debug information, in hexadecimal.
 * The same sources and tools give the same one. tools/symbolise compares it. The text stays.
 */
const char *build_id(void);

#endif
