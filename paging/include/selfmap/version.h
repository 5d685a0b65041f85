/* SPDX-License-Identifier: MIT */
/*
 * version.h - which version of the core these headers belong to, as numbers and as text.
 *
 * PAGING_VERSION grows with each release: 0.1.0 is 100, 1.2.3 is 10203.
 */
#ifndef SELFMAP_VERSION_H
#define SELFMAP_VERSION_H

#define PAGING_VERSION_MAJOR 0
#define PAGING_VERSION_MINOR 1
#define PAGING_VERSION_PATCH 0
#define PAGING_VERSION_TEXT  "0.1.0"
#define PAGING_VERSION       100

#endif
