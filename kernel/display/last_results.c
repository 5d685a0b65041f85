/* last_results.c - tells the lines apart by how they begin. */
#include "display/last_results.h"

static bool begins_with(const char *line, size_t length, const char *text)
{
    size_t i = 0;
    while (i < length && text[i] && line[i] == text[i])
        i++;
    return text[i] == '\0';
}

bool is_skipped_result(const char *line, size_t length)
{
    if (!begins_with(line, length, "ok "))
        return false;
    for (size_t i = 0; i < length; i++)
        if (begins_with(line + i, length - i, " # SKIP "))
            return true;
    return false;
}

bool is_other_result(const char *line, size_t length)
{
    static const char *const kept[] = {"# selfmap:", "# failed:", "# soak", "# not used:"};
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (begins_with(line, length, kept[i]))
            return true;
    return !begins_with(line, length, "# ") && !is_skipped_result(line, length);
}
