/* SPDX-License-Identifier: MIT */
/*
 * selectors.h - segment selectors of the GDT, for C and for assembly. descriptors.c fills the GDT.
 */
#ifndef KERNEL_CPU_SELECTORS_H
#define KERNEL_CPU_SELECTORS_H

#define CODE_SELECTOR      0x08
#define DATA_SELECTOR      0x10
#define TSS_SELECTOR       0x18 /* fills two entries */
#define CODE32_SELECTOR    0x28 /* 32-bit code, ring 0: boot/switch.S */
#define USER_DATA_SELECTOR 0x30
#define USER_CODE_SELECTOR 0x38
#define LDT_SELECTOR       0x40 /* fills two entries */

#define RING_3 3 /* the privilege level in the low two bits of a selector */

#endif
