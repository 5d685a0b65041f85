/* SPDX-License-Identifier: MIT */
/* chosen_tests.c - names, groups and prefixes. */
#include "selftest/chosen_tests.h"

struct chosen_name chosen_next(const char **list)
{
    struct chosen_name name = {*list, 0};
    const char *at = *list;
    while (*at && (*at != ',' || at[1] == ' '))
        at++;
    name.length = (size_t)(at - name.text);
    *list = *at ? at + 1 : at;
    return name;
}

/* Returns how many of the name's characters the text begins with. */
static size_t common(struct chosen_name name, const char *text)
{
    size_t i = 0;
    while (i < name.length && text[i] == name.text[i] && text[i])
        i++;
    return i;
}

bool chosen_is(struct chosen_name name, const char *group, const char *test)
{
    bool is_group = common(name, group) == name.length && group[name.length] == '\0';
    return is_group || common(name, test) == name.length;
}

bool chosen_by(const char *list, const char *group, const char *test)
{
    if (*list == '\0')
        return true;
    while (*list)
        if (chosen_is(chosen_next(&list), group, test))
            return true;
    return false;
}
