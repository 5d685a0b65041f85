/* SPDX-License-Identifier: MIT */
/*
 * find_serial_port.c - decides which serial ports the kernel tries. kernel/boot/acpi.h finds the table SPCR,
 * and kernel/console/spcr.h says what it means.
 */
#include "kernel/boot/acpi.h"
#include "kernel/boot/own_blocks.h"
#include "kernel/console/serial.h"
#include "kernel/console/spcr.h"
#include "loader.h"

static const char region_name[] = "serial port";

/* ACPI's memory is what the firmware's memory map has. Its description may leave out the first MiB. */
struct map_memory {
    struct acpi_memory memory;
    const struct handoff *handoff;
};

/* Returns the end of the descriptor that covers an address, or 0 if none does. */
static UINT64 covered_up_to(const struct handoff *handoff, UINT64 address)
{
    const UINT64 first_mib = 0x100000;
    if (address < first_mib)
        return first_mib;
    for (UINT64 i = 0; i < handoff->descriptor_count; i++) {
        const struct memory_descriptor *descriptor = &handoff->descriptors[i];
        UINT64 pages = address < descriptor->start ? 0 : (address - descriptor->start) / EFI_PAGE_SIZE + 1;
        if (pages > 0 && pages <= descriptor->page_count)
            return descriptor->start + descriptor->page_count * EFI_PAGE_SIZE;
    }
    return 0;
}

static bool is_in_map(const struct acpi_memory *memory, uint64_t start, uint64_t bytes)
{
    const struct handoff *handoff = ((const struct map_memory *)memory)->handoff;
    if (start + bytes < start)
        return false;
    for (UINT64 at = start; at < start + bytes;) {
        UINT64 next = covered_up_to(handoff, at);
        if (next <= at)
            return false;
        at = next;
    }
    return true;
}

/* Returns whether the port's registers lie apart from memory of ours: the test of a port writes to them. */
static bool is_apart(const struct handoff *handoff, const struct uart *uart, struct format_sink *why)
{
    const struct own_block *under =
        uart->is_mmio ? own_blocks_find(handoff, uart->address, uart_span(uart)) : NULL;
    return !under || format_refusal(why, "its registers at %lx lie over memory of ours: %s", uart->address,
                                    under->name);
}

/* Reads the table SPCR, and notes in words what it says. Returns false if it names no port of use. */
static bool read_spcr(struct loader *loader, struct uart *uart)
{
    struct handoff *handoff = loader->handoff;
    const struct map_memory memory = {{is_in_map}, handoff};
    char why[HANDOFF_SENTENCE_LIMIT];
    struct text_sink reason = text_sink(why, sizeof why);
    struct text_sink text = text_sink(handoff->spcr, sizeof handoff->spcr);
    size_t bytes;
    const uint8_t *table = acpi_find_table(&memory.memory, handoff->rsdp.value, "SPCR", &bytes, &reason.sink);
    if (table && spcr_read(table, bytes, address_limit(&handoff->space.cpu), uart, &reason.sink) &&
        is_apart(handoff, uart, &reason.sink)) {
        uart_describe_place(uart, &text.sink);
        return true;
    }
    if (why[0] == '\0')
        format(&text.sink, "none");
    else
        format(&text.sink, "not used: %s", why);
    return false;
}

EFI_STATUS find_serial_port(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    struct uart spcr;
    bool named = read_spcr(loader, &spcr);
    handoff->serial_count = uart_choose(handoff->options.serial, named ? &spcr : NULL, handoff->serial);
    say("  ACPI's SPCR: %s\n", handoff->spcr);
    for (unsigned i = 0; i < handoff->serial_count; i++) {
        const struct uart *uart = &handoff->serial[i];
        bool answers = serial_answers(uart);
        loader->serial_answers = loader->serial_answers || answers;
        say("  %s at %s %lx: %s\n", uart->name, uart->is_mmio ? "mmio" : "io", uart->address,
            answers ? "answers" : "no 16550 answers");
        EFI_STATUS status = EFI_SUCCESS;
        if (uart->is_mmio)
            status = add_region(loader, region_name, uart->address, uart->address + uart_span(uart),
                                PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_UNCACHED_MINUS, false);
        if (EFI_ERROR(status))
            return status;
    }
    if (handoff->serial_count == 0)
        say("  none is used\n");
    return EFI_SUCCESS;
}

void check_serial_ports_are_apart(struct loader *loader)
{
    struct handoff *handoff = loader->handoff;
    unsigned kept = 0;
    for (unsigned i = 0; i < handoff->serial_count; i++) {
        char why[HANDOFF_SENTENCE_LIMIT];
        struct text_sink reason = text_sink(why, sizeof why);
        if (is_apart(handoff, &handoff->serial[i], &reason.sink)) {
            handoff->serial[kept++] = handoff->serial[i];
            continue;
        }
        struct text_sink text = text_sink(handoff->spcr, sizeof handoff->spcr);
        format(&text.sink, "not used: %s", why);
        say("  no serial port: %s\n", why);
        drop_region(handoff, region_name);
    }
    handoff->serial_count = kept;
}
