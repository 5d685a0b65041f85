/* SPDX-License-Identifier: MIT */
/*
 * mapping_audit.h - the last test of each run: what the active space maps, audited.
 */
#ifndef KERNEL_SELFTEST_MAPPING_AUDIT_H
#define KERNEL_SELFTEST_MAPPING_AUDIT_H

#include "selftest/selftest.h"

/*
 * Audits the active space (audit/audit.h), whatever the tests and the kernel have mapped in it. Prints one
 * line if it is clean, else each finding, and fails the test. Skips it, with the number of bytes, if there is
 * no memory for the audit. Maps test pages meanwhile.
 */
void mappings_keep_the_rules(struct selftest_run *t);

#endif
