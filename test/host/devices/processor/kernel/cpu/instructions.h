/* SPDX-License-Identifier: MIT */
/* instructions.h - the same for the loader, whose paths begin at the root. */
#ifndef TEST_HOST_DEVICES_PROCESSOR_KERNEL_CPU_INSTRUCTIONS_H
#define TEST_HOST_DEVICES_PROCESSOR_KERNEL_CPU_INSTRUCTIONS_H

#include "devices/processor/cpu/instructions.h"

#endif
