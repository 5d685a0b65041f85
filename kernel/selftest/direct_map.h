/* SPDX-License-Identifier: MIT */
/*
 * direct_map.h - tests of a space that lives through a direct map, for the list in spaces.c.
 */
#ifndef KERNEL_SELFTEST_DIRECT_MAP_H
#define KERNEL_SELFTEST_DIRECT_MAP_H

struct selftest_run;

void direct_map_is_lived_in(struct selftest_run *t);
void direct_map_edits_others(struct selftest_run *t);

#endif
