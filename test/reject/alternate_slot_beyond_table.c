/* Reserved root slots are checked when the core is compiled. expect: ALTERNATE_SLOT must be the index of an entry of the root, or */
#ifdef REJECT
#    define PAGING_ALTERNATE_SLOT 513
#else
#    define PAGING_ALTERNATE_SLOT 512
#endif
#include <selfmap/space.h>
