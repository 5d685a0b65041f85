/* SPDX-License-Identifier: MIT */
/*
 * main.c - the kernel's life, step by step. CR3 holds the fresh tables, the stack is the kernel's own, and
 * the firmware is gone.
 */
#include "boot/main.h"
#include "boot/fault_injection.h"
#include "boot/late_audit.h"
#include "boot/machine_facts.h"
#include "boot/runtime_space.h"
#include "boot/stack_guards.h"
#include "boot/stack_use.h"
#include "boot/start_frames.h"
#include "boot/steps.h"
#include "console/console.h"
#include "console/log.h"
#include "console/screen.h"
#include "cpu/control.h"
#include "cpu/cpuid.h"
#include "cpu/hardware_errors.h"
#include "cpu/tsc_rate.h"
#include "cpu/watchdog.h"
#include "display/display.h"
#include "display/qr_page.h"
#include "report/dump.h"
#include "report/report.h"
#include "selftest/selftest.h"
#include <selfmap/processor.h>

/* Time goes on in an emulator while its host is busy with something else: the default is multiplied. */
enum { EMULATOR_PATIENCE = 10 };
enum { CALL_BYTES = 256 }; /* of the stack, at most, for a call of stack_mark */

static struct frames frames;
static struct paging_space *space; /* the active one */
static const struct handoff *handed_over;
static struct selftest_region regions[HANDOFF_REGION_LIMIT + 1];
static const char *option_errors[OPTION_ERROR_LIMIT];
static const char *no_watchdog; /* why there is none, or NULL */
static unsigned left_errors;    /* banks of machine checks that held an error before the run */

/* For the self-tests: looks once more at the memory that was held back. */
static uint64_t late_changes(uint64_t *audited)
{
    late_audit_after_tests(space, &frames.source);
    return late_audit_result(audited);
}

/* For the self-tests as well: what is not mapped any more. */
static void for_each_released(released_run_callback callback, void *context)
{
    runtime_space_for_each_released(handed_over, memory_region_count(), callback, context);
}

/* Copies what the self-tests have to know out of the hand-over, and runs them. */
static void run_selftests(struct handoff *handoff)
{
    const struct options *options = &handoff->options;
    unsigned kept = 0, region_count = 0;
    for (unsigned i = 0; i < handoff->region_count; i++)
        if (!handoff->regions[i].for_runtime && !handoff->regions[i].until_exit)
            regions[region_count++] = (struct selftest_region){.name = handoff->regions[i].name,
                                                               .start = handoff->regions[i].start,
                                                               .end = handoff->regions[i].end};
    for (; kept < options->error_count && kept < OPTION_ERROR_LIMIT; kept++)
        option_errors[kept] = options->errors[kept];
    const struct selftest_setup setup = {
        .space = &handoff->space,
        .frames = &frames,
        .memory = handoff->memory,
        .memory_count = memory_region_count(),
        .regions = regions,
        .region_count = region_count,
        .runtime_space = runtime_space(),
        .for_each_released = for_each_released,
        .arena = &handoff->arena,
        .tables_not_adopted = memory_tables_not_adopted(),
        .framebuffer = handoff->framebuffer,
        .firmware_cr3 = handoff->firmware_cr3,
        .stack_guard = handoff->stack_guard,
        .stack_top = handoff->stack_top,
        .marks = handoff->marks,
        .mark_count = handoff->mark_count,
        .mark_limit = HANDOFF_MARK_LIMIT,
        .tests = options->tests,
        .soak_seconds = options->soak_seconds,
        .fail_round = options->fail_round,
        .crashes = options->crash == CRASH_IN_TEST,
        .hangs = options->crash == CRASH_HANG_IN_TEST,
        .slow = options->slow_steps,
        .late_changes = late_changes,
        .option_errors = option_errors,
        .option_errors_kept = kept,
        .option_error_count = options->error_count,
        .bench = options->bench,
        .matrix = options->matrix != MATRIX_NO,
        .dense_matrix = options->matrix == MATRIX_DENSE,
        .whole_matrix = options->matrix == MATRIX_ALL,
    };
    selftest_run_all(&setup);
}

/* If a huge page must be split, the arena gives the table: the frame allocator does not exist yet. */
static void guard_stacks(struct handoff *handoff)
{
    enum paging_status status = stack_guards_unmap(space, &handoff->arena.source);
    if (status == PAGING_OK)
        return;
    print("# stack guards: %s\n", paging_status_name(status));
    report_crash("the pages below the stacks cannot be unmapped");
}

/* Starts a screen that the firmware's tables do not map, and shows on it what was printed until now. */
static void start_late_screen(struct handoff *handoff)
{
    if (console_has_screen() || handoff->options.screen == SCREEN_OFF || handoff->framebuffer.width == 0)
        return;
    console_start_screen(&handoff->framebuffer);
    if (!console_has_screen())
        return;
    print("Selfmap: the screen starts only now: the firmware's tables do not map it\n");
    screen_clear();
    screen_put_end_of(log_text(), log_length(), NULL, 0);
}

/* Unmaps what only the firmware needs. First tables may go, also those that the allocator did not adopt. */
static void keep_firmware_apart(const struct handoff *handoff)
{
    uint64_t refused = frames.refused_releases;
    enum paging_status status = runtime_space_make(handoff, space, memory_region_count(), &frames.source);
    if (status != PAGING_OK) {
        print("# runtime space: %s\n", paging_status_name(status));
        report_crash("the firmware's memory cannot be kept apart");
    }
    memory_note_dropped_tables(frames.refused_releases - refused);
    frames.refused_releases = refused;
    report_fact("runtime_cr3", "%lx", paging_root_address(runtime_space()).value);
    report_fact("runtime_tables", "%lu", paging_counted(runtime_space()).tables);
}

/* From now on the screen shows more than text. */
static void start_display(const struct handoff *handoff)
{
    const struct display_setup setup = {
        .version = SELFMAP_VERSION,
        .machine = handoff->machine,
        .firmware = handoff->firmware,
        .space = &handoff->space,
        .memory = handoff->memory,
        .memory_count = memory_region_count(),
    };
    display_start(&setup);
    display_add_page(&qr_page);
    report_set_observer(&display_observer);
}

/* From now on the hardware's errors are reported, and what does not end is ended. */
static void start_watching(struct handoff *handoff)
{
    const struct options *options = &handoff->options;
    unsigned seconds = options->watchdog_seconds;
    if (seconds == 0)
        seconds = OPTION_WATCHDOG_SECONDS * (machine_is_qemu(handoff->rsdp_oem) ? EMULATOR_PATIENCE : 1);
    left_errors = machine_checks_start();
    no_watchdog = "watchdog=off";
    if (!options->no_watchdog)
        no_watchdog = watchdog_start(&handoff->space, &handoff->arena.source, seconds);
    if (watchdog_registers() != 0)
        handoff->regions[handoff->region_count++] = (struct handoff_region){
            .name = "local APIC",
            .start = paging_frame_containing((paging_phys_t){watchdog_registers()}),
            .end = paging_frame_containing((paging_phys_t){watchdog_registers() + PAGING_PAGE_BYTES}),
            .flags = WATCHDOG_REGISTER_FLAGS,
        };
}

static void print_watching(void)
{
    report_fact("watchdog", "%s%s", no_watchdog ? "no: " : "yes", no_watchdog ? no_watchdog : "");
    report_fact("machine_checks_left", "%u", left_errors);
}

/* Says what came in between, and with steps=slow how much time was waited. */
static void stop_watching(const struct options *options)
{
    unsigned first, unexpected = watchdog_unexpected(&first);
    uint64_t seconds;
    watchdog_stop();
    report_fact("interrupts_unexpected", "%u", unexpected);
    if (unexpected > 0)
        report_fact("interrupts_unexpected_first", "%x", first);
    if (options->slow_steps) {
        unsigned waits = tsc_waits(&seconds);
        report_fact("steps_slow", "steps=%u seconds=%lu", waits, seconds);
    }
}

/* Prints the mappings if the options ask for it. Mixed mappings are for emulators only (report/dump.h). */
static void dump_if_asked(struct handoff *handoff)
{
    enum dump_kind kind = handoff->options.dump;
    bool mixed = kind == DUMP_VARIED && machine_is_qemu(handoff->rsdp_oem);
    if (kind != DUMP_NO)
        dump_tables(&handoff->space, mixed, &frames.source);
}

/* Lowest word of the stack; the page below it is not mapped. */
static uint64_t *stack_low(const struct handoff *handoff)
{
    return (uint64_t *)(handoff->stack_guard + PAGING_PAGE_BYTES);
}

/* Tells how deep the stack was used since kernel_main began. */
static void tell_stack_use(const struct handoff *handoff)
{
    uint64_t *low = stack_low(handoff), *top = (uint64_t *)handoff->stack_top;
    uint64_t bytes = (uint64_t)(top - low) * sizeof *low;
    report_fact("stack_used", "%lu of %lu bytes", bytes - stack_unused_bytes(low, top), bytes);
}

static inline __attribute__((always_inline)) uint64_t read_rsp(void)
{
    uint64_t value;
    __asm__ volatile("movq %%rsp, %0" : "=r"(value));
    return value;
}

_Noreturn void kernel_main(struct handoff *handoff)
{
    const struct options *options = &handoff->options;
    handoff_mark(handoff, "the tables are ours");
    stack_mark(stack_low(handoff), (uint64_t *)(read_rsp() - CALL_BYTES));
    space = &handoff->space;
    handed_over = handoff;
    paging_mark_active(space); /* the tables are reached through the recursive slot from now on */
    start_late_screen(handoff);
    print("Selfmap: the tables are ours\n");
    step_note("unmap the page below each stack");
    guard_stacks(handoff); /* boot/stack_guards.h */
    step_begin(options, "set memory types");
    (void)paging_pat_program(PAGING_PAT_OF_THE_CORE);
    step_begin(options, "switch on write protection, SMEP and SMAP");
    cpu_enable_protection(); /* CR0.WP, SMEP, SMAP, UMIP, global pages */
    step_begin(options, "listen to machine checks, start the watchdog");
    start_watching(handoff); /* cpu/watchdog.h, cpu/hardware_errors.h */
    step_begin(options, "sort the memory map, hand it to the frame allocator");
    frames_start(handoff, &frames); /* boot/start_frames.c */
    step_begin(options, "keep the firmware's memory in a space of its own");
    keep_firmware_apart(handoff); /* boot/runtime_space.h */
    step_begin(options, "start the display");
    start_display(handoff); /* display/display.h */
    step_note("print facts");
    print_machine_facts(handoff, &frames); /* for the log: "# key=value" */
    print_watching();
    late_audit_print();
    step_note("run the self-tests");
    inject_fault(handoff, &frames); /* only with the option crash= */
    run_selftests(handoff);         /* selftest/runner.c */
    tell_stack_use(handoff);
    step_note("sum up");
    stop_watching(options);
    dump_if_asked(handoff); /* only with the option dump= */
    report_end();           /* the summary; ends the run in boot/end.c */
}
