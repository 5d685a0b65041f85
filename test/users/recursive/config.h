/* SPDX-License-Identifier: MIT */
/*
 * config.h - `make install CONFIG=` of a library for this kernel. Slot 511 of the root is where a kernel at
 * -2 GiB lies, so the recursive slot moves one down; the other two reserved slots follow it (509 and 508).
 */
#define PAGING_RECURSIVE_SLOT 510
