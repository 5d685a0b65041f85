/*
 * safe_access.h - an access that is expected to fault, and lives to tell.
 */
#ifndef KERNEL_CPU_SAFE_ACCESS_H
#define KERNEL_CPU_SAFE_ACCESS_H

#include <selfmap/address.h>

enum safe_access_kind { SAFE_READ, SAFE_WRITE, SAFE_FETCH };

struct safe_access {
    uint64_t resume_ip, resume_sp; /* interrupts.S knows that these come first, and value third */
    uint64_t value;                /* what a read found */
    bool faulted;
    uint64_t vector, error_code, address; /* of the fault; address is CR2 for a page fault, else 0 */
};

/*
 * Read or write eight bytes at the address, or call it (there must be code that returns). A fault ends the
 * access and nothing else.
 */
struct safe_access safe_read(paging_virt_t address);
struct safe_access safe_write(paging_virt_t address, uint64_t value);
struct safe_access safe_fetch(paging_virt_t address);

/* The probe under way, or NULL: for the exception handler. */
struct safe_access *safe_access_current(void);

#endif
