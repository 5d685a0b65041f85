/* SPDX-License-Identifier: MIT */
/*
 * config_name.h - the configuration as the name of a symbol, which config.h refers to.
 *
 *   paging_config_bits9_recursive511_alternate510_scratch509
 *
 * and for several processors _processorsN after it. A slot that there is not counts as the number of entries
 * of a table. The preprocessor can compare numbers
 * and cannot write them: so each digit of a slot is found by itself.
 */
#ifndef SELFMAP_CONFIG_NAME_H
#define SELFMAP_CONFIG_NAME_H

#if PAGING_RECURSIVE_SLOT / 100 % 10 == 0
#    define PAGING_RECURSIVE_HUNDREDS 0
#elif PAGING_RECURSIVE_SLOT / 100 % 10 == 1
#    define PAGING_RECURSIVE_HUNDREDS 1
#elif PAGING_RECURSIVE_SLOT / 100 % 10 == 2
#    define PAGING_RECURSIVE_HUNDREDS 2
#elif PAGING_RECURSIVE_SLOT / 100 % 10 == 3
#    define PAGING_RECURSIVE_HUNDREDS 3
#elif PAGING_RECURSIVE_SLOT / 100 % 10 == 4
#    define PAGING_RECURSIVE_HUNDREDS 4
#else
#    define PAGING_RECURSIVE_HUNDREDS 5
#endif
#if PAGING_RECURSIVE_SLOT / 10 % 10 == 0
#    define PAGING_RECURSIVE_TENS 0
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 1
#    define PAGING_RECURSIVE_TENS 1
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 2
#    define PAGING_RECURSIVE_TENS 2
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 3
#    define PAGING_RECURSIVE_TENS 3
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 4
#    define PAGING_RECURSIVE_TENS 4
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 5
#    define PAGING_RECURSIVE_TENS 5
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 6
#    define PAGING_RECURSIVE_TENS 6
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 7
#    define PAGING_RECURSIVE_TENS 7
#elif PAGING_RECURSIVE_SLOT / 10 % 10 == 8
#    define PAGING_RECURSIVE_TENS 8
#else
#    define PAGING_RECURSIVE_TENS 9
#endif
#if PAGING_RECURSIVE_SLOT % 10 == 0
#    define PAGING_RECURSIVE_ONES 0
#elif PAGING_RECURSIVE_SLOT % 10 == 1
#    define PAGING_RECURSIVE_ONES 1
#elif PAGING_RECURSIVE_SLOT % 10 == 2
#    define PAGING_RECURSIVE_ONES 2
#elif PAGING_RECURSIVE_SLOT % 10 == 3
#    define PAGING_RECURSIVE_ONES 3
#elif PAGING_RECURSIVE_SLOT % 10 == 4
#    define PAGING_RECURSIVE_ONES 4
#elif PAGING_RECURSIVE_SLOT % 10 == 5
#    define PAGING_RECURSIVE_ONES 5
#elif PAGING_RECURSIVE_SLOT % 10 == 6
#    define PAGING_RECURSIVE_ONES 6
#elif PAGING_RECURSIVE_SLOT % 10 == 7
#    define PAGING_RECURSIVE_ONES 7
#elif PAGING_RECURSIVE_SLOT % 10 == 8
#    define PAGING_RECURSIVE_ONES 8
#else
#    define PAGING_RECURSIVE_ONES 9
#endif

#if PAGING_ALTERNATE_SLOT / 100 % 10 == 0
#    define PAGING_ALTERNATE_HUNDREDS 0
#elif PAGING_ALTERNATE_SLOT / 100 % 10 == 1
#    define PAGING_ALTERNATE_HUNDREDS 1
#elif PAGING_ALTERNATE_SLOT / 100 % 10 == 2
#    define PAGING_ALTERNATE_HUNDREDS 2
#elif PAGING_ALTERNATE_SLOT / 100 % 10 == 3
#    define PAGING_ALTERNATE_HUNDREDS 3
#elif PAGING_ALTERNATE_SLOT / 100 % 10 == 4
#    define PAGING_ALTERNATE_HUNDREDS 4
#else
#    define PAGING_ALTERNATE_HUNDREDS 5
#endif
#if PAGING_ALTERNATE_SLOT / 10 % 10 == 0
#    define PAGING_ALTERNATE_TENS 0
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 1
#    define PAGING_ALTERNATE_TENS 1
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 2
#    define PAGING_ALTERNATE_TENS 2
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 3
#    define PAGING_ALTERNATE_TENS 3
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 4
#    define PAGING_ALTERNATE_TENS 4
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 5
#    define PAGING_ALTERNATE_TENS 5
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 6
#    define PAGING_ALTERNATE_TENS 6
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 7
#    define PAGING_ALTERNATE_TENS 7
#elif PAGING_ALTERNATE_SLOT / 10 % 10 == 8
#    define PAGING_ALTERNATE_TENS 8
#else
#    define PAGING_ALTERNATE_TENS 9
#endif
#if PAGING_ALTERNATE_SLOT % 10 == 0
#    define PAGING_ALTERNATE_ONES 0
#elif PAGING_ALTERNATE_SLOT % 10 == 1
#    define PAGING_ALTERNATE_ONES 1
#elif PAGING_ALTERNATE_SLOT % 10 == 2
#    define PAGING_ALTERNATE_ONES 2
#elif PAGING_ALTERNATE_SLOT % 10 == 3
#    define PAGING_ALTERNATE_ONES 3
#elif PAGING_ALTERNATE_SLOT % 10 == 4
#    define PAGING_ALTERNATE_ONES 4
#elif PAGING_ALTERNATE_SLOT % 10 == 5
#    define PAGING_ALTERNATE_ONES 5
#elif PAGING_ALTERNATE_SLOT % 10 == 6
#    define PAGING_ALTERNATE_ONES 6
#elif PAGING_ALTERNATE_SLOT % 10 == 7
#    define PAGING_ALTERNATE_ONES 7
#elif PAGING_ALTERNATE_SLOT % 10 == 8
#    define PAGING_ALTERNATE_ONES 8
#else
#    define PAGING_ALTERNATE_ONES 9
#endif

#if PAGING_SCRATCH_SLOT / 100 % 10 == 0
#    define PAGING_SCRATCH_HUNDREDS 0
#elif PAGING_SCRATCH_SLOT / 100 % 10 == 1
#    define PAGING_SCRATCH_HUNDREDS 1
#elif PAGING_SCRATCH_SLOT / 100 % 10 == 2
#    define PAGING_SCRATCH_HUNDREDS 2
#elif PAGING_SCRATCH_SLOT / 100 % 10 == 3
#    define PAGING_SCRATCH_HUNDREDS 3
#elif PAGING_SCRATCH_SLOT / 100 % 10 == 4
#    define PAGING_SCRATCH_HUNDREDS 4
#else
#    define PAGING_SCRATCH_HUNDREDS 5
#endif
#if PAGING_SCRATCH_SLOT / 10 % 10 == 0
#    define PAGING_SCRATCH_TENS 0
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 1
#    define PAGING_SCRATCH_TENS 1
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 2
#    define PAGING_SCRATCH_TENS 2
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 3
#    define PAGING_SCRATCH_TENS 3
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 4
#    define PAGING_SCRATCH_TENS 4
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 5
#    define PAGING_SCRATCH_TENS 5
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 6
#    define PAGING_SCRATCH_TENS 6
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 7
#    define PAGING_SCRATCH_TENS 7
#elif PAGING_SCRATCH_SLOT / 10 % 10 == 8
#    define PAGING_SCRATCH_TENS 8
#else
#    define PAGING_SCRATCH_TENS 9
#endif
#if PAGING_SCRATCH_SLOT % 10 == 0
#    define PAGING_SCRATCH_ONES 0
#elif PAGING_SCRATCH_SLOT % 10 == 1
#    define PAGING_SCRATCH_ONES 1
#elif PAGING_SCRATCH_SLOT % 10 == 2
#    define PAGING_SCRATCH_ONES 2
#elif PAGING_SCRATCH_SLOT % 10 == 3
#    define PAGING_SCRATCH_ONES 3
#elif PAGING_SCRATCH_SLOT % 10 == 4
#    define PAGING_SCRATCH_ONES 4
#elif PAGING_SCRATCH_SLOT % 10 == 5
#    define PAGING_SCRATCH_ONES 5
#elif PAGING_SCRATCH_SLOT % 10 == 6
#    define PAGING_SCRATCH_ONES 6
#elif PAGING_SCRATCH_SLOT % 10 == 7
#    define PAGING_SCRATCH_ONES 7
#elif PAGING_SCRATCH_SLOT % 10 == 8
#    define PAGING_SCRATCH_ONES 8
#else
#    define PAGING_SCRATCH_ONES 9
#endif

#if PAGING_INDEX_BITS == 9
#    define PAGING_BITS_DIGIT 9
#elif PAGING_INDEX_BITS == 8
#    define PAGING_BITS_DIGIT 8
#elif PAGING_INDEX_BITS == 7
#    define PAGING_BITS_DIGIT 7
#elif PAGING_INDEX_BITS == 6
#    define PAGING_BITS_DIGIT 6
#elif PAGING_INDEX_BITS == 5
#    define PAGING_BITS_DIGIT 5
#elif PAGING_INDEX_BITS == 4
#    define PAGING_BITS_DIGIT 4
#elif PAGING_INDEX_BITS == 3
#    define PAGING_BITS_DIGIT 3
#elif PAGING_INDEX_BITS == 2
#    define PAGING_BITS_DIGIT 2
#elif PAGING_INDEX_BITS == 1
#    define PAGING_BITS_DIGIT 1
#endif

#if PAGING_PROCESSORS > 1
#    define PAGING_CONFIG_JOIN(bits, r2, r1, r0, a2, a1, a0, s2, s1, s0, processors) \
        paging_config_bits##bits##_recursive##r2##r1##r0##_alternate##a2##a1##a0##_scratch##s2##s1##s0##_processors##processors
#else
#    define PAGING_CONFIG_JOIN(bits, r2, r1, r0, a2, a1, a0, s2, s1, s0, processors) \
        paging_config_bits##bits##_recursive##r2##r1##r0##_alternate##a2##a1##a0##_scratch##s2##s1##s0
#endif
#define PAGING_CONFIG_EXPAND(...) PAGING_CONFIG_JOIN(__VA_ARGS__)
#define PAGING_CONFIG_SYMBOL                                                                      \
    PAGING_CONFIG_EXPAND(PAGING_BITS_DIGIT, PAGING_RECURSIVE_HUNDREDS, PAGING_RECURSIVE_TENS,     \
                         PAGING_RECURSIVE_ONES, PAGING_ALTERNATE_HUNDREDS, PAGING_ALTERNATE_TENS, \
                         PAGING_ALTERNATE_ONES, PAGING_SCRATCH_HUNDREDS, PAGING_SCRATCH_TENS,     \
                         PAGING_SCRATCH_ONES, PAGING_PROCESSORS)

#endif
