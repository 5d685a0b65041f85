/* SPDX-License-Identifier: MIT */
/*
 * test_slots.h - which slots of the root the test pages get.
 *
 * The loader maps memory to its own address, and on a machine with many physical address bits that may lie
 * anywhere in the lower half. So the slots are chosen among those that nothing uses.
 */
#ifndef KERNEL_SELFTEST_TEST_SLOTS_H
#define KERNEL_SELFTEST_TEST_SLOTS_H

#include <selfmap/config.h>
#include <stdbool.h>

enum { TEST_SLOT_LIMIT = PAGING_TABLE_ENTRIES / 2 }; /* slots of the lower half */

struct test_slots {
    unsigned first, count; /* side by side, none of them slot 0; count is 0 if no slot is free */
};

/*
 * Chooses up to `wanted` free slots that lie side by side. used[n] says that slot n is used. Slots from the
 * middle of the lower half on are preferred, because memory is at its start.
 */
struct test_slots test_slots_choose(const bool used[TEST_SLOT_LIMIT], unsigned wanted);

#endif
