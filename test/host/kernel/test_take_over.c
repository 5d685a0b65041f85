/* SPDX-License-Identifier: MIT */
/* take over: what firmware may have left in registers, and which must be 0 so that nothing is traced. */
#include "devices/processor/processor.h"

#include <stdio.h>
#include <string.h>

#include "kernel/cpu/take_over.h"

enum { DEBUG_CONTROL = 0x1d9, GLOBAL_CONTROL = 0x38f, TRACE_CONTROL = 0x570, TRACE_BIT = 1 << 25 };
enum { EFER = 0xc0000080, FS_BASE = 0xc0000100, GS_BASE, KERNEL_GS_BASE };

static int begin(void **state)
{
    processor_begin();
    processor_has_msr(EFER, 0xd00); /* LMA, LME, NXE */
    return 0;
}

/* ---- control registers ---- */

static void as_firmware_should_leave_them(void **state)
{
    processor.cr0 = 0x80010033;
    processor.cr4 = 0x668;
    cpu_take_over(true);
    assert_done("flags dr7=400 dr6=ffff0ff0 cr0=80010033 cr4=660 ");
}

/* SDM 3A, 2.5. Of CR0 only WP is kept; caches are emptied first if they may have held what memory has not. */
static void each_bit_of_cr0(void **state)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint64_t kept = bit == 16 ? 1u << 16 : 0;
        char text[100];
        processor.cr0 = 1u << bit;
        cpu_take_over(true);
        snprintf(text, sizeof text, "flags dr7=400 dr6=ffff0ff0 %scr0=%lx cr4=0 ",
                 bit == 29 || bit == 30 ? "caches " : "", 0x80000033 | kept);
        assert_done(text);
    }
}

/* LA57 and VMXE cannot be cleared now, PAE must not; MCE, OSFXSR and OSXMMEXCPT we set ourselves. */
static void each_bit_of_cr4(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        bool stays = bit == 5 || bit == 6 || bit == 9 || bit == 10 || bit == 12 || bit == 13;
        processor.cr4 = UINT64_C(1) << bit;
        cpu_take_over(true);
        assert_int_equal(processor.cr4, stays ? UINT64_C(1) << bit : 0);
    }
}

/* SCE, and AMD's LMSLE and TCE, go; NXE comes if the processor has it. What is right is not written. */
static void each_bit_of_efer(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned no_execute = 0; no_execute < 2; no_execute++) {
            uint64_t before = UINT64_C(1) << bit, nx = no_execute ? 1u << 11 : 0;
            bool goes = bit == 0 || bit == 13 || bit == 15;
            uint64_t after = (goes ? 0 : before) | nx;
            char text[100];
            processor_has_msr(EFER, before);
            processor.done[0] = '\0';
            cpu_take_over(no_execute);
            assert_int_equal(processor_msr(EFER), after);
            snprintf(text, sizeof text, "msr c0000080=%lx ", after);
            assert_int_equal(strstr(processor.done, text) != NULL, before != after);
        }
}

/* ---- tracing ---- */

static void assert_lists(struct cpu_tracing tracing, unsigned count, const uint32_t *expected)
{
    uint32_t msrs[CPU_TRACING_LIMIT] = {0};
    assert_int_equal(cpu_tracing_registers(tracing, msrs), count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(msrs[i], expected[i]);
}

static void only_registers_that_exist(void **state)
{
    static const uint32_t all[] = {DEBUG_CONTROL, GLOBAL_CONTROL, TRACE_CONTROL};
    static const uint32_t traced[] = {DEBUG_CONTROL, TRACE_CONTROL};
    assert_lists((struct cpu_tracing){0, 0}, 1, all);
    assert_lists((struct cpu_tracing){1, 0}, 1, all);          /* version 1 has no global control */
    assert_lists((struct cpu_tracing){0xffffff01, 0}, 1, all); /* the other bits say something else */
    assert_lists((struct cpu_tracing){2, 0}, 2, all);
    assert_lists((struct cpu_tracing){0x08300805, 0}, 2, all);
    assert_lists((struct cpu_tracing){0x80, 0}, 2, all);
    assert_lists((struct cpu_tracing){0, ~(uint32_t)TRACE_BIT}, 1, all);
    assert_lists((struct cpu_tracing){0, TRACE_BIT}, 2, traced);
    assert_lists((struct cpu_tracing){4, UINT32_MAX}, 3, all);
}

static void has_registers(bool counters, bool trace)
{
    static const uint32_t always[] = {DEBUG_CONTROL, FS_BASE, GS_BASE, KERNEL_GS_BASE};
    (void)begin(NULL);
    for (unsigned i = 0; i < sizeof always / sizeof always[0]; i++)
        processor_has_msr(always[i], 7);
    if (counters)
        processor_has_msr(GLOBAL_CONTROL, 7);
    if (trace)
        processor_has_msr(TRACE_CONTROL, 7);
}

/* A write to a register that is not there would fail the test. */
static void nothing_is_traced_from_here_on(void **state)
{
    has_registers(false, false);
    cpu_stop_tracing();
    assert_done("msr 1d9=0 msr c0000100=0 msr c0000101=0 msr c0000102=0 ");
    has_registers(true, true);
    processor_has_leaf(0, (struct cpuid){.eax = 0xa});
    processor_has_leaf(0xa, (struct cpuid){.eax = 2});
    processor_has_leaf(7, (struct cpuid){.ebx = TRACE_BIT});
    cpu_stop_tracing();
    assert_done("msr 1d9=0 msr 38f=0 msr 570=0 msr c0000100=0 msr c0000101=0 msr c0000102=0 ");
    has_registers(false, false);
    processor_has_leaf(0, (struct cpuid){.eax = 0xa});
    processor_has_leaf(0xa, (struct cpuid){1, 2, 2, 2});
    processor_has_leaf(7, (struct cpuid){TRACE_BIT, ~(uint32_t)TRACE_BIT, TRACE_BIT, TRACE_BIT});
    cpu_stop_tracing();
    assert_done("msr 1d9=0 msr c0000100=0 msr c0000101=0 msr c0000102=0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"take over: flags, debug registers, control registers, in this order", as_firmware_should_leave_them,
         begin, NULL, NULL},
        {"take over: each bit of CR0", each_bit_of_cr0, begin, NULL, NULL},
        {"take over: each bit of CR4", each_bit_of_cr4, begin, NULL, NULL},
        {"take over: each bit of EFER", each_bit_of_efer, begin, NULL, NULL},
        {"take over: only registers that the processor has are listed", only_registers_that_exist, NULL, NULL,
         NULL},
        {"take over: only registers that the processor has are written", nothing_is_traced_from_here_on, NULL,
         NULL, NULL},
    };
    return cmocka_run_group_tests_name("take_over", tests, NULL, NULL);
}
