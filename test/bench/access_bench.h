/* SPDX-License-Identifier: MIT */
/*
 * access_bench.h - the core's accesses in the benchmark: plain ones, and flushes that are only counted.
 *
 * What is measured and what it is measured against both go through these functions, so neither has an access
 * that the other has not. INVLPG is a privileged instruction; here it is one increment, on both sides.
 *
 * With BENCH_FOLD_BITS each address is cut to that number of bits first. With five levels the window of all
 * P1s has 256 TiB, which no process has; folded it has what lies below the bits, and bench_memory.c makes
 * sure that no two tables meet there.
 */
#ifndef BENCH_ACCESS_H
#define BENCH_ACCESS_H

struct bench_tally {
    uint64_t page_flushes, full_flushes, zeroed_tables;
};
extern struct bench_tally bench_tally;

/* Out of line, so that its instructions can be told from others; ours, so that they are not the libc's. */
void bench_table_zero(volatile paging_entry_t *table);

static inline uintptr_t bench_fold(uintptr_t address)
{
#ifdef BENCH_FOLD_BITS
    return address & (((uintptr_t)1 << BENCH_FOLD_BITS) - 1);
#else
    return address;
#endif
}

static inline paging_entry_t paging_entry_load(const volatile paging_entry_t *entry)
{
    return (paging_entry_t){((const volatile paging_entry_t *)bench_fold((uintptr_t)entry))->bits};
}

static inline void paging_entry_store(volatile paging_entry_t *entry, paging_entry_t value)
{
    ((volatile paging_entry_t *)bench_fold((uintptr_t)entry))->bits = value.bits;
}

static inline volatile paging_entry_t *bench_folded(volatile paging_entry_t *entry)
{
    return (volatile paging_entry_t *)bench_fold((uintptr_t)entry);
}

static inline paging_entry_t paging_entry_exchange(volatile paging_entry_t *entry, paging_entry_t value)
{
    __asm__ volatile("xchgq %0, %1" : "+r"(value.bits), "+m"(bench_folded(entry)->bits));
    return value;
}

static inline void paging_entry_xor(volatile paging_entry_t *entry, uint64_t bits)
{
    __asm__ volatile(PAGING_LOCK "xorq %1, %0" : "+m"(bench_folded(entry)->bits) : "er"(bits) : "cc");
}

static inline bool paging_entry_replace(volatile paging_entry_t *entry, paging_entry_t before,
                                        paging_entry_t after)
{
    bool was_there;
    __asm__ volatile(PAGING_LOCK "cmpxchgq %3, %1"
                     : "=@ccz"(was_there), "+m"(bench_folded(entry)->bits), "+a"(before.bits)
                     : "r"(after.bits));
    return was_there;
}

static inline void paging_table_zero(volatile paging_entry_t *table)
{
    bench_table_zero(table);
}

static inline void paging_tlb_flush_page(paging_virt_t address)
{
    __asm__ volatile("" : : "r"(address.value) : "memory");
    bench_tally.page_flushes++;
}

static inline void bench_flush_all(void)
{
    __asm__ volatile("" : : : "memory");
    bench_tally.full_flushes++;
}

/* Whatever the core says about how to do it. */
#define paging_tlb_flush_all(...) bench_flush_all()

/* No work here changes to another space; the core only has to find this. */
static inline void paging_root_load(paging_phys_t root)
{
    (void)root;
}

#endif
