/* SPDX-License-Identifier: MIT */
/*
 * preflight.c - looks up everything that is touched around the load of CR3 in the fresh tables.
 *
 * A mistake found here is a sentence on the console. After the load it would be a triple fault.
 */
#include "loader.h"
#include <selfmap/processor.h>
#include <selfmap/translate.h>
#include <selfmap/window.h>

static EFI_STATUS check_address(const struct paging_space *space, const char *name, UINT64 address,
                                UINT64 expected, struct paging_translation *found)
{
    enum paging_status status = paging_translate(space, (paging_virt_t){address}, found);
    if (status != PAGING_OK)
        return FAIL(EFI_LOAD_ERROR, "  %s: %lx is %s", name, address, paging_status_name(status));
    if (found->address.value != expected)
        return FAIL(EFI_LOAD_ERROR, "  %s: %lx leads to %lx instead of %lx", name, address,
                    found->address.value, expected);
    return EFI_SUCCESS;
}

/* Checks that every page of a region leads to itself and, if the region is exact, with these rights. */
static EFI_STATUS check_region(const struct paging_space *space, const struct handoff_region *region)
{
    const UINT64 rights = PAGING_WRITABLE | (space->cpu.has_no_execute ? PAGING_NO_EXECUTE : 0);
    struct paging_translation found = {.size = PAGING_4K};
    for (paging_frame_t at = region->start; at.number < region->end.number;
         at.number += paging_level_pages(found.size)) {
        UINT64 address = paging_frame_start(at).value;
        EFI_STATUS status = check_address(space, region->name, address, address, &found);
        if (EFI_ERROR(status))
            return status;
        if (region->exact && ((found.flags ^ region->flags) & rights) != 0)
            return FAIL(EFI_LOAD_ERROR, "  %s: %lx has the rights %lx instead of %lx", region->name, address,
                        found.flags & rights, region->flags & rights);
        at.number -= at.number % paging_level_pages(found.size);
    }
    return EFI_SUCCESS;
}

static EFI_STATUS check_needed(struct loader *loader)
{
    const struct handoff *handoff = loader->handoff;
    const struct paging_space *space = &handoff->space;
    const struct {
        const char *name;
        UINT64 address;
    } needed[] = {
        {"the code that switches", (UINTN)kernel_enter},
        {"the hand-over", (UINTN)handoff},
        {"the end of the hand-over", (UINTN)(handoff + 1) - 1},
        {"the top of the stack", handoff->stack_top - 8},
        {"the memory map", (UINTN)handoff->descriptors},
        {"the frame bookkeeping", (UINTN)handoff->bookkeeping},
    };
    struct paging_translation found;
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        EFI_STATUS status =
            check_address(space, needed[i].name, needed[i].address, needed[i].address, &found);
        if (EFI_ERROR(status))
            return status;
    }
    paging_virt_t window =
        paging_window_table(space->cpu.levels, PAGING_RECURSIVE_SLOT, space->cpu.levels, (paging_page_t){0});
    return check_address(space, "the window of the root", window.value, paging_root_address(space).value,
                         &found);
}

/* Checks that the switch from four levels to five can run in 32-bit code with paging off (SDM 3A, 4.1.2). */
static EFI_STATUS check_below_4g(const struct handoff *handoff)
{
    const UINT64 limit = (UINT64)1 << 32;
    UINT64 root = paging_root_address(&handoff->space).value;
    if (handoff->space.cpu.levels == paging_cpu_read().levels)
        return EFI_SUCCESS;
    if (root >= limit || (UINTN)kernel_enter >= limit || (UINTN)(handoff + 1) >= limit)
        return FAIL(EFI_UNSUPPORTED, "  levels=5: the P5 at %lx or our image is not below 4 GiB", root);
    return EFI_SUCCESS;
}

EFI_STATUS check_fresh_tables(struct loader *loader)
{
    const struct handoff *handoff = loader->handoff;
    struct paging_translation guard;
    EFI_STATUS status = check_needed(loader);
    if (!EFI_ERROR(status))
        status = check_below_4g(handoff);
    for (unsigned i = 0; i < handoff->region_count && !EFI_ERROR(status); i++)
        status = check_region(&handoff->space, &handoff->regions[i]);
    if (EFI_ERROR(status))
        return status;
    if (paging_translate(&handoff->space, (paging_virt_t){handoff->stack_guard}, &guard) == PAGING_OK)
        return FAIL(EFI_LOAD_ERROR, "  the page below the stack is mapped: an overflow would not be noticed");
    for (unsigned i = 0; i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        say("  %012lx..%012lx r%c%c  %s%s\n", paging_frame_start(region->start).value,
            paging_frame_start(region->end).value, region->flags & PAGING_WRITABLE ? 'w' : '-',
            region->flags & PAGING_NO_EXECUTE ? '-' : 'x', region->name,
            region->for_runtime  ? " (in the runtime space)"
            : region->until_exit ? " (for the start only)"
                                 : "");
    }
    return EFI_SUCCESS;
}
