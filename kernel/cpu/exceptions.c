/* SPDX-License-Identifier: MIT */
/* exceptions.c - dispatches exceptions to hooks, and prints those that no hook handles. */
#include "cpu/exceptions.h"
#include "console/console.h"
#include "cpu/descriptors.h"
#include "cpu/hardware_errors.h"
#include "cpu/instructions.h"
#include "cpu/page_fault.h"
#include "cpu/safe_access.h"
#include "cpu/watchdog.h"
#include <selfmap/guarded_load.h>

static struct exception_context context;
static struct exception_hooks hooks;

/* efi/selfmap.lds */
extern const char image_code_start[] __attribute__((visibility("hidden")));
extern const char image_code_end[] __attribute__((visibility("hidden")));

static const char *exception_name(uint64_t vector)
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
    if (vector == WATCHDOG_VECTOR)
        return "watchdog: a step or a test did not end in time";
    if (vector >= FIRST_INTERRUPT)
        return "interrupt";
    return vector < sizeof names / sizeof names[0] ? names[vector] : "reserved exception";
}

/* The error code names a descriptor, or is zero (SDM 3A, 6.13). */
static void explain_general_protection(struct format_sink *sink, uint64_t error_code)
{
    const char *table = error_code & 2 ? "IDT" : error_code & 4 ? "LDT" : "GDT";
    if (error_code == 0)
        format(sink,
               "general protection: no descriptor is involved: a non-canonical address, a reserved bit in a\n"
               "register, or an instruction that is not allowed here\n");
    else
        format(sink, "general protection: because of entry %lu of the %s%s\n", error_code >> 3 & 0x1fff,
               table, error_code & 1 ? ", while an event was delivered" : "");
}

static void print_registers(const struct exception_frame *f, uint64_t cr2)
{
    print("rip %016lx  (image + %lx)  cs %lx  rflags %lx\n", f->rip, f->rip - context.image_base, f->cs,
          f->rflags);
    print("rsp %016lx  rbp %016lx  cr2 %016lx  cr3 %016lx\n", f->rsp, f->rbp, cr2, read_cr3());
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print("rsi %016lx  rdi %016lx  r8  %016lx  r9  %016lx\n", f->rsi, f->rdi, f->r8, f->r9);
    print("r10 %016lx  r11 %016lx  r12 %016lx  r13 %016lx\n", f->r10, f->r11, f->r12, f->r13);
    print("r14 %016lx  r15 %016lx\n", f->r14, f->r15);
}

static bool read_word(uint64_t address, uint64_t *value)
{
    struct safe_access access = safe_read((paging_virt_t){address});
    *value = access.value;
    return !access.faulted;
}

static void print_stack_trace(const struct exception_frame *f)
{
    static char text[2048]; /* the stack may be small, and this is called once */
    struct text_sink sink = text_sink(text, sizeof text);
    const struct stack_trace_map map = {
        .image_base = context.image_base,
        .code = {(uint64_t)(uintptr_t)image_code_start, (uint64_t)(uintptr_t)image_code_end},
        .stacks = {descriptors_stacks(),
                   context.loader_stack,
                   {context.stack_guard + PAGING_PAGE_BYTES, context.stack_top}},
        .read = read_word,
    };
    struct stack_trace trace = stack_trace_follow(&map, (struct stack_trace_start){f->rip, f->rsp, f->rbp});
    stack_trace_write(&sink.sink, &map, &trace);
    /* Once more: the last screenful, on a photo, may be all that is left of the log. */
    print("# build_id=%s\n%s", context.build_id, text);
}

/* Returns a stack that has a guard page: those of the exceptions, and last the kernel's. */
static struct guarded_stack stack_with_guard(unsigned number)
{
    if (number < DESCRIPTORS_STACKS)
        return descriptors_stack(number);
    return (struct guarded_stack){.name = "the kernel stack", .guard = context.stack_guard};
}

/*
 * Says whose guard page the address is in, and whether that stack has grown there. An overflow arrives as
 * #DF, because the page fault on the guard page cannot push its frame there either.
 */
static void explain_guard_page(struct format_sink *sink, const struct exception_cause *cause)
{
    for (unsigned i = 0; i <= DESCRIPTORS_STACKS; i++) {
        struct guarded_stack stack = stack_with_guard(i);
        if (cause->address - stack.guard >= PAGING_PAGE_BYTES)
            continue;
        if (cause->rsp - stack.guard < 2 * PAGING_PAGE_BYTES)
            format(sink, "%s is used up: %016lx is in the guard page below it\n", stack.name, cause->address);
        else
            format(sink, "%016lx is in the guard page below %s, to which the stack pointer is not near\n",
                   cause->address, stack.name);
    }
}

static void write_name(struct format_sink *sink, const struct exception_cause *cause)
{
    if (cause->vector >= FIRST_INTERRUPT)
        format(sink, "%s\n", exception_name(cause->vector));
    else
        format(sink, "%s, error code %lx\n", exception_name(cause->vector), cause->error_code);
}

static void write_reasons(struct format_sink *sink, const struct exception_cause *cause)
{
    if (cause->vector == PAGE_FAULT) {
        struct page_fault fault = {{cause->address}, cause->error_code, read_cr3()};
        format(sink, "page fault: ");
        explain_page_fault(sink, context.active, fault);
        format(sink, "\n");
    }
    if (cause->vector == PAGE_FAULT || cause->vector == DOUBLE_FAULT)
        explain_guard_page(sink, cause);
    if (cause->vector == GENERAL_PROTECTION)
        explain_general_protection(sink, cause->error_code);
    if (cause->vector == DOUBLE_FAULT) /* SDM 3A, 6.15 */
        format(sink,
               "double fault: the processor does not promise that rip is the instruction that faulted\n");
}

void exceptions_explain(struct format_sink *sink, const struct exception_cause *cause)
{
    write_name(sink, cause);
    write_reasons(sink, cause);
}

/* Prints what is known about those that no instruction of the interrupted code has caused. */
static void describe_event(uint64_t vector)
{
    if (vector == WATCHDOG_VECTOR)
        watchdog_explain();
    if (vector == NMI)
        explain_nmi();
    if (vector == MACHINE_CHECK)
        explain_machine_check();
}

static void describe(const struct exception_frame *frame)
{
    static char text[1024]; /* the stack may be small */
    struct text_sink sink = text_sink(text, sizeof text);
    const struct exception_cause cause = {frame->vector, frame->error_code, read_cr2(), frame->rsp};
    write_name(&sink.sink, &cause);
    print("\n%s", text); /* before the rest, which may fault */
    sink = text_sink(text, sizeof text);
    write_reasons(&sink.sink, &cause);
    print("%s", text);
    describe_event(frame->vector);
    print_registers(frame, cause.address); /* a guarded load may have changed CR2 since */
    print_stack_trace(frame);
}

/*
 * NMI, #DF and #MC have other causes than the access that a hook waits for, or mean that more is broken. A
 * push off a stack is the access that ends in #DF.
 */
static bool can_be_expected(uint64_t vector)
{
    return vector != NMI && vector != MACHINE_CHECK && (vector != DOUBLE_FAULT || safe_push_is_running());
}

static bool is_handled(struct exception_frame *frame)
{
    if (can_be_expected(frame->vector) && paging_resume_fault(&frame->rip))
        return true;
    if (frame->vector == DEBUG_TRAP && hooks.single_step && hooks.single_step(frame))
        return true;
    if (frame->vector >= FIRST_INTERRUPT)
        return hooks.interrupt && hooks.interrupt(frame);
    return can_be_expected(frame->vector) && hooks.expected_fault && hooks.expected_fault(frame);
}

void exceptions_set_context(struct exception_context new_context)
{
    context = new_context;
}

void exceptions_set_hooks(struct exception_hooks new_hooks)
{
    hooks = new_hooks;
}

const struct paging_space *exceptions_set_active_space(const struct paging_space *active)
{
    const struct paging_space *before = context.active;
    context.active = active;
    return before;
}

void exception_report(struct exception_frame *frame)
{
    static unsigned depth;
    if (is_handled(frame))
        return;
    console_divert(NULL);
    /* A fault inside the explanation is reported in one line; a fault inside that line ends everything. */
    if (++depth == 1)
        describe(frame);
    else if (depth == 2)
        print("\n%s at %016lx while explaining\n", exception_name(frame->vector), frame->rip);
    else
        cpu_halt();
    hooks.fatal(exception_name(frame->vector));
    cpu_halt();
}
