/* SPDX-License-Identifier: MIT */
/* volume: files and folders that are read, made, and lost; names of reports. */
#include "efi/disk.h"
#include "efi/volume.h"

EFI_SYSTEM_TABLE *system_table;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_LOADED_IMAGE loaded;
static struct loader loader;

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

static int open_disk(void **state)
{
    (void)state;
    disk_begin();
    services = (EFI_BOOT_SERVICES){.HandleProtocol = disk_handle_protocol};
    table.BootServices = &services;
    system_table = &table;
    loaded = (EFI_LOADED_IMAGE){.DeviceHandle = DISK_DEVICE};
    loader = (struct loader){.loaded = &loaded};
    return 0;
}

/* Whatever happened, each handle was closed once. */
static int close_disk(void **state)
{
    (void)state;
    return disk.handles == 0 ? 0 : -1;
}

/* ---- reading ---- */

static void expect_read(const char *path, UINTN room, EFI_STATUS status, UINTN size, const char *content)
{
    char text[32];
    UINTN bytes = room;
    memset(text, '#', sizeof text);
    assert_int_equal(read_file(&loader, path, text, &bytes), status);
    assert_int_equal(bytes, size);
    assert_memory_equal(text, content, strlen(content));
    assert_int_equal(text[strlen(content)], '#');
    assert_int_equal(disk.handles, 0);
}

static void reads_what_there_is_room_for(void **state)
{
    (void)state;
    disk_put("\\a.txt", "abcdef");
    expect_read("\\a.txt", 6, EFI_SUCCESS, 6, "abcdef");
    expect_read("\\a.txt", 30, EFI_SUCCESS, 6, "abcdef");
    expect_read("\\a.txt", 5, EFI_SUCCESS, 6, "abcde");
    disk_put("\\empty", "");
    expect_read("\\empty", 30, EFI_SUCCESS, 0, "");
}

static void what_cannot_be_read(void **state)
{
    (void)state;
    expect_read("\\a.txt", 6, EFI_NOT_FOUND, 0, "");
    disk_put("\\folder", NULL);
    expect_read("\\folder", 6, STATUS_IS_FOLDER, 0, "");
    disk_put("\\a.txt", "abcdef");
    static const enum disk_call calls[] = {CALL_OPEN_VOLUME, CALL_OPEN, CALL_INFO, CALL_READ};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        disk_fail(calls[i], "", EFI_VOLUME_CORRUPTED);
        expect_read("\\a.txt", 6, EFI_VOLUME_CORRUPTED, 0, "");
    }
}

/* Nobody may take for the file what was in the buffer before. */
static void a_file_that_was_read_in_part_has_no_bytes(void **state)
{
    (void)state;
    disk_put("\\a.txt", "abcdef");
    disk.reads_less = true;
    expect_read("\\a.txt", 6, EFI_DEVICE_ERROR, 0, "abcde");
    expect_read("\\a.txt", 5, EFI_DEVICE_ERROR, 0, "abcd");
}

/* A path of the longest name that fits arrives whole; nothing is written behind the room for a longer one. */
static void paths_of_any_length(void **state)
{
    (void)state;
    char path[64] = "\\";
    for (unsigned length = 1; length < 60; length++) {
        char cut[40] = {0};
        memcpy(cut, path, length < 39 ? length : 39);
        open_disk(NULL);
        disk_put(cut, "x");
        expect_read(path, 6, EFI_SUCCESS, 1, "x");
        path[length] = (char)('a' + length % 26);
    }
}

static void without_a_volume(void **state)
{
    (void)state;
    const struct file_part parts[2] = {{"a", 1}, {"b", 1}};
    unsigned number = 7;
    for (unsigned kind = 0; kind < 3; kind++) {
        open_disk(NULL);
        disk_put("\\a", "abc");
        disk.has_volume = kind != 0;
        disk.volume_is_null = kind == 1;
        loaded.DeviceHandle = kind == 2 ? NULL : DISK_DEVICE;
        expect_read("\\a", 6, EFI_NO_MAPPING, 0, "");
        assert_int_equal(write_file(&loader, "\\SELFMAP\\a", parts), EFI_NO_MAPPING);
        assert_int_equal(find_newest_report(&loader, &number), EFI_NO_MAPPING);
        assert_int_equal(number, 0);
    }
}

/* ---- writing ---- */

static EFI_STATUS write_two(const char *first, const char *second)
{
    const struct file_part parts[2] = {{first, strlen(first)}, {second, strlen(second)}};
    EFI_STATUS status = write_file(&loader, "\\SELFMAP\\A.TXT", parts);
    assert_int_equal(disk.handles, 0);
    return status;
}

static void expect_file(const char *content)
{
    const struct disk_file *file = disk_find("\\SELFMAP\\A.TXT");
    assert_non_null(file);
    assert_int_equal(file->bytes, strlen(content));
    assert_memory_equal(file->content, content, file->bytes);
}

static void makes_folder_and_file(void **state)
{
    (void)state;
    assert_int_equal(write_two("one ", "two"), EFI_SUCCESS);
    expect_file("one two");
    assert_true(disk_find("\\SELFMAP")->is_folder);
    assert_int_equal(disk.made, 3);
    assert_int_equal(disk.deleted, 1); /* the one that tries whether there is room */
    assert_int_equal(disk_count(), 2);
    assert_int_equal(write_two("ONE", ""), EFI_SUCCESS); /* the rest of what it held stays */
    expect_file("ONE two");
    assert_int_equal(write_two("", "x"), EFI_SUCCESS);
    expect_file("xNE two");
    assert_int_equal(disk.made, 3);
}

/* EDK II's driver leaves a broken folder behind on a full volume: none is made there. */
static void full_before_the_folder(void **state)
{
    (void)state;
    for (unsigned less = 0; less < 2; less++) {
        open_disk(NULL);
        disk.room = 0;
        disk.writes_less = less;
        assert_int_equal(write_two("one", "two"), EFI_VOLUME_FULL);
        assert_int_equal(disk_count(), 0);
        assert_int_equal(disk.made, 1);
    }
    disk.writes_less = false;
    disk.room = 1; /* for the trial, and not for the file: the folder stays */
    assert_int_equal(write_two("one", "two"), EFI_VOLUME_FULL);
    assert_int_equal(disk_count(), 1);
    assert_non_null(disk_find("\\SELFMAP"));
}

/* What could not be written as a whole is not left behind: half a report would be taken for one. */
static void half_a_file_is_deleted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6 * 2; i++) {
        open_disk(NULL);
        disk_put("\\SELFMAP", NULL);
        disk.room = i / 2;
        disk.writes_less = i % 2;
        assert_int_equal(write_two("one", "two"), EFI_VOLUME_FULL);
        assert_null(disk_find("\\SELFMAP\\A.TXT"));
    }
    disk.room = 6;
    assert_int_equal(write_two("one", "two"), EFI_SUCCESS);
    static const enum disk_call calls[] = {CALL_WRITE, CALL_FLUSH};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        disk_fail(calls[i], "\\SELFMAP\\A.TXT", EFI_DEVICE_ERROR);
        assert_int_equal(write_two("one", "two"), EFI_DEVICE_ERROR);
        assert_null(disk_find("\\SELFMAP\\A.TXT"));
    }
}

/* A second part that could be written does not make up for a first one that could not. */
static void a_first_part_that_fails(void **state)
{
    (void)state;
    disk_put("\\SELFMAP", NULL);
    disk_fail(CALL_WRITE, "\\SELFMAP\\A.TXT", EFI_DEVICE_ERROR);
    disk.fails_once = true;
    assert_int_equal(write_two("one", "two"), EFI_DEVICE_ERROR);
    assert_null(disk_find("\\SELFMAP\\A.TXT"));
}

static void no_failure_is_lost(void **state)
{
    (void)state;
    static const struct {
        enum disk_call call;
        const char *path;
    } failures[] = {{CALL_OPEN, "\\SELFMAP"},         {CALL_OPEN, "\\SELFMAP.TMP"},
                    {CALL_WRITE, "\\SELFMAP.TMP"},    {CALL_OPEN, "\\SELFMAP\\A.TXT"},
                    {CALL_WRITE, "\\SELFMAP\\A.TXT"}, {CALL_FLUSH, "\\SELFMAP\\A.TXT"},
                    {CALL_CLOSE, "\\SELFMAP\\A.TXT"}, {CALL_OPEN_VOLUME, ""}};
    for (unsigned i = 0; i < sizeof failures / sizeof *failures; i++) {
        open_disk(NULL);
        disk_fail(failures[i].call, failures[i].path, EFI_WRITE_PROTECTED);
        assert_int_equal(write_two("one", "two"), EFI_WRITE_PROTECTED);
        assert_null(disk_find("\\SELFMAP.TMP"));
    }
}

/* U-Boot says so of a disk that is write protected, iPXE of what it has loaded. */
static void file_to_be_made_is_not_found(void **state)
{
    (void)state;
    disk.makes_nothing = true;
    assert_int_equal(write_two("one", "two"), STATUS_NOT_MADE);
    disk.is_from_network = true;
    assert_int_equal(write_two("one", "two"), EFI_NO_MAPPING);
    disk_put("\\SELFMAP", NULL);
    assert_int_equal(write_two("one", "two"), EFI_NOT_FOUND);
}

static void reasons(void **state)
{
    (void)state;
    assert_string_equal(why_not_written(EFI_NO_MAPPING), "not started from a volume");
    assert_string_equal(why_not_written(EFI_VOLUME_FULL), "the volume is full");
    assert_string_equal(why_not_written(EFI_WRITE_PROTECTED), "the volume is write protected");
    assert_string_equal(why_not_written(STATUS_NOT_MADE),
                        "no file can be made on the volume, as if it was write protected");
    assert_string_equal(why_not_written(STATUS_NO_NUMBERS),
                        "REPORT-99.TXT has the last number, delete the reports");
    assert_string_equal(why_not_written(EFI_DEVICE_ERROR), "device error");
    assert_string_equal(why_not_written(STATUS_IS_FOLDER), "another error");
}

/* Bit 63 says that it is an error, bit 62 that it is not UEFI's (UEFI 2.10, appendix D). */
static void statuses_are_our_own(void **state)
{
    (void)state;
    const EFI_STATUS own[] = {STATUS_IS_FOLDER, STATUS_NO_NUMBERS, STATUS_NOT_MADE};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(own[i] >> 62, 3);
        assert_true(EFI_ERROR(own[i]));
        assert_true(own[i] != own[(i + 1) % 3]);
    }
}

/* ---- reports ---- */

static unsigned newest(void)
{
    unsigned number = 1000;
    assert_int_equal(find_newest_report(&loader, &number), EFI_SUCCESS);
    assert_int_equal(disk.handles, 0);
    return number;
}

static void names_of_reports(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned number;
    } names[] = {
        {"REPORT-1.TXT", 1},          {"report-9.txt", 9},   {"Report-10.tXt", 10}, {"REPORT-99.TXT", 99},
        {"REPORT-100.TXT", 0},        {"REPORT-999.TXT", 0}, {"REPORT-0.TXT", 0},   {"REPORT-07.TXT", 0},
        {"REPORT-.TXT", 0},           {"REPORT-1.TX", 0},    {"REPORT-1.TXT~", 0},  {"REPORT-1", 0},
        {"REPORT-1 TXT", 0},          {"XREPORT-1.TXT", 0},  {"REPORT1.TXT", 0},    {"REPORT-1A.TXT", 0},
        {"REPORT-1:.TXT", 0},         {"REPORT-/.TXT", 0},   {"LASTRUN.TXT", 0},    {"R", 0},
        {"REPORT-4294967297.TXT", 0}, {"REPORT-90.TXT", 90},
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[DISK_PATH_BYTES] = "\\SELFMAP\\";
        open_disk(NULL);
        disk_put("\\SELFMAP", NULL);
        disk_put(strcat(path, names[i].name), "");
        assert_int_equal(newest(), names[i].number);
    }
}

static void the_highest_number_counts(void **state)
{
    (void)state;
    assert_int_equal(newest(), 0); /* without a folder */
    disk_put("\\SELFMAP", NULL);
    assert_int_equal(newest(), 0);
    disk_put("\\SELFMAP\\REPORT-3.TXT", "");
    disk_put("\\SELFMAP\\REPORT-12.TXT", "");
    disk_put("\\SELFMAP\\LASTRUN.TXT", "");
    disk_put("\\SELFMAP\\REPORT-5.TXT", "");
    disk_put("\\REPORT-77.TXT", "");
    assert_int_equal(newest(), 12);
    static const enum disk_call calls[] = {CALL_OPEN_VOLUME, CALL_OPEN, CALL_READ};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        unsigned number;
        disk_fail(calls[i], "", EFI_DEVICE_ERROR);
        assert_int_equal(find_newest_report(&loader, &number), EFI_DEVICE_ERROR);
    }
}

static void path_of_a_report(void **state)
{
    (void)state;
    char path[REPORT_PATH_BYTES];
    report_path(1, path);
    assert_string_equal(path, "\\SELFMAP\\REPORT-1.TXT");
    report_path(REPORT_NUMBER_LIMIT, path);
    assert_string_equal(path, "\\SELFMAP\\REPORT-99.TXT");
}

#define TEST(name, function)                        \
    {                                               \
        name, function, open_disk, close_disk, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("volume: a file is read as far as there is room, and its size is told",
             reads_what_there_is_room_for),
        TEST("volume: a file that was read in part has no bytes", a_file_that_was_read_in_part_has_no_bytes),
        TEST("volume: what cannot be read has no bytes, and each failure is told", what_cannot_be_read),
        TEST("volume: a path that is too long is cut off", paths_of_any_length),
        TEST("volume: without a volume nothing is read or written", without_a_volume),
        TEST("volume: folder and file are made, and a file that is there is written over",
             makes_folder_and_file),
        TEST("volume: on a full volume no folder is made", full_before_the_folder),
        TEST("volume: a file that could not be written whole is deleted", half_a_file_is_deleted),
        TEST("volume: a part that fails ends the writing", a_first_part_that_fails),
        TEST("volume: no failure is lost while a file is written", no_failure_is_lost),
        TEST("volume: a file that is made and not found means write protection, or a network",
             file_to_be_made_is_not_found),
        TEST("volume: each reason is told in words", reasons),
        TEST("volume: statuses of our own are errors that are not the firmware's", statuses_are_our_own),
        TEST("volume: names of reports, and names that only look so", names_of_reports),
        TEST("volume: of several reports the highest number counts", the_highest_number_counts),
        TEST("volume: the path of a report", path_of_a_report),
    };
    return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
