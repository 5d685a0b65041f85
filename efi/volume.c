/* SPDX-License-Identifier: MIT */
/* volume.c - opens, reads and writes files (UEFI 2.10, 13.4 and 13.5). */
#include "volume.h"
#include "kernel/console/format.h"

enum { PATH_LIMIT = 40 };
#define FOR_WRITING (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE)

/* What the firmware says about a file. */
struct file_entry {
    EFI_FILE_INFO info;
    CHAR16 name[256];
};

static EFI_STATUS open_file(const struct loader *loader, const char *path, UINT64 mode, UINT64 attributes,
                            EFI_FILE_HANDLE *file)
{
    EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    EFI_FILE_HANDLE root;
    CHAR16 wide[PATH_LIMIT] = {0};
    EFI_HANDLE device = loader->loaded->DeviceHandle;
    if (!device || EFI_ERROR(BS->HandleProtocol(device, &file_system, (VOID **)&volume)) || !volume)
        return EFI_NO_MAPPING;
    EFI_STATUS status = volume->OpenVolume(volume, &root);
    if (EFI_ERROR(status))
        return status;
    for (UINTN i = 0; path[i] && i < PATH_LIMIT - 1; i++)
        wide[i] = (CHAR16)path[i];
    status = root->Open(root, file, wide, mode, attributes);
    root->Close(root);
    return status;
}

/* Reads an open file, and finds out how large it is. */
static EFI_STATUS read_open_file(EFI_FILE_HANDLE file, char *text, UINTN room, UINTN *size)
{
    EFI_GUID file_info = EFI_FILE_INFO_ID;
    struct file_entry about;
    UINTN bytes = sizeof about;
    EFI_STATUS status = file->GetInfo(file, &file_info, &bytes, &about);
    if (EFI_ERROR(status))
        return status;
    if (about.info.Attribute & EFI_FILE_DIRECTORY)
        return STATUS_IS_FOLDER;
    bytes = room;
    status = file->Read(file, &bytes, text);
    if (EFI_ERROR(status))
        return status;
    UINTN there = about.info.FileSize;
    /* A firmware that read less, or says that it read more than there was room for. */
    if (bytes != (there < room ? there : room))
        return EFI_DEVICE_ERROR;
    *size = there;
    return EFI_SUCCESS;
}

EFI_STATUS read_file(const struct loader *loader, const char *path, char *text, UINTN *bytes)
{
    EFI_FILE_HANDLE file;
    UINTN room = *bytes;
    *bytes = 0;
    EFI_STATUS status = open_file(loader, path, EFI_FILE_MODE_READ, 0, &file);
    if (EFI_ERROR(status))
        return status;
    status = read_open_file(file, text, room, bytes);
    file->Close(file);
    return status;
}

/*
 * Makes a file that takes a cluster, and deletes it. On a full volume EDK II's driver leaves a folder behind
 * that it could not make: an entry without a cluster, in which files are lost. A file it can delete.
 */
static EFI_STATUS try_for_room(const struct loader *loader)
{
    EFI_FILE_HANDLE file;
    UINTN bytes = 1;
    EFI_STATUS status = open_file(loader, SELFMAP_FOLDER ".TMP", FOR_WRITING, 0, &file);
    if (EFI_ERROR(status))
        return status;
    status = file->Write(file, &bytes, "\n");
    if (!EFI_ERROR(status) && bytes < 1)
        status = EFI_VOLUME_FULL;
    file->Delete(file); /* closes it, too */
    return status;
}

static bool is_from_network(const struct loader *loader)
{
    EFI_GUID pxe_client = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
    VOID *found;
    return !EFI_ERROR(BS->HandleProtocol(loader->loaded->DeviceHandle, &pxe_client, &found));
}

/*
 * That a file which shall be made is not found, two say: U-Boot of a disk that is write protected, and iPXE,
 * which shows what it has loaded as a volume.
 */
static EFI_STATUS make_folder(const struct loader *loader)
{
    EFI_FILE_HANDLE folder;
    EFI_STATUS status = open_file(loader, SELFMAP_FOLDER, EFI_FILE_MODE_READ, 0, &folder);
    if (status == EFI_NOT_FOUND) {
        status = try_for_room(loader);
        if (!EFI_ERROR(status))
            status = open_file(loader, SELFMAP_FOLDER, FOR_WRITING, EFI_FILE_DIRECTORY, &folder);
    }
    if (!EFI_ERROR(status))
        folder->Close(folder);
    if (status == EFI_NOT_FOUND)
        return is_from_network(loader) ? EFI_NO_MAPPING : STATUS_NOT_MADE;
    return status;
}

EFI_STATUS write_file(const struct loader *loader, const char *path, const struct file_part parts[2])
{
    EFI_FILE_HANDLE file;
    EFI_STATUS status = make_folder(loader);
    if (!EFI_ERROR(status))
        status = open_file(loader, path, FOR_WRITING, 0, &file);
    if (EFI_ERROR(status))
        return status;
    for (unsigned i = 0; i < 2 && !EFI_ERROR(status); i++) {
        UINTN bytes = parts[i].bytes;
        if (bytes > 0)
            status = file->Write(file, &bytes, (VOID *)parts[i].text);
        if (!EFI_ERROR(status) && bytes < parts[i].bytes)
            status = EFI_VOLUME_FULL;
    }
    if (!EFI_ERROR(status))
        status = file->Flush(file);
    if (EFI_ERROR(status))
        file->Delete(file); /* closes it, too */
    else
        status = file->Close(file);
    return status;
}

const char *why_not_written(EFI_STATUS status)
{
    switch (status) {
    case EFI_NO_MAPPING:
        return "not started from a volume";
    case EFI_VOLUME_FULL:
        return "the volume is full";
    case EFI_WRITE_PROTECTED:
        return "the volume is write protected";
    case STATUS_NOT_MADE:
        return "no file can be made on the volume, as if it was write protected";
    case STATUS_NO_NUMBERS:
        return "REPORT-99.TXT has the last number, delete the reports";
    default:
        return status_name(status);
    }
}

/* ---- reports ---- */

/* Moves behind a text, in capitals or not. Returns whether the name has it there. */
static bool skip_text(const CHAR16 **name, const char *text)
{
    for (; *text; text++, ++*name)
        if ((**name | 0x20) != *text)
            return false;
    return true;
}

/* Returns the number of the report that is called so, or 0. */
static unsigned report_number(const CHAR16 *name)
{
    unsigned number = 0;
    if (!skip_text(&name, "report-") || *name == '0')
        return 0;
    for (; *name >= '0' && *name <= '9' && number <= REPORT_NUMBER_LIMIT; name++)
        number = number * 10 + (unsigned)(*name - '0');
    return number <= REPORT_NUMBER_LIMIT && skip_text(&name, ".txt") && *name == '\0' ? number : 0;
}

EFI_STATUS find_newest_report(const struct loader *loader, unsigned *number)
{
    EFI_FILE_HANDLE folder;
    *number = 0;
    EFI_STATUS status = open_file(loader, SELFMAP_FOLDER, EFI_FILE_MODE_READ, 0, &folder);
    if (EFI_ERROR(status))
        return status == EFI_NOT_FOUND ? EFI_SUCCESS : status;
    for (;;) {
        struct file_entry entry;
        UINTN bytes = sizeof entry;
        status = folder->Read(folder, &bytes, &entry);
        if (EFI_ERROR(status) || bytes == 0)
            break;
        unsigned found = report_number(entry.info.FileName);
        *number = found > *number ? found : *number;
    }
    folder->Close(folder);
    return status;
}

void report_path(unsigned number, char path[REPORT_PATH_BYTES])
{
    struct text_sink sink = text_sink(path, REPORT_PATH_BYTES);
    format(&sink.sink, SELFMAP_FOLDER "\\REPORT-%u.TXT", number);
}
