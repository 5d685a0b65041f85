/* SPDX-License-Identifier: MIT */
/* find serial port: which ports the kernel tries, in which memory ACPI is read, and what is mapped for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "efi/loader.h"
#include "kernel/boot/acpi.h"
#include "kernel/boot/own_blocks.h"
#include "kernel/console/serial.h"
#include "kernel/console/spcr.h"

#define RSDP  UINT64_C(0xf5ab0)
#define LIMIT ((uint64_t)1 << 40)

static struct handoff handoff;
static struct loader loader;
static char said[2048];

static struct {
    const char *no_table, *no_port; /* why not; NULL: there is one */
    struct uart port;               /* that SPCR names */
    bool answers_at_com1, answers_at_port;
    EFI_STATUS region;
    const struct acpi_memory *memory; /* while the table is looked for */
    void (*look)(const struct acpi_memory *memory);
    char regions[256];
} machine;

/* ---- the parts of kernel and loader that are not tested here ---- */

static uint8_t table[90];

const uint8_t *acpi_find_table(const struct acpi_memory *memory, uint64_t rsdp, const char *signature,
                               size_t *bytes, struct format_sink *why)
{
    assert_true(rsdp == RSDP);
    assert_string_equal(signature, "SPCR");
    if (machine.look)
        machine.look(memory);
    *bytes = sizeof table;
    if (machine.no_table)
        format(why, "%s", machine.no_table);
    return machine.no_table ? NULL : table;
}

bool spcr_read(const uint8_t *read, size_t bytes, uint64_t limit, struct uart *uart, struct format_sink *why)
{
    assert_ptr_equal(read, table);
    assert_int_equal(bytes, sizeof table);
    assert_true(limit == LIMIT);
    if (machine.no_port)
        format(why, "%s", machine.no_port);
    else
        *uart = machine.port;
    return !machine.no_port;
}

bool serial_answers(const struct uart *uart)
{
    return uart->address == 0x3f8 ? machine.answers_at_com1 : machine.answers_at_port;
}

UINT64 address_limit(const struct paging_cpu *cpu)
{
    assert_ptr_equal(cpu, &handoff.space.cpu);
    return LIMIT;
}

EFI_STATUS add_region(struct loader *to, const char *name, UINT64 start, UINT64 end, UINT64 flags, bool exact)
{
    assert_ptr_equal(to, &loader);
    assert_false(exact);
    assert_int_equal(flags, PAGING_WRITABLE | PAGING_NO_EXECUTE | PAGING_CACHE_UNCACHED_MINUS);
    snprintf(machine.regions + strlen(machine.regions), 64, "%s %lx..%lx;", name, start, end);
    return machine.region;
}

void drop_region(struct handoff *of, const char *name)
{
    assert_ptr_equal(of, &handoff);
    snprintf(machine.regions, sizeof machine.regions, "dropped: %s", name);
}

void say(const char *text, ...)
{
    size_t length = strlen(said);
    struct text_sink sink = text_sink(said + length, sizeof said - length);
    va_list arguments;
    va_start(arguments, text);
    format_list(&sink.sink, text, arguments);
    va_end(arguments);
}

/* ---- the tests ---- */

static int begin(void **state)
{
    (void)state;
    memset(&handoff, 0, sizeof handoff);
    memset(&machine, 0, sizeof machine);
    memset(said, 0, sizeof said);
    handoff.rsdp.value = RSDP;
    loader = (struct loader){.handoff = &handoff};
    machine.no_table = "";
    return 0;
}

/* A machine whose SPCR names this port. */
static void name_port(bool is_mmio, uint64_t address, uint8_t stride)
{
    machine.no_table = NULL;
    machine.port =
        (struct uart){.name = "spcr", .is_mmio = is_mmio, .width = 1, .stride = stride, .address = address};
}

static void expect(unsigned count, const char *spcr, bool answers, const char *words, const char *regions)
{
    assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
    assert_int_equal(handoff.serial_count, count);
    assert_string_equal(handoff.spcr, spcr);
    assert_int_equal(loader.serial_answers, answers);
    assert_string_equal(said, words);
    assert_string_equal(machine.regions, regions);
}

static void without_spcr(void **state)
{
    (void)state;
    expect(1, "none", false, "  ACPI's SPCR: none\n  com1 at io 3f8: no 16550 answers\n", "");
    begin(NULL);
    machine.answers_at_com1 = true;
    machine.no_table = "the checksum of the table SPCR is wrong";
    expect(1, "not used: the checksum of the table SPCR is wrong", true,
           "  ACPI's SPCR: not used: the checksum of the table SPCR is wrong\n"
           "  com1 at io 3f8: answers\n",
           "");
    begin(NULL);
    name_port(false, 0x2f8, 1);
    machine.no_port = "it says that no port is used";
    expect(1, "not used: it says that no port is used", false,
           "  ACPI's SPCR: not used: it says that no port is used\n  com1 at io 3f8: no 16550 answers\n", "");
    assert_int_equal(handoff.serial[0].address, 0x3f8);
}

static void the_port_that_spcr_names(void **state)
{
    (void)state;
    name_port(false, 0x2f8, 1);
    machine.answers_at_port = true; /* and COM1 does not: one is enough */
    expect(2, "io 2f8 as-is", true,
           "  ACPI's SPCR: io 2f8 as-is\n  spcr at io 2f8: answers\n  com1 at io 3f8: no 16550 answers\n",
           "");
    begin(NULL);
    name_port(true, 0xfe032000, 4);
    machine.answers_at_com1 = true;
    expect(2, "mmio fe032000 stride 4 as-is", true,
           "  ACPI's SPCR: mmio fe032000 stride 4 as-is\n"
           "  spcr at mmio fe032000: no 16550 answers\n  com1 at io 3f8: answers\n",
           "serial port fe032000..fe032020;");
    assert_int_equal(handoff.serial[0].address, 0xfe032000);
    assert_int_equal(handoff.serial[1].address, 0x3f8);
}

/* To try the port would be to write to our own stack. */
static void a_port_over_memory_of_ours_is_not_used(void **state)
{
    static const uint64_t addresses[] = {0x1000000 - 0x1c, 0x1000000, 0x1000ffc};
    for (unsigned i = 0; i < 3; i++) {
        begin(state);
        assert_true(own_blocks_add(&handoff, "stack", 0x1000000, 0x1000, true));
        name_port(true, addresses[i], 4);
        machine.answers_at_com1 = true;
        char spcr[96];
        snprintf(spcr, sizeof spcr, "not used: its registers at %lx lie over memory of ours: stack",
                 addresses[i]);
        assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
        assert_string_equal(handoff.spcr, spcr);
        assert_string_equal(machine.regions, "");
        assert_int_equal(handoff.serial_count, 1);
    }
    begin(state);
    assert_true(own_blocks_add(&handoff, "stack", 0x1000000, 0x1000, true));
    name_port(false, 0x1000, 1); /* ports are no memory */
    assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
    assert_int_equal(handoff.serial_count, 2);
    begin(state);
    assert_true(own_blocks_add(&handoff, "stack", 0x1000000, 0x1000, true));
    name_port(true, 0x1001000, 4); /* right behind */
    assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
    assert_int_equal(handoff.serial_count, 2);
}

/* What is taken afterwards may lie over a port that was free memory: the page tables do, for one. */
static void a_port_that_memory_of_ours_comes_to_lie_over_is_dropped(void **state)
{
    (void)state;
    name_port(true, 0x1000000, 4);
    assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
    check_serial_ports_are_apart(&loader);
    assert_int_equal(handoff.serial_count, 2);
    assert_string_equal(machine.regions, "serial port 1000000..1000020;");
    assert_true(own_blocks_add(&handoff, "page tables", 0x1000000, 0x1000, true));
    check_serial_ports_are_apart(&loader);
    assert_int_equal(handoff.serial_count, 1);
    assert_int_equal(handoff.serial[0].address, 0x3f8);
    assert_string_equal(machine.regions, "dropped: serial port");
    assert_string_equal(handoff.spcr,
                        "not used: its registers at 1000000 lie over memory of ours: page tables");
}

static void what_the_options_choose(void **state)
{
    (void)state;
    handoff.options.serial = SERIAL_OFF;
    name_port(true, 0xfe032000, 4);
    expect(0, "mmio fe032000 stride 4 as-is", false,
           "  ACPI's SPCR: mmio fe032000 stride 4 as-is\n  none is used\n", "");
    begin(NULL);
    handoff.options.serial = SERIAL_SPCR;
    expect(0, "none", false, "  ACPI's SPCR: none\n  none is used\n", "");
}

static void registers_that_cannot_be_mapped(void **state)
{
    (void)state;
    name_port(true, 0xfe032000, 4);
    machine.region = EFI_OUT_OF_RESOURCES;
    assert_int_equal(find_serial_port(&loader), EFI_OUT_OF_RESOURCES);
}

/* ---- what ACPI may be read from ---- */

static struct memory_descriptor map[] = {
    {.start = 0x200000, .page_count = 1}, {.start = 0x300000, .page_count = 2},
    {.start = 0x201000, .page_count = 3}, /* goes on where the first one ends */
    {.start = 0x500000, .page_count = 0}, {.start = UINT64_MAX - 0xffff, .page_count = 15},
};

static void look_at_edges(const struct acpi_memory *memory)
{
    static const struct {
        uint64_t start, bytes;
        bool is_readable;
    } ranges[] = {
        {1, 1, true},
        {0, 0x100000, true}, /* the first MiB, which the map may leave out */
        {0xfffff, 1, true},
        {0xfffff, 2, false},
        {0x100000, 1, false},
        {0x1fffff, 1, false},
        {0x200000, 1, true},
        {0x200fff, 1, true},
        {0x200fff, 2, true},
        {0x200000, 0x4000, true},
        {0x200000, 0x4001, false},
        {0x203fff, 1, true},
        {0x204000, 1, false},
        {0x300000, 0x2000, true},
        {0x2fffff, 2, false},
        {0x301fff, 2, false},
        {0x500000, 1, false},
        {0x500000, 0, true}, /* nothing is read */
        {UINT64_MAX - 0xffff, 0xf000, true},
        {UINT64_MAX - 0xffff, 0xf001, false},
        {UINT64_MAX - 0xffff, 0x10000, false}, /* ends behind the last address */
        {0x200000, UINT64_MAX, false},
        {0xfffff, UINT64_MAX - 0xffff0, false},
    };
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (memory->is_readable(memory, ranges[i].start, ranges[i].bytes) != ranges[i].is_readable)
            fail_msg("%lx, %lx bytes", ranges[i].start, ranges[i].bytes);
}

static void only_what_the_map_has_is_read(void **state)
{
    (void)state;
    handoff.descriptors = map;
    handoff.descriptor_count = sizeof map / sizeof *map;
    machine.look = look_at_edges;
    assert_int_equal(find_serial_port(&loader), EFI_SUCCESS);
}

#define TEST(name, function)              \
    {                                     \
        name, function, begin, NULL, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("serial port: without SPCR it is COM1, and the reason is told", without_spcr),
        TEST("serial port: the one that SPCR names comes first, and its registers are mapped",
             the_port_that_spcr_names),
        TEST("serial port: one over memory of ours is not used", a_port_over_memory_of_ours_is_not_used),
        TEST("serial port: one that memory of ours comes to lie over is dropped",
             a_port_that_memory_of_ours_comes_to_lie_over_is_dropped),
        TEST("serial port: the options may choose none", what_the_options_choose),
        TEST("serial port: registers that cannot be mapped end the step", registers_that_cannot_be_mapped),
        TEST("serial port: ACPI is read only from memory that the map has, to the byte",
             only_what_the_map_has_is_read),
    };
    return cmocka_run_group_tests_name("find_serial_port", tests, NULL, NULL);
}
