/*
 * volume.c - files on the volume that the image was loaded from, by the firmware's own driver (UEFI 2.10,
 * 13.4).
 */
#include "loader.h"

#define FOLDER L"\\SELFMAP"
enum { NAME_LIMIT = 40 };

EFI_STATUS open_volume(struct loader *loader, EFI_FILE_HANDLE *root)
{
    EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    if (!loader->loaded->DeviceHandle ||
        EFI_ERROR(BS->HandleProtocol(loader->loaded->DeviceHandle, &file_system, (VOID **)&volume)))
        return EFI_NO_MAPPING;
    return volume->OpenVolume(volume, root);
}

static EFI_STATUS open_file(EFI_FILE_HANDLE root, const char *name, UINT64 mode, EFI_FILE_HANDLE *file)
{
    CHAR16 path[NAME_LIMIT] = FOLDER L"\\";
    UINTN length = sizeof FOLDER / sizeof *path;
    for (; *name && length < NAME_LIMIT - 1; name++)
        path[length++] = (CHAR16)*name;
    path[length] = 0;
    return root->Open(root, file, path, mode, 0);
}

#define CREATE (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE)

/*
 * Makes a file that takes a cluster, and deletes it. On a full volume EDK II's driver leaves a folder behind
 * that it could not make: an entry without a cluster, in which files are lost. A file it can delete.
 */
static EFI_STATUS try_for_room(EFI_FILE_HANDLE root)
{
    EFI_FILE_HANDLE file;
    UINTN bytes = 1;
    EFI_STATUS status = root->Open(root, &file, FOLDER L".TMP", CREATE, 0);
    if (EFI_ERROR(status))
        return status;
    status = file->Write(file, &bytes, "\n");
    if (!EFI_ERROR(status) && bytes < 1)
        status = EFI_VOLUME_FULL;
    file->Delete(file); /* closes it, too */
    return status;
}

static EFI_STATUS make_folder(EFI_FILE_HANDLE root)
{
    EFI_FILE_HANDLE folder;
    EFI_STATUS status = root->Open(root, &folder, FOLDER, EFI_FILE_MODE_READ, 0);
    if (status == EFI_NOT_FOUND) {
        status = try_for_room(root);
        if (!EFI_ERROR(status))
            status = root->Open(root, &folder, FOLDER, CREATE, EFI_FILE_DIRECTORY);
    }
    if (!EFI_ERROR(status))
        folder->Close(folder);
    /* iPXE shows what it has loaded as a volume, and says this when something shall be made there. */
    return status == EFI_NOT_FOUND ? EFI_NO_MAPPING : status;
}

EFI_STATUS write_file(EFI_FILE_HANDLE root, const char *name, const struct file_part parts[2])
{
    EFI_FILE_HANDLE file;
    EFI_STATUS status = make_folder(root);
    if (!EFI_ERROR(status))
        status = open_file(root, name, CREATE, &file);
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

EFI_STATUS read_file_part(EFI_FILE_HANDLE root, const char *name, char *text, UINTN *bytes)
{
    EFI_FILE_HANDLE file;
    UINTN room = *bytes;
    EFI_STATUS status = open_file(root, name, EFI_FILE_MODE_READ, &file);
    if (EFI_ERROR(status))
        return status;
    status = file->Read(file, bytes, text);
    file->Close(file);
    if (!EFI_ERROR(status) && *bytes > room)
        status = EFI_DEVICE_ERROR; /* a firmware that says it read more than there was room for */
    return status;
}
