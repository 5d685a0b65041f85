/* SPDX-License-Identifier: MIT */
/* print.c - prints a case that was not as predicted. */
#include "console/console.h"
#include "selftest/matrix/matrix.h"
#include <selfmap/entry.h>

static const char *size_name(unsigned size)
{
    static const char *const names[] = {"", "4 KiB", "2 MiB", "1 GiB"};
    return names[size];
}

static const char *kind_name(enum matrix_kind kind)
{
    static const char *const names[MATRIX_KINDS] = {"read", "write", "fetch", "implicit read"};
    return names[kind];
}

static void print_outcome(const char *who, uint64_t code)
{
    if (code == MATRIX_NO_FAULT)
        print("#   %s: no fault\n", who);
    else
        print("#   %s: a page fault, error code %lx:%s%s%s%s%s%s\n", who, code,
              code & PAGING_FAULT_RESERVED  ? " a reserved bit"
              : code & PAGING_FAULT_PRESENT ? " no right"
                                            : " not present",
              code & PAGING_FAULT_RESERVED && !(code & PAGING_FAULT_PRESENT) ? " (not called present)" : "",
              code & PAGING_FAULT_USER ? ", user" : ", supervisor",
              code & PAGING_FAULT_WRITE ? ", write" : "", code & PAGING_FAULT_FETCH ? ", fetch" : "",
              code & PAGING_FAULT_KEY ? ", protection key" : "");
}

static void print_entry(unsigned level, paging_entry_t before, paging_entry_t expected, paging_entry_t now)
{
    static const struct {
        uint64_t flag;
        const char *name;
    } flags[] = {{PAGING_PRESENT, " present"},   {PAGING_WRITABLE, " writable"},    {PAGING_USER, " user"},
                 {PAGING_ACCESSED, " accessed"}, {PAGING_DIRTY, " dirty"},          {PAGING_HUGE, " bit-7"},
                 {PAGING_GLOBAL, " global"},     {PAGING_NO_EXECUTE, " no-execute"}};
    print("#   P%u entry %016lx:", level, before.bits);
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        print("%s", before.bits & flags[i].flag ? flags[i].name : "");
    print("; afterwards %016lx, should be %016lx\n", now.bits, expected.bits);
}

void matrix_print(const struct matrix *m, const struct matrix_difference *found)
{
    const struct matrix_place *place = found->query.place;
    const struct matrix_controls *controls = &found->controls;
    print("# differs: ring %d, %s of a %s page at %016lx\n", found->query.is.user ? 3 : 0,
          kind_name(found->query.kind), size_name(place->size), place->address.value);
    print("#   with CR0.WP=%d EFER.NXE=%d CR4.SMEP=%d CR4.SMAP=%d RFLAGS.AC=%d CR4.PKE=%d PKRU=%x\n",
          controls->write_protect, controls->no_execute, controls->smep, controls->smap, found->query.is.ac,
          controls->protection_keys, controls->pkru);
    for (unsigned level = m->t->space->cpu.levels; level >= place->size; level--)
        print_entry(level, found->before.entries[level], found->predicted.entries[level],
                    found->after[level]);
    print_outcome("predicted", found->predicted.code);
    print_outcome("the processor", found->outcome.code);
    print("#   %s %016lx, memory holds %016lx\n",
          found->outcome.code == MATRIX_NO_FAULT ? "the word was" : "the address was", found->outcome.word,
          found->memory_after);
}
