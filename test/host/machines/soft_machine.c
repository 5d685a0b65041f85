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

/* Where the core's access lands; it must not fault. */
static uint64_t *reach(uintptr_t address, unsigned access)
{
    uintptr_t inside = address - (uintptr_t)machine.memory;
    /* Without a scratch page the core reaches new tables by offset. */
    if (inside < MEMORY_FRAMES * PAGING_PAGE_BYTES && !machine.by_offset && PAGING_HAS_SCRATCH_SLOT)
        fail_msg("the core reached %#lx by offset, in a space that is active", (unsigned long)inside);
    if (inside < MEMORY_FRAMES * PAGING_PAGE_BYTES)
        return (uint64_t *)(machine.memory + inside);
    if (machine.setup.by_direct_map)
        fail_msg("the core accessed %#lx, in a space that lives by direct map", (unsigned long)address);
    unsigned error = 0;
    const struct translation *translation = machine_translate(address, access, &error);
    if (!translation)
        fail_msg("the core faulted at %#lx, error code %#x", (unsigned long)address, error);
    uint64_t *words = machine_frame(machine_frame_of(translation, address));
    if (!words)
        fail_msg("the core's access to %#lx leads beyond memory", (unsigned long)address);
    return &words[address % PAGING_PAGE_BYTES / sizeof(*words)];
}

uint64_t machine_load(uintptr_t address)
{
    return *(volatile uint64_t *)reach(address, WALK_READ);
}

void machine_store(uintptr_t address, uint64_t value)
{
    *(volatile uint64_t *)reach(address, WALK_WRITE) = value;
    machine_stored();
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
