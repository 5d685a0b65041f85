/*
 * main.c - our half, step by step. CR3 holds the fresh P4, the stack is ours, the firmware is gone.
 */
#include "main.h"
#include "console.h"
#include "crash.h"
#include "facts.h"
#include "faults.h"
#include "machine.h"
#include "memory.h"
#include "report.h"
#include "selftest.h"

static struct frames frames;

_Noreturn void kernel_main(struct handoff *handoff)
{
    paging_went_live(&handoff->space);
    report_use(handoff);
    console_start(&handoff->framebuffer, &handoff->options);
    print("\nSelfmap " SELFMAP_VERSION ": the tables are ours\n");
    faults_use(handoff);
    machine_protect();
    memory_start(handoff, &frames);
    print_facts(handoff, &frames);
    crash_on_purpose(handoff);
    selftest_run_all(handoff, &frames);
    report_end();
}
