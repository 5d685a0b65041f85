/* SPDX-License-Identifier: MIT */
/*
 * tables.c - what is missing or wrong in the system table and behind it.
 *
 *   null=conout,stderr,conin,runtime,config,vendor,consoleout   pointers that are NULL
 *   config-count=N                    how many tables there are said to be
 *   acpi=none|PLACE  smbios=none|PLACE    where they are said to be
 *   attributes-table=none|VERSION:COUNT:STRIDE    the memory attributes table, with another head
 *   attributes-entry=PLACE:PAGES:TYPE:BITS        its entries, instead of the firmware's
 *   attributes-at=PLACE               where it is said to be
 *   watchdog-status=STATUS  stall=none            these services
 *   variables-status=STATUS           GetVariable, SetVariable and QueryVariableInfo fail
 */
#include "shim.h"

static EFI_GUID acpi20 = ACPI_20_TABLE_GUID, acpi10 = ACPI_TABLE_GUID, smbios = SMBIOS_TABLE_GUID;
static EFI_GUID smbios3 = {0xf2fd1544, 0x9794, 0x4a2c, {0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94}};
static EFI_GUID attributes = {0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};

enum { TABLE_LIMIT = 64, ATTRIBUTE_BYTES = 16 * 4096 };
static EFI_CONFIGURATION_TABLE tables[TABLE_LIMIT];
static UINTN table_count;

struct attributes_head {
    uint32_t version, count, stride, flags;
};

static EFI_CONFIGURATION_TABLE *find(const EFI_GUID *kind)
{
    for (UINTN i = 0; i < table_count; i++)
        if (__builtin_memcmp(&tables[i].VendorGuid, kind, sizeof *kind) == 0)
            return &tables[i];
    return NULL;
}

static void remove(const EFI_GUID *kind)
{
    EFI_CONFIGURATION_TABLE *found = find(kind);
    if (found)
        *found = tables[--table_count];
}

static void replace(const EFI_GUID *kind, uint64_t address)
{
    EFI_CONFIGURATION_TABLE *found = find(kind);
    if (!found && table_count < TABLE_LIMIT)
        found = &tables[table_count++];
    found->VendorGuid = *kind;
    found->VendorTable = (VOID *)(uintptr_t)address;
}

/* Obeys `key=none` or `key=PLACE` for a table with two kinds. */
static void move_table(const char *key, const EFI_GUID *kind, const EFI_GUID *older)
{
    const char *value = word(key);
    if (!value)
        return;
    remove(kind);
    remove(older);
    if (!take_name(&value, "none"))
        replace(kind, take_number(&value, 0));
}

static void write_entries(struct attributes_head *head)
{
    const char *value;
    head->count = 0;
    for (size_t at = 0; (value = next_word("attributes-entry", LATER_READ, &at)); head->count++) {
        EFI_MEMORY_DESCRIPTOR *entry = (void *)((uint8_t *)(head + 1) + (size_t)head->count * head->stride);
        *entry = (EFI_MEMORY_DESCRIPTOR){.PhysicalStart = take_number(&value, 0)};
        entry->NumberOfPages = take_number(&value, 1);
        entry->Type = (UINT32)take_number(&value, EfiRuntimeServicesCode);
        entry->Attribute = take_number(&value, 1ull << 63);
    }
}

/* Makes a copy of the memory attributes table whose head and entries are as the words say. */
static void change_attributes(void)
{
    const char *value = word("attributes-table");
    EFI_CONFIGURATION_TABLE *found = find(&attributes);
    if (value && take_name(&value, "none")) {
        remove(&attributes);
        return;
    }
    if (word("attributes-at")) {
        replace(&attributes, word_number("attributes-at", 0));
        return;
    }
    if (!value && !word("attributes-entry"))
        return;
    struct attributes_head *copy = shim_pages(EfiBootServicesData, ATTRIBUTE_BYTES / SHIM_PAGE);
    *copy = (struct attributes_head){.version = 1, .stride = 48};
    if (found) {
        const struct attributes_head *old = found->VendorTable;
        size_t bytes = sizeof *old + (size_t)old->count * old->stride;
        __builtin_memcpy(copy, old, bytes < ATTRIBUTE_BYTES ? bytes : ATTRIBUTE_BYTES);
    }
    if (word("attributes-entry"))
        write_entries(copy);
    if (value) {
        copy->version = (uint32_t)take_number(&value, copy->version);
        copy->count = (uint32_t)take_number(&value, copy->count);
        copy->stride = (uint32_t)take_number(&value, copy->stride);
    }
    replace(&attributes, (uintptr_t)copy);
}

static void hook_configuration(void)
{
    for (; table_count < truth->NumberOfTableEntries && table_count < TABLE_LIMIT; table_count++)
        tables[table_count] = truth->ConfigurationTable[table_count];
    move_table("acpi", &acpi20, &acpi10);
    move_table("smbios", &smbios3, &smbios);
    change_attributes();
    false_table.ConfigurationTable = word_lists("null", "config") ? NULL : tables;
    false_table.NumberOfTableEntries = word_number("config-count", table_count);
}

/* ---- services ---- */

static EFI_STATUS EFIAPI set_watchdog(UINTN timeout, UINT64 code, UINTN bytes, CHAR16 *data)
{
    (void)timeout, (void)code, (void)bytes, (void)data;
    return word_number("watchdog-status", EFI_SUCCESS);
}

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    (void)microseconds;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *flags, UINTN *bytes, VOID *data)
{
    (void)name, (void)vendor, (void)flags, (void)bytes, (void)data;
    return word_number("variables-status", EFI_NOT_FOUND);
}

static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 flags, UINTN bytes, VOID *data)
{
    (void)name, (void)vendor, (void)flags, (void)bytes, (void)data;
    return word_number("variables-status", EFI_NOT_FOUND);
}

static EFI_STATUS EFIAPI query_variables(UINT32 flags, UINT64 *size, UINT64 *left, UINT64 *largest)
{
    (void)flags, (void)size, (void)left, (void)largest;
    return word_number("variables-status", EFI_NOT_FOUND);
}

/* The services after the exit are the firmware's own: U-Boot puts others into its table then. */
static void hook_runtime(void)
{
    static EFI_RUNTIME_SERVICES services;
    if (!word("variables-status"))
        return;
    services = *truth->RuntimeServices;
    services.GetVariable = get_variable;
    services.SetVariable = set_variable;
    services.QueryVariableInfo = query_variables;
    false_table.RuntimeServices = &services;
}

void hook_tables(void)
{
    hook_configuration();
    hook_runtime();
    if (word("watchdog-status"))
        false_services.SetWatchdogTimer = set_watchdog;
    if (word("stall"))
        false_services.Stall = stall;
    if (word_lists("null", "conout"))
        false_table.ConOut = NULL;
    if (word_lists("null", "stderr"))
        false_table.StdErr = NULL;
    if (word_lists("null", "conin"))
        false_table.ConIn = NULL;
    if (word_lists("null", "consoleout"))
        false_table.ConsoleOutHandle = NULL;
    if (word_lists("null", "runtime"))
        false_table.RuntimeServices = NULL;
    if (word_lists("null", "vendor"))
        false_table.FirmwareVendor = NULL;
}
