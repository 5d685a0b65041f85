/* SPDX-License-Identifier: MIT */
/* cpuid: which bit says what, which machine it is, and the processor's name. */
#include "devices/processor/processor.h"

#include <string.h>

#include "kernel/cpu/cpuid.h"

static int begin(void **state)
{
    processor_begin();
    memset(&processor.beyond, 0xff, sizeof processor.beyond); /* Intel's answer with the last leaf */
    return 0;
}

/* Returns a leaf with these twelve characters in three registers, in the order that is told. */
static struct cpuid ebx_ecx_edx(const char *text)
{
    uint32_t words[3];
    memcpy(words, text, sizeof words);
    return (struct cpuid){.ebx = words[0], .ecx = words[1], .edx = words[2]};
}

static struct cpuid ebx_edx_ecx(const char *text)
{
    struct cpuid leaf = ebx_ecx_edx(text);
    return (struct cpuid){.ebx = leaf.ebx, .edx = leaf.ecx, .ecx = leaf.edx};
}

/* ---- leaves ---- */

enum { LAST_BASIC = 0, LAST_EXTENDED = 0x80000000 };

/* A processor without extended leaves answers with its last basic one, whose EAX is below. */
static void a_leaf_counts_up_to_the_last_of_its_kind(void **state)
{
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 7});
    processor_has_leaf(7, (struct cpuid){1, 2, 3, 4});
    struct cpuid last = cpuid_or_zero(7);
    assert_true(last.eax == 1 && last.ebx == 2 && last.ecx == 3 && last.edx == 4);
    processor.beyond = (struct cpuid){1, 2, 3, 4};
    assert_int_equal(cpuid_or_zero(8).eax | cpuid_or_zero(8).edx, 0);
    assert_int_equal(cpuid_or_zero(0x80000000).ebx | cpuid_or_zero(0x80000001).ecx, 0);
    processor_has_leaf(0x40000000, (struct cpuid){.eax = 0x40000001});
    assert_int_equal(cpuid_or_zero(0x40000001).ecx, 3);
}

static void five_levels(void **state)
{
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 6});
    assert_false(cpu_has_five_levels());
    processor_has_leaf(LAST_BASIC, (struct cpuid){.eax = 7});
    for (unsigned bit = 0; bit < 32; bit++) {
        processor_has_leaf(7, (struct cpuid){.ecx = 1u << bit});
        assert_int_equal(cpu_has_five_levels(), bit == 16);
        processor_has_leaf(7, (struct cpuid){UINT32_MAX, UINT32_MAX, ~(1u << bit), UINT32_MAX});
        assert_int_equal(cpu_has_five_levels(), bit != 16);
    }
}

/* ---- which machine it is ---- */

static void below(const char *hypervisor, bool announced)
{
    processor_has_leaf(1, (struct cpuid){.ecx = announced ? 1u << 31 : ~(1u << 31)});
    processor_has_leaf(0x40000000, ebx_ecx_edx(hypervisor));
}

static void emulator_is_recognised(void **state)
{
    below("TCGTCGTCGTCG", true);
    assert_true(cpu_is_qemus());
    assert_true(machine_is_qemu("ANY   "));
    static const char *const others[] = {"KVMKVMKVM\0\0\0", "TCGTCGTCGTC\0", "tCGTCGTCGTCG", "TCGTCGTCTCGT"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        below(others[i], true);
        assert_false(cpu_is_qemus());
    }
    below("TCGTCGTCGTCG", false); /* the leaf means something only below a hypervisor */
    assert_false(cpu_is_qemus() || machine_is_qemu("BOCHS "));
}

static void kvm_needs_the_board_too(void **state)
{
    below("KVMKVMKVM\0\0\0", true);
    assert_true(machine_is_qemu("BOCHS "));
    assert_true(machine_is_qemu("BOCHSX"));
    assert_false(machine_is_qemu("BOCHZ "));
    assert_false(machine_is_qemu("GOOGLE"));
    below("Microsoft Hv", true);
    assert_false(machine_is_qemu("BOCHS "));
    below("KVMKVMKVM\0\0\0", false);
    assert_false(machine_is_qemu("BOCHS "));
}

static void tdx_guest_is_recognised(void **state)
{
    struct cpuid leaf = ebx_edx_ecx("IntelTDX    ");
    assert_int_equal(CPUID_TDX_LEAF, 0x21);
    assert_true(cpuid_is_tdx_guest(leaf));
    leaf.eax = 7;
    assert_true(cpuid_is_tdx_guest(leaf));
}

static void others_are_not_tdx_guests(void **state)
{
    static const char *const others[] = {"GenuineIntel", "Intel    TDX", "IntelTDX\0\0\0\0", "intelTDX    ",
                                         "IntelTDX   !"};
    assert_false(cpuid_is_tdx_guest((struct cpuid){0})); /* the processor does not have the leaf */
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(cpuid_is_tdx_guest(ebx_edx_ecx(others[i])));
}

/* ---- its name ---- */

static void assert_name(const char *brand, const char *name)
{
    char text[48] = "", found[CPU_NAME_BYTES + 1];
    memcpy(text, brand, strlen(brand));
    processor_has_leaf(LAST_EXTENDED, (struct cpuid){.eax = 0x80000004});
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid part;
        memcpy(&part, text + 16 * i, sizeof part);
        processor_has_leaf(0x80000002 + i, part);
    }
    memset(found, '!', sizeof found);
    cpu_name(found);
    assert_string_equal(found, name);
    assert_int_equal(found[CPU_NAME_BYTES], '!');
}

static void name_without_blanks_around_it(void **state)
{
    assert_name("A Processor", "A Processor");
    assert_name(" A  B", "A B");
    assert_name("           Right aligned @ 3.00GHz", "Right aligned @ 3.00GHz");
    assert_name("Many   blanks  ", "Many blanks");
    assert_name("0123456789abcdef0123456789ABCDEF0123456789abcdef",
                "0123456789abcdef0123456789ABCDEF0123456789abcdef");
    assert_name("Odd \xff\x7f~", "Odd ??~");
    assert_name("Odd\x1f.", "Odd?.");
    assert_name("                                                ", "");
    assert_name("", "");
}

static void no_name_without_the_leaves(void **state)
{
    char name[CPU_NAME_BYTES] = "?";
    processor_has_leaf(LAST_EXTENDED, (struct cpuid){.eax = 0x80000003});
    cpu_name(name);
    assert_string_equal(name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"cpuid: a leaf beyond the last one of its kind is zero", a_leaf_counts_up_to_the_last_of_its_kind,
         begin, NULL, NULL},
        {"cpuid: whether five levels can be had", five_levels, begin, NULL, NULL},
        {"cpuid: QEMU's emulator is recognised", emulator_is_recognised, begin, NULL, NULL},
        {"cpuid: KVM is QEMU's with its board", kvm_needs_the_board_too, begin, NULL, NULL},
        {"cpuid: a TDX guest is recognised", tdx_guest_is_recognised, begin, NULL, NULL},
        {"cpuid: other signatures are not taken for a TDX guest", others_are_not_tdx_guests, begin, NULL,
         NULL},
        {"cpuid: the processor's name has no blanks around it", name_without_blanks_around_it, begin, NULL,
         NULL},
        {"cpuid: the processor may have no name", no_name_without_the_leaves, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
