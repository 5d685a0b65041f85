/* SPDX-License-Identifier: MIT */
/*
 * show_report.c - shows the last report page by page: the newest file, or what is still in memory because it
 * could not be written.
 */
#include "menu.h"
#include "menu_state.h"
#include "pager.h"
#include "volume.h"

enum {
    REPORT_BYTES = 512 * 1024,
    PAGE_BYTES = 16384,
    DEFAULT_COLUMNS = 80,
    DEFAULT_ROWS = 24,
    STATUS_ROWS = 2
};

static char page[PAGE_BYTES];

/* Shows the text until a key ends it. */
static void turn_pages(const char *name, struct pager *pager, struct keys *keys)
{
    bool show = true;
    for (;;) {
        int key = 0;
        if (show) {
            struct text_sink sink = text_sink(page, sizeof page);
            size_t next = pager_print(pager, &sink.sink);
            console_clear();
            say("%s", page);
            say("\n%s: %u%%. Space, b: turn; q: back ", name,
                pager->bytes ? (unsigned)(next * 100 / pager->bytes) : 100);
        }
        enum key_event event = wait_for_key(keys, &key);
        if (event == KEYS_BROKEN || key == 'q' || key == MENU_KEY_ESCAPE)
            return;
        bool back = key == 'b' || key == MENU_KEY_UP || key == MENU_KEY_LEFT;
        show = event == KEY_PRESSED && (back ? pager_previous(pager) : pager_next(pager));
    }
}

static void show_text(const char *name, const char *text, size_t bytes, struct keys *keys)
{
    unsigned columns, rows;
    console_size(&columns, &rows);
    struct pager pager = {
        .text = text,
        .bytes = bytes,
        .rows = (rows > STATUS_ROWS + 1 ? rows : DEFAULT_ROWS) - STATUS_ROWS,
        .columns = (columns > 1 ? columns : DEFAULT_COLUMNS) - 1,
    };
    turn_pages(name, &pager, keys);
}

/* Shows the file with the highest number. EFI_NOT_FOUND if there is none. */
static EFI_STATUS show_newest_file(const struct loader *loader, struct keys *keys)
{
    VOID *text = NULL;
    UINTN bytes = REPORT_BYTES;
    unsigned number;
    char path[REPORT_PATH_BYTES];
    EFI_STATUS status = find_newest_report(loader, &number);
    if (!EFI_ERROR(status) && number == 0)
        status = EFI_NOT_FOUND;
    if (!EFI_ERROR(status))
        status = BS->AllocatePool(EfiLoaderData, bytes, &text);
    if (EFI_ERROR(status))
        return status;
    report_path(number, path);
    status = read_file(loader, path, text, &bytes);
    if (!EFI_ERROR(status))
        show_text(path, text, bytes < REPORT_BYTES ? bytes : REPORT_BYTES, keys);
    BS->FreePool(text);
    return status;
}

/* Says what there is instead of a report, and waits for a key. */
static void say_why_not(EFI_STATUS status, struct keys *keys)
{
    int key;
    enum key_event event;
    if (status == EFI_NOT_FOUND || status == EFI_NO_MAPPING)
        say("There is no report on this volume yet.\n");
    else
        say("The report cannot be read: %s\n", status_name(status));
    say("Press a key.");
    do
        event = wait_for_key(keys, &key);
    while (event == KEY_SECOND_PASSED);
}

void show_last_report(const struct loader *loader, struct keys *keys)
{
    const struct last_run *last = &loader->last_run;
    if (last->found_report && !last->is_written) {
        show_text("In memory", last->record.text, last->record.length, keys);
        return;
    }
    EFI_STATUS status = show_newest_file(loader, keys);
    if (EFI_ERROR(status))
        say_why_not(status, keys);
}
