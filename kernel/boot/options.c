/* SPDX-License-Identifier: MIT */
/* options.c - reads words of options. */
#include "boot/options.h"
#include "boot/option_words.h"
#include "console/format.h"

/* A source while it is read. */
struct reader {
    struct options *options;
    const char *source;
    bool has_tests; /* there has been a tests= */
};

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* Returns the index of the value in a list that ends with NULL, or -1. */
static int choice(const char *value, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (same(value, names[i]))
            return i;
    return -1;
}

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

/* Adds names. A name is not empty, so commas stand in between only. */
static bool set_tests(struct reader *reader, const char *value)
{
    struct options *options = reader->options;
    size_t kept = reader->has_tests ? length_of(options->tests) : 0, length = length_of(value);
    bool all = same(value, "all");
    for (size_t i = 0; i < length; i++)
        if (value[i] == ',' && (i == 0 || i + 1 == length || value[i + 1] == ','))
            return false;
    if (length == 0 || (!all && kept + 1 + length >= sizeof options->tests))
        return false;
    reader->has_tests = true;
    struct text_sink sink = text_sink(options->tests + (all ? 0 : kept), sizeof options->tests - kept);
    if (!all)
        format(&sink.sink, "%s%s", kept ? "," : "", value);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads a hexadecimal number of up to 64 bits, with or without 0x, and moves the text behind it. */
static bool read_hex(const char **text, uint64_t *number)
{
    if ((*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X'))
        *text += 2;
    bool has_digit = false;
    for (*number = 0; hex_digit(**text) >= 0; ++*text) {
        if (*number >> 60)
            return false;
        *number = *number << 4 | (uint64_t)hex_digit(**text);
        has_digit = true;
    }
    return has_digit;
}

static bool add_exclude(struct reader *reader, const char *value)
{
    struct options *options = reader->options;
    uint64_t start, end;
    if (options->exclude_count == OPTION_EXCLUDE_LIMIT || !read_hex(&value, &start) || *value++ != '-' ||
        !read_hex(&value, &end) || *value || start >= end)
        return false;
    options->exclude[options->exclude_count++] = frame_run_around(start, end);
    return true;
}

/* Reads a decimal number from 1 to `most`, and moves the text behind it. */
static bool read_count(const char **text, uint64_t most, uint64_t *number)
{
    for (*number = 0; **text >= '0' && **text <= '9'; ++*text) {
        *number = *number * 10 + (uint64_t)(**text - '0');
        if (*number > most)
            return false;
    }
    return *number > 0;
}

static bool set_soak(struct reader *reader, const char *value)
{
    const uint64_t most = 1000ull * 3600;
    uint64_t number = 0, unit = 60;
    if (!same(value, "no")) {
        if (!read_count(&value, most, &number))
            return false;
        unit = *value == 's' ? 1 : *value == 'h' ? 3600 : 60;
        value += *value == 's' || *value == 'm' || *value == 'h';
        if (*value || number * unit > most)
            return false;
    }
    reader->options->soak_seconds = number * unit;
    return true;
}

/* Reads a number up to 999, or one of two words, which mean 0. Returns false if it is none of these. */
static bool read_number(const char *value, const char *word, const char *other, unsigned *number)
{
    uint64_t read = 0;
    if (!same(value, word) && !same(value, other) && (!read_count(&value, 999, &read) || *value))
        return false;
    *number = (unsigned)read;
    return true;
}

static bool set_menu(struct reader *reader, const char *value)
{
    if (!read_number(value, "auto", "no", &reader->options->menu_seconds))
        return false;
    reader->options->no_menu = same(value, "no");
    return true;
}

static bool set_wait(struct reader *reader, const char *value)
{
    const uint64_t most = 9999;
    uint64_t seconds = 0;
    bool zero = same(value, "0");
    if (!zero && (!read_count(&value, most, &seconds) || *value))
        return false;
    reader->options->wait_seconds = (unsigned)seconds;
    reader->options->wait_is_set = true;
    return true;
}

static bool set_watchdog(struct reader *reader, const char *value)
{
    if (!read_number(value, "off", "off", &reader->options->watchdog_seconds))
        return false;
    reader->options->no_watchdog = same(value, "off");
    return true;
}

static bool set_fail(struct reader *reader, const char *value)
{
    return read_number(value, "no", "no", &reader->options->fail_round);
}

enum {
    CONSOLE,
    SERIAL,
    SCREEN,
    MAP_KEY,
    LEVELS,
    BENCH,
    DUMP,
    MATRIX,
    END,
    STORE,
    CRASH,
    STEPS,
    RUNTIME_CALLS,
    CHOICES
};

static void choose(struct options *options, unsigned which, int chosen)
{
    if (which == CONSOLE || which == SERIAL) /* two names of one option */
        options->serial = (enum serial_choice)chosen;
    if (which == SCREEN)
        options->screen = (enum screen_choice)chosen;
    if (which == MAP_KEY)
        options->stale_map_key = chosen == 1;
    if (which == LEVELS)
        options->five_levels = chosen == 1;
    if (which == BENCH)
        options->bench = chosen == 1;
    if (which == DUMP)
        options->dump = (enum dump_kind)chosen;
    if (which == MATRIX)
        options->matrix = (enum matrix_extent)chosen;
    if (which == END)
        options->end = (enum end_action)chosen;
    if (which == STORE)
        options->store = (enum store_kind)chosen;
    if (which == CRASH)
        options->crash = (enum crash_kind)chosen;
    if (which == STEPS)
        options->slow_steps = chosen == 1;
    if (which == RUNTIME_CALLS)
        options->runtime_calls_off = chosen == 1;
}

/* The options whose values are words of a list. */
static const struct {
    const char *key;
    const char *const values[20];
} choices[] = {
    [CONSOLE] = {"console", {"auto", "com1", "com2", "spcr", "off"}},
    [SERIAL] = {"serial", {"auto", "com1", "com2", "spcr", "off"}},
    [SCREEN] = {"screen", {"auto", "off", "memory", "image"}},
    [MAP_KEY] = {"map-key", {"fresh", "stale"}},
    [LEVELS] = {"levels", {"auto", "5"}},
    [BENCH] = {"bench", {"no", "yes"}},
    [DUMP] = {"dump", {"no", "yes", "varied"}},
    [MATRIX] = {"matrix", {"sample", "no", "dense", "all"}},
    [END] = {"end", {"auto", "halt", "shutdown", "reset", "store"}},
    [STORE] = {"store", {"auto", "no", "hint"}},
    [CRASH] = {"crash",
               {"no", "loader", "early", "page-fault", "general-protection", "double-fault", "triple", "hang",
                "in-test", "hang-in-test", "registers", "stack-segment", "descriptor", "nested", "few-frames",
                "bad-mappings", "interrupt-stack"}},
    [STEPS] = {"steps", {"fast", "slow"}},
    [RUNTIME_CALLS] = {"runtime-calls", {"yes", "no"}},
};

/* The others. Each function returns false for a value that is not what `must_be` says. */
static const struct {
    const char *key;
    bool (*set)(struct reader *reader, const char *value);
    const char *must_be;
} others[] = {
    {"tests", set_tests, "all, or names of tests or groups with commas in between, up to 255 characters"},
    {"soak", set_soak, "no, or a number of minutes, or one with s, m or h behind it, up to 1000h"},
    {"menu", set_menu, "auto, no, or a number of seconds up to 999"},
    {"wait", set_wait, "a number of seconds up to 9999"},
    {"watchdog", set_watchdog, "off, or a number of seconds up to 999"},
    {"fail", set_fail, "no, or the number of a round up to 999"},
    {"exclude", add_exclude, "START-END, two hexadecimal addresses, the lower one first, at most 8 times"},
};
enum { OTHERS = sizeof others / sizeof others[0] };

/* Returns whether two keys differ by one character too many, missing, wrong or exchanged, or by capitals. */
static bool is_near(const char *a, const char *b)
{
    while (*a && option_lower(*a) == *b)
        a++, b++;
    const char *rest_a = *a ? a + 1 : a, *rest_b = *b ? b + 1 : b;
    bool exchanged = *a && *b && a[0] == b[1] && a[1] == b[0] && same(a + 2, b + 2);
    return same(rest_a, rest_b) || same(rest_a, b) || same(a, rest_b) || exchanged;
}

/* Returns the key itself, else one that it is near to, else NULL. */
static const char *find_key(const char *key)
{
    const char *near = NULL;
    for (unsigned i = 0; i < OTHERS + CHOICES; i++) {
        const char *known = i < OTHERS ? others[i].key : choices[i - OTHERS].key;
        if (same(key, known))
            return known;
        if (is_near(key, known))
            near = known;
    }
    return near;
}

bool options_are_meant(const char *text, size_t bytes)
{
    struct option_text from = {text, bytes, 1, 1};
    struct option_word word;
    while (option_next_word(&from, &word))
        if (word.value && find_key(word.key))
            return true;
    return false;
}

/* Prints the words as people list them: a, b or c. */
static void print_list(struct format_sink *sink, const char *const *words)
{
    for (unsigned i = 0; words[i]; i++)
        format(sink, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

/* Applies a word key=value. If it is none, returns false and prints why. */
static bool apply_word(struct reader *reader, const struct option_word *word, struct format_sink *why)
{
    for (unsigned i = 0; i < OTHERS; i++)
        if (same(word->key, others[i].key)) {
            if (others[i].set(reader, word->value))
                return true;
            format(why, "the value of %s must be %s", word->key, others[i].must_be);
            return false;
        }
    for (unsigned i = 0; i < CHOICES; i++)
        if (same(word->key, choices[i].key)) {
            int chosen = choice(word->value, choices[i].values);
            if (chosen >= 0) {
                choose(reader->options, i, chosen);
                return true;
            }
            format(why, "the value of %s must be ", word->key);
            print_list(why, choices[i].values);
            return false;
        }
    const char *near = find_key(word->key);
    format(why, word->key[0] ? "no key is called %s" : "there is no key before the =%s", word->key);
    if (near)
        format(why, ", but %s is one", near);
    return false;
}

/* Does the same with any word. */
static bool use_word(struct reader *reader, const struct option_word *word, struct format_sink *why)
{
    if (word->is_open)
        format(why, "the quote is not closed in this line");
    else if (word->length >= OPTION_WORD_LIMIT)
        format(why, "it is longer than %u characters", OPTION_WORD_LIMIT - 1);
    else if (!word->value)
        format(why, "an option is written key=value");
    else
        return apply_word(reader, word, why);
    return false;
}

/* Returns a sink for the next sentence; one beyond the last is counted and goes nowhere. */
static struct text_sink next_error(struct options *options)
{
    static char nowhere[1];
    unsigned number = options->error_count++;
    if (number >= OPTION_ERROR_LIMIT)
        return text_sink(nowhere, sizeof nowhere);
    return text_sink(options->errors[number], OPTION_ERROR_TEXT);
}

void options_refuse(struct options *options, const char *source, const char *why)
{
    struct text_sink sink = next_error(options);
    format(&sink.sink, "%s %s", source, why);
}

static void refuse_word(struct reader *reader, struct option_word *word, const char *why)
{
    enum { SHOWN = 48 };
    struct text_sink sink = next_error(reader->options);
    bool is_long = word->length > SHOWN;
    if (is_long)
        word->text[SHOWN] = '\0';
    format(&sink.sink, "%s line %u, column %u: '%s%s' is not an option: %s", reader->source, word->line,
           word->column, word->text, is_long ? "..." : "", why);
}

bool options_apply(struct options *options, const char *source, const char *text, size_t bytes)
{
    struct reader reader = {options, source, false};
    struct option_text from = {text, bytes, 1, 1};
    struct option_word word;
    char why[OPTION_ERROR_TEXT];
    bool understood = true;
    while (option_next_word(&from, &word)) {
        struct text_sink sink = text_sink(why, sizeof why);
        if (use_word(&reader, &word, &sink.sink))
            continue;
        refuse_word(&reader, &word, why);
        understood = false;
    }
    return understood;
}
