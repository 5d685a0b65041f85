/* SPDX-License-Identifier: MIT */
/*
 * violations.c - accesses that the kernel's own mappings forbid: to code, constants, data, null, a guard
 * page, an address that is not canonical; and pushes off the end of each stack.
 */
#include "selftest/violations.h"
#include "console/format.h"
#include "cpu/descriptors.h"
#include "cpu/instructions.h"
#include <selfmap/check_access.h>
#include <selfmap/window.h>

static void some_code(void)
{
}

static const uint64_t some_constant = 0xc3c3c3c3c3c3c3c3;
static uint64_t some_data = 0xc3c3c3c3c3c3c3c3; /* ret, in each byte */

static const char *const verbs[] = {"read from", "write to", "fetch from"};

static struct safe_access try_access(enum paging_access_kind kind, uint64_t at)
{
    paging_virt_t address = {at};
    return kind == PAGING_READ    ? safe_read(address)
           : kind == PAGING_WRITE ? safe_write(address, 0)
                                  : safe_fetch(address);
}

/* Makes the access, which must end in a page fault whose report names it and the reason. */
static void check_page_fault(struct selftest_run *t, enum paging_access_kind kind, uint64_t address,
                             const char *reason)
{
    char text[96];
    struct text_sink sink = text_sink(text, sizeof text);
    struct safe_access access = try_access(kind, address);
    CHECK(access.faulted && access.vector == PAGE_FAULT && access.address == address);
    format(&sink.sink,
           "#PF page fault, error code %lx\npage fault: supervisor %s %016lx: ", access.error_code,
           verbs[kind], address);
    CHECK(test_explains(access, text));
    CHECK(test_explains(access, reason));
}

void violations_are_reported(struct selftest_run *t)
{
    bool tells_fetches = no_execute(t) != 0;
    paging_virt_t gap = {UINT64_C(1) << (paging_address_bits(t->space->cpu.levels) - 1)};
    uint64_t guard = t->setup->stack_guard;
    check_page_fault(t, PAGING_WRITE, (uintptr_t)some_code, "says read-only, executable\n");
    check_page_fault(t, PAGING_WRITE, (uintptr_t)&some_constant, "says read-only, ");
    if (tells_fetches)
        check_page_fault(t, PAGING_FETCH, (uintptr_t)&some_data, "says writable, no-execute\n");
    check_page_fault(t, PAGING_READ, guard + 8,
                     "not mapped, the walk stopped at the P1 entry 0000000000000000");
    check_page_fault(t, PAGING_WRITE, guard + 16,
                     "is in the guard page below the kernel stack, to which the stack pointer is not near\n");
    if (test_page_is_free(t, (paging_page_t){0})) {
        check_page_fault(t, PAGING_READ, 0, "not mapped");
        check_page_fault(t, PAGING_WRITE, 8, "not mapped");
        if (tells_fetches)
            check_page_fault(t, PAGING_FETCH, 0, "not mapped");
    }
    struct safe_access access = safe_read(gap);
    CHECK(access.faulted && access.vector == GENERAL_PROTECTION);
    CHECK(test_explains(access, "#GP general protection, error code 0\ngeneral protection: no descriptor is "
                                "involved: a non-canonical address"));
    CHECK(*(const volatile uint64_t *)&some_constant == 0xc3c3c3c3c3c3c3c3 && some_data == some_constant);
}

/* ---- stacks ---- */

bool is_stack_guard(paging_page_t page)
{
    for (unsigned i = 0; i < DESCRIPTORS_STACKS; i++)
        if (descriptors_stack(i).guard / PAGING_PAGE_BYTES == page.number)
            return true;
    return false;
}

/* Pushes at the low end of the stack. The processor cannot push the fault's frame there either. */
static void use_up(struct selftest_run *t, const char *name, uint64_t guard)
{
    char text[96];
    struct text_sink sink = text_sink(text, sizeof text);
    struct safe_access access = safe_push((paging_virt_t){guard + PAGING_PAGE_BYTES});
    CHECK(access.faulted && access.vector == DOUBLE_FAULT);
    CHECK(access.address - guard < PAGING_PAGE_BYTES);
    format(&sink.sink,
           "#DF double fault, error code 0\n%s is used up: %016lx is in the guard page below it\n", name,
           access.address);
    CHECK(test_explains(access, text));
}

void overflows_are_reported(struct selftest_run *t)
{
    use_up(t, "the kernel stack", t->setup->stack_guard);
    for (unsigned i = 0; i < DESCRIPTORS_STACKS; i++) {
        struct guarded_stack stack = descriptors_stack(i);
        use_up(t, stack.name, stack.guard);
        CHECK(!safe_push((paging_virt_t){stack.bytes.start + sizeof(uint64_t)}).faulted); /* the last word */
    }
}
