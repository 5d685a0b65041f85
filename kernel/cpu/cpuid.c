/* SPDX-License-Identifier: MIT */
/* cpuid.c - reads feature bits and signatures. */
#include "cpu/cpuid.h"

static bool signature_is(const char *text, uint32_t first, uint32_t second, uint32_t third)
{
    const uint32_t words[3] = {first, second, third};
    return __builtin_memcmp(words, text, sizeof words) == 0;
}

bool cpu_has_hypervisor(void)
{
    return cpuid(1, 0).ecx >> 31;
}

static bool hypervisor_signature_is(const char *text)
{
    if (!cpu_has_hypervisor())
        return false;
    struct cpuid id = cpuid(0x40000000, 0);
    return signature_is(text, id.ebx, id.ecx, id.edx);
}

bool cpu_is_qemus(void)
{
    return hypervisor_signature_is("TCGTCGTCGTCG");
}

bool machine_is_qemu(const char *rsdp_oem)
{
    /* Other monitors use KVM too. QEMU's ACPI tables carry the name of Bochs, from which it took them. */
    bool board = __builtin_memcmp(rsdp_oem, "BOCHS", 5) == 0;
    return cpu_is_qemus() || (hypervisor_signature_is("KVMKVMKVM\0\0") && board);
}

/* The order of the registers is EBX, EDX, ECX, as in leaf 0 (Intel TDX Module, CPUID virtualization). */
bool cpuid_is_tdx_guest(struct cpuid leaf)
{
    return signature_is("IntelTDX    ", leaf.ebx, leaf.edx, leaf.ecx);
}

bool cpu_has_five_levels(void)
{
    return cpuid_or_zero(7).ecx >> 16 & 1;
}

/* The brand string (SDM 2A, CPUID): 16 bytes in each of three leaves, right-aligned on older processors. */
void cpu_name(char name[CPU_NAME_BYTES])
{
    char text[CPU_NAME_BYTES] = "";
    if (cpuid(0x80000000, 0).eax >= 0x80000004)
        for (uint32_t i = 0; i < 3; i++) {
            struct cpuid part = cpuid(0x80000002 + i, 0);
            __builtin_memcpy(text + i * sizeof part, &part, sizeof part);
        }
    unsigned length = 0;
    for (const char *c = text; *c; c++)
        if (*c != ' ' || (length > 0 && name[length - 1] != ' '))
            name[length++] = (char)(*c >= ' ' && *c <= '~' ? *c : '?');
    if (length > 0 && name[length - 1] == ' ')
        length--;
    name[length] = '\0';
}
