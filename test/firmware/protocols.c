/* SPDX-License-Identifier: MIT */
/*
 * protocols.c - graphics as the words say, and protocols that are not what they should be.
 *
 *   gop=none                                              no graphics
 *   gop=BASE:BYTES:WIDTH:HEIGHT:STRIDE:FORMAT[:R:G:B:X]   the only one there is; X: the reserved mask
 *   gop-null=protocol,mode,info                           pointers that are missing in it
 *   gops=N                                                the handle stands N times in the list
 *   locate-status=STATUS  locate-null=COUNT               LocateHandleBuffer fails, or gives no list
 *   protocol-status=STATUS                                HandleProtocol fails, except for the loaded image
 *   protocol-null=1                                       it succeeds and gives NULL, with the same exception
 *   loaded-image-status=STATUS                            it fails for the loaded image
 */
#include "shim.h"

static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
static EFI_GRAPHICS_OUTPUT_PROTOCOL graphics;
static EFI_HANDLE device;

static bool is_kind(const EFI_GUID *a, EFI_GUID b)
{
    return __builtin_memcmp(a, &b, sizeof b) == 0;
}

static bool is_graphics(const EFI_GUID *kind)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    return is_kind(kind, guid);
}

/* Evaluated at each call: a place may be one that the loader was given meanwhile. */
static void describe_mode(const char *text)
{
    mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){.MaxMode = 1, .SizeOfInfo = sizeof info};
    mode.FrameBufferBase = take_number(&text, 0);
    mode.FrameBufferSize = take_number(&text, 0);
    info.HorizontalResolution = (UINT32)take_number(&text, 800);
    info.VerticalResolution = (UINT32)take_number(&text, 600);
    info.PixelsPerScanLine = (UINT32)take_number(&text, info.HorizontalResolution);
    info.PixelFormat = (EFI_GRAPHICS_PIXEL_FORMAT)take_number(&text, PixelBlueGreenRedReserved8BitPerColor);
    info.PixelInformation.RedMask = (UINT32)take_number(&text, 0);
    info.PixelInformation.GreenMask = (UINT32)take_number(&text, 0);
    info.PixelInformation.BlueMask = (UINT32)take_number(&text, 0);
    info.PixelInformation.ReservedMask = (UINT32)take_number(&text, 0);
    mode.Info = word_lists("gop-null", "info") ? NULL : &info;
    graphics.Mode = word_lists("gop-null", "mode") ? NULL : &mode;
}

static EFI_STATUS EFIAPI set_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *this, UINT32 number)
{
    (void)this, (void)number;
    return EFI_DEVICE_ERROR;
}

static EFI_STATUS EFIAPI query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *this, UINT32 number, UINTN *bytes,
                                    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **found)
{
    (void)this, (void)number;
    *bytes = sizeof info;
    *found = &info;
    return EFI_SUCCESS;
}

/* Returns whether the words have an answer of their own. */
static bool answer(EFI_HANDLE handle, const EFI_GUID *kind, VOID **interface, EFI_STATUS *status)
{
    EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    const char *gop = word("gop");
    *status = EFI_SUCCESS;
    if (is_kind(kind, loaded_image)) {
        *status = word_number("loaded-image-status", EFI_SUCCESS);
        return EFI_ERROR(*status);
    }
    if (word("protocol-null"))
        return *interface = NULL, true;
    if (word("protocol-status"))
        return *status = word_number("protocol-status", EFI_UNSUPPORTED), true;
    if (!gop || !is_graphics(kind))
        return false;
    if (handle != device)
        return *status = EFI_UNSUPPORTED, true;
    describe_mode(gop);
    *interface = word_lists("gop-null", "protocol") ? NULL : &graphics;
    return true;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *kind, VOID **interface)
{
    EFI_STATUS status;
    return answer(handle, kind, interface, &status) ? status
                                                    : TRUE_BS->HandleProtocol(handle, kind, interface);
}

static EFI_STATUS EFIAPI open_protocol(EFI_HANDLE handle, EFI_GUID *kind, VOID **interface, EFI_HANDLE agent,
                                       EFI_HANDLE controller, UINT32 attributes)
{
    EFI_STATUS status;
    if (interface && answer(handle, kind, interface, &status))
        return status;
    return TRUE_BS->OpenProtocol(handle, kind, interface, agent, controller, attributes);
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *kind, VOID *registration, VOID **interface)
{
    EFI_STATUS status;
    if (answer(device, kind, interface, &status))
        return status;
    return TRUE_BS->LocateProtocol(kind, registration, interface);
}

static EFI_STATUS list_device(UINTN *count, EFI_HANDLE **buffer)
{
    if (!device)
        return EFI_NOT_FOUND;
    *count = word_number("gops", 1);
    EFI_STATUS status =
        TRUE_BS->AllocatePool(EfiBootServicesData, (*count + 1) * sizeof device, (VOID **)buffer);
    for (UINTN i = 0; i < *count && !EFI_ERROR(status); i++)
        (*buffer)[i] = device;
    return status;
}

static EFI_STATUS EFIAPI locate_handle_buffer(EFI_LOCATE_SEARCH_TYPE how, EFI_GUID *kind, VOID *key,
                                              UINTN *count, EFI_HANDLE **buffer)
{
    if (word("locate-null")) {
        *count = word_number("locate-null", 0);
        *buffer = NULL;
        return EFI_SUCCESS;
    }
    if (word("locate-status"))
        return word_number("locate-status", EFI_NOT_FOUND);
    if (how == ByProtocol && kind && is_graphics(kind) && word("gop"))
        return list_device(count, buffer);
    return TRUE_BS->LocateHandleBuffer(how, kind, key, count, buffer);
}

void hook_protocols(void)
{
    const char *gop = word("gop");
    static EFI_GUID own = {0x5e1f3a9d, 0, 0, {0, 1}};
    static int nothing;
    graphics.SetMode = set_mode;
    graphics.QueryMode = query_mode;
    false_services.HandleProtocol = handle_protocol;
    false_services.OpenProtocol = open_protocol;
    false_services.LocateProtocol = locate_protocol;
    false_services.LocateHandleBuffer = locate_handle_buffer;
    if (!gop || take_name(&gop, "none"))
        return;
    if (EFI_ERROR(TRUE_BS->InstallProtocolInterface(&device, &own, EFI_NATIVE_INTERFACE, &nothing)))
        give_up("the screen gets no handle");
}
