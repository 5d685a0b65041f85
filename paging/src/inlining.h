/* SPDX-License-Identifier: MIT */
/*
 * inlining.h - which functions are inlined. A build for all worlds is fast; one for a single world (config.h)
 * is small.
 *
 *                                    for all worlds              for one world
 *   PAGING_ALWAYS_INLINE             inlined                     inlined: the fast paths
 *   PAGING_INLINE_FOR_SPEED          as the compiler likes       one function for all files, for size
 *   PAGING_ALWAYS_INLINE_FOR_SPEED   inlined                     a function of its file, for size
 *   PAGING_OUT_OF_LINE               a function of its file      the same, for size
 *   PAGING_FOR_SIZE                  as any function             for size: slow paths, and what runs once
 *
 * For size: as small as the compiler can make it. gcc takes `cold` for that, clang has `minsize`.
 */
#ifndef PAGING_SRC_INLINING_H
#define PAGING_SRC_INLINING_H

#include <selfmap/config.h>

#define PAGING_IS_SMALL (PAGING_HAS_ONLY_RECURSIVE || PAGING_HAS_ONLY_DIRECT || PAGING_HAS_ONLY_LEVELS)

#if !PAGING_IS_SMALL
#    define PAGING_FOR_SIZE
#    define PAGING_INLINE_FOR_SPEED        static inline
#    define PAGING_ALWAYS_INLINE_FOR_SPEED PAGING_ALWAYS_INLINE
#else
#    ifdef __clang__
#        define PAGING_FOR_SIZE __attribute__((cold, minsize))
#    else
#        define PAGING_FOR_SIZE __attribute__((cold))
#    endif
#    define PAGING_ALWAYS_INLINE_FOR_SPEED PAGING_OUT_OF_LINE
/*
 * A function in a header that all files share: each has a copy, and the linker keeps the first one. Its name
 * is seen outside of its file, so it gets the prefix.
 */
#    define PAGING_SHARED_FUNCTION         __attribute__((weak, noinline, visibility("hidden")))
#    define PAGING_INLINE_FOR_SPEED        PAGING_SHARED_FUNCTION PAGING_FOR_SIZE
#    pragma GCC diagnostic ignored "-Wmissing-prototypes"
#    define walk_to            paging_walk_to
#    define leaf_status        paging_leaf_status
#    define check_page         paging_check_page
#    define find_leaf          paging_find_leaf
#    define flush_add_window   paging_flush_add_window
#    define change_entry_count paging_change_entry_count
#    define change_table_count paging_change_table_count
#endif

#define PAGING_ALWAYS_INLINE static inline __attribute__((always_inline))
#define PAGING_OUT_OF_LINE   static __attribute__((noinline)) PAGING_FOR_SIZE

#endif
