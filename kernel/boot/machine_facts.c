/* SPDX-License-Identifier: MIT */
/* machine_facts.c - facts for people who read the log, and for scenarios that check it. */
#include "boot/machine_facts.h"
#include "boot/start_frames.h"
#include "console/console.h"
#include "cpu/cpuid.h"
#include "cpu/emulator.h"
#include "cpu/instructions.h"
#include "report/report.h"
#include <selfmap/for_each.h>

/* Tells which serial port is used, what SPCR names, and why a port that was tried is not used. */
static void print_serial(const struct handoff *handoff)
{
    char words[HANDOFF_SENTENCE_LIMIT];
    struct text_sink text = text_sink(words, sizeof words);
    if (console_serial())
        uart_describe(console_serial(), &text.sink);
    else
        format(&text.sink, handoff->options.serial == SERIAL_OFF ? "off" : "none");
    report_fact("serial", "%s", words);
    report_fact("spcr", "%s", handoff->spcr);
    for (unsigned i = 0; i < handoff->serial_count; i++)
        if (console_serial_fault(i)) {
            text = text_sink(words, sizeof words);
            uart_describe(&handoff->serial[i], &text.sink);
            report_fact("serial_not_used", "%s: %s", words, console_serial_fault(i));
        }
}

/* Tells where pixels go, or why they go nowhere. */
static void print_screen(const struct handoff *handoff)
{
    const struct framebuffer *screen = &handoff->framebuffer;
    if (console_has_screen())
        report_fact("framebuffer", "%ux%u", screen->width, screen->height);
    else
        report_fact("framebuffer", "%s", "none");
    if (handoff->options.screen == SCREEN_OFF)
        report_fact("screen", "%s", "off");
    else
        report_fact("screen", "%s", handoff->screen);
}

static void print_firmware(const struct handoff *handoff)
{
    report_fact("version", "%s", SELFMAP_VERSION);
    report_fact("machine", "%s", handoff->machine);
    report_fact("firmware", "%s", handoff->firmware);
    report_fact("firmware_revision", "%x", handoff->firmware_revision);
    report_fact("firmware_cr0", "%lx", handoff->firmware_cr0);
    report_fact("firmware_cr4", "%lx", handoff->firmware_cr4);
    report_fact("firmware_efer", "%lx", handoff->firmware_efer);
    report_fact("firmware_rflags", "%lx", handoff->firmware_rflags);
    report_fact("firmware_dr7", "%lx", handoff->firmware_dr7);
    report_fact("exit_tries", "%u", handoff->exit_tries);
    report_fact("exit_denied", "%d", handoff->exit_denied);
    report_fact("rsdp", "%lx", handoff->rsdp.value);
    report_fact("qemu", "%d", machine_is_qemu(handoff->rsdp_oem));
    report_fact("emulator", "%s", emulator_name(emulator_here()));
    report_fact("last_run", "%s", handoff->last_run);
    report_fact("last_report", "%s", handoff->last_report);
    report_fact("store", "%s", handoff->store);
    report_fact("selfmap_cfg", "%s", handoff->config_file);
    report_fact("load_options", "%s", handoff->load_options);
    print_serial(handoff);
    print_screen(handoff);
}

static void print_processor(const struct handoff *handoff)
{
    char name[CPU_NAME_BYTES];
    const struct paging_cpu *cpu = &handoff->space.cpu;
    cpu_name(name);
    report_fact("processor", "%s", name);
    report_fact("cr0", "%lx", read_cr0());
    report_fact("cr3", "%lx", read_cr3());
    report_fact("cr4", "%lx", read_cr4());
    report_fact("efer", "%lx", read_msr(MSR_EFER));
    report_fact("rflags", "%lx", read_flags());
    report_fact("dr7", "%lx", read_dr7());
    report_fact("levels", "%u", cpu->levels);
    report_fact("physical_bits", "%u", cpu->physical_bits);
    report_fact("has_1g_pages", "%d", cpu->has_1g_pages);
    report_fact("has_no_execute", "%d", cpu->has_no_execute);
    report_fact("smep", "%d", (read_cr4() & CR4_SMEP) != 0);
    report_fact("smap", "%d", (read_cr4() & CR4_SMAP) != 0);
}

void print_machine_facts(const struct handoff *handoff, const struct frames *frames)
{
    print_firmware(handoff);
    print_processor(handoff);
    report_fact("memory_regions", "%lu", (uint64_t)memory_region_count());
    report_fact("frames_usable", "%lu", frames_total(frames));
    report_fact("frames_excluded", "%lu", memory_excluded_total());
    report_fact("frames_left_out", "%lu", memory_left_out());
    report_fact("frames_free", "%lu", frames_free_count(frames));
    report_fact("bookkeeping_bytes", "%lu", handoff->bookkeeping_bytes);
    struct paging_stats stats = {0};
    if (paging_count(&handoff->space, &stats) != PAGING_OK)
        return;
    report_fact("tables_used", "%lu", paging_counted(&handoff->space).tables);
    report_fact("pages_mapped_4k", "%lu", stats.leaves[PAGING_4K]);
    report_fact("pages_mapped_2m", "%lu", stats.leaves[PAGING_2M]);
    report_fact("pages_mapped_1g", "%lu", stats.leaves[PAGING_1G]);
    report_fact("pages_writable_executable", "%lu", stats.writable_executable);
    report_fact("arena_lost", "%lu", handoff->arena.lost);
    report_fact("image_base", "%lx", handoff->image_base);
}
