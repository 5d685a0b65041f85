/* SPDX-License-Identifier: MIT */
/* test_option_sources.c - options out of a made-up file, LoadOptions, and a made-up fw_cfg device. */
#include "devices/console/ports.h"
#include "efi/config_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct config_file file;
static const char *file_text;
static struct handoff handoff;
static EFI_LOADED_IMAGE loaded;
static struct loader loader;
static char said[4096];

void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    size_t length = strlen(said);
    vsnprintf(said + length, sizeof said - length, format, list);
    va_end(list);
}

const char *status_name(EFI_STATUS status)
{
    return "a status";
}

struct config_file read_config_file(const struct loader *known, char *buffer, UINTN capacity)
{
    assert_int_equal(capacity, OPTION_TEXT_LIMIT);
    memcpy(buffer, file_text, file.bytes);
    return file;
}

/* ---- fw_cfg: a directory of items, and one item at a time, byte by byte ---- */

struct item {
    const char *name;
    const UINT8 *data;
    UINT32 bytes;
};
static const struct item *items;
static unsigned item_count, count_told; /* 0: that is what the directory says */
static bool is_qemu, is_there;
static UINT8 selected[1 << 16];
static size_t selected_bytes, next_byte;

bool machine_is_qemu(const char *rsdp_oem)
{
    assert_ptr_equal(rsdp_oem, handoff.rsdp_oem);
    return is_qemu;
}

static void append(const void *data, size_t bytes)
{
    memcpy(selected + selected_bytes, data, bytes);
    selected_bytes += bytes;
}

static void append_number(UINT32 value, unsigned bytes)
{
    while (bytes-- > 0)
        append((UINT8[]){(UINT8)(value >> (8 * bytes))}, 1);
}

void port_write16(uint16_t port, uint16_t value)
{
    assert_true(is_qemu); /* else nobody knows what is at these ports */
    assert_int_equal(port, 0x510);
    selected_bytes = next_byte = 0;
    if (value == 0)
        append(is_there ? "QEMU" : "\xff\xff\xff\xff", 4);
    if (value == 0x19) {
        append_number(count_told ? count_told : item_count, 4);
        for (unsigned i = 0; i < item_count; i++) {
            char name[56];
            memset(name, 'z', sizeof name); /* behind its zero a name may hold anything */
            strcpy(name, items[i].name);
            append_number(items[i].bytes, 4);
            append_number(0x20 + i, 2);
            append_number(0xaaaa, 2);
            append(name, sizeof name);
        }
    }
    if (value >= 0x20 && value < 0x20 + item_count)
        append(items[value - 0x20].data, items[value - 0x20].bytes);
}

void port_write8(uint16_t port, uint8_t value)
{
    fail();
}

uint8_t port_read8(uint16_t port)
{
    assert_int_equal(port, 0x511);
    return next_byte < selected_bytes ? selected[next_byte++] : 0;
}

/* ---- the firmware's side ---- */

/* Offers an ASCII text as LoadOptions, in UCS-2 with a zero behind it. */
static void pass(const char *text)
{
    static UINT16 ucs2[OPTION_TEXT_LIMIT + 16];
    UINT32 length = (UINT32)strlen(text);
    for (UINT32 i = 0; i <= length; i++)
        ucs2[i] = (UINT8)text[i];
    loaded.LoadOptions = ucs2;
    loaded.LoadOptionsSize = 2 * (length + 1);
}

static UINT8 path[512];
static size_t path_bytes;

/* Appends a node of a device path: its text in UCS-2, with a zero if it fits. */
static void add_node(UINT8 type, UINT8 subtype, const char *text, size_t characters)
{
    UINT8 *node = path + path_bytes;
    size_t bytes = 4 + 2 * characters;
    memcpy(node, (UINT8[]){type, subtype, (UINT8)bytes, (UINT8)(bytes >> 8)}, 4);
    for (size_t i = 0; i < characters; i++) {
        node[4 + 2 * i] = (UINT8)text[i];
        node[5 + 2 * i] = 0;
    }
    path_bytes += bytes;
    memcpy(path + path_bytes, (UINT8[]){0x7f, 0xff, 4, 0}, 4);
    loaded.FilePath = (EFI_DEVICE_PATH *)path;
}

static int nothing_offered(void **state)
{
    memset(&handoff, 0, sizeof handoff);
    memset(&loaded, 0, sizeof loaded);
    memset(path, 0, sizeof path);
    path_bytes = 0;
    loader = (struct loader){.handoff = &handoff, .loaded = &loaded};
    file = (struct config_file){.where = "none: no such file"};
    file_text = "";
    is_qemu = is_there = true;
    item_count = count_told = 0;
    said[0] = '\0';
    return 0;
}

static void read(void)
{
    memset(&handoff.options, 0, sizeof handoff.options);
    said[0] = '\0';
    assert_true(read_options(&loader) == EFI_SUCCESS);
}

static void give_file(const char *text)
{
    file_text = text;
    file = (struct config_file){.bytes = strlen(text), .where = "volume"};
}

static const struct item ours_last[] = {
    {"etc/e820", (const UINT8 *)"tests=wrong", 11},
    {"opt/selfmaps", (const UINT8 *)"tests=wrong", 11},
    {"opt/selfma", (const UINT8 *)"tests=wrong", 11},
    {"opt/selfmap", (const UINT8 *)"tests=fw", 8},
};

static void give_fw_cfg(void)
{
    items = ours_last;
    item_count = sizeof ours_last / sizeof *ours_last;
}

/* ---- tests ---- */

static void a_file_is_used(void **state)
{
    give_file("tests=file levels=5");
    read();
    assert_string_equal(handoff.options.tests, "file");
    assert_true(handoff.options.five_levels);
    assert_string_equal(handoff.config_file, "volume");
    assert_string_equal(handoff.load_options, "none");
    assert_false(loader.has_fw_cfg);
    assert_string_equal(said, "");
}

static void a_later_source_wins(void **state)
{
    give_file("tests=file wait=7");
    pass("tests=load wait=8");
    read();
    assert_string_equal(handoff.options.tests, "load");
    assert_int_equal(handoff.options.wait_seconds, 8);
    give_fw_cfg();
    read();
    assert_string_equal(handoff.options.tests, "fw");
    assert_int_equal(handoff.options.wait_seconds, 8);
    assert_true(loader.has_fw_cfg);
}

static void a_file_that_cannot_be_used_is_told(void **state)
{
    file = (struct config_file){.where = "not used", .why = "is a folder, not a file"};
    read();
    assert_int_equal(handoff.options.error_count, 1);
    assert_string_equal(handoff.options.errors[0], "selfmap.cfg is a folder, not a file");
    assert_string_equal(said, "  selfmap.cfg is a folder, not a file\n");
    file = (struct config_file){.where = "none", .status = EFI_TIMEOUT};
    read();
    assert_int_equal(handoff.options.error_count, 0);
    assert_string_equal(said, "  selfmap.cfg: the firmware says: a status\n");
}

static void errors_are_told_once_each(void **state)
{
    give_file("colour=red");
    pass("tests=x levels=9");
    read();
    assert_int_equal(handoff.options.error_count, 2);
    const char *first = strstr(said, "'colour=red'");
    assert_non_null(first);
    assert_null(strstr(first + 1, "'colour=red'"));
    assert_non_null(strstr(first, "LoadOptions line 1, column 9: 'levels=9'"));
}

/* There is room for eight sentences; the count goes on. */
static void many_errors_are_counted(void **state)
{
    give_file("a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10");
    read();
    assert_int_equal(handoff.options.error_count, 10);
    unsigned lines = 0;
    for (const char *c = said; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, OPTION_ERROR_LIMIT);
    assert_non_null(strstr(said, "'h=8'"));
}

static void a_file_of_one_character_is_read(void **state)
{
    give_file("x");
    read();
    assert_int_equal(handoff.options.error_count, 1);
}

static void a_file_that_is_no_text_is_refused(void **state)
{
    give_file("tests=file");
    file_text = "tests\0file";
    read();
    assert_string_equal(handoff.options.errors[0],
                        "selfmap.cfg is not text: it has zero bytes (save it as plain text or UTF-8)");
    assert_string_equal(handoff.options.tests, "");
}

static void load_options_of_others_are_left_alone(void **state)
{
    pass("console=ttyS0,115200 root=/dev/sda1");
    loaded.LoadOptionsSize = 0;
    read();
    assert_string_equal(handoff.load_options, "none");
    pass("rootdev=/dev/sda1 quiet");
    read();
    assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
    assert_string_equal(said, "  LoadOptions are not used: no key in them is one of ours\n");
    assert_int_equal(handoff.options.error_count, 0);
    loaded.LoadOptions = (UINT8[]){0x01, 0x02, 0x80, 0xff};
    loaded.LoadOptionsSize = 4;
    read();
    assert_string_equal(handoff.load_options, "not used: they are not text");
    assert_string_equal(said, "  LoadOptions are not used: they are not text\n");
    loaded.LoadOptions = NULL;
    read();
    assert_string_equal(handoff.load_options, "none");
    pass("  \t ");
    read();
    assert_string_equal(handoff.load_options, "none");
}

/* Longer ones are cut where the buffer ends, and nothing is written behind it. */
static void load_options_fill_the_buffer_at_most(void **state)
{
    static char text[OPTION_TEXT_LIMIT + 8];
    memset(text, ' ', sizeof text - 1);
    memcpy(text, "tests=load", 10);
    memcpy(text + OPTION_TEXT_LIMIT - 7, "wait=12 wait", 12);
    pass(text);
    read();
    assert_string_equal(handoff.load_options, "used");
    assert_string_equal(handoff.options.tests, "load");
    assert_int_equal(handoff.options.wait_seconds, 12);
    assert_int_equal(handoff.options.error_count, 0);
}

/* Whoever types the program's name means what stands behind it, even if no key of ours does. */
static void the_programs_own_name_is_no_option(void **state)
{
    add_node(1, 1, "xx", 2); /* hardware: not a name */
    add_node(4, 4, "\\EFI\\BOOT", 10);
    add_node(4, 4, "My.Own.efi", 11);
    pass("My.Own colour=red");
    read();
    assert_string_equal(handoff.load_options, "used");
    assert_int_equal(handoff.options.error_count, 1);
    pass("Other colour=red");
    read();
    assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
    pass("My.Own");
    read();
    assert_string_equal(handoff.load_options, "none");
}

static void a_name_is_what_stands_behind_the_last_folder(void **state)
{
    static const char *const names[] = {"\\a\\tool.efi", "/a/tool.efi", "tool.efi", "tool", "tool.x.efi"};
    static const char *const typed[] = {"tool", "tool", "tool", "tool", "tool.x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];
        path_bytes = 0;
        add_node(4, 4, names[i], strlen(names[i]) + 1);
        snprintf(text, sizeof text, "%s colour=red", typed[i]);
        pass(text);
        read();
        assert_string_equal(handoff.load_options, "used");
    }
    static const UINT8 others[][2] = {{4, 3}, {1, 4}}; /* kinds of nodes that are not paths */
    for (size_t i = 0; i < 2; i++) {
        path_bytes = 0;
        add_node(others[i][0], others[i][1], "tool.efi", 9);
        pass("tool colour=red");
        read();
        assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
    }
    char longest[140]; /* its node has more than 255 bytes, and so both bytes of its length count */
    memset(longest, 'f', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    path_bytes = 0;
    add_node(4, 4, longest, sizeof longest);
    add_node(4, 4, "tool", 5);
    pass("tool colour=red");
    read();
    assert_string_equal(handoff.load_options, "used");
}

/* A name longer than the room for it, and a node that says to be shorter than its own header. */
static void a_broken_device_path_ends_there(void **state)
{
    char name[100];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    add_node(4, 4, name, sizeof name);
    pass("tests=load");
    read();
    assert_string_equal(handoff.options.tests, "load");
    path_bytes = 0;
    add_node(4, 4, "a", 2);
    add_node(4, 4, "tool", 5);
    path[8 + 2] = 3;
    path[8 + 3] = 0;
    pass("tool colour=red");
    read();
    assert_string_equal(handoff.load_options, "not used: no key in them is one of ours");
}

static void only_the_item_of_that_very_name_is_read(void **state)
{
    give_fw_cfg();
    read();
    assert_string_equal(handoff.options.tests, "fw");
    assert_true(loader.has_fw_cfg);
    item_count--;
    loader.has_fw_cfg = false;
    read();
    assert_string_equal(handoff.options.tests, "");
    assert_false(loader.has_fw_cfg);
}

/* A directory of more than 65535 items is none: nobody reads for minutes what a broken device says. */
static void a_directory_has_a_limit(void **state)
{
    give_fw_cfg();
    count_told = 0xffff;
    read();
    assert_string_equal(handoff.options.tests, "fw");
    count_told = 0x10000;
    read();
    assert_string_equal(handoff.options.tests, "");
    count_told = UINT32_MAX;
    read();
    assert_string_equal(handoff.options.tests, "");
}

static void without_the_device_nothing_is_read(void **state)
{
    give_fw_cfg();
    is_there = false;
    read();
    assert_string_equal(handoff.options.tests, "");
    is_qemu = false; /* then no port may be touched */
    read();
    assert_string_equal(handoff.options.tests, "");
    assert_false(loader.has_fw_cfg);
}

static void an_item_fills_the_buffer_at_most(void **state)
{
    static UINT8 data[OPTION_TEXT_LIMIT + 1];
    static struct item item = {"opt/selfmap", data, OPTION_TEXT_LIMIT};
    memset(data, ' ', sizeof data);
    memcpy(data, "tests=fw", 8);
    memcpy(data + OPTION_TEXT_LIMIT - 7, "wait=12", 7);
    items = &item;
    item_count = 1;
    item.bytes = OPTION_TEXT_LIMIT;
    read();
    assert_string_equal(handoff.options.tests, "fw");
    assert_int_equal(handoff.options.wait_seconds, 12);
    item.bytes++;
    read();
    assert_string_equal(handoff.options.tests, "");
    assert_string_equal(handoff.options.errors[0], "fw_cfg " OPTION_TEXT_TOO_LARGE);
    assert_true(loader.has_fw_cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_is_used, nothing_offered),
        cmocka_unit_test_setup(a_later_source_wins, nothing_offered),
        cmocka_unit_test_setup(a_file_that_cannot_be_used_is_told, nothing_offered),
        cmocka_unit_test_setup(errors_are_told_once_each, nothing_offered),
        cmocka_unit_test_setup(many_errors_are_counted, nothing_offered),
        cmocka_unit_test_setup(a_file_of_one_character_is_read, nothing_offered),
        cmocka_unit_test_setup(a_file_that_is_no_text_is_refused, nothing_offered),
        cmocka_unit_test_setup(load_options_of_others_are_left_alone, nothing_offered),
        cmocka_unit_test_setup(load_options_fill_the_buffer_at_most, nothing_offered),
        cmocka_unit_test_setup(the_programs_own_name_is_no_option, nothing_offered),
        cmocka_unit_test_setup(a_name_is_what_stands_behind_the_last_folder, nothing_offered),
        cmocka_unit_test_setup(a_broken_device_path_ends_there, nothing_offered),
        cmocka_unit_test_setup(only_the_item_of_that_very_name_is_read, nothing_offered),
        cmocka_unit_test_setup(a_directory_has_a_limit, nothing_offered),
        cmocka_unit_test_setup(without_the_device_nothing_is_read, nothing_offered),
        cmocka_unit_test_setup(an_item_fills_the_buffer_at_most, nothing_offered),
    };
    return cmocka_run_group_tests_name("option_sources", tests, NULL, NULL);
}
