/* SPDX-License-Identifier: MIT */
/*
 * stack_guards.h - the pages below the stacks of exceptions and interrupts are not mapped.
 *
 * These stacks lie in the image, which the loader maps whole. (The page below the kernel's own stack was
 * never mapped.) An overflow then is a fault that the report names, and not a stack that has run into another
 * one.
 */
#ifndef KERNEL_BOOT_STACK_GUARDS_H
#define KERNEL_BOOT_STACK_GUARDS_H

#include <selfmap/frame_source.h>
#include <selfmap/space.h>

/*
 * Unmaps the page below each stack (cpu/descriptors.h), which is mapped to its own address. Huge pages are
 * split, with tables from `source`. Pages that are unmapped already are left alone.
 */
PAGING_MUST_CHECK enum paging_status stack_guards_unmap(struct paging_space *space,
                                                        struct paging_frame_source *source);

#endif
