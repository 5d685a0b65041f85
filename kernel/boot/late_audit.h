/* SPDX-License-Identifier: MIT */
/*
 * late_audit.h - whether somebody still writes to what was memory of boot services.
 *
 * UEFI gives that memory to us when boot services end. A network card or USB controller that its driver did
 * not stop, system management mode, or a runtime service may write there all the same, and destroy what we
 * have put there. So its pages get a checksum as soon as our tables stand, and are compared
 * before they are handed out, after calls of harmless runtime services, and a part, which is not handed out,
 * once more after the last self-test. A page that has changed is named and not handed out, and the run fails.
 */
#ifndef KERNEL_BOOT_LATE_AUDIT_H
#define KERNEL_BOOT_LATE_AUDIT_H

#include "boot/handoff.h"

/*
 * Takes the checksums, makes the calls, compares, and makes what is held back MEMORY_LOADER in
 * handoff->memory, which has *region_count regions. Called when our own stack and descriptor tables are in
 * use, because those of the firmware may lie in this memory.
 */
void late_audit_before_hand_over(struct handoff *handoff, size_t *region_count);

/* Compares what was held back. New tables come from `frames`, and go back there. */
void late_audit_after_tests(struct paging_space *space, struct paging_frame_source *frames);

/* Prints facts: how much was audited and held back, and which runtime services were called. */
void late_audit_print(void);

/* Prints which pages have changed. Returns their number; *audited is that of pages that were looked at. */
uint64_t late_audit_result(uint64_t *audited);

#endif
