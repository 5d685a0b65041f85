/* SPDX-License-Identifier: MIT */
/*
 * breadcrumb.c - the file \SELFMAP\LASTRUN.TXT says how far this run has come.
 *
 * It has always the same length, so that each write after the first one changes only what the file holds. It
 * is written a few times in a run (main.c marks the steps), because some drivers are slow and some sticks
 * wear out.
 */
#include "kernel/console/format.h"
#include "volume.h"

enum { RECORD_BYTES = 256 };
static const char path[] = SELFMAP_FOLDER "\\LASTRUN.TXT", as_far_as[] = "It got as far as: ";

/* Writes the sentence, padded with blanks to a fixed length. */
static EFI_STATUS write_record(struct loader *loader, const char *sentence, const char *what)
{
    char text[RECORD_BYTES + 1];
    struct text_sink sink = text_sink(text, RECORD_BYTES - 1);
    format(&sink.sink, "The last run of Selfmap " SELFMAP_VERSION "\r\n%s%s\r\n", sentence, what);
    for (size_t i = sink.length; i < RECORD_BYTES - 2; i++)
        text[i] = ' ';
    text[RECORD_BYTES - 2] = '\r';
    text[RECORD_BYTES - 1] = '\n';
    return write_file(loader, path, (const struct file_part[2]){{text, RECORD_BYTES}});
}

static void note(struct loader *loader, const char *sentence, const char *what)
{
    struct handoff *handoff = loader->handoff;
    if (handoff->options.store == STORE_NO || loader->breadcrumb_failed)
        return;
    EFI_STATUS status = write_record(loader, sentence, what);
    handoff->can_store = !EFI_ERROR(status) && kept_is_on();
    loader->breadcrumb_failed = EFI_ERROR(status);
    struct text_sink sink = text_sink(handoff->store, sizeof handoff->store);
    if (!EFI_ERROR(status)) {
        format(&sink.sink, SELFMAP_FOLDER " on the volume that Selfmap was started from");
        return;
    }
    format(&sink.sink, "no: %s", why_not_written(status));
    say("  nothing can be written to %s: %s\n", path, why_not_written(status));
}

void leave_breadcrumb(struct loader *loader, const char *step)
{
    note(loader, as_far_as, step);
}

void leave_last_breadcrumb(struct loader *loader, const char *sentence, const char *what)
{
    note(loader, sentence, what);
}

/* Returns what follows the phrase in the text, or NULL. */
static const char *find_after(const char *text, const char *phrase)
{
    for (; *text; text++) {
        size_t i = 0;
        while (phrase[i] && text[i] == phrase[i])
            i++;
        if (phrase[i] == '\0')
            return text + i;
    }
    return NULL;
}

bool read_breadcrumb(struct loader *loader, char *step, size_t capacity)
{
    char text[RECORD_BYTES + 1];
    UINTN bytes = RECORD_BYTES;
    (void)read_file(loader, path, text, &bytes); /* of a file that cannot be read there are 0 */
    text[bytes < RECORD_BYTES ? bytes : RECORD_BYTES] = '\0';
    const char *at = find_after(text, as_far_as);
    struct text_sink sink = text_sink(step, capacity);
    for (; at && *at >= ' ' && *at <= '~'; at++)
        sink.sink.put(&sink.sink, *at);
    return at != NULL;
}
