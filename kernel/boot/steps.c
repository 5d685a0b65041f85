/* SPDX-License-Identifier: MIT */
/* steps.c - marks the kernel's steps. */
#include "boot/steps.h"
#include "console/console.h"
#include "console/kept.h"
#include "cpu/tsc_rate.h"
#include "cpu/watchdog.h"

void step_note(const char *what)
{
    kept_step(what);
    watchdog_begin(what);
}

void step_begin(const struct options *options, const char *what)
{
    step_note(what);
    print("Selfmap: %s\n", what);
    if (options->slow_steps)
        tsc_wait_a_second();
}
