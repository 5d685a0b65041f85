/*
 * main.c - our half, step by step. CR3 holds the fresh P4, the stack is ours, the firmware is gone.
 */
#include "main.h"
#include "console.h"
#include "crash.h"
#include "dump.h"
#include "facts.h"
#include "machine.h"
#include "memory.h"
#include "report.h"
#include "selftest.h"

static struct frames frames;

_Noreturn void kernel_main(struct handoff *handoff)
{
    handoff_mark(handoff, "the tables are ours");
    paging_went_live(&handoff->space);
    print("Selfmap: the tables are ours\n");
    print("Selfmap: memory types, then what protects: write protection, SMEP, SMAP\n");
    (void)machine_program_pat();
    machine_protect();
    print("Selfmap: sort the memory map, hand it to the frame allocator\n");
    memory_start(handoff, &frames);
    print_facts(handoff, &frames);
    crash_on_purpose(handoff);
    selftest_run_all(handoff, &frames);
    dump_tables(handoff, &frames);
    report_end();
}
