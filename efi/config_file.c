/* SPDX-License-Identifier: MIT */
/*
 * config_file.c - reads selfmap.cfg from where the image was loaded from.
 *
 * A volume has files. The firmware's PXE client has none, but fetches any file from the server by TFTP (UEFI
 * 2.10, 24.3), and the file beside the boot file is ours. Its HTTP client gives out the boot file only.
 */
#include "config_file.h"
#include "volume.h"

#define FILE_NAME "selfmap.cfg"
enum { PATH_BYTES = 256 }; /* for the longest option of DHCP, and a zero */

static bool interface(EFI_HANDLE handle, EFI_GUID protocol, VOID **found)
{
    return handle && !EFI_ERROR(BS->HandleProtocol(handle, &protocol, found)) && *found;
}

static struct config_file unusable(const char *why, EFI_STATUS status)
{
    return (struct config_file){0, "not used", why, status};
}

static struct config_file read_from_volume(const struct loader *loader, char *buffer, UINTN capacity)
{
    UINTN bytes = capacity;
    EFI_STATUS status = read_file(loader, "\\" FILE_NAME, buffer, &bytes);
    if (status == EFI_NO_MAPPING)
        return (struct config_file){.where = "none: not loaded from a volume"};
    if (status == EFI_NOT_FOUND)
        return (struct config_file){.where = "none: no such file"};
    if (status == STATUS_IS_FOLDER)
        return unusable("is a folder, not a file", EFI_SUCCESS);
    if (EFI_ERROR(status))
        return unusable("cannot be read", status);
    if (bytes > capacity)
        return unusable(OPTION_TEXT_TOO_LARGE, EFI_SUCCESS);
    return (struct config_file){.bytes = bytes, .where = "volume"};
}

/* Returns an option of a DHCP packet (RFC 2132) with its length, or NULL. */
static const UINT8 *dhcp_option(const EFI_PXE_BASE_CODE_PACKET *packet, UINT8 code, UINTN *bytes)
{
    enum { PAD = 0, END = 255 };
    UINTN at = (UINTN)(packet->Dhcpv4.DhcpOptions - packet->Raw);
    while (at + 1 < sizeof packet->Raw && packet->Raw[at] != END) {
        *bytes = packet->Raw[at + 1]; /* a pad has none, and nobody asks for it */
        if (packet->Raw[at] == code && at + 2 + *bytes <= sizeof packet->Raw)
            return &packet->Raw[at + 2];
        at += packet->Raw[at] == PAD ? 1 : 2 + *bytes;
    }
    return NULL;
}

/* The name of the boot file and its server, from the packet that named them. */
static bool find_server(const EFI_PXE_BASE_CODE_PACKET *packet, EFI_IP_ADDRESS *server, char name[PATH_BYTES])
{
    enum { SERVER_IDENTIFIER = 54, BOOT_FILE = 67 };
    const UINT8 *file = packet->Dhcpv4.BootpBootFile, *address = packet->Dhcpv4.BootpSiAddr;
    UINTN bytes = sizeof packet->Dhcpv4.BootpBootFile, address_bytes = 4;
    if (file[0] == '\0')
        file = dhcp_option(packet, BOOT_FILE, &bytes);
    if (!(address[0] | address[1] | address[2] | address[3]))
        address = dhcp_option(packet, SERVER_IDENTIFIER, &address_bytes);
    if (!file || !address || address_bytes != 4)
        return false;
    UINTN length = 0;
    for (; length < bytes && file[length]; length++)
        name[length] = (char)file[length];
    name[length] = '\0';
    __builtin_memset(server, 0, sizeof *server);
    __builtin_memcpy(server, address, 4);
    return length > 0;
}

/* Replaces the last part of a path, behind its last / or \, by our file's name. */
static bool replace_file_name(char path[PATH_BYTES])
{
    UINTN folder = 0;
    for (UINTN i = 0; path[i]; i++)
        if (path[i] == '/' || path[i] == '\\')
            folder = i + 1;
    if (folder + sizeof FILE_NAME > PATH_BYTES)
        return false;
    __builtin_memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
    return true;
}

static struct config_file read_by_tftp(EFI_PXE_BASE_CODE *pxe, char *buffer, UINTN capacity)
{
    const EFI_PXE_BASE_CODE_MODE *mode = pxe->Mode;
    const EFI_PXE_BASE_CODE_PACKET *packets[] = {&mode->PxeReply, &mode->ProxyOffer, &mode->DhcpAck};
    const bool received[] = {mode->PxeReplyReceived, mode->ProxyOfferReceived, mode->DhcpAckReceived};
    EFI_IP_ADDRESS server;
    char path[PATH_BYTES] = "";
    unsigned i = 0;
    while (i < 3 && !(received[i] && find_server(packets[i], &server, path)))
        i++;
    if (mode->UsingIpv6 || i == 3 || !replace_file_name(path))
        return (struct config_file){.where = "none: no server of IPv4 is known"};
    UINT64 bytes = capacity;
    __builtin_memset(buffer, 0, capacity);
    EFI_STATUS status = pxe->Mtftp(pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, buffer, FALSE, &bytes, NULL,
                                   &server, (UINT8 *)path, NULL, FALSE);
    if (status == EFI_BUFFER_TOO_SMALL)
        return unusable(OPTION_TEXT_TOO_LARGE, EFI_SUCCESS);
    if (status == EFI_TFTP_ERROR)
        return (struct config_file){.where = "none: the server has no such file, or refuses it"};
    if (EFI_ERROR(status))
        return (struct config_file){.where = "none: the server does not send it", .status = status};
    if (bytes > capacity) /* firmware that says it sent more than there was room for */
        return unusable("cannot be read", EFI_DEVICE_ERROR);
    /* iPXE leaves the size as it was. A text does not end with zeroes. */
    while (bytes > 0 && buffer[bytes - 1] == '\0')
        bytes--;
    return (struct config_file){.bytes = bytes, .where = "tftp"};
}

struct config_file read_config_file(const struct loader *loader, char *buffer, UINTN capacity)
{
    EFI_GUID pxe_client = EFI_PXE_BASE_CODE_PROTOCOL_GUID, load_file = EFI_LOAD_FILE_PROTOCOL_GUID;
    EFI_HANDLE device = loader->loaded->DeviceHandle;
    VOID *found = NULL;
    struct config_file from_volume = read_from_volume(loader, buffer, capacity);
    if (from_volume.bytes > 0 || from_volume.why)
        return from_volume;
    /* iPXE has both: its volume holds only what was fetched before. */
    if (interface(device, pxe_client, &found))
        return read_by_tftp(found, buffer, capacity);
    if (interface(device, load_file, &found))
        return (struct config_file){.where = "none: this network boot gives out one file only"};
    return from_volume;
}
