/* option_sources.c - reads options from three places. kernel/boot/options.h says what they mean. */
#include "kernel/console/ports.h"
#include "loader.h"

enum { TEXT_LIMIT = 4096 };

static char text[TEXT_LIMIT];

static void apply(struct loader *loader, const char *source, size_t bytes)
{
    struct options *options = &loader->handoff->options;
    if (!options_apply(options, text, bytes))
        say("  %s: not understood: %s\n", source, options->refused);
}

static void read_file(struct loader *loader)
{
    EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    EFI_FILE_HANDLE root, file;
    UINTN bytes = TEXT_LIMIT;
    /* Neither is an error: an image that was not loaded from a volume, a volume without the file. */
    if (!loader->loaded->DeviceHandle ||
        EFI_ERROR(BS->HandleProtocol(loader->loaded->DeviceHandle, &file_system, (VOID **)&volume)) ||
        EFI_ERROR(volume->OpenVolume(volume, &root)))
        return;
    if (!EFI_ERROR(root->Open(root, &file, L"\\selfmap.cfg", EFI_FILE_MODE_READ, 0))) {
        if (!EFI_ERROR(file->Read(file, &bytes, text)))
            apply(loader, "selfmap.cfg", bytes);
        file->Close(file);
    }
    root->Close(root);
}

/* LoadOptions may be meant for somebody else, so words in them that are not understood are not an error. */
static void read_load_options(struct loader *loader)
{
    size_t bytes = loader->loaded->LoadOptions ? loader->loaded->LoadOptionsSize : 0, length;
    bytes = bytes < 2 * (size_t)TEXT_LIMIT ? bytes : 2 * (size_t)TEXT_LIMIT;
    if (!options_from_ucs2(loader->loaded->LoadOptions, bytes, text, &length)) {
        say("  LoadOptions are not text: not used\n");
        return;
    }
    struct options *options = &loader->handoff->options;
    struct options before = *options;
    options->refused[0] = '\0';
    apply(loader, "LoadOptions", length);
    __builtin_memcpy(options->refused, before.refused, sizeof options->refused);
}

/* QEMU's fw_cfg device: one port selects an item by number, the next one gives it byte by byte. */
enum {
    FW_CFG_SELECT = 0x510,
    FW_CFG_DATA = 0x511,
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_DIRECTORY = 0x19,
    FW_CFG_NAME = 56
};

static UINT32 fw_cfg_number(unsigned bytes)
{
    UINT32 value = 0;
    while (bytes--)
        value = value << 8 | port_read8(FW_CFG_DATA);
    return value;
}

/* Finds the number and size of the item with this name. Returns false if there is none. */
static bool fw_cfg_find(const char *name, UINT16 *item, UINT32 *bytes)
{
    port_write16(FW_CFG_SELECT, FW_CFG_DIRECTORY);
    for (UINT32 left = fw_cfg_number(4); left > 0 && left < 0x10000; left--) {
        *bytes = fw_cfg_number(4);
        *item = (UINT16)fw_cfg_number(2);
        (void)fw_cfg_number(2);
        bool same = true, ended = false;
        for (unsigned i = 0; i < FW_CFG_NAME; i++) {
            char c = (char)port_read8(FW_CFG_DATA);
            same = same && (ended || c == name[i]);
            ended = ended || c == '\0';
        }
        if (same)
            return true;
    }
    return false;
}

static void read_fw_cfg(struct loader *loader)
{
    UINT16 item;
    UINT32 bytes;
    if (!machine_is_qemu(loader->handoff->rsdp_oem))
        return;
    port_write16(FW_CFG_SELECT, FW_CFG_SIGNATURE);
    if (fw_cfg_number(4) != 0x51454d55 /* QEMU */ || !fw_cfg_find("opt/selfmap", &item, &bytes))
        return;
    bytes = bytes < TEXT_LIMIT ? bytes : TEXT_LIMIT;
    port_write16(FW_CFG_SELECT, item);
    for (UINT32 i = 0; i < bytes; i++)
        text[i] = (char)port_read8(FW_CFG_DATA);
    apply(loader, "fw_cfg", bytes);
}

EFI_STATUS read_options(struct loader *loader)
{
    read_file(loader);
    read_load_options(loader);
    read_fw_cfg(loader);
    if (!loader->handoff->options.five_levels)
        return EFI_SUCCESS;
    if (!cpu_has_five_levels())
        return FAIL(EFI_UNSUPPORTED, "  levels=5: this processor has four");
    loader->handoff->space.cpu.levels = 5;
    return EFI_SUCCESS;
}
