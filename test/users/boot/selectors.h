/* SPDX-License-Identifier: MIT */
/* selectors.h - numbers that C and assembly agree on. */
#ifndef BOOT_SELECTORS_H
#define BOOT_SELECTORS_H

#define CODE_SELECTOR      0x08
#define USER_DATA_SELECTOR 0x10
#define USER_CODE_SELECTOR 0x18
#define TSS_SELECTOR       0x20 /* takes two places */

#define EXCEPTIONS 32
#define EXCEPTIONS_WITH_CODE \
    0x60227d00 /* 8, 10 to 14, 17, 21, 29, 30 push an error code (SDM 3A, table 6-1) */
#define CALL_VECTOR 0x80

#endif
