/* SPDX-License-Identifier: MIT */
/* differences.c - cases that were not as predicted: classes of them, and the smallest case of each. */
#include "console/console.h"
#include "report/report.h"
#include "selftest/matrix/matrix.h"

static const struct {
    const char *name, *words;
} classes[MATRIX_CLASSES] = {
    [MATRIX_IS_ALLOWED] = {"allowed", "allowed instead of refused"},
    [MATRIX_IS_REFUSED] = {"refused", "refused instead of allowed"},
    [MATRIX_ERROR_CODE] = {"error_code", "refused with another error code"},
    [MATRIX_ADDRESS] = {"address", "refused with another address in CR2"},
    [MATRIX_MARKS] = {"marks", "other accessed or dirty bits"},
    [MATRIX_WORD] = {"word", "another word was read or written"},
};

static bool entries_differ(const struct matrix_difference *found)
{
    const struct matrix_prediction *predicted = &found->predicted;
    bool differ = false;
    for (unsigned level = found->query.place->size; level <= PAGING_MAX_LEVELS; level++) {
        uint64_t lenient = level >= predicted->lenient_from ? PAGING_ACCESSED : 0;
        differ = differ || ((found->after[level].bits ^ predicted->entries[level].bits) & ~lenient) != 0;
    }
    return differ;
}

static enum matrix_class class_of(const struct matrix_difference *found)
{
    bool should_fault = found->predicted.code != MATRIX_NO_FAULT,
         faults = found->outcome.code != MATRIX_NO_FAULT;
    if (should_fault != faults)
        return faults ? MATRIX_IS_REFUSED : MATRIX_IS_ALLOWED;
    if (found->predicted.code != found->outcome.code)
        return MATRIX_ERROR_CODE;
    if (faults && found->outcome.word != found->query.place->address.value)
        return MATRIX_ADDRESS;
    return entries_differ(found) ? MATRIX_MARKS : MATRIX_WORD;
}

/* Returns the clause of SDM 3A that decides: of the rights, of keys, of reserved bits, or of the class. */
static const char *clause_of(const struct matrix_difference *found, enum matrix_class class)
{
    uint64_t refusal = class == MATRIX_IS_ALLOWED ? found->predicted.code : found->outcome.code;
    if (class == MATRIX_MARKS)
        return "4.8";
    if (class == MATRIX_WORD)
        return "4.5";
    if (class == MATRIX_ERROR_CODE || class == MATRIX_ADDRESS)
        return "4.7";
    if (refusal & PAGING_FAULT_KEY)
        return "4.6.2";
    return refusal & PAGING_FAULT_RESERVED || !(refusal & PAGING_FAULT_PRESENT) ? "4.5" : "4.6.1";
}

static unsigned bits_of(uint64_t word)
{
    unsigned bits = 0;
    for (; word != 0; word &= word - 1)
        bits++;
    return bits;
}

/* Returns how far a case is from a read of a page that allows everything, with all control bits off. */
static unsigned weight_of(const struct matrix_difference *found)
{
    const struct matrix_query *query = &found->query;
    const struct matrix_controls *controls = &found->controls;
    unsigned weight = (unsigned)controls->no_execute + controls->write_protect + controls->smep +
                      controls->smap + controls->protection_keys + query->is.ac + query->is.user +
                      (query->kind != MATRIX_READ) + 1;
    for (unsigned level = query->place->size; level <= PAGING_MAX_LEVELS; level++)
        weight += bits_of(found->before.entries[level].bits ^ query->place->plain[level].bits);
    return weight;
}

void matrix_example_add(struct matrix_example *example, const struct matrix_difference *found)
{
    unsigned weight = weight_of(found);
    if (example->cases++ > 0 && example->weight <= weight)
        return;
    example->weight = weight;
    example->smallest = *found;
}

void matrix_count(struct matrix *m, const struct matrix_difference *found)
{
    matrix_example_add(&m->classes[class_of(found)], found);
}

void matrix_print_classes(const struct matrix *m, const char *name)
{
    print("# differences_%s=", name);
    for (unsigned i = 0; i < MATRIX_CLASSES; i++)
        print("%s%s=%lu", i == 0 ? "" : " ", classes[i].name, m->classes[i].cases);
    print("\n");
    for (unsigned i = 0; i < MATRIX_CLASSES; i++) {
        const struct matrix_example *example = &m->classes[i];
        if (example->cases == 0)
            continue;
        print("# smallest: of %lu cases, %s; SDM 3A %s\n", example->cases, classes[i].words,
              clause_of(&example->smallest, i));
        matrix_print(m, &example->smallest);
    }
}

void matrix_print_deviations(const struct matrix *m)
{
    for (unsigned i = 0; i < DEVIATIONS; i++) {
        const struct matrix_example *example = &m->deviations[i];
        if (example->cases == 0)
            continue;
        print("# smallest: of %lu cases, deviation_%s\n", example->cases, deviation_name(i));
        matrix_print(m, &example->smallest);
    }
}
