/*
 * probe.h - an access that is expected to fault, and lives to tell.
 */
#ifndef KERNEL_PROBE_H
#define KERNEL_PROBE_H

#include "paging/address.h"

enum probe_kind { PROBE_READ, PROBE_WRITE, PROBE_FETCH };

struct probe {
    uint64_t resume_ip, resume_sp; /* interrupts.S knows that these come first, and value third */
    uint64_t value;                /* what a read found */
    bool faulted;
    uint64_t vector, error_code, address; /* of the fault; address is CR2 for a page fault, else 0 */
};

/*
 * Read or write eight bytes at the address, or call it (there must be code that returns). A fault ends the
 * access and nothing else.
 */
struct probe probe_read(virt_addr_t address);
struct probe probe_write(virt_addr_t address, uint64_t value);
struct probe probe_fetch(virt_addr_t address);

/* The probe under way, or NULL: for the exception handler. */
struct probe *probe_under_way(void);

#endif
