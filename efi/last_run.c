/* SPDX-License-Identifier: MIT */
/*
 * last_run.c - finds out how the last run ended, and writes its report to \SELFMAP\REPORT-<n>.TXT.
 *
 * After the exit nothing of ours can write to a disk, so a run leaves its report in memory (kept.h), and the
 * next start, after a warm reset, writes it by the firmware's driver. A report that cannot be written stays
 * in memory, and the next start tries again. If no report was kept, the breadcrumb file still names the last
 * step in the loader.
 */
#include "kernel/console/format.h"
#include "volume.h"

/* Writes what a block keeps, and a last line if the run did not end. Its number follows the newest one. */
static EFI_STATUS write_report(const struct loader *loader, const struct kept_record *record,
                               char path[REPORT_PATH_BYTES])
{
    char end[KEPT_STEP_LIMIT + 64];
    unsigned newest;
    EFI_STATUS status = find_newest_report(loader, &newest);
    if (!EFI_ERROR(status) && newest == REPORT_NUMBER_LIMIT)
        status = STATUS_NO_NUMBERS;
    if (EFI_ERROR(status))
        return status;
    struct text_sink sink = text_sink(end, sizeof end);
    if (record->state != KEPT_ENDED)
        format(&sink.sink, "# cut off: the run did not end, it was at: %s\n", record->step);
    report_path(newest + 1, path);
    return write_file(loader, path,
                      (const struct file_part[2]){{record->text, record->length}, {end, sink.length}});
}

static void save_report(struct loader *loader, struct kept_block *block)
{
    struct last_run *last = &loader->last_run;
    struct handoff *handoff = loader->handoff;
    char path[REPORT_PATH_BYTES];
    EFI_STATUS status = write_report(loader, &block->record, path);
    struct text_sink sink = text_sink(handoff->last_report, sizeof handoff->last_report);
    last->is_written = !EFI_ERROR(status);
    if (last->is_written) {
        kept_forget(block->start);
        format(&sink.sink, "%s", path);
        leave_last_breadcrumb(loader, "Its report is in ", path);
        say("  its report is now in %s, %lu bytes\n", path, (UINT64)block->record.length);
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
    loader->last_run.is_known = loader->last_run.found_report = true;
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
    loader->last_run.is_known = true;
    if (__builtin_memcmp(step, LAST_STEP, sizeof LAST_STEP) == 0)
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
