/*
 * main.c - our half, step by step. CR3 holds the fresh P4, the stack is ours, the firmware is gone.
 */
#include "boot/main.h"
#include "boot/fault_injection.h"
#include "boot/machine.h"
#include "boot/machine_facts.h"
#include "boot/start_frames.h"
#include "console/console.h"
#include "report/dump.h"
#include "report/report.h"
#include "selftest/selftest.h"

static struct frames frames;

_Noreturn void kernel_main(struct handoff *handoff)
{
    handoff_mark(handoff, "the tables are ours");
    paging_mark_active(&handoff->space);
    print("Selfmap: the tables are ours\n");
    print("Selfmap: memory types, then what protects: write protection, SMEP, SMAP\n");
    (void)cpu_program_pat();
    cpu_enable_protection();
    print("Selfmap: sort the memory map, hand it to the frame allocator\n");
    frames_start(handoff, &frames);
    print_machine_facts(handoff, &frames);
    inject_fault(handoff);
    selftest_run_all(handoff, &frames);
    dump_tables(handoff, &frames);
    report_end();
}
