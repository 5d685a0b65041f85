/* SPDX-License-Identifier: MIT */
/*
 * memcheck.h - tell valgrind's memcheck what it cannot know. In every other build this does nothing.
 */
#ifndef HOST_MACHINES_MEMCHECK_H
#define HOST_MACHINES_MEMCHECK_H

#include <stddef.h>

#ifdef HOST_MEMCHECK
#    include <valgrind/memcheck.h>
#else
#    define VALGRIND_MAKE_MEM_UNDEFINED(start, bytes) ((void)(start), (void)(bytes))
#    define VALGRIND_MAKE_MEM_DEFINED(start, bytes)   ((void)(start), (void)(bytes))
#    define VALGRIND_DISABLE_ERROR_REPORTING          ((void)0)
#    define VALGRIND_ENABLE_ERROR_REPORTING           ((void)0)
#endif

/* What these bytes hold means nothing from here on: nothing may depend on it until they are written. */
static inline void memcheck_forget(void *start, size_t bytes)
{
    VALGRIND_MAKE_MEM_UNDEFINED(start, bytes);
}

/* Around what only the tests do with such bytes: they may look at junk, to see that it is still the same. */
static inline void memcheck_look_away(void)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
}

static inline void memcheck_look_again(void)
{
    VALGRIND_ENABLE_ERROR_REPORTING;
}

/* What a test has read of junk, or found out about it, is a value like any other from here on. */
static inline void memcheck_trust(void *start, size_t bytes)
{
    VALGRIND_MAKE_MEM_DEFINED(start, bytes);
}

#endif
