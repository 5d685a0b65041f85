/* SPDX-License-Identifier: MIT */
/*
 * runtime_space.h - the firmware's memory in an address space of its own.
 *
 * Runtime services want their memory mapped to itself, some of it writable and executable (UEFI 2.10,
 * 2.3.4). The loader's tables therefore map it beside ours. Once there is a frame allocator, both are taken
 * apart:
 *
 *     the active space                          the runtime space
 *     image, stack, log, frames' bookkeeping    the same: the code that calls, its stack, its handlers
 *     screen, serial port, local APIC           the same
 *     (nothing of the firmware's)               what runtime services need, with the rights they need
 *
 * So a stray pointer of ours cannot reach the firmware's memory, and none of our pages is both writable and
 * executable, whatever the firmware asks for. The runtime space is built before it is needed: to call the
 * firmware after a crash takes the load of CR3, no memory, and nothing of the space that was active.
 */
#ifndef KERNEL_BOOT_RUNTIME_SPACE_H
#define KERNEL_BOOT_RUNTIME_SPACE_H

#include "boot/handoff.h"

/*
 * Makes the runtime space from handoff->regions, and from handoff->memory with its `memory_count` regions,
 * which has what the map has got since the loader looked. Then unmaps in the active space what only runtime
 * services need, and what only the loader needed: regions marked `until_exit`. Frames come from `source`.
 * With any status except PAGING_OK the run must end. Then there is no runtime space, and nothing was
 * unmapped, or there is one, and only a part was unmapped. Called once.
 */
PAGING_MUST_CHECK enum paging_status runtime_space_make(const struct handoff *handoff,
                                                        struct paging_space *active, size_t memory_count,
                                                        struct paging_frame_source *source);

/*
 * Calls back for each run of frames that runtime_space_make has unmapped in the active space, some of them
 * twice. `for_runtime`: the runtime space maps it to itself; the others nobody maps.
 */
typedef void (*released_run_callback)(void *context, struct frame_run run, bool for_runtime);
void runtime_space_for_each_released(const struct handoff *handoff, size_t memory_count,
                                     released_run_callback callback, void *context);

/* Returns the space, or NULL as long as it is not made. */
struct paging_space *runtime_space(void);

/*
 * The first one loads CR3 with the runtime space's root, the second one with the root from before. Between
 * the two, only the firmware and exception handlers may run: the core still takes the other space for active.
 * Both do nothing until the space is made: the firmware's memory is mapped in the active space until then.
 */
void runtime_space_enter(void);
void runtime_space_leave(void);

#endif
