/* SPDX-License-Identifier: MIT */
/*
 * Back-end on the host's own MMU: the frames of a memfd are mapped into the lower half where the core's
 * recursive slot and the tests' pages lie, when an access faults there.
 */
#define _GNU_SOURCE
#include "machines/machine_internal.h"
#include <selfmap/guarded_load.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

/* Slots of the P4 that no Linux process uses, under ASan either: two for pages, three the core's. */
#define FIRST_DATA_SLOT 130u
#define LAST_DATA_SLOT  131u

#define TRAP_FLAG (1ll << 8) /* of RFLAGS: after the next instruction, a SIGTRAP */

/* Linux allows 65,530 mappings in a process (vm.max_map_count). */
#define MOST_HOSTED 24000u

static struct {
    int memory;      /* memfd: all frames, and after them one that stands for "no memory there" */
    uint8_t *direct; /* where the core has all of them by offset; machine.memory is ours */
    uint64_t bytes;
    struct sigaction old, old_trap;
    uint64_t ring[MOST_HOSTED];
    unsigned next;
    bool user;      /* the access being made is one of user mode */
    unsigned error; /* why the access was refused */
    uint64_t core_address;
    uint64_t opened; /* the table's page that a store of the core was let into until it traps, or 0 */
} host;

/*
 * The three accesses a test makes. Each returns 0, or 1 if the handler of SIGSEGV sent it to host_refused.
 * The store is a write that keeps what is there; the fetch runs the RET that starts every junk word.
 */
int host_load(uint64_t address, uint64_t *value);
int host_store(uint64_t address);
int host_fetch(uint64_t address);
extern const char host_refused[];

__asm__(".text\n"
        "host_load:    mov (%rdi), %rax\n"
        "              mov %rax, (%rsi)\n"
        "              xor %eax, %eax\n"
        "              ret\n"
        "host_store:   orq $0, (%rdi)\n"
        "              xor %eax, %eax\n"
        "              ret\n"
        "host_fetch:   call *%rdi\n"
        "              xor %eax, %eax\n"
        "              ret\n"
        "host_refused: mov $1, %eax\n"
        "              ret\n");

static bool is_hostable(uint64_t address)
{
    uint64_t slot = address >> 39;
    return (slot >= FIRST_DATA_SLOT && slot <= LAST_DATA_SLOT) ||
           (slot >= PAGING_RECURSIVE_SLOT && slot <= PAGING_SCRATCH_SLOT);
}

/* Where the core stores: windows, and the scratch page; or its direct map. */
static bool is_the_cores(uint64_t address)
{
    return machine.setup.by_direct_map ? address - (uintptr_t)host.direct < host.bytes
                                       : address >> 39 >= PAGING_RECURSIVE_SLOT;
}

static void host_page(struct translation *translation, uint64_t address)
{
    uint64_t page = address & ~(PAGING_PAGE_BYTES - 1);
    uint64_t frame = machine_frame_of(translation, address);
    int rights = PROT_READ | (translation->writable && translation->dirty ? PROT_WRITE : 0) |
                 (translation->executable ? PROT_EXEC : 0);
    if (machine.stores_trap && is_the_cores(address) && page != host.opened)
        rights &= ~PROT_WRITE;
    uint64_t *oldest = &host.ring[host.next];
    if (*oldest)
        munmap((void *)*oldest, PAGING_PAGE_BYTES);
    *oldest = page;
    host.next = (host.next + 1) % MOST_HOSTED;
    off_t place = (off_t)((frame < MEMORY_FRAMES ? frame : MEMORY_FRAMES) * PAGING_PAGE_BYTES);
    if (mmap((void *)page, PAGING_PAGE_BYTES, rights, MAP_SHARED | MAP_FIXED, host.memory, place) ==
        MAP_FAILED)
        abort();
    translation->hosted = true;
}

static void unhost(const struct translation *translation, uint64_t bytes)
{
    munmap((void *)translation->address, bytes);
}

static void core_faulted(void)
{
    fail_msg("the core faulted at %#lx, error code %#x", (unsigned long)host.core_address, host.error);
}

/* Send the interrupted code elsewhere: a test's access to its refusal, the core to the end of the test. */
static void refuse(greg_t *registers, uint64_t address, unsigned access)
{
    uint64_t rip = (uint64_t)registers[REG_RIP];
    if (paging_resume_fault(&rip)) {
        registers[REG_RIP] = (greg_t)rip;
    } else if (access & WALK_FETCH) {
        registers[REG_RSP] += 8; /* the call has pushed where to return to */
        registers[REG_RIP] = (greg_t)(uintptr_t)host_refused;
    } else if (rip == (uintptr_t)host_load || rip == (uintptr_t)host_store) {
        registers[REG_RIP] = (greg_t)(uintptr_t)host_refused;
    } else {
        host.core_address = address;
        registers[REG_RSP] =
            ((registers[REG_RSP] - 128) & ~15ll) - 8; /* past the red zone, as after a call */
        registers[REG_RIP] = (greg_t)(uintptr_t)core_faulted;
    }
}

/* Lets the fault come again, with the handler that was there before. A debugger stops here. */
static __attribute__((noinline)) void real_crash(int signal)
{
    sigaction(signal, &host.old, NULL);
}

/* Lets one instruction store to the table. */
static void open_table(greg_t *registers, uint64_t address)
{
    host.opened = address & ~(PAGING_PAGE_BYTES - 1);
    registers[REG_EFL] |= TRAP_FLAG;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t address = (uintptr_t)info->si_addr;
    if (machine.stores_trap && machine.setup.by_direct_map && is_the_cores(address)) {
        open_table(registers, address);
        mprotect((void *)host.opened, PAGING_PAGE_BYTES, PROT_READ | PROT_WRITE);
        return;
    }
    if (!machine.memory || !is_hostable(address)) {
        real_crash(signal);
        return;
    }
    bool fetch = (uint64_t)registers[REG_RIP] == address;
    unsigned access = (unsigned)registers[REG_ERR] & WALK_WRITE;
    access |= (fetch ? WALK_FETCH : 0) | (host.user ? WALK_USER : 0);
    struct translation *translation = machine_translate(address, access, &host.error);
    if (!translation) {
        refuse(registers, address, access);
        return;
    }
    if (machine.stores_trap && (access & WALK_WRITE) && is_the_cores(address))
        open_table(registers, address);
    host_page(translation, address);
}

/* One instruction after a table was opened for it: the store is done. */
static void on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)info;
    if (!host.opened) {
        sigaction(signal, &host.old_trap, NULL);
        return;
    }
    mprotect((void *)host.opened, PAGING_PAGE_BYTES, PROT_READ);
    host.opened = 0;
    registers[REG_EFL] &= ~TRAP_FLAG;
    machine.steps++;
    if (machine.observer)
        machine.observer();
}

/* What is hosted already is writable: all of it goes, and comes back when it faults. */
void machine_step(void (*observer)(void))
{
    const uint64_t slot_bytes = 1ull << 39, first = PAGING_RECURSIVE_SLOT * slot_bytes;
    if (machine.setup.by_direct_map)
        mprotect(host.direct, host.bytes, PROT_READ | (observer ? 0 : PROT_WRITE));
    else
        munmap((void *)first, (PAGING_SCRATCH_SLOT - PAGING_RECURSIVE_SLOT + 1) * slot_bytes);
    machine.stores_trap = observer != NULL;
    machine_observe(observer);
}

uint8_t *backend_open(uint64_t bytes)
{
    memset(&host, 0, sizeof(host));
    host.memory = memfd_create("physical memory", MFD_CLOEXEC);
    assert_true(host.memory >= 0);
    assert_int_equal(ftruncate(host.memory, (off_t)(bytes + PAGING_PAGE_BYTES)), 0);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, host.memory, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    host.bytes = bytes;
    host.direct = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, host.memory, 0);
    assert_ptr_not_equal(host.direct, MAP_FAILED);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, &host.old);
    struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &trap, &host.old_trap);
    machine.tlb.forgotten = unhost;
    return memory;
}

void backend_close(uint8_t *memory, uint64_t bytes)
{
    sigaction(SIGSEGV, &host.old, NULL);
    sigaction(SIGTRAP, &host.old_trap, NULL);
    munmap(memory, bytes);
    munmap(host.direct, bytes);
    close(host.memory);
}

uintptr_t backend_offset(void)
{
    return (uintptr_t)host.direct;
}

struct machine_access machine_access(uint64_t address, unsigned access)
{
    struct machine_access result = {0};
    /* The host has no supervisor: a user access is judged first, and made when it is allowed. */
    if (!is_hostable(address) || (access & WALK_USER)) {
        result = machine_access_emulated(address, access);
        if (result.faulted || !is_hostable(address))
            return result;
    }
    host.user = (access & WALK_USER) != 0;
    if (access & WALK_FETCH)
        result.faulted = host_fetch(address) != 0;
    else if (access & WALK_WRITE)
        result.faulted = host_store(address) != 0;
    else
        result.faulted = host_load(address, &result.value) != 0;
    result.error = result.faulted ? host.error : 0;
    host.user = false;
    return result;
}
