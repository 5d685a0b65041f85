/* SPDX-License-Identifier: MIT */
/*
 * enter.c - the switch from the firmware's page tables, descriptor tables and stack to the kernel's.
 *
 * Before CR3 is loaded, only what suits both sets of tables may change. The firmware's flags, breakpoints,
 * global translations, PCIDs and shadow stacks are switched off first: they would stop the kernel, outlive
 * the load of CR3, or object to a far return. Descriptor tables and console come before anything that can
 * fail, so that a failure is reported; a screen that only the fresh tables map comes after the load. EFER.NXE
 * is set because the fresh tables hold no-execute bits. SMEP and SMAP are set after the load, because the
 * firmware's pages may be user pages.
 */
#include "boot/build_id.h"
#include "boot/end.h"
#include "boot/fault_injection.h"
#include "boot/main.h"
#include "boot/steps.h"
#include "console/console.h"
#include "console/kept.h"
#include "cpu/descriptors.h"
#include "cpu/exceptions.h"
#include "cpu/instructions.h"
#include "cpu/known_spaces.h"
#include "cpu/safe_access.h"
#include "cpu/single_step.h"
#include "cpu/take_over.h"
#include "cpu/watchdog.h"
#include "faults/page_faults.h"
#include "report/report.h"
#include "selftest/selftest.h"

/* switch.S: loads CR3 and the stack pointer and calls entry(argument). */
_Noreturn void cross_over(uint64_t cr3, uint64_t stack, void (*entry)(struct handoff *),
                          struct handoff *argument) __attribute__((visibility("hidden")));

/* switch.S: the same, and sets CR4.LA57 on the way. All addresses must be below 4 GiB. */
_Noreturn void cross_over_to_five_levels(uint64_t cr3, uint64_t stack, void (*entry)(struct handoff *),
                                         struct handoff *argument) __attribute__((visibility("hidden")));

enum {
    FRAME_RECORD_BYTES = 16,
    FIRMWARE_STACK_BYTES = 128 << 10, /* at least; UEFI 2.10, 2.3.4 */
};

/* Tells whether somebody handles or has waited for this exception, and lets the code go on that has. */
static bool is_expected(struct exception_frame *frame)
{
    return page_faults_take(frame) || safe_access_end(frame) || selftest_takes_fault(frame);
}

/* Ends a run that an exception has stopped. */
static _Noreturn void crashed(const char *why)
{
    selftest_tell_crash();
    report_crash(why);
}

static const struct handoff *regions_of; /* whose regions are mapped to their own address */

/* Returns the name of the region, or of the area, that a mapped address belongs to, or NULL. */
static const char *name_at(paging_virt_t address)
{
    for (unsigned i = 0; i < regions_of->region_count; i++) {
        const struct handoff_region *region = &regions_of->regions[i];
        if (address.value >= paging_frame_start(region->start).value &&
            address.value < paging_frame_start(region->end).value)
            return region->name;
    }
    return page_faults_name_at(address);
}

/* Connects the rooms that must not know each other: exceptions, report, end of the run. */
static void set_hooks(struct handoff *handoff)
{
    regions_of = handoff;
    end_prepare(handoff);
    report_set_end(end_run);
    uint64_t loader_stack_end = handoff->loader_frame + FRAME_RECORD_BYTES;
    exceptions_set_context((struct exception_context){
        .image_base = handoff->image_base,
        .build_id = build_id(),
        .stack_guard = handoff->stack_guard,
        .stack_top = handoff->stack_top,
        .loader_stack = {loader_stack_end - FIRMWARE_STACK_BYTES, loader_stack_end},
        .name_at = name_at,
        .explain_fault = page_faults_explain,
    });
    (void)!known_spaces_add(&handoff->space); /* it is the first one */
    exceptions_set_hooks((struct exception_hooks){.single_step = single_step_taken,
                                                  .expected_fault = is_expected,
                                                  .interrupt = watchdog_interrupt,
                                                  .fatal = crashed});
}

/* Returns whether eight bytes can be read and written. */
static bool can_be_written(uint64_t address)
{
    struct safe_access read = safe_read((paging_virt_t){address});
    return !read.faulted && !safe_write((paging_virt_t){address}, read.value).faulted;
}

/* Returns whether the firmware's tables map each page of the framebuffer: above 4 GiB U-Boot's do not. */
static bool is_mapped(const struct framebuffer *framebuffer)
{
    uint64_t at = framebuffer->address.value, end = at + framebuffer->bytes;
    for (; at + sizeof(uint64_t) <= end; at = (at | (PAGING_PAGE_BYTES - 1)) + 1)
        if (!can_be_written(at))
            return false;
    return framebuffer->bytes < sizeof(uint64_t) || can_be_written(end - sizeof(uint64_t));
}

/* Starts the sinks that work with the firmware's tables still; kernel_main starts a screen that does not. */
static void start_console(const struct handoff *handoff)
{
    console_start_serial(handoff->serial, handoff->serial_count);
    if (handoff->options.screen != SCREEN_OFF && is_mapped(&handoff->framebuffer))
        console_start_screen(&handoff->framebuffer);
}

_Noreturn void kernel_enter(struct handoff *handoff)
{
    const struct options *options = &handoff->options;
    uint64_t root = paging_root_address(&handoff->space).value;
    cpu_take_over(handoff->space.cpu.has_no_execute);
    set_hooks(handoff);
    kept_set_state(KEPT_IN_KERNEL);
    step_note("load our descriptor tables");
    descriptors_load();
    cpu_stop_tracing();
    step_note("start the console");
    start_console(handoff);
    print("\nSelfmap " SELFMAP_VERSION ": the firmware is gone, now CR3\n");
    report_fact("build_id", "%s", build_id());
    inject_early_fault(handoff);
    step_begin(options, "switch to our page tables");
    handoff_mark(handoff, "cross over");
    if (handoff->space.cpu.levels == 5 && !(read_cr4() & CR4_LA57))
        cross_over_to_five_levels(root, handoff->stack_top, kernel_main, handoff);
    cross_over(root, handoff->stack_top, kernel_main, handoff);
}
