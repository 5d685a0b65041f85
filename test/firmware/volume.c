/* SPDX-License-Identifier: MIT */
/*
 * volume.c - the volume that the image was loaded from: one file, selfmap.cfg, if the harness passes one.
 *
 *   volume=none                   the device has no files
 *   file-status=CALL:STATUS       volume, open, info, read or write fails
 *   file-size=N  file-read=N      what GetInfo says; what Read says, without having read as much
 *   file-chunk=N                  Read gives at most N bytes at a time
 *   file-folder=1                 the file is a folder
 */
#include "shim.h"

static EFI_FILE_PROTOCOL root, file;
static uint8_t *content;
static uint64_t content_bytes, position;

static EFI_STATUS failure_of(const char *call)
{
    const char *value;
    for (size_t at = 0; (value = next_word("file-status", LATER_READ, &at));)
        if (take_name(&value, call))
            return take_number(&value, EFI_DEVICE_ERROR);
    return EFI_SUCCESS;
}

static bool is_our_file(const CHAR16 *name)
{
    static const char own[] = "selfmap.cfg";
    size_t i = 0;
    if (*name == '\\')
        name++;
    for (; own[i]; i++)
        if ((name[i] | 0x20) != (own[i] | 0x20))
            return false;
    return name[i] == 0;
}

static EFI_STATUS EFIAPI open(EFI_FILE_HANDLE this, EFI_FILE_HANDLE *found, CHAR16 *name, UINT64 how,
                              UINT64 attributes)
{
    (void)this, (void)attributes;
    EFI_STATUS status = failure_of("open");
    if (EFI_ERROR(status))
        return status;
    if (how & EFI_FILE_MODE_WRITE)
        return EFI_WRITE_PROTECTED;
    if (!content || !is_our_file(name))
        return EFI_NOT_FOUND;
    position = 0;
    *found = &file;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI close(EFI_FILE_HANDLE this)
{
    (void)this;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read(EFI_FILE_HANDLE this, UINTN *bytes, VOID *buffer)
{
    EFI_STATUS status = failure_of("read");
    if (this == &root)
        return *bytes = 0, EFI_SUCCESS;
    if (EFI_ERROR(status))
        return status;
    uint64_t left = content_bytes - position, most = word_number("file-chunk", ~0ull);
    uint64_t count = *bytes < left ? *bytes : left;
    count = count < most ? count : most;
    __builtin_memcpy(buffer, content + position, count);
    position += count;
    *bytes = word_number("file-read", count);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI write(EFI_FILE_HANDLE this, UINTN *bytes, VOID *buffer)
{
    (void)this, (void)bytes, (void)buffer;
    return EFI_WRITE_PROTECTED;
}

static EFI_STATUS EFIAPI get_info(EFI_FILE_HANDLE this, EFI_GUID *kind, UINTN *bytes, VOID *buffer)
{
    EFI_STATUS status = failure_of("info");
    (void)kind;
    if (EFI_ERROR(status))
        return status;
    EFI_FILE_INFO about = {.Size = SIZE_OF_EFI_FILE_INFO + 2};
    if (*bytes < about.Size) {
        *bytes = about.Size;
        return EFI_BUFFER_TOO_SMALL;
    }
    about.FileSize = word_number("file-size", content_bytes);
    about.Attribute = this == &root || word("file-folder") ? EFI_FILE_DIRECTORY : 0;
    *bytes = about.Size;
    __builtin_memcpy(buffer, &about, about.Size);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_position(EFI_FILE_HANDLE this, UINT64 to)
{
    (void)this;
    position = to < content_bytes ? to : content_bytes;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_position(EFI_FILE_HANDLE this, UINT64 *at)
{
    (void)this;
    *at = position;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *this, EFI_FILE_HANDLE *found)
{
    (void)this;
    *found = &root;
    return failure_of("volume");
}

EFI_HANDLE make_volume(void)
{
    static EFI_FILE_IO_INTERFACE volume = {.Revision = EFI_FILE_IO_INTERFACE_REVISION};
    static EFI_GUID kind = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, own = {0x5e1f3a9d, 0, 0, {0, 2}};
    static int nothing;
    EFI_HANDLE handle = NULL;
    uint32_t bytes = 0;
    content = read_item("opt/shim/file", &bytes);
    content_bytes = bytes;
    root = (EFI_FILE_PROTOCOL){.Revision = EFI_FILE_PROTOCOL_REVISION,
                               .Open = open,
                               .Close = close,
                               .Delete = close,
                               .Read = read,
                               .Write = write,
                               .GetPosition = get_position,
                               .SetPosition = set_position,
                               .GetInfo = get_info,
                               .Flush = close};
    file = root;
    volume.OpenVolume = open_volume;
    EFI_STATUS status = TRUE_BS->InstallProtocolInterface(&handle, &own, EFI_NATIVE_INTERFACE, &nothing);
    if (!EFI_ERROR(status) && !word("volume"))
        status = TRUE_BS->InstallProtocolInterface(&handle, &kind, EFI_NATIVE_INTERFACE, &volume);
    if (EFI_ERROR(status))
        give_up("the volume gets no handle");
    return handle;
}
