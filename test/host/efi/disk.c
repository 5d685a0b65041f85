/* SPDX-License-Identifier: MIT */
/* disk.c - the made-up volume: what UEFI says about files, in memory. */
#include "efi/disk.h"
#include <stdlib.h>

struct disk disk;

struct handle {
    EFI_FILE protocol;      /* first, so that a protocol's pointer is the handle's */
    struct disk_file *file; /* NULL: the root */
    UINT64 mode;
    size_t position; /* in a folder: how many entries were read */
    bool is_open;
};

enum { HANDLES = 8 };
static struct handle handles[HANDLES];
static EFI_FILE_IO_INTERFACE volume;

void disk_fail(enum disk_call call, const char *path, EFI_STATUS status)
{
    disk.failing = call;
    strcpy(disk.failing_path, path);
    disk.failure = status;
}

static bool fails(enum disk_call call, const char *path)
{
    bool meant = disk.failing_path[0] == '\0' || strcmp(disk.failing_path, path) == 0;
    bool failing = disk.failing == call && meant;
    if (failing && disk.fails_once)
        disk.failing = CALL_NONE;
    return failing;
}

struct disk_file *disk_find(const char *path)
{
    for (unsigned i = 0; i < DISK_FILES; i++)
        if (disk.files[i].path[0] && strcmp(disk.files[i].path, path) == 0)
            return &disk.files[i];
    return NULL;
}

unsigned disk_count(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < DISK_FILES; i++)
        count += disk.files[i].path[0] != '\0';
    return count;
}

struct disk_file *disk_put(const char *path, const char *content)
{
    struct disk_file *file = disk_find(path);
    for (unsigned i = 0; i < DISK_FILES && !file; i++)
        if (disk.files[i].path[0] == '\0')
            file = &disk.files[i];
    assert_non_null(file);
    memset(file, 0, sizeof *file);
    strcpy(file->path, path);
    file->is_folder = content == NULL;
    file->bytes = content ? strlen(content) : 0;
    if (content)
        memcpy(file->content, content, file->bytes);
    return file;
}

/* ---- handles ---- */

static struct handle *opened(EFI_FILE_HANDLE file)
{
    struct handle *handle = (struct handle *)file;
    assert_true(handle >= handles && handle < handles + HANDLES && handle->is_open);
    return handle;
}

static const char *path_of(const struct handle *handle)
{
    return handle->file ? handle->file->path : "\\";
}

static void close_handle(struct handle *handle)
{
    memset(handle, 0, sizeof *handle);
    disk.handles--;
}

static EFI_STATUS EFIAPI close_file(EFI_FILE_HANDLE this)
{
    struct handle *handle = opened(this);
    bool failing = fails(CALL_CLOSE, path_of(handle));
    close_handle(handle);
    return failing ? disk.failure : EFI_SUCCESS;
}

/* Closes it, whether it can be deleted or not. */
static EFI_STATUS EFIAPI delete_file(EFI_FILE_HANDLE this)
{
    struct handle *handle = opened(this);
    struct disk_file *file = handle->file;
    assert_non_null(file);
    close_handle(handle);
    if (file->is_read_only)
        return EFI_WARN_DELETE_FAILURE;
    disk.room += file->bytes;
    file->path[0] = '\0';
    disk.deleted++;
    return EFI_SUCCESS;
}

/* ---- content ---- */

static EFI_STATUS EFIAPI get_info(EFI_FILE_HANDLE this, EFI_GUID *kind, UINTN *bytes, VOID *buffer)
{
    const struct handle *handle = opened(this);
    static const EFI_GUID file_info = EFI_FILE_INFO_ID;
    assert_memory_equal(kind, &file_info, sizeof file_info);
    if (fails(CALL_INFO, path_of(handle)))
        return disk.failure;
    EFI_FILE_INFO info = {.FileSize = handle->file->bytes,
                          .Attribute = handle->file->is_folder ? EFI_FILE_DIRECTORY : EFI_FILE_ARCHIVE};
    if (*bytes < sizeof info + 512) /* room for the longest name there is */
        return EFI_BUFFER_TOO_SMALL;
    memcpy(buffer, &info, sizeof info);
    return EFI_SUCCESS;
}

/* Returns the name behind the last backslash, if the path leads to an entry of the folder; else NULL. */
static const char *name_in(const char *folder, const char *path)
{
    size_t length = strlen(folder);
    bool below = strncmp(path, folder, length) == 0 && path[length] == '\\';
    return below && !strchr(path + length + 1, '\\') ? path + length + 1 : NULL;
}

static EFI_STATUS read_folder(struct handle *handle, UINTN *bytes, VOID *buffer)
{
    struct {
        EFI_FILE_INFO info;
        CHAR16 name[256];
    } entry = {0};
    size_t number = 0;
    if (*bytes < sizeof entry)
        return EFI_BUFFER_TOO_SMALL;
    *bytes = 0;
    for (unsigned i = 0; i < DISK_FILES; i++) {
        const char *name = name_in(handle->file->path, disk.files[i].path);
        if (!name || number++ != handle->position)
            continue;
        entry.info.FileSize = disk.files[i].bytes;
        CHAR16 *wide = entry.info.FileName;
        for (size_t c = 0; name[c]; c++)
            *wide++ = (CHAR16)(unsigned char)name[c];
        *bytes = sizeof entry;
        memcpy(buffer, &entry, sizeof entry);
        handle->position++;
        break;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_file_or_folder(EFI_FILE_HANDLE this, UINTN *bytes, VOID *buffer)
{
    struct handle *handle = opened(this);
    assert_non_null(handle->file);
    if (fails(CALL_READ, path_of(handle)))
        return disk.failure;
    if (handle->file->is_folder)
        return read_folder(handle, bytes, buffer);
    size_t left = handle->file->bytes - handle->position;
    *bytes = *bytes < left ? *bytes : left;
    *bytes -= disk.reads_less && *bytes > 0;
    memcpy(buffer, handle->file->content + handle->position, *bytes);
    handle->position += *bytes;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI write_to_file(EFI_FILE_HANDLE this, UINTN *bytes, VOID *buffer)
{
    struct handle *handle = opened(this);
    struct disk_file *file = handle->file;
    assert_true(file && !file->is_folder);
    assert_true(*bytes > 0); /* some drivers do not take it */
    if (fails(CALL_WRITE, path_of(handle))) {
        *bytes = 0;
        return disk.failure;
    }
    if (!(handle->mode & EFI_FILE_MODE_WRITE))
        return EFI_ACCESS_DENIED;
    size_t end = handle->position + *bytes, limit = file->bytes + disk.room;
    bool full = end > limit;
    end = full ? limit : end;
    assert_true(end <= DISK_FILE_BYTES);
    *bytes = end > handle->position ? end - handle->position : 0;
    memcpy(file->content + handle->position, buffer, *bytes);
    if (end > file->bytes) {
        disk.room -= end - file->bytes;
        file->bytes = end;
    }
    handle->position += *bytes;
    return full && !disk.writes_less ? EFI_VOLUME_FULL : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI flush_file(EFI_FILE_HANDLE this)
{
    return fails(CALL_FLUSH, path_of(opened(this))) ? disk.failure : EFI_SUCCESS;
}

/* ---- opening ---- */

static EFI_FILE_HANDLE open_handle(struct disk_file *file, UINT64 mode);

static bool has_folder_for(const char *path)
{
    char folder[DISK_PATH_BYTES];
    strcpy(folder, path);
    *strrchr(folder, '\\') = '\0';
    const struct disk_file *above = disk_find(folder);
    return folder[0] == '\0' || (above && above->is_folder);
}

static EFI_STATUS EFIAPI open_file(EFI_FILE_HANDLE this, EFI_FILE_HANDLE *result, CHAR16 *name, UINT64 mode,
                                   UINT64 attributes)
{
    char path[DISK_PATH_BYTES];
    size_t length = 0;
    assert_null(opened(this)->file);
    for (; name[length]; length++) {
        assert_true(name[length] < 0x80 && length < sizeof path - 1);
        path[length] = (char)name[length];
    }
    path[length] = '\0';
    const UINT64 change = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
    if ((mode != EFI_FILE_MODE_READ && mode != change && mode != (change | EFI_FILE_MODE_CREATE)) ||
        attributes & ~(UINT64)EFI_FILE_VALID_ATTR || (attributes != 0 && !(mode & EFI_FILE_MODE_CREATE)))
        return EFI_INVALID_PARAMETER;
    if (fails(CALL_OPEN, path))
        return disk.failure;
    struct disk_file *file = disk_find(path);
    if (!file && (!(mode & EFI_FILE_MODE_CREATE) || disk.makes_nothing || !has_folder_for(path)))
        return EFI_NOT_FOUND;
    if (!file) {
        file = disk_put(path, attributes & EFI_FILE_DIRECTORY ? NULL : "");
        disk.made++;
    } else if (file->is_read_only && mode != EFI_FILE_MODE_READ) {
        return EFI_ACCESS_DENIED;
    }
    file->is_read_only = attributes & EFI_FILE_READ_ONLY;
    *result = open_handle(file, mode);
    return EFI_SUCCESS;
}

static EFI_FILE_HANDLE open_handle(struct disk_file *file, UINT64 mode)
{
    struct handle *handle = handles;
    while (handle->is_open)
        assert_true(++handle < handles + HANDLES);
    *handle = (struct handle){.protocol = {.Open = open_file,
                                           .Close = close_file,
                                           .Delete = delete_file,
                                           .Read = read_file_or_folder,
                                           .Write = write_to_file,
                                           .GetInfo = get_info,
                                           .Flush = flush_file},
                              .file = file,
                              .mode = mode,
                              .is_open = true};
    disk.handles++;
    return &handle->protocol;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *this, EFI_FILE_HANDLE *root)
{
    assert_ptr_equal(this, &volume);
    if (fails(CALL_OPEN_VOLUME, "\\"))
        return disk.failure;
    *root = open_handle(NULL, EFI_FILE_MODE_READ);
    return EFI_SUCCESS;
}

EFI_STATUS EFIAPI disk_handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **found)
{
    static const EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID,
                          pxe = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
    assert_ptr_equal(handle, DISK_DEVICE);
    *found = NULL;
    if (memcmp(protocol, &file_system, sizeof file_system) == 0 && disk.has_volume) {
        *found = disk.volume_is_null ? NULL : &volume;
        return EFI_SUCCESS;
    }
    if (memcmp(protocol, &pxe, sizeof pxe) == 0 && disk.is_from_network) {
        *found = handles; /* nobody uses it */
        return EFI_SUCCESS;
    }
    return EFI_UNSUPPORTED;
}

void disk_begin(void)
{
    memset(&disk, 0, sizeof disk);
    memset(handles, 0, sizeof handles);
    volume.OpenVolume = open_volume;
    disk.has_volume = true;
    disk.room = 100000;
}
