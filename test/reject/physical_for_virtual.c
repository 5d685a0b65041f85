/* A physical address is no virtual one. expect: (incompatible type|passing) */
#include "paging/translate.h"

enum paging_status attempt(const struct address_space *space, phys_addr_t there, virt_addr_t here,
                           struct paging_translation *found);

enum paging_status attempt(const struct address_space *space, phys_addr_t there, virt_addr_t here,
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
