/* find_framebuffer.c - finds where the firmware puts pixels (UEFI 2.10, 12.9). */
#include "loader.h"

/* Sets the masks of a pixel format (UEFI 2.10, 12.9.2). Returns false without 32-bit pixels in memory. */
static bool set_masks(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info, struct framebuffer *framebuffer)
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
        /* Masks that leave the high byte unused may mean pixels of three bytes, so they are not used. */
        return ((info->PixelInformation.RedMask | info->PixelInformation.GreenMask |
                 info->PixelInformation.BlueMask | info->PixelInformation.ReservedMask) >>
                24) != 0;
    default:
        return false;
    }
}

/* Returns the end of what can be mapped to its own address: the lower half (2^47, or 2^56) and MAXPHYADDR. */
static UINT64 address_limit(const struct paging_cpu *cpu)
{
    unsigned half = paging_address_bits(cpu->levels) - 1;
    return 1ull << (cpu->physical_bits < half ? cpu->physical_bits : half);
}

/*
 * Uses the framebuffer of a graphics device. Returns false if it has none that can be used. Some firmware
 * counts too few bytes; then fewer lines are used.
 */
static bool use_device(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, const struct paging_cpu *cpu,
                       struct framebuffer *framebuffer)
{
    struct framebuffer found = {0};
    if (!gop->Mode || !gop->Mode->Info || !set_masks(gop->Mode->Info, &found))
        return false;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    UINT64 line_bytes = (UINT64)info->PixelsPerScanLine * 4, limit = address_limit(cpu);
    if (line_bytes == 0 || info->PixelsPerScanLine < info->HorizontalResolution)
        return false;
    UINT64 lines = gop->Mode->FrameBufferSize / line_bytes;
    found.address.value = gop->Mode->FrameBufferBase;
    found.width = info->HorizontalResolution;
    found.height = lines < info->VerticalResolution ? (UINT32)lines : info->VerticalResolution;
    found.stride = info->PixelsPerScanLine;
    found.bytes = found.height * line_bytes;
    if (found.bytes == 0 || found.address.value == 0 || found.bytes > limit ||
        found.address.value > limit - found.bytes)
        return false;
    *framebuffer = found;
    return true;
}

/* Tries the console's own device first: the one listed first may be virtual, or have no monitor. */
static bool search(const struct paging_cpu *cpu, struct framebuffer *framebuffer)
{
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    bool found = system_table->ConsoleOutHandle &&
                 !EFI_ERROR(BS->HandleProtocol(system_table->ConsoleOutHandle, &graphics, (VOID **)&gop)) &&
                 use_device(gop, cpu, framebuffer);
    if (found || EFI_ERROR(BS->LocateHandleBuffer(ByProtocol, &graphics, NULL, &count, &handles)))
        return found;
    for (UINTN i = 0; i < count && !found; i++)
        found = !EFI_ERROR(BS->HandleProtocol(handles[i], &graphics, (VOID **)&gop)) &&
                use_device(gop, cpu, framebuffer);
    BS->FreePool(handles);
    return found;
}

/* For a test (screen=memory): takes a screen in memory that is free after the exit, as some firmware does. */
static bool pretend(struct framebuffer *framebuffer)
{
    enum { WIDTH = 640, HEIGHT = 400 };
    EFI_PHYSICAL_ADDRESS start = 0;
    UINTN bytes = (UINTN)WIDTH * HEIGHT * 4;
    if (EFI_ERROR(BS->AllocatePages(AllocateAnyPages, EfiBootServicesData, EFI_SIZE_TO_PAGES(bytes), &start)))
        return false;
    *framebuffer = (struct framebuffer){{start},
                                        bytes,
                                        WIDTH,
                                        HEIGHT,
                                        .stride = WIDTH,
                                        .red_mask = 0xff,
                                        .green_mask = 0xff00,
                                        .blue_mask = 0xff0000};
    return true;
}

EFI_STATUS find_framebuffer(struct loader *loader)
{
    struct framebuffer *found = &loader->handoff->framebuffer;
    bool in_memory = loader->handoff->options.screen_in_memory;
    if (in_memory ? !pretend(found) : !search(&loader->handoff->space.cpu, found)) {
        say("  none that can be used: the report goes to the serial port only\n");
        return EFI_SUCCESS;
    }
    say("  %u x %u at %lx\n", found->width, found->height, found->address.value);
    return add_region(loader, "framebuffer", found->address.value, found->address.value + found->bytes,
                      PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_WRITE_COMBINING, false);
}
