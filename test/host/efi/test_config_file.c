/* SPDX-License-Identifier: MIT */
/* config_file: selfmap.cfg and LoadOptions, from firmware that fails, cuts off and lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/console/ports.h"
#include "efi/config_file.h"
#include "efi/volume.h"
#include "kernel/cpu/cpuid.h"

/* ---- a made-up firmware: one volume with one file, and a server ---- */

static struct {
    bool has_volume, is_there, is_folder;
    const char *content;
    UINTN bytes;
    UINT64 size_told; /* by GetInfo */
    UINTN read_told;  /* by Read; what was read unless lies_about_read */
    bool lies_about_read;
    EFI_STATUS opened, informed, read;
    unsigned handles; /* that are open */

    bool has_server;
    EFI_STATUS fetched;
    UINT64 fetched_told;
    char asked_for[256];
    EFI_IP_ADDRESS asked;
    EFI_PXE_BASE_CODE_MODE mode;
} firmware;

static EFI_BOOT_SERVICES boot;
static EFI_SYSTEM_TABLE table = {.BootServices = &boot};
EFI_SYSTEM_TABLE *system_table = &table;
static EFI_LOADED_IMAGE loaded;
static struct handoff handoff;
static struct loader loader;
static EFI_FILE root, file;
static EFI_FILE_IO_INTERFACE volume;
static EFI_PXE_BASE_CODE server;

void say(const char *format, ...)
{
    (void)format;
}

const char *status_name(EFI_STATUS status)
{
    (void)status;
    return "a status";
}

/* No fw_cfg: test_option_sources.c has it. */
bool machine_is_qemu(const char *rsdp_oem)
{
    (void)rsdp_oem;
    return false;
}

uint8_t port_read8(uint16_t port)
{
    (void)port;
    fail();
    return 0;
}

void port_write16(uint16_t port, uint16_t value)
{
    (void)port;
    (void)value;
    fail();
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *this, EFI_FILE_HANDLE *opened)
{
    assert_ptr_equal(this, &volume);
    firmware.handles++;
    *opened = &root;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_file(EFI_FILE_HANDLE this, EFI_FILE_HANDLE *opened, CHAR16 *name, UINT64 mode,
                                   UINT64 attributes)
{
    static const CHAR16 expected[] = L"\\selfmap.cfg";
    assert_ptr_equal(this, &root);
    assert_memory_equal(name, expected, sizeof expected);
    assert_int_equal(mode, EFI_FILE_MODE_READ);
    assert_int_equal(attributes, 0);
    if (firmware.opened || !firmware.is_there)
        return firmware.opened ? firmware.opened : EFI_NOT_FOUND;
    firmware.handles++;
    *opened = &file;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI close_file(EFI_FILE_HANDLE this)
{
    (void)this;
    firmware.handles--;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_info(EFI_FILE_HANDLE this, EFI_GUID *kind, UINTN *bytes, VOID *buffer)
{
    (void)this, (void)kind;
    EFI_FILE_INFO info = {.FileSize = firmware.size_told,
                          .Attribute = firmware.is_folder ? EFI_FILE_DIRECTORY : 0};
    assert_true(*bytes >= sizeof info);
    if (firmware.informed)
        return firmware.informed;
    memcpy(buffer, &info, sizeof info);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_from(EFI_FILE_HANDLE this, UINTN *bytes, VOID *buffer)
{
    UINTN count = firmware.bytes < *bytes ? firmware.bytes : *bytes;
    (void)this;
    memcpy(buffer, firmware.content, count);
    *bytes = firmware.lies_about_read ? firmware.read_told : count;
    return firmware.read;
}

static EFI_STATUS EFIAPI fetch(EFI_PXE_BASE_CODE *this, EFI_PXE_BASE_CODE_TFTP_OPCODE what, VOID *buffer,
                               BOOLEAN overwrite, UINT64 *bytes, UINTN *block, EFI_IP_ADDRESS *from,
                               UINT8 *name, EFI_PXE_BASE_CODE_MTFTP_INFO *info, BOOLEAN no_buffer)
{
    (void)this, (void)overwrite, (void)block, (void)info, (void)no_buffer;
    assert_int_equal(what, EFI_PXE_BASE_CODE_TFTP_READ_FILE);
    memcpy(buffer, firmware.content, firmware.bytes < *bytes ? firmware.bytes : *bytes);
    *bytes = firmware.fetched_told;
    firmware.asked = *from;
    strcpy(firmware.asked_for, (const char *)name);
    return firmware.fetched;
}

static bool is_guid(const EFI_GUID *a, EFI_GUID b)
{
    return memcmp(a, &b, sizeof b) == 0;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **found)
{
    (void)handle;
    *found = NULL;
    if (firmware.has_volume && is_guid(protocol, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID))
        *found = &volume;
    if (firmware.has_server && is_guid(protocol, (EFI_GUID)EFI_PXE_BASE_CODE_PROTOCOL_GUID))
        *found = &server;
    return *found ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

/* A volume with this file on it, about which the firmware says the truth. */
static void put_file(const char *content, size_t bytes)
{
    memset(&firmware, 0, sizeof firmware);
    memset(&handoff, 0, sizeof handoff);
    firmware.has_volume = firmware.is_there = true;
    firmware.content = content;
    firmware.bytes = firmware.size_told = firmware.fetched_told = bytes;
    boot.HandleProtocol = handle_protocol;
    root = (EFI_FILE){.Open = open_file, .Close = close_file};
    file = (EFI_FILE){.GetInfo = get_info, .Read = read_from, .Close = close_file};
    volume.OpenVolume = open_volume;
    server = (EFI_PXE_BASE_CODE){.Mtftp = fetch, .Mode = &firmware.mode};
    loaded = (EFI_LOADED_IMAGE){.DeviceHandle = &loaded};
    loader = (struct loader){.loaded = &loaded, .handoff = &handoff};
}

/* The same from a server at 10.0.2.2. */
static void serve_file(const char *content, size_t bytes, const char *boot_file)
{
    put_file(content, bytes);
    firmware.has_volume = false;
    firmware.has_server = true;
    firmware.mode.DhcpAckReceived = TRUE;
    memcpy(firmware.mode.DhcpAck.Dhcpv4.BootpSiAddr, "\x0a\0\2\2", 4);
    strcpy((char *)firmware.mode.DhcpAck.Dhcpv4.BootpBootFile, boot_file);
}

/* Reads into a buffer of exactly its size, and checks that every file was closed. */
static struct config_file read_text(char **text, UINTN capacity)
{
    *text = malloc(capacity);
    struct config_file found = read_config_file(&loader, *text, capacity);
    assert_int_equal(firmware.handles, 0);
    return found;
}

static void expect_used(const char *content, UINTN capacity, const char *where)
{
    char *text;
    struct config_file found = read_text(&text, capacity);
    assert_null(found.why);
    assert_string_equal(found.where, where);
    assert_int_equal(found.bytes, strlen(content));
    assert_memory_equal(text, content, found.bytes);
    free(text);
}

static void expect_unused(const char *why, UINTN capacity, EFI_STATUS status)
{
    char *text;
    struct config_file found = read_text(&text, capacity);
    assert_non_null(found.why);
    assert_string_equal(found.why, why);
    assert_string_equal(found.where, "not used");
    assert_int_equal(found.bytes, 0);
    assert_int_equal(found.status, status);
    free(text);
}

static void expect_none(const char *where)
{
    char *text;
    struct config_file found = read_text(&text, 64);
    assert_null(found.why);
    assert_string_equal(found.where, where);
    assert_int_equal(found.bytes, 0);
    free(text);
}

/* ---- the tests ---- */

static void whole_file(void **state)
{
    (void)state;
    put_file("end=halt", 8);
    expect_used("end=halt", 64, "volume");
    expect_used("end=halt", 8, "volume");
}

static void no_file(void **state)
{
    (void)state;
    put_file("", 0);
    firmware.is_there = false;
    expect_none("none: no such file");
    firmware.has_volume = false;
    expect_none("none: not loaded from a volume");
    loaded.DeviceHandle = NULL;
    expect_none("none: not loaded from a volume");
}

static void longer_than_buffer(void **state)
{
    (void)state;
    put_file("end=halt", 8);
    expect_unused(OPTION_TEXT_TOO_LARGE, 7, EFI_SUCCESS);
    expect_unused(OPTION_TEXT_TOO_LARGE, 1, EFI_SUCCESS);
}

static void cannot_be_read(void **state)
{
    (void)state;
    put_file("end=halt", 8);
    firmware.read = EFI_DEVICE_ERROR;
    expect_unused("cannot be read", 64, EFI_DEVICE_ERROR);
    put_file("end=halt", 8);
    firmware.informed = EFI_VOLUME_CORRUPTED;
    expect_unused("cannot be read", 64, EFI_VOLUME_CORRUPTED);
    put_file("end=halt", 8);
    firmware.opened = EFI_ACCESS_DENIED;
    expect_unused("cannot be read", 64, EFI_ACCESS_DENIED);
    put_file("", 0);
    firmware.is_folder = true;
    expect_unused("is a folder, not a file", 64, EFI_SUCCESS);
}

static void lies_about_read(void **state)
{
    (void)state;
    static const UINTN lies[] = {0, 7, 9, 64, 65, 4097, UINT32_MAX, UINT64_MAX};
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        put_file("end=halt", 8);
        firmware.lies_about_read = true;
        firmware.read_told = lies[i];
        expect_unused("cannot be read", 64, EFI_DEVICE_ERROR);
    }
}

static void lies_about_size(void **state)
{
    (void)state;
    static const UINT64 lies[] = {0, 7, 9, 64, 65, UINT32_MAX, UINT64_MAX};
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        put_file("end=halt", 8);
        firmware.size_told = lies[i];
        expect_unused("cannot be read", 64, EFI_DEVICE_ERROR);
    }
}

static void by_tftp(void **state)
{
    (void)state;
    serve_file("end=halt", 8, "EFI/BOOT/BOOTX64.EFI");
    expect_used("end=halt", 64, "tftp");
    assert_string_equal(firmware.asked_for, "EFI/BOOT/selfmap.cfg");
    assert_memory_equal(&firmware.asked, "\x0a\0\2\2", 4);
    serve_file("end=halt", 8, "x.efi");
    firmware.fetched_told = 64; /* as iPXE does, which leaves the size as it was */
    expect_used("end=halt", 64, "tftp");
    assert_string_equal(firmware.asked_for, "selfmap.cfg");
    serve_file("", 0, "x.efi");
    firmware.fetched = EFI_TFTP_ERROR;
    expect_none("none: the server has no such file, or refuses it");
    firmware.fetched = EFI_TIMEOUT;
    expect_none("none: the server does not send it");
    firmware.fetched = EFI_BUFFER_TOO_SMALL;
    expect_unused(OPTION_TEXT_TOO_LARGE, 64, EFI_SUCCESS);
}

static void server_lies(void **state)
{
    (void)state;
    static const UINT64 lies[] = {65, 4097, UINT32_MAX, UINT64_MAX};
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        serve_file("end=halt", 8, "x.efi");
        firmware.fetched_told = lies[i];
        expect_unused("cannot be read", 64, EFI_DEVICE_ERROR);
    }
}

/* Writes an option of DHCP. Returns where the next one goes. */
static UINT8 *put_option(UINT8 *at, UINT8 code, const char *value, UINT8 bytes)
{
    at[0] = code;
    at[1] = bytes;
    memcpy(at + 2, value, bytes);
    return at + 2 + bytes;
}

static void server_in_options(void **state)
{
    (void)state;
    serve_file("end=halt", 8, "");
    EFI_PXE_BASE_CODE_PACKET *answer = &firmware.mode.DhcpAck;
    memset(answer->Dhcpv4.BootpSiAddr, 0, 4);
    UINT8 *at = answer->Dhcpv4.DhcpOptions;
    *at++ = 0; /* a pad has no length */
    at = put_option(at, 54, "\x0a\0\2\3", 4);
    at = put_option(at, 67, "a\\b/c.efi", 9);
    *at = 255;
    expect_used("end=halt", 64, "tftp");
    assert_string_equal(firmware.asked_for, "a\\b/selfmap.cfg");
    assert_memory_equal(&firmware.asked, "\x0a\0\2\3", 4);
}

static void broken_answers(void **state)
{
    (void)state;
    serve_file("", 0, "");
    expect_none("none: no server of IPv4 is known");
    serve_file("", 0, "x.efi");
    firmware.mode.UsingIpv6 = TRUE;
    expect_none("none: no server of IPv4 is known");
    serve_file("", 0, "x.efi");
    firmware.mode.DhcpAckReceived = FALSE;
    expect_none("none: no server of IPv4 is known");
    serve_file("", 0, "");
    EFI_PXE_BASE_CODE_PACKET *answer = &firmware.mode.DhcpAck;
    memset(answer->Dhcpv4.DhcpOptions, 1,
           sizeof answer->Raw - (size_t)(answer->Dhcpv4.DhcpOptions - answer->Raw));
    answer->Raw[sizeof answer->Raw - 4] = 67; /* an option that ends behind the packet */
    answer->Raw[sizeof answer->Raw - 3] = 200;
    expect_none("none: no server of IPv4 is known");
}

/* ---- what becomes of it ---- */

static void too_long_is_an_error(void **state)
{
    (void)state;
    char *content = malloc(OPTION_TEXT_LIMIT + 1);
    memset(content, ' ', OPTION_TEXT_LIMIT + 1);
    memcpy(content, "end=halt", 8);
    put_file(content, OPTION_TEXT_LIMIT + 1);
    assert_int_equal(read_options(&loader), EFI_SUCCESS);
    assert_int_equal(handoff.options.error_count, 1);
    assert_string_equal(handoff.options.errors[0], "selfmap.cfg " OPTION_TEXT_TOO_LARGE);
    assert_int_equal(handoff.options.end, END_AUTO);
    put_file(content, OPTION_TEXT_LIMIT);
    assert_int_equal(read_options(&loader), EFI_SUCCESS);
    assert_int_equal(handoff.options.error_count, 0);
    assert_int_equal(handoff.options.end, END_HALT);
    firmware.read = EFI_DEVICE_ERROR;
    assert_int_equal(read_options(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.options.errors[0], "selfmap.cfg cannot be read");
    free(content);
}

/* Reads LoadOptions of this text, of which the firmware tells the size. */
static void load_options(const char *text, size_t told)
{
    UINT16 *wide = calloc(strlen(text) + 1, sizeof *wide);
    for (size_t i = 0; text[i]; i++)
        wide[i] = (UINT8)text[i];
    put_file("", 0);
    firmware.has_volume = false;
    loaded.LoadOptions = wide;
    loaded.LoadOptionsSize = (UINT32)told;
    assert_int_equal(read_options(&loader), EFI_SUCCESS);
    free(wide);
}

static void in_load_options(void **state)
{
    (void)state;
    load_options("selfmap.efi \"end=halt\" tset=map", 2 * 32);
    assert_string_equal(handoff.load_options, "used");
    assert_int_equal(handoff.options.end, END_HALT);
    assert_int_equal(handoff.options.error_count, 1);
    assert_non_null(strstr(handoff.options.errors[0], "LoadOptions line 1, column 24: 'tset=map' is not"));
    load_options("root=/dev/sda1 quiet", 2 * 21);
    assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
    assert_int_equal(handoff.options.error_count, 0);
    load_options("end=halt", 0);
    assert_string_equal(handoff.load_options, "none");
    load_options("end=halt", UINT32_MAX); /* ends at the zero */
    assert_int_equal(handoff.options.end, END_HALT);
    load_options("end=halt", 17); /* an odd size */
    assert_int_equal(handoff.options.end, END_HALT);
    char *longer = calloc(OPTION_TEXT_LIMIT + 9, 1); /* than there is room for */
    memset(longer, 'a', OPTION_TEXT_LIMIT + 8);
    load_options(longer, 2 * (OPTION_TEXT_LIMIT + 8));
    assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"config file: a file is read whole, into a buffer of just its size", whole_file, NULL, NULL, NULL},
        {"config file: none is not an error, and said", no_file, NULL, NULL, NULL},
        {"config file: of one that is larger than the buffer nothing is used", longer_than_buffer, NULL, NULL,
         NULL},
        {"config file: one that cannot be read is told, with the firmware's status", cannot_be_read, NULL,
         NULL, NULL},
        {"config file: firmware that says it read more or less is not believed", lies_about_read, NULL, NULL,
         NULL},
        {"config file: a size that does not fit what was read is not believed", lies_about_size, NULL, NULL,
         NULL},
        {"config file: from the server, beside the boot file", by_tftp, NULL, NULL, NULL},
        {"config file: a server that says it sent more than there is room for is not believed", server_lies,
         NULL, NULL, NULL},
        {"config file: server and boot file may stand in options of DHCP", server_in_options, NULL, NULL,
         NULL},
        {"config file: answers without them, and cut off, lead nowhere", broken_answers, NULL, NULL, NULL},
        {"config file: too long or unreadable, it fails the first test", too_long_is_an_error, NULL, NULL,
         NULL},
        {"config file: LoadOptions, with a program's name, quotes and any size", in_load_options, NULL, NULL,
         NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
