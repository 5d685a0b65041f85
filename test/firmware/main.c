/* SPDX-License-Identifier: MIT */
/*
 * main.c - waits until there are words, and starts the image that comes with them.
 *
 * The snapshot is taken while it waits: what a case passes by fw_cfg is not part of the machine's state.
 */
#include "shim.h"

EFI_SYSTEM_TABLE *truth;
EFI_SYSTEM_TABLE false_table;
EFI_BOOT_SERVICES false_services;

static uint32_t checksum(const void *bytes, uint32_t count)
{
    uint32_t crc = 0xffffffff;
    for (const uint8_t *at = bytes; count > 0; count--, at++) {
        crc ^= *at;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void seal(EFI_TABLE_HEADER *table)
{
    table->CRC32 = 0;
    table->CRC32 = checksum(table, table->HeaderSize);
}

void seal_tables(void)
{
    seal(&false_services.Hdr);
    seal(&false_table.Hdr);
}

/* Copies what is there of a table: firmware may have an older, shorter one. */
static void copy_table(EFI_TABLE_HEADER *to, const EFI_TABLE_HEADER *from, uint32_t bytes)
{
    if (from->HeaderSize < bytes)
        bytes = from->HeaderSize;
    __builtin_memcpy(to, from, bytes);
    to->HeaderSize = bytes;
}

static void wait_for_words(void)
{
    tell("waiting");
    while (!has_item("opt/shim/words"))
        for (unsigned i = 0; i < 1000; i++)
            __builtin_ia32_pause();
    words_read();
    tell("words have come (record %lx)", record_address());
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system)
{
    truth = system;
    TRUE_BS->SetWatchdogTimer(0, 0, 0, NULL);
    copy_table(&false_table.Hdr, &truth->Hdr, sizeof false_table);
    copy_table(&false_services.Hdr, &TRUE_BS->Hdr, sizeof false_services);
    false_table.BootServices = &false_services;
    record_start();
    hook_memory();
    wait_for_words();

    uint32_t bytes;
    EFI_HANDLE image;
    struct start_state state;
    void *file = read_item("opt/shim/image", &bytes);
    if (!file)
        give_up("there is no image");
    EFI_IMAGE_ENTRY_POINT entry = load_image(self, make_volume(), file, bytes, &image);
    hook_console();
    hook_protocols();
    hook_tables();
    seal_tables();
    set_processor(&state);
    uint64_t status = start_image(entry, image, &false_table, &state);
    tell("the image returned %lx", status);
    stop();
}
