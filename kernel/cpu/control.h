/* SPDX-License-Identifier: MIT */
/*
 * control.h - control registers as the kernel runs with them.
 */
#ifndef KERNEL_CPU_CONTROL_H
#define KERNEL_CPU_CONTROL_H

#include "cpu/instructions.h"
#include <stdbool.h>

/*
 * Returns CR4 as the kernel runs with it. `now` is its value: CR4.LA57 and CR4.VMXE stay. `features` is EDX
 * of CPUID leaf 1, `structured` leaf 7: a bit that the processor does not have would raise #GP (SDM 3A, 2.5).
 */
uint64_t cpu_wanted_cr4(uint64_t now, uint32_t features, struct cpuid structured);

/* Switches on CR0.WP, and SMEP, SMAP, UMIP, global pages and machine checks where the processor has them. */
void cpu_enable_protection(void);

#endif
