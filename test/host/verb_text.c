/* Steps as lines of text: a name, and the numbers out of the ordinary. What follows # is for people. */
#include "verb.h"
#include <stdlib.h>
#include <string.h>

static const char *const names[VERB_KINDS] = {
    [VERB_LOAD] = "load",
    [VERB_FILL] = "fill",
    [VERB_ACCESS] = "access",
    [VERB_PLANT] = "plant",
    [VERB_TRANSLATE] = "translate",
    [VERB_MAP] = "map",
    [VERB_MAP_TO] = "map_to",
    [VERB_MAP_SIZED] = "map_sized",
    [VERB_IDENTITY_MAP] = "identity_map",
    [VERB_UNMAP] = "unmap",
    [VERB_RESERVE] = "reserve",
    [VERB_UNRESERVE] = "unreserve",
    [VERB_MAP_RANGE] = "map_range",
    [VERB_MAP_RANGE_ALLOC] = "map_range_alloc",
    [VERB_IDENTITY_MAP_RANGE] = "identity_map_range",
    [VERB_UNMAP_RANGE] = "unmap_range",
    [VERB_PROTECT_RANGE] = "protect_range",
    [VERB_SPLIT] = "split",
    [VERB_MERGE_RANGE] = "merge_range",
    [VERB_CREATE_BESIDE] = "create_beside",
    [VERB_DESTROY] = "destroy",
    [VERB_OPEN] = "open",
    [VERB_CLOSE] = "close",
    [VERB_ACTIVATE] = "activate",
    [VERB_LEND] = "lend",
    [VERB_UNLEND] = "unlend",
};

#define FIELD(type, member, otherwise)               \
    {                                                \
#        member, offsetof(type, member), (otherwise) \
    }
static const struct verb_field verb_fields[] = {
    FIELD(struct verb, space, 0),
    FIELD(struct verb, other, 0),
    FIELD(struct verb, address, 0),
    FIELD(struct verb, to, 0),
    FIELD(struct verb, bytes, 0),
    FIELD(struct verb, size, 0),
    FIELD(struct verb, flags, 0),
    FIELD(struct verb, clear, 0),
    FIELD(struct verb, value, 0),
    FIELD(struct verb, frames, VERB_NO_LIMIT),
    FIELD(struct verb, huge, VERB_NO_LIMIT),
    FIELD(struct verb, meanwhile, 0),
    {NULL, 0, 0},
};
static const struct verb_field world_fields[] = {
    FIELD(struct world, levels, 4),   FIELD(struct world, frame_bits, 34), FIELD(struct world, no_execute, 1),
    FIELD(struct world, pages_1g, 1), FIELD(struct world, invpcid, 0),     FIELD(struct world, frames, 0),
    FIELD(struct world, breaks, 0),   FIELD(struct world, several, 0),     {NULL, 0, 0},
};

const struct verb_field *verb_field(unsigned number)
{
    bool is_one = number < sizeof(verb_fields) / sizeof(*verb_fields);
    return is_one && verb_fields[number].name ? &verb_fields[number] : NULL;
}

static void set_all(void *numbers, const struct verb_field *field)
{
    for (; field->name; field++)
        memcpy((char *)numbers + field->offset, &field->otherwise, sizeof(field->otherwise));
}

struct verb verb_blank(unsigned kind)
{
    struct verb verb;
    memset(&verb, 0, sizeof(verb));
    set_all(&verb, verb_fields);
    verb.kind = kind;
    return verb;
}

/* ---- writing ---- */

static void write_all(FILE *file, const void *numbers, const struct verb_field *field)
{
    for (; field->name; field++) {
        uint64_t number;
        memcpy(&number, (const char *)numbers + field->offset, sizeof(number));
        if (number != field->otherwise)
            fprintf(file, number < 10 ? " %s=%lu" : " %s=%#lx", field->name, (unsigned long)number);
    }
}

/* Which entry of each table, from the root on, and the flags by letter. */
static void explain(FILE *file, const struct test_case *test, const struct verb *verb)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } flags[] = {{ENTRY_WRITABLE, "W"}, {ENTRY_USER, "U"},  {ENTRY_GLOBAL, "G"},
                 {ENTRY_ACCESSED, "A"}, {ENTRY_DIRTY, "D"}, {ENTRY_NO_EXECUTE, "NX"}};
    if (verb->kind == VERB_FILL || verb->kind >= VERB_CREATE_BESIDE)
        return;
    fprintf(file, "  #");
    for (unsigned level = (unsigned)test->world.levels; level > 0; level--)
        fprintf(file, "%c%u", level == test->world.levels ? ' ' : '.',
                page_index((page_t){verb->address >> PAGE_SHIFT}, level));
    for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        if ((verb->kind > VERB_TRANSLATE) && (verb->flags & flags[i].flag))
            fprintf(file, " %s", flags[i].name);
}

void case_write(FILE *file, const struct test_case *test)
{
    fprintf(file, "world");
    write_all(file, &test->world, world_fields);
    fprintf(file, "\n");
    for (unsigned i = 0; i < test->count; i++) {
        const struct verb *verb = &test->steps[i];
        fprintf(file, "%s", names[verb->kind]);
        write_all(file, verb, verb_fields);
        explain(file, test, verb);
        fprintf(file, "\n");
    }
}

/* ---- reading ---- */

static bool read_number(const char *word, void *numbers, const struct verb_field *field)
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

static bool read_words(char *rest, void *numbers, const struct verb_field *field)
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
    for (unsigned kind = 0; test->count < CASE_STEPS && kind < VERB_KINDS; kind++)
        if (!strcmp(name, names[kind])) {
            struct verb *verb = &test->steps[test->count++];
            *verb = verb_blank(kind);
            return read_words(rest, verb, verb_fields) && verb->space < RIG_SPACES &&
                   verb->other < RIG_SPACES;
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
