/* SPDX-License-Identifier: MIT */
/* ports.h - the same for the loader, whose paths begin at the root. */
#ifndef TEST_HOST_DEVICES_KERNEL_CONSOLE_PORTS_H
#define TEST_HOST_DEVICES_KERNEL_CONSOLE_PORTS_H

#include "devices/console/ports.h"

#endif
