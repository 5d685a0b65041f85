/* SPDX-License-Identifier: MIT */
/* runtime_calls.c - GetTime and GetVariable. */
#include "boot/runtime_calls.h"
#include "cpu/safe_access.h"
#include "report/report.h"
#include <selfmap/translate.h>

struct guid {
    uint32_t a;
    uint16_t b, c;
    uint8_t d[8];
};

typedef uint64_t(__attribute__((ms_abi)) * get_time_fn)(void *time, void *capabilities);
typedef uint64_t(__attribute__((ms_abi)) * get_variable_fn)(const uint16_t *name, const struct guid *vendor,
                                                            uint32_t *attributes, uint64_t *bytes,
                                                            void *data);

enum { CALLS = 2, EFI_TIME_BYTES = 16, LOADER_VALUE_BYTES = 64 };

static const struct handoff *handoff; /* the calls run without arguments, so that a fault ends them only */
static uint64_t answer;

static void get_time(void)
{
    uint64_t time[EFI_TIME_BYTES / sizeof(uint64_t)];
    answer = ((get_time_fn)handoff->get_time.value)(time, NULL);
}

/* Every firmware has this one (UEFI 2.10, 3.3): the languages that it speaks. */
static void get_variable(void)
{
    static const uint16_t name[] = {'P', 'l', 'a', 't', 'f', 'o', 'r', 'm', 'L', 'a', 'n', 'g', 0};
    static const struct guid global = {
        0x8be4df61, 0x93ca, 0x11d2, {0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
    uint64_t data[LOADER_VALUE_BYTES / sizeof(uint64_t)], bytes = sizeof data;
    uint32_t attributes;
    answer = ((get_variable_fn)handoff->get_variable.value)(name, &global, &attributes, &bytes, data);
}

static struct {
    const char *name;
    const char *when;
    void (*call)(void);
    const char *why_not; /* or NULL: it was called */
    struct safe_access access;
    uint64_t answer;
} calls[CALLS] = {{"get_time", "after the call of GetTime", get_time, "", {0}, 0},
                  {"get_variable", "after the call of GetVariable", get_variable, "", {0}, 0}};

/* Returns NULL if there is code at the address, or why it cannot be called. */
static const char *refusal(const struct paging_space *space, paging_phys_t at)
{
    struct paging_translation found;
    if (at.value == 0)
        return "the firmware does not offer it";
    if (paging_translate(space, (paging_virt_t){at.value}, &found) != PAGING_OK ||
        found.address.value != at.value)
        return "its address is not mapped";
    return found.flags & PAGING_NO_EXECUTE ? "its address is not one of code" : NULL;
}

void runtime_calls_make(struct handoff *from, void (*after)(struct handoff *handoff, const char *when))
{
    const paging_phys_t at[CALLS] = {from->get_time, from->get_variable};
    bool faulted = false;
    handoff = from;
    for (unsigned i = 0; i < CALLS; i++) {
        calls[i].why_not =
            !from->options.runtime_calls_off ? refusal(&from->space, at[i]) : "runtime-calls=no";
        if (faulted)
            calls[i].why_not = "the call before it has faulted";
        if (calls[i].why_not)
            continue;
        calls[i].access = safe_fetch((paging_virt_t){(uintptr_t)calls[i].call});
        calls[i].answer = answer;
        faulted = calls[i].access.faulted;
        after(from, calls[i].when);
    }
}

void runtime_calls_print(void)
{
    for (unsigned i = 0; i < CALLS; i++)
        if (calls[i].why_not)
            print("# runtime_%s=not called: %s\n", calls[i].name, calls[i].why_not);
        else if (calls[i].access.faulted)
            print("# runtime_%s=exception %lu, error code %lx, address %lx\n", calls[i].name,
                  calls[i].access.vector, calls[i].access.error_code, calls[i].access.address);
        else
            print("# runtime_%s=status %lx\n", calls[i].name, calls[i].answer);
}
