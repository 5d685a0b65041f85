/* SPDX-License-Identifier: MIT */
/* show report: which report is shown, page by page, and what is said instead of one. */
#include "efi/disk.h"
#include "efi/menu.h"
#include "efi/menu_state.h"
#include "efi/volume.h"

EFI_SYSTEM_TABLE *system_table;

static EFI_SYSTEM_TABLE table;
static EFI_BOOT_SERVICES services;
static EFI_LOADED_IMAGE loaded;
static struct handoff handoff;
static struct loader loader;
static struct keys keys;

/* ---- the console, and who sits before it ---- */

static struct {
    char screen[40000]; /* since it was cleared last */
    unsigned clears;
    unsigned columns, rows;
    int pressed[16]; /* keys; 0: a second passes; -1: the keyboard breaks */
    unsigned given;  /* of them */
    unsigned pools;
    EFI_STATUS pool;
    UINTN pool_bytes;
    struct {
        char screen[1000];
    } seen[16]; /* when each key was pressed */
} console;

void say(const char *text, ...)
{
    size_t length = strlen(console.screen);
    struct text_sink sink = text_sink(console.screen + length, sizeof console.screen - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

const char *status_name(EFI_STATUS status)
{
    return status == EFI_DEVICE_ERROR ? "device error" : "another error";
}

void console_clear(void)
{
    console.screen[0] = '\0';
    console.clears++;
}

void console_size(unsigned *columns, unsigned *rows)
{
    *columns = console.columns;
    *rows = console.rows;
}

enum key_event wait_for_key(struct keys *with, int *key)
{
    assert_ptr_equal(with, &keys);
    assert_true(console.given < 16);
    int pressed = console.pressed[console.given];
    strncpy(console.seen[console.given++].screen, console.screen, sizeof console.seen[0].screen - 1);
    if (pressed > 0)
        *key = pressed;
    return pressed == 0 ? KEY_SECOND_PASSED : pressed < 0 ? KEYS_BROKEN : KEY_PRESSED;
}

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN bytes, VOID **pool)
{
    assert_int_equal(type, EfiLoaderData);
    if (EFI_ERROR(console.pool))
        return console.pool;
    console.pools++;
    console.pool_bytes = bytes;
    *pool = test_malloc(bytes);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pool(VOID *pool)
{
    test_free(pool);
    console.pools--;
    return EFI_SUCCESS;
}

static int begin(void **state)
{
    (void)state;
    disk_begin();
    memset(&console, 0, sizeof console);
    services = (EFI_BOOT_SERVICES){
        .HandleProtocol = disk_handle_protocol, .AllocatePool = allocate_pool, .FreePool = free_pool};
    table.BootServices = &services;
    system_table = &table;
    loaded = (EFI_LOADED_IMAGE){.DeviceHandle = DISK_DEVICE};
    loader = (struct loader){.loaded = &loaded, .handoff = &handoff};
    return 0;
}

static int end(void **state)
{
    (void)state;
    return disk.handles == 0 && console.pools == 0 ? 0 : -1;
}

/* Shows the report while these keys are pressed, of which all are needed. '.' is a second without a key. */
static void show(const char *pressed)
{
    for (unsigned i = 0; pressed[i]; i++)
        console.pressed[i] = pressed[i] == '.'   ? 0
                             : pressed[i] == '#' ? -1
                             : pressed[i] == '^' ? MENU_KEY_UP
                             : pressed[i] == '<' ? MENU_KEY_LEFT
                             : pressed[i] == 'v' ? MENU_KEY_DOWN
                             : pressed[i] == '!' ? MENU_KEY_ESCAPE
                                                 : pressed[i];
    show_last_report(&loader, &keys);
    assert_int_equal(console.given, strlen(pressed));
}

static void expect_seen(unsigned number, const char *screen)
{
    assert_string_equal(console.seen[number].screen, screen);
}

static const char one_page[] = "\\SELFMAP\\REPORT-2.TXT: 100%. Space, b: turn; q: back ";

static void put_reports(const char *newest)
{
    disk_put("\\SELFMAP", NULL);
    disk_put("\\SELFMAP\\REPORT-1.TXT", "the first");
    disk_put("\\SELFMAP\\REPORT-2.TXT", newest);
}

/* ---- the tests ---- */

static void the_newest_file(void **state)
{
    (void)state;
    char expected[200] = "one\ntwo\n\n";
    put_reports("one\ntwo\n");
    show("q");
    expect_seen(0, strcat(expected, one_page));
    assert_int_equal(console.clears, 1);
    assert_int_equal(console.pool_bytes, 512 * 1024);
}

/* A screen of 5 rows has room for 3 of the text, the line with the keys, and the cursor. */
static void turns_pages(void **state)
{
    (void)state;
    static const char at[][100] = {"1\n2\n3\n\n\\SELFMAP\\REPORT-2.TXT: 42%. Space, b: turn; q: back ",
                                   "4\n5\n6\n\n\\SELFMAP\\REPORT-2.TXT: 85%. Space, b: turn; q: back ",
                                   "7\n\n\\SELFMAP\\REPORT-2.TXT: 100%. Space, b: turn; q: back "};
    console.columns = 80;
    console.rows = 5;
    put_reports("1\n2\n3\n4\n5\n6\n7\n");
    show(" .b vx^ <q");
    static const unsigned shown[] = {0, 1, 1, 0, 1, 2, 2, 1, 2, 1};
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++)
        expect_seen(i, at[shown[i]]);
    assert_int_equal(console.clears, 8); /* neither for a second nor at the end of the text */
}

static void every_way_to_end_it(void **state)
{
    (void)state;
    static const char *const ends[] = {"q", "!", "#"};
    for (unsigned i = 0; i < 3; i++) {
        begin(NULL);
        put_reports("x");
        show(ends[i]);
    }
}

/* What is not known, or too small to turn pages on, counts as 80 columns and 24 rows. */
static void sizes_of_the_console(void **state)
{
    (void)state;
    static const struct {
        unsigned columns, rows, width, height;
    } sizes[] = {{0, 0, 79, 22},    {80, 25, 79, 23}, {1, 3, 79, 22}, {2, 4, 1, 2},
                 {100, 31, 99, 29}, {2, 3, 1, 22},    {79, 2, 78, 22}};
    char lines[40 * 2 + 1] = {0}, wide[141];
    for (unsigned i = 0; i < 40; i++)
        memcpy(lines + 2 * i, "x\n", 2);
    memset(wide, 'w', 140);
    wide[140] = '\0';
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin(NULL);
        put_reports(lines);
        console.columns = sizes[i].columns;
        console.rows = sizes[i].rows;
        show("q");
        assert_int_equal(strspn(console.seen[0].screen, "x\n") - 1, 2 * sizes[i].height);
        begin(NULL);
        put_reports(wide);
        console.columns = sizes[i].columns;
        console.rows = sizes[i].rows;
        show("q");
        assert_int_equal(strspn(console.seen[0].screen, "w"), sizes[i].width);
    }
}

static void a_report_without_text(void **state)
{
    (void)state;
    char expected[200] = "\n";
    put_reports("");
    show(" bq");
    expect_seen(0, strcat(expected, one_page));
    assert_int_equal(console.clears, 1);
}

/* A file that is larger than the buffer is shown as far as it was read. */
static void a_report_that_is_too_large(void **state)
{
    (void)state;
    put_reports("");
    static char text[DISK_FILE_BYTES];
    memset(text, 'y', sizeof text - 1);
    put_reports(text);
    show("q");
    assert_int_equal(strspn(console.seen[0].screen, "y"), 79);
}

/* What could not be written is newer than any file. */
static void one_that_is_only_in_memory(void **state)
{
    (void)state;
    put_reports("in a file\n");
    loader.last_run =
        (struct last_run){.found_report = true, .record = {.text = "in memory\nxxx", .length = 10}};
    show("q");
    expect_seen(0, "in memory\n\nIn memory: 100%. Space, b: turn; q: back ");
    begin(NULL);
    put_reports("in a file\n");
    loader.last_run = (struct last_run){.found_report = true, .is_written = true};
    show("q");
    assert_memory_equal(console.seen[0].screen, "in a file\n", 10);
}

static void none_at_all(void **state)
{
    (void)state;
    static const char none[] = "There is no report on this volume yet.\nPress a key.";
    show("..x");
    expect_seen(0, none);
    begin(NULL);
    disk_put("\\SELFMAP", NULL);
    show("x");
    expect_seen(0, none);
    begin(NULL);
    disk.has_volume = false;
    show("#");
    expect_seen(0, none);
    assert_int_equal(console.clears, 0);
}

static void one_that_cannot_be_read(void **state)
{
    (void)state;
    static const enum disk_call calls[] = {CALL_OPEN_VOLUME, CALL_READ, CALL_INFO, CALL_OPEN};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        begin(NULL);
        put_reports("x");
        disk_fail(calls[i], calls[i] == CALL_INFO ? "\\SELFMAP\\REPORT-2.TXT" : "", EFI_DEVICE_ERROR);
        show("x");
        expect_seen(0, "The report cannot be read: device error\nPress a key.");
        assert_int_equal(console.pools, 0);
    }
    begin(NULL);
    put_reports("x");
    console.pool = EFI_OUT_OF_RESOURCES;
    show("x");
    expect_seen(0, "The report cannot be read: another error\nPress a key.");
}

#define TEST(name, function)             \
    {                                    \
        name, function, begin, end, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("show report: the newest file", the_newest_file),
        TEST("show report: pages are turned both ways, and drawn only then", turns_pages),
        TEST("show report: q, Escape and a broken keyboard end it", every_way_to_end_it),
        TEST("show report: it fits consoles of any size", sizes_of_the_console),
        TEST("show report: one without text is one page", a_report_without_text),
        TEST("show report: a long one is shown as far as there is room", a_report_that_is_too_large),
        TEST("show report: one that is only in memory comes first", one_that_is_only_in_memory),
        TEST("show report: without one a sentence waits for a key", none_at_all),
        TEST("show report: one that cannot be read is told", one_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("show_report", tests, NULL, NULL);
}
