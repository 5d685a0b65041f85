/* Steps as lines of text: a name, and the numbers out of the ordinary. What follows # is for people. */
#include "fuzz/operation.h"
#include <stdlib.h>
#include <string.h>

static const char *const names[OP_KINDS] = {
    [OP_LOAD] = "load",
    [OP_FILL] = "fill",
    [OP_ACCESS] = "access",
    [OP_PLANT_MARKER] = "plant",
    [OP_TRANSLATE] = "translate",
    [OP_MAP] = "map",
    [OP_MAP_TO] = "map_to",
    [OP_MAP_SIZED] = "map_sized",
    [OP_IDENTITY_MAP] = "identity_map",
    [OP_UNMAP] = "unmap",
    [OP_SET_MARKER] = "reserve",
    [OP_CLEAR_MARKER] = "unreserve",
    [OP_MAP_RANGE] = "map_range",
    [OP_MAP_RANGE_ALLOC] = "map_range_alloc",
    [OP_IDENTITY_MAP_RANGE] = "identity_map_range",
    [OP_UNMAP_RANGE] = "unmap_range",
    [OP_PROTECT_RANGE] = "protect_range",
    [OP_SPLIT] = "split",
    [OP_MERGE_RANGE] = "merge_range",
    [OP_CREATE_SIBLING] = "create_beside",
    [OP_DESTROY] = "destroy",
    [OP_ATTACH] = "open",
    [OP_DETACH] = "close",
    [OP_SWITCH_TO] = "activate",
    [OP_SHARE] = "lend",
    [OP_UNSHARE] = "unlend",
};

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
static const struct operation_field world_fields[] = {
    FIELD(struct world, levels, 4),   FIELD(struct world, frame_bits, 34), FIELD(struct world, no_execute, 1),
    FIELD(struct world, pages_1g, 1), FIELD(struct world, invpcid, 0),     FIELD(struct world, frames, 0),
    FIELD(struct world, breaks, 0),   FIELD(struct world, several, 0),     {NULL, 0, 0},
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

struct operation operation_blank(unsigned kind)
{
    struct operation operation;
    memset(&operation, 0, sizeof(operation));
    set_all(&operation, operation_fields);
    operation.kind = kind;
    return operation;
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

/* Which entry of each table, from the root on, and the flags by letter. */
static void explain(FILE *file, const struct test_case *test, const struct operation *operation)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } flags[] = {{PAGING_WRITABLE, "W"}, {PAGING_USER, "U"},  {PAGING_GLOBAL, "G"},
                 {PAGING_ACCESSED, "A"}, {PAGING_DIRTY, "D"}, {PAGING_NO_EXECUTE, "NX"}};
    if (operation->kind == OP_FILL || operation->kind >= OP_CREATE_SIBLING)
        return;
    fprintf(file, "  #");
    for (unsigned level = (unsigned)test->world.levels; level > 0; level--)
        fprintf(file, "%c%u", level == test->world.levels ? ' ' : '.',
                paging_page_index((paging_page_t){operation->address >> PAGING_PAGE_SHIFT}, level));
    for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if ((operation->kind > OP_TRANSLATE) && (operation->flags & flags[i].flag))
            fprintf(file, " %s", flags[i].name);
}

void case_write(FILE *file, const struct test_case *test)
{
    fprintf(file, "world");
    write_all(file, &test->world, world_fields);
    fprintf(file, "\n");
    for (unsigned i = 0; i < test->count; i++) {
        const struct operation *operation = &test->steps[i];
        fprintf(file, "%s", names[operation->kind]);
        write_all(file, operation, operation_fields);
        explain(file, test, operation);
        fprintf(file, "\n");
    }
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

static bool read_line(char *line, struct test_case *test)
{
    char *rest = NULL;
    line[strcspn(line, "#")] = 0;
    const char *name = strtok_r(line, " \t\r\n", &rest);
    if (!name)
        return true;
    if (!strcmp(name, "world"))
        return read_words(rest, &test->world, world_fields);
    for (unsigned kind = 0; test->count < CASE_STEPS && kind < OP_KINDS; kind++)
        if (!strcmp(name, names[kind])) {
            struct operation *operation = &test->steps[test->count++];
            *operation = operation_blank(kind);
            return read_words(rest, operation, operation_fields) && operation->space < RIG_SPACES &&
                   operation->other < RIG_SPACES;
        }
    return false;
}

unsigned case_read(FILE *file, struct test_case *test)
{
    char line[512];
    memset(test, 0, sizeof(*test));
    set_all(&test->world, world_fields);
    for (unsigned number = 1; fgets(line, sizeof(line), file); number++)
        if (!read_line(line, test))
            return number;
    return 0;
}
