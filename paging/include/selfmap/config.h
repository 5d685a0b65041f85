/* SPDX-License-Identifier: MIT */
/*
 * config.h - the geometry of the tables and the reserved root slots, fixed when the core is compiled.
 *
 * The defaults are the processor's. To change something, write a header with the #defines, and name it in
 * PAGING_CONFIG_HEADER (with its quotes or angle brackets) for every file that includes these headers, or
 * give it to `make install CONFIG=header.h`: then the installed headers have it, and nothing needs to be
 * named.
 *
 *   PAGING_RECURSIVE_SLOT   0 to 511; the other two follow it
 *   PAGING_ALTERNATE_SLOT, PAGING_SCRATCH_SLOT   0 to 511, or PAGING_TABLE_ENTRIES for none
 *   PAGING_ACCESS_HEADER    a header with the functions of access.h
 *   PAGING_PROCESSOR_HEADER the same for processor_access.h
 *   PAGING_LOCKED_ACCESS    1 if others than this processor walk the tables
 *   PAGING_PROCESSORS       how many processors may change a space; with more than one also
 *   PAGING_PROCESSOR_INDEX  which of them this one is
 *   PAGING_ONLY_RECURSIVE, PAGING_ONLY_DIRECT, PAGING_ONLY_LEVELS   a smaller build for one way to live
 *   PAGING_INDEX_BITS       for tests: 1 to 9
 *
 * All files of a program must be compiled with the same values. Otherwise it does not link: each file refers
 * to a symbol that the library defines, whose name has the values.
 *
 *   undefined reference to `paging_config_bits9_recursive510_alternate509_scratch508'
 *
 * This reference is a pointer that nothing reads, in section .rodata.paging_config_used (in code with PIC
 * .data.rel.ro.paging_config_used). A program that uses the inline functions of these headers and is not
 * linked with the library defines PAGING_HEADERS_ONLY.
 */
#ifndef SELFMAP_CONFIG_H
#define SELFMAP_CONFIG_H

#include <selfmap/language.h>
#include <stddef.h>
#include <stdint.h>

#ifdef PAGING_CONFIG_HEADER
#    include PAGING_CONFIG_HEADER
#else
#    include <selfmap/installed_config.h>
#endif

/* Bits of an address that index one table: nine (SDM 3A, 4.5). A table always fills one page. */
#ifndef PAGING_INDEX_BITS
#    define PAGING_INDEX_BITS 9u
#endif
#define PAGING_TABLE_ENTRIES (1u << PAGING_INDEX_BITS)
#define PAGING_PAGE_SHIFT    (PAGING_INDEX_BITS + 3u) /* an entry has eight bytes */
#define PAGING_PAGE_BYTES    ((uint64_t)1 << PAGING_PAGE_SHIFT)

#if PAGING_INDEX_BITS < 1 || PAGING_INDEX_BITS > 9
#    error "PAGING_INDEX_BITS must be 1 to 9"
#endif

/* P4, P3, P2 and P1 are levels 4 to 1. With CR4.LA57 the root is a P5. */
#define PAGING_MAX_LEVELS 5u

/*
 * A build for one way to live is smaller: it has one fast path and knows one way to reach tables.
 *
 *   PAGING_ONLY_RECURSIVE   spaces live recursively, and are built by direct map before they are active, at
 *                           the slow path's speed. paging_create_direct answers PAGING_NOT_SUPPORTED
 *   PAGING_ONLY_DIRECT      spaces live through a direct map: paging_create is paging_create_direct
 *   PAGING_ONLY_LEVELS      4 or 5: paging_create answers PAGING_NOT_SUPPORTED to other numbers of levels
 */
#ifdef PAGING_ONLY_RECURSIVE
#    define PAGING_HAS_ONLY_RECURSIVE 1
#else
#    define PAGING_HAS_ONLY_RECURSIVE 0
#endif
#ifdef PAGING_ONLY_DIRECT
#    define PAGING_HAS_ONLY_DIRECT 1
#else
#    define PAGING_HAS_ONLY_DIRECT 0
#endif
#ifdef PAGING_ONLY_LEVELS
#    define PAGING_HAS_ONLY_LEVELS 1
#else
#    define PAGING_HAS_ONLY_LEVELS 0
#    define PAGING_ONLY_LEVELS     0
#endif
#if PAGING_HAS_ONLY_RECURSIVE && PAGING_HAS_ONLY_DIRECT
#    error "PAGING_ONLY_RECURSIVE and PAGING_ONLY_DIRECT exclude each other"
#endif
#if PAGING_HAS_ONLY_LEVELS && PAGING_ONLY_LEVELS != 4 && PAGING_ONLY_LEVELS != 5
#    error "PAGING_ONLY_LEVELS must be 4 or 5"
#endif

/*
 * 1 if leaves are marked as accessed and dirty while the core changes them, by another processor that walks
 * the tables or by a device: then the instructions that change leaves are locked (access.h). With 0 only the
 * processor itself marks them. That is not all that several processors need.
 */
#ifndef PAGING_LOCKED_ACCESS
#    define PAGING_LOCKED_ACCESS 0
#endif

/*
 * How many processors may change a space, as a plain number: it becomes a part of a name. Each processor
 * counts for itself what it does there (struct paging_counters, space.h). With more than one,
 * PAGING_CONFIG_HEADER or PAGING_ACCESS_HEADER defines PAGING_PROCESSOR_INDEX(), an expression: the number of
 * the processor that evaluates it, below PAGING_PROCESSORS. An operation stays on its processor until it is
 * done. The address of a space is then a multiple of 64.
 */
#ifndef PAGING_PROCESSORS
#    define PAGING_PROCESSORS 1
#endif
#if PAGING_PROCESSORS < 1
#    error "PAGING_PROCESSORS must be at least 1"
#endif
#if PAGING_PROCESSORS > 1
#    define PAGING_COUNTERS_ALIGNED __attribute__((aligned(64)))
#else
#    define PAGING_COUNTERS_ALIGNED
#    define PAGING_PROCESSOR_INDEX() 0
#endif

/*
 * Reserved root slots: entries of the root that the core uses itself, in spaces that live recursively
 * (space.h). No operation that changes tables accepts a page below one of them. The alternate and the scratch
 * slot may be PAGING_TABLE_ENTRIES, which means that there is none: then no second space can be attached
 * (switch.h), and an active space fills new tables through the offset that it was created with.
 *
 *   recursive   holds the root itself: the tables of the active space appear as pages (window.h)
 *   alternate   holds the root of an attached space, otherwise nothing
 *   scratch     leads to one page, through which new tables are filled before they are linked
 *
 * By default the recursive slot is the last one. A kernel that is linked to the highest 2 GiB lies there, and
 * sets another one. The other two are its neighbours, in the same half of the address space:
 *
 *   recursive slot              511   510   300   258   257   256     255     2    1    0
 *   alternate slot              510   509   299   257   258   257     254     3    2    1
 *   scratch slot                509   508   298   256   259   258     253     4    3    2
 *
 * Below slot 3 they lie above it, so that the scratch page is never at address 0.
 */
#ifndef PAGING_RECURSIVE_SLOT
#    define PAGING_RECURSIVE_SLOT (PAGING_TABLE_ENTRIES - 1)
#endif
#if PAGING_RECURSIVE_SLOT >= PAGING_TABLE_ENTRIES
#    error "PAGING_RECURSIVE_SLOT must be the index of an entry of the root"
#endif

/* Whether there is room for the other two below the recursive slot in its half, or above it. */
#define PAGING_HALF_ENTRIES (PAGING_TABLE_ENTRIES / 2)
#define PAGING_SLOTS_BELOW  (PAGING_RECURSIVE_SLOT % PAGING_HALF_ENTRIES)
#if PAGING_SLOTS_BELOW >= 3 || (PAGING_SLOTS_BELOW == 2 && PAGING_RECURSIVE_SLOT > 2)
#    define PAGING_DEFAULT_ALTERNATE_SLOT (PAGING_RECURSIVE_SLOT - 1)
#    define PAGING_DEFAULT_SCRATCH_SLOT   (PAGING_RECURSIVE_SLOT - 2)
#elif PAGING_SLOTS_BELOW + 3 <= PAGING_HALF_ENTRIES
#    define PAGING_DEFAULT_ALTERNATE_SLOT (PAGING_RECURSIVE_SLOT + 1)
#    define PAGING_DEFAULT_SCRATCH_SLOT   (PAGING_RECURSIVE_SLOT + 2)
#elif PAGING_RECURSIVE_SLOT >= 2 /* toy tables, whose halves are too small */
#    define PAGING_DEFAULT_ALTERNATE_SLOT (PAGING_RECURSIVE_SLOT - 1)
#    define PAGING_DEFAULT_SCRATCH_SLOT   (PAGING_RECURSIVE_SLOT - 2)
#else
#    define PAGING_DEFAULT_ALTERNATE_SLOT PAGING_TABLE_ENTRIES
#    define PAGING_DEFAULT_SCRATCH_SLOT   PAGING_TABLE_ENTRIES
#endif
#ifndef PAGING_ALTERNATE_SLOT
#    define PAGING_ALTERNATE_SLOT PAGING_DEFAULT_ALTERNATE_SLOT
#endif
#ifndef PAGING_SCRATCH_SLOT
#    define PAGING_SCRATCH_SLOT PAGING_DEFAULT_SCRATCH_SLOT
#endif

#if PAGING_ALTERNATE_SLOT > PAGING_TABLE_ENTRIES
#    error "PAGING_ALTERNATE_SLOT must be the index of an entry of the root, or PAGING_TABLE_ENTRIES for none"
#endif
#if PAGING_SCRATCH_SLOT > PAGING_TABLE_ENTRIES
#    error "PAGING_SCRATCH_SLOT must be the index of an entry of the root, or PAGING_TABLE_ENTRIES for none"
#endif
#if PAGING_ALTERNATE_SLOT == PAGING_RECURSIVE_SLOT
#    error "PAGING_ALTERNATE_SLOT and PAGING_RECURSIVE_SLOT must differ"
#endif
#if PAGING_SCRATCH_SLOT == PAGING_RECURSIVE_SLOT
#    error "PAGING_SCRATCH_SLOT and PAGING_RECURSIVE_SLOT must differ"
#endif
#if PAGING_ALTERNATE_SLOT == PAGING_SCRATCH_SLOT && PAGING_SCRATCH_SLOT != PAGING_TABLE_ENTRIES
#    error "PAGING_ALTERNATE_SLOT and PAGING_SCRATCH_SLOT must differ"
#endif
#if PAGING_SCRATCH_SLOT == 0 && PAGING_INDEX_BITS == 9
#    error "PAGING_SCRATCH_SLOT must not be 0: the scratch page would be at address 0"
#endif

#define PAGING_HAS_ALTERNATE_SLOT (PAGING_ALTERNATE_SLOT < PAGING_TABLE_ENTRIES)
#define PAGING_HAS_SCRATCH_SLOT   (PAGING_SCRATCH_SLOT < PAGING_TABLE_ENTRIES)

#ifndef PAGING_HEADERS_ONLY
#    include <selfmap/config_name.h>
PAGING_BEGIN_C
extern const char PAGING_CONFIG_SYMBOL;
PAGING_END_C
/* No compiler may remove it, nor the linker, which may remove sections that nothing refers to. */
#    if __has_attribute(retain)
__attribute__((retain))
#    endif
__attribute__((used)) static const void *const paging_config_used = &PAGING_CONFIG_SYMBOL;
#endif

#endif
