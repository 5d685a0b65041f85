/* SPDX-License-Identifier: MIT */
/* check_access.c - the rules of SDM 3A, 4.6.1, one function per mode, and of protection keys, 4.6.2. */
#include <selfmap/check_access.h>
#include <selfmap/translate.h>

#include "walk.h"

static bool supervisor_may(uint64_t rights, struct paging_access access)
{
    bool user_page = (rights & PAGING_USER) != 0;
    if (access.kind == PAGING_FETCH)
        return !(user_page && access.smep) && (rights & PAGING_NO_EXECUTE) == 0;
    if (user_page && access.smap && !access.ac)
        return false;
    return access.kind == PAGING_READ || (rights & PAGING_WRITABLE) != 0 || !access.write_protect;
}

static bool user_may(uint64_t rights, struct paging_access access)
{
    if ((rights & PAGING_USER) == 0)
        return false;
    if (access.kind == PAGING_WRITE)
        return (rights & PAGING_WRITABLE) != 0;
    return access.kind == PAGING_READ || (rights & PAGING_NO_EXECUTE) == 0;
}

/*
 * Protection keys concern data in user pages, in every ring. One that forbids writes lets a supervisor write
 * if CR0.WP is clear.
 */
static bool key_forbids(uint64_t rights, struct paging_access access)
{
    if (!access.protection_keys || access.kind == PAGING_FETCH || (rights & PAGING_USER) == 0)
        return false;
    bool write_counts = access.kind == PAGING_WRITE && (access.user || access.write_protect);
    return (access.pkru >> (2 * PAGING_KEY_OF(rights)) & (write_counts ? 3u : 1u)) != 0;
}

/* Returns what the error code says about the access. Fetches are marked only with no-execute or SMEP. */
static uint64_t access_bits(const struct paging_space *space, struct paging_access access)
{
    bool tells_fetches = space->cpu.has_no_execute || access.smep;
    return (access.kind == PAGING_WRITE ? PAGING_FAULT_WRITE : 0) | (access.user ? PAGING_FAULT_USER : 0) |
           (access.kind == PAGING_FETCH && tells_fetches ? PAGING_FAULT_FETCH : 0);
}

enum paging_status paging_check_access(const struct paging_space *space, paging_virt_t address,
                                       struct paging_access access, uint64_t *error_code)
{
    if (access.implicit)
        access.user = access.ac = false;
    struct paging_walk_result path;
    enum paging_status status = paging_walk_address(space, address, &path);
    if (status == PAGING_NOT_CANONICAL || status == PAGING_UNREACHABLE)
        return status;
    uint64_t present = 0;
    if (status == PAGING_MALFORMED)
        present = PAGING_FAULT_PRESENT | PAGING_FAULT_RESERVED;
    if (status == PAGING_OK) {
        uint64_t rights = effective_flags(path.entries, path.level, path.top);
        bool key = key_forbids(rights, access);
        bool may = access.user ? user_may(rights, access) : supervisor_may(rights, access);
        if (may && !key)
            return PAGING_OK;
        present = PAGING_FAULT_PRESENT | (key ? PAGING_FAULT_KEY : 0);
        status = PAGING_DENIED;
    }
    *error_code = present | access_bits(space, access);
    return status;
}
