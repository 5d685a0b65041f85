/* platform.c - the firmware, its processor state, and where its tables and pixels are. */
#include "kernel/cpu.h"
#include "loader.h"

EFI_STATUS switch_watchdog_off(struct loader *loader)
{
    (void)loader;
    EFI_STATUS status = BS->SetWatchdogTimer(0, 0, 0, NULL);
    /* Firmware without a watchdog says so; there is nothing to switch off then. */
    return status == EFI_UNSUPPORTED ? EFI_SUCCESS : status;
}

const void *configuration_table(EFI_GUID kind)
{
    for (UINTN i = 0; i < system_table->NumberOfTableEntries; i++)
        if (__builtin_memcmp(&system_table->ConfigurationTable[i].VendorGuid, &kind, sizeof kind) == 0)
            return system_table->ConfigurationTable[i].VendorTable;
    return NULL;
}

static char printable(UINT16 c)
{
    if (c < ' ' || c > '~')
        return '?';
    return (char)c;
}

static void find_rsdp(struct handoff *handoff)
{
    enum { OEM_OFFSET = 9, OEM_BYTES = 6 }; /* ACPI 6.5, table 5.3 */
    EFI_GUID acpi20 = ACPI_20_TABLE_GUID, acpi10 = ACPI_TABLE_GUID;
    const UINT8 *rsdp = configuration_table(acpi20);
    if (!rsdp)
        rsdp = configuration_table(acpi10);
    if (!rsdp)
        return;
    handoff->rsdp.value = (UINTN)rsdp;
    for (unsigned i = 0; i < OEM_BYTES; i++)
        handoff->rsdp_oem[i] = printable(rsdp[OEM_OFFSET + i]);
}

EFI_STATUS describe_platform(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    for (unsigned i = 0;
         system_table->FirmwareVendor && system_table->FirmwareVendor[i] && i < HANDOFF_TEXT_LIMIT - 1; i++)
        handoff->firmware[i] = printable(system_table->FirmwareVendor[i]);
    handoff->firmware_revision = system_table->FirmwareRevision;
    handoff->firmware_cr0 = read_cr0();
    handoff->firmware_cr3 = read_cr3();
    handoff->firmware_cr4 = read_cr4();
    handoff->firmware_efer = read_msr(MSR_EFER);
    find_rsdp(handoff);
    say("  %s, revision %x, CR0 %lx CR3 %lx CR4 %lx EFER %lx\n", handoff->firmware,
        handoff->firmware_revision, handoff->firmware_cr0, handoff->firmware_cr3, handoff->firmware_cr4,
        handoff->firmware_efer);
    return EFI_SUCCESS;
}

/* The masks of a pixel format (UEFI 2.10, 12.9.2); false for one without 32-bit pixels in memory. */
static bool set_masks(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info,
                      struct handoff_framebuffer *framebuffer)
{
    const UINT32 low = 0x000000ff, middle = 0x0000ff00, high = 0x00ff0000;
    framebuffer->green_mask = middle;
    switch (info->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        framebuffer->red_mask = low;
        framebuffer->blue_mask = high;
        return true;
    case PixelBlueGreenRedReserved8BitPerColor:
        framebuffer->red_mask = high;
        framebuffer->blue_mask = low;
        return true;
    case PixelBitMask:
        framebuffer->red_mask = info->PixelInformation.RedMask;
        framebuffer->green_mask = info->PixelInformation.GreenMask;
        framebuffer->blue_mask = info->PixelInformation.BlueMask;
        /* Masks that leave the high byte unused may mean pixels of three bytes: do not guess. */
        return ((info->PixelInformation.RedMask | info->PixelInformation.GreenMask |
                 info->PixelInformation.BlueMask | info->PixelInformation.ReservedMask) >>
                24) != 0;
    default:
        return false;
    }
}

EFI_STATUS find_framebuffer(struct loader *loader)
{
    struct handoff_framebuffer found = {0};
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_STATUS status = BS->LocateProtocol(&graphics, NULL, (VOID **)&gop);
    if (EFI_ERROR(status) || !gop->Mode || !gop->Mode->Info || !set_masks(gop->Mode->Info, &found)) {
        say("  none: the report goes to the serial port only\n");
        return EFI_SUCCESS;
    }
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    UINT64 needed = (UINT64)info->PixelsPerScanLine * info->VerticalResolution * 4;
    if (info->PixelsPerScanLine < info->HorizontalResolution || gop->Mode->FrameBufferSize < needed ||
        gop->Mode->FrameBufferBase == 0) {
        say("  the firmware's figures contradict each other: not used\n");
        return EFI_SUCCESS;
    }
    found.address.value = gop->Mode->FrameBufferBase;
    found.bytes = needed;
    found.width = info->HorizontalResolution;
    found.height = info->VerticalResolution;
    found.stride = info->PixelsPerScanLine;
    loader->handoff->framebuffer = found;
    say("  %u x %u at %lx\n", found.width, found.height, found.address.value);
    return add_region(loader, "framebuffer", found.address.value, found.address.value + needed,
                      ENTRY_WRITABLE | ENTRY_NO_EXECUTE, false);
}
