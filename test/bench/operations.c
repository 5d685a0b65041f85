/* SPDX-License-Identifier: MIT */
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

static enum paging_status map_no_list(struct paging_space *space, const paging_page_t *pages,
                                      const paging_frame_t *to, uint64_t count, uint64_t flags,
                                      struct paging_frame_source *frames)
{
    (void)space, (void)pages, (void)to, (void)count, (void)flags, (void)frames;
    return PAGING_OK;
}

static enum paging_status translate_no_list(const struct paging_space *space, const paging_page_t *pages,
                                            uint64_t count, struct paging_page_translation *translations)
{
    (void)space, (void)pages, (void)count, (void)translations;
    return PAGING_OK;
}

static enum paging_status unmap_no_list(struct paging_space *space, const paging_page_t *pages,
                                        uint64_t count, struct paging_frame_source *frames,
                                        struct paging_unmapped *unmapped)
{
    (void)space, (void)pages, (void)count, (void)frames, (void)unmapped;
    return PAGING_OK;
}

const struct operations core_operations = {paging_map_to,   paging_translate,      paging_unmap,
                                           paging_map_list, paging_translate_list, paging_unmap_list};
const struct operations empty_operations = {map_nothing, translate_nothing, unmap_nothing,
                                            map_no_list, translate_no_list, unmap_no_list};
