/* A frame is made from an address, not by assigning one. expect: (invalid initializer|incompatible type) */
#include "paging/address.h"

frame_t attempt(phys_addr_t address);

frame_t attempt(phys_addr_t address)
{
#ifdef REJECT
    frame_t frame = address;
#else
    frame_t frame = frame_containing(address);
#endif
    return frame;
}
