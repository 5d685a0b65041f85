/* SPDX-License-Identifier: MIT */
/* A frame is made from an address, not by assigning one. expect: (invalid initializer|incompatible type) */
#include <selfmap/address.h>

paging_frame_t attempt(paging_phys_t address);

paging_frame_t attempt(paging_phys_t address)
{
#ifdef REJECT
    paging_frame_t frame = address;
#else
    paging_frame_t frame = paging_frame_containing(address);
#endif
    return frame;
}
