/* SPDX-License-Identifier: MIT */
/*
 * exceptions: who is asked whether an exception was expected, and to the last digit what is said about one
 * that was not.
 */
#include "devices/processor/processor.h"
#include "kernel/child.h"

#include <string.h>

#include "kernel/console/console.h"
#include "kernel/cpu/descriptors.h"
#include "kernel/cpu/exceptions.h"
#include "kernel/cpu/hardware_errors.h"
#include "kernel/cpu/page_fault.h"
#include "kernel/cpu/safe_access.h"
#include "kernel/cpu/watchdog.h"
#include <selfmap/access.h>
#include <selfmap/guarded_load.h>

enum { VECTORS = 256, PAGE = 4096, WORDS = PAGE / 8 };
#define STACK_FAULT 12

/* The code of the image, whose ends the linker tells. */
__asm__(".data\n.globl image_code_start, image_code_end\n.hidden image_code_start, image_code_end\n"
        "image_code_start: .skip 4096\nimage_code_end: .skip 8\n.text");
extern const char image_code_start[] __attribute__((visibility("hidden")));

static uint64_t code(unsigned offset)
{
    return (uintptr_t)image_code_start + offset;
}

/* ---- what is asked, called and printed, in its order ---- */

static char said[8192];

void print(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

void console_divert(struct format_sink *sink)
{
    print("[divert %d]", sink != NULL);
}

static void (*while_explaining)(void);

void explain_nmi(void)
{
    print("[nmi]\n");
    if (while_explaining)
        while_explaining();
}

void explain_machine_check(void)
{
    print("[machine check]\n");
}

void watchdog_explain(void)
{
    print("[watchdog]\n");
}

static const struct paging_space *const a_space = (const struct paging_space *)0x5ace;

void explain_page_fault(struct format_sink *sink, const struct paging_space *active, struct page_fault fault)
{
    format(sink, "space %d, address %lx, code %lx, cr3 %lx", active == a_space, fault.address.value,
           fault.error_code, fault.cr3);
}

/* Three stacks: of exceptions, of the loader, of the kernel with a guard page below. */
static _Alignas(4096) uint64_t exception_stack[WORDS], loader_stack[WORDS], stack[2 * WORDS];

static struct byte_range bytes_of(const uint64_t *start, unsigned words)
{
    return (struct byte_range){(uintptr_t)start, (uintptr_t)(start + words)};
}

struct byte_range descriptors_stacks(void)
{
    return bytes_of(exception_stack, WORDS);
}

/* Each has a page of its own for a guard page, and is named by its number. */
static _Alignas(4096) uint8_t guards[DESCRIPTORS_STACKS][PAGE];

struct guarded_stack descriptors_stack(unsigned number)
{
    static const char *const names[] = {"stack 0", "stack 1", "stack 2", "stack 3", "stack 4"};
    assert_true(number < DESCRIPTORS_STACKS);
    return (struct guarded_stack){.name = names[number], .guard = (uintptr_t)guards[number]};
}

static bool pushes;

bool safe_push_is_running(void)
{
    return pushes;
}

static uint64_t unreadable;

struct safe_access safe_read(paging_virt_t address)
{
    struct safe_access access = {.faulted = address.value == unreadable, .value = 0x5a5a};
    if (!access.faulted)
        access.value = *(const uint64_t *)address.value;
    return access;
}

/* ---- hooks ---- */

static bool answers[3];

static bool single_step(struct exception_frame *frame)
{
    print("[step %lu]", frame->vector);
    return answers[0];
}

static bool expected_fault(struct exception_frame *frame)
{
    print("[expected %lu]", frame->vector);
    return answers[1];
}

static bool interrupt(struct exception_frame *frame)
{
    print("[interrupt %lu]", frame->vector);
    return answers[2];
}

static void fatal(const char *exception)
{
    print("[fatal %s]", exception);
}

/* ---- an exception in a process of its own, because the first one is told otherwise than those in it ---- */

static void (*body_of_run)(void);

static void run_until_it_halts(void)
{
    jmp_buf halted;
    processor.halt = &halted;
    if (setjmp(halted) == 0)
        body_of_run();
    else
        print("[halt]");
    child_ends(0, said, strlen(said));
}

static const char *text_of(void (*body)(void))
{
    static char text[sizeof said];
    body_of_run = body;
    assert_int_equal(run_in_child(run_until_it_halts, text, sizeof text), 0);
    return text;
}

static struct exception_frame frame;

static void raise_frame(void)
{
    exception_report(&frame);
    print("[goes on]");
}

static const char *report(void)
{
    return text_of(raise_frame);
}

static void assert_says(const char *part)
{
    const char *text = report();
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void assert_says_not(const char *part)
{
    const char *text = report();
    if (strstr(text, part))
        fail_msg("\"%s\" contains \"%s\"", text, part);
}

static int begin(void **state)
{
    processor_begin();
    processor.cr2 = 0xcccc222200000002;
    processor.cr3 = 0xcccc333300000003;
    unreadable = 0;
    while_explaining = NULL;
    memset(answers, 0, sizeof answers);
    exceptions_set_hooks((struct exception_hooks){.fatal = fatal});
    exceptions_set_context((struct exception_context){.active = a_space,
                                                      .image_base = code(0) - 0x1000,
                                                      .build_id = "0123abcd",
                                                      .stack_guard = (uintptr_t)stack,
                                                      .stack_top = (uintptr_t)(stack + 2 * WORDS),
                                                      .loader_stack = bytes_of(loader_stack, WORDS)});
    frame = (struct exception_frame){.vector = 6, .rip = code(0x20), .rbp = 0, .rsp = 0};
    return 0;
}

/* ---- hooks ---- */

/*
 * The core's guarded load comes first: it continues where it returns that it has failed, and no hook is
 * asked. Of these vectors only: what interrupts it otherwise has another reason.
 */
static void a_guarded_load_continues(void **state)
{
    uint64_t load = (uintptr_t)paging_entry_load_guarded;
    const unsigned vectors[] = {PAGE_FAULT, GENERAL_PROTECTION};
    answers[1] = false;
    for (unsigned i = 0; i < 2; i++) {
        frame = (struct exception_frame){.vector = vectors[i], .rip = load};
        assert_string_equal(report(), "[goes on]");
        exception_report(&frame);
        assert_int_not_equal(frame.rip, load);
        assert_false(paging_resume_fault(&frame.rip));
    }
    frame = (struct exception_frame){.vector = DOUBLE_FAULT, .rip = load};
    assert_says("#DF double fault");
}

static void all_hooks(void)
{
    exceptions_set_hooks((struct exception_hooks){single_step, expected_fault, interrupt, fatal});
}

/* Asserts which hooks are asked about a vector, and that the run goes on or ends after their answers. */
static void assert_asked(unsigned vector, const char *asked, bool goes_on)
{
    frame.vector = vector;
    const char *text = report();
    if (strncmp(text, asked, strlen(asked)) != 0)
        fail_msg("vector %u: %s instead of %s", vector, text, asked);
    text += strlen(asked);
    if (goes_on)
        assert_string_equal(text, "[goes on]");
    else
        assert_int_equal(strncmp(text, "[divert 0]\n", 11), 0);
}

/* NMI, #DF and #MC do not belong to the access that is expected to fault. */
static void who_is_asked(void **state)
{
    all_hooks();
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        char asked[64];
        bool is_never = vector == 2 || vector == 8 || vector == 18;
        snprintf(asked, sizeof asked,
                 vector == 1   ? "[step %u][expected 1]"
                 : vector < 32 ? "[expected %u]"
                               : "[interrupt %u]",
                 vector);
        if (vector < 34 || vector % 37 == 0 || vector > 253) {
            memset(answers, 0, sizeof answers);
            assert_asked(vector, is_never ? "" : asked, false);
            answers[1] = vector < 32;
            answers[2] = vector >= 32;
            assert_asked(vector, is_never ? "" : asked, !is_never);
        }
    }
    memset(answers, 0, sizeof answers);
    answers[0] = true;
    assert_asked(1, "[step 1]", true);
}

/* A push off a stack ends in #DF, and no other access does. */
static void a_push_may_end_in_a_double_fault(void **state)
{
    all_hooks();
    pushes = true;
    assert_asked(DOUBLE_FAULT, "[expected 8]", false);
    assert_asked(NMI, "", false);
    assert_asked(MACHINE_CHECK, "", false);
    answers[1] = true;
    assert_asked(DOUBLE_FAULT, "[expected 8]", true);
    pushes = false;
    assert_asked(DOUBLE_FAULT, "", false);
}

static void hooks_may_be_missing(void **state)
{
    assert_asked(1, "", false);
    assert_asked(14, "", false);
    assert_asked(32, "", false);
}

/* ---- what is said ---- */

static void each_vector_has_its_name(void **state)
{
    static const char *const names[] = {
        "#DE divide error",
        "#DB debug",
        "NMI",
        "#BP breakpoint",
        "#OF overflow",
        "#BR bound range",
        "#UD invalid opcode",
        "#NM no math device",
        "#DF double fault",
        "coprocessor overrun",
        "#TS invalid TSS",
        "#NP segment not present",
        "#SS stack fault",
        "#GP general protection",
        "#PF page fault",
        "reserved",
        "#MF x87 error",
        "#AC alignment check",
        "#MC machine check",
        "#XM SIMD error",
        "#VE virtualization",
        "#CP control protection",
    };
    for (unsigned vector = 0; vector < 34; vector++) {
        char begins[100], ends[100];
        const char *name = vector < 22 ? names[vector] : vector < 32 ? "reserved exception" : "interrupt";
        frame.vector = vector;
        frame.error_code = 0x1f0 + vector;
        snprintf(begins, sizeof begins, vector < 32 ? "[divert 0]\n%s, error code %x\n" : "[divert 0]\n%s\n",
                 name, 0x1f0 + vector);
        snprintf(ends, sizeof ends, "[fatal %s][halt]", name);
        const char *text = report();
        assert_int_equal(strncmp(text, begins, strlen(begins)), 0);
        assert_string_equal(text + strlen(text) - strlen(ends), ends);
    }
    frame.vector = WATCHDOG_VECTOR;
    assert_says("[divert 0]\nwatchdog: a step or a test did not end in time\n[watchdog]\nrip ");
    assert_says("[fatal watchdog: a step or a test did not end in time][halt]");
}

/* Each register has a value of its own, and stands where its name is. */
static void registers_to_the_last_digit(void **state)
{
    char expected[2048];
    frame = (struct exception_frame){.r15 = 0xf0000f15,
                                     .r14 = 0xe14,
                                     .r13 = 0xd13,
                                     .r12 = 0xc12,
                                     .r11 = 0xb11,
                                     .r10 = 0xa10,
                                     .r9 = 0x909,
                                     .r8 = 0x808,
                                     .rbp = 0x16,
                                     .rdi = 0xd1,
                                     .rsi = 0x51,
                                     .rdx = 0xd2,
                                     .rcx = 0xc1,
                                     .rbx = 0xb1,
                                     .rax = 0xffffffffffffffa1,
                                     .vector = 6,
                                     .error_code = 0,
                                     .rip = code(0x123),
                                     .cs = 0x8,
                                     .rflags = 0x10246,
                                     .rsp = 0x5b0,
                                     .ss = 0x5510};
    snprintf(expected, sizeof expected,
             "[divert 0]\n#UD invalid opcode, error code 0\n"
             "rip %016lx  (image + 1123)  cs 8  rflags 10246\n"
             "rsp 00000000000005b0  rbp 0000000000000016  cr2 cccc222200000002  cr3 cccc333300000003\n"
             "rax ffffffffffffffa1  rbx 00000000000000b1  rcx 00000000000000c1  rdx 00000000000000d2\n"
             "rsi 0000000000000051  rdi 00000000000000d1  r8  0000000000000808  r9  0000000000000909\n"
             "r10 0000000000000a10  r11 0000000000000b11  r12 0000000000000c12  r13 0000000000000d13\n"
             "r14 0000000000000e14  r15 00000000f0000f15\n"
             "# build_id=0123abcd\n# trace: image+0x1123 at %016lx\n"
             "# trace ends: the frame pointer is not a multiple of 8: 0000000000000016\n"
             "[fatal #UD invalid opcode][halt]",
             code(0x123), code(0x123));
    assert_string_equal(report(), expected);
}

static void page_fault_is_explained(void **state)
{
    frame.vector = PAGE_FAULT;
    frame.error_code = 0x17;
    assert_says("#PF page fault, error code 17\npage fault: space 1, address cccc222200000002, code 17, cr3 "
                "cccc333300000003\nrip ");
    assert_ptr_equal(exceptions_set_active_space(NULL), a_space);
    assert_says("\npage fault: space 0, address");
    assert_null(exceptions_set_active_space(a_space));
    assert_says("\npage fault: space 1, address");
    for (frame.vector = 0; frame.vector < 32; frame.vector++)
        if (frame.vector != PAGE_FAULT)
            assert_says_not("page fault: ");
}

static void general_protection_is_explained(void **state)
{
    static const struct {
        uint64_t code;
        const char *words;
    } cases[] = {
        {0x8, "because of entry 1 of the GDT\n"},
        {0x4, "because of entry 0 of the LDT\n"},
        {0x1fc, "because of entry 63 of the LDT\n"},
        {0x82, "because of entry 16 of the IDT\n"},
        {0x86, "because of entry 16 of the IDT\n"},
        {0x1, "because of entry 0 of the GDT, while an event was delivered\n"},
        {0xff07, "because of entry 8160 of the IDT, while an event was delivered\n"},
        {0xf0000 | 0xfff8, "because of entry 8191 of the GDT\n"},
        {0, "no descriptor is involved: a non-canonical address, a reserved bit in a\n"
            "register, or an instruction that is not allowed here\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        frame.vector = GENERAL_PROTECTION;
        frame.error_code = cases[i].code;
        snprintf(text, sizeof text, "\n#GP general protection, error code %lx\ngeneral protection: %srip ",
                 cases[i].code, cases[i].words);
        assert_says(text);
        frame.vector = STACK_FAULT;
        assert_says_not("general protection");
    }
}

static void events_are_explained_by_who_knows(void **state)
{
    for (frame.vector = 0; frame.vector < VECTORS; frame.vector += frame.vector < 40 ? 1 : 40) {
        const char *text = report();
        assert_int_equal(strstr(text, "[nmi]\n") != NULL, frame.vector == 2);
        assert_int_equal(strstr(text, "[machine check]\n") != NULL, frame.vector == 18);
        assert_int_equal(strstr(text, "[watchdog]\n") != NULL, frame.vector == 0xf0);
        assert_int_equal(strstr(text, "\ndouble fault: the processor does not promise that rip is the "
                                      "instruction that faulted\nrip ") != NULL,
                         frame.vector == 8);
    }
}

/* The address in the guard page, and the stack pointer there or in the page above. */
static const struct {
    int64_t address, rsp; /* from the guard page's start */
    bool is_told;
} overflows[] = {{0, 0, true},     {PAGE - 1, PAGE, true}, {8, 2 * PAGE - 1, true}, {-1, 0, false},
                 {PAGE, 0, false}, {8, 2 * PAGE, false},   {8, -8, false}};

static void used_up_stack(void **state)
{
    const uint64_t guard = (uintptr_t)stack;
    frame.vector = DOUBLE_FAULT;
    for (size_t i = 0; i < sizeof overflows / sizeof overflows[0]; i++) {
        char words[120];
        processor.cr2 = guard + (uint64_t)overflows[i].address;
        frame.rsp = guard + (uint64_t)overflows[i].rsp;
        snprintf(words, sizeof words,
                 "\nthe kernel stack is used up: %016lx is in the guard page below it\ndouble",
                 processor.cr2);
        const char *text = report();
        assert_int_equal(strstr(text, words) != NULL, overflows[i].is_told);
        assert_int_equal(strstr(text, "the kernel stack is used up") != NULL, overflows[i].is_told);
    }
}

static void a_stack_of_the_handlers(void **state)
{
    for (unsigned i = 0; i < DESCRIPTORS_STACKS; i++) {
        char words[120];
        frame.vector = i % 2 ? DOUBLE_FAULT : PAGE_FAULT;
        frame.rsp = (uintptr_t)guards[i] + PAGE;
        processor.cr2 = (uintptr_t)guards[i] + PAGE - 8;
        snprintf(words, sizeof words, "\nstack %u is used up: %016lx is in the guard page below it\n", i,
                 processor.cr2);
        assert_says(words);
        frame.vector = GENERAL_PROTECTION; /* CR2 is left over */
        assert_says_not("guard page");
    }
}

/* A wrong pointer into a guard page is not an overflow. */
static void a_stray_access_to_a_guard_page(void **state)
{
    char words[140];
    frame.vector = PAGE_FAULT;
    frame.rsp = (uintptr_t)stack + 5 * PAGE;
    processor.cr2 = (uintptr_t)stack + 16;
    snprintf(
        words, sizeof words,
        "\n%016lx is in the guard page below the kernel stack, to which the stack pointer is not near\nrip ",
        processor.cr2);
    assert_says(words);
    assert_says_not("used up");
}

/* What a report begins with can be had without a report. */
static void words_without_a_report(void **state)
{
    char text[512];
    struct text_sink sink = text_sink(text, sizeof text);
    const struct exception_cause cause = {PAGE_FAULT, 3, 0x1234, 0};
    exceptions_explain(&sink.sink, &cause);
    assert_string_equal(text, "#PF page fault, error code 3\npage fault: space 1, address 1234, code 3, "
                              "cr3 cccc333300000003\n");
}

/* The calls lead from the stack of an exception to the kernel's, and to the loader's: no word beside them. */
static void calls_are_traced(void **state)
{
    char expected[512];
    uint64_t *top = stack + 2 * WORDS;
    exception_stack[10] = (uintptr_t)(loader_stack + 20);
    exception_stack[11] = code(0x30);
    loader_stack[20] = (uintptr_t)(top - 8);
    loader_stack[21] = code(0x40);
    top[-8] = (uintptr_t)(top - 2);
    top[-7] = code(0xfff);
    top[-2] = 0;
    top[-1] = code(0x50);
    frame.rsp = (uintptr_t)exception_stack;
    frame.rbp = (uintptr_t)(exception_stack + 10);
    snprintf(expected, sizeof expected,
             "# trace: image+0x1020 at %016lx\n# trace: image+0x1030 at %016lx\n"
             "# trace: image+0x1040 at %016lx\n# trace: image+0x1fff at %016lx\n"
             "# trace: image+0x1050 at %016lx\n# trace ends: this is the outermost call\n[fatal",
             code(0x20), code(0x30), code(0x40), code(0xfff), code(0x50));
    assert_says(expected);
    top[-7] = code(0x1000); /* behind the code */
    assert_says("# trace ends: the return address is not in the code of this program: ");
    top[-7] = code(0x60);
    unreadable = (uintptr_t)(top - 2);
    assert_says("# trace ends: the frame cannot be read: ");
    unreadable = 0;
    loader_stack[20] = (uintptr_t)(stack + WORDS - 2); /* in the guard page */
    stack[WORDS - 1] = code(0x65);
    assert_says_not("image+0x1065");
    loader_stack[20] = (uintptr_t)(stack + WORDS); /* right above it */
    stack[WORDS] = 0;
    stack[WORDS + 1] = code(0x70);
    assert_says("image+0x1070");
}

/* ---- exceptions in exceptions ---- */

static struct exception_frame inner;

static void raise_inner(void)
{
    exception_report(&inner);
    print("[inner goes on]");
}

static void a_fault_in_the_explanation(void **state)
{
    char expected[256];
    frame.vector = NMI;
    frame.error_code = 0;
    inner = (struct exception_frame){.vector = PAGE_FAULT, .rip = code(0x88), .error_code = 2};
    while_explaining = raise_inner;
    snprintf(expected, sizeof expected,
             "[divert 0]\nNMI, error code 0\n[nmi]\n[divert 0]\n#PF page fault at %016lx while explaining\n"
             "[fatal #PF page fault][halt]",
             code(0x88));
    assert_string_equal(report(), expected);
}

/* One that is expected, as accesses to the stack for its trace, ends nothing. */
static void an_expected_fault_in_the_explanation(void **state)
{
    all_hooks();
    answers[1] = true;
    frame.vector = NMI;
    inner = (struct exception_frame){.vector = PAGE_FAULT};
    while_explaining = raise_inner;
    assert_says("[nmi]\n[expected 14][inner goes on]rip ");
    assert_says("[fatal NMI][halt]");
}

static void fatal_that_faults(const char *exception)
{
    fatal(exception);
    exception_report(&inner);
}

static void a_fault_in_that_line_ends_everything(void **state)
{
    exceptions_set_hooks((struct exception_hooks){.fatal = fatal_that_faults});
    inner = (struct exception_frame){.vector = GENERAL_PROTECTION, .rip = 0x99};
    assert_says("[fatal #UD invalid opcode][divert 0]\n#GP general protection at 0000000000000099 while "
                "explaining\n[fatal #GP general protection][divert 0][halt]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"exceptions: which hook is asked about which vector", who_is_asked, begin, NULL, NULL},
        {"exceptions: a guarded load of the core continues, and no hook is asked", a_guarded_load_continues,
         begin, NULL, NULL},
        {"exceptions: a push may end in #DF", a_push_may_end_in_a_double_fault, begin, NULL, NULL},
        {"exceptions: hooks may be missing", hooks_may_be_missing, begin, NULL, NULL},
        {"exceptions: each vector has its name", each_vector_has_its_name, begin, NULL, NULL},
        {"exceptions: registers, to the last digit", registers_to_the_last_digit, begin, NULL, NULL},
        {"exceptions: a page fault is explained with CR2, CR3 and the active space", page_fault_is_explained,
         begin, NULL, NULL},
        {"exceptions: #GP names the descriptor, or says that there is none", general_protection_is_explained,
         begin, NULL, NULL},
        {"exceptions: NMI, #MC, #DF and the watchdog are explained", events_are_explained_by_who_knows, begin,
         NULL, NULL},
        {"exceptions: a stack that is used up is told", used_up_stack, begin, NULL, NULL},
        {"exceptions: so is a stack of the handlers, by its name", a_stack_of_the_handlers, begin, NULL,
         NULL},
        {"exceptions: a stray access to a guard page is told apart", a_stray_access_to_a_guard_page, begin,
         NULL, NULL},
        {"exceptions: the words of a report without a report", words_without_a_report, begin, NULL, NULL},
        {"exceptions: calls are traced over all three stacks", calls_are_traced, begin, NULL, NULL},
        {"exceptions: a fault in the explanation is told in a line", a_fault_in_the_explanation, begin, NULL,
         NULL},
        {"exceptions: a fault that is expected in the explanation ends nothing",
         an_expected_fault_in_the_explanation, begin, NULL, NULL},
        {"exceptions: a fault after that line ends everything", a_fault_in_that_line_ends_everything, begin,
         NULL, NULL},
    };
    return cmocka_run_group_tests_name("exceptions", tests, NULL, NULL);
}
