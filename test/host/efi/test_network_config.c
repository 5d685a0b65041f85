/* SPDX-License-Identifier: MIT */
/* test_network_config.c - selfmap.cfg from the made-up server of a PXE boot, and which source goes first. */
#include "efi/config_file.h"
#include "efi/volume.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 32, HANDLE = 7 };

EFI_SYSTEM_TABLE *system_table;

/* What the volume answers. */
static EFI_STATUS volume_status;
static UINTN volume_bytes;

/* What the handle of our device offers, and what the server answers; and what it was asked for. */
static bool has_pxe, has_load_file;
static EFI_PXE_BASE_CODE_MODE mode;
static EFI_STATUS server_status;
static const char *content;
static UINT64 content_bytes;
static bool leaves_size;
static char asked_for[256];
static EFI_IP_ADDRESS asked_server;
static unsigned transfers;

EFI_STATUS read_file(const struct loader *loader, const char *path, char *text, UINTN *bytes)
{
    assert_string_equal(path, "\\selfmap.cfg");
    assert_int_equal(*bytes, CAPACITY);
    if (!EFI_ERROR(volume_status)) {
        memset(text, 'v', volume_bytes < *bytes ? volume_bytes : *bytes);
        *bytes = volume_bytes;
    }
    return volume_status;
}

static EFI_STATUS EFIAPI made_up_mtftp(EFI_PXE_BASE_CODE *pxe, EFI_PXE_BASE_CODE_TFTP_OPCODE operation,
                                       VOID *buffer, BOOLEAN overwrite, UINT64 *bytes, UINTN *block,
                                       EFI_IP_ADDRESS *server, UINT8 *name,
                                       EFI_PXE_BASE_CODE_MTFTP_INFO *info, BOOLEAN no_buffer)
{
    assert_int_equal(operation, EFI_PXE_BASE_CODE_TFTP_READ_FILE);
    assert_int_equal(*bytes, CAPACITY);
    assert_false(overwrite || no_buffer);
    assert_null(block);
    assert_null(info);
    transfers++;
    strcpy(asked_for, (const char *)name);
    asked_server = *server;
    if (!EFI_ERROR(server_status)) {
        memcpy(buffer, content, content_bytes);
        *bytes = leaves_size ? *bytes : content_bytes;
    }
    return server_status;
}

static EFI_PXE_BASE_CODE pxe = {.Mtftp = made_up_mtftp, .Mode = &mode};

static EFI_STATUS EFIAPI made_up_handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **interface)
{
    static int load_file;
    EFI_GUID pxe_guid = EFI_PXE_BASE_CODE_PROTOCOL_GUID, load_file_guid = EFI_LOAD_FILE_PROTOCOL_GUID;
    assert_int_equal((uintptr_t)handle, HANDLE);
    bool is_pxe = memcmp(protocol, &pxe_guid, sizeof pxe_guid) == 0;
    assert_true(is_pxe || memcmp(protocol, &load_file_guid, sizeof load_file_guid) == 0);
    *interface = is_pxe ? (VOID *)&pxe : (VOID *)&load_file;
    return (is_pxe ? has_pxe : has_load_file) ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static char buffer[CAPACITY];

static struct config_file read(void)
{
    static EFI_BOOT_SERVICES services = {.HandleProtocol = made_up_handle_protocol};
    static EFI_SYSTEM_TABLE table = {.BootServices = &services};
    EFI_LOADED_IMAGE loaded = {.DeviceHandle = (EFI_HANDLE)(uintptr_t)HANDLE};
    struct loader loader = {.loaded = &loaded};
    system_table = &table;
    memset(buffer, '?', sizeof buffer);
    transfers = 0;
    return read_config_file(&loader, buffer, sizeof buffer);
}

/* A network boot by this server and this file, as the last packet says. */
static int network(void **state)
{
    volume_status = EFI_NO_MAPPING;
    has_pxe = true;
    has_load_file = true;
    memset(&mode, 0, sizeof mode);
    mode.DhcpAckReceived = TRUE;
    memcpy(mode.DhcpAck.Dhcpv4.BootpSiAddr, (UINT8[]){10, 0, 2, 4}, 4);
    strcpy((char *)mode.DhcpAck.Dhcpv4.BootpBootFile, "boot/BOOTX64.EFI");
    server_status = EFI_SUCCESS;
    content = "tests=null";
    content_bytes = strlen(content);
    leaves_size = false;
    return 0;
}

static int volume(void **state)
{
    network(state);
    has_pxe = has_load_file = false;
    volume_status = EFI_SUCCESS;
    volume_bytes = 10;
    return 0;
}

static void assert_unread(const char *where)
{
    struct config_file file = read();
    assert_string_equal(file.where, where);
    assert_int_equal(file.bytes, 0);
    assert_null(file.why);
}

static void assert_unusable(const char *why, EFI_STATUS status)
{
    struct config_file file = read();
    assert_string_equal(file.where, "not used");
    assert_string_equal(file.why, why);
    assert_int_equal(file.bytes, 0);
    assert_true(file.status == status);
}

static void assert_fetched(const char *path, const UINT8 server[4])
{
    struct config_file file = read();
    assert_string_equal(file.where, "tftp");
    assert_int_equal(file.bytes, content_bytes);
    assert_memory_equal(buffer, content, content_bytes);
    assert_null(file.why);
    assert_int_equal(transfers, 1);
    assert_string_equal(asked_for, path);
    assert_memory_equal(&asked_server, server, 4);
    for (unsigned i = 4; i < sizeof asked_server; i++)
        assert_int_equal(((const UINT8 *)&asked_server)[i], 0);
}

static void a_volume_gives_its_file(void **state)
{
    for (volume_bytes = 1; volume_bytes <= CAPACITY; volume_bytes++) {
        struct config_file file = read();
        assert_int_equal(file.bytes, volume_bytes);
        assert_string_equal(file.where, "volume");
        assert_null(file.why);
    }
}

static void a_file_that_does_not_fit_is_not_used(void **state)
{
    volume_bytes = CAPACITY + 1;
    assert_unusable(OPTION_TEXT_TOO_LARGE, EFI_SUCCESS);
}

static void what_a_volume_answers_is_told(void **state)
{
    volume_status = EFI_NOT_FOUND;
    assert_unread("none: no such file");
    volume_status = EFI_NO_MAPPING;
    assert_unread("none: not loaded from a volume");
    volume_status = STATUS_IS_FOLDER;
    assert_unusable("is a folder, not a file", EFI_SUCCESS);
    volume_status = EFI_DEVICE_ERROR;
    assert_unusable("cannot be read", EFI_DEVICE_ERROR);
}

/* iPXE has a volume too, with what was fetched before. */
static void a_volume_goes_before_the_network(void **state)
{
    volume_status = EFI_SUCCESS;
    volume_bytes = 10;
    assert_string_equal(read().where, "volume");
    assert_int_equal(transfers, 0);
    volume_status = EFI_DEVICE_ERROR;
    assert_unusable("cannot be read", EFI_DEVICE_ERROR);
    volume_status = EFI_SUCCESS;
    volume_bytes = 0;
    assert_string_equal(read().where, "tftp");
}

static void the_file_beside_the_boot_file_is_ours(void **state)
{
    static const struct {
        const char *boot_file, *ours;
    } names[] = {{"boot/BOOTX64.EFI", "boot/selfmap.cfg"},
                 {"BOOTX64.EFI", "selfmap.cfg"},
                 {"/a/b/c", "/a/b/selfmap.cfg"},
                 {"a\\b\\c", "a\\b\\selfmap.cfg"},
                 {"a/", "a/selfmap.cfg"},
                 {"x", "selfmap.cfg"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strcpy((char *)mode.DhcpAck.Dhcpv4.BootpBootFile, names[i].boot_file);
        assert_fetched(names[i].ours, (const UINT8[]){10, 0, 2, 4});
    }
}

/* The name of 128 characters has no zero behind it: what follows in the packet is not part of it. */
static void a_name_ends_with_its_field(void **state)
{
    EFI_PXE_BASE_CODE_DHCPV4_PACKET *packet = &mode.DhcpAck.Dhcpv4;
    memset(packet->BootpBootFile, 'x', sizeof packet->BootpBootFile);
    packet->BootpBootFile[sizeof packet->BootpBootFile - 1] = '/';
    packet->DhcpMagik = 0x78787878;
    struct config_file file = read();
    assert_string_equal(file.where, "tftp");
    assert_int_equal(strlen(asked_for), sizeof packet->BootpBootFile + strlen("selfmap.cfg"));
    assert_string_equal(asked_for + sizeof packet->BootpBootFile - 1, "/selfmap.cfg");
}

static void a_proxy_offer_and_a_boot_server_go_first(void **state)
{
    mode.ProxyOffer = mode.PxeReply = mode.DhcpAck;
    mode.ProxyOffer.Dhcpv4.BootpSiAddr[3] = 5;
    mode.PxeReply.Dhcpv4.BootpSiAddr[3] = 6;
    assert_fetched("boot/selfmap.cfg", (const UINT8[]){10, 0, 2, 4});
    mode.ProxyOfferReceived = TRUE;
    assert_fetched("boot/selfmap.cfg", (const UINT8[]){10, 0, 2, 5});
    mode.PxeReplyReceived = TRUE;
    assert_fetched("boot/selfmap.cfg", (const UINT8[]){10, 0, 2, 6});
    mode.PxeReply.Dhcpv4.BootpBootFile[0] = '\0'; /* it names no file: the next one that does */
    assert_fetched("boot/selfmap.cfg", (const UINT8[]){10, 0, 2, 5});
}

/* Options of DHCP name what the fixed fields leave out (RFC 2132: 54 and 67). 0 is a pad, without length. */
static void options_name_what_the_fields_leave_out(void **state)
{
    EFI_PXE_BASE_CODE_PACKET *packet = &mode.DhcpAck;
    static const UINT8 options[] = {0,   0,   53, 1,  5, 67,  6,   'd', '/', 'x', '.',
                                    'e', 'f', 0,  54, 4, 192, 168, 1,   2,   255};
    memset(packet->Dhcpv4.BootpBootFile, 0, sizeof packet->Dhcpv4.BootpBootFile);
    memset(packet->Dhcpv4.BootpSiAddr, 0, 4);
    memcpy(packet->Dhcpv4.DhcpOptions, options, sizeof options);
    assert_fetched("d/selfmap.cfg", (const UINT8[]){192, 168, 1, 2});
    for (unsigned i = 0; i < 4; i++) { /* one byte that is not 0 makes an address of the field */
        UINT8 address[4] = {0};
        address[i] = 1;
        memcpy(packet->Dhcpv4.BootpSiAddr, address, 4);
        assert_fetched("d/selfmap.cfg", address);
    }
    memset(packet->Dhcpv4.BootpSiAddr, 0, 4);
    memset(packet->Dhcpv4.BootpGiAddr, 1, 4); /* that of a relay is none */
    assert_fetched("d/selfmap.cfg", (const UINT8[]){192, 168, 1, 2});
    packet->Dhcpv4.DhcpOptions[15] = 3; /* not an address of IPv4 */
    assert_unread("none: no server of IPv4 is known");
    packet->Dhcpv4.DhcpOptions[14] = 255; /* the end: what stands behind it is not an option */
    packet->Dhcpv4.DhcpOptions[15] = 4;
    assert_unread("none: no server of IPv4 is known");
}

/* Without an end a name would be that of a folder. */
static void without_options_a_server_or_a_file_is_missing(void **state)
{
    EFI_PXE_BASE_CODE_PACKET *packet = &mode.DhcpAck;
    packet->Dhcpv4.DhcpOptions[0] = 255;
    memcpy(packet->Dhcpv4.DhcpOptions + 1, (UINT8[]){54, 4, 10, 0, 2, 9, 67, 1, 'x', 255}, 10);
    memset(packet->Dhcpv4.BootpSiAddr, 0, 4);
    assert_unread("none: no server of IPv4 is known");
    memcpy(packet->Dhcpv4.BootpSiAddr, (UINT8[]){10, 0, 2, 4}, 4);
    memset(packet->Dhcpv4.BootpBootFile, 0, sizeof packet->Dhcpv4.BootpBootFile);
    assert_unread("none: no server of IPv4 is known");
    memcpy(packet->Dhcpv4.DhcpOptions, (UINT8[]){67, 0, 255}, 3); /* a name without characters */
    assert_unread("none: no server of IPv4 is known");
}

/* Of 255 characters; our own name behind the last folder must have room, too. */
static void the_longest_name_there_can_be(void **state)
{
    EFI_PXE_BASE_CODE_PACKET *packet = &mode.DhcpAck;
    UINT8 *option = packet->Dhcpv4.DhcpOptions;
    char ours[256] = {0};
    memset(packet->Dhcpv4.BootpBootFile, 0, sizeof packet->Dhcpv4.BootpBootFile);
    option[0] = 67;
    option[1] = 255;
    memset(option + 2, 'x', 255);
    memset(option + 2 + 255, 255, 1);
    assert_fetched("selfmap.cfg", (const UINT8[]){10, 0, 2, 4});
    option[2 + 243] = '/';
    memset(ours, 'x', 243);
    assert_fetched(strcat(ours, "/selfmap.cfg"), (const UINT8[]){10, 0, 2, 4});
    option[2 + 244] = '/';
    assert_unread("none: no server of IPv4 is known");
    assert_int_equal(transfers, 0);
}

/* Options that say to be longer than the packet. */
static void an_option_beyond_the_packet_is_not_read(void **state)
{
    EFI_PXE_BASE_CODE_PACKET *packet = &mode.DhcpAck;
    UINT8 *end = packet->Raw + sizeof packet->Raw;
    UINTN begin = (UINTN)(packet->Dhcpv4.DhcpOptions - packet->Raw);
    memset(packet->Dhcpv4.BootpBootFile, 0, sizeof packet->Dhcpv4.BootpBootFile);
    memset(packet->Raw + begin, 0, sizeof packet->Raw - begin);
    memcpy(end - 5, (UINT8[]){67, 3, 'a', '/', 'b'}, 5);
    assert_fetched("a/selfmap.cfg", (const UINT8[]){10, 0, 2, 4});
    end[-4] = 4;
    assert_unread("none: no server of IPv4 is known");
    memset(end - 5, 0, 5);
    end[-1] = 67; /* without a length */
    assert_unread("none: no server of IPv4 is known");
}

static void what_a_server_answers_is_told(void **state)
{
    server_status = EFI_BUFFER_TOO_SMALL;
    assert_unusable(OPTION_TEXT_TOO_LARGE, EFI_SUCCESS);
    server_status = EFI_TFTP_ERROR;
    assert_unread("none: the server has no such file, or refuses it");
    server_status = EFI_TIMEOUT;
    assert_unread("none: the server does not send it");
    assert_true(read().status == EFI_TIMEOUT);
}

/* iPXE leaves the size as it was; the buffer was zeroed before. */
static void zeroes_at_the_end_do_not_count(void **state)
{
    leaves_size = true;
    assert_fetched("boot/selfmap.cfg", (const UINT8[]){10, 0, 2, 4});
    content_bytes = 0;
    assert_int_equal(read().bytes, 0);
}

static void nothing_is_asked_over_ipv6(void **state)
{
    mode.UsingIpv6 = TRUE;
    assert_unread("none: no server of IPv4 is known");
    assert_int_equal(transfers, 0);
    mode.UsingIpv6 = FALSE;
    mode.DhcpAckReceived = FALSE;
    assert_unread("none: no server of IPv4 is known");
    assert_int_equal(transfers, 0);
}

static void an_http_boot_gives_out_one_file(void **state)
{
    has_pxe = false;
    assert_unread("none: this network boot gives out one file only");
    has_load_file = false;
    assert_unread("none: not loaded from a volume");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_volume_gives_its_file, volume),
        cmocka_unit_test_setup(a_file_that_does_not_fit_is_not_used, volume),
        cmocka_unit_test_setup(what_a_volume_answers_is_told, volume),
        cmocka_unit_test_setup(a_volume_goes_before_the_network, network),
        cmocka_unit_test_setup(the_file_beside_the_boot_file_is_ours, network),
        cmocka_unit_test_setup(a_name_ends_with_its_field, network),
        cmocka_unit_test_setup(a_proxy_offer_and_a_boot_server_go_first, network),
        cmocka_unit_test_setup(options_name_what_the_fields_leave_out, network),
        cmocka_unit_test_setup(without_options_a_server_or_a_file_is_missing, network),
        cmocka_unit_test_setup(the_longest_name_there_can_be, network),
        cmocka_unit_test_setup(an_option_beyond_the_packet_is_not_read, network),
        cmocka_unit_test_setup(what_a_server_answers_is_told, network),
        cmocka_unit_test_setup(zeroes_at_the_end_do_not_count, network),
        cmocka_unit_test_setup(nothing_is_asked_over_ipv6, network),
        cmocka_unit_test_setup(an_http_boot_gives_out_one_file, network),
    };
    return cmocka_run_group_tests_name("network_config", tests, NULL, NULL);
}
