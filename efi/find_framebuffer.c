/* SPDX-License-Identifier: MIT */
/*
 * find_framebuffer.c - finds where the firmware puts pixels (UEFI 2.10, 12.9).
 * kernel/console/graphics_mode.h decides which of its modes can be used.
 */
#include "kernel/boot/own_blocks.h"
#include "kernel/console/graphics_mode.h"
#include "loader.h"

static const char region_name[] = "framebuffer";

static EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics_of(EFI_HANDLE handle)
{
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
    if (!handle || EFI_ERROR(BS->HandleProtocol(handle, &graphics, (VOID **)&gop)))
        return NULL;
    return gop && gop->Mode && gop->Mode->Info ? gop : NULL;
}

/* Returns whether the device shows the firmware's console: EDK II marks the handles of those that do. */
static bool shows_console(EFI_HANDLE handle)
{
    EFI_GUID console_out_device = {
        0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    VOID *ignored;
    return !EFI_ERROR(BS->HandleProtocol(handle, &console_out_device, &ignored));
}

static struct graphics_mode mode_of(const EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    return (struct graphics_mode){
        .address = gop->Mode->FrameBufferBase,
        .bytes = gop->Mode->FrameBufferSize,
        .width = info->HorizontalResolution,
        .height = info->VerticalResolution,
        .stride = info->PixelsPerScanLine,
        .format = (UINT32)info->PixelFormat,
        .red_mask = info->PixelInformation.RedMask,
        .green_mask = info->PixelInformation.GreenMask,
        .blue_mask = info->PixelInformation.BlueMask,
        .reserved_mask = info->PixelInformation.ReservedMask,
    };
}

/* Uses the framebuffer of a mode. Returns false if it has none to be used; the first reason is kept. */
static bool use_mode(struct loader *loader, const struct graphics_mode *mode)
{
    struct handoff *handoff = loader->handoff;
    struct framebuffer *found = &handoff->framebuffer;
    char why[HANDOFF_SENTENCE_LIMIT];
    struct text_sink reason = text_sink(why, sizeof why);
    if (!graphics_framebuffer(mode, address_limit(&handoff->space.cpu), found, &reason.sink)) {
        if (loader->screen_refusal[0] == '\0')
            __builtin_memcpy(loader->screen_refusal, why, sizeof why);
        return false;
    }
    loader->screen_refusal[0] = '\0';
    struct text_sink text = text_sink(handoff->screen, sizeof handoff->screen);
    format(&text.sink, "%ux%u stride %u at %lx", found->width, found->height, found->stride,
           found->address.value);
    if (found->height < mode->height)
        format(&text.sink, ", as there are bytes for %u of %u lines", found->height, mode->height);
    return true;
}

static bool use_device(struct loader *loader, const EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    struct graphics_mode mode = mode_of(gop);
    return use_mode(loader, &mode);
}

/* Returns whether another program started us, as a boot manager on a disk does, and not the firmware. */
static bool started_by_program(const struct loader *loader)
{
    EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_GUID firmware_volume = {0x220e73b6, 0x6bdb, 0x4413, {0x84, 0x05, 0xb9, 0x74, 0xb1, 0x08, 0x61, 0x9a}};
    EFI_LOADED_IMAGE *parent;
    VOID *ignored;
    return loader->loaded->ParentHandle &&
           !EFI_ERROR(BS->HandleProtocol(loader->loaded->ParentHandle, &loaded_image, (VOID **)&parent)) &&
           parent->DeviceHandle &&
           EFI_ERROR(BS->HandleProtocol(parent->DeviceHandle, &firmware_volume, &ignored));
}

/*
 * A boot manager may have set another mode with a driver of its own, as GRUB has for QEMU's and other
 * devices. The firmware does not know. Setting the mode that it believes in makes that the truth, and clears
 * the screen.
 */
static void settle_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    EFI_STATUS status = gop->SetMode(gop, gop->Mode->Mode);
    if (EFI_ERROR(status))
        say("  mode %u cannot be set again, as another program may have changed it: %s\n", gop->Mode->Mode,
            status_name(status));
}

/*
 * Tries the devices that show the console first: others may have no monitor. The console's own GOP, which
 * EDK II puts before them, does not notice when a boot manager sets the mode of a device. So it comes second,
 * for firmware that marks no devices, and then whatever there is.
 */
static bool search(struct loader *loader)
{
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    bool found = false, settle = started_by_program(loader);
    if (EFI_ERROR(BS->LocateHandleBuffer(ByProtocol, &graphics, NULL, &count, &handles)))
        count = 0;
    for (UINTN i = 0; i < count && !found; i++)
        if (shows_console(handles[i]) && (gop = graphics_of(handles[i]))) {
            if (settle)
                settle_mode(gop);
            found = use_device(loader, gop);
        }
    if (!found && (gop = graphics_of(system_table->ConsoleOutHandle)))
        found = use_device(loader, gop);
    for (UINTN i = 0; i < count && !found; i++)
        if ((gop = graphics_of(handles[i])))
            found = use_device(loader, gop);
    if (handles)
        BS->FreePool(handles);
    return found;
}

/*
 * For tests: takes a screen in memory that is free after the exit, as some firmware does (screen=memory), or
 * one that lies over our own image (screen=image).
 */
static bool pretend(struct loader *loader)
{
    enum { WIDTH = 640, HEIGHT = 400, BYTES = WIDTH * HEIGHT * 4 };
    EFI_PHYSICAL_ADDRESS start = (UINTN)loader->loaded->ImageBase;
    if (loader->handoff->options.screen == SCREEN_MEMORY &&
        EFI_ERROR(BS->AllocatePages(AllocateAnyPages, EfiBootServicesData, EFI_SIZE_TO_PAGES(BYTES), &start)))
        return false;
    const struct graphics_mode mode = {.address = start,
                                       .bytes = BYTES,
                                       .width = WIDTH,
                                       .height = HEIGHT,
                                       .stride = WIDTH,
                                       .format = PIXEL_FORMAT_RGBX};
    return use_mode(loader, &mode);
}

EFI_STATUS find_framebuffer(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    const struct framebuffer *found = &handoff->framebuffer;
    bool pretended = handoff->options.screen == SCREEN_MEMORY || handoff->options.screen == SCREEN_IMAGE;
    if (pretended ? pretend(loader) : search(loader)) {
        say("  %s\n", handoff->screen);
        return add_region(loader, region_name, found->address.value, found->address.value + found->bytes,
                          PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_WRITE_COMBINING, false);
    }
    struct text_sink text = text_sink(handoff->screen, sizeof handoff->screen);
    bool refused = loader->screen_refusal[0] != '\0';
    format(&text.sink, "none: %s", refused ? loader->screen_refusal : "the firmware offers no graphics");
    say("  %s\n", handoff->screen);
    return EFI_SUCCESS;
}

void check_framebuffer_is_apart(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    UINT64 start = handoff->framebuffer.address.value;
    const struct own_block *under = own_blocks_find(handoff, start, handoff->framebuffer.bytes);
    if (handoff->framebuffer.width == 0 || !under)
        return;
    struct text_sink why = text_sink(loader->screen_refusal, sizeof loader->screen_refusal);
    struct text_sink text = text_sink(handoff->screen, sizeof handoff->screen);
    format(&why.sink, "its pixels at %lx lie over memory of ours: %s", start, under->name);
    format(&text.sink, "none: %s", loader->screen_refusal);
    say("  no screen: %s\n", loader->screen_refusal);
    handoff->framebuffer = (struct framebuffer){0};
    drop_region(handoff, region_name);
}
