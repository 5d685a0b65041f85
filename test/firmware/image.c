/* SPDX-License-Identifier: MIT */
/*
 * image.c - loads the image: with the firmware's service, or, where a word wants it elsewhere, by hand.
 *
 *   image-at=PLACE     where it goes; image-type=TYPE: what kind of memory it is in
 */
#include "shim.h"

enum { PE_OFFSET = 0x3c, OPTIONAL_AT = 24, ENTRY = 16, IMAGE_BASE = 24, IMAGE_SIZE = 56, HEADERS_SIZE = 60 };
enum { SECTION_COUNT = 6, OPTIONAL_SIZE = 20, SECTION_BYTES = 40, RELOCATIONS = 112 + 5 * 8, DIR64 = 10 };

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static const uint8_t *header_of(const uint8_t *image)
{
    const uint8_t *pe = image + get32(image + PE_OFFSET);
    if (get32(pe) != 0x4550)
        give_up("the image is not a PE image");
    return pe;
}

/* PE format, "The .reloc Section". */
static void relocate(uint8_t *base, uint64_t moved)
{
    const uint8_t *optional = header_of(base) + OPTIONAL_AT;
    uint8_t *block = base + get32(optional + RELOCATIONS);
    const uint8_t *end = block + get32(optional + RELOCATIONS + 4);
    for (uint32_t bytes; block < end; block += bytes) {
        bytes = get32(block + 4);
        for (uint32_t at = 8; at + 2 <= bytes; at += 2) {
            uint16_t entry = get16(block + at);
            uint64_t value, *place = (uint64_t *)(base + get32(block) + (entry & 0xfff));
            if (entry >> 12 != DIR64)
                continue;
            __builtin_memcpy(&value, place, sizeof value);
            value += moved;
            __builtin_memcpy(place, &value, sizeof value);
        }
    }
}

static uint8_t *place_by_hand(const uint8_t *file)
{
    const uint8_t *pe = header_of(file);
    uint64_t at = word_number("image-at", 0), bytes = get32(pe + OPTIONAL_AT + IMAGE_SIZE), linked;
    uint64_t pages = (at % SHIM_PAGE + bytes + SHIM_PAGE - 1) / SHIM_PAGE;
    EFI_MEMORY_TYPE type = (EFI_MEMORY_TYPE)word_number("image-type", EfiLoaderCode);
    EFI_PHYSICAL_ADDRESS start = at & ~(SHIM_PAGE - 1);
    if (EFI_ERROR(TRUE_BS->AllocatePages(at ? AllocateAddress : AllocateAnyPages, type, pages, &start)))
        give_up("there is no memory for the image at %lx", at);
    uint8_t *base = (uint8_t *)(uintptr_t)(start + at % SHIM_PAGE);
    __builtin_memset(base, 0, bytes);
    __builtin_memcpy(base, file, get32(pe + OPTIONAL_AT + HEADERS_SIZE));
    const uint8_t *section = pe + OPTIONAL_AT + get16(pe + OPTIONAL_SIZE);
    for (unsigned i = get16(pe + SECTION_COUNT); i > 0; i--, section += SECTION_BYTES) {
        uint32_t stored = get32(section + 16), used = get32(section + 8);
        __builtin_memcpy(base + get32(section + 12), file + get32(section + 20),
                         stored < used ? stored : used);
    }
    __builtin_memcpy(&linked, pe + OPTIONAL_AT + IMAGE_BASE, sizeof linked);
    relocate(base, (uintptr_t)base - linked);
    return base;
}

/* What the firmware would have noted of an image that it loaded. */
static EFI_LOADED_IMAGE *describe_by_hand(EFI_HANDLE parent, EFI_HANDLE *image, uint8_t *base)
{
    static EFI_LOADED_IMAGE loaded;
    EFI_GUID kind = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    loaded = (EFI_LOADED_IMAGE){
        .Revision = EFI_IMAGE_INFORMATION_REVISION,
        .ParentHandle = parent,
        .ImageBase = base,
        .ImageSize = get32(header_of(base) + OPTIONAL_AT + IMAGE_SIZE),
        .ImageCodeType = (EFI_MEMORY_TYPE)word_number("image-type", EfiLoaderCode),
        .ImageDataType = EfiLoaderData,
    };
    *image = NULL;
    if (EFI_ERROR(TRUE_BS->InstallProtocolInterface(image, &kind, EFI_NATIVE_INTERFACE, &loaded)))
        give_up("the image gets no handle");
    return &loaded;
}

static EFI_LOADED_IMAGE *load_by_firmware(EFI_HANDLE parent, EFI_HANDLE *image, void *file, uint32_t bytes)
{
    static struct {
        EFI_DEVICE_PATH vendor;
        EFI_GUID guid;
        EFI_DEVICE_PATH end;
    } path = {{1, 4, {20, 0}}, {0x5e1f3a9d, 0, 0, {0}}, {0x7f, 0xff, {4, 0}}};
    EFI_GUID kind = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *loaded = NULL;
    EFI_STATUS status = TRUE_BS->LoadImage(FALSE, parent, &path.vendor, file, bytes, image);
    if (!EFI_ERROR(status))
        status = TRUE_BS->HandleProtocol(*image, &kind, (VOID **)&loaded);
    if (EFI_ERROR(status))
        give_up("the firmware does not load the image: %lx", status);
    return loaded;
}

EFI_IMAGE_ENTRY_POINT load_image(EFI_HANDLE parent, EFI_HANDLE volume, void *file, uint32_t bytes,
                                 EFI_HANDLE *image)
{
    bool by_hand = word("image-at") || word("image-type");
    EFI_LOADED_IMAGE *loaded = by_hand ? describe_by_hand(parent, image, place_by_hand(file))
                                       : load_by_firmware(parent, image, file, bytes);
    uint32_t option_bytes;
    loaded->SystemTable = &false_table;
    loaded->DeviceHandle = word_lists("null", "device") ? NULL : volume;
    loaded->LoadOptions = read_item("opt/shim/load-options", &option_bytes);
    loaded->LoadOptionsSize = loaded->LoadOptions ? option_bytes : 0;
    image_base = (uintptr_t)loaded->ImageBase;
    image_bytes = loaded->ImageSize;
    record_image();
    const uint8_t *pe = header_of(loaded->ImageBase);
    return (EFI_IMAGE_ENTRY_POINT)(uintptr_t)(image_base + get32(pe + OPTIONAL_AT + ENTRY));
}
