/*
 * last_run.c - finds out how the last run ended, and writes its report to \SELFMAP\REPORT-<n>.TXT.
 *
 * After the exit nothing of ours can write to a disk, so a run leaves its report in memory (kept.h), and the
 * next start, after a warm reset, writes it by the firmware's driver. A report that cannot be written stays
 * in memory, and the next start tries again. If no report was kept, the breadcrumb file still names the last
 * step in the loader.
 */
#include "kernel/console/format.h"
#include "loader.h"

enum { REPORT_LIMIT = 99, PROMPT_SECONDS = 20, TICKS_PER_SECOND = 10000000 /* of UEFI timers: 100 ns */ };
static const char out_of_loader[] = "exit boot services";

/* Finds a name that no file has. EFI_OUT_OF_RESOURCES if there are too many reports already. */
static EFI_STATUS choose_name(EFI_FILE_HANDLE root, char *name, size_t capacity)
{
    for (unsigned n = 1; n <= REPORT_LIMIT; n++) {
        char byte;
        UINTN bytes = 1;
        struct text_sink sink = text_sink(name, capacity);
        format(&sink.sink, "REPORT-%u.TXT", n);
        EFI_STATUS status = read_file_part(root, name, &byte, &bytes);
        if (status == EFI_NOT_FOUND)
            return EFI_SUCCESS;
        if (EFI_ERROR(status))
            return status;
    }
    return EFI_OUT_OF_RESOURCES;
}

/* Writes what a block keeps, and a last line if the run did not end. */
static EFI_STATUS write_report(struct loader *loader, const struct kept_record *record, char *name,
                               size_t capacity)
{
    char end[KEPT_STEP_LIMIT + 64];
    EFI_FILE_HANDLE root;
    struct text_sink sink = text_sink(end, sizeof end);
    if (record->state != KEPT_ENDED)
        format(&sink.sink, "# cut off: the run did not end, it was at: %s\n", record->step);
    EFI_STATUS status = open_volume(loader, &root);
    if (EFI_ERROR(status))
        return status;
    status = choose_name(root, name, capacity);
    if (!EFI_ERROR(status))
        status = write_file(root, name,
                            (const struct file_part[2]){{record->text, record->length}, {end, sink.length}});
    root->Close(root);
    return status;
}

/* Why a report was not written, in words that a person can act on. */
static const char *why_not_written(EFI_STATUS status)
{
    switch (status) {
    case EFI_OUT_OF_RESOURCES:
        return "there are 99 reports already, delete some";
    case EFI_NO_MAPPING:
        return "not started from a volume";
    case EFI_VOLUME_FULL:
        return "the volume is full";
    case EFI_WRITE_PROTECTED:
        return "the volume is write protected";
    default:
        return status_name(status);
    }
}

static void save_report(struct loader *loader, struct kept_block *block)
{
    struct last_run *last = &loader->last_run;
    struct handoff *handoff = loader->handoff;
    EFI_STATUS status = write_report(loader, &block->record, last->file, sizeof last->file);
    struct text_sink sink = text_sink(handoff->last_report, sizeof handoff->last_report);
    last->written = !EFI_ERROR(status);
    if (last->written) {
        kept_forget(block->start);
        format(&sink.sink, "\\SELFMAP\\%s", last->file);
        leave_last_breadcrumb(loader, "Its report is in ", handoff->last_report);
        say("  its report is now in %s, %lu bytes\n", handoff->last_report, (UINT64)block->record.length);
        return;
    }
    format(&sink.sink, "not written: %s", why_not_written(status));
    say("  its report could not be written: %s\n", why_not_written(status));
    say("  it stays in memory until the machine is switched off; a warm reset tries again\n");
}

/* Says how far the last run came, by what its block says. */
static void tell_record(struct loader *loader, const struct kept_record *record)
{
    struct handoff *handoff = loader->handoff;
    struct text_sink sink = text_sink(handoff->last_run, sizeof handoff->last_run);
    loader->last_run.found_report = true;
    loader->last_run.record = *record;
    if (record->state == KEPT_ENDED)
        format(&sink.sink, "ended");
    else
        format(&sink.sink, "did not end, it was at: %s", record->step);
    say("  the last run %s\n", handoff->last_run);
}

/* Does so by the breadcrumb file, which knows nothing of what happened after the exit. */
static void tell_breadcrumb(struct loader *loader)
{
    char step[KEPT_STEP_LIMIT];
    struct handoff *handoff = loader->handoff;
    struct text_sink sink = text_sink(handoff->last_run, sizeof handoff->last_run);
    if (!read_breadcrumb(loader, step, sizeof step)) {
        format(&sink.sink, "unknown");
        return;
    }
    size_t i = 0;
    while (step[i] && step[i] == out_of_loader[i])
        i++;
    if (step[i] == out_of_loader[i])
        format(&sink.sink, "came to the exit from the firmware, its report was not kept");
    else
        format(&sink.sink, "did not end, it got as far as: %s", step);
    say("  the last run %s\n", handoff->last_run);
}

EFI_STATUS look_for_report(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    struct kept_block blocks[KEPT_BLOCK_LIMIT];
    unsigned count;
    EFI_STATUS status = take_kept_blocks(loader, blocks, &count);
    if (EFI_ERROR(status))
        return status;
    struct text_sink report = text_sink(handoff->last_report, sizeof handoff->last_report);
    format(&report.sink, "none");
    if (handoff->options.store == STORE_NO) {
        struct text_sink run = text_sink(handoff->last_run, sizeof handoff->last_run);
        struct text_sink store = text_sink(handoff->store, sizeof handoff->store);
        format(&run.sink, "unknown");
        format(&store.sink, "no: store=no");
        return EFI_SUCCESS;
    }
    if (count == 0)
        tell_breadcrumb(loader);
    for (unsigned i = 0; i < count; i++) {
        tell_record(loader, &blocks[i].record);
        save_report(loader, &blocks[i]);
    }
    return EFI_SUCCESS;
}

/* Waits for a key. Returns false if none came in time, or if there is no keyboard. */
static bool key_within(unsigned seconds)
{
    EFI_EVENT timer;
    UINTN index = 1;
    EFI_INPUT_KEY key;
    if (!system_table->ConIn || EFI_ERROR(BS->CreateEvent(EVT_TIMER, 0, NULL, NULL, &timer)))
        return false;
    system_table->ConIn->Reset(system_table->ConIn, FALSE);
    BS->SetTimer(timer, TimerRelative, (UINT64)seconds * TICKS_PER_SECOND);
    EFI_EVENT events[] = {system_table->ConIn->WaitForKey, timer};
    bool pressed = !EFI_ERROR(BS->WaitForEvent(2, events, &index)) && index == 0;
    BS->CloseEvent(timer);
    if (pressed)
        system_table->ConIn->ReadKeyStroke(system_table->ConIn, &key);
    return pressed;
}

EFI_STATUS ask_after_report(struct loader *loader)
{
    if (!loader->last_run.found_report)
        return EFI_SUCCESS;
    say("  Press a key within %u seconds to run the tests again. Without a key the firmware goes on.\n",
        PROMPT_SECONDS);
    if (key_within(PROMPT_SECONDS))
        return EFI_SUCCESS;
    loader->why_back = "nobody wants another run";
    return EFI_ABORTED;
}
