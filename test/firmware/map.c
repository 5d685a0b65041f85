/* SPDX-License-Identifier: MIT */
/*
 * map.c - edits of the memory map, one after the other, in the order of the words `map=`.
 *
 *   add:PLACE:PAGES:TYPE[:ATTRIBUTES]    a descriptor at the end
 *   put:PLACE:PAGES:TYPE[:ATTRIBUTES]    the same at the beginning
 *   set:PLACE:PAGES:TYPE[:ATTRIBUTES]    instead of what there is
 *   cut:PLACE:PAGES                      nothing instead of what there is
 *   all:TYPE:TYPE                        each descriptor of the one type gets the other; * is any
 *   keep:PAGES                           all free memory is reserved except the first pages above 1 MiB
 *   order:sort|reverse|shuffle|fold      fold: the first, the last, the second ...
 *   twice:N                              each descriptor N times
 *   many:N:PLACE:PAGES:TYPE[:STEP]       N descriptors, STEP bytes apart
 *   split:PAGES                          free memory in pieces of this size
 *   attributes:TYPE:BITS                 bits to change in each descriptor of the type
 *   empty                                no descriptor
 */
#include "shim.h"

struct piece *pieces;
size_t piece_count;

enum { ANY = 0xffffffff };

static void insert(size_t at, struct piece piece)
{
    if (piece_count == PIECE_LIMIT)
        give_up("more than %d descriptors", PIECE_LIMIT);
    for (size_t i = piece_count++; i > at; i--)
        pieces[i] = pieces[i - 1];
    pieces[at] = piece;
}

static bool is_free(uint32_t type)
{
    return type == EfiConventionalMemory || type == EfiBootServicesCode || type == EfiBootServicesData;
}

/* Cuts each free descriptor or, if `what` is ANY, each descriptor in two at an address. */
static void divide(uint64_t address)
{
    for (size_t i = 0; i < piece_count; i++) {
        struct piece *piece = &pieces[i], rest = *piece;
        uint64_t before = (address - piece->start) / SHIM_PAGE;
        if (address <= piece->start || before >= piece->pages)
            continue;
        piece->pages = before;
        rest.start = address;
        rest.pages -= before;
        insert(i + 1, rest);
    }
}

static void cut(uint64_t start, uint64_t pages)
{
    uint64_t end = start + pages * SHIM_PAGE;
    divide(start);
    divide(end);
    size_t kept = 0;
    for (size_t i = 0; i < piece_count; i++)
        if (pieces[i].start < start || pieces[i].start >= end)
            pieces[kept++] = pieces[i];
    piece_count = kept;
}

static struct piece take_piece(const char **text)
{
    struct piece piece = {.start = take_number(text, 0)};
    piece.pages = take_number(text, 1);
    piece.type = (uint32_t)take_number(text, EfiReservedMemoryType);
    piece.attributes = take_number(text, 0xf);
    return piece;
}

/* ---- edits ---- */

static void edit_add(const char *text)
{
    insert(piece_count, take_piece(&text));
}

static void edit_put(const char *text)
{
    insert(0, take_piece(&text));
}

static void edit_set(const char *text)
{
    struct piece piece = take_piece(&text);
    cut(piece.start, piece.pages);
    insert(piece_count, piece);
}

static void edit_cut(const char *text)
{
    uint64_t start = take_number(&text, 0);
    cut(start, take_number(&text, 1));
}

static uint32_t take_type(const char **text)
{
    return take_name(text, "*") ? ANY : (uint32_t)take_number(text, 0);
}

static void edit_all(const char *text)
{
    uint32_t from = take_type(&text), to = (uint32_t)take_number(&text, 0);
    for (size_t i = 0; i < piece_count; i++)
        if (from == ANY || pieces[i].type == from)
            pieces[i].type = to;
}

static void edit_keep(const char *text)
{
    uint64_t left = take_number(&text, 0), first = 0x100000;
    divide(first);
    for (size_t i = 0; i < piece_count; i++) {
        if (!is_free(pieces[i].type) || pieces[i].start < first)
            continue;
        if (left > 0 && pieces[i].pages > left)
            divide(pieces[i].start + left * SHIM_PAGE);
        if (left > 0)
            left -= pieces[i].pages;
        else
            pieces[i].type = EfiReservedMemoryType;
    }
}

static void swap(size_t a, size_t b)
{
    struct piece piece = pieces[a];
    pieces[a] = pieces[b];
    pieces[b] = piece;
}

static void sort(void)
{
    for (size_t i = 1; i < piece_count; i++)
        for (size_t j = i; j > 0 && pieces[j - 1].start > pieces[j].start; j--)
            swap(j - 1, j);
}

static void shuffle(void)
{
    uint64_t random = 12345;
    for (size_t i = piece_count; i > 1; i--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        swap(i - 1, (size_t)((random >> 33) % i));
    }
}

static void edit_order(const char *text)
{
    if (take_name(&text, "shuffle")) {
        shuffle();
        return;
    }
    sort();
    if (take_name(&text, "reverse"))
        for (size_t i = 0; i < piece_count / 2; i++)
            swap(i, piece_count - 1 - i);
    if (take_name(&text, "fold"))
        for (size_t i = 1; i < piece_count; i += 2)
            for (size_t j = piece_count - 1; j > i; j--)
                swap(j, j - 1);
}

static void edit_twice(const char *text)
{
    uint64_t times = take_number(&text, 2);
    size_t count = piece_count;
    for (uint64_t round = 1; round < times; round++)
        for (size_t i = 0; i < count; i++)
            insert(piece_count, pieces[i]);
}

static void edit_many(const char *text)
{
    uint64_t times = take_number(&text, 1);
    struct piece piece = {.start = take_number(&text, 0)};
    piece.pages = take_number(&text, 1);
    piece.type = (uint32_t)take_number(&text, EfiReservedMemoryType);
    uint64_t step = take_number(&text, SHIM_PAGE);
    piece.attributes = 0xf;
    for (; times > 0; times--, piece.start += step)
        insert(piece_count, piece);
}

static void edit_split(const char *text)
{
    uint64_t most = take_number(&text, 1);
    size_t count = piece_count;
    for (size_t i = 0; i < count; i++)
        while (is_free(pieces[i].type) && pieces[i].pages > most && piece_count < PIECE_LIMIT / 2) {
            struct piece part = pieces[i];
            part.pages = most;
            pieces[i].start += most * SHIM_PAGE;
            pieces[i].pages -= most;
            insert(piece_count, part);
        }
}

static void edit_attributes(const char *text)
{
    uint32_t type = take_type(&text);
    uint64_t bits = take_number(&text, 0);
    for (size_t i = 0; i < piece_count; i++)
        if (type == ANY || pieces[i].type == type)
            pieces[i].attributes ^= bits;
}

static void edit_empty(const char *text)
{
    (void)text;
    piece_count = 0;
}

void map_edit(enum moment moment)
{
    static const struct {
        const char *name;
        void (*edit)(const char *text);
    } edits[] = {
        {"add", edit_add},   {"put", edit_put},     {"set", edit_set},     {"cut", edit_cut},
        {"all", edit_all},   {"keep", edit_keep},   {"order", edit_order}, {"twice", edit_twice},
        {"many", edit_many}, {"split", edit_split}, {"empty", edit_empty}, {"attributes", edit_attributes},
    };
    enum { COUNT = sizeof edits / sizeof edits[0] };
    const char *text;
    for (size_t at = 0; (text = next_word("map", moment, &at));) {
        size_t i = 0;
        while (i < COUNT && !take_name(&text, edits[i].name))
            i++;
        if (i == COUNT)
            give_up("the map has no edit \"%s\"", text);
        edits[i].edit(text);
    }
}
