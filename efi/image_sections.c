/* SPDX-License-Identifier: MIT */
/* image_sections.c - finds the sections of our own PE image in memory (PE format, "Section Table"). */
#include "kernel/boot/own_blocks.h"
#include "loader.h"

enum {
    DOS_PE_OFFSET = 0x3c,
    PE_SIGNATURE = 0x00004550,
    PE_SECTION_COUNT = 6,
    PE_OPTIONAL_BYTES = 20,
    PE_HEADER_BYTES = 24,
    SECTION_BYTES = 40,
    SECTION_NAME_BYTES = 8,
    SECTION_VIRTUAL_BYTES = 8,
    SECTION_ADDRESS = 12,
    SECTION_CHARACTERISTICS = 36,
};
#define SECTION_EXECUTE 0x20000000u
#define SECTION_WRITE   0x80000000u

static UINT32 read32(const UINT8 *at)
{
    return at[0] | (UINT32)at[1] << 8 | (UINT32)at[2] << 16 | (UINT32)at[3] << 24;
}

/* Returns whether only the firmware and gnu-efi's start-up code read the section. */
static bool is_for_start_up(const UINT8 *section)
{
    static const char names[][SECTION_NAME_BYTES] = {".reloc", ".rela", ".sbat", ".dynamic"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (__builtin_memcmp(section, names[i], SECTION_NAME_BYTES) == 0)
            return true;
    return false;
}

/*
 * Adds a section. *image_end rises to its end, which may lie beyond what the firmware calls the image's size.
 */
static EFI_STATUS add_section(struct loader *loader, const UINT8 *section, UINT64 *image_end)
{
    static const char *const names[] = {"image: read only", "image: code", "image: data"};
    UINT64 base = (UINTN)loader->loaded->ImageBase;
    UINT64 start = base + read32(section + SECTION_ADDRESS);
    UINT64 end = start + read32(section + SECTION_VIRTUAL_BYTES);
    UINT32 kind = read32(section + SECTION_CHARACTERISTICS);
    bool code = kind & SECTION_EXECUTE, data = kind & SECTION_WRITE;
    if (code && data)
        return FAIL(EFI_LOAD_ERROR, "  the section at %lx is both writable and executable", start);
    if (start % EFI_PAGE_SIZE != 0)
        return FAIL(EFI_LOAD_ERROR, "  the section at %lx does not begin on a page", start);
    if (end > *image_end)
        *image_end = end;
    UINT64 flags = (data ? PAGING_WRITABLE : 0) | (code ? 0 : PAGING_NO_EXECUTE);
    const char *name = names[code ? 1 : data ? 2 : 0];
    return is_for_start_up(section) && !code ? add_region_until_exit(loader, name, start, end, flags)
                                             : add_region(loader, name, start, end, flags, true);
}

/* Notes that the image is ours, as the blocks are that AllocatePages gave before. */
static EFI_STATUS add_image(struct loader *loader, UINT64 start, UINT64 end)
{
    const struct own_block *other = own_blocks_find(loader->handoff, start, end - start);
    if (other)
        return FAIL(EFI_DEVICE_ERROR, "  AllocatePages gave memory of our image at %lx for %s", start,
                    other->name);
    if (!own_blocks_add(loader->handoff, "image", start, end - start, false))
        return FAIL(EFI_OUT_OF_RESOURCES, "  no room for a block of memory of ours: image");
    return EFI_SUCCESS;
}

EFI_STATUS find_image_sections(struct loader *loader)
{
    const UINT8 *base = loader->loaded->ImageBase;
    const UINT8 *pe = base ? base + read32(base + DOS_PE_OFFSET) : NULL;
    loader->handoff->image_base = (UINTN)base;
    if (!base || base[0] != 'M' || base[1] != 'Z' || read32(pe) != PE_SIGNATURE)
        return FAIL(EFI_LOAD_ERROR, "  there is no PE header at the image base %lx", (UINT64)(UINTN)base);

    unsigned count = read32(pe + PE_SECTION_COUNT) & 0xffff;
    const UINT8 *section = pe + PE_HEADER_BYTES + (read32(pe + PE_OPTIONAL_BYTES) & 0xffff);
    const UINT8 *headers_end = section + (size_t)count * SECTION_BYTES;
    UINT64 image_end = (UINTN)headers_end;
    EFI_STATUS status =
        add_region_until_exit(loader, "image: headers", (UINTN)base, (UINTN)headers_end, PAGING_NO_EXECUTE);
    for (unsigned i = 0; i < count && !EFI_ERROR(status); i++)
        status = add_section(loader, section + (size_t)i * SECTION_BYTES, &image_end);
    return EFI_ERROR(status) ? status : add_image(loader, (UINTN)base, image_end);
}
