/* SPDX-License-Identifier: MIT */
/* find framebuffer: which of several graphics devices is drawn on, and what becomes of odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "efi/loader.h"
#include "kernel/boot/own_blocks.h"

enum { DEVICE_LIMIT = 6 };
#define MIB           ((uint64_t)1 << 20)
#define ADDRESS_LIMIT ((uint64_t)1 << 40)
#define PLACE(n)      (0xc0000000 + (n)*256 * MIB)

EFI_SYSTEM_TABLE *system_table;

/* ---- the made-up firmware: handles are numbers from 1 on ---- */

struct device {
    EFI_GRAPHICS_OUTPUT_PROTOCOL gop; /* first, so that a protocol's pointer is the device's */
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
    bool has_graphics, shows_console, is_listed;
    unsigned sets;          /* calls of SetMode */
    EFI_STATUS set_status;  /* which it answers */
    UINT32 width_after_set; /* what the mode really is; 0: as before */
};

static struct firmware {
    struct device devices[DEVICE_LIMIT];
    unsigned count, console_device; /* the number of the console's own handle; 0: it has no graphics */
    bool has_list, parent_is_program, parent_in_firmware_volume, device_is_null, no_memory;
    unsigned lists, lists_freed;
} firmware;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_LOADED_IMAGE self, parent;
static struct handoff handoff;
static struct loader loader;

enum { PARENT = 100, PARENT_DEVICE = 101 };

/* EDK II's mark of a device that shows the console, and a firmware volume's protocol, from its sources. */
static const EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID,
                      loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID,
                      console_mark = {0xd3b36f2c,
                                      0xd551,
                                      0x11d4,
                                      {0x9a, 0x46, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d}},
                      firmware_volume = {
                          0x220e73b6, 0x6bdb, 0x4413, {0x84, 0x05, 0xb9, 0x74, 0xb1, 0x08, 0x61, 0x9a}};

static bool is(const EFI_GUID *guid, const EFI_GUID *known)
{
    return memcmp(guid, known, sizeof *guid) == 0;
}

static EFI_STATUS protocol_of_device(struct device *device, const EFI_GUID *guid, VOID **found)
{
    *found = NULL;
    if (is(guid, &console_mark))
        return device->shows_console ? EFI_SUCCESS : EFI_UNSUPPORTED;
    if (!is(guid, &graphics) || !device->has_graphics)
        return EFI_UNSUPPORTED;
    *found = &device->gop;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, VOID **found)
{
    uintptr_t number = (uintptr_t)handle;
    if (number >= 1 && number <= firmware.count)
        return protocol_of_device(&firmware.devices[number - 1], guid, found);
    if (number == PARENT && is(guid, &loaded_image)) {
        *found = &parent;
        return EFI_SUCCESS;
    }
    bool in_volume =
        number == PARENT_DEVICE && is(guid, &firmware_volume) && firmware.parent_in_firmware_volume;
    return in_volume ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI locate_handle_buffer(EFI_LOCATE_SEARCH_TYPE type, EFI_GUID *guid, VOID *key,
                                              UINTN *count, EFI_HANDLE **handles)
{
    static EFI_HANDLE list[DEVICE_LIMIT];
    assert_int_equal(type, ByProtocol);
    assert_null(key);
    assert_true(is(guid, &graphics));
    if (!firmware.has_list)
        return EFI_NOT_FOUND;
    *count = 0;
    for (unsigned i = 0; i < firmware.count; i++)
        if (firmware.devices[i].is_listed)
            list[(*count)++] = (EFI_HANDLE)(uintptr_t)(i + 1);
    *handles = list;
    firmware.lists++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pool(VOID *pool)
{
    assert_non_null(pool);
    firmware.lists_freed++;
    return EFI_SUCCESS;
}

/* Gives the memory of a screen that is pretended. */
static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *at)
{
    assert_int_equal(how, AllocateAnyPages);
    assert_int_equal(type, EfiBootServicesData);
    assert_int_equal(pages, 640 * 400 / 1024);
    *at = PLACE(7);
    return firmware.no_memory ? EFI_OUT_OF_RESOURCES : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *this, UINT32 number)
{
    struct device *device = (struct device *)this;
    assert_int_equal(number, device->mode.Mode);
    device->sets++;
    if (device->width_after_set)
        device->info.HorizontalResolution = device->info.PixelsPerScanLine = device->width_after_set;
    return device->set_status;
}

/* ---- what the loader offers its steps ---- */

static char said[2048], region_name[32];
static const char *region; /* its name as the loader has it */
static unsigned regions;
static const char *dropped;
static UINT64 region_start, region_end, region_flags;

void say(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

UINT64 address_limit(const struct paging_cpu *cpu)
{
    (void)cpu;
    return ADDRESS_LIMIT;
}

EFI_STATUS add_region(struct loader *to, const char *name, UINT64 start, UINT64 end, UINT64 flags, bool exact)
{
    assert_ptr_equal(to, &loader);
    assert_false(exact);
    snprintf(region_name, sizeof region_name, "%s", name);
    region = name;
    region_start = start;
    region_end = end;
    region_flags = flags;
    regions++;
    return EFI_SUCCESS;
}

void drop_region(struct handoff *of, const char *name)
{
    assert_ptr_equal(of, &handoff);
    dropped = name;
}

/* ---- the tests ---- */

static int open_firmware(void **state)
{
    (void)state;
    memset(&firmware, 0, sizeof firmware);
    memset(&handoff, 0, sizeof handoff);
    memset(said, 0, sizeof said);
    regions = 0;
    firmware.has_list = true;
    services.HandleProtocol = handle_protocol;
    services.LocateHandleBuffer = locate_handle_buffer;
    services.FreePool = free_pool;
    services.AllocatePages = allocate_pages;
    table.BootServices = &services;
    table.ConsoleOutHandle = NULL;
    system_table = &table;
    self.ParentHandle = NULL;
    parent.DeviceHandle = (EFI_HANDLE)(uintptr_t)PARENT_DEVICE;
    loader = (struct loader){.handoff = &handoff, .loaded = &self};
    return 0;
}

/* A device with pixels at PLACE(its number), of this size, in 32 bits. */
static struct device *add_device(UINT32 width, UINT32 height, UINT32 stride)
{
    struct device *device = &firmware.devices[firmware.count++];
    device->info =
        (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){.HorizontalResolution = width,
                                               .VerticalResolution = height,
                                               .PixelFormat = PixelBlueGreenRedReserved8BitPerColor,
                                               .PixelsPerScanLine = stride};
    device->mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){.MaxMode = 9,
                                                       .Mode = 5,
                                                       .Info = &device->info,
                                                       .SizeOfInfo = sizeof device->info,
                                                       .FrameBufferBase = PLACE(firmware.count),
                                                       .FrameBufferSize = (UINTN)stride * height * 4};
    device->gop = (EFI_GRAPHICS_OUTPUT_PROTOCOL){.SetMode = set_mode, .Mode = &device->mode};
    device->has_graphics = device->is_listed = true;
    return device;
}

static void assert_finds(unsigned device, const char *words)
{
    assert_int_equal(find_framebuffer(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.screen, words);
    assert_non_null(strstr(said, words));
    assert_int_equal(firmware.lists, firmware.lists_freed);
    assert_int_equal(regions, device != 0);
    assert_int_equal(handoff.framebuffer.width != 0, device != 0);
    if (device == 0)
        return;
    const struct device *found = &firmware.devices[device - 1];
    assert_true(handoff.framebuffer.address.value == PLACE(device));
    assert_int_equal(handoff.framebuffer.width, found->info.HorizontalResolution);
    assert_int_equal(handoff.framebuffer.stride, found->info.PixelsPerScanLine);
    assert_string_equal(region_name, "framebuffer");
    assert_true(region_start == PLACE(device));
    assert_true(region_end == PLACE(device) + handoff.framebuffer.bytes);
    assert_true(region_flags == (PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_WRITE_COMBINING));
    assert_string_equal(loader.screen_refusal, "");
}

static void devices_that_show_the_console(void **state)
{
    (void)state;
    add_device(800, 600, 800);
    add_device(1024, 768, 1024)->shows_console = true;
    add_device(1280, 800, 1280)->shows_console = true;
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)1;
    assert_finds(2, "1024x768 stride 1024 at e0000000");
}

static void then_the_console_itself(void **state)
{
    (void)state;
    add_device(800, 600, 800);
    add_device(1024, 768, 1024)->is_listed = false;
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)2;
    assert_finds(2, "1024x768 stride 1024 at e0000000");
}

static void then_any_other(void **state)
{
    (void)state;
    add_device(800, 600, 800)->info.PixelFormat = PixelBltOnly;
    add_device(1024, 768, 1024)->has_graphics = false; /* the handle is gone meanwhile */
    add_device(3840, 2160, 3840);
    add_device(640, 480, 640);
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)1;
    assert_finds(3, "3840x2160 stride 3840 at f0000000");
}

static void without_a_list(void **state)
{
    (void)state;
    firmware.has_list = false;
    add_device(800, 600, 832);
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)1;
    assert_finds(1, "800x600 stride 832 at d0000000");
}

static void the_first_reason_is_kept(void **state)
{
    (void)state;
    struct device *shown = add_device(800, 600, 800);
    shown->info.PixelFormat = PixelBltOnly;
    shown->shows_console = true;
    add_device(70000, 600, 70000);
    assert_finds(0, "none: only the firmware can draw on it (Blt only)");
}

static void no_graphics(void **state)
{
    (void)state;
    assert_finds(0, "none: the firmware offers no graphics");
    add_device(800, 600, 800)->gop.Mode = NULL;
    add_device(800, 600, 800)->mode.Info = NULL;
    said[0] = '\0';
    assert_finds(0, "none: the firmware offers no graphics");
}

static void fewer_lines(void **state)
{
    (void)state;
    add_device(5120, 1440, 5120)->mode.FrameBufferSize -= 4;
    assert_finds(1, "5120x1439 stride 5120 at d0000000, as there are bytes for 1439 of 1440 lines");
}

static void mode_is_set_again(void **state)
{
    (void)state;
    struct device *hidden = add_device(800, 600, 800), *shown = add_device(1024, 768, 1024);
    shown->shows_console = true;
    shown->width_after_set = 640;
    self.ParentHandle = (EFI_HANDLE)(uintptr_t)PARENT;
    assert_finds(2, "640x768 stride 640 at e0000000");
    assert_int_equal(shown->sets, 1);
    assert_int_equal(hidden->sets, 0);
    assert_null(strstr(said, "cannot be set again"));
}

static void mode_that_cannot_be_set(void **state)
{
    (void)state;
    struct device *shown = add_device(1024, 768, 1024);
    shown->shows_console = true;
    shown->set_status = EFI_DEVICE_ERROR;
    self.ParentHandle = (EFI_HANDLE)(uintptr_t)PARENT;
    assert_finds(1, "1024x768 stride 1024 at d0000000");
    assert_non_null(
        strstr(said, "  mode 5 cannot be set again, as another program may have changed it: device error\n"));
}

/* Its boot menu starts the image in most cases: then nobody else has set a mode, and nothing is cleared. */
static void started_by_the_firmware(void **state)
{
    (void)state;
    struct device *shown = add_device(1024, 768, 1024);
    shown->shows_console = true;
    assert_finds(1, "1024x768 stride 1024 at d0000000");
    self.ParentHandle = (EFI_HANDLE)(uintptr_t)PARENT;
    firmware.parent_in_firmware_volume = true;
    regions = 0;
    assert_finds(1, "1024x768 stride 1024 at d0000000");
    firmware.parent_in_firmware_volume = false;
    parent.DeviceHandle = NULL;
    regions = 0;
    assert_finds(1, "1024x768 stride 1024 at d0000000");
    assert_int_equal(shown->sets, 0);
}

/* Each field of the mode arrives where it belongs: three colours of different widths. */
static void colours_of_a_mode(void **state)
{
    (void)state;
    struct device *device = add_device(800, 600, 800);
    device->info.PixelFormat = PixelBitMask;
    device->info.PixelInformation = (EFI_PIXEL_BITMASK){0x1f, 0x7e0, 0xf800, 0xff000000};
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)1;
    assert_finds(1, "800x600 stride 800 at d0000000");
    assert_int_equal(handoff.framebuffer.red_mask, 0x1f);
    assert_int_equal(handoff.framebuffer.green_mask, 0x7e0);
    assert_int_equal(handoff.framebuffer.blue_mask, 0xf800);
    open_firmware(NULL);
    device = add_device(800, 600, 800);
    device->info.PixelFormat = PixelBitMask;
    device->info.PixelInformation =
        (EFI_PIXEL_BITMASK){0x1f, 0x7e0, 0xf800, 0}; /* no bit above the colours */
    assert_finds(0, "none: a pixel is shorter than 32 bits: 0000ffff");
}

static void a_refusal_that_another_device_makes_up_for(void **state)
{
    (void)state;
    add_device(800, 600, 800)->info.PixelFormat = PixelBltOnly;
    add_device(1024, 768, 1024);
    assert_finds(2, "1024x768 stride 1024 at e0000000");
}

static void a_device_whose_console_has_no_graphics(void **state)
{
    (void)state;
    struct device *shown = add_device(1024, 768, 1024);
    shown->shows_console = true;
    shown->has_graphics = false;
    add_device(800, 600, 800);
    self.ParentHandle = (EFI_HANDLE)(uintptr_t)PARENT;
    assert_finds(2, "800x600 stride 800 at e0000000");
    assert_int_equal(shown->sets, 0);
}

/* For tests of what becomes of a screen that lies where it must not. */
static void screens_that_are_pretended(void **state)
{
    (void)state;
    handoff.options.screen = SCREEN_MEMORY;
    add_device(800, 600, 800);
    assert_int_equal(find_framebuffer(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.screen, "640x400 stride 640 at 130000000");
    assert_true(region_start == PLACE(7) && region_end == PLACE(7) + 640 * 400 * 4);
    assert_int_equal(handoff.framebuffer.red_mask, 0xff);
    open_firmware(NULL);
    handoff.options.screen = SCREEN_MEMORY;
    firmware.no_memory = true;
    assert_finds(0, "none: the firmware offers no graphics");
    open_firmware(NULL);
    handoff.options.screen = SCREEN_IMAGE;
    self.ImageBase = (void *)PLACE(3);
    firmware.no_memory = true; /* none is taken */
    assert_int_equal(find_framebuffer(&loader), EFI_SUCCESS);
    assert_string_equal(handoff.screen, "640x400 stride 640 at f0000000");
    open_firmware(NULL);
    handoff.options.screen = SCREEN_OFF; /* then the firmware's is looked for all the same */
    add_device(800, 600, 800);
    assert_finds(1, "800x600 stride 800 at d0000000");
}

/* ---- what lies over memory of ours ---- */

static void expect_apart(UINT64 start, UINT64 bytes, bool is_used)
{
    handoff.own_count = 0;
    assert_true(own_blocks_add(&handoff, "this block", 0x50000000, 0x10000, true));
    handoff.framebuffer =
        (struct framebuffer){.address = {start}, .bytes = bytes, .width = 640, .height = 400, .stride = 640};
    dropped = NULL;
    loader.screen_refusal[0] = '\0';
    strcpy(handoff.screen, "as before");
    said[0] = '\0';
    check_framebuffer_is_apart(&loader);
    assert_int_equal(handoff.framebuffer.width != 0, is_used);
    if (is_used) {
        assert_null(dropped);
        assert_string_equal(handoff.screen, "as before");
        assert_string_equal(said, "");
        return;
    }
    char sentence[160];
    snprintf(sentence, sizeof sentence, "its pixels at %lx lie over memory of ours: this block", start);
    assert_string_equal(loader.screen_refusal, sentence);
    assert_int_equal(strncmp(handoff.screen, "none: ", 6), 0);
    assert_string_equal(handoff.screen + 6, sentence);
    assert_string_equal(dropped, "framebuffer");
    assert_true(handoff.framebuffer.bytes == 0 && handoff.framebuffer.address.value == 0);
    assert_int_equal(strncmp(said, "  no screen: its pixels", 23), 0);
}

static void a_screen_over_memory_of_ours_is_given_up(void **state)
{
    (void)state;
    add_device(800, 600, 800);
    table.ConsoleOutHandle = (EFI_HANDLE)(uintptr_t)1;
    assert_int_equal(find_framebuffer(&loader), EFI_SUCCESS);
    expect_apart(0x50000000, 4, false);
    expect_apart(0x5000fffc, 0x100000, false);
    expect_apart(0x4ff00000, 0x100001, false);
    expect_apart(0x4ff00000, 0x100000, true);
    expect_apart(0x50010000, 0x100000, true);
    handoff.framebuffer.width = 0; /* there is none, whatever its address */
    handoff.framebuffer.address.value = 0x50000000;
    dropped = NULL;
    check_framebuffer_is_apart(&loader);
    assert_null(dropped);
}

#define TEST(name, function)                      \
    {                                             \
        name, function, open_firmware, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("framebuffer: devices that show the console come first", devices_that_show_the_console),
        TEST("framebuffer: then comes the console's own", then_the_console_itself),
        TEST("framebuffer: then any other that can be drawn on", then_any_other),
        TEST("framebuffer: without a list of devices the console's own is used", without_a_list),
        TEST("framebuffer: of several refusals the first reason is kept", the_first_reason_is_kept),
        TEST("framebuffer: no graphics, or graphics without a mode, are no error", no_graphics),
        TEST("framebuffer: fewer bytes than lines are told", fewer_lines),
        TEST("framebuffer: a mode that a boot manager may have changed is set and read again",
             mode_is_set_again),
        TEST("framebuffer: a mode that cannot be set again is used all the same", mode_that_cannot_be_set),
        TEST("framebuffer: each colour has its bits", colours_of_a_mode),
        TEST("framebuffer: a refusal is forgotten when another device can be used",
             a_refusal_that_another_device_makes_up_for),
        TEST("framebuffer: a device that shows the console and has no graphics is passed over",
             a_device_whose_console_has_no_graphics),
        TEST("framebuffer: screens in memory and over the image can be pretended",
             screens_that_are_pretended),
        TEST("framebuffer: over memory of ours it is given up", a_screen_over_memory_of_ours_is_given_up),
        TEST("framebuffer: no mode is set if the firmware itself has started the image",
             started_by_the_firmware),
    };
    return cmocka_run_group_tests_name("find_framebuffer", tests, NULL, NULL);
}
