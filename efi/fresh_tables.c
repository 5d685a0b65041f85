/* SPDX-License-Identifier: MIT */
/*
 * fresh_tables.c - builds the fresh P4 (or P5) with the core that changes it later, by the direct map.
 */
#include "kernel/boot/identity_map.h"
#include "kernel/boot/own_blocks.h"
#include "loader.h"

enum {
    SPARE_TABLES = 16, /* the root, those of the scratch page, and some room */
    /* Memory of ours may be cut out of two regions, an entry of the attributes table and a descriptor. */
    TABLES_PER_BLOCK = 2 * 4, /* a P1 and a P2 at each end of the hole */
};

/* The lower half (2^47, or 2^56 with five levels) and MAXPHYADDR. */
UINT64 address_limit(const struct paging_cpu *cpu)
{
    unsigned half = paging_address_bits(cpu->levels) - 1;
    return 1ull << (cpu->physical_bits < half ? cpu->physical_bits : half);
}

EFI_STATUS add_region(struct loader *loader, const char *name, UINT64 start, UINT64 end, UINT64 flags,
                      bool exact)
{
    struct handoff *handoff = loader->handoff;
    if (start == end)
        return EFI_SUCCESS; /* as a section of the image that is empty */
    if (end < start || end > UINT64_MAX - EFI_PAGE_SIZE)
        return FAIL(EFI_INVALID_PARAMETER, "  %s: %lx..%lx is not a range", name, start, end);
    if (handoff->region_count == HANDOFF_REGION_LIMIT)
        return FAIL(EFI_OUT_OF_RESOURCES, "  more than %d regions to map", HANDOFF_REGION_LIMIT);
    handoff->regions[handoff->region_count++] = (struct handoff_region){
        .name = name,
        .start = paging_frame_containing((paging_phys_t){start}),
        .end = paging_frame_containing((paging_phys_t){end + EFI_PAGE_SIZE - 1}),
        .flags = flags,
        .exact = exact,
    };
    return EFI_SUCCESS;
}

EFI_STATUS add_region_until_exit(struct loader *loader, const char *name, UINT64 start, UINT64 end,
                                 UINT64 flags)
{
    struct handoff *handoff = loader->handoff;
    unsigned before = handoff->region_count;
    EFI_STATUS status = add_region(loader, name, start, end, flags, true);
    if (handoff->region_count > before)
        handoff->regions[before].until_exit = true;
    return status;
}

void drop_region(struct handoff *handoff, const char *name)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < handoff->region_count; i++)
        if (handoff->regions[i].name != name)
            handoff->regions[kept++] = handoff->regions[i];
    handoff->region_count = kept;
}

/* Returns how many tables a region takes at most: one of each level at each end, and a P2 for each GiB. */
static UINT64 tables_of_region(const struct handoff_region *region, unsigned levels)
{
    return 2 * (UINT64)(levels - 1) +
           (region->end.number - region->start.number) / paging_level_pages(PAGING_1G);
}

/* Takes frames for as many tables as there can be. What is not used joins the frame allocator later. */
static EFI_STATUS take_arena(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start, tables = SPARE_TABLES + (handoff->own_count + 1) * TABLES_PER_BLOCK;
    for (unsigned i = 0; i < handoff->region_count; i++)
        tables += tables_of_region(&handoff->regions[i], handoff->space.cpu.levels);
    EFI_STATUS status = take_pages(loader, "page tables", tables, EFI_PAGE_SIZE, &start);
    if (EFI_ERROR(status))
        return status;
    paging_frame_t first = paging_frame_containing((paging_phys_t){start});
    arena_start(&handoff->arena, first, (paging_frame_t){first.number + tables});
    return EFI_SUCCESS;
}

EFI_STATUS build_fresh_tables(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    struct paging_frame_source *frames = &handoff->arena.source;
    EFI_STATUS taken = take_arena(loader);
    if (EFI_ERROR(taken))
        return taken;
    check_framebuffer_is_apart(loader);
    check_serial_ports_are_apart(loader);
    taken = keep_own_memory_apart(loader);
    if (EFI_ERROR(taken))
        return taken;
    enum paging_status status = paging_create(&handoff->space, handoff->space.cpu, 0, frames);
    if (status != PAGING_OK)
        return FAIL(EFI_OUT_OF_RESOURCES, "  no address space: %s", paging_status_name(status));

    for (unsigned i = 0; i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        uint64_t flags = region->flags & (handoff->space.cpu.has_no_execute ? ~0ull : ~PAGING_NO_EXECUTE);
        status = identity_map_region(&handoff->space, region->start, region->end, flags, frames);
        if (status != PAGING_OK)
            return FAIL(EFI_LOAD_ERROR, "  %s at %lx..%lx cannot be mapped: %s", region->name,
                        paging_frame_start(region->start).value, paging_frame_start(region->end).value,
                        paging_status_name(status));
    }
    say("  %u regions in %lu tables, %u levels, root at %lx\n", handoff->region_count,
        paging_counted(&handoff->space).tables, handoff->space.cpu.levels,
        paging_root_address(&handoff->space).value);
    return EFI_SUCCESS;
}
