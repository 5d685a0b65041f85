/* operations.c - the core's operations, and operations that do nothing: they show what the loop costs. */
#include "operations.h"

static enum paging_status map_nothing(struct paging_space *space, paging_page_t page, paging_frame_t frame,
                                      uint64_t flags, struct paging_frame_source *frames)
{
    (void)space, (void)page, (void)frame, (void)flags, (void)frames;
    return PAGING_OK;
}

static enum paging_status translate_nothing(const struct paging_space *space, paging_virt_t address,
                                            struct paging_translation *translation)
{
    (void)space, (void)address, (void)translation;
    return PAGING_OK;
}

static enum paging_status unmap_nothing(struct paging_space *space, paging_page_t page,
                                        struct paging_frame_source *frames, struct paging_unmapped *unmapped)
{
    (void)space, (void)page, (void)frames, (void)unmapped;
    return PAGING_OK;
}

const struct operations core_operations = {paging_map_to, paging_translate, paging_unmap};
const struct operations empty_operations = {map_nothing, translate_nothing, unmap_nothing};
