/* SPDX-License-Identifier: MIT */
/* stack_guards.c - unmaps one page per stack. */
#include "boot/stack_guards.h"
#include "cpu/descriptors.h"
#include <selfmap/range.h>

enum paging_status stack_guards_unmap(struct paging_space *space, struct paging_frame_source *source)
{
    enum paging_status status = PAGING_OK;
    for (unsigned i = 0; i < DESCRIPTORS_STACKS && status == PAGING_OK; i++)
        status =
            paging_unmap_range(space, (paging_virt_t){descriptors_stack(i).guard}, PAGING_PAGE_BYTES, source);
    return status;
}
