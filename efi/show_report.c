/* show_report.c - finds the newest \SELFMAP\REPORT-<n>.TXT on the volume, and shows it page by page. */
#include "menu.h"
#include "menu_state.h"
#include "pager.h"

enum {
    REPORT_BYTES = 512 * 1024,
    PAGE_BYTES = 16384,
    DEFAULT_COLUMNS = 80,
    DEFAULT_ROWS = 24,
    STATUS_ROWS = 2
};

static char page[PAGE_BYTES];

/* Returns the number in REPORT-<n>.TXT, or 0. Capitals do not matter. */
static unsigned report_number(const CHAR16 *name)
{
    static const char before[] = "report-", after[] = ".txt";
    unsigned number = 0;
    for (unsigned i = 0; before[i]; i++, name++)
        if ((*name | 0x20) != before[i] && *name != (CHAR16)before[i])
            return 0;
    for (; *name >= '0' && *name <= '9' && number < 100000; name++)
        number = number * 10 + (unsigned)(*name - '0');
    for (unsigned i = 0; after[i]; i++, name++)
        if ((*name | 0x20) != after[i] && *name != (CHAR16)after[i])
            return 0;
    return *name == '\0' ? number : 0;
}

/* Returns the highest number of a report in an open folder, or 0. */
static unsigned newest(EFI_FILE_HANDLE folder)
{
    static struct {
        EFI_FILE_INFO info;
        CHAR16 name[256];
    } entry;
    unsigned found = 0;
    for (;;) {
        UINTN bytes = sizeof entry;
        if (EFI_ERROR(folder->Read(folder, &bytes, &entry)) || bytes == 0)
            return found;
        unsigned number = report_number(entry.info.FileName);
        found = number > found ? number : found;
    }
}

static EFI_STATUS open_newest(EFI_FILE_HANDLE root, EFI_FILE_HANDLE *file, unsigned *number)
{
    EFI_FILE_HANDLE folder;
    CHAR16 name[] = L"REPORT-00000.TXT";
    EFI_STATUS status = root->Open(root, &folder, L"\\SELFMAP", EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(status))
        return status;
    *number = newest(folder);
    /* The digits, and the end of the name behind them. */
    UINTN at = 7, digits = 1;
    for (unsigned left = *number / 10; left > 0; left /= 10)
        digits++;
    unsigned left = *number;
    for (UINTN i = digits; i-- > 0; left /= 10)
        name[at + i] = (CHAR16)('0' + left % 10);
    for (UINTN i = 0; i < 5; i++)
        name[at + digits + i] = L".TXT"[i];
    status = *number ? folder->Open(folder, file, name, EFI_FILE_MODE_READ, 0) : EFI_NOT_FOUND;
    folder->Close(folder);
    return status;
}

/* Shows the text until a key ends it. */
static void turn_pages(const char *name, unsigned number, struct pager *pager, struct keys *keys)
{
    bool show = true;
    for (;;) {
        int key = 0;
        if (show) {
            struct text_sink sink = text_sink(page, sizeof page);
            size_t next = pager_print(pager, &sink.sink);
            console_clear();
            say("%s", page);
            say("\n%s%u: %u%%. Space, b: turn; q: back ", name, number,
                pager->bytes ? (unsigned)(next * 100 / pager->bytes) : 100);
        }
        enum key_event event = wait_for_key(keys, &key);
        if (event == KEYS_BROKEN || key == 'q' || key == MENU_KEY_ESCAPE)
            return;
        bool back = key == 'b' || key == MENU_KEY_UP || key == MENU_KEY_LEFT;
        show = event == KEY_PRESSED && (back ? pager_previous(pager) : pager_next(pager));
    }
}

static EFI_STATUS show_file(EFI_FILE_HANDLE file, unsigned number, struct keys *keys)
{
    VOID *text = NULL;
    UINTN bytes = REPORT_BYTES;
    unsigned columns, rows;
    EFI_STATUS status = BS->AllocatePool(EfiLoaderData, bytes, &text);
    if (EFI_ERROR(status))
        return status;
    console_size(&columns, &rows);
    status = file->Read(file, &bytes, text);
    struct pager pager = {
        .text = text,
        .bytes = bytes,
        .rows = (rows > STATUS_ROWS + 1 ? rows : DEFAULT_ROWS) - STATUS_ROWS,
        .columns = (columns > 1 ? columns : DEFAULT_COLUMNS) - 1,
    };
    if (!EFI_ERROR(status))
        turn_pages("Report ", number, &pager, keys);
    BS->FreePool(text);
    return status;
}

/* Says what there is instead of a report, and waits for a key. */
static void say_why_not(EFI_STATUS status, struct keys *keys)
{
    int key;
    enum key_event event;
    if (status == EFI_NOT_FOUND)
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
    EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    EFI_FILE_HANDLE root, file;
    unsigned number = 0;
    EFI_STATUS status = EFI_NOT_FOUND;
    if (loader->loaded->DeviceHandle)
        status = BS->HandleProtocol(loader->loaded->DeviceHandle, &file_system, (VOID **)&volume);
    if (!EFI_ERROR(status))
        status = volume->OpenVolume(volume, &root);
    if (EFI_ERROR(status)) {
        say_why_not(EFI_NOT_FOUND, keys);
        return;
    }
    status = open_newest(root, &file, &number);
    if (!EFI_ERROR(status)) {
        status = show_file(file, number, keys);
        file->Close(file);
    }
    root->Close(root);
    if (EFI_ERROR(status))
        say_why_not(status, keys);
}
