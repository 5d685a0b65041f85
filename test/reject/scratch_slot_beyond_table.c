/* Reserved root slots are checked when the core is compiled. expect: SCRATCH_SLOT must be the index of an entry of the root, or */
#ifdef REJECT
#    define PAGING_SCRATCH_SLOT 513
#else
#    define PAGING_SCRATCH_SLOT 512
#endif
#include <selfmap/space.h>
