/* SPDX-License-Identifier: MIT */
/* descriptors: what the processor reads from the tables, with each vector's handler and stack. */
#include "devices/processor/processor.h"

#include <string.h>

#include "kernel/cpu/descriptors.h"
#include "kernel/cpu/exceptions.h"
#include "kernel/cpu/selectors.h"

enum {
    VECTORS = 256,
    STACK_BYTES = 16384,
    GUARD_BYTES = 4096,
    CODE = 8,
    INTERRUPT_GATE = 0x8e,
    FROM_USER = 0xee
};

/* One entry per vector, of 16 bytes. */
__asm__(".text\n.globl exception_entries\n.hidden exception_entries\nexception_entries: .skip 4096");
extern const char exception_entries[] __attribute__((visibility("hidden")));

static int begin(void **state)
{
    processor_begin();
    descriptors_load();
    return 0;
}

/* ---- tables as the processor reads them (SDM 3A, figures 3-8, 6-8, 8-4 and 8-11) ---- */

static uint64_t descriptor(unsigned selector)
{
    assert_true(selector + 7 <= processor.gdt.limit);
    return processor.descriptors[selector / 8];
}

static uint64_t word_of_idt(unsigned number)
{
    uint64_t word;
    assert_true(8 * number + 7 <= processor.idt.limit);
    memcpy(&word, (const uint8_t *)(uintptr_t)processor.idt.base + (size_t)8 * number, sizeof word);
    return word;
}

struct gate {
    uint64_t handler;
    unsigned selector, stack, type;
};

static struct gate gate(unsigned vector)
{
    uint64_t low = word_of_idt(2 * vector), high = word_of_idt(2 * vector + 1);
    assert_int_equal(high >> 32, 0);
    return (struct gate){.handler = (low & 0xffff) | (low >> 48) << 16 | high << 32,
                         .selector = (unsigned)(low >> 16 & 0xffff),
                         .stack = (unsigned)(low >> 32 & 0xff),
                         .type = (unsigned)(low >> 40 & 0xff)};
}

struct segment {
    uint64_t base, limit;
    unsigned type; /* with P and DPL */
};

static struct segment system_segment(unsigned selector)
{
    uint64_t low = descriptor(selector), high = descriptor(selector + 8);
    assert_int_equal(low >> 48 & 0xff, 0); /* limits in bytes, without upper bits */
    return (struct segment){.base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32,
                            .limit = low & 0xffff,
                            .type = (unsigned)(low >> 40 & 0xff)};
}

static uint64_t in_tss(unsigned offset)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)(uintptr_t)system_segment(TSS_SELECTOR).base + offset, sizeof word);
    return word;
}

/* ---- tests ---- */

static void segments(void **state)
{
    static const struct {
        unsigned selector;
        uint64_t descriptor;
    } all[] = {{0, 0},
               {0x08, 0x00af9b000000ffff},
               {0x10, 0x00cf93000000ffff},
               {0x28, 0x00cf9b000000ffff},
               {0x30, 0x00cff3000000ffff},
               {0x38, 0x00affb000000ffff}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(descriptor(all[i].selector), all[i].descriptor);
    assert_int_equal(processor.gdt.limit, 10 * 8 - 1);
}

/* #DF, NMI and #MC have a stack each, and interrupts one; the others stay on the stack that is used. */
static void each_vector_has_its_entry_and_stack(void **state)
{
    assert_int_equal(processor.idt.limit, VECTORS * 16 - 1);
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        struct gate found = gate(vector);
        if (vector == USER_INTERRUPT) {
            assert_int_equal(found.handler | found.selector | found.stack | found.type, 0);
            continue;
        }
        assert_int_equal(found.handler, (uintptr_t)exception_entries + (size_t)16 * vector);
        assert_int_equal(found.selector, CODE);
        assert_int_equal(found.type, INTERRUPT_GATE);
        assert_int_equal(found.stack, vector == 8    ? 1
                                      : vector == 2  ? 2
                                      : vector == 18 ? 3
                                      : vector >= 32 ? 4
                                                     : 0);
    }
}

/* Offsets in the TSS: RSP0 at 4, IST1 at 36, the I/O map's base at 102. Each has a page below it. */
static void stacks_of_their_own(void **state)
{
    struct segment tss = system_segment(TSS_SELECTOR);
    struct byte_range stacks = descriptors_stacks();
    assert_int_equal(tss.type, 0x89);
    assert_int_equal(tss.limit, 103);
    assert_int_equal(stacks.end - stacks.start, 5 * (GUARD_BYTES + STACK_BYTES));
    for (unsigned i = 0; i < 5; i++) {
        struct guarded_stack stack = descriptors_stack(i);
        assert_int_equal(stack.guard, stacks.start + i * (uint64_t)(GUARD_BYTES + STACK_BYTES));
        assert_int_equal(stack.guard % GUARD_BYTES, 0);
        assert_int_equal(stack.bytes.start, stack.guard + GUARD_BYTES);
        assert_int_equal(stack.bytes.end, stack.bytes.start + STACK_BYTES);
        assert_int_equal(in_tss(36 + 8 * i), stack.bytes.end);
    }
    assert_int_equal(in_tss(36 + 8 * 5) | in_tss(36 + 8 * 6), 0);
    assert_int_equal(in_tss(4), descriptors_stack(4).bytes.end); /* of exceptions in ring 3 */
    assert_int_equal(in_tss(96) >> 48, 104);                     /* there is no map */
    assert_int_equal(processor.ldt, 0);
}

/* By the number of IST that a gate has, each stack is called after the vectors that use it. */
static void stacks_are_named(void **state)
{
    static const char *const names[] = {"the stack of the #DF handler", "the stack of the NMI handler",
                                        "the stack of the #MC handler", "the stack of interrupts"};
    static const unsigned vectors[] = {8, 2, 18, 33};
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(descriptors_stack(gate(vectors[i]).stack - 1).name, names[i]);
    assert_string_equal(descriptors_stack(4).name, "the stack of exceptions in ring 3");
}

static void a_gate_of_the_callers(void **state)
{
    const void *handler = (const void *)0x123456789abcdef0;
    for (unsigned from_user = 0; from_user < 2; from_user++) {
        descriptors_set_gate(USER_INTERRUPT, handler, from_user);
        struct gate found = gate(USER_INTERRUPT);
        assert_int_equal(found.handler, 0x123456789abcdef0);
        assert_int_equal(found.selector, CODE);
        assert_int_equal(found.stack, 0);
        assert_int_equal(found.type, from_user ? FROM_USER : INTERRUPT_GATE);
    }
    descriptors_load();
    assert_int_equal(gate(USER_INTERRUPT).handler, 0);
}

static void an_ldt_of_the_callers(void **state)
{
    static const uint64_t bases[] = {0xfedcba9876543210, 0x0123456789abcdef};
    for (unsigned i = 0; i < 2; i++) {
        descriptors_set_ldt(bases[i]);
        struct segment ldt = system_segment(LDT_SELECTOR);
        assert_int_equal(ldt.base, bases[i]);
        assert_int_equal(ldt.limit, 7);
        assert_int_equal(ldt.type, 0x82);
        assert_int_equal(processor.ldt, LDT_SELECTOR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, because what one load has filled in is there at the next. */
        {"descriptors: each stack is called after what uses it", stacks_are_named, begin, NULL, NULL},
        {"descriptors: the TSS tells the stacks", stacks_of_their_own, begin, NULL, NULL},
        {"descriptors: segments", segments, begin, NULL, NULL},
        {"descriptors: each vector has its entry, and #DF, NMI and #MC a stack",
         each_vector_has_its_entry_and_stack, begin, NULL, NULL},
        {"descriptors: a gate of the caller's, until they are loaded again", a_gate_of_the_callers, begin,
         NULL, NULL},
        {"descriptors: an LDT of the caller's", an_ldt_of_the_callers, begin, NULL, NULL},
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
