/* SPDX-License-Identifier: MIT */
/* Back-end without a host MMU: each access of the core is a call that translates. */
#include "machines/machine_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

uint8_t *backend_open(uint64_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

void backend_close(uint8_t *memory, uint64_t bytes)
{
    munmap(memory, bytes);
}

uintptr_t backend_offset(void)
{
    return (uintptr_t)machine.memory;
}

/* Where the core's access lands. NULL: it faults, with this error code. */
static uint64_t *try_to_reach(uintptr_t address, unsigned access, unsigned *error)
{
    uintptr_t inside = address - (uintptr_t)machine.memory;
    /* Without a scratch page the core reaches new tables by offset. */
    if (inside < MEMORY_FRAMES * PAGING_PAGE_BYTES && !machine.by_offset && PAGING_HAS_SCRATCH_SLOT)
        fail_msg("the core reached %#lx by offset, in a space that is active", (unsigned long)inside);
    if (inside < MEMORY_FRAMES * PAGING_PAGE_BYTES)
        return (uint64_t *)(machine.memory + inside);
    if (machine.setup.by_direct_map)
        fail_msg("the core accessed %#lx, in a space that lives by direct map", (unsigned long)address);
    const struct translation *translation = machine_translate(address, access, error);
    if (!translation)
        return NULL;
    uint64_t *words = machine_frame(machine_frame_of(translation, address));
    if (!words)
        fail_msg("the core's access to %#lx leads beyond memory", (unsigned long)address);
    return &words[address % PAGING_PAGE_BYTES / sizeof(*words)];
}

/* The same for an access that must not fault. */
static uint64_t *reach(uintptr_t address, unsigned access)
{
    unsigned error = 0;
    uint64_t *word = try_to_reach(address, access, &error);
    if (!word)
        fail_msg("the core faulted at %#lx, error code %#x", (unsigned long)address, error);
    return word;
}

bool machine_load_guarded(uintptr_t address, uint64_t *value)
{
    unsigned error = 0;
    const volatile uint64_t *word = try_to_reach(address, WALK_READ, &error);
    if (word)
        *value = *word;
    return word != NULL;
}

uint64_t machine_load(uintptr_t address)
{
    uint64_t value = *(volatile uint64_t *)reach(address, WALK_READ);
    if (machine.load_observer)
        machine.load_observer();
    return value;
}

void machine_store(uintptr_t address, uint64_t value)
{
    machine_judge_entry(value);
    *(volatile uint64_t *)reach(address, WALK_WRITE) = value;
    machine_stored();
}

uint64_t machine_exchange(uintptr_t address, uint64_t value)
{
    volatile uint64_t *word = reach(address, WALK_WRITE);
    uint64_t before = *word;
    machine_judge_entry(value);
    *word = value;
    machine_stored();
    return before;
}

void machine_xor(uintptr_t address, uint64_t bits)
{
    volatile uint64_t *word = reach(address, WALK_WRITE);
    machine_judge_entry(*word ^ bits);
    *word ^= bits;
    machine_stored();
}

/* A CMPXCHG that does not replace the word is a store, too: of what was there. */
bool machine_replace(uintptr_t address, uint64_t before, uint64_t after)
{
    volatile uint64_t *word = reach(address, WALK_WRITE);
    bool was_there = *word == before;
    machine_judge_entry(after);
    *word = was_there ? after : *word;
    machine_stored();
    return was_there;
}

struct machine_access machine_access(uint64_t address, unsigned access)
{
    return machine_access_emulated(address, access);
}

/* Every store of the core is a call already. */
void machine_step(void (*observer)(void))
{
    machine_observe(observer);
}
