/* SPDX-License-Identifier: MIT */
/*
 * test_processor.c - which bit of CPUID says what to the core, and how EFER and the PAT are set.
 */
#include "devices/processor/processor.h"

#include <string.h>

#include <selfmap/processor.h>

static int begin(void **state)
{
    processor_begin();
    memset(&processor.beyond, 0xff, sizeof processor.beyond); /* Intel's answer with the last leaf */
    return 0;
}

enum { LAST_BASIC = 0, LAST_EXTENDED = 0x80000000 };

static struct paging_cpu features(uint32_t extended_edx, uint32_t widths, uint32_t structured_ebx)
{
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 7});
    processor_has_leaf(7, (struct cpuid){.ebx = structured_ebx});
    processor_has_leaf(LAST_EXTENDED, (struct cpuid){.eax = 0x80000008});
    processor_has_leaf(0x80000001, (struct cpuid){.edx = extended_edx});
    processor_has_leaf(0x80000008, (struct cpuid){.eax = widths});
    return paging_cpu_read();
}

/* SDM 2A, CPUID: NX is EDX[20] of leaf 80000001h, 1 GiB pages EDX[26]; INVPCID is EBX[10] of leaf 7. */
static void each_feature_has_its_bit(void **state)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t one = 1u << bit;
        struct paging_cpu alone = features(one, 39, 0), others = features(~one, 39, 0);
        assert_int_equal(alone.has_no_execute, bit == 20);
        assert_int_equal(others.has_no_execute, bit != 20);
        assert_int_equal(alone.has_1g_pages, bit == 26);
        assert_int_equal(others.has_1g_pages, bit != 26);
        assert_false(alone.has_invpcid || others.has_invpcid);
        alone = features(0, 39, one);
        others = features(0, 39, ~one);
        assert_int_equal(alone.has_invpcid, bit == 10);
        assert_int_equal(others.has_invpcid, bit != 10);
        assert_false(alone.has_1g_pages || others.has_1g_pages);
        assert_false(alone.has_no_execute || others.has_no_execute);
    }
}

/* EAX[7:0] of leaf 80000008h; EAX[15:8] is the width of linear addresses. */
static void width_of_physical_addresses(void **state)
{
    for (unsigned bits = 32; bits <= 52; bits++)
        assert_int_equal(features(0, 0xff3900u | bits, 0).physical_bits, bits);
    assert_int_equal(features(0, 0x3000, 0).physical_bits, 36);
    assert_int_equal(features(0, 0xff, 0).physical_bits, 255);
}

static void levels_are_what_cr4_says(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        processor.cr4 = UINT64_C(1) << bit;
        assert_int_equal(features(0, 39, 0).levels, bit == 12 ? 5 : 4);
        processor.cr4 = ~processor.cr4;
        assert_int_equal(features(0, 39, 0).levels, bit == 12 ? 4 : 5);
    }
}

static void without_the_leaves_there_is_nothing(void **state)
{
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 6});
    processor_has_leaf(LAST_EXTENDED, (struct cpuid){.eax = 0x80000000});
    struct paging_cpu cpu = paging_cpu_read();
    assert_int_equal(cpu.physical_bits, 36);
    assert_false(cpu.has_no_execute || cpu.has_1g_pages || cpu.has_invpcid);
}

/* ---- how it is set up ---- */

enum { EFER_NUMBER = 0xc0000080, PAT_NUMBER = 0x277 };

/* SDM 4, EFER: NXE is bit 11. A processor without no-execute raises #GP. */
static void no_execute_is_switched_on_where_it_is(void **state)
{
    processor_has_msr(EFER_NUMBER, 0x500);
    for (unsigned bit = 0; bit < 32; bit++) {
        (void)features(1u << bit, 39, 0);
        assert_int_equal(paging_no_execute_enable(), bit == 20);
        assert_done(bit == 20 ? "msr c0000080=d00 " : "");
        (void)features(~(1u << bit), 39, 0);
        assert_int_equal(paging_no_execute_enable(), bit != 20);
        assert_done(bit != 20 ? "msr c0000080=d00 " : "");
    }
}

/* SDM 3A, 12.12: write-back, write-through, uncached-, write-combining, twice; CPUID 1 EDX[16]. */
static void the_pat_is_written_where_there_is_one(void **state)
{
    processor.cr3 = 0x123000;
    processor_has_msr(PAT_NUMBER, 0x0007040600070406);
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 1});
    for (unsigned bit = 0; bit < 32; bit++) {
        processor_has_leaf(1, (struct cpuid){UINT32_MAX, UINT32_MAX, UINT32_MAX, ~(1u << bit)});
        assert_int_equal(paging_pat_program(PAGING_PAT_OF_THE_CORE), bit != 16);
        assert_done(bit != 16 ? "caches msr 277=7040601070406 caches cr3=123000 " : "");
        processor_has_leaf(1, (struct cpuid){.edx = 1u << bit});
        assert_int_equal(paging_pat_program(PAGING_PAT_OF_THE_CORE), bit == 16);
        assert_done(bit == 16 ? "caches msr 277=7040601070406 caches cr3=123000 " : "");
    }
}

/* Limine's: write-protected in entry 4, write-combining in 5, and the others as after a reset. */
static void any_pat_can_be_written(void **state)
{
    processor_has_msr(PAT_NUMBER, 0x0007040600070406);
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 1});
    processor_has_leaf(1, (struct cpuid){.edx = 1u << 16});
    uint64_t limine =
        PAGING_PAT_ENTRY(0, PAGING_TYPE_WRITE_BACK) | PAGING_PAT_ENTRY(1, PAGING_TYPE_WRITE_THROUGH) |
        PAGING_PAT_ENTRY(2, PAGING_TYPE_UNCACHED_MINUS) | PAGING_PAT_ENTRY(4, PAGING_TYPE_WRITE_PROTECTED) |
        PAGING_PAT_ENTRY(5, PAGING_TYPE_WRITE_COMBINING);
    assert_true(paging_pat_program(limine));
    assert_done("caches msr 277=10500070406 caches cr3=0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"processor: NX, 1 GiB pages and INVPCID are each where its bit says", each_feature_has_its_bit,
         begin, NULL, NULL},
        {"processor: the width of physical addresses, or 36", width_of_physical_addresses, begin, NULL, NULL},
        {"processor: as many levels as CR4 says", levels_are_what_cr4_says, begin, NULL, NULL},
        {"processor: without the leaves there is nothing", without_the_leaves_there_is_nothing, begin, NULL,
         NULL},
        {"processor: no-execute is switched on only where it is", no_execute_is_switched_on_where_it_is,
         begin, NULL, NULL},
        {"processor: the PAT is written only where there is one", the_pat_is_written_where_there_is_one,
         begin, NULL, NULL},
        {"processor: any PAT can be written", any_pat_can_be_written, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("processor", tests, NULL, NULL);
}
