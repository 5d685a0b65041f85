/* SPDX-License-Identifier: MIT */
/* option_sources.c - reads options from three places. kernel/boot/options.h says what they mean. */
#include "config_file.h"
#include "kernel/console/ports.h"
#include "loader.h"

static char text[OPTION_TEXT_LIMIT];

/* Says what is new among the errors. */
static void say_errors(const struct options *options, unsigned from)
{
    for (unsigned i = from; i < options->error_count && i < OPTION_ERROR_LIMIT; i++)
        say("  %s\n", options->errors[i]);
}

static void apply(struct loader *loader, const char *source, size_t bytes)
{
    struct options *options = &loader->handoff->options;
    unsigned before = options->error_count;
    const char *fault = options_decode(text, &bytes);
    if (fault)
        options_refuse(options, source, fault);
    else
        (void)options_apply(options, source, text, bytes);
    say_errors(options, before);
}

static void read_file(struct loader *loader)
{
    struct options *options = &loader->handoff->options;
    struct config_file file = read_config_file(loader, text, sizeof text);
    loader->handoff->config_file = file.where;
    if (file.why) {
        unsigned before = options->error_count;
        options_refuse(options, "selfmap.cfg", file.why);
        say_errors(options, before);
    }
    if (EFI_ERROR(file.status))
        say("  selfmap.cfg: the firmware says: %s\n", status_name(file.status));
    if (file.bytes > 0)
        apply(loader, "selfmap.cfg", file.bytes);
}

/*
 * Notes the name of our own file without folder and extension, from its device path. A path may be cut into
 * several nodes, with or without a separator between them (UEFI 2.10, 10.3.5.4): each begins a name.
 */
static void own_name(const struct loader *loader, char *name, size_t capacity)
{
    enum { MEDIA = 4, FILE_PATH = 4, END = 0x7f, HEADER = 4 };
    size_t length = 0;
    const UINT8 *node = (const UINT8 *)loader->loaded->FilePath;
    while (node && node[0] != END) {
        size_t bytes = node[2] | (size_t)node[3] << 8;
        if (bytes < HEADER)
            break;
        bool is_path = node[0] == MEDIA && node[1] == FILE_PATH;
        if (is_path)
            length = 0;
        for (size_t i = HEADER; is_path && i + 1 < bytes; i += 2) {
            char c = (char)node[i];
            if (c == '\\' || c == '/')
                length = 0;
            else if (c && !node[i + 1] && length + 1 < capacity)
                name[length++] = c;
        }
        node += bytes;
    }
    name[length] = '\0';
    while (length > 0)
        if (name[--length] == '.') {
            name[length] = '\0';
            break;
        }
}

/* Returns whether there is anything behind the program's name. */
static bool is_empty(size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] > ' ')
            return false;
    return true;
}

/*
 * Boot entries of the firmware's own carry marks for the firmware, and U-Boot passes the options of a Linux
 * kernel. A shell that passes our own name passes what somebody typed behind it.
 */
static void read_load_options(struct loader *loader)
{
    char name[64];
    size_t bytes = loader->loaded->LoadOptions ? loader->loaded->LoadOptionsSize : 0, length;
    const char **fact = &loader->handoff->load_options;
    *fact = "none";
    bytes = bytes < 2 * (size_t)OPTION_TEXT_LIMIT ? bytes : 2 * (size_t)OPTION_TEXT_LIMIT;
    if (!options_from_ucs2(loader->loaded->LoadOptions, bytes, text, &length)) {
        *fact = "not used: they are not text";
        say("  LoadOptions are %s\n", *fact);
        return;
    }
    own_name(loader, name, sizeof name);
    bool typed = options_blank_program(text, length, name);
    if (is_empty(length))
        return;
    if (!typed && !options_are_meant(text, length)) {
        *fact = "not used: no key in them is one of ours";
        say("  LoadOptions are %s\n", *fact);
        return;
    }
    *fact = "used";
    apply(loader, "LoadOptions", length);
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
    loader->has_fw_cfg = true;
    if (bytes > OPTION_TEXT_LIMIT) {
        options_refuse(&loader->handoff->options, "fw_cfg", OPTION_TEXT_TOO_LARGE);
        return;
    }
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
    return EFI_SUCCESS;
}
