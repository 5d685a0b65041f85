/* options.c - reads words of options. */
#include "boot/options.h"

struct option_word {
    const char *text;
    size_t length;
};

static bool is_blank(char c)
{
    return c <= ' ' || c > '~';
}

static bool word_is(struct option_word word, const char *text)
{
    size_t i = 0;
    while (i < word.length && text[i] == word.text[i])
        i++;
    return i == word.length && text[i] == '\0';
}

/* Returns the next word, and moves the text behind it. Skips comments and blanks. Length 0: there is none. */
static struct option_word next_word(const char **text, size_t *bytes)
{
    bool comment = false;
    while (*bytes > 0 && (comment || is_blank(**text) || **text == '#')) {
        comment = **text != '\n' && (comment || **text == '#');
        ++*text;
        --*bytes;
    }
    struct option_word word = {*text, 0};
    while (*bytes > 0 && !is_blank(**text)) {
        word.length++;
        ++*text;
        --*bytes;
    }
    return word;
}

static void copy_word(char *to, struct option_word word)
{
    size_t length = word.length < OPTION_TEXT_LIMIT ? word.length : OPTION_TEXT_LIMIT - 1;
    for (size_t i = 0; i < length; i++)
        to[i] = word.text[i];
    to[length] = '\0';
}

/* Returns the index of the value in a list that ends with NULL, or -1. */
static int choice(struct option_word value, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (word_is(value, names[i]))
            return i;
    return -1;
}

static bool set_tests(struct options *options, struct option_word value)
{
    if (value.length == 0 || value.length >= OPTION_TEXT_LIMIT)
        return false;
    options->tests[0] = '\0';
    if (!word_is(value, "all"))
        copy_word(options->tests, value);
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

/* Reads a hexadecimal number of up to 64 bits, with or without 0x, and moves the word behind it. */
static bool read_hex(struct option_word *word, uint64_t *number)
{
    if (word->length > 2 && word->text[0] == '0' && (word->text[1] == 'x' || word->text[1] == 'X'))
        *word = (struct option_word){word->text + 2, word->length - 2};
    bool has_digit = false;
    *number = 0;
    while (word->length > 0 && hex_digit(*word->text) >= 0) {
        if (*number >> 60)
            return false;
        *number = *number << 4 | (uint64_t)hex_digit(*word->text);
        *word = (struct option_word){word->text + 1, word->length - 1};
        has_digit = true;
    }
    return has_digit;
}

static bool add_exclude(struct options *options, struct option_word value)
{
    uint64_t start, end;
    if (options->exclude_count == OPTION_EXCLUDE_LIMIT || !read_hex(&value, &start))
        return false;
    if (value.length == 0 || *value.text != '-')
        return false;
    value = (struct option_word){value.text + 1, value.length - 1};
    if (!read_hex(&value, &end) || value.length > 0 || start >= end)
        return false;
    options->exclude[options->exclude_count++] = frame_run_around(start, end);
    return true;
}

static bool set_wait(struct options *options, struct option_word value)
{
    enum { DIGITS = 4 };
    unsigned seconds = 0;
    if (value.length == 0 || value.length > DIGITS)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return false;
        seconds = seconds * 10 + (unsigned)(value.text[i] - '0');
    }
    options->wait_seconds = seconds;
    options->wait_is_set = true;
    return true;
}

enum { SERIAL, SCREEN, MAP_KEY, LEVELS, BENCH, DUMP, MATRIX, END, STORE, CRASH, CHOICES };

static void choose(struct options *options, unsigned which, int chosen)
{
    if (which == SERIAL)
        options->no_serial = chosen == 1;
    if (which == SCREEN) {
        options->no_screen = chosen == 1;
        options->screen_in_memory = chosen == 2;
    }
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
}

/* Sets an option whose values are words of a list. */
static bool set_choice(struct options *options, struct option_word key, struct option_word value)
{
    static const struct {
        const char *key;
        const char *const values[9];
    } choices[] = {
        [SERIAL] = {"serial", {"auto", "off"}},
        [SCREEN] = {"screen", {"auto", "off", "memory"}},
        [MAP_KEY] = {"map-key", {"fresh", "stale"}},
        [LEVELS] = {"levels", {"auto", "5"}},
        [BENCH] = {"bench", {"no", "yes"}},
        [DUMP] = {"dump", {"no", "yes", "varied"}},
        [MATRIX] = {"matrix", {"sample", "no", "all"}},
        [END] = {"end", {"auto", "halt", "shutdown", "reset", "store"}},
        [STORE] = {"store", {"auto", "no", "hint"}},
        [CRASH] = {"crash",
                   {"no", "loader", "early", "page-fault", "general-protection", "double-fault", "triple",
                    "hang"}},
    };
    unsigned which = 0;
    while (which < CHOICES && !word_is(key, choices[which].key))
        which++;
    int chosen = which < CHOICES ? choice(value, choices[which].values) : -1;
    if (chosen < 0)
        return false;
    choose(options, which, chosen);
    return true;
}

static bool apply_word(struct options *options, struct option_word word)
{
    struct option_word key = {word.text, 0};
    while (key.length < word.length && word.text[key.length] != '=')
        key.length++;
    if (key.length == word.length)
        return false;
    struct option_word value = {word.text + key.length + 1, word.length - key.length - 1};
    if (word_is(key, "tests"))
        return set_tests(options, value);
    if (word_is(key, "wait"))
        return set_wait(options, value);
    if (word_is(key, "exclude"))
        return add_exclude(options, value);
    return set_choice(options, key, value);
}

bool options_apply(struct options *options, const char *text, size_t bytes)
{
    bool understood = true;
    for (;;) {
        struct option_word word = next_word(&text, &bytes);
        if (word.length == 0)
            return understood;
        if (apply_word(options, word))
            continue;
        if (options->refused[0] == '\0')
            copy_word(options->refused, word);
        understood = false;
    }
}

bool options_from_ucs2(const uint8_t *ucs2, size_t bytes, char *text, size_t *length)
{
    size_t taken = 0;
    for (; taken < bytes / 2; taken++) {
        unsigned c = ucs2[2 * taken] | (unsigned)ucs2[2 * taken + 1] << 8;
        if (c == 0)
            break;
        bool blank = c == '\t' || c == '\r' || c == '\n';
        if (!blank && (c < ' ' || c > '~'))
            return false;
        text[taken] = (char)c;
    }
    *length = taken;
    return true;
}
