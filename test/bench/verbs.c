/* verbs.c - the core's verbs, and verbs that do nothing: they show what the harness's loop costs. */
#include "verbs.h"

static enum paging_status map_nothing(struct address_space *space, page_t page, frame_t frame, uint64_t flags,
                                      struct frame_source *frames)
{
    (void)space, (void)page, (void)frame, (void)flags, (void)frames;
    return PAGING_OK;
}

static enum paging_status translate_nothing(const struct address_space *space, virt_addr_t address,
                                            struct paging_translation *translation)
{
    (void)space, (void)address, (void)translation;
    return PAGING_OK;
}

static enum paging_status unmap_nothing(struct address_space *space, page_t page, struct frame_source *frames,
                                        struct paging_unmapped *unmapped)
{
    (void)space, (void)page, (void)frames, (void)unmapped;
    return PAGING_OK;
}

const struct verbs core_verbs = {paging_map_to, paging_translate, paging_unmap};
const struct verbs empty_verbs = {map_nothing, translate_nothing, unmap_nothing};
