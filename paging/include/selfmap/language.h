/* SPDX-License-Identifier: MIT */
/*
 * language.h - what these headers need of the compiler, in C17 and in C++17, with gcc and clang.
 */
#ifndef SELFMAP_LANGUAGE_H
#define SELFMAP_LANGUAGE_H

/* The caller must look at what the function returns. */
#define PAGING_MUST_CHECK __attribute__((warn_unused_result))

/*
 * PAGING_BEGIN_C and PAGING_END_C stand around declarations that are C's in C++, too. PAGING_MAKE(type, ...)
 * is a value of a struct from its members: C++ has no compound literals.
 */
#ifdef __cplusplus
#    define PAGING_BEGIN_C         extern "C" {
#    define PAGING_END_C           }
#    define PAGING_MAKE(type, ...) (type{__VA_ARGS__})
#else
#    define PAGING_BEGIN_C
#    define PAGING_END_C
#    define PAGING_MAKE(type, ...) ((type){__VA_ARGS__})
#endif

#endif
