/* SPDX-License-Identifier: MIT */
/* Cases as text: an operation is its name and the numbers that are not the usual ones. # begins a comment. */
#include "fuzz/test_case.h"
#include "rig/page_list.h"
#include <stdlib.h>
#include <string.h>

#define FIELD(type, member, otherwise)               \
    {                                                \
#        member, offsetof(type, member), (otherwise) \
    }
static const struct operation_field operation_fields[] = {
    FIELD(struct operation, space, 0),
    FIELD(struct operation, other, 0),
    FIELD(struct operation, address, 0),
    FIELD(struct operation, to, 0),
    FIELD(struct operation, bytes, 0),
    FIELD(struct operation, size, 0),
    FIELD(struct operation, flags, 0),
    FIELD(struct operation, clear, 0),
    FIELD(struct operation, value, 0),
    FIELD(struct operation, frames, OP_NO_LIMIT),
    FIELD(struct operation, huge, OP_NO_LIMIT),
    FIELD(struct operation, meanwhile, 0),
    {NULL, 0, 0},
};
static const struct operation_field option_fields[] = {
    FIELD(struct machine_options, levels, 4),     FIELD(struct machine_options, frame_bits, 34),
    FIELD(struct machine_options, no_execute, 1), FIELD(struct machine_options, pages_1g, 1),
    FIELD(struct machine_options, invpcid, 0),    FIELD(struct machine_options, frames, 0),
    FIELD(struct machine_options, breaks, 0),     FIELD(struct machine_options, several, 0),
    FIELD(struct machine_options, direct, 0),     {NULL, 0, 0},
};

const struct operation_field *operation_field(unsigned number)
{
    bool is_one = number < sizeof(operation_fields) / sizeof(*operation_fields);
    return is_one && operation_fields[number].name ? &operation_fields[number] : NULL;
}

static void set_all(void *numbers, const struct operation_field *field)
{
    for (; field->name; field++)
        memcpy((char *)numbers + field->offset, &field->otherwise, sizeof(field->otherwise));
}

/* ---- writing ---- */

static void write_all(FILE *file, const void *numbers, const struct operation_field *field)
{
    for (; field->name; field++) {
        uint64_t number;
        memcpy(&number, (const char *)numbers + field->offset, sizeof(number));
        if (number != field->otherwise)
            fprintf(file, number < 10 ? " %s=%lu" : " %s=%#lx", field->name, (unsigned long)number);
    }
}

static const struct flag {
    uint64_t flag;
    const char *letter, *name;
} flags[] = {
    {PAGING_WRITABLE, "W", "PAGING_WRITABLE"},
    {PAGING_USER, "U", "PAGING_USER"},
    {PAGING_GLOBAL, "G", "PAGING_GLOBAL"},
    {PAGING_ACCESSED, "A", "PAGING_ACCESSED"},
    {PAGING_DIRTY, "D", "PAGING_DIRTY"},
    {PAGING_NO_EXECUTE, "NX", "PAGING_NO_EXECUTE"},
    {PAGING_REPLACE_MARKER, "R", "PAGING_REPLACE_MARKER"},
    {PAGING_LARGEST_2M, "2M", "PAGING_LARGEST_2M"},
    {PAGING_LARGEST_4K, "4K", "PAGING_LARGEST_4K"},
};
#define FLAGS (sizeof(flags) / sizeof(*flags))

static bool takes_flags(const struct operation *operation)
{
    return operation_takes(operation, ARG_FLAGS) || operation_takes(operation, ARG_REPLACE);
}

/* The index in each table, from the root on, and the flags by letter; of a list how many pages it has. */
static void explain(FILE *file, const struct test_case *test, const struct operation *operation)
{
    if (!operation_takes(operation, ARG_ADDRESS))
        return;
    fprintf(file, "  #");
    for (unsigned level = (unsigned)test->options.levels; level > 0; level--)
        fprintf(file, "%c%u", level == test->options.levels ? ' ' : '.',
                paging_page_index((paging_page_t){operation->address >> PAGING_PAGE_SHIFT}, level));
    for (unsigned i = 0; takes_flags(operation) && i < FLAGS; i++)
        if (operation->flags & flags[i].flag)
            fprintf(file, " %s", flags[i].letter);
    uint64_t offsets[MOST_LISTED];
    if (operation_takes(operation, ARG_LIST))
        fprintf(file, " %u pages", list_offsets(operation->value, offsets));
}

void case_write(FILE *file, const struct test_case *test)
{
    fprintf(file, "machine");
    write_all(file, &test->options, option_fields);
    fprintf(file, "\n");
    for (unsigned i = 0; i < test->count; i++) {
        const struct operation *operation = &test->steps[i];
        fprintf(file, "%s", operation_rows[operation->kind].name);
        write_all(file, operation, operation_fields);
        explain(file, test, operation);
        fprintf(file, "\n");
    }
}

/* Flags without a name are a number. */
static void print_flags(uint64_t value)
{
    const char *between = "";
    for (unsigned i = 0; i < FLAGS; i++)
        if (value & flags[i].flag) {
            print_message("%s%s", between, flags[i].name);
            value &= ~flags[i].flag;
            between = " | ";
        }
    if (value || !*between)
        print_message("%s%#lx", between, (unsigned long)value);
}

static void print_argument(const struct operation *operation, enum argument argument)
{
    uint64_t value = operation_argument(operation, argument);
    if (argument == ARG_FLAGS || argument == ARG_CLEAR || argument == ARG_TOUCHED || argument == ARG_REPLACE)
        print_flags(value);
    else
        print_message(argument <= ARG_OTHER ? "&rig.sides[%lu]" : "%#lx", (unsigned long)value);
}

void operation_print_call(const struct operation *operation)
{
    const struct operation_row *row = &operation_rows[operation->kind];
    if (operation->frames != OP_NO_LIMIT)
        print_message("machine_limit_frames(%lu);\n", (unsigned long)operation->frames);
    if (operation->huge != OP_NO_LIMIT)
        print_message("machine_limit_huge(%lu);\n", (unsigned long)operation->huge);
    print_message("(void)rig_%s(", row->name);
    for (unsigned i = 0; row->arguments[i] != ARG_NONE; i++) {
        print_message("%s", i > 0 ? ", " : "");
        print_argument(operation, row->arguments[i]);
    }
    print_message(");\n");
}

/* ---- reading ---- */

static bool read_number(const char *word, void *numbers, const struct operation_field *field)
{
    const char *equals = strchr(word, '=');
    char *end = NULL;
    if (!equals || equals[1] == 0)
        return false;
    while (field->name && (strlen(field->name) != (size_t)(equals - word) ||
                           strncmp(word, field->name, strlen(field->name))))
        field++;
    if (!field->name)
        return false;
    uint64_t number = strtoull(equals + 1, &end, 0);
    memcpy((char *)numbers + field->offset, &number, sizeof(number));
    return *end == 0;
}

static bool read_words(char *rest, void *numbers, const struct operation_field *field)
{
    set_all(numbers, field);
    for (char *word; (word = strtok_r(NULL, " \t\r\n", &rest));)
        if (!read_number(word, numbers, field))
            return false;
    return true;
}

static bool read_operation(const char *name, char *rest, struct operation *operation)
{
    unsigned kind = OP_NONE + 1;
    while (kind < OP_KINDS && strcmp(name, operation_rows[kind].name) != 0)
        kind++;
    operation->kind = kind;
    return kind < OP_KINDS && read_words(rest, operation, operation_fields) &&
           operation->space < RIG_SPACES && operation->other < RIG_SPACES;
}

static bool read_line(char *line, struct test_case *test)
{
    char *rest = NULL;
    line[strcspn(line, "#")] = 0;
    const char *name = strtok_r(line, " \t\r\n", &rest);
    if (!name)
        return true;
    if (!strcmp(name, "machine"))
        return read_words(rest, &test->options, option_fields);
    return test->count < CASE_STEPS && read_operation(name, rest, &test->steps[test->count++]);
}

unsigned case_read(FILE *file, struct test_case *test)
{
    char line[512];
    memset(test, 0, sizeof(*test));
    set_all(&test->options, option_fields);
    for (unsigned number = 1; fgets(line, sizeof(line), file); number++)
        if (!read_line(line, test))
            return number;
    return 0;
}
