/* SPDX-License-Identifier: MIT */
/*
 * access.h - the nine functions through which the core touches the machine, and nothing else does.
 *
 * Every access to an entry is one volatile 64-bit load or store, or one instruction that does both: an entry
 * in use must never be seen half written, and the processor may set accessed and dirty bits at any time. If
 * PAGING_ACCESS_HEADER names a header, that one defines the nine functions instead, for example for an
 * emulated machine. It may also define paging_entry_load_guarded, and then the macro
 * PAGING_EMULATES_GUARDED_LOAD.
 *
 * Between a load and a store an interrupt handler can touch a page, and the processor marks its leaf. So
 * leaves are changed by instructions that load and store at once (leaf.h). An interrupt comes before such an
 * instruction or after it, and the processor sets a dirty bit only for an access that is completed: for one
 * processor the instruction need not be locked. The walks of another processor, or of a device, come at any
 * time; they set these bits with locked accesses (SDM 3A, 9.1.2.1), and only a locked one keeps them out.
 * PAGING_LOCKED_ACCESS (config.h) says which it is. XCHG is always locked.
 */
#ifndef SELFMAP_ACCESS_H
#define SELFMAP_ACCESS_H

#include <selfmap/entry.h>

#if PAGING_LOCKED_ACCESS
#    define PAGING_LOCK "lock "
#else
#    define PAGING_LOCK
#endif

#ifdef PAGING_ACCESS_HEADER
#    include PAGING_ACCESS_HEADER
#else
PAGING_BEGIN_C

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    /* The analyzer believes that the address in the window may be NULL. */
    return PAGING_MAKE(paging_entry_t, entry->bits); /* NOLINT(clang-analyzer-core.NullDereference) */
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    entry->bits = value.bits;
}

/* Stores an entry, and returns what was there. */
static inline paging_entry_t paging_entry_exchange(volatile paging_entry_t *entry, paging_entry_t value)
{
    __asm__ volatile("xchgq %0, %1" : "+r"(value.bits), "+m"(entry->bits));
    return value;
}

/* Inverts these bits of an entry; all others stay, whatever they are. */
static inline void paging_entry_xor(volatile paging_entry_t *entry, uint64_t bits)
{
    __asm__ volatile(PAGING_LOCK "xorq %1, %0" : "+m"(entry->bits) : "er"(bits) : "cc");
}

/* Stores an entry if `before` is there. Returns false, and changes nothing, if something else is. */
static inline bool paging_entry_replace(volatile paging_entry_t *entry, paging_entry_t before,
                                        paging_entry_t after)
{
    bool was_there;
    __asm__ volatile(PAGING_LOCK "cmpxchgq %3, %1"
                     : "=@ccz"(was_there), "+m"(entry->bits), "+a"(before.bits)
                     : "r"(after.bits));
    return was_there;
}

/* Zeroes a whole table that no entry points to yet. */
static inline void paging_table_zero(volatile paging_entry_t *table)
{
    uint64_t count = PAGING_TABLE_ENTRIES;
    __asm__ volatile("rep stosq" : "+D"(table), "+c"(count) : "a"(0ull) : "memory");
}

/*
 * Removes the translation of the page that contains the address from the TLB, and all cached upper-level
 * entries (SDM 3A, 4.10.4.1). If a larger page maps the address, that whole page is removed.
 */
static inline void paging_tlb_flush_page(paging_virt_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address.value) : "memory");
}

/*
 * Removes everything from the TLB, global pages included (SDM 3A, 4.10.4.1). INVPCID of type 2 does that
 * where the processor has it, and a change of CR4.PGE everywhere. A load of CR3 does not: it spares global
 * pages.
 */
static inline void paging_tlb_flush_all(bool has_invpcid)
{
    if (has_invpcid) {
        const uint64_t descriptor[2] = {0}, all_and_global = 2;
        __asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"(all_and_global) : "memory");
        return;
    }
    const uint64_t page_global = 1 << 7;
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 ^ page_global) : "memory");
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/* Loads CR3 with another root. This flushes everything except global pages (SDM 3A, 4.10.4.1). */
static inline void paging_root_load(paging_phys_t root)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(root.value) : "memory");
}

PAGING_END_C
#endif

#ifndef PAGING_PROCESSOR_INDEX
#    error "with PAGING_PROCESSORS above 1, PAGING_PROCESSOR_INDEX() must be defined (config.h)"
#endif

#ifndef PAGING_EMULATES_GUARDED_LOAD
/*
 * Loads the entry into *value. Returns false if the load faulted and the page fault handler has let it
 * continue (guarded_load.h); then *value is untouched.
 */
__attribute__((sysv_abi, visibility("hidden"))) bool
paging_entry_load_guarded(const volatile paging_entry_t *entry, paging_entry_t *value);
#endif
#endif
