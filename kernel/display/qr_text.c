/* SPDX-License-Identifier: MIT */
/* qr_text.c - a part ends with a line, unless the line is longer than a part. */
#include "display/qr_text.h"
#include "console/format.h"
#include "console/text_rows.h"

enum { HEADER_BYTES = sizeof "SELFMAP 999/999\n", CHUNK_BYTES = QR_PART_BYTES - HEADER_BYTES };

size_t qr_report_bytes(const char *log, size_t bytes)
{
    size_t end = bytes;
    for (size_t at = 0, next; at < bytes; at = next) {
        next = text_next_line(log, bytes, at);
        if (text_begins_with(log + at, next - at, "# selfmap: "))
            end = next;
    }
    return end;
}

size_t qr_summary(const char *report, size_t bytes, char text[QR_SUMMARY_BYTES])
{
    static const char *const wanted[] = {
        "# selfmap: ",  "# stopped: ", "# version=",       "# machine=", "# firmware=",
        "# processor=", "# failed: ",  "# frames_usable=", "# levels=",
    };
    size_t length = 0;
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        for (size_t at = 0, next; at < bytes; at = next) {
            next = text_next_line(report, bytes, at);
            if (!text_begins_with(report + at, next - at, wanted[i]) || next - at > QR_SUMMARY_BYTES - length)
                continue;
            for (size_t from = at; from < next; from++)
                text[length++] = report[from];
        }
    return length;
}

/* Returns where the part that begins at `from` ends. */
static size_t chunk_end(const char *report, size_t bytes, size_t from)
{
    size_t limit = bytes - from > CHUNK_BYTES ? from + CHUNK_BYTES : bytes, end = from;
    if (limit == bytes)
        return bytes;
    for (size_t next = text_next_line(report, limit, from); report[next - 1] == '\n';
         next = text_next_line(report, limit, next)) {
        end = next;
        if (next == limit)
            break;
    }
    return end > from ? end : limit;
}

unsigned qr_part_count(const char *report, size_t bytes)
{
    unsigned count = 0;
    for (size_t at = 0; at < bytes; count++)
        at = chunk_end(report, bytes, at);
    return count;
}

size_t qr_part(const char *report, size_t bytes, unsigned number, char text[QR_PART_BYTES])
{
    size_t at = 0;
    for (unsigned i = 1; i < number && at < bytes; i++)
        at = chunk_end(report, bytes, at);
    if (number == 0 || at >= bytes)
        return 0;
    struct text_sink sink = text_sink(text, QR_PART_BYTES);
    format(&sink.sink, "SELFMAP %u/%u\n", number, qr_part_count(report, bytes));
    size_t length = sink.length, end = chunk_end(report, bytes, at);
    while (at < end)
        text[length++] = report[at++];
    return length;
}
