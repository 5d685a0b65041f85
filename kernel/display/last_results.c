/* SPDX-License-Identifier: MIT */
/* last_results.c - tells the lines apart by how they begin. */
#include "display/last_results.h"
#include "console/text_rows.h"

bool is_skipped_result(const char *line, size_t length)
{
    if (!text_begins_with(line, length, "ok "))
        return false;
    for (size_t i = 0; i < length; i++)
        if (text_begins_with(line + i, length - i, " # SKIP "))
            return true;
    return false;
}

bool is_other_result(const char *line, size_t length)
{
    static const char *const kept[] = {"# selfmap:", "# failed:", "# soak", "# not used:"};
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (text_begins_with(line, length, kept[i]))
            return true;
    return !text_begins_with(line, length, "# ") && !is_skipped_result(line, length);
}
