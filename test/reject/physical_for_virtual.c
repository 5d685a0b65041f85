/* SPDX-License-Identifier: MIT */
/* A physical address is not a virtual one. expect: (incompatible type|passing) */
#include <selfmap/translate.h>

enum paging_status attempt(const struct paging_space *space, paging_phys_t there, paging_virt_t here,
                           struct paging_translation *found);

enum paging_status attempt(const struct paging_space *space, paging_phys_t there, paging_virt_t here,
                           struct paging_translation *found)
{
    (void)there;
    (void)here;
#ifdef REJECT
    return paging_translate(space, there, found);
#else
    return paging_translate(space, here, found);
#endif
}
