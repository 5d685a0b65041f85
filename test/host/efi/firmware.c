/* SPDX-License-Identifier: MIT */
/* firmware.c - the made-up firmware, and the parts of the loader and the kernel that tests do not run. */
#include "efi/firmware.h"
#include "kernel/console/log.h"
#include <selfmap/processor.h>
#include <stdlib.h>
#include <sys/mman.h>

struct made_up_firmware firmware;
struct loader loader;
EFI_SYSTEM_TABLE *system_table;

static EFI_LOADED_IMAGE loaded;
static SIMPLE_TEXT_OUTPUT_INTERFACE console;
static char early_log[4096];
static jmp_buf stopped;

/* ---- what stands in for the rest ---- */

_Noreturn void stop_for_good(void)
{
    longjmp(stopped, 1);
}

/* These machines have no port in memory. */
void check_serial_ports_are_apart(struct loader *of)
{
    (void)of;
}

_Noreturn void kernel_enter(struct handoff *handoff)
{
    (void)handoff;
    abort();
}

struct paging_cpu paging_cpu_read(void)
{
    return (struct paging_cpu){
        .levels = 4, .physical_bits = 47, .has_no_execute = true, .has_1g_pages = true};
}

bool cpuid_is_tdx_guest(struct cpuid leaf)
{
    (void)leaf;
    return false;
}

void describe_machine(struct loader *ignored)
{
    (void)ignored;
}

/* ---- pages ---- */

static UINT64 page_number(UINT64 address)
{
    return (address - MEMORY) / EFI_PAGE_SIZE;
}

static bool is_free(UINT64 first, UINTN pages)
{
    for (UINTN i = 0; i < pages; i++)
        if (first + i >= PAGES || firmware.owner[first + i] != FREE)
            return false;
    return true;
}

static void own(UINT64 first, UINTN pages, UINT32 type)
{
    for (UINTN i = 0; i < pages; i++)
        firmware.owner[first + i] = type;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *at)
{
    if (++firmware.allocations == firmware.failing_allocation)
        return EFI_OUT_OF_RESOURCES;
    if (firmware.given != 0) {
        *at = firmware.given;
        return EFI_SUCCESS;
    }
    if (how == AllocateAddress) {
        if (*at < MEMORY || !is_free(page_number(*at), pages))
            return EFI_NOT_FOUND;
        own(page_number(*at), pages, type);
        return EFI_SUCCESS;
    }
    for (UINT64 first = PAGES - pages; pages <= PAGES && first > 0; first--)
        if (is_free(first, pages)) {
            own(first, pages, type);
            *at = MEMORY + first * EFI_PAGE_SIZE;
            memset((void *)(UINTN)*at, 0xa5, pages * EFI_PAGE_SIZE);
            return EFI_SUCCESS;
        }
    return EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS start, UINTN pages)
{
    for (UINTN i = 0; i < pages; i++) {
        assert_true(start >= MEMORY && page_number(start) + i < PAGES);
        assert_int_equal(firmware.owner[page_number(start) + i], EfiLoaderData);
        firmware.owner[page_number(start) + i] = FREE;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN bytes, VOID **pool)
{
    (void)type;
    *pool = test_malloc(bytes);
    return *pool ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS EFIAPI free_pool(VOID *pool)
{
    test_free(pool);
    return EFI_SUCCESS;
}

unsigned pages_of_type(UINT32 type)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PAGES; i++)
        count += firmware.owner[i] == type;
    return count;
}

/* ---- the memory map ---- */

void add_descriptor(UINT32 type, UINT64 start, UINT64 pages, UINT64 attributes)
{
    assert_true(firmware.extra_count < EXTRA_LIMIT);
    firmware.extra[firmware.extra_count++] = (EFI_MEMORY_DESCRIPTOR){
        .Type = type, .PhysicalStart = start, .NumberOfPages = pages, .Attribute = attributes};
}

static void put_descriptor(UINT8 *buffer, UINTN *count, const EFI_MEMORY_DESCRIPTOR *descriptor)
{
    if (buffer)
        memcpy(buffer + *count * firmware.stride, descriptor, sizeof *descriptor);
    ++*count;
}

/* Puts the map into the buffer if there is one. Returns how many descriptors it has. */
static UINTN write_map(UINT8 *buffer)
{
    UINTN count = 0;
    for (unsigned start = 0, end; start < PAGES && !firmware.extra_only; start = end) {
        for (end = start; end < PAGES && firmware.owner[end] == firmware.owner[start];)
            end++;
        const EFI_MEMORY_DESCRIPTOR run = {.Type = firmware.owner[start],
                                           .PhysicalStart = MEMORY + (UINT64)start * EFI_PAGE_SIZE,
                                           .NumberOfPages = end - start,
                                           .Attribute = 0xf};
        put_descriptor(buffer, &count, &run);
    }
    for (unsigned i = 0; i < firmware.extra_count; i++)
        put_descriptor(buffer, &count, &firmware.extra[i]);
    return count;
}

static EFI_STATUS EFIAPI map_of_memory(UINTN *bytes, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *stride,
                                       UINT32 *version)
{
    UINTN needed = write_map(NULL) * firmware.stride;
    EFI_STATUS status = *bytes < needed ? EFI_BUFFER_TOO_SMALL : EFI_SUCCESS;
    if (!EFI_ERROR(status))
        (void)write_map((UINT8 *)map);
    *bytes = needed;
    *stride = firmware.stride;
    *key = ++firmware.key;
    *version = 1;
    firmware.map_calls++;
    if (firmware.lie)
        firmware.lie(firmware.map_calls, bytes, stride, (UINT8 *)map, &status);
    return status;
}

/* ---- the end, the console, and the tables ---- */

static EFI_STATUS EFIAPI exit_services(EFI_HANDLE image, UINTN key)
{
    assert_ptr_equal(image, &loaded);
    firmware.exit_calls++;
    bool fails = firmware.exit_calls <= firmware.failing_exits || key != firmware.key;
    if (!fails || firmware.exits_though_failing)
        firmware.table.BootServices = NULL;
    return fails ? EFI_INVALID_PARAMETER : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    firmware.stalled += microseconds;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI output_string(struct _SIMPLE_TEXT_OUTPUT_INTERFACE *to, CHAR16 *text)
{
    assert_ptr_equal(to, &console);
    for (; *text; text++)
        if (firmware.printed < sizeof firmware.console - 1 && *text != '\r')
            firmware.console[firmware.printed++] = (char)*text;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *protocol, VOID **interface)
{
    static EFI_GRAPHICS_OUTPUT_PROTOCOL graphics;
    EFI_GUID graphics_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    if (handle != &firmware.screen || memcmp(protocol, &graphics_guid, sizeof graphics_guid) != 0)
        return EFI_UNSUPPORTED;
    firmware.screen.Info = &firmware.screen_info;
    graphics.Mode = &firmware.screen;
    *interface = &graphics;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI locate_handles(EFI_LOCATE_SEARCH_TYPE how, EFI_GUID *protocol, VOID *key,
                                        UINTN *count, EFI_HANDLE **handles)
{
    (void)how, (void)protocol, (void)key;
    if (firmware.screen.FrameBufferSize == 0)
        return EFI_NOT_FOUND;
    *handles = test_malloc(sizeof **handles);
    **handles = &firmware.screen;
    *count = 1;
    return EFI_SUCCESS;
}

/* What a test does not use must only be there. */
static EFI_STATUS EFIAPI unused(void)
{
    return EFI_UNSUPPORTED;
}

bool console_shows(const char *text)
{
    return strstr(firmware.console, text) != NULL;
}

void expect_console(const char *text)
{
    if (!console_shows(text))
        fail_msg("the console does not show \"%s\", but:\n%s", text, firmware.console);
}

static void make_tables(void)
{
    firmware.boot = (EFI_BOOT_SERVICES){
        .AllocatePages = allocate_pages,
        .FreePages = free_pages,
        .GetMemoryMap = map_of_memory,
        .AllocatePool = allocate_pool,
        .FreePool = free_pool,
        .CreateEvent = (void *)unused,
        .SetTimer = (void *)unused,
        .WaitForEvent = (void *)unused,
        .CloseEvent = (void *)unused,
        .HandleProtocol = handle_protocol,
        .LocateHandleBuffer = locate_handles,
        .ExitBootServices = exit_services,
        .Stall = stall,
        .SetWatchdogTimer = (void *)unused,
    };
    firmware.runtime = (EFI_RUNTIME_SERVICES){
        .GetVariable = (void *)unused, .SetVariable = (void *)unused, .ResetSystem = (void *)unused};
    console = (SIMPLE_TEXT_OUTPUT_INTERFACE){.OutputString = output_string};
    firmware.table = (EFI_SYSTEM_TABLE){.ConOut = &console,
                                        .BootServices = &firmware.boot,
                                        .RuntimeServices = &firmware.runtime,
                                        .ConfigurationTable = firmware.configuration};
    system_table = &firmware.table;
}

/* ---- the image ---- */

static void put32(UINT64 address, UINT32 value)
{
    memcpy((void *)(UINTN)address, &value, sizeof value);
}

/* Writes the PE headers of an image with read-only data, code, data, and a .bss with the hand-over. */
static void make_image(void)
{
    static const UINT32 sections[][3] = {{0x1000, 0x2000, 0x40000000},
                                         {0x3000, 0x4321, 0x60000000},
                                         {0x8000, 0x1000, 0xc0000000},
                                         {0x9000, IMAGE_END - BSS_START, 0xc0000080}};
    memset((void *)IMAGE, 0, 0x1000);
    memcpy((void *)IMAGE, "MZ", 2);
    put32(IMAGE + 0x3c, 0x80);
    put32(IMAGE + 0x80, 0x00004550);
    put32(IMAGE + 0x80 + 6, 4);
    put32(IMAGE + 0x80 + 20, 0xf0);
    for (unsigned i = 0; i < 4; i++) {
        UINT64 section = IMAGE + 0x80 + 24 + 0xf0 + 40 * i;
        put32(section + 12, sections[i][0]);
        put32(section + 8, sections[i][1]);
        put32(section + 36, sections[i][2]);
    }
}

int begin(void **state)
{
    (void)state;
    static void *memory;
    if (!memory)
        memory = mmap((void *)MEMORY, (size_t)PAGES * EFI_PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(memory, (void *)MEMORY);
    memset(&firmware, 0, sizeof firmware);
    memset(&loaded, 0, sizeof loaded);
    firmware.stride = 48;
    own(0, PAGES, FREE);
    own(page_number(IMAGE), (IMAGE_END - IMAGE) / EFI_PAGE_SIZE, EfiLoaderCode);
    own(TABLES_PAGE, 400, EfiBootServicesData);
    make_tables();
    make_image();
    loaded.ImageBase = (void *)IMAGE;
    loaded.ImageSize = BSS_START - IMAGE; /* firmware may not count .bss */
    loader = (struct loader){.image = &loaded, .loaded = &loaded, .handoff = (void *)BSS_START};
    memset(loader.handoff, 0, sizeof *loader.handoff);
    assert_true(BSS_START + sizeof *loader.handoff <= IMAGE_END);
    loader.handoff->space.cpu = paging_cpu_read();
    log_start(early_log, sizeof early_log);
    return 0;
}

EFI_STATUS run_up_to(EFI_STATUS (*last)(struct loader *loader))
{
    static EFI_STATUS (*const steps[])(struct loader *) = {find_image_sections,  take_memory,
                                                           find_runtime_regions, build_fresh_tables,
                                                           check_fresh_tables,   exit_boot_services};
    struct kept_block blocks[KEPT_BLOCK_LIMIT];
    unsigned count;
    EFI_STATUS status = take_kept_blocks(&loader, blocks, &count);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0] && !EFI_ERROR(status); i++) {
        if (steps[i] == build_fresh_tables) /* kernel_enter is not in the image here */
            status = add_region(&loader, "the code that switches", (UINTN)kernel_enter,
                                (UINTN)kernel_enter + 1, 0, false);
        if (!EFI_ERROR(status))
            status = steps[i](&loader);
        if (steps[i] == last)
            break;
    }
    return status;
}

bool exit_stops_processor(EFI_STATUS *status)
{
    if (setjmp(stopped) != 0)
        return true;
    *status = run_up_to(exit_boot_services);
    return false;
}

const struct memory_region *region_at(UINT64 address)
{
    for (size_t i = 0; i < loader.memory_count; i++) {
        const struct memory_region *region = &loader.handoff->memory[i];
        if (address / EFI_PAGE_SIZE >= region->start.number && address / EFI_PAGE_SIZE < region->end.number)
            return region;
    }
    return NULL;
}
