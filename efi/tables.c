/* tables.c - the fresh P4: the same mapper as later, reaching tables by their physical addresses. */
#include "kernel/boot/identity_map.h"
#include "loader.h"

enum {
    SPARE_TABLES = 16, /* the root, the scratch page's, and some room */
    TABLES_PER_REGION =
        8, /* more than two P1s, P2s, P3s at the ends, besides one P2 for each GiB in between */
};

/* Room for all tables at worst. What is not used joins the frame allocator later. */
static EFI_STATUS take_arena(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start, tables = SPARE_TABLES;
    for (unsigned i = 0; i < handoff->region_count; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        tables +=
            TABLES_PER_REGION + (region->end.number - region->start.number) / paging_level_pages(PAGING_1G);
    }
    EFI_STATUS status = take_pages(loader, tables, EFI_PAGE_SIZE, &start);
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
    say("  %u regions in %lu tables, %u levels, root at %lx\n", handoff->region_count, handoff->space.tables,
        handoff->space.cpu.levels, paging_root_address(&handoff->space).value);
    return EFI_SUCCESS;
}
